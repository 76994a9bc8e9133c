//! The picture of `streams`: a map for each regime, a row for each scorer, a column for
//! each kind of corruption, and in each place the AUROC, mean over tasks and seeds.
//!
//! Blue is better than chance, orange worse: what is orange hides from the scorer. The
//! figure stands in each place, so that no reader depends on colours. The picture stands
//! on its own white ground and uses plain SVG, as the README's does.

use maud::{Markup, html};

use super::stacked::Sheet;
use gradsieve_harness::truth::{CORRUPTIONS, Outcome, Panel, StreamLine};
use gradsieve_report::axis::at;

const LEFT: f64 = 170.0;
const COLUMN: f64 = 39.5;
const ROW: f64 = 19.0;
const HEAD: f64 = 34.0;
/// Room for the names of the kinds above the first map.
const NAMES: f64 = 96.0;

/// The picture, an SVG file.
#[must_use]
pub fn stream_map(outcome: &Outcome) -> String {
    let names = html! {
        @for (column, corruption) in CORRUPTIONS.iter().enumerate() {
            @let (x, y) = (at(middle(column)), at(NAMES + 22.0));
            text class="soft" x=(x) y=(y) transform={ "rotate(-60 " (x) " " (y) ")" } { (corruption.name) }
        }
    };
    let label = "Which scorer finds which kind of corruption, by AUROC";
    let height = |panel: &Panel| HEAD + ROW * panel.lines.len() as f64;
    let sheet = Sheet { label, font_size: 12, head: NAMES, foot: 20.0 };
    sheet.draw(&names, &outcome.panels, height, |panel, top| map(outcome, panel, top))
}

fn middle(column: usize) -> f64 {
    LEFT + COLUMN * (column as f64 + 0.5)
}

fn map(outcome: &Outcome, panel: &Panel, top: f64) -> Markup {
    html! {
        text class="ink" x="18" y=(at(top + HEAD - 10.0)) font-weight="600" { (panel.title) }
        @for (row, line) in panel.lines.iter().enumerate() {
            @let y = top + HEAD + ROW * row as f64;
            text class="ink" x=(at(LEFT - 8.0)) y=(at(y + 13.5)) text-anchor="end" { (line.name) }
            @for (column, corruption) in CORRUPTIONS.iter().enumerate() {
                @let found = StreamLine::mean(outcome.streams.iter().filter(|found| {
                    (found.regime, found.scorer, found.corruption)
                        == (panel.title.as_str(), line.name.as_str(), corruption.name)
                }), 0);
                (place(found, middle(column), y))
            }
        }
    }
}

fn place(auroc: f64, middle: f64, y: f64) -> Markup {
    if auroc.is_nan() {
        return html! {};
    }
    let strength = (2.0 * (auroc - 0.5).abs()).min(1.0) * 0.75;
    html! {
        rect class=(if auroc < 0.5 { "flipped" } else { "clean" }) x=(at(middle - COLUMN / 2.0 + 1.0)) y=(at(y + 1.0))
            width=(at(COLUMN - 2.0)) height=(at(ROW - 2.0)) rx="3" fill-opacity={ (format!("{strength:.2}")) } {}
        text class="ink" x=(at(middle)) y=(at(y + 13.5)) text-anchor="middle" font-size="11" { (format!("{auroc:.2}")) }
    }
}
