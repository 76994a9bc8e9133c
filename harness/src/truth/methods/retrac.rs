//! ReTrac over a checkpoint an epoch: the mean direction of each sample's gradients is
//! multiplied with that of each target's.

use gradsieve::influence::ReTrac;

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::dots::checkpoints;
use super::scored::{Scored, all_pairs};

pub(super) fn pairs(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let (n, m) = (evidence.train.len(), evidence.target_count());
    let width = evidence.id(evidence.model)?.width;
    let mut memory = vec![0.0; (n + m) * width];
    let bytes = size_of_val(&memory[..]);
    let means = memory.chunks_exact_mut(width).map(|memory| ReTrac::new(width, memory));
    let mut means: Vec<ReTrac<&mut [f32]>> = means.collect::<Result<_, _>>().map_err(core("ReTrac"))?;
    let (samples, targets) = means.split_at_mut(n);
    for (t, _) in checkpoints(evidence)? {
        let model = evidence.path()?.model_before(t);
        let train = evidence.rows(&model, evidence.train, Quantity::Loss)?;
        let test = evidence.target_rows(&model)?;
        for (means, rows) in [(&mut *samples, &train), (&mut *targets, &test)] {
            for (mean, sketch) in means.iter_mut().zip(rows.sketches()) {
                mean.observe(&sketch).map_err(core("ReTrac"))?;
            }
        }
    }
    let scores = all_pairs(m, n, |j, i| samples[i].score(&targets[j]).map_err(core("ReTrac")))?;
    Ok(Scored { scores, bytes })
}
