//! The sketcher: gradients in, sketches out.

use crate::boundary::{answer, array, given, wanted};
use crate::memory::{self, Handle, Kind as Held, Room, state, state_mut};
use crate::sketch::{gradsieve_sketch, gradsieve_sketch_id, kind, repeat};
use crate::status::{Refusal, gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use core::mem::offset_of;
use gradsieve::{
    AnyProjector, Error, Factor, Key, Kind, Layer, Layout, Part, Projector, ProjectorSettings, Sjlt, Sketch,
    SketchId, Sketcher, Widths, bf16, f16,
};
use half::slice::HalfBitsSliceExt;

/// One layer's place in the gradient: a row-major matrix of outputs × inputs entries from
/// coordinate offset on. A bias, or any parameter that is no matrix, has one input.
///
/// The coordinates of a gradient are numbered over the whole model.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_layer {
    /// The coordinate of its first entry.
    pub offset: u64,
    /// Rows: the layer's output width.
    pub outputs: u64,
    /// Columns: the layer's input width.
    pub inputs: u64,
}

/// The core has the same, in the same places.
const _: () = assert!(
    size_of::<Layer>() == size_of::<gradsieve_layer>()
        && align_of::<Layer>() == align_of::<gradsieve_layer>()
        && offset_of!(Layer, offset) == offset_of!(gradsieve_layer, offset)
        && offset_of!(Layer, outputs) == offset_of!(gradsieve_layer, outputs)
        && offset_of!(Layer, inputs) == offset_of!(gradsieve_layer, inputs)
);

/// The whole gradient as it is: the sketch is the gradient.
pub const GRADSIEVE_PROJECTION_EXACT: u32 = 0;
/// Sparse Johnson-Lindenstrauss transform: the default. Widths are multiples of 32.
pub const GRADSIEVE_PROJECTION_SJLT: u32 = 1;
/// Dense signs, made on the fly: the least variance, and the most time. Widths are
/// multiples of 16.
pub const GRADSIEVE_PROJECTION_RADEMACHER: u32 = 2;
/// Dense normal numbers, made on the fly. Widths are multiples of 32.
pub const GRADSIEVE_PROJECTION_GAUSSIAN: u32 = 3;
/// Signs, a Hadamard transform by blocks of 1,024 coordinates, and an SJLT.
pub const GRADSIEVE_PROJECTION_SRHT: u32 = 4;
/// Most blocks of 32 coordinates dropped, the rest through an SJLT.
pub const GRADSIEVE_PROJECTION_MASK: u32 = 5;
/// Both factors of the largest layer projected; the other layers through an SJLT or as
/// they are.
pub const GRADSIEVE_PROJECTION_LOGRA: u32 = 6;
/// Some entries of both factors of the largest layer kept, and an SJLT of their product;
/// the other layers through an SJLT or as they are.
pub const GRADSIEVE_PROJECTION_FACTGRASS: u32 = 7;
/// An equal share of the numbers for each layer.
pub const GRADSIEVE_PROJECTION_LAYERS: u32 = 8;
/// Both factors of each layer folded by hashed signs.
pub const GRADSIEVE_PROJECTION_KRONECKER: u32 = 9;

const _: () = assert!(
    GRADSIEVE_PROJECTION_EXACT == Kind::Exact as u32
        && GRADSIEVE_PROJECTION_SJLT == Kind::Sjlt as u32
        && GRADSIEVE_PROJECTION_RADEMACHER == Kind::Rademacher as u32
        && GRADSIEVE_PROJECTION_GAUSSIAN == Kind::Gaussian as u32
        && GRADSIEVE_PROJECTION_SRHT == Kind::Srht as u32
        && GRADSIEVE_PROJECTION_MASK == Kind::Mask as u32
        && GRADSIEVE_PROJECTION_LOGRA == Kind::Logra as u32
        && GRADSIEVE_PROJECTION_FACTGRASS == Kind::FactGrass as u32
        && GRADSIEVE_PROJECTION_LAYERS == Kind::Plan as u32
        && GRADSIEVE_PROJECTION_KRONECKER == Kind::Kronecker as u32
);

