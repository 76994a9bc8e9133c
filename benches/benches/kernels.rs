//! Criterion benches of every kernel: levels × number formats × footprints.
//!
//! `cargo bench -p gradsieve-bench -- 'dot/float16/L2'` for a part of them. For how the
//! figures stand against the machine's limits and against other crates, run the program
//! `race`.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use gradsieve_bench::data::Buffer;
use gradsieve_bench::machine::{Footprint, Machine};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{
    Element, Key, Level, Sjlt, axpy_with, dot_with, l1_norm_with, max_abs_with, narrow_with, pair_with,
    sjlt_with, squared_norm_with, summarize_with, widen_with,
};
use half::{bf16, f16};
use std::hint::black_box;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20)
        .configure_from_args();
    let machine = Machine::here();
    for footprint in Footprint::ALL {
        let bytes = machine.bytes(footprint);
        all::<f32>(&mut criterion, footprint, bytes);
        all::<f16>(&mut criterion, footprint, bytes);
        all::<bf16>(&mut criterion, footprint, bytes);
        dot::<f32, f16>(&mut criterion, "float32·float16", footprint, bytes / 6);
        conversions::<f16>(&mut criterion, footprint, bytes / 6);
        conversions::<bf16>(&mut criterion, footprint, bytes / 6);
    }
    criterion.final_summary();
}

fn all<T: Element>(criterion: &mut Criterion, footprint: Footprint, bytes: usize) {
    let (one, two) = (bytes / size_of::<T>(), bytes / size_of::<T>() / 2);
    dot::<T, T>(criterion, T::NAME, footprint, two);

    let (x, y) = (&Buffer::<T>::numbers(1, two), &Buffer::<T>::numbers(2, two));
    let mut group = group(criterion, "pair", T::NAME, footprint, 2 * x.bytes().len());
    at_all_levels(&mut group, |level| {
        black_box(pair_with(level, black_box(x), black_box(y)).unwrap_or_default());
    });
    drop(group);

    let x = &Buffer::<T>::numbers(1, one);
    reduction(criterion, "squared_norm", footprint, x, squared_norm_with);
    reduction(criterion, "l1_norm", footprint, x, l1_norm_with);
    reduction(criterion, "max_abs", footprint, x, max_abs_with);
    reduction(criterion, "summarize", footprint, x, summarize_with);

    for repeat in [Repeat::One, Repeat::Two, Repeat::Four] {
        for width in [512, 640] {
            let mut out = vec![0.0; width];
            let kernel = format!("sjlt s={} k={width}", repeat.count());
            let mut group = self::group(criterion, &kernel, T::NAME, footprint, x.bytes().len());
            at_all_levels(&mut group, |level| {
                let done =
                    sjlt_with(level, Sjlt::new(Key::seed(7), repeat), black_box(0), black_box(x), &mut out);
                assert_eq!(black_box(done), Ok(()));
            });
        }
    }

    let length = bytes / (size_of::<T>() + 4);
    let (x, mut y) = (Buffer::<T>::numbers(1, length), Buffer::<f32>::zeros(length));
    let mut group = self::group(criterion, "axpy", T::NAME, footprint, bytes);
    at_all_levels(&mut group, |level| {
        assert_eq!(axpy_with(level, black_box(0.5), black_box(&x), &mut y), Ok(()));
    });
}

fn dot<T: Element, U: Element>(criterion: &mut Criterion, dtype: &str, footprint: Footprint, length: usize) {
    let (x, y) = (&Buffer::<T>::numbers(1, length), &Buffer::<U>::numbers(2, length));
    let mut group = group(criterion, "dot", dtype, footprint, x.bytes().len() + y.bytes().len());
    at_all_levels(&mut group, |level| {
        black_box(dot_with(level, black_box(x), black_box(y)).unwrap_or(f64::NAN));
    });
}

fn reduction<T: Element, R>(
    criterion: &mut Criterion,
    kernel: &str,
    footprint: Footprint,
    x: &Buffer<T>,
    reduce: impl Fn(Level, &[T]) -> R,
) {
    let mut group = group(criterion, kernel, T::NAME, footprint, x.bytes().len());
    at_all_levels(&mut group, |level| {
        black_box(reduce(level, black_box(x)));
    });
}

fn conversions<T: Element>(criterion: &mut Criterion, footprint: Footprint, length: usize) {
    let (mut narrow, mut wide) = (Buffer::<T>::numbers(1, length), Buffer::<f32>::numbers(1, length));
    let mut group = group(criterion, "widen", T::NAME, footprint, 6 * length);
    at_all_levels(&mut group, |level| {
        assert_eq!(widen_with(level, black_box(&narrow), &mut wide), Ok(()));
    });
    drop(group);
    let mut group = self::group(criterion, "narrow", T::NAME, footprint, 6 * length);
    at_all_levels(&mut group, |level| {
        assert_eq!(narrow_with(level, black_box(&wide), &mut narrow), Ok(()));
    });
}

fn group<'a>(
    criterion: &'a mut Criterion,
    kernel: &str,
    dtype: &str,
    footprint: Footprint,
    bytes: usize,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(format!("{kernel}/{dtype}/{}", footprint.name()));
    group.throughput(Throughput::Bytes(bytes as u64));
    group
}

fn at_all_levels(group: &mut BenchmarkGroup<'_, WallTime>, mut work: impl FnMut(Level)) {
    for level in Level::available() {
        group.bench_function(BenchmarkId::from_parameter(level.name()), |bencher| {
            bencher.iter(|| work(black_box(level)));
        });
    }
}
