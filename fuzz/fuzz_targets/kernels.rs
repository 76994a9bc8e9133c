//! Each kernel on every level of the machine against its definition, from numbers of any
//! bits: the same bits come out, NaNs apart, which are one.
#![no_main]

use core::num::NonZeroU16;
use gradsieve_kernels::codec::bits::{Bits, encode_block};
use gradsieve_kernels::codec::int8::{decode_int8_with, encode_int8_with};
use gradsieve_kernels::score::float::score_rows_with;
use gradsieve_kernels::score::{bits, int8};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{
    Error, Fold, Gaussian, Key, Level, Mask, Rademacher, Sjlt, Srht, axpy_with, dot_with, double, fold,
    gaussian_with, hadamard_with, l1_norm_with, mask_with, matrix, max_abs_with, narrow_with, pair_with,
    rademacher_with, sjlt_scaled_with, squared_norm_with, srht_with, summarize_with, widen_with,
};
use half::{bf16, f16};

/// A number of any bits.
trait Any: Format {
    fn any(word: u32) -> Self;
}

impl Any for f32 {
    fn any(word: u32) -> Self {
        Self::from_bits(word)
    }
}

impl Any for f16 {
    fn any(word: u32) -> Self {
        Self::from_bits((word >> 16) as u16)
    }
}

impl Any for bf16 {
    fn any(word: u32) -> Self {
        Self::from_bits((word >> 16) as u16)
    }
}

/// What the bytes say, as long as there are any; then what a few of them repeat.
struct Words<'a> {
    input: &'a [u8],
    at: usize,
}

impl Words<'_> {
    fn word(&mut self) -> u32 {
        let word = core::array::from_fn(|i| self.input[(self.at + i) % self.input.len()]);
        self.at += 4;
        u32::from_le_bytes(word).wrapping_add((self.at / self.input.len()) as u32)
    }

    fn below(&mut self, most: usize) -> usize {
        self.word() as usize % most
    }

    fn many<T: Any>(&mut self, count: usize) -> Vec<T> {
        (0..count).map(|_| T::any(self.word())).collect()
    }

    fn finite(&mut self, count: usize) -> Vec<f32> {
        let finite = |x: f32| if x.is_finite() { x } else { f32::from_bits(x.to_bits() & 0xBF7F_FFFF) };
        self.many(count).into_iter().map(finite).collect()
    }

    /// A seed, or a secret key.
    fn key(&mut self) -> Key {
        let words: [u32; 4] = core::array::from_fn(|_| self.word());
        let bits = words.iter().fold(0_u128, |bits, &word| bits << 32 | u128::from(word));
        if words[0].is_multiple_of(2) { Key::seed(bits as u64) } else { Key::secret(bits.to_le_bytes()) }
    }
}

fn single(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
}

fn wide(x: &[f64]) -> Vec<u64> {
    x.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
}

/// An output that every level makes of `start` as the definition does.
fn same(start: &[f32], define: impl Fn(&mut [f32]), make: impl Fn(Level, &mut [f32]) -> Result<(), Error>) {
    let mut expected = start.to_vec();
    define(&mut expected);
    for level in Level::available() {
        let mut found = start.to_vec();
        make(level, &mut found).expect("lengths that fit");
        assert_eq!(single(&found), single(&expected), "{}", level.name());
    }
}

fn same_numbers(expected: &[f64], make: impl Fn(Level) -> Vec<f64>) {
    for level in Level::available() {
        assert_eq!(wide(&make(level)), wide(expected), "{}", level.name());
    }
}

fn sums<T: Any>(words: &mut Words<'_>) {
    let n = words.below(2500);
    let (x, y) = (words.many::<T>(n), words.many::<f32>(n));
    same_numbers(&[spec::dot(&x, &y)], |level| vec![dot_with(level, &x, &y).expect("one length")]);
    let four = |p: gradsieve_kernels::Pair| vec![p.dot, p.x_squared, p.y_squared, p.x_l1];
    same_numbers(&four(spec::pair(&x, &y)), |level| four(pair_with(level, &x, &y).expect("one length")));
    let expected = [spec::squared_norm(&x), spec::l1_norm(&x), spec::max_abs(&x).into()];
    same_numbers(&expected, |level| {
        vec![squared_norm_with(level, &x), l1_norm_with(level, &x), max_abs_with(level, &x).into()]
    });
    let all = |s: gradsieve_kernels::Summary| {
        vec![s.l1, s.l2_squared, s.max.into(), s.non_finite as f64, s.count as f64]
    };
    same_numbers(&all(spec::summarize(&x)), |level| all(summarize_with(level, &x)));
}

