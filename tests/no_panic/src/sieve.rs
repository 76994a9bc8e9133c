//! The sieve, and the statistics that it does not use itself.

use core::hint::black_box;
use gradsieve::statistics::{Discoveries, Grid, Histogram, Jumper, Scale, Tail, frozen, smoothed, uniform};
use gradsieve::{Error, Groups, Rate, Sieve, SieveSettings, Sketch, State, Verdict};

/// Judges, learns, merges, writes and restores.
pub fn sieved(sketch: &Sketch<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
    let settings = SieveSettings {
        groups: if black_box(true) { Groups::Growing(black_box(3)) } else { Groups::Fixed(black_box(3)) },
        rate: if black_box(true) { Rate::FalseAlarms(0.01) } else { Rate::FalseDiscoveries(0.1) },
        half_life: black_box(Some(100)),
        ..SieveSettings::new(black_box(64))
    };
    let mut sieve = Sieve::new(settings, [0_i64; 300])?;
    let mut other = Sieve::new(settings, [0_i64; 300])?;
    let sketch = sketch.with_loss(black_box(0.5));
    let verdict = sieve.judge(&sketch)?;
    let verdict = Verdict::from_words(&black_box(verdict.to_words()))?;
    let alarm = sieve.observe(&sketch, &verdict)?;
    other.advance(black_box(1000));
    sieve.merge(&other)?;
    let written = sieve.to_bytes(bytes)?;
    other.restore(bytes)?;
    let names = verdict.reasons.names().map(str::len).sum::<usize>();
    Ok(written + names + alarm.map_or(0, |alarm| alarm.name().len()) + sieve.health() as usize)
}

/// Histograms, scales, tails and decisions.
pub fn counted(numbers: &[f32]) -> Result<f64, Error> {
    const GRID: Grid = Grid { fineness: 2, fine: (-8, 8), coarse: 8, end: 64 };
    let mut histogram = Histogram::<{ GRID.cells() }>::new(&GRID)?;
    let mut scale = Scale::<{ GRID.cells() }>::new(&GRID)?;
    for &number in numbers {
        histogram.add(number.into(), black_box(3));
        scale.observe(number.into(), black_box(3));
    }
    scale.merge(&scale.clone())?;
    let tail = Tail::fit(numbers.iter().map(|&number| number.into()), black_box(1000))?;
    let (low, high) = tail.interval(black_box(0.01))?;
    let (mut jumper, mut discoveries) = (Jumper::NEW, Discoveries::new(black_box(0.1))?);
    let p = frozen(&histogram, low) + smoothed(&histogram, high, uniform(1, 2));
    let flags = jumper.bet(p as f32, 0.01) | discoveries.decide(p);
    Ok(p + f64::from(scale.standardise(p)) + tail.quantile(0.01)? + f64::from(u8::from(flags)))
}
