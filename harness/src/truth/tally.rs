//! Figures as they come, seed by seed, and the clock that they are taken with.

use std::time::Instant;

use super::breakdown::BreakdownLine;
use super::error::TruthError;
use super::interval::bootstrap;
use super::methods::Scored;
use super::outcome::{Line, Panel};
use super::sketches::SketchLine;
use super::streams::{LoopLine, StreamLine};

/// Panels under way.
#[derive(Debug, Default)]
pub(super) struct Tally {
    panels: Vec<Panel>,
    /// For each panel, line and seed the figures of the targets.
    targets: Vec<Vec<Vec<Vec<f64>>>>,
    ceilings: Vec<Vec<f64>>,
    pub(super) sketches: Vec<SketchLine>,
    pub(super) breakdown: Vec<BreakdownLine>,
    pub(super) streams: Vec<StreamLine>,
    pub(super) in_loop: Vec<LoopLine>,
    pub(super) shape: Option<[usize; 2]>,
    pub(super) accuracies: Vec<f64>,
    pub(super) retrainings: usize,
    pub(super) truth_seconds: f64,
}

/// Whose figure it is.
pub(super) struct Whose<'a> {
    pub(super) name: &'a str,
    pub(super) about: &'static str,
}

impl Tally {
    /// Adds the figure of one seed.
    pub(super) fn add(
        &mut self,
        title: &str,
        measure: &'static str,
        whose: &Whose<'_>,
        figure: f64,
        seconds: f64,
        bytes: usize,
    ) {
        self.add_mean(title, measure, whose, &[figure], seconds, bytes);
    }

    /// Adds the figures of one seed's targets, whose mean is the figure of the seed.
    pub(super) fn add_mean(
        &mut self,
        title: &str,
        measure: &'static str,
        whose: &Whose<'_>,
        targets: &[f64],
        seconds: f64,
        bytes: usize,
    ) {
        let figure = targets.iter().sum::<f64>() / targets.len().max(1) as f64;
        let at = self.panel(title, measure);
        let lines = &mut self.panels[at].lines;
        let Some(number) = lines.iter().position(|line| line.name == whose.name) else {
            let (name, about) = (whose.name.to_owned(), whose.about);
            let (figures, residuals) = (vec![figure], Vec::new());
            lines.push(Line { name, about, figures, interval: None, seconds, bytes, residuals });
            self.targets[at].push(vec![targets.to_vec()]);
            return;
        };
        self.targets[at][number].push(targets.to_vec());
        let line = &mut lines[number];
        let before = line.figures.len() as f64;
        line.seconds = (line.seconds * before + seconds) / (before + 1.0);
        line.bytes = line.bytes.max(bytes);
        line.figures.push(figure);
    }

    /// Adds how far the steps of one seed are from the formula of a method whose figure
    /// is there.
    pub(super) fn residual(&mut self, title: &str, measure: &'static str, name: &str, residual: f64) {
        let at = self.panel(title, measure);
        let line = self.panels[at].lines.iter_mut().find(|line| line.name == name);
        if let Some(line) = line {
            line.residuals.push(residual);
        }
    }

    /// Adds what the truth of one seed reaches against another draw of itself.
    pub(super) fn ceiling(&mut self, title: &str, measure: &'static str, ceiling: f64) {
        let at = self.panel(title, measure);
        self.ceilings[at].push(ceiling);
    }

    fn panel(&mut self, title: &str, measure: &'static str) -> usize {
        if let Some(at) =
            self.panels.iter().position(|panel| panel.title == title && panel.measure == measure)
        {
            return at;
        }
        self.panels.push(Panel { title: title.to_owned(), measure, ceiling: None, lines: Vec::new() });
        self.ceilings.push(Vec::new());
        self.targets.push(Vec::new());
        self.panels.len() - 1
    }

    pub(super) fn finish(mut self) -> Vec<Panel> {
        for (panel, ceilings) in self.panels.iter_mut().zip(&self.ceilings) {
            if !ceilings.is_empty() {
                panel.ceiling = Some(ceilings.iter().sum::<f64>() / ceilings.len() as f64);
            }
        }
        for (panel, targets) in self.panels.iter_mut().zip(&self.targets) {
            for (line, targets) in panel.lines.iter_mut().zip(targets) {
                line.interval = bootstrap(targets);
            }
        }
        self.panels
    }
}

/// What `act` makes, and the seconds that it took.
pub(super) fn timed(act: impl FnOnce() -> Result<Scored, TruthError>) -> Result<(Scored, f64), TruthError> {
    let clock = Instant::now();
    Ok((act()?, clock.elapsed().as_secs_f64()))
}

/// `rows` × `columns` numbers, row by row, turned over.
pub(super) fn transposed(rows: &[Vec<f64>]) -> Vec<f64> {
    let columns = rows.first().map_or(0, Vec::len);
    (0..columns).flat_map(|column| rows.iter().map(move |row| row[column])).collect()
}
