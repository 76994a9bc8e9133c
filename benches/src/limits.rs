//! What the machine can do at best: loops that only move data, in several unrollings with
//! and without prefetching, of which the fastest is the limit; and loops that only
//! compute.

use crate::clock::{Plan, Repeat, race};
use crate::contest::{Contest, Role};
use crate::data::Buffer;
use gradsieve_kernels::Element;
use std::cell::RefCell;
use std::hint::black_box;

/// A register's worth of memory.
type Line = [u8; 64];

/// Enters the limits of reading one buffer.
pub fn read_one<'a, T: Element>(contest: &mut Contest<'a>, x: &'a Buffer<T>) {
    read::<4, 0>(contest, x.bytes(), &[]);
    read::<8, 0>(contest, x.bytes(), &[]);
    read::<16, 0>(contest, x.bytes(), &[]);
}

/// Enters the limit of computing so many products and their sums: FMAs of `f32`,
/// `vpdpbusd` of int8 and of few bits.
pub fn multiply_add(contest: &mut Contest<'_>, dtype: &str, products: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni");
        match dtype {
            _ if !has => {}
            "int8" | "4-bit" | "2-bit" | "1-bit" => contest.enter(Role::Limit, "vpdpbusd", move || {
                // SAFETY: the features were found.
                unsafe { x86::dot_bytes_512(black_box(products / 64 / OPERATIONS)) }
            }),
            _ => contest.enter(Role::Limit, "FMA", move || {
                // SAFETY: the feature was found.
                unsafe { x86::fmas_512(black_box(products / 16 / OPERATIONS)) }
            }),
        }
    }
}

/// Enters the limit of comparing so many bits: exclusive ors, counts and additions of
/// whole registers.
pub fn count_bits(contest: &mut Contest<'_>, bits: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
            contest.enter(Role::Limit, "vpopcntd", move || {
                // SAFETY: the features were found.
                unsafe { x86::counts_512(black_box(bits / 512 / 16)) }
            });
        } else if is_x86_feature_detected!("avx2") {
            contest.enter(Role::Limit, "counts by nibbles", move || {
                // SAFETY: the feature was found.
                unsafe { x86::counts_256(black_box(bits / 256 / 8)) }
            });
        }
    }
    if !vectors() {
        contest.enter(Role::Limit, "count_ones", move || {
            let mut sums = [0_u32; 8];
            for _ in 0..black_box(bits / 64 / 8) {
                for (sum, x) in sums.iter_mut().zip(black_box([3_u64, 5, 7, 9, 11, 13, 15, 17])) {
                    *sum += x.count_ones();
                }
            }
            f64::from(black_box(sums)[0])
        });
    }
}

/// Enters the limits of reading two buffers side by side.
pub fn read_two<'a, T: Element, U: Element>(contest: &mut Contest<'a>, x: &'a Buffer<T>, y: &'a Buffer<U>) {
    if size_of::<T>() == 2 * size_of::<U>() {
        read::<2, 1>(contest, x.bytes(), y.bytes());
        read::<4, 2>(contest, x.bytes(), y.bytes());
        read::<8, 4>(contest, x.bytes(), y.bytes());
    } else {
        read::<2, 2>(contest, x.bytes(), y.bytes());
        read::<4, 4>(contest, x.bytes(), y.bytes());
        read::<8, 8>(contest, x.bytes(), y.bytes());
    }
}

/// Enters the limits of y ← f(x, y).
pub fn update<'a, T: Element>(contest: &mut Contest<'a>, x: &'a Buffer<T>, y: &'a RefCell<Buffer<f32>>) {
    if size_of::<T>() == 4 {
        write::<4, 4, 64, true>(contest, x.bytes(), y);
        write::<8, 8, 64, true>(contest, x.bytes(), y);
    } else {
        write::<4, 4, 32, true>(contest, x.bytes(), y);
        write::<8, 8, 32, true>(contest, x.bytes(), y);
    }
}

