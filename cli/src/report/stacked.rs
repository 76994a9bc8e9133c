//! Panels one below the other: the sheet of the pictures of `truth`.

use maud::{Markup, PreEscaped, html};

use gradsieve_harness::truth::Panel;
use gradsieve_report::axis::at;
use gradsieve_report::style::{self, FONT};

/// Pixels across.
pub(super) const WIDTH: f64 = 900.0;

/// A sheet, but for what is on it.
pub(super) struct Sheet<'a> {
    /// What the picture shows, in words.
    pub(super) label: &'a str,
    pub(super) font_size: u32,
    /// Pixels above the first panel.
    pub(super) head: f64,
    /// Pixels below the last.
    pub(super) foot: f64,
}

impl Sheet<'_> {
    /// The picture, an SVG file: what stands above the panels, and each panel drawn by
    /// `draw` from the pixel on where it begins.
    pub(super) fn draw(
        &self,
        above: &Markup,
        panels: &[Panel],
        height: impl Fn(&Panel) -> f64,
        draw: impl Fn(&Panel, f64) -> Markup,
    ) -> String {
        let total = self.head + panels.iter().map(&height).sum::<f64>() + self.foot;
        let tops = panels.iter().scan(self.head, |next, panel| {
            let top = *next;
            *next += height(panel);
            Some(top)
        });
        html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(at(total))
                viewBox={ "0 0 " (WIDTH) " " (at(total)) } font-family=(FONT) font-size=(self.font_size) role="img"
                aria-label=(self.label) {
                style { (PreEscaped(style::classes(&style::LIGHT))) }
                rect class="paper rule" x="0.5" y="0.5" width=(WIDTH - 1.0) height=(at(total - 1.0)) rx="12" {}
                (above)
                @for (panel, top) in panels.iter().zip(tops) {
                    (draw(panel, top))
                }
            }
        }
        .into_string()
    }
}