fn vectors<T: Any>(words: &mut Words<'_>) {
    let n = words.below(300);
    let (x, y, alpha) = (words.many::<T>(n), words.many::<f32>(n), f32::any(words.word()));
    same(&y, |y| spec::axpy(alpha, &x, y), |level, y| axpy_with(level, alpha, &x, y));
    same(&y, |to| spec::widen(&x, to), |level, to| widen_with(level, &x, to));
    let mut expected = vec![T::any(0); n];
    spec::narrow(&y, &mut expected);
    for level in Level::available() {
        let mut found = vec![T::any(0); n];
        narrow_with(level, &y, &mut found).expect("one length");
        let values = |x: &[T]| single(&x.iter().map(|x| x.value()).collect::<Vec<_>>());
        assert_eq!(values(&found), values(&expected), "{}", level.name());
    }
    let log = words.below(9);
    let x = words.many::<f32>(1 << log);
    same(&x, spec::hadamard, hadamard_with);
}

fn projections<T: Any>(words: &mut Words<'_>) {
    let (key, n, offset) = (words.key(), words.below(1500), u64::from(words.word() % 5000));
    let (x, scale) = (words.many::<T>(n), f32::any(words.word()));
    let repeat = [Repeat::One, Repeat::Two, Repeat::Four][words.below(3)];
    let (s, width) = (repeat.count() as u64, 128 * (1 + words.below(3)));
    let out = words.many::<f32>(width);
    let sjlt = Sjlt::new(key, repeat);
    same(
        &out,
        |out| spec::sjlt(key, s, offset, scale, &x, out),
        |level, out| sjlt_scaled_with(level, sjlt, offset, scale, &x, out),
    );
    let every = NonZeroU16::MIN.saturating_add(words.below(7) as u16);
    let mask = Mask::new(key, repeat, every);
    same(
        &out,
        |out| spec::mask(key, s, every.get().into(), offset, scale, &x, out),
        |level, out| mask_with(level, mask, offset, scale, &x, out),
    );
    let few = &x[..n.min(600)];
    let width = [1, 2, 4, 8, few.len()][words.below(5)];
    if let Some(by) = Fold::new(few.len() as u64, width, key) {
        same(
            &out[..width],
            |out| spec::fold(key, few, out),
            |_, out| fold(&by, few, false, out).map(|tame| assert_eq!(tame, spec::tame(few))),
        );
    }
    same(
        &out,
        |out| spec::srht(key, offset, scale, &x, out),
        |level, out| srht_with(level, Srht::new(key), offset, scale, &x, out),
    );
    let short = &x[..n.min(100)];
    let (rademacher, gaussian) =
        (Rademacher::new(out.len(), key).expect("a width"), Gaussian::new(out.len(), key).expect("a width"));
    same(
        &out,
        |out| spec::rademacher(key, offset, scale, short, out),
        |level, out| rademacher_with(level, rademacher, offset, scale, short, out),
    );
    same(
        &out,
        |out| spec::gaussian(key, offset, scale, short, out),
        |level, out| gaussian_with(level, gaussian, offset, scale, short, out),
    );
}

fn matrices<T: Any>(words: &mut Words<'_>) {
    let (rows, k) = (1 + words.below(6), 1 + words.below(40));
    let (a, x, start) = (words.many::<T>(rows * k), words.many::<f32>(k), words.many::<f32>(rows));
    same(
        &start,
        |out| spec::matrix::matvec(&a, &x, out),
        |level, out| matrix::matvec_with(level, &a, &x, out),
    );
    let (weight, packed) = (f32::any(words.word()), words.many::<f32>(k * (k + 1) / 2));
    same(
        &packed,
        |packed| spec::matrix::add_outer(weight, &x, packed),
        |level, packed| matrix::add_outer_with(level, weight, &x, packed),
    );
    let (weights, rows_of) = (words.many::<f32>(rows), words.many::<f32>(rows * k));
    let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
    let start: Vec<f64> = packed.iter().map(|&x| f64::from(x) / 3.0).collect();
    let mut expected = start.clone();
    spec::double::add_outers(&weights, k, &rows_of, &mut expected);
    same_numbers(&expected, |level| {
        let mut found = start.clone();
        double::add_outers_with(level, &weights, k, &rows_of, &mut found).expect("lengths that fit");
        found
    });
}

