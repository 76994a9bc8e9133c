//! The sparse projections: SJLT, the mask before it, and the SRHT.

use crate::inputs::{Kind, for_all, key, kind, numbers};
use crate::outputs::{defined, floats};
use core::num::NonZeroU16;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{
    Error, Level, Mask, Sjlt, Srht, mask_with, sjlt_scaled_with, sjlt_with, srht_outer_with, srht_with,
};
use half::{bf16, f16};
use proptest::prelude::*;

crate::claims! {
    sjlts_have_the_bits_of_the_definition
    sjlts_have_the_bits_of_the_whole_however_the_gradient_is_cut
    masks_have_the_bits_of_the_definition
    masks_have_the_bits_of_the_whole_however_the_gradient_is_cut
    srhts_have_the_bits_of_the_definition
    srhts_have_the_bits_of_the_whole_where_the_gradient_is_cut_between_blocks
    rows_of_an_outer_product_are_no_cuts_of_the_srht
}

const REPEATS: [Repeat; 3] = [Repeat::One, Repeat::Two, Repeat::Four];

/// A segment, and where it stands in its gradient; far out if `far`.
fn segment(longest: usize) -> impl Strategy<Value = (Kind, u64, usize, u64)> {
    let offset = (0_u64..3000, prop_oneof![3 => Just(0_u64), 1 => Just(1 << 40)]).prop_map(|(a, b)| a + b);
    (kind(), any::<u64>(), 0..longest, offset)
}

