//! A signalling NaN is a NaN like any other: a maximum passes over it. (Some instructions
//! for maxima don't.)

use gradsieve_kernels::{Accumulator, Level, max_abs_with};

#[test]
fn every_level_passes_over_a_signalling_nan() {
    let signalling = f32::from_bits(0x7F80_0001);
    for level in Level::available() {
        for place in 0..130 {
            let mut x: Vec<f32> = (1..=130).map(|i| i as f32).collect();
            x[place] = signalling;
            let largest = if place == 129 { 129.0 } else { 130.0 };
            assert_eq!(max_abs_with(level, &x), largest, "{} at {place}", level.name());
            let mut state = Accumulator::new();
            state.add_with(level, &x);
            assert_eq!(state.summary().max, largest, "{} at {place}", level.name());
            assert_eq!(state.summary().non_finite, 1, "{} at {place}", level.name());
        }
    }
}
