//! The definition itself, where somebody else has said it: the crate `half` for formats
//! of 16 bits, the authors of splitmix64 for the hash.

use gradsieve_kernels::spec::{Format, hash};
use half::{bf16, f16};

#[test]
fn values_of_16_bits_are_those_of_the_crate_half() {
    for bits in 0..=u16::MAX {
        let (half, brain) = (f16::from_bits(bits), bf16::from_bits(bits));
        assert!(half.value().to_bits() == half.to_f32().to_bits() || half.is_nan() && half.value().is_nan());
        assert!(brain.value().to_bits() == brain.to_f32().to_bits() || brain.is_nan());
    }
}

#[test]
fn the_nearest_values_of_16_bits_are_those_of_the_crate_half() {
    let any = (0..2_000_000).map(|i| hash::word(9, i) as u32);
    let ends = [0, 0x7F80_0000, 0x7F7F_FFFF, 0x477F_EFFF, 0x477F_F000, 0x3300_0000, 0x3300_0001];
    for bits in any.chain(ends.into_iter().flat_map(|bits| [bits, bits | 1 << 31])) {
        let x = f32::from_bits(bits);
        if x.is_nan() {
            assert!(f16::nearest(x).is_nan() && bf16::nearest(x).is_nan());
            continue;
        }
        assert_eq!(f16::nearest(x).to_bits(), f16::from_f32(x).to_bits(), "{x:e}");
        assert_eq!(bf16::nearest(x).to_bits(), bf16::from_f32(x).to_bits(), "{x:e}");
    }
}

#[test]
fn the_stream_is_splitmix64_as_published() {
    // The first outputs of splitmix64 seeded with 1234567, as listed with the reference
    // program.
    let published = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423_u64];
    for (counter, expected) in (0..).zip(published) {
        assert_eq!(hash::word(1_234_567, counter), expected);
        assert_eq!(gradsieve_kernels::hash::word(1_234_567, counter), expected);
    }
}