/// The factors of GRADSIEVE_PROJECTION_LOGRA go through signs: widths are multiples of
/// 16.
pub const GRADSIEVE_FACTOR_RADEMACHER: u32 = 0;
/// The factors of GRADSIEVE_PROJECTION_LOGRA go through normal numbers: widths are
/// multiples of 32.
pub const GRADSIEVE_FACTOR_GAUSSIAN: u32 = 1;

/// What a projection is drawn by. Who knows it can make gradients that the sketch does
/// not see: where samples may be hostile it must be secret and random.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_key {
    /// A public seed; read if is_secret is 0.
    pub seed: u64,
    /// 128 random bits; read if is_secret is not 0.
    pub secret: [u8; 16],
    /// Whether the key is secret: 0 or 1.
    pub is_secret: u8,
}

/// A projection with all that can be set of it. Begin with
/// gradsieve_sketcher_settings_default; what a projection does not have stays as it is
/// there.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_sketcher_settings {
    /// What it is drawn by. Default: the public seed 0.
    pub key: gradsieve_key,
    /// K: numbers a sketch. Where layers share them out it is the most that there may be;
    /// GRADSIEVE_PROJECTION_EXACT does not read it.
    pub width: usize,
    /// Widths of the factors of LOGRA, or entries of the factors that FACTGRASS keeps:
    /// for the outputs and for the inputs. Default: both 0, which is the widest that fit,
    /// and half of the entries.
    pub outputs_width: usize,
    /// The same for the inputs.
    pub inputs_width: usize,
    /// One of GRADSIEVE_PROJECTION_…. Default: SJLT.
    pub projection: u32,
    /// Places that each coordinate goes to, of SJLT, MASK and FACTGRASS: 1, 2 or 4.
    /// Default: 1.
    pub repeat: u32,
    /// One block of 32 coordinates in so many is kept, of MASK: at most 65535. Default:
    /// 8.
    pub every: u32,
    /// One of GRADSIEVE_FACTOR_…, of LOGRA. Default: RADEMACHER.
    pub factor: u32,
}

impl gradsieve_key {
    const fn core(&self) -> Key {
        if self.is_secret == 0 { Key::seed(self.seed) } else { Key::secret(self.secret) }
    }
}

impl gradsieve_sketcher_settings {
    fn core(&self) -> Result<ProjectorSettings, Refusal> {
        let every = u16::try_from(self.every).ok().filter(|&every| every > 0);
        let factor = match self.factor {
            GRADSIEVE_FACTOR_RADEMACHER => Factor::Rademacher,
            GRADSIEVE_FACTOR_GAUSSIAN => Factor::Gaussian,
            _ => return Err(setting("factor", "one of GRADSIEVE_FACTOR_…")),
        };
        let widths = Widths { outputs: self.outputs_width, inputs: self.inputs_width };
        Ok(ProjectorSettings {
            kind: kind(self.projection)?,
            width: self.width,
            key: self.key.core(),
            repeat: repeat(self.repeat)?,
            every: every.ok_or(setting("every", "from 1 to 65535"))?,
            factor,
            widths: (widths != Widths { outputs: 0, inputs: 0 }).then_some(widths),
        })
    }
}

fn setting(name: &'static str, expected: &'static str) -> Refusal {
    Error::Setting { name, expected }.into()
}

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