fn codecs(words: &mut Words<'_>) {
    let n = 1 + words.below(300);
    let row = words.finite(n);
    let mut codes = vec![0; n];
    let scale = spec::codec::encode_int8(&row, &mut codes).expect("finite");
    for level in Level::available() {
        let mut found = vec![0; n];
        let found_scale = encode_int8_with(level, &row, &mut found).expect("finite");
        assert_eq!((found_scale.to_bits(), &found), (scale.to_bits(), &codes), "{}", level.name());
    }
    let values: [f32; 64] = std::array::from_fn(|i| row.get(i).copied().unwrap_or(0.0));
    let levels = words.finite(1)[0].abs();
    for of in Bits::ALL {
        let mut expected = vec![0; 2 * of.count()];
        let product = spec::codec::encode_bits(of.count(), &values, levels, &mut expected);
        let (found, found_product) = encode_block(of, &values, levels);
        assert_eq!(found[..expected.len()], expected, "{of:?}");
        assert_eq!(found_product.to_bits(), product.to_bits(), "{of:?}");
    }
    same(
        &vec![0.0; n],
        |to| spec::codec::decode_int8(&codes, scale, to),
        |level, to| decode_int8_with(level, &codes, scale, to),
    );
}

fn scores<T: Any>(words: &mut Words<'_>) {
    let (n, k, queries) = (1 + words.below(20), 1 + words.below(150), 1 + words.below(9));
    let (rows, q, start) = (words.many::<T>(n * k), words.finite(queries * k), vec![7.0; n * queries]);
    same(
        &start,
        |scores| spec::score::score_floats(&rows, k, &q, scores),
        |level, scores| score_rows_with(level, &rows, k, &q, scores),
    );
    let codes: Vec<u8> = (0..n * k).map(|_| words.word() as u8).collect();
    let scales = words.finite(n);
    let mut scratch = vec![0; int8::Queries::open_len(queries, k)];
    let open = int8::Queries::open(&q, k, &mut scratch).expect("finite");
    same(
        &start,
        |scores| spec::score::score_int8(&codes, &scales, k, &q, scores),
        |level, scores| {
            let rows = int8::Rows { codes: &codes, scales: &scales };
            int8::score_int8_rows_with(level, rows, open, scores)
        },
    );
    let scales = words.many::<f16>(n);
    for of in Bits::ALL {
        let codes: Vec<u32> = (0..n * of.words(k)).map(|_| words.word()).collect();
        let mut sealed = vec![0; bits::sealed_len(of, n, k)];
        bits::seal(of, &codes, k, &mut sealed).expect("lengths that fit");
        let mut scratch = vec![0; bits::Queries::sealed_len(queries, k)];
        let packed = bits::Queries::sealed(of, &q, k, &mut scratch).expect("finite");
        same(
            &start,
            |scores| spec::score::score_bits(of.count(), &codes, &scales, k, &q, scores),
            |level, scores| {
                let rows = bits::Rows { words: &sealed, scales: &scales };
                bits::score_bits_sealed_with(level, rows, packed, scores)
            },
        );
    }
}

fn of_format<T: Any>(family: u8, words: &mut Words<'_>) {
    match family % 6 {
        0 => sums::<T>(words),
        1 => vectors::<T>(words),
        2 => projections::<T>(words),
        3 => matrices::<T>(words),
        4 => codecs(words),
        _ => scores::<T>(words),
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [family, format, input @ ..] = input else { return };
    if input.len() < 8 {
        return;
    }
    let mut words = Words { input, at: 0 };
    match format % 3 {
        0 => of_format::<f32>(*family, &mut words),
        1 => of_format::<f16>(*family, &mut words),
        _ => of_format::<bf16>(*family, &mut words),
    }
});
