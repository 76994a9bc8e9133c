//! Threads that share a sieve for reading: one learns the stream, and then a batch is
//! judged by a pool of threads, with the verdicts of a single one.
//!
//! Judging takes `&self`, and a state is `Send` and `Sync` where its buffer is: no lock
//! is needed but for learning.
//!
//! `cargo run --release --example shared_detector`

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gradsieve::{Error, Exact, Layout, Projector, Sieve, SieveSettings, Sketch, SketchId, Verdict};

const K: usize = 32;
const STREAM: u64 = 2_000;
const BATCH: u64 = 4_000;
const THREADS: usize = 4;

/// Uniform in −1 … 1, from a counter.
fn noise(i: u64) -> f32 {
    let mut x = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 31)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (x >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Gradient i of the stream. One in 50 of the batch points the other way, and is long.
fn gradient(i: u64) -> [f32; K] {
    let sign = if is_wrong(i) { -3.0 } else { 1.0 };
    std::array::from_fn(|j| sign * (noise(j as u64) + 0.5 * noise(1_000 + i * K as u64 + j as u64)))
}

const fn is_wrong(i: u64) -> bool {
    i >= STREAM && i % 50 == 7
}

fn judge(sieve: &Sieve<Vec<i64>>, id: SketchId, i: u64) -> Result<Verdict, Error> {
    let values = gradient(i);
    sieve.judge(&Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?)
}

fn main() -> Result<(), Error> {
    // Gradients of 32 numbers need no projection.
    let id = Exact::new(K).id(Layout::flat(K as u64)?.id());
    let settings = SieveSettings::new(K);
    let mut sieve = Sieve::new(settings, vec![0; settings.memory().i64s])?;
    for i in 0..STREAM {
        let verdict = judge(&sieve, id, i)?;
        let values = gradient(i);
        sieve.observe(&Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?, &verdict)?;
    }

    let batch: Vec<u64> = (STREAM..STREAM + BATCH).collect();
    let flagged = AtomicUsize::new(0);
    let (sieve, count) = (&sieve, &flagged);
    let verdicts = thread::scope(|scope| {
        let part = |part: &[u64]| {
            let verdicts: Result<Vec<_>, Error> = part.iter().map(|&i| judge(sieve, id, i)).collect();
            let flags = verdicts.iter().flatten().filter(|verdict| verdict.flagged).count();
            count.fetch_add(flags, Ordering::Relaxed);
            verdicts
        };
        let parts = batch.chunks(batch.len().div_ceil(THREADS));
        let threads: Vec<_> = parts.map(|ids| scope.spawn(move || part(ids))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("judging does not panic"))
            .collect::<Result<Vec<_>, _>>()
    })?;

    // The same verdicts, whoever judged.
    let alone = batch.iter().map(|&i| judge(sieve, id, i)).collect::<Result<Vec<_>, _>>()?;
    assert_eq!(verdicts.concat(), alone);
    let wrong = batch.iter().filter(|&&i| is_wrong(i)).count();
    let found = batch.iter().zip(&alone).filter(|&(&i, verdict)| verdict.flagged && is_wrong(i)).count();
    let flagged = flagged.load(Ordering::Relaxed);
    println!(
        "{THREADS} threads judged {BATCH} samples: {flagged} flagged, {found} of {wrong} wrong ones among them"
    );
    Ok(())
}
