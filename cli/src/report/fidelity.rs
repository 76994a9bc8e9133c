//! The picture of an experiment of `truth`: a panel for each truth, a row for each
//! method, a dot at the mean and a line from the lowest to the highest seed.
//!
//! It stands on its own white ground and uses plain SVG, as the README's picture does. A
//! figure outside 0 to 1 widens the scale.

use maud::{Markup, html};

use super::stacked::Sheet;
use gradsieve_harness::truth::{Line, Outcome, Panel};
use gradsieve_report::axis::{Scale, at, tick_texts, ticks};
use gradsieve_report::wording;

const ROW: f64 = 22.0;
const LEFT: f64 = 200.0;
const RIGHT: f64 = 800.0;
const HEAD: f64 = 46.0;
const FOOT: f64 = 44.0;

/// The picture, an SVG file.
#[must_use]
pub fn fidelity(outcome: &Outcome) -> String {
    let label = format!("Influence methods against ground truth: {}", outcome.settings.experiment.name());
    let height = |panel: &Panel| HEAD + ROW * panel.lines.len() as f64 + FOOT;
    let sheet = Sheet { label: &label, font_size: 13, head: 10.0, foot: 10.0 };
    sheet.draw(&html! {}, &outcome.panels, height, draw)
}

fn draw(panel: &Panel, top: f64) -> Markup {
    let (scale, ticks) = scale(panel);
    let rows = top + HEAD;
    let bottom = rows + ROW * panel.lines.len() as f64;
    html! {
        text class="ink" x="24" y=(at(top + 22.0)) font-size="14" font-weight="600" { (panel.title) }
        text class="soft" x=(at(RIGHT)) y=(at(top + 22.0)) text-anchor="end" font-size="12" { (panel.measure) }
        @for (tick, label) in ticks.iter().zip(tick_texts(&ticks)) {
            @let x = at(scale.place(*tick));
            line class=(if *tick == 0.0 { "axis" } else { "rule" }) x1=(x) x2=(x) y1=(at(rows - 8.0)) y2=(at(bottom)) {}
            text class="soft" x=(x) y=(at(bottom + 18.0)) text-anchor="middle" font-size="12" { (label) }
        }
        @if let Some(ceiling) = panel.ceiling {
            @let x = at(scale.place(ceiling));
            line class="mark" x1=(x) x2=(x) y1=(at(rows - 8.0)) y2=(at(bottom)) stroke-dasharray="4 3" {}
            text class="soft" x=(x) y=(at(rows - 11.0)) text-anchor="middle" font-size="11" { "ceiling" }
        }
        @for (number, line) in panel.lines.iter().enumerate() {
            (row(line, &scale, rows + ROW * number as f64 + 8.0))
        }
    }
}

fn row(line: &Line, scale: &Scale, y: f64) -> Markup {
    let finite = line.figures.iter().copied().filter(|f| f.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), f| (l.min(f), h.max(f)));
    html! {
        text class="ink" x=(at(LEFT - 14.0)) y=(at(y + 4.5)) text-anchor="end" { (line.name) }
        @if low <= high {
            line class="to-clean" x1=(at(scale.place(low))) x2=(at(scale.place(high))) y1=(at(y)) y2=(at(y)) stroke-width="3" {}
            circle class="dot" cx=(at(scale.place(line.mean()))) cy=(at(y)) r="4.5" {}
        }
        text class="ink" x=(at(RIGHT + 20.0)) y=(at(y + 4.5)) font-variant-numeric="tabular-nums" {
            (wording::minus(&wording::measure(Some(line.mean()))))
        }
    }
}

/// From 0 to 1, or as far as the figures reach.
fn scale(panel: &Panel) -> (Scale, Vec<f64>) {
    let figures = panel.lines.iter().flat_map(|line| line.figures.iter().copied()).chain(panel.ceiling);
    let (low, high) =
        figures.filter(|f| f.is_finite()).fold((0.0, 1.0), |(l, h): (f64, f64), f| (l.min(f), h.max(f)));
    (Scale::new((low, high), (LEFT, RIGHT)), ticks(low, high, 6))
}
