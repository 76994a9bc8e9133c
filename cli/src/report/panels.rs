//! The figures of an experiment that holds methods against a truth, as comma-separated
//! values: a row for each truth, measure and method.

use gradsieve_harness::truth::{Outcome, Settings};

/// The text of the file. What names have of commas becomes semicolons.
#[must_use]
pub fn panels(outcome: &Outcome) -> Vec<u8> {
    let mut rows = csv::Writer::from_writer(about(outcome).into_bytes());
    let header =
        ["truth", "measure", "method", "mean", "low", "high", "deviation", "seconds", "bytes", "residual"]
            .map(str::to_owned);
    let mut all = vec![header];
    for panel in &outcome.panels {
        for line in &panel.lines {
            let [low, high] = line.interval.map_or([None, None], |ends| ends.map(Some));
            let deviation = (line.figures.len() > 1).then(|| line.deviation());
            all.push([
                plain(&panel.title),
                plain(panel.measure),
                plain(&line.name),
                figure(Some(line.mean())),
                figure(low),
                figure(high),
                figure(deviation),
                format!("{:.2}", line.seconds),
                line.bytes.to_string(),
                figure(line.residual()),
            ]);
        }
        if let Some(ceiling) = panel.ceiling {
            let none = String::new;
            let name = "ceiling by the truth's own noise".to_owned();
            let (mean, about) = (figure(Some(ceiling)), [plain(&panel.title), plain(panel.measure)]);
            let [title, measure] = about;
            all.push([title, measure, name, mean, none(), none(), none(), none(), none(), none()]);
        }
    }
    // Nothing can fail: the bytes go to memory, and rows are of one length.
    let _ = all.iter().try_for_each(|row| rows.write_record(row));
    rows.into_inner().unwrap_or_default()
}

/// What the figures hold for, in the line that every file of figures begins with.
fn about(outcome: &Outcome) -> String {
    let Settings { data, train_samples, test_samples, noise, dim, projection, seeds, .. } = &outcome.settings;
    let Settings { hidden, optimizer, learning_rate, batch_size, epochs, .. } = &outcome.settings;
    let [inputs, classes] = outcome.shape.unwrap_or_default();
    let layers: String = hidden.iter().map(|width| format!("{width}-")).collect();
    let sketches = dim.map_or_else(
        || "gradients not projected".to_owned(),
        |dim| format!("sketches of {dim} ({projection})"),
    );
    format!(
        "# regime: {}; {train_samples} training and {test_samples} test samples; {:.0} % of the training labels flipped; \
         {inputs}-{layers}{classes} network ({} {learning_rate} in batches of {batch_size} over {epochs} epochs); {sketches}; \
         {seeds} seeds; test accuracy {:.1} %; low and high: 95 % over seeds and targets\n",
        plain(&data.to_string()),
        100.0 * noise,
        optimizer.name(),
        100.0 * outcome.accuracy
    )
}

fn plain(text: &str) -> String {
    text.replace(',', ";").replace(['\n', '\r'], " ")
}

fn figure(figure: Option<f64>) -> String {
    figure.filter(|figure| !figure.is_nan()).map_or_else(String::new, |figure| format!("{figure:.3}"))
}
