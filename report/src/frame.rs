//! The axes of a plot.

use maud::{Markup, html};

use crate::axis::{Scale, at, tick_texts, ticks};

/// A rectangle that is drawn into.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its left edge.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// From the left to the right edge.
    pub width: f64,
    /// From the upper to the lower edge.
    pub height: f64,
}

/// The round values of an axis, and where they stand.
#[derive(Clone, Debug)]
pub struct Ticks {
    /// Places and texts.
    pub labels: Vec<(f64, String)>,
    /// Whether each has a line through the plot.
    pub is_ruled: bool,
}

impl Ticks {
    /// About `wanted` round values from `low` to `high`, with lines, at the place of each
    /// divided by `unit` on `scale`: 100 where the axis is in percent and the scale is
    /// not.
    #[must_use]
    pub fn round((low, high): (f64, f64), wanted: usize, scale: Scale, unit: f64) -> Self {
        let values = ticks(low, high, wanted);
        let texts = tick_texts(&values);
        let labels = values.iter().map(|value| scale.place(value / unit)).zip(texts).collect();
        Self { labels, is_ruled: true }
    }

    /// The same values without lines.
    #[must_use]
    pub fn without_lines(self) -> Self {
        Self { is_ruled: false, ..self }
    }
}

impl Frame {
    /// Its right edge.
    #[must_use]
    pub const fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Its lower edge.
    #[must_use]
    pub const fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Lines and texts of both axes, and the axes themselves.
    #[must_use]
    pub fn axes(&self, across: &Ticks, up: &Ticks) -> Markup {
        let &Self { left, top, width, height } = self;
        html! {
            @for (place, text) in &across.labels {
                @if across.is_ruled { path class="rule" d={ "M" (at(*place)) " " (at(top)) "v" (at(height)) } {} }
                text class="soft" x=(at(*place)) y=(at(self.bottom() + 18.0)) text-anchor="middle" { (text) }
            }
            @for (place, text) in &up.labels {
                @if up.is_ruled { path class="rule" d={ "M" (at(left)) " " (at(*place)) "h" (at(width)) } {} }
                text class="soft" x=(at(left - 7.0)) y=(at(place + 4.5)) text-anchor="end" { (text) }
            }
            path class="axis" d={ "M" (at(left)) " " (at(top)) "v" (at(height)) "h" (at(width)) } fill="none" {}
        }
    }

    /// What the horizontal axis is of.
    #[must_use]
    pub fn name_across(&self, name: &str) -> Markup {
        let middle = at(self.left + self.width / 2.0);
        html! { text class="ink" x=(middle) y=(at(self.bottom() + 38.0)) text-anchor="middle" { (name) } }
    }

    /// What the vertical axis is of.
    #[must_use]
    pub fn name_up(&self, name: &str) -> Markup {
        let middle = at(self.top + self.height / 2.0);
        html! {
            text class="ink" x="14" y=(middle) text-anchor="middle" transform={ "rotate(-90 14 " (middle) ")" } { (name) }
        }
    }
}
