//! A sketcher in the caller's memory.

use super::settings::{GRADSIEVE_PROJECTION_SJLT, gradsieve_sketcher_settings};
use super::sketching::Sketching;
use crate::boundary::{answer, array, given, wanted};
use crate::layer::{self, gradsieve_layer};
use crate::memory::{self, Handle, Kind as Held, Room, state};
use crate::sketch::{gradsieve_sketch_id, repeat};
use crate::status::{Refusal, gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use gradsieve::{AnyProjector, Kind, Layer, Layout, Part, Projector, ProjectorSettings, Sjlt, Sketcher};

/// Takes gradients in, segment by segment, and yields the sketch and the exact measures
/// of each in one pass. Initialised once and used for every sample. It lives in memory of
/// gradsieve_sketcher_size bytes and has no bytes at rest: settings and layers make it
/// anew.
pub struct gradsieve_sketcher {
    _private: [u8; 0],
}

/// Bytes of a sketcher's memory beside its numbers and parts.
pub const GRADSIEVE_SKETCHER_FIXED: usize = 960;
/// Bytes of a sketcher's memory a layer, where layers share the numbers out.
pub const GRADSIEVE_SKETCHER_PART: usize = 192;

/// Bytes in front of the sketcher itself.
const FRONT: usize = 64;
pub(crate) const SKETCHER: usize = GRADSIEVE_SKETCHER_FIXED - FRONT;

const _: () = assert!(
    size_of::<Sketcher<AnyProjector<'static>, &'static mut [f32]>>() <= SKETCHER
        && size_of::<Part<'static>>() <= GRADSIEVE_SKETCHER_PART,
    "sketchers or parts have outgrown GRADSIEVE_SKETCHER_FIXED or _PART: raise it"
);

impl Handle for gradsieve_sketcher {
    type State = &'static mut dyn Sketching;
    const KIND: Held = Held(1);
    const FIXED: usize = FRONT;
}

/// Numbers of a sketch, at most.
fn width(settings: &ProjectorSettings, layout: &Layout) -> usize {
    match settings.kind {
        Kind::Exact => usize::try_from(layout.end()).unwrap_or(usize::MAX),
        _ => settings.width,
    }
}

/// Parts that a sketcher needs: one a layer, where layers share the numbers out.
fn parts(settings: &ProjectorSettings, layers: &[Layer]) -> usize {
    match settings.kind {
        Kind::Exact | Kind::Sjlt | Kind::Rademacher | Kind::Gaussian | Kind::Srht | Kind::Mask => 0,
        _ => layers.len(),
    }
}

/// Bytes behind the front.
fn behind(width: usize, parts: usize) -> usize {
    let parts = parts.saturating_mul(GRADSIEVE_SKETCHER_PART);
    width.saturating_mul(4).saturating_add(7) / 8 * 8 + SKETCHER.saturating_add(parts)
}

/// Bytes of a sketcher's memory, for a model of these layers, in rising order of offset.
/// At compile time: GRADSIEVE_SKETCHER_SIZE, or GRADSIEVE_SKETCHER_LAYERS_SIZE for LOGRA,
/// FACTGRASS, LAYERS and KRONECKER.
///
/// Refuses settings that the core does not have, and layers as
/// GRADSIEVE_STATUS_LAYER says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_size(
    settings: *const gradsieve_sketcher_settings,
    layers: *const gradsieve_layer,
    count: usize,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (settings, layers) = (given!(settings).core()?, layer::layers(array!(layers, count)));
        let layout = Layout::new(layers)?;
        let behind = behind(width(&settings, &layout), parts(&settings, layers));
        wanted!(bytes).put(memory::bytes::<gradsieve_sketcher>(behind));
        Ok(())
    })
}

/// Initialises a sketcher of any projection in memory of the caller, which is the
/// sketcher's from then on. The layers are not needed afterwards.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least gradsieve_sketcher_size
/// @param layers the model's layers, in rising order of offset; gaps are allowed
/// @param count how many they are
/// @param sketcher where its address goes: that of the memory
///
/// Refuses memory, settings and layers by what is wrong with them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_init(
    memory: *mut c_void,
    size: usize,
    settings: *const gradsieve_sketcher_settings,
    layers: *const gradsieve_layer,
    count: usize,
    sketcher: *mut *mut gradsieve_sketcher,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (settings, layers) = (given!(settings).core()?, layer::layers(array!(layers, count)));
        let sketcher = wanted!(sketcher);
        let layout = Layout::new(layers)?;
        let needed = parts(&settings, layers);
        let mut room = Room::new(memory, size, behind(width(&settings, &layout), needed))?;
        let parts = room.array(needed, Part::UNUSED)?;
        let projector = AnyProjector::new(&settings, layers, parts)?;
        sketcher.put(put(room, projector, layout)?);
        Ok(())
    })
}

/// As gradsieve_sketcher_init for the projection SJLT alone, whose settings it takes: a
/// program that calls no other links nothing of the other projections.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_init_sjlt(
    memory: *mut c_void,
    size: usize,
    settings: *const gradsieve_sketcher_settings,
    layers: *const gradsieve_layer,
    count: usize,
    sketcher: *mut *mut gradsieve_sketcher,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (settings, layers) = (given!(settings), layer::layers(array!(layers, count)));
        let sketcher = wanted!(sketcher);
        if settings.projection != GRADSIEVE_PROJECTION_SJLT {
            return Err(Refusal::setting("projection", "GRADSIEVE_PROJECTION_SJLT"));
        }
        let layout = Layout::new(layers)?;
        let projector = Sjlt::new(settings.width, settings.key.core(), repeat(settings.repeat)?)?;
        let room = Room::new(memory, size, behind(settings.width, 0))?;
        sketcher.put(put(room, projector, layout)?);
        Ok(())
    })
}

/// Puts a sketcher into its memory.
fn put<P: Projector + 'static>(
    mut room: Room<gradsieve_sketcher>,
    projector: P,
    layout: Layout,
) -> Result<*mut gradsieve_sketcher, Refusal> {
    let numbers = room.array(projector.width(), 0.0)?;
    let sketcher = room.value(Sketcher::new(projector, layout, numbers)?)?;
    Ok(room.put(sketcher))
}

/// K, and what its sketches are labelled with. Either may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_id(
    sketcher: *const gradsieve_sketcher,
    width: *mut usize,
    id: *mut gradsieve_sketch_id,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let own = state!(sketcher).id();
        if !width.is_null() {
            wanted!(width).put(own.width);
        }
        if !id.is_null() {
            wanted!(id).put(gradsieve_sketch_id::of(&own));
        }
        Ok(())
    })
}
