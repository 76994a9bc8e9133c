//! What can be seen from Rust alone: that sizes are no larger than they must be, and that
//! lists which C needs written out are those of the core.

mod golden;

extern crate std;

use crate::direction::*;
use crate::influence::*;
use crate::key::gradsieve_key;
use crate::kronecker::*;
use crate::layer::gradsieve_layer;
use crate::mahalanobis::gradsieve_mahalanobis;
use crate::memory::{Handle, Placed};
use crate::packets::gradsieve_packets;
use crate::self_influence::gradsieve_self_influence;
use crate::sieve::{GRADSIEVE_SIEVE_AT_REST_FIXED, gradsieve_reason_name, gradsieve_sieve};
use crate::sketch::gradsieve_sketch;
use crate::sketcher::finish::*;
use crate::sketcher::outer::*;
use crate::sketcher::place::*;
use crate::sketcher::settings::*;
use crate::status::{gradsieve_status, gradsieve_status_text};
use crate::store::rows::gradsieve_store;
use crate::store::target::gradsieve_target;
use crate::store::top_k::gradsieve_top_k;
use core::ffi::CStr;
use core::ptr::null_mut;
use gradsieve::influence::{InRunShapley, grad_dot};
use gradsieve::{
    AnyProjector, Detector, Direction, DirectionSettings, FoldedLayer, Key, Kind, Kronecker, Layer, Layout,
    Part, Reasons, Repeat, SieveSettings, Sjlt, Sketch, Sketcher, State,
};
use std::println;

/// Sizes in the header hold on every target. On this one, which has the largest
/// addresses, no more than this is lost.
const LOST: usize = 128;

fn fits(name: &str, needed: usize, fixed: usize) {
    println!("{name}: {needed} of {fixed} bytes");
    assert!(needed <= fixed && fixed < needed + LOST, "{name} needs {needed} bytes, and has {fixed}");
}

fn handle_fits<H: Handle>(name: &str) {
    fits(name, size_of::<Placed<H::State>>(), H::FIXED);
}

