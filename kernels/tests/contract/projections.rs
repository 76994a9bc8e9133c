//! Gaussian, SRHT and mask: the matrix of the documentation, written out in `f64`, to
//! within their error; what they refuse; and bits that never change.

use crate::inputs::{UNIT, bits, bounded, kind, numbers};
use core::num::NonZeroU16;
use gradsieve_kernels::gaussian::TABLES;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{
    Element, Error, Gaussian, Key, Level, Mask, Srht, gaussian, gaussian_with, hash, mask, mask_with,
    sjlt_scaled, srht, srht_outer, srht_with,
};
use half::bf16;
use proptest::prelude::*;

/// One of the projections, as a function of a segment.
#[derive(Clone, Copy, Debug)]
enum Projection {
    Gaussian(Gaussian),
    Srht(Srht),
    Mask(Mask),
}

impl Projection {
    fn each(seed: u64, width: usize, every: u16) -> impl Iterator<Item = Self> {
        let every = NonZeroU16::new(every).unwrap();
        let masks = [Repeat::One, Repeat::Two, Repeat::Four]
            .map(|s| Self::Mask(Mask::new(Key::seed(seed), s, every)));
        [
            Self::Gaussian(Gaussian::new(width, Key::seed(seed)).unwrap()),
            Self::Srht(Srht::new(Key::seed(seed))),
        ]
        .into_iter()
        .chain(masks)
    }

    fn add<T: Element>(
        self,
        level: Level,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        match self {
            Self::Gaussian(projection) => gaussian_with(level, projection, offset, scale, x, out),
            Self::Srht(projection) => srht_with(level, projection, offset, scale, x, out),
            Self::Mask(projection) => mask_with(level, projection, offset, scale, x, out),
        }
    }
}

/// The SJLT of one coordinate, read off its documentation: which output, and the sign.
fn place(key: u64, i: u64, width: usize) -> (usize, f64) {
    let word = hash::word(key, i / 32);
    let destination = ((word >> 37) * (width as u64 / 32)) >> 27;
    let within = (i % 32) ^ ((word >> 32) % 32);
    ((32 * destination + within) as usize, if word >> (i % 32) & 1 == 1 { -1.0 } else { 1.0 })
}

fn sjlt_key(seed: u64) -> u64 {
    hash::key(seed, u64::from_be_bytes(*b"SJLT-32\0"))
}

/// Column `i` of the matrix of a projection, read off the documentation and not off the
/// code.
fn column(projection: Projection, seed: u64, i: u64, width: usize) -> Vec<f64> {
    let mut column = vec![0.0; width];
    match projection {
        Projection::Gaussian(_) => {
            let key = hash::key(seed, u64::from_be_bytes(*b"GAUSSIAN"));
            for (j, entry) in column.iter_mut().enumerate() {
                let (b, m, odd, high) = (j / 32, j % 16 / 2, j % 2, j % 32 / 16);
                let word = hash::word(key, i * width as u64 / 4 + (8 * b + m) as u64);
                let bits = (word >> (32 * odd + 16 * high)) as usize;
                for (q, table) in TABLES.iter().enumerate() {
                    let nibble = bits >> (4 * q) & 15;
                    *entry += f64::from(table[nibble % 8]) * if nibble < 8 { 1.0 } else { -1.0 };
                }
            }
        }
        Projection::Srht(_) => {
            let signs = hash::key(seed, u64::from_be_bytes(*b"SRHT-102"));
            let sign = if hash::word(signs, i / 64) >> (i % 64) & 1 == 1 { -1.0 } else { 1.0 };
            for row in 0..1024 {
                let (to, flip) = place(sjlt_key(seed), i / 1024 * 1024 + row, width);
                let even = (row & i & 1023).count_ones().is_multiple_of(2);
                column[to] += if even { sign * flip } else { -sign * flip };
            }
        }
        Projection::Mask(mask) => {
            let (every, stratum) = (u64::from(mask.every().get()), 32 * u64::from(mask.every().get()));
            let word = hash::word(hash::key(seed, u64::from_be_bytes(*b"MASK-32\0")), i / stratum);
            if i % stratum / 32 == ((word >> 32) * every) >> 32 {
                let (to, flip) = place(sjlt_key(seed), i, width);
                column[to] = flip;
            }
        }
    }
    column
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_projection_is_the_product_with_the_matrix_of_its_documentation_within_its_bound(
        kind in bounded(), seed: u64, n in 0_usize..500, offset in 0_u64..3000,
    ) {
        let x = numbers::<f32>(kind, seed, n);
        let all = Projection::each(seed, 64, seed as u16 % 7 + 1);
        for projection in all.filter(|p| !matches!(p, Projection::Mask(m) if m.sjlt().repeat() != Repeat::One)) {
            let (mut found, mut exact, mut bound) = ([0.0; 64], [0.0; 64], [0.0; 64]);
            projection.add(Level::SCALAR, offset, 1.0, &x, &mut found).unwrap();
            for (i, &x) in (offset..).zip(&x) {
                for (j, entry) in column(projection, seed, i, 64).into_iter().enumerate() {
                    exact[j] += entry * f64::from(x);
                    // What the SRHT's transform does to an element of a block may touch
                    // all of its coordinates.
                    let roundings = match projection {
                        // Three of four numbers that sum up to 4.33 at most, and one an
                        // addition.
                        Projection::Gaussian(_) => 13.0 + n as f64 * entry.abs(),
                        // About 16 elements of a block reach an output, and at most two
                        // blocks are here.
                        Projection::Srht(_) => 48.0 * (10.0 + 48.0),
                        Projection::Mask(_) => n as f64 * entry.abs(),
                    };
                    bound[j] += roundings * UNIT * 1.001 * f64::from(x).abs() + 1e-44;
                }
            }
            for ((found, exact), bound) in found.iter().zip(exact).zip(bound) {
                prop_assert!((f64::from(*found) - exact).abs() <= bound, "{projection:?}: {found} for {exact}, bound {bound:e}");
            }
        }
    }

    #[test]
    fn a_mask_that_keeps_everything_is_the_sjlt(kind in kind(), seed: u64, n in 0_usize..500, offset in 0_u64..300) {
        let x = numbers::<bf16>(kind, seed, n);
        for repeat in [Repeat::One, Repeat::Four] {
            let projection = Mask::new(Key::seed(seed), repeat, NonZeroU16::MIN);
            let (mut found, mut expected) = ([0.0; 128], [0.0; 128]);
            mask(projection, offset, 0.3, &x, &mut found).unwrap();
            sjlt_scaled(projection.sjlt(), offset, 0.3, &x, &mut expected).unwrap();
            prop_assert_eq!(bits(&found), bits(&expected));
        }
    }
}