/// Numbers of a format.
#[derive(Clone, Copy)]
pub(crate) enum Numbers<'x> {
    F32(&'x [f32]),
    F16(&'x [f16]),
    Bf16(&'x [bf16]),
}

/// A sketcher of any projection. Its functions are reached by a table, so that a program
/// that initialises sketchers of one projection links nothing of the others.
pub(crate) trait Sketching {
    fn id(&self) -> SketchId;
    fn segment(&mut self, offset: u64, x: Numbers<'_>) -> Result<(), Error>;
    fn outer(&mut self, layer: &Layer, a: Numbers<'_>, b: Numbers<'_>) -> Result<(), Error>;
    fn outer_sequence(
        &mut self,
        layer: &Layer,
        positions: usize,
        a: Numbers<'_>,
        b: Numbers<'_>,
    ) -> Result<(), Error>;
    fn finish(&mut self) -> Result<Sketch<'_>, Error>;
    fn abandon(&mut self);
}

impl<P: Projector> Sketching for Sketcher<P, &'static mut [f32]> {
    fn id(&self) -> SketchId {
        self.id()
    }

    fn segment(&mut self, offset: u64, x: Numbers<'_>) -> Result<(), Error> {
        match x {
            Numbers::F32(x) => self.segment(offset, x),
            Numbers::F16(x) => self.segment(offset, x),
            Numbers::Bf16(x) => self.segment(offset, x),
        }
    }

    fn outer(&mut self, layer: &Layer, a: Numbers<'_>, b: Numbers<'_>) -> Result<(), Error> {
        match (a, b) {
            (Numbers::F32(a), Numbers::F32(b)) => self.outer(layer, a, b),
            (Numbers::F16(a), Numbers::F16(b)) => self.outer(layer, a, b),
            (Numbers::Bf16(a), Numbers::Bf16(b)) => self.outer(layer, a, b),
            _ => Ok(()),
        }
    }

    fn outer_sequence(
        &mut self,
        layer: &Layer,
        positions: usize,
        a: Numbers<'_>,
        b: Numbers<'_>,
    ) -> Result<(), Error> {
        match (a, b) {
            (Numbers::F32(a), Numbers::F32(b)) => self.outer_sequence(layer, positions, a, b),
            (Numbers::F16(a), Numbers::F16(b)) => self.outer_sequence(layer, positions, a, b),
            (Numbers::Bf16(a), Numbers::Bf16(b)) => self.outer_sequence(layer, positions, a, b),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<Sketch<'_>, Error> {
        self.finish()
    }

    fn abandon(&mut self) {
        self.abandon();
    }
}

/// The layers that C passed, as the core has them.
fn layers(layers: &[gradsieve_layer]) -> &[Layer] {
    // SAFETY: both are three u64 in the same places, as was seen when this was compiled.
    unsafe { core::slice::from_raw_parts(layers.as_ptr().cast(), layers.len()) }
}

fn layer(layer: &gradsieve_layer) -> Layer {
    Layer::new(layer.offset, layer.outputs, layer.inputs)
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

/// An SJLT of the given width and public seed 0: what settings begin with.
#[unsafe(no_mangle)]
pub extern "C" fn gradsieve_sketcher_settings_default(width: usize) -> gradsieve_sketcher_settings {
    let ProjectorSettings { kind, repeat, every, factor, .. } = ProjectorSettings::DEFAULT;
    gradsieve_sketcher_settings {
        key: gradsieve_key { seed: 0, secret: [0; 16], is_secret: 0 },
        width,
        outputs_width: 0,
        inputs_width: 0,
        projection: kind as u32,
        repeat: repeat.count() as u32,
        every: every.into(),
        factor: factor as u32,
    }
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
        let (settings, layers) = (given!(settings).core()?, self::layers(array!(layers, count)));
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
        let (settings, layers) = (given!(settings).core()?, self::layers(array!(layers, count)));
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
        let (settings, layers) = (given!(settings), self::layers(array!(layers, count)));
        let sketcher = wanted!(sketcher);
        if settings.projection != GRADSIEVE_PROJECTION_SJLT {
            return Err(setting("projection", "GRADSIEVE_PROJECTION_SJLT"));
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

/// Takes in the coordinates offset … offset + length − 1 of a gradient, in any order of
/// segments. The first segment after gradsieve_sketcher_finish begins the next gradient.
///
/// Refuses GRADSIEVE_STATUS_OUTSIDE_LAYOUT; nothing was taken in then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_segment_f32(
    sketcher: *mut gradsieve_sketcher,
    offset: u64,
    x: *const f32,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(sketcher).segment(offset, Numbers::F32(array!(x, length)))?))
}

/// As gradsieve_sketcher_segment_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_segment_f16(
    sketcher: *mut gradsieve_sketcher,
    offset: u64,
    x: *const u16,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let x = array!(x, length).reinterpret_cast();
        Ok(state_mut!(sketcher).segment(offset, Numbers::F16(x))?)
    })
}

