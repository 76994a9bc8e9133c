//! What an experiment found, as tables on the terminal.

use comfy_table::CellAlignment;

use crate::commands::CommandError;
use crate::commands::console::{bytes, print, table};
use crate::commands::escaped::escaped;
use crate::report;
use gradsieve_harness::model::Optimizer;
use gradsieve_harness::truth::{
    CLEAN, Experiment, KINDS, Outcome, Panel, Settings, SketchLine, TASKS, least_share,
};

pub(super) fn show(outcome: &Outcome) -> Result<(), CommandError> {
    let Settings { train_samples, test_samples, hidden, dim, seeds, .. } = &outcome.settings;
    let layers: String = hidden.iter().map(|width| format!("{width}-")).collect();
    let sketches = match dim {
        Some(dim) => format!("sketches of {dim}"),
        None if outcome.settings.experiment == Experiment::Sketches => {
            format!("{:.0} % of the labels flipped", 100.0 * outcome.settings.flip)
        }
        None if outcome.settings.experiment == Experiment::Fairness => {
            format!("{:.0} % of the labels of digits from 5 on flipped", 100.0 * outcome.settings.flip)
        }
        None => "no projection".to_owned(),
    };
    let (data, model) = match outcome.settings.experiment {
        Experiment::Streams | Experiment::Loop => {
            let tasks: Vec<&str> = TASKS.iter().map(|task| task.name).collect();
            (tasks.join(", "), format!("inputs-{layers}classes"))
        }
        _ => {
            let [inputs, classes] = outcome.shape.unwrap_or_default();
            let noise = 100.0 * outcome.settings.noise;
            let noise =
                if noise > 0.0 { format!(" ({noise:.0} % of the labels flipped)") } else { String::new() };
            let data = escaped(&outcome.settings.data);
            (data + &noise, format!("{inputs}-{layers}{classes}"))
        }
    };
    let optimizer = match (outcome.settings.optimizer, outcome.settings.weight_decay) {
        (Optimizer::Sgd, 0.0) => String::new(),
        (optimizer, 0.0) => format!(", {}", optimizer.name()),
        (optimizer, decay) => format!(", {} with a weight decay of {decay}", optimizer.name()),
    };
    print(format!(
        "{data}: {train_samples} training and {test_samples} test samples; model {model}{optimizer}, {sketches}; {seeds} {}, test accuracy {:.1} %",
        if *seeds == 1 { "seed" } else { "seeds" },
        100.0 * outcome.accuracy
    ))?;
    if outcome.retrainings > 0 {
        print(format!(
            "{} retrainings; {:.0} s for them in this run",
            outcome.retrainings, outcome.truth_seconds
        ))?;
    }
    if !outcome.sketches.is_empty() {
        return show_sketches(outcome);
    }
    outcome.panels.iter().try_for_each(show_panel)?;
    if outcome.breakdown.is_empty() { Ok(()) } else { show_breakdown(outcome) }
}

/// A table for each figure: a row for each projection and codec, a column for each width.
fn show_sketches(outcome: &Outcome) -> Result<(), CommandError> {
    type Figures = fn(&SketchLine) -> &[f64];
    let tables: [(&str, Figures); 9] = [
        ("dot products: Spearman against the gradients', mean over targets", |line| &line.dot),
        ("dot products: slope on the gradients', mean over targets", |line| &line.dot_slope),
        ("ridge influence: Spearman against the gradients', mean over targets", |line| &line.ridge),
        ("ridge influence, C of the rows of few bits: the same", |line| &line.ridge_rows),
        ("flips found by self-influence, f32 query, moments of f32 sketches: AUROC", |line| &line.streamed),
        ("flips found by self-influence, f32 query, moments of stored rows: AUROC", |line| &line.store),
        ("flips found by self-influence of stored rows alone: AUROC", |line| &line.rows),
        ("error of inner products, of the product of norms", |line| &line.error),
        ("the same as the chooser's model expects it", |line| &line.expected_error),
    ];
    let mut widths: Vec<usize> = outcome.sketches.iter().map(|line| line.dim).collect();
    widths.sort_unstable();
    widths.dedup();
    for (title, figures) in tables {
        print(format!("\n{title}\n"))?;
        let names: Vec<String> = widths.iter().map(|width| format!("K {width}")).collect();
        let header: Vec<&str> =
            ["projection", "codec"].into_iter().chain(names.iter().map(String::as_str)).collect();
        let mut rows = table(&header);
        for group in outcome.sketches.chunk_by(|a, b| a.projection == b.projection) {
            let codecs = gradsieve::store::Codec::ALL.map(gradsieve::store::Codec::name);
            for codec in codecs {
                let figure = |width: &usize| {
                    let line = group.iter().find(|line| line.codec == codec && line.dim == *width);
                    line.map_or_else(|| "–".to_owned(), |line| spread(figures(line)))
                };
                let name = [group[0].projection.to_owned(), codec.to_owned()];
                rows.add_row(name.into_iter().chain(widths.iter().map(figure)));
            }
        }
        for column in [0, 1] {
            if let Some(column) = rows.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Left);
            }
        }
        print(rows.trim_fmt())?;
    }
    Ok(())
}

