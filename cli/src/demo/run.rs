//! The demonstration itself.

use std::time::Instant;

use super::detectors::{CONTESTANTS, Evidence};
use super::error::DemoError;
use super::gradients::sketched;
use super::in_loop::loops;
use super::outcome::{DetectorOutcome, Outcome, Suspect};
use super::settings::Settings;
use gradsieve_harness::Watch;
use gradsieve_harness::data::{Dataset, Scaling};
use gradsieve_harness::measures::{auroc, average_precision, flagged, found_in_budget, roc_curve};
use gradsieve_harness::model::{Mlp, TrainConfig, train};
use gradsieve_harness::on_all_cores;

/// How many suspects the outcome carries.
const SUSPECTS: usize = 24;

/// Runs a demonstration. A pure function of the settings, but for the times in the
/// outcome.
///
/// # Errors
/// Data that cannot be read; settings outside their range; training that diverges.
pub fn run(settings: &Settings, watch: &dyn Watch) -> Result<Outcome, DemoError> {
    let begun = Instant::now();
    let config = TrainConfig { seed: settings.seed, ..settings.training.clone() };
    let Divided { train_set, test_set, original } = divide(settings)?;
    let truth = train_set.flipped().map_or_else(|| vec![false; train_set.len()], <[bool]>::to_vec);
    let flips = truth.iter().filter(|&&flipped| flipped).count();
    let budget = budget(settings, train_set.len(), flips);

    watch.begin("training", config.epochs as u64);
    let watched = TrainConfig { checkpoints: (1..=config.epochs).collect(), ..config.clone() };
    let trained = train(&train_set, &watched, |_| watch.step())?;
    let model = &trained.model;
    watch.end();

    watch.begin("gradients", train_set.len() as u64);
    let clock = Instant::now();
    let gradients = sketched(settings, model, &train_set, watch)?;
    let gradient_seconds = clock.elapsed().as_secs_f64();
    watch.end();

    let evidence =
        Evidence { settings, set: &train_set, config: &config, trained: &trained, gradients: &gradients };
    let mut detectors = score_all(&evidence, &truth, budget, watch)?;
    let retrained = retrain_all(&train_set, &test_set, &config, &truth, &detectors, budget, watch)?;
    for (detector, (accuracy, _)) in detectors.iter_mut().zip(&retrained) {
        detector.accuracy_after = *accuracy;
    }
    let accuracy_before = model.accuracy(&test_set)?;
    let accuracy_ceiling =
        if flips == 0 { accuracy_before } else { retrained.last().map_or(accuracy_before, |last| last.0) };

    let widths: Vec<String> = core::iter::once(model.inputs())
        .chain(model.layers().iter().map(|layer| layer.outputs))
        .map(|width| width.to_string())
        .collect();
    let non_finite = |(i, m): (usize, &gradsieve::Summary)| (m.non_finite > 0).then_some(i);
    let mut outcome = Outcome {
        data: train_set.name().to_owned(),
        model: widths.join("-"),
        train_samples: train_set.len(),
        test_samples: test_set.len(),
        parameters: model.parameters().len(),
        dim: gradients.id.width,
        seed: settings.seed,
        flips,
        budget,
        accuracy_before,
        accuracy_ceiling,
        accuracy_train: model.accuracy(&train_set)?,
        gradient_seconds,
        gradients_per_second: train_set.len() as f64 / gradient_seconds.max(f64::MIN_POSITIVE),
        seconds: 0.0,
        non_finite: gradients.measures.iter().enumerate().filter_map(non_finite).collect(),
        detectors,
        loops: Vec::new(),
        suspects: Vec::new(),
        truth,
        picture: train_set.picture(),
        class_names: train_set.class_names().to_vec(),
    };
    outcome.suspects = suspects(&outcome, &train_set, &original, &retrained)?;
    let share = outcome.budget as f64 / outcome.train_samples.max(1) as f64;
    outcome.loops = loops(settings, &train_set, &test_set, &original, share, watch)?;
    outcome.seconds = begun.elapsed().as_secs_f64();
    Ok(outcome)
}

/// A set in its two parts.
struct Divided {
    /// With flipped labels.
    train_set: Dataset,
    test_set: Dataset,
    /// The training samples' labels before any flips, as far as they are known.
    original: Vec<u32>,
}