/// The two pieces of a segment as they are projected one after the other.
fn in_two<T>(
    x: &[T],
    offset: u64,
    cut: usize,
    mut project: impl FnMut(u64, &[T]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (head, tail) = x.split_at(cut.min(x.len()));
    project(offset, head)?;
    project(offset + head.len() as u64, tail)
}

fn sjlts_have_the_bits_of_the_definition(level: Level) {
    fn check<T: Format>(level: Level, (kind, seed, n, offset): (Kind, u64, usize, u64), blocks: usize) {
        let x = numbers::<T>(kind, seed, n);
        for repeat in REPEATS {
            let projection = Sjlt::new(key(seed), repeat);
            let s = repeat.count() as u64;
            let start = numbers::<f32>(kind, !seed, blocks * projection.multiple());
            let found = floats(&start, |out| sjlt_with(level, projection, offset, &x, out));
            let expected = defined(&start, |out| spec::sjlt(key(seed), s, offset, 1.0, &x, out));
            assert_eq!(found, expected, "{} s = {s}", T::NAME);
            let found = floats(&start, |out| sjlt_scaled_with(level, projection, offset, -0.7, &x, out));
            let expected = defined(&start, |out| spec::sjlt(key(seed), s, offset, -0.7, &x, out));
            assert_eq!(found, expected, "{} s = {s}, scaled", T::NAME);
        }
    }
    for_all(128, (segment(700), 1_usize..20), |(segment, blocks)| {
        check::<f32>(level, segment, blocks);
        check::<f16>(level, segment, blocks);
        check::<bf16>(level, segment, blocks);
    });
}

fn sjlts_have_the_bits_of_the_whole_however_the_gradient_is_cut(level: Level) {
    for_all(128, (segment(700), 0_usize..700), |((kind, seed, n, offset), cut)| {
        let x = numbers::<f32>(kind, seed, n);
        for repeat in REPEATS {
            let projection = Sjlt::new(key(seed), repeat);
            let start = vec![0.0; 3 * projection.multiple()];
            let found = floats(&start, |out| {
                in_two(&x, offset, cut, |offset, x| sjlt_with(level, projection, offset, x, out))
            });
            let s = repeat.count() as u64;
            assert_eq!(
                found,
                defined(&start, |out| spec::sjlt(key(seed), s, offset, 1.0, &x, out)),
                "s = {s}"
            );
        }
    });
}

fn masks_have_the_bits_of_the_definition(level: Level) {
    fn check<T: Format>(level: Level, (kind, seed, n, offset): (Kind, u64, usize, u64), every: NonZeroU16) {
        let x = numbers::<T>(kind, seed, n);
        for repeat in REPEATS {
            let (projection, s) = (Mask::new(key(seed), repeat, every), repeat.count() as u64);
            let start = numbers::<f32>(kind, !seed, 128);
            for scale in [1.0, -0.7] {
                let found = floats(&start, |out| mask_with(level, projection, offset, scale, &x, out));
                let every = every.get().into();
                let expected = defined(&start, |out| spec::mask(key(seed), s, every, offset, scale, &x, out));
                assert_eq!(found, expected, "{} s = {s}, 1 in {every}", T::NAME);
            }
        }
    }
    for_all(48, (segment(2200), 1_u16..8), |(segment, every)| {
        let every = NonZeroU16::new(every).unwrap();
        check::<f32>(level, segment, every);
        check::<f16>(level, segment, every);
        check::<bf16>(level, segment, every);
    });
}

fn masks_have_the_bits_of_the_whole_however_the_gradient_is_cut(level: Level) {
    for_all(48, (segment(2200), 0_usize..2200, 1_u16..8), |((kind, seed, n, offset), cut, every)| {
        let x = numbers::<f32>(kind, seed, n);
        let projection = Mask::new(key(seed), Repeat::Two, NonZeroU16::new(every).unwrap());
        let found = floats(&[0.0; 128], |out| {
            in_two(&x, offset, cut, |offset, x| mask_with(level, projection, offset, 0.3, x, out))
        });
        let expected =
            defined(&[0.0; 128], |out| spec::mask(key(seed), 2, every.into(), offset, 0.3, &x, out));
        assert_eq!(found, expected, "1 in {every}");
    });
}

fn srhts_have_the_bits_of_the_definition(level: Level) {
    fn check<T: Format>(level: Level, (kind, seed, n, offset): (Kind, u64, usize, u64)) {
        let (x, start) = (numbers::<T>(kind, seed, n), numbers::<f32>(kind, !seed, 128));
        for scale in [1.0, -0.7] {
            let found = floats(&start, |out| srht_with(level, Srht::new(key(seed)), offset, scale, &x, out));
            let expected = defined(&start, |out| spec::srht(key(seed), offset, scale, &x, out));
            assert_eq!(found, expected, "{}", T::NAME);
        }
    }
    for_all(48, segment(2500), |segment| {
        check::<f32>(level, segment);
        check::<f16>(level, segment);
        check::<bf16>(level, segment);
    });
}

fn srhts_have_the_bits_of_the_whole_where_the_gradient_is_cut_between_blocks(level: Level) {
    for_all(48, (segment(3500), 0_usize..4), |((kind, seed, n, offset), blocks)| {
        let (x, offset) = (numbers::<f32>(kind, seed, n), offset & !1023);
        let found = floats(&[0.0; 96], |out| {
            in_two(&x, offset, 1024 * blocks, |offset, x| {
                srht_with(level, Srht::new(key(seed)), offset, 1.0, x, out)
            })
        });
        assert_eq!(found, defined(&[0.0; 96], |out| spec::srht(key(seed), offset, 1.0, &x, out)));
    });
}

fn rows_of_an_outer_product_are_no_cuts_of_the_srht(level: Level) {
    let shapes = (kind(), any::<u64>(), 0_usize..30, 0_usize..90, 0_u64..1500);
    for_all(48, shapes, |(kind, seed, outputs, inputs, offset)| {
        let (a, b) = (numbers::<f16>(kind, seed, inputs), numbers::<f32>(Kind::Graded, !seed, outputs));
        let matrix: Vec<f32> = b.iter().flat_map(|b| a.iter().map(move |a| b * a.value())).collect();
        let found =
            floats(&[0.0; 96], |out| srht_outer_with(level, Srht::new(key(seed)), offset, &a, &b, out));
        assert_eq!(found, defined(&[0.0; 96], |out| spec::srht(key(seed), offset, 1.0, &matrix, out)));
    });
}