/// A table for each kind of poison: a row for each detector, a column for each length,
/// and in it the least share that costs the detector 0.05.
fn show_breakdown(outcome: &Outcome) -> Result<(), CommandError> {
    let Settings { lengths, .. } = &outcome.settings;
    let names: Vec<String> = lengths.iter().map(|&length| format!("× {}", report::factor(length))).collect();
    let header: Vec<&str> =
        ["detector", "none"].into_iter().chain(names.iter().map(String::as_str)).collect();
    for kind in KINDS {
        print(format!("\nleast poison that costs 0.05, by its length in medians: {kind}\n"))?;
        let mut rows = table(&header);
        for clean in outcome.breakdown.iter().filter(|line| line.share == CLEAN) {
            let least = |&length: &f64| {
                let share = least_share(&outcome.breakdown, clean.detector, kind, length);
                share.map_or_else(|| "–".to_owned(), report::percent)
            };
            let own = [clean.detector.to_owned(), format!("{:.3}", clean.mean())];
            rows.add_row(own.into_iter().chain(lengths.iter().map(least)));
        }
        if let Some(column) = rows.column_mut(0) {
            column.set_cell_alignment(CellAlignment::Left);
        }
        print(rows.trim_fmt())?;
    }
    Ok(())
}

/// Mean and standard deviation over the seeds.
fn spread(figures: &[f64]) -> String {
    let n = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / n;
    let squares: f64 = figures.iter().map(|figure| (figure - mean) * (figure - mean)).sum();
    if mean.is_nan() {
        return "–".to_owned();
    }
    if n > 1.0 { format!("{mean:.3} ±{:.3}", (squares / (n - 1.0)).sqrt()) } else { format!("{mean:.3}") }
}

/// How far steps are from a formula, in percent.
fn steps_off(residual: f64) -> String {
    if residual < 1e-4 { "0 %".to_owned() } else { format!("{:.2} %", 100.0 * residual) }
}

fn show_panel(panel: &Panel) -> Result<(), CommandError> {
    print(format!("\n{} ({})\n", panel.title, panel.measure))?;
    // Where no method follows steps, there is no column that says how well.
    let follows = panel.lines.iter().any(|line| line.residual().is_some());
    let header = ["method", "mean", "95 % from", "to", "± over seeds", "seconds", "state"];
    let fit = follows.then_some("steps off");
    let mut rows = table(&header.into_iter().chain(fit).chain(["what it is"]).collect::<Vec<_>>());
    for line in &panel.lines {
        let spread =
            if line.figures.len() > 1 { format!("{:.3}", line.deviation()) } else { "–".to_owned() };
        let end = |at: usize| line.interval.map_or_else(|| "–".to_owned(), |ends| format!("{:.3}", ends[at]));
        let own = [
            line.name.clone(),
            format!("{:.3}", line.mean()),
            end(0),
            end(1),
            spread,
            format!("{:.2}", line.seconds),
            bytes(line.bytes),
        ];
        let off = line.residual().map_or_else(|| "–".to_owned(), steps_off);
        rows.add_row(own.into_iter().chain(follows.then_some(off)).chain([line.about.to_owned()]));
    }
    for column in [0, if follows { 8 } else { 7 }] {
        if let Some(column) = rows.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Left);
        }
    }
    print(rows.trim_fmt())?;
    if let Some(ceiling) = panel.ceiling {
        print(format!("ceiling by the truth's own noise: about {ceiling:.3}"))?;
    }
    Ok(())
}