/// Enters the limits of y ← f(x).
pub fn copy<'a, T: Element, U: Element>(
    contest: &mut Contest<'a>,
    x: &'a Buffer<T>,
    y: &'a RefCell<Buffer<U>>,
) {
    match (size_of::<T>(), size_of::<U>()) {
        (2, 4) => {
            write::<4, 4, 32, false>(contest, x.bytes(), y);
            write::<8, 8, 32, false>(contest, x.bytes(), y);
        }
        (4, 2) => {
            write::<8, 4, 64, false>(contest, x.bytes(), y);
            write::<16, 8, 64, false>(contest, x.bytes(), y);
        }
        _ => {
            write::<4, 4, 64, false>(contest, x.bytes(), y);
            write::<8, 8, 64, false>(contest, x.bytes(), y);
        }
    }
}

/// Enters the limit of `count` additions of `f32`.
pub fn additions(contest: &mut Contest<'_>, count: usize) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        contest.enter(Role::Limit, "additions, 512 bits", move || {
            // SAFETY: the feature was found.
            unsafe { x86::adds_512(black_box(count / 16 / OPERATIONS)) }
        });
    }
    contest.enter(Role::Limit, "additions, plain", move || {
        let mut lanes = black_box([0.5_f32; 64]);
        for _ in 0..black_box(count / 64) {
            for lane in &mut lanes {
                *lane += 1e-6;
            }
        }
        f64::from(black_box(lanes)[0])
    });
}

/// How far ahead to prefetch, in bytes; 0 for not at all.
const AHEAD: [usize; 2] = [0, 4096];

fn read<'a, const P: usize, const Q: usize>(contest: &mut Contest<'a>, x: &'a [u8], y: &'a [u8]) {
    #[cfg(target_arch = "x86_64")]
    for ahead in AHEAD {
        let name = format!("read {P}+{Q}, prefetch {ahead}");
        if is_x86_feature_detected!("avx512f") {
            contest.enter(Role::Limit, format!("{name}, 512 bits"), move || {
                // SAFETY: the feature was found.
                unsafe { x86::read_512::<P, Q>(black_box(x), black_box(y), ahead) }
            });
        }
        if is_x86_feature_detected!("avx2") {
            contest.enter(Role::Limit, format!("{name}, 256 bits"), move || {
                // SAFETY: the feature was found.
                unsafe { x86::read_256::<P, Q>(black_box(x), black_box(y), ahead) }
            });
        }
    }
    if !vectors() {
        contest.enter(Role::Limit, format!("read {P}+{Q}"), move || {
            let or = |x: &[u8]| x.as_chunks::<8>().0.iter().fold(0, |or, x| or | u64::from_ne_bytes(*x));
            (or(black_box(x)) | or(black_box(y))) as f64
        });
    }
}

/// Writes `Q` lines for what it reads, `WIDTH` bytes of each of `Q` or `P` lines; reads
/// `to` as well if `UPDATE`.
fn write<'a, const P: usize, const Q: usize, const WIDTH: usize, const UPDATE: bool>(
    contest: &mut Contest<'a>,
    x: &'a [u8],
    y: &'a RefCell<Buffer<impl Element>>,
) {
    #[cfg(target_arch = "x86_64")]
    for ahead in AHEAD {
        if is_x86_feature_detected!("avx512f") {
            contest.enter(Role::Limit, format!("write {P}+{Q}, prefetch {ahead}"), move || {
                // SAFETY: the feature was found.
                unsafe {
                    x86::write_512::<P, Q, WIDTH, UPDATE>(black_box(x), y.borrow_mut().bytes_mut(), ahead);
                }
                0.0
            });
        }
    }
    contest.enter(Role::Limit, format!("write {P}+{Q}, plain"), move || {
        let mut y = y.borrow_mut();
        plain(black_box(x), y.bytes_mut(), UPDATE);
        0.0
    });
}

