//! The loops that a Rust programmer would write without intrinsics, as the compiler makes
//! them: for the baseline of the target ("chunked"), and for AVX-512 or AVX2 if the
//! machine has them ("chunked, native").

use gradsieve_kernels::Element;

/// Partial sums, enough for the compiler to fill its registers.
const LANES: usize = 64;

/// Σ f(x, y) over two slices, in `LANES` partial sums.
#[inline(always)]
pub fn sum_two<T: Copy, U: Copy>(x: &[T], y: &[U], term: impl Fn(T, U) -> f32) -> f64 {
    let mut lanes = [0.0_f32; LANES];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x.iter().zip(y) {
        for i in 0..LANES {
            lanes[i] += term(x[i], y[i]);
        }
    }
    let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| term(*x, *y)).sum();
    f64::from(lanes.iter().sum::<f32>() + rest)
}

/// Σ f(x) over a slice, in `LANES` partial sums.
#[inline(always)]
pub fn sum_one<T: Copy>(x: &[T], term: impl Fn(T) -> f32) -> f64 {
    sum_two(x, x, |x, _| term(x))
}

/// max |x|, in `LANES` partial maxima.
#[inline(always)]
pub fn max_abs<T: Element>(x: &[T]) -> f64 {
    let mut lanes = [0.0_f32; LANES];
    let (x, rest) = x.as_chunks::<LANES>();
    for x in x {
        for i in 0..LANES {
            let x = x[i].widen().abs();
            lanes[i] = if x > lanes[i] { x } else { lanes[i] };
        }
    }
    let rest = rest.iter().map(|x| x.widen().abs());
    f64::from(rest.chain(lanes).fold(0.0, f32::max))
}

/// The sums of a pair in one loop: dot, both squared norms, L1.
#[inline(always)]
pub fn pair<T: Element, U: Element>(x: &[T], y: &[U]) -> [f64; 4] {
    let mut lanes = [[0.0_f32; LANES]; 4];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    let mut step = |i: usize, x: f32, y: f32| {
        lanes[0][i] += x * y;
        lanes[1][i] += x * x;
        lanes[2][i] += y * y;
        lanes[3][i] += x.abs();
    };
    for (x, y) in x.iter().zip(y) {
        for i in 0..LANES {
            step(i, x[i].widen(), y[i].widen());
        }
    }
    for (i, (x, y)) in x_rest.iter().zip(y_rest).enumerate() {
        step(i, x.widen(), y.widen());
    }
    lanes.map(|lanes| f64::from(lanes.iter().sum::<f32>()))
}

/// L1, squared L2, maximum and non-finite entries in one loop; their sum.
#[inline(always)]
pub fn summary<T: Element>(x: &[T]) -> f64 {
    let (mut l1, mut l2, mut max) = ([0.0_f32; LANES], [0.0_f32; LANES], [0.0_f32; LANES]);
    let mut odd = [0_u32; LANES];
    let mut step = |i: usize, x: f32| {
        let x = x.abs();
        l1[i] += x;
        l2[i] += x * x;
        max[i] = if x > max[i] { x } else { max[i] };
        odd[i] += u32::from(!x.is_finite());
    };
    let (x, rest) = x.as_chunks::<LANES>();
    for x in x {
        for (i, x) in x.iter().enumerate() {
            step(i, x.widen());
        }
    }
    for (i, x) in rest.iter().enumerate() {
        step(i, x.widen());
    }
    let max = max.into_iter().fold(0.0, f32::max);
    let sums = f64::from(l1.iter().sum::<f32>()) + f64::from(l2.iter().sum::<f32>());
    sums + f64::from(max) + f64::from(odd.iter().sum::<u32>())
}

/// y ← y + α·x.
#[inline(always)]
pub fn axpy<T: Element>(alpha: f32, x: &[T], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x.widen();
    }
}

/// The Walsh–Hadamard transform in place: three loops.
#[inline(always)]
pub fn hadamard(x: &mut [f32]) {
    let mut half = 1;
    while half < x.len() {
        for block in x.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

/// Runs a loop compiled for the widest vectors that this machine has.
#[inline]
pub fn native<R>(run: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the features were found.
            return unsafe { avx512(run) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the features were found.
            return unsafe { avx2(run) };
        }
    }
    run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2")]
fn avx512<R>(run: impl FnOnce() -> R) -> R {
    run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi2")]
fn avx2<R>(run: impl FnOnce() -> R) -> R {
    run()
}