#[test]
fn projections_have_the_bits_that_they_have_always_had() {
    let x: Vec<f32> = (0..3000).map(|i| (hash::word(3, i) >> 40) as f32 / (1 << 23) as f32 - 1.0).collect();
    let found: Vec<u64> = Projection::each(5, 128, 3)
        .map(|projection| {
            let mut out = [0.0; 128];
            projection.add(Level::best(), 1000, 0.5, &x, &mut out).unwrap();
            out.iter().fold(0, |word, x| hash::mix(word ^ u64::from(x.to_bits())))
        })
        .collect();
    let expected: [u64; 5] = [
        0x99BC_524B_97C2_9200,
        0x4C36_CE2E_FBDF_9BFA,
        0x36DC_EAA0_7A22_DC31,
        0xFE7C_A984_B6D4_F7B9,
        0x1474_52D1_2F50_3652,
    ];
    assert_eq!(found, expected, "{found:#018X?}");
}

#[test]
fn a_mask_keeps_one_block_of_each_stratum_and_each_as_often() {
    let every = 5;
    let mut counts = [0; 5];
    for seed in 0..2000 {
        let projection = Mask::new(Key::seed(seed), Repeat::One, NonZeroU16::new(every).unwrap());
        let kept: Vec<usize> = (0..5)
            .filter(|block| {
                let mut out = [0.0; 32];
                mask(projection, 320 + 32 * block, 1.0, &[1.0_f32; 32], &mut out).unwrap();
                out != [0.0; 32]
            })
            .map(|block| block as usize)
            .collect();
        assert_eq!(kept.len(), 1, "seed {seed}");
        counts[kept[0]] += 1;
    }
    // Each 400 times; the standard deviation is 18.
    assert!(counts.iter().all(|count| (320..480).contains(count)), "{counts:?}");
}

#[test]
fn wrong_widths_lengths_and_offsets_are_refused_and_nothing_is_written() {
    for width in [0, 1, 48, 100] {
        assert_eq!(Gaussian::new(width, Key::seed(1)), Err(Error::Width { multiple: 32, found: width }));
        assert_eq!(
            Srht::new(Key::seed(1)).check_width(width),
            Err(Error::Width { multiple: 32, found: width })
        );
    }
    let (x, mut out) = ([1.0_f32; 40], [0.5; 96]);
    let projection = Gaussian::new(64, Key::seed(1)).unwrap();
    let length = Error::Length { expected: 64, found: 96 };
    assert_eq!(gaussian(projection, 0, 1.0, &x, &mut out), Err(length));
    assert_eq!(gaussian(projection, u64::MAX, 1.0, &x, &mut out[..64]), Err(Error::Offset));
    let width = Error::Width { multiple: 32, found: 95 };
    assert_eq!(srht(Srht::new(Key::seed(1)), 0, 1.0, &x, &mut out[..95]), Err(width));
    // Its blocks are whole.
    assert_eq!(srht(Srht::new(Key::seed(1)), u64::MAX - 1063, 1.0, &x, &mut out), Err(Error::Offset));
    assert_eq!(srht_outer(Srht::new(Key::seed(1)), u64::MAX - 2000, &x, &x, &mut out), Err(Error::Offset));
    let projection = Mask::new(Key::seed(1), Repeat::Two, NonZeroU16::MAX);
    assert_eq!(mask(projection, 0, 1.0, &x, &mut out[..32]), Err(Error::Width { multiple: 64, found: 32 }));
    assert_eq!(mask(projection, u64::MAX, 1.0, &x, &mut out[..64]), Err(Error::Offset));
    assert_eq!(out, [0.5; 96]);
    // And the last numbers there are do no harm.
    srht(Srht::new(Key::seed(1)), u64::MAX - 1064, 1.0, &x, &mut out).unwrap();
    mask(Mask::new(Key::seed(1), Repeat::One, NonZeroU16::MAX), u64::MAX - 40, 1.0, &x, &mut out).unwrap();
    gaussian(Gaussian::new(96, Key::seed(1)).unwrap(), u64::MAX - 40, 1.0, &x, &mut out).unwrap();
}
