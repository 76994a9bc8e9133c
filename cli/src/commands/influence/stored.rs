//! Scores of the rows of a store, in the codec that they are stored in: nothing is
//! decoded, and the store's segments stream past.
//!
//! A product is a score of [`gradsieve_kernels::score`], an `f32`: that of the stored row
//! and the target for `f32`, `f16` and `bf16` rows; for int8 and fewer bits that of the
//! row and the target in int8. A segment's rows are divided among threads where there is
//! work for them, which changes no bit.

use std::num::NonZero;
use std::ops::Range;
use std::thread;

use gradsieve::store::{Queries, QueriesSettings, Store};
use gradsieve::{Error, SketchId};

use super::scoring::PairScoring;
use super::sink::Sink;
use crate::commands::CommandError;
use crate::commands::console::Progress;
use crate::commands::products::{Block, WORTH_A_THREAD};
use crate::commands::rows::{Rows, zeros};

/// Scores that are in memory at a time, for each thread; more only if those of sixteen
/// rows are.
const SCORES: usize = 1 << 20;

/// Rows of a group: parts of a segment begin with a whole one.
const GROUP: usize = 16;

/// Scores all rows of a store for a block of targets. (Of other rows, none.)
pub(super) fn score_stored(
    scoring: PairScoring,
    train: &Rows,
    targets: &Block,
    sink: &mut dyn Sink,
) -> Result<(), CommandError> {
    let Some(reader) = train.reader() else { return Ok(()) };
    let (id, count, name) = (train.id(), targets.len(), train.name());
    let settings = QueriesSettings { codec: reader.codec(), width: id.width, count };
    let queries = packed(settings, id, targets.values(), zeros(name, settings.memory().f32s)?);
    let queries = queries.map_err(CommandError::core(name))?;
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut progress = Progress::new(format!("reading {name}"), train.count());
    let (mut scores, mut norms, mut decoded) = (Vec::new(), Vec::new(), zeros(name, id.width)?);
    let mut next = 0;
    reader.for_each_segment::<CommandError>(|store| {
        let samples: Vec<usize> = store.ids().iter().map(|&sample| sample as usize).collect();
        for &sample in &samples {
            (next..sample).for_each(|missing| sink.non_finite_train(missing));
            next = sample + 1;
        }
        let work = store.len().saturating_mul(count).saturating_mul(id.width);
        let threads = threads.min(work / WORTH_A_THREAD + 1);
        let share = store.len().div_ceil(threads).min(SCORES / count.max(1)).max(1).next_multiple_of(GROUP);
        for first in (0..store.len()).step_by(share * threads) {
            let rows = first..store.len().min(first + share * threads);
            norms.clear();
            for row in rows.clone() {
                let norm = norm(scoring, store, row, &mut decoded);
                norms.push(norm.map_err(|error| CommandError::core(name)(error))?);
            }
            scores.resize(rows.len() * count, 0.0);
            score(store, rows.clone(), share, &queries, &mut scores).map_err(CommandError::core(name))?;
            if let Some(at) = scores.iter().position(|score| !score.is_finite()) {
                // Of each share in turn, target after target.
                let (first, at) = (at / (share * count) * share, at % (share * count));
                let length = share.min(rows.len() - first);
                let (target, row) =
                    (targets.indices()[at / length], samples[rows.start + first + at % length]);
                return Err(CommandError::Overflow { file: name.to_owned(), row, target });
            }
            let parts = scores.chunks(share * count.max(1)).zip(norms.chunks(share));
            for ((scores, norms), trains) in parts.zip(samples[rows].chunks(share)) {
                sink.take(trains, targets.indices(), &|first, j, parts| {
                    let (products, norm) = (&scores[j * trains.len() + first..], targets.factors()[j]);
                    for ((part, &product), train_norm) in parts.iter_mut().zip(products).zip(&norms[first..])
                    {
                        *part = scoring.part(f64::from(product), train_norm * norm);
                    }
                })?;
            }
        }
        progress.reach(next);
        Ok(())
    })?;
    (next..train.count()).for_each(|missing| sink.non_finite_train(missing));
    Ok(())
}