/// The loop of [`write`] that any machine can run.
fn plain(x: &[u8], y: &mut [u8], update: bool) {
    if update {
        for (y, x) in y.as_chunks_mut::<8>().0.iter_mut().zip(x.as_chunks::<8>().0.iter().cycle()) {
            *y = (u64::from_ne_bytes(*x) | u64::from_ne_bytes(*y)).to_ne_bytes();
        }
    } else if x.len() > y.len() {
        for (y, x) in y.as_chunks_mut::<8>().0.iter_mut().zip(x.as_chunks::<16>().0) {
            *y = (u128::from_ne_bytes(*x) as u64).to_ne_bytes();
        }
    } else {
        for y in y.chunks_mut(x.len()) {
            y.copy_from_slice(&x[..y.len()]);
        }
    }
}

/// Whether the loops in vectors can be run here.
fn vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// How many f32 operations of a whole register a second this machine does: names and
/// figures.
#[must_use]
pub fn compute(plan: Plan) -> Vec<(&'static str, f64)> {
    let mut loops: Vec<Loop> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the feature was found.
        loops.push(Loop("512-bit f32 additions", |times| unsafe { x86::adds_512(times) }));
        // SAFETY: the feature was found.
        loops.push(Loop("512-bit f32 multiplications and additions", |times| unsafe {
            x86::mul_adds_512(times)
        }));
        // SAFETY: the feature was found.
        loops.push(Loop("512-bit f32 FMAs", |times| unsafe { x86::fmas_512(times) }));
    }
    let seconds = race(plan, &mut loops);
    loops.iter().zip(seconds).map(|(one, seconds)| (one.0, OPERATIONS as f64 / seconds)).collect()
}

/// Register operations in one repetition of a [`Loop`].
const OPERATIONS: usize = 24;

