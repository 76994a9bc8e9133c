//! The figures of the experiments `streams` and `loop` as comma-separated values.
//!
//! Streams: a row for each measure, regime and scorer, and of the AUROC also for each
//! task; a column for each kind of corruption. Loop: a row for each task, share of wrong
//! labels and policy.

use gradsieve_harness::truth::{
    CLEAN_STREAM, CORRUPTIONS, Line, Outcome, Regime, SCORERS, Settings, StreamLine, TASKS, VISITED,
};

use super::breakdown::percent;

/// What stands for all tasks.
const ALL: &str = "all";

/// The text of the file of `streams`.
#[must_use]
pub fn streams(outcome: &Outcome) -> Vec<u8> {
    let kinds: Vec<&str> =
        std::iter::once(CLEAN_STREAM).chain(CORRUPTIONS.iter().map(|corruption| corruption.name)).collect();
    let header = ["measure", "task", "regime", "scorer", "mean"].into_iter().chain(kinds.iter().copied());
    let mut all = vec![header.map(str::to_owned).collect::<Vec<_>>()];
    let scorers = || SCORERS.iter().map(|s| s.name).chain(VISITED.iter().map(|visited| visited.name));
    let counts =
        |kind: &str| CORRUPTIONS.iter().any(|corruption| corruption.counts && corruption.name == kind);
    for (at, measure) in StreamLine::MEASURES.into_iter().enumerate() {
        // The first measure is shown by task, too.
        let apart = if at == 0 { TASKS } else { &[] };
        for task in std::iter::once(ALL).chain(apart.iter().map(|task| task.name)) {
            for regime in Regime::ALL {
                for scorer in scorers() {
                    let of = |wanted: &dyn Fn(&str) -> bool| {
                        let lines = outcome.streams.iter().filter(|line| {
                            (line.regime, line.scorer) == (regime.name(), scorer)
                                && (task == ALL || task == line.task)
                                && wanted(line.corruption)
                        });
                        StreamLine::mean(lines, at)
                    };
                    let figures: Vec<f64> = std::iter::once(of(&counts))
                        .chain(kinds.iter().map(|&kind| of(&|found: &str| found == kind)))
                        .collect();
                    if figures.iter().all(|figure| figure.is_nan()) {
                        continue;
                    }
                    let names = [measure, task, regime.name(), scorer].map(str::to_owned);
                    all.push(names.into_iter().chain(figures.into_iter().map(figure)).collect());
                }
            }
        }
    }
    written(streams_regime(outcome), &all)
}

/// The text of the file of `loop`.
#[must_use]
pub fn in_loop(outcome: &Outcome) -> Vec<u8> {
    let header =
        ["task", "wrong labels", "policy", "accuracy", "deviation", "wrong left out", "right left out"];
    let mut all = vec![header.map(str::to_owned).to_vec()];
    for line in &outcome.in_loop {
        let accuracy = line.mean(0);
        let squares: f64 = line.figures.iter().map(|figures| (figures[0] - accuracy).powi(2)).sum();
        let deviation = (squares / (line.figures.len() as f64 - 1.0)).sqrt();
        let [wrong, right] = [line.mean(1), line.mean(2)];
        let names = [line.task.to_owned(), percent(line.wrong), line.policy.to_owned()];
        all.push(names.into_iter().chain([accuracy, deviation, wrong, right].map(figure)).collect());
    }
    written(loop_regime(&outcome.settings), &all)
}

/// What the figures hold for.
fn streams_regime(outcome: &Outcome) -> String {
    let settings = &outcome.settings;
    let Settings { train_samples, test_samples, batch_size, epochs, passes, dim, seeds, .. } = settings;
    let lines = outcome.panels.iter().flat_map(|panel| &panel.lines);
    let deviation = lines.map(Line::deviation).fold(0.0, f64::max);
    format!(
        "digits and tumours drawn with noise and windows of a machine; streams of {train_samples} samples of which {} are corrupt, {}; \
         networks of {} trained at {} in batches of {batch_size}: memorised over {epochs} epochs, clean on {test_samples} others, \
         epochs {passes}; K = {}; each sample judged by what came before it, the first twentieth not counted; means over {seeds} seeds; \
         mean over kinds without zero, short, duplicates and drift, which deviates between seeds by at most {deviation:.3}",
        percent(settings.corrupt),
        settings.placement.name(),
        hidden(settings),
        settings.learning_rate,
        dim.unwrap_or_default(),
    )
}

fn loop_regime(settings: &Settings) -> String {
    let Settings { train_samples, test_samples, batch_size, epochs, dim, seeds, .. } = settings;
    format!(
        "digits and tumours drawn with noise and windows of a machine; {train_samples} samples, networks of {} trained at {} in batches of \
         {batch_size} over {epochs} epochs; K = {}; accuracy on {test_samples} samples from other sources; what is left out is of the last \
         epoch; means over {seeds} seeds",
        hidden(settings),
        settings.learning_rate,
        dim.unwrap_or_default(),
    )
}

fn hidden(settings: &Settings) -> String {
    let layers: Vec<String> = settings.hidden.iter().map(ToString::to_string).collect();
    if layers.is_empty() { "no hidden layer".to_owned() } else { format!("hidden {}", layers.join("-")) }
}

fn written(regime: String, all: &[Vec<String>]) -> Vec<u8> {
    let mut rows = csv::Writer::from_writer(format!("# regime: {regime}\n").into_bytes());
    // Nothing can fail: the bytes go to memory, and rows are of one length.
    let _ = all.iter().try_for_each(|row| rows.write_record(row));
    rows.into_inner().unwrap_or_default()
}

fn figure(figure: f64) -> String {
    if figure.is_nan() { "–".to_owned() } else { format!("{figure:.3}") }
}
