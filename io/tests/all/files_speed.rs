//! How fast a large matrix streams by, and in how much memory. Ignored by default, as it
//! writes a file of gigabytes and measures time:
//!
//! ```text
//! cargo test --release -p gradsieve-io --test all -- --ignored --nocapture files_speed
//! ```
//!
//! `GRADSIEVE_SPEED_ROWS` sets the number of rows of 5,000,000 f32 (20 MB each; 200
//! unless told).

use std::fs::File;
use std::io::Read;
use std::time::Instant;

use gradsieve_io::files::{ArrayWriter, Destination, Dtype, FileError, Matrix, Piece, Source};

const COLS: usize = 5_000_000;

#[cfg(target_os = "linux")]
#[test]
#[ignore = "writes gigabytes and measures time"]
fn a_large_matrix_streams_in_64_mib_and_twice_the_time_of_plain_reading() {
    let rows = std::env::var("GRADSIEVE_SPEED_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(200);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("grads.npy");
    let mut writer =
        ArrayWriter::create(&Destination::Path(path.clone()), &[rows, COLS], Dtype::F32).unwrap();
    let row: Vec<f32> = (0..COLS).map(|i| i as f32).collect();
    let start = Instant::now();
    for _ in 0..rows {
        writer.write(&row).unwrap();
    }
    writer.finish().unwrap();
    println!("written in {:.2} s", start.elapsed().as_secs_f64());
    drop(row);
    // Peak memory from here on.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();

    let (mut plain, mut stream, mut busy) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..5 {
        plain = plain.min(seconds(|| {
            let mut file = File::open(&path).unwrap();
            let mut buffer = vec![0; 1 << 20];
            while file.read(&mut buffer).unwrap() > 0 {}
        }));
        stream = stream.min(seconds(|| {
            assert_ne!(pass(&path, |values| values.iter().fold(0, |sum, v| sum ^ v.to_bits())), 1);
        }));
        // A consumer about as dear as a sketch: a multiplication by a hash and a
        // scattered addition.
        let mut sketch = [0.0_f32; 512];
        busy = busy.min(seconds(|| {
            pass(&path, |values| {
                for (i, v) in values.iter().enumerate() {
                    sketch[(i.wrapping_mul(0x9E37_79B9) >> 7) & 511] += v;
                }
                0
            });
        }));
        std::hint::black_box(sketch);
    }
    let gigabytes = (rows * COLS * 4) as f64 / 1e9;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
        .expect("Linux tells the peak");
    let peak = peak / 1024.0;
    for (what, time) in [("read()", plain), ("stream, xor of bits", stream), ("stream, scatter", busy)] {
        println!("{what:20} {time:.2} s, {:.2} GB/s, {:.2} × read()", gigabytes / time, time / plain);
    }
    println!("peak memory {peak:.1} MiB");
    assert!(peak < 64.0);
    assert!(stream < 2.0 * plain);
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn pass(path: &std::path::Path, mut consume: impl FnMut(&[f32]) -> u32) -> u32 {
    let mut sum = 0;
    let mut matrix = Matrix::open(&Source::Npy(path.to_owned())).unwrap();
    let visit = |_, _, piece: Piece<'_>| {
        if let Piece::F32(values) = piece {
            sum ^= consume(values);
        }
        Ok::<(), FileError>(())
    };
    matrix.for_each_piece(visit).unwrap();
    sum
}
