//! What can be seen from Rust alone: that sizes are no larger than they must be, and that
//! lists which C needs written out are those of the core.

extern crate std;

use crate::memory::{Handle, Placed};
use crate::sieve::{GRADSIEVE_SIEVE_AT_REST_FIXED, gradsieve_reason_name, gradsieve_sieve};
use crate::sketcher::{GRADSIEVE_SKETCHER_PART, SKETCHER};
use crate::status::gradsieve_status_text;
use core::ffi::CStr;
use gradsieve::{AnyProjector, Kind, Part, Reasons, SieveSettings, Sketcher};
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
    handle_fits::<gradsieve_sieve>("a sieve");
    fits("a sketcher", size_of::<Sketcher<AnyProjector<'static>, &'static mut [f32]>>(), SKETCHER);
    fits("a part", size_of::<Part<'static>>(), GRADSIEVE_SKETCHER_PART);
    let sieve = SieveSettings::new(1).memory().bytes_at_rest - 8 * (1 + 64);
    fits("a sieve at rest", sieve, GRADSIEVE_SIEVE_AT_REST_FIXED);
}

#[test]
fn every_projection_has_its_constant() {
    let source = include_str!("sketcher.rs");
    for &kind in Kind::ALL {
        let name = kind.name().to_uppercase();
        let constant = std::format!("pub const GRADSIEVE_PROJECTION_{name}: u32 = {};", kind as u32);
        assert!(source.contains(&constant), "capi/src/sketcher.rs lacks: {constant}");
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