struct Loop(&'static str, fn(usize) -> f64);

impl Repeat for Loop {
    fn repeat(&mut self, times: usize) {
        black_box(self.1(times));
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Line;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// Asks for a line; `ahead` = 0 is taken for no.
    #[inline(always)]
    fn prefetch(line: &Line, ahead: usize) {
        if ahead > 0 {
            // SAFETY: a prefetch never faults, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(ahead).cast()) };
        }
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn read_512<const P: usize, const Q: usize>(x: &[u8], y: &[u8], ahead: usize) -> f64 {
        let (mut a, mut b) = ([_mm512_setzero_si512(); P], [_mm512_setzero_si512(); Q]);
        // SAFETY: a line is 64 bytes.
        let load = |line: &Line| unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
        if ahead > 0 {
            both::<P, Q>(x, y, |x, y| {
                for (a, x) in a.iter_mut().zip(x) {
                    prefetch(x, ahead);
                    *a = _mm512_or_si512(*a, load(x));
                }
                for (b, y) in b.iter_mut().zip(y) {
                    prefetch(y, ahead);
                    *b = _mm512_or_si512(*b, load(y));
                }
            });
        } else {
            both::<P, Q>(x, y, |x, y| {
                for (a, x) in a.iter_mut().zip(x) {
                    *a = _mm512_or_si512(*a, load(x));
                }
                for (b, y) in b.iter_mut().zip(y) {
                    *b = _mm512_or_si512(*b, load(y));
                }
            });
        }
        // Loops, because a closure that the standard library calls may stand alone, and
        // then costs a short read more than its loads.
        let mut all = _mm512_setzero_si512();
        for a in &a {
            all = _mm512_or_si512(all, *a);
        }
        for b in &b {
            all = _mm512_or_si512(all, *b);
        }
        f64::from(_mm512_reduce_or_epi32(all))
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn read_256<const P: usize, const Q: usize>(x: &[u8], y: &[u8], ahead: usize) -> f64 {
        let (mut a, mut b) = ([[_mm256_setzero_si256(); 2]; P], [[_mm256_setzero_si256(); 2]; Q]);
        // SAFETY: a line is 64 bytes, twice 32.
        let or = |[low, high]: [__m256i; 2], line: &Line| unsafe {
            [
                _mm256_or_si256(low, _mm256_loadu_si256(line.as_ptr().cast())),
                _mm256_or_si256(high, _mm256_loadu_si256(line.as_ptr().add(32).cast())),
            ]
        };
        if ahead > 0 {
            both::<P, Q>(x, y, |x, y| {
                for (a, x) in a.iter_mut().zip(x) {
                    prefetch(x, ahead);
                    *a = or(*a, x);
                }
                for (b, y) in b.iter_mut().zip(y) {
                    prefetch(y, ahead);
                    *b = or(*b, y);
                }
            });
        } else {
            both::<P, Q>(x, y, |x, y| {
                for (a, x) in a.iter_mut().zip(x) {
                    *a = or(*a, x);
                }
                for (b, y) in b.iter_mut().zip(y) {
                    *b = or(*b, y);
                }
            });
        }
        let mut all = _mm256_setzero_si256();
        for [low, high] in &a {
            all = _mm256_or_si256(all, _mm256_or_si256(*low, *high));
        }
        for [low, high] in &b {
            all = _mm256_or_si256(all, _mm256_or_si256(*low, *high));
        }
        f64::from(_mm256_extract_epi32::<0>(all))
    }

    /// `P` lines of `x` and `Q` lines of `y` at a time.
    #[inline(always)]
    fn both<const P: usize, const Q: usize>(
        x: &[u8],
        y: &[u8],
        mut step: impl FnMut(&[Line; P], &[Line; Q]),
    ) {
        let x = x.as_chunks::<64>().0.as_chunks::<P>().0;
        // Without a second stream, `chunks_exact` would panic.
        if Q == 0 {
            for x in x {
                step(x, &[[0; 64]; Q]);
            }
            return;
        }
        for (x, y) in x.iter().zip(y.as_chunks::<64>().0.chunks_exact(Q.max(1))) {
            let Ok(y) = y.try_into() else { return };
            step(x, y);
        }
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn write_512<const P: usize, const Q: usize, const WIDTH: usize, const UPDATE: bool>(
        x: &[u8],
        y: &mut [u8],
        ahead: usize,
    ) {
        // `WIDTH` bytes of x are read for each register; P registers give Q lines.
        let x = x.as_chunks::<WIDTH>().0.as_chunks::<P>().0;
        for (x, y) in x.iter().zip(y.as_chunks_mut::<64>().0.as_chunks_mut::<Q>().0) {
            for (i, x) in x.iter().enumerate() {
                if ahead > 0 {
                    _mm_prefetch::<_MM_HINT_T0>(x.as_ptr().wrapping_add(ahead).cast());
                }
                // SAFETY: `x` is WIDTH bytes long.
                let x = unsafe {
                    if WIDTH == 64 {
                        _mm512_loadu_si512(x.as_ptr().cast())
                    } else {
                        _mm512_castsi256_si512(_mm256_loadu_si256(x.as_ptr().cast()))
                    }
                };
                if P == Q {
                    let to = &mut y[i];
                    // SAFETY: `to` is 64 bytes long.
                    unsafe {
                        let x = if UPDATE {
                            _mm512_or_si512(x, _mm512_loadu_si512(to.as_ptr().cast()))
                        } else {
                            x
                        };
                        _mm512_storeu_si512(to.as_mut_ptr().cast(), x);
                    }
                } else {
                    let to = &mut y[i / 2][32 * (i % 2)..][..32];
                    // SAFETY: `to` is 32 bytes long.
                    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_castsi512_si256(x)) };
                }
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn adds_512(times: usize) -> f64 {
        let x = black_box(_mm512_set1_ps(1e-6));
        let mut a = [_mm512_set1_ps(0.5); 24];
        for _ in 0..times {
            for a in &mut a {
                *a = _mm512_add_ps(*a, x);
            }
        }
        sum(a)
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn mul_adds_512(times: usize) -> f64 {
        let x = black_box(_mm512_set1_ps(1.0));
        let (mut a, mut b) = ([_mm512_set1_ps(0.5); 12], [_mm512_set1_ps(0.5); 12]);
        for _ in 0..times {
            for (a, b) in a.iter_mut().zip(&mut b) {
                *a = _mm512_mul_ps(*a, x);
                *b = _mm512_add_ps(*b, x);
            }
        }
        sum(a) + sum(b)
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn fmas_512(times: usize) -> f64 {
        let (x, y) = black_box((_mm512_set1_ps(1.0), _mm512_set1_ps(1e-6)));
        let mut a = [_mm512_set1_ps(0.5); 24];
        for _ in 0..times {
            for a in &mut a {
                *a = _mm512_fmadd_ps(*a, x, y);
            }
        }
        sum(a)
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) fn dot_bytes_512(times: usize) -> f64 {
        let (x, y) = black_box((_mm512_set1_epi8(3), _mm512_set1_epi8(-2)));
        let mut a = [_mm512_setzero_si512(); 24];
        for _ in 0..times {
            for a in &mut a {
                *a = _mm512_dpbusd_epi32(*a, x, y);
            }
        }
        a.into_iter().map(|a| f64::from(_mm512_reduce_or_epi32(a))).sum()
    }

    /// Sixteen registers at a time, so that all stay registers.
    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    pub(super) fn counts_512(times: usize) -> f64 {
        let mut x = [3, 5, 7, 9].map(|bits| black_box(_mm512_set1_epi32(bits)));
        let q = [1, 2, 3, 4].map(|bits| black_box(_mm512_set1_epi32(bits)));
        let mut a = [_mm512_setzero_si512(); 16];
        for _ in 0..times {
            for (i, a) in a.iter_mut().enumerate() {
                *a = _mm512_add_epi32(*a, _mm512_popcnt_epi32(_mm512_xor_si512(x[i % 4], q[i / 4])));
            }
            // Else the counts would be taken out of the loop.
            x = black_box(x);
        }
        let sum = a.into_iter().fold(_mm512_setzero_si512(), |a, b| _mm512_add_epi32(a, b));
        f64::from(_mm512_reduce_add_epi32(sum))
    }

    /// Bytes' counts by two look-ups, eight registers at a time.
    #[target_feature(enable = "avx2")]
    pub(super) fn counts_256(times: usize) -> f64 {
        let bits = _mm256_set1_epi64x(0x0302_0201_0201_0100);
        let (nibble, mut x) = (_mm256_set1_epi8(15), black_box([_mm256_set1_epi32(3); 2]));
        let q = [1, 2, 3, 4].map(|bits| black_box(_mm256_set1_epi32(bits)));
        let mut a = [_mm256_setzero_si256(); 8];
        for _ in 0..times {
            for (i, a) in a.iter_mut().enumerate() {
                let x = _mm256_xor_si256(x[i % 2], q[i / 2]);
                let low = _mm256_shuffle_epi8(bits, _mm256_and_si256(x, nibble));
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(x), nibble);
                let both = _mm256_add_epi8(low, _mm256_shuffle_epi8(bits, high));
                *a = _mm256_add_epi8(*a, both);
            }
            x = black_box(x);
        }
        let sum = a.into_iter().fold(_mm256_setzero_si256(), |a, b| _mm256_add_epi8(a, b));
        f64::from(_mm256_extract_epi32::<0>(sum))
    }

    #[target_feature(enable = "avx512f")]
    fn sum<const N: usize>(a: [__m512; N]) -> f64 {
        f64::from(a.into_iter().map(|a| _mm512_reduce_add_ps(a)).sum::<f32>())
    }
}