#[test]
#[cfg(target_pointer_width = "64")]
fn sizes_in_the_header_are_hardly_larger_than_states() {
    handle_fits::<gradsieve_direction>("a direction detector");
    handle_fits::<gradsieve_shapley>("Shapley values");
    handle_fits::<gradsieve_sieve>("a sieve");
    handle_fits::<gradsieve_kronecker>("a Kronecker sketcher");
    handle_fits::<gradsieve_packets>("packets");
    handle_fits::<gradsieve_store>("a store");
    handle_fits::<gradsieve_target>("a target");
    handle_fits::<gradsieve_top_k>("the k largest");
    handle_fits::<gradsieve_mahalanobis>("Mahalanobis distances");
    handle_fits::<gradsieve_self_influence>("self-influence");
    fits("a folded layer", size_of::<FoldedLayer>(), GRADSIEVE_KRONECKER_LAYER);
    fits("a sketcher", size_of::<Sketcher<AnyProjector<'static>, &'static mut [f32]>>(), SKETCHER);
    fits("a part", size_of::<Part<'static>>(), GRADSIEVE_SKETCHER_PART);
    let sieve = SieveSettings::new(1).memory().bytes_at_rest - 8 * (1 + 64);
    fits("a sieve at rest", sieve, GRADSIEVE_SIEVE_AT_REST_FIXED);
}

#[test]
fn every_projection_has_its_constant() {
    let source = include_str!("sketcher/settings.rs");
    for &kind in Kind::ALL {
        let name = kind.name().to_uppercase();
        let constant = std::format!("pub const GRADSIEVE_PROJECTION_{name}: u32 = {};", kind as u32);
        assert!(source.contains(&constant), "capi/src/sketcher/settings.rs lacks: {constant}");
    }
}

#[test]
fn reasons_have_the_names_of_the_core() {
    for bit in 0..16 {
        let reason = Reasons::from_bits(1 << bit);
        // SAFETY: the function returns a string that is ended by a zero.
        let name = unsafe { CStr::from_ptr(gradsieve_reason_name(1 << bit)) };
        assert_eq!(name.to_str(), Ok(reason.names().next().unwrap_or("")));
    }
}

#[test]
fn every_status_has_a_text_of_its_own() {
    let source = include_str!("status.rs");
    let numbers = source.lines().filter_map(|line| line.trim().split_once(" = ")?.1.strip_suffix(','));
    let numbers: std::vec::Vec<i32> = numbers.filter_map(|number| number.parse().ok()).collect();
    assert!(numbers.len() > 30);
    // SAFETY: the function returns a string that is ended by a zero.
    let text = |number| unsafe { CStr::from_ptr(gradsieve_status_text(number)) };
    let texts: std::collections::BTreeSet<_> = numbers.iter().map(|&number| text(number)).collect();
    assert_eq!(texts.len(), numbers.len());
    assert!(!texts.contains(text(i32::MAX)));
}

/// A sketcher of C, of ten coordinates and 32 numbers.
fn sketcher(memory: &mut [u64]) -> *mut gradsieve_sketcher {
    let mut settings = gradsieve_sketcher_settings_default(32);
    settings.key.seed = 7;
    let layer = gradsieve_layer { offset: 0, outputs: 2, inputs: 5 };
    let mut sketcher = null_mut();
    let (first, size) = (memory.as_mut_ptr().cast(), size_of_val(memory));
    // SAFETY: all addresses are those of values that are there.
    let status =
        unsafe { gradsieve_sketcher_init(first, size, &settings, &layer, 1, &mut sketcher, null_mut()) };
    assert_eq!(status, gradsieve_status::Ok);
    sketcher
}

/// Factors of the gradient of sample `i`.
fn factors(i: usize) -> ([f32; 5], [f32; 2]) {
    let number = |j: usize| ((i * 37 + j * 11) % 29) as f32 / 8.0 - 1.5;
    (core::array::from_fn(number), core::array::from_fn(|j| number(j + 5)))
}

/// Sketches sample `i` in C and in Rust, and hands both to `take`.
fn both(sketcher: *mut gradsieve_sketcher, i: usize, mut take: impl FnMut(&gradsieve_sketch, &Sketch<'_>)) {
    let (a, b) = factors(i);
    let layer = gradsieve_layer { offset: 0, outputs: 2, inputs: 5 };
    let mut sketch = core::mem::MaybeUninit::uninit();
    // SAFETY: all addresses are those of values that are there.
    let mut sketch = unsafe {
        let status = gradsieve_sketcher_outer_f32(sketcher, &layer, a.as_ptr(), 5, b.as_ptr(), 2, null_mut());
        assert_eq!(status, gradsieve_status::Ok);
        let status = gradsieve_sketcher_finish(sketcher, sketch.as_mut_ptr(), null_mut());
        assert_eq!(status, gradsieve_status::Ok);
        sketch.assume_init()
    };
    sketch.group = (i % 3) as u32;
    let layer = Layer::new(0, 2, 5);
    let projector = Sjlt::new(32, Key::seed(7), Repeat::One).unwrap();
    let mut own = Sketcher::new(projector, Layout::new(&[layer]).unwrap(), [0.0; 32]).unwrap();
    own.outer(&layer, &a, &b).unwrap();
    take(&sketch, &own.finish().unwrap().in_group((i % 3) as u32));
}

#[test]
fn sketches_are_those_of_the_core() {
    let mut memory = [0; 200];
    let sketcher = sketcher(&mut memory);
    for i in 0..50 {
        both(sketcher, i, |sketch, own| {
            let sketch = sketch.core().unwrap();
            assert_eq!((sketch.id, sketch.values, sketch.group), (own.id, own.values, own.group));
            assert_eq!(sketch.measures, own.measures);
        });
    }
}

/// A network of two layers, each with its bias as one more input.
const NETWORK: [gradsieve_layer; 2] = [
    gradsieve_layer { offset: 0, outputs: 16, inputs: 25 },
    gradsieve_layer { offset: 400, outputs: 5, inputs: 17 },
];

/// A sketcher of C of that network, of 32 numbers at most.
fn kronecker(memory: &mut [u64]) -> *mut gradsieve_kronecker {
    let key = gradsieve_key { seed: 7, secret: [0; 16], is_secret: 0 };
    let (first, size, mut kronecker) = (memory.as_mut_ptr().cast(), size_of_val(memory), null_mut());
    // SAFETY: all addresses are those of values that are there.
    let status = unsafe {
        gradsieve_kronecker_init(first, size, &key, 32, NETWORK.as_ptr(), 2, &mut kronecker, null_mut())
    };
    assert_eq!(status, gradsieve_status::Ok);
    kronecker
}

#[test]
fn sketches_of_the_cheap_path_are_those_of_the_core() {
    let mut memory = [0; 200];
    let kronecker = kronecker(&mut memory);
    let layers = [Layer::new(0, 16, 25), Layer::new(400, 5, 17)];
    let projector = Kronecker::for_layers(&layers, 32, Key::seed(7)).unwrap();
    let mut own = Sketcher::new(projector, projector.layout(), [0.0; 26]).unwrap();
    let number = |i: usize, j: usize| ((i * 37 + j * 11) % 29) as f32 / 8.0 - 1.5;
    for i in 0..50 {
        for (layer, core) in NETWORK.iter().zip(&layers).rev() {
            let a: std::vec::Vec<_> = (1..layer.inputs as usize).map(|j| number(i, j)).collect();
            let b: std::vec::Vec<_> = (0..layer.outputs as usize).map(|j| number(i, j + 30)).collect();
            let (of_a, of_b) = ((a.as_ptr(), a.len()), (b.as_ptr(), b.len()));
            // SAFETY: all addresses are those of values that are there.
            let status = unsafe {
                gradsieve_kronecker_outer_biased_f32(
                    kronecker,
                    layer,
                    of_a.0,
                    of_a.1,
                    of_b.0,
                    of_b.1,
                    null_mut(),
                )
            };
            assert_eq!(status, gradsieve_status::Ok);
            own.outer_biased(core, &a, &b).unwrap();
        }
        let mut sketch = core::mem::MaybeUninit::uninit();
        // SAFETY: as above, and it is written if the call is not refused.
        let sketch = unsafe {
            let status = gradsieve_kronecker_finish(kronecker, sketch.as_mut_ptr(), null_mut());
            assert_eq!(status, gradsieve_status::Ok);
            sketch.assume_init()
        };
        let (sketch, own) = (sketch.core().unwrap(), own.finish().unwrap());
        assert_eq!((sketch.id, sketch.values, sketch.measures), (own.id, own.values, own.measures));
    }
}

#[test]
fn scores_by_direction_are_those_of_the_core() {
    let settings = gradsieve_direction_settings_default(3, 32);
    let core_settings = DirectionSettings::new(3, 32);
    let mut own = Direction::new(core_settings, std::vec![0; core_settings.memory().i64s]).unwrap();
    let (mut memory, mut of_sketcher, mut detector) = ([0_u64; 300], [0; 200], null_mut());
    let (first, size) = (memory.as_mut_ptr().cast(), size_of_val(&memory));
    // SAFETY: all addresses are those of values that are there.
    let status = unsafe { gradsieve_direction_init(first, size, &settings, &mut detector, null_mut()) };
    assert_eq!(status, gradsieve_status::Ok);
    let sketcher = sketcher(&mut of_sketcher);
    for i in 0..100 {
        both(sketcher, i, |sketch, core| {
            let mut score = 0.0;
            // SAFETY: as above.
            let statuses = unsafe {
                [
                    gradsieve_direction_observe(detector, sketch, null_mut()),
                    gradsieve_direction_score(detector, sketch, &mut score, null_mut()),
                ]
            };
            assert_eq!(statuses, [gradsieve_status::Ok; 2]);
            own.observe(core).unwrap();
            assert_eq!(score.to_bits(), own.score(core, &mut []).unwrap().to_bits());
        });
    }
    let (mut bytes, mut written) = ([0; 4000], 0);
    let mut core_bytes = [0; 4000];
    // SAFETY: as above.
    let status = unsafe {
        gradsieve_direction_to_bytes(detector, bytes.as_mut_ptr(), bytes.len(), &mut written, null_mut())
    };
    assert_eq!((status, written), (gradsieve_status::Ok, own.to_bytes(&mut core_bytes).unwrap()));
    assert_eq!(bytes, core_bytes);
}

#[test]
fn values_of_a_run_are_those_of_the_core() {
    let (mut memory, mut of_sketcher, mut shapley) = ([0_u64; 60], [0; 200], null_mut());
    let (first, size) = (memory.as_mut_ptr().cast(), size_of_val(&memory));
    // SAFETY: all addresses are those of values that are there.
    let status = unsafe { gradsieve_shapley_init(first, size, 40, &mut shapley, null_mut()) };
    assert_eq!(status, gradsieve_status::Ok);
    let sketcher = sketcher(&mut of_sketcher);
    let mut own = InRunShapley::new([1.0; 40]);
    let mut target = [0.0; 32];
    both(sketcher, 1000, |_, core| target.copy_from_slice(core.values));
    for i in 0..40 {
        both(sketcher, i, |sketch, core| {
            let on = gradsieve_sketch { values: target.as_ptr(), ..*sketch };
            let core_on = Sketch { values: &target, ..*core };
            let (mut dot, mut score) = (0.0, 0.0);
            // SAFETY: as above.
            let statuses = unsafe {
                [
                    gradsieve_influence_dot(sketch, &on, &mut dot, null_mut()),
                    gradsieve_shapley_observe(shapley, 0.1, &on, &on, i, sketch, null_mut()),
                    gradsieve_shapley_score(shapley, i, &mut score, null_mut()),
                ]
            };
            assert_eq!(statuses, [gradsieve_status::Ok; 3]);
            own.observe(0.1, &core_on, Some(&core_on), (i, core)).unwrap();
            assert_eq!(dot.to_bits(), grad_dot(core, &core_on).unwrap().to_bits());
            assert_eq!(score.to_bits(), own.score(i).unwrap().to_bits());
        });
    }
}