/// Queries that are laid out in `buffer`.
fn packed(
    settings: QueriesSettings,
    id: SketchId,
    values: &[f32],
    buffer: Vec<f32>,
) -> Result<Queries<Vec<f32>>, Error> {
    let mut queries = Queries::new(settings, buffer)?;
    queries.pack(id, values)?;
    Ok(queries)
}

/// A stored row's factor in the denominator; the row is decoded only where there is one.
fn norm(
    scoring: PairScoring,
    store: &Store<Vec<u64>>,
    row: usize,
    decoded: &mut [f32],
) -> Result<f64, Error> {
    if scoring.method.takes_directions() {
        store.get(row, decoded)?;
    }
    Ok(scoring.norm(decoded))
}

/// The scores of some rows, `share` rows a thread: those of each share stand together,
/// query after query.
fn score(
    store: &Store<Vec<u64>>,
    rows: Range<usize>,
    share: usize,
    queries: &Queries<Vec<f32>>,
    scores: &mut [f32],
) -> Result<(), Error> {
    let score = |rows, scores: &mut [f32]| match store.score_rows(rows, queries, scores) {
        // Which one it is, the scores say.
        Err(Error::Range { .. }) => Ok(()),
        outcome => outcome,
    };
    if rows.len() <= share {
        return score(rows, scores);
    }
    thread::scope(|scope| {
        let parts = rows.clone().step_by(share).zip(scores.chunks_mut((share * queries.count()).max(1)));
        let workers: Vec<_> = parts
            .map(|(first, scores)| {
                let part = first..rows.end.min(first + share);
                scope.spawn(move || score(part, scores))
            })
            .collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradsieve::store::{Codec, StoreSettings};
    use gradsieve::{Exact, Layout, Projector as _, Sketch};
    use gradsieve_kernels::summarize;

    #[test]
    fn rows_that_threads_share_have_the_scores_of_all_at_once() {
        const WIDTH: usize = 40;
        let id = Exact::new(WIDTH).id(Layout::flat(WIDTH as u64).unwrap().id());
        let values = |row: u64| -> [f32; WIDTH] {
            std::array::from_fn(|i| ((row * 31 + i as u64 * 7) % 17) as f32 / 7.0 - 1.0)
        };
        for codec in Codec::ALL {
            let settings = StoreSettings { codec, width: WIDTH, rows: 75 };
            let mut store = Store::new(settings, vec![0; settings.memory().others]).unwrap();
            for row in 0..75 {
                let values = values(row);
                store.append(row, &Sketch::from_parts(id, &values, summarize(&values)).unwrap()).unwrap();
            }
            for count in [1, 3] {
                let targets = (100..100 + count).flat_map(values).collect::<Vec<f32>>();
                let settings = QueriesSettings { codec, width: WIDTH, count: count as usize };
                let queries = packed(settings, id, &targets, vec![0.0; settings.memory().f32s]).unwrap();
                let mut whole = vec![0.0; 75 * count as usize];
                store.score(&queries, &mut whole).unwrap();
                for (rows, share) in [(0..75, 16), (0..75, 48), (32..75, 32), (16..48, 80)] {
                    let mut scores = vec![0.0; rows.len() * count as usize];
                    score(&store, rows.clone(), share, &queries, &mut scores).unwrap();
                    let mut first = rows.start;
                    for part in scores.chunks(share * count as usize) {
                        let n = part.len() / count as usize;
                        for (j, part) in part.chunks(n).enumerate() {
                            assert_eq!(part, &whole[j * 75 + first..][..n], "{codec:?}");
                        }
                        first += n;
                    }
                    assert_eq!(first, rows.end);
                }
            }
        }
    }
}