/// As gradsieve_sketcher_segment_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_segment_bf16(
    sketcher: *mut gradsieve_sketcher,
    offset: u64,
    x: *const u16,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let x = array!(x, length).reinterpret_cast();
        Ok(state_mut!(sketcher).segment(offset, Numbers::Bf16(x))?)
    })
}

/// Takes in the weight gradient b·aᵀ of a linear layer, which is never multiplied out: a
/// is what went into the layer, b the loss gradient of what came out.
///
/// @param a_length must be the layer's inputs
/// @param b_length must be the layer's outputs
///
/// Refuses GRADSIEVE_STATUS_LENGTH, _OUTSIDE_LAYOUT, and _LAYER_MISMATCH if the
/// projection is made for other layers; nothing was taken in then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_f32(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const f32,
    a_length: usize,
    b: *const f32,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (Numbers::F32(array!(a, a_length)), Numbers::F32(array!(b, b_length)));
        Ok(state_mut!(sketcher).outer(&self::layer(given!(layer)), a, b)?)
    })
}

/// As gradsieve_sketcher_outer_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_f16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length).reinterpret_cast(), array!(b, b_length).reinterpret_cast());
        Ok(state_mut!(sketcher).outer(&self::layer(given!(layer)), Numbers::F16(a), Numbers::F16(b))?)
    })
}

/// As gradsieve_sketcher_outer_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_bf16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length).reinterpret_cast(), array!(b, b_length).reinterpret_cast());
        Ok(state_mut!(sketcher).outer(&self::layer(given!(layer)), Numbers::Bf16(a), Numbers::Bf16(b))?)
    })
}

/// Takes in the weight gradient Σ bₜ·aₜᵀ of a linear layer that was applied at several
/// positions (the steps of a recurrent network, the places of an image).
///
/// The L1 norm and the maximum may be NaN afterwards, where a factored projection never
/// forms the gradient.
///
/// @param positions at least 1
/// @param a positions × inputs, by rows
/// @param b positions × outputs, by rows
///
/// Refuses as gradsieve_sketcher_outer_f32; GRADSIEVE_STATUS_SETTING without positions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_sequence_f32(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    positions: usize,
    a: *const f32,
    a_length: usize,
    b: *const f32,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (Numbers::F32(array!(a, a_length)), Numbers::F32(array!(b, b_length)));
        Ok(state_mut!(sketcher).outer_sequence(&self::layer(given!(layer)), positions, a, b)?)
    })
}

/// As gradsieve_sketcher_sequence_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_sequence_f16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    positions: usize,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length).reinterpret_cast(), array!(b, b_length).reinterpret_cast());
        let (a, b) = (Numbers::F16(a), Numbers::F16(b));
        Ok(state_mut!(sketcher).outer_sequence(&self::layer(given!(layer)), positions, a, b)?)
    })
}

/// As gradsieve_sketcher_sequence_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_sequence_bf16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    positions: usize,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length).reinterpret_cast(), array!(b, b_length).reinterpret_cast());
        let (a, b) = (Numbers::Bf16(a), Numbers::Bf16(b));
        Ok(state_mut!(sketcher).outer_sequence(&self::layer(given!(layer)), positions, a, b)?)
    })
}

/// Ends the gradient. The sketch's values stay in the sketcher's memory until its next
/// call. NaN and infinite entries are no refusal: they are counted.
///
/// Refuses GRADSIEVE_STATUS_INCOMPLETE; what has arrived stays then, and the rest may
/// follow, or gradsieve_sketcher_abandon.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_finish(
    sketcher: *mut gradsieve_sketcher,
    sketch: *mut gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let sketch = wanted!(sketch);
        sketch.put(gradsieve_sketch::of(&state_mut!(sketcher).finish()?));
        Ok(())
    })
}

/// Forgets what has arrived of a gradient. The next segment begins another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_abandon(
    sketcher: *mut gradsieve_sketcher,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(sketcher).abandon();
        Ok(())
    })
}