fn divide(settings: &Settings) -> Result<Divided, DemoError> {
    let set = settings.source.load(settings.seed)?;
    let whole = settings.test_fraction == 0.0;
    let (mut train_set, mut test_set) =
        if whole { (set.clone(), set) } else { set.split(settings.test_fraction, settings.seed)? };
    let mut original = train_set.labels().to_vec();
    if settings.flip > 0.0 {
        original = train_set.flip_labels(settings.flip, settings.seed)?.original;
    } else if let (Some(flipped), 2) = (train_set.flipped(), train_set.classes()) {
        // Of two classes, the other one is the true one.
        original.iter_mut().zip(flipped).for_each(|(label, &flipped)| *label ^= u32::from(flipped));
    }
    if whole {
        test_set = test_set.with_labels(original.clone())?;
    }
    if settings.source.is_unscaled() {
        let scaling = Scaling::standard(&train_set);
        scaling.apply(&mut train_set)?;
        scaling.apply(&mut test_set)?;
    }
    Ok(Divided { train_set, test_set, original })
}

/// How many samples are flagged.
fn budget(settings: &Settings, samples: usize, flips: usize) -> usize {
    let share = |fraction: f64| (fraction * samples as f64).round() as usize;
    match settings.contamination {
        Some(fraction) => share(fraction.clamp(0.0, 1.0)),
        None if flips > 0 => flips,
        None => share(0.05),
    }
}

/// Every contestant's scores and measures; the accuracy after retraining is filled in
/// later.
fn score_all(
    evidence: &Evidence<'_>,
    truth: &[bool],
    budget: usize,
    watch: &dyn Watch,
) -> Result<Vec<DetectorOutcome>, DemoError> {
    let measurable = truth.contains(&true) && truth.contains(&false);
    watch.begin("detectors", CONTESTANTS.len() as u64);
    let mut outcomes = Vec::with_capacity(CONTESTANTS.len());
    for contestant in CONTESTANTS {
        let clock = Instant::now();
        let (scores, bytes) = contestant.score(evidence)?;
        outcomes.push(DetectorOutcome {
            name: contestant.name,
            about: contestant.about,
            bytes,
            auroc: if measurable { Some(auroc(&scores, truth)?) } else { None },
            average_precision: if measurable { Some(average_precision(&scores, truth)?) } else { None },
            found: found_in_budget(&scores, truth, budget)?,
            accuracy_after: f64::NAN,
            seconds: clock.elapsed().as_secs_f64(),
            roc: if measurable { roc_curve(&scores, truth)? } else { Vec::new() },
            scores,
        });
        watch.step();
    }
    watch.end();
    Ok(outcomes)
}

/// Test accuracy and model after leaving out each detector's flags, and last after
/// leaving out the true flips. On as many threads as there are cores; each training is a
/// pure function of its set, so the threads change nothing.
fn retrain_all(
    train_set: &Dataset,
    test_set: &Dataset,
    config: &TrainConfig,
    truth: &[bool],
    detectors: &[DetectorOutcome],
    budget: usize,
    watch: &dyn Watch,
) -> Result<Vec<(f64, Mlp)>, DemoError> {
    let mut masks = Vec::with_capacity(detectors.len() + 1);
    for detector in detectors {
        let mut mask = vec![false; train_set.len()];
        for i in flagged(&detector.scores, budget)? {
            mask[i] = true;
        }
        masks.push(mask);
    }
    masks.push(truth.to_vec());

    let retrain = |mask: &[bool]| -> Result<(f64, Mlp), DemoError> {
        let model = train(&train_set.without(mask)?, config, |_| watch.step())?.model;
        Ok((model.accuracy(test_set)?, model))
    };
    watch.begin("retraining", (masks.len() * config.epochs) as u64);
    let done = on_all_cores(masks.len(), |i| retrain(&masks[i]));
    watch.end();
    done.into_iter().collect()
}

/// The most suspicious samples by the best detector, with what the model retrained
/// without its flags predicts.
fn suspects(
    outcome: &Outcome,
    set: &Dataset,
    original: &[u32],
    retrained: &[(f64, Mlp)],
) -> Result<Vec<Suspect>, DemoError> {
    let Some(best) = outcome.best() else { return Ok(Vec::new()) };
    let model = outcome.detectors.iter().position(|detector| detector.name == best.name);
    let Some((_, model)) = model.and_then(|i| retrained.get(i)) else { return Ok(Vec::new()) };
    let predictions = model.predictions(set)?;
    let indices = flagged(&best.scores, SUSPECTS.min(set.len()))?;
    Ok(indices
        .into_iter()
        .map(|index| Suspect {
            index,
            score: best.scores[index],
            given: set.labels()[index],
            predicted: predictions[index],
            original: original[index],
            features: set.row(index).unwrap_or_default().to_vec(),
        })
        .collect())
}
