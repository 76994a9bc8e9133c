//! Numbers over visits, and the ranks that they are of.

use core::hint::black_box;
use gradsieve::statistics::{Grid, Ranks};
use gradsieve::visits::{Kept, Mean, MeanRank, VisitNumber, Visits, VisitsSettings, Worst};
use gradsieve::{Error, State, f16};

/// Everything of each kind.
pub fn visited(bytes: &mut [u8]) -> Result<usize, Error> {
    Ok(kept::<Mean, f16>(bytes)? + kept::<MeanRank, f32>(bytes)? + kept::<Worst, f16>(bytes)?)
}

/// Observes, merges, writes and restores.
fn kept<K: Kept, T: VisitNumber>(bytes: &mut [u8]) -> Result<usize, Error> {
    const GRID: Grid = Grid { fineness: 1, fine: (-8, 8), coarse: 8, end: 64 };
    let mut ranks = Ranks::<{ GRID.cells() }>::new(&GRID)?;
    ranks.count(black_box(0.5))?;
    ranks.merge(&ranks.clone())?;
    ranks.halve(black_box(1));
    let settings = VisitsSettings { first: black_box(7), samples: black_box(3) };
    let mut visits = Visits::<K, T, _, _>::new(settings, [T::ZERO; 3], [0; 3])?;
    let mut other = Visits::<K, T, _, _>::new(settings, [T::ZERO; 3], [0; 3])?;
    visits.observe(black_box(8), ranks.share_above(black_box(0.25))?)?;
    other.merge(&visits)?;
    let written = other.to_bytes(bytes)?;
    visits.restore(bytes)?;
    let (read, _) = VisitsSettings::read(bytes)?;
    let number = visits.get(black_box(8))?.unwrap_or_default();
    Ok(written + read.samples + number as usize + usize::from(visits.count(black_box(9))?))
}
