//! The dense projections: Rademacher and Gaussian.

use crate::inputs::{Kind, for_all, key, kind, numbers};
use crate::outputs::{defined, floats};
use gradsieve_kernels::rademacher::Carry;
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{Gaussian, Level, Rademacher, gaussian_with, rademacher_batch_with, rademacher_with};
use half::{bf16, f16};
use proptest::prelude::*;

crate::claims! {
    rademachers_have_the_bits_of_the_definition
    a_batch_has_the_bits_of_its_gradients_one_by_one
    with_a_carry_every_cut_of_a_rademacher_gives_the_bits_of_the_whole
    cuts_of_a_rademacher_between_groups_give_the_bits_of_the_whole
    gaussians_have_the_bits_of_the_definition
    gaussians_have_the_bits_of_the_whole_however_the_gradient_is_cut
}

fn rademachers_have_the_bits_of_the_definition(level: Level) {
    fn check<T: Format>(level: Level, kind: Kind, seed: u64, n: usize, offset: u64, start: &[f32]) {
        let projection = Rademacher::new(start.len(), key(seed)).unwrap();
        let x = numbers::<T>(kind, seed, n);
        for scale in [1.0, -0.7] {
            let found = floats(start, |out| rademacher_with(level, projection, offset, scale, &x, out));
            let expected = defined(start, |out| spec::rademacher(key(seed), offset, scale, &x, out));
            assert_eq!(found, expected, "{} k = {}", T::NAME, start.len());
        }
    }
    let inputs = (kind(), kind(), any::<u64>(), 0_usize..300, 0_u64..200, 1_usize..20);
    for_all(128, inputs, |(kind, other, seed, n, offset, width)| {
        let start = numbers(other, !seed, 16 * width);
        check::<f32>(level, kind, seed, n, offset, &start);
        check::<f16>(level, kind, seed, n, offset, &start);
        check::<bf16>(level, kind, seed, n, offset, &start);
    });
}

fn a_batch_has_the_bits_of_its_gradients_one_by_one(level: Level) {
    fn check<T: Format>(level: Level, kind: Kind, seed: u64, n: usize, count: u64, offset: u64, k: usize) {
        let projection = Rademacher::new(k, key(seed)).unwrap();
        let xs: Vec<Vec<T>> = (0..count).map(|i| numbers(kind, seed ^ i, n)).collect();
        let slices: Vec<&[T]> = xs.iter().map(Vec::as_slice).collect();
        let zeros = vec![0.0; xs.len() * k];
        let found = floats(&zeros, |out| rademacher_batch_with(level, projection, offset, &slices, out));
        let expected = defined(&zeros, |out| {
            for (x, out) in xs.iter().zip(out.chunks_mut(k)) {
                spec::rademacher(key(seed), offset, 1.0, x, out);
            }
        });
        assert_eq!(found, expected, "{} {count} at a time", T::NAME);
    }
    let inputs = (kind(), any::<u64>(), 0_usize..200, 0_u64..36, 0_u64..70, 1_usize..12);
    for_all(48, inputs, |(kind, seed, n, count, offset, width)| {
        check::<f32>(level, kind, seed, n, count, offset, 16 * width);
        check::<f16>(level, kind, seed, n, count, offset, 16 * width);
        check::<bf16>(level, kind, seed, n, count, offset, 16 * width);
    });
}

fn with_a_carry_every_cut_of_a_rademacher_gives_the_bits_of_the_whole(level: Level) {
    let cuts = prop::collection::vec(0_usize..300, 0..12);
    for_all(128, (kind(), any::<u64>(), 0_usize..300, 0_u64..70, cuts), |(kind, seed, n, offset, cuts)| {
        let (x, projection) = (numbers::<f32>(kind, seed, n), Rademacher::new(64, key(seed)).unwrap());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(n)).chain([0, n]).collect();
        cuts.sort_unstable();
        let found = floats(&[0.0; 64], |out| {
            let mut carry = Carry::new();
            for cut in cuts.windows(2) {
                let (from, part) = (offset + cut[0] as u64, &x[cut[0]..cut[1]]);
                carry.add_with(level, projection, from, 0.3, part, out)?;
            }
            carry.finish_with(level, projection, out)
        });
        assert_eq!(found, defined(&[0.0; 64], |out| spec::rademacher(key(seed), offset, 0.3, &x, out)));
    });
}

fn cuts_of_a_rademacher_between_groups_give_the_bits_of_the_whole(level: Level) {
    for_all(128, (kind(), any::<u64>(), 0_usize..300, 0_usize..9), |(kind, seed, n, groups)| {
        let (x, projection) = (numbers::<f32>(kind, seed, n), Rademacher::new(64, key(seed)).unwrap());
        let (head, tail) = x.split_at((32 * groups).min(n));
        let found = floats(&[0.0; 64], |out| {
            rademacher_with(level, projection, 96, 1.0, head, out)?;
            rademacher_with(level, projection, 96 + head.len() as u64, 1.0, tail, out)
        });
        assert_eq!(found, defined(&[0.0; 64], |out| spec::rademacher(key(seed), 96, 1.0, &x, out)));
    });
}

fn gaussians_have_the_bits_of_the_definition(level: Level) {
    fn check<T: Format>(level: Level, kind: Kind, seed: u64, n: usize, offset: u64, start: &[f32]) {
        let projection = Gaussian::new(start.len(), key(seed)).unwrap();
        let x = numbers::<T>(kind, seed, n);
        for scale in [1.0, -0.7] {
            let found = floats(start, |out| gaussian_with(level, projection, offset, scale, &x, out));
            let expected = defined(start, |out| spec::gaussian(key(seed), offset, scale, &x, out));
            assert_eq!(found, expected, "{} k = {}", T::NAME, start.len());
        }
    }
    let inputs = (kind(), kind(), any::<u64>(), 0_usize..150, 0_u64..200, 1_usize..6);
    for_all(48, inputs, |(kind, other, seed, n, offset, width)| {
        let start = numbers(other, !seed, 32 * width);
        check::<f32>(level, kind, seed, n, offset, &start);
        check::<f16>(level, kind, seed, n, offset, &start);
        check::<bf16>(level, kind, seed, n, offset, &start);
    });
}

fn gaussians_have_the_bits_of_the_whole_however_the_gradient_is_cut(level: Level) {
    for_all(48, (kind(), any::<u64>(), 0_usize..150, 0_usize..150), |(kind, seed, n, cut)| {
        let (x, projection) = (numbers::<f32>(kind, seed, n), Gaussian::new(64, key(seed)).unwrap());
        let (head, tail) = x.split_at(cut.min(n));
        let found = floats(&[0.0; 64], |out| {
            gaussian_with(level, projection, 7, 1.0, head, out)?;
            gaussian_with(level, projection, 7 + head.len() as u64, 1.0, tail, out)
        });
        assert_eq!(found, defined(&[0.0; 64], |out| spec::gaussian(key(seed), 7, 1.0, &x, out)));
    });
}
