//! How scores are spread: a histogram on the axis that shows the most.
//!
//! Two kinds of samples may be mirrored: one above the line, the other below it, each as
//! shares of its own kind, so that few are as tall as many. Scores span decades or have
//! tails that would squeeze everything else into one bar; the axis is the one
//! that shows the most.

use maud::{Markup, html};

use crate::axis::{Scale, at, decades, tick_texts, ticks};
use crate::wording;

const SIZE: (f64, f64) = (320.0, 190.0);
const BINS: usize = 44;
const LEFT: f64 = 10.0;
const RIGHT: f64 = 310.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 152.0;
/// Width of the column for scores that are not finite, and the gap before it.
const BEYOND: (f64, f64) = (14.0, 12.0);

/// Scores whose spread is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Distribution<'a> {
    /// Whose scores these are, for who cannot see the drawing.
    pub name: &'a str,
    /// The scores; those that are not finite stand in a column of their own.
    pub scores: &'a [f64],
    /// Of each sample whether it stands below the line; none if all stand above it.
    pub below: Option<&'a [bool]>,
    /// Above which score samples are flagged; not finite if only those are that have no
    /// finite score.
    pub threshold: Option<f64>,
}

impl Distribution<'_> {
    /// The histogram, or a sentence where no score is finite.
    #[must_use]
    pub fn drawing(&self) -> Markup {
        match Spread::of(self.scores) {
            Some(spread) => drawing(self, &spread),
            None => html! { p class="soft note" { "No finite score." } },
        }
    }
}

/// The square of a legend, in the colour of a class of the style sheet.
#[must_use]
pub fn swatch(class: &str) -> Markup {
    html! {
        svg width="13" height="13" viewBox="0 0 13 13" aria-hidden="true" {
            rect class=(class) width="13" height="13" rx="2" {}
        }
    }
}

/// The dashed line of a legend: where the flagged begin.
#[must_use]
pub fn threshold_swatch() -> Markup {
    html! {
        svg width="12" height="16" viewBox="0 0 12 16" aria-hidden="true" {
            path class="mark" d="M6 0v16" stroke-width="1.5" stroke-dasharray="4 3" {}
        }
    }
}

fn drawing(of: &Distribution<'_>, spread: &Spread) -> Markup {
    let histogram = Histogram::of(of.scores, of.below.unwrap_or_default(), spread);
    let mirrored = of.below.is_some();
    let line = if mirrored { (TOP + BOTTOM) / 2.0 } else { BOTTOM };
    let (right, beyond) = places(histogram.beyond != [0; 2]);
    let x = Scale::new(spread.range, (LEFT, right));
    let threshold = of
        .threshold
        .map(|score| if score.is_finite() { x.place(spread.axis(score)) } else { right + BEYOND.1 / 2.0 });
    html! {
        svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" font-size="12"
            aria-label={ "Scores of " (of.name) } {
            @for (place, label) in spread.labels(x, (LEFT + 6.0, if beyond < RIGHT { right - 8.0 } else { RIGHT - 6.0 })) {
                path class="rule" d={ "M" (at(place)) " " (at(TOP)) "V" (at(BOTTOM + 4.0)) } {}
                text class="soft" x=(at(place)) y=(at(BOTTOM + 18.0)) text-anchor="middle" { (label) }
            }
            path class="clean" d=(histogram.path(0, line, line - TOP, right, beyond)) {}
            @if mirrored { path class="flipped" d=(histogram.path(1, line, line - BOTTOM, right, beyond)) {} }
            path class="axis" d={ "M" (at(LEFT)) " " (at(line)) "H" (at(right)) } {}
            @if beyond < RIGHT {
                path class="axis" d={ "M" (at(beyond)) " " (at(line)) "H" (at(RIGHT)) } {}
                text class="soft" x=(at((beyond + RIGHT) / 2.0)) y=(at(BOTTOM + 18.0)) text-anchor="middle" { "∞" }
            }
            @if let Some(place) = threshold {
                path class="mark" d={ "M" (at(place)) " 5V" (at(BOTTOM)) } stroke-width="1.5" stroke-dasharray="4 3" {}
                @if place > RIGHT - 62.0 {
                    text class="ink" x=(at(place - 5.0)) y="14" text-anchor="end" { "flagged →" }
                } @else {
                    text class="ink" x=(at(place + 5.0)) y="14" { "flagged →" }
                }
            }
            text class="soft" x=(at((LEFT + RIGHT) / 2.0)) y=(at(BOTTOM + 31.0)) text-anchor="middle" font-size="11" {
                (spread.kind.name())
            }
        }
    }
}

/// Where the finite scores end, and where the column beyond them begins.
fn places(column: bool) -> (f64, f64) {
    if column { (RIGHT - BEYOND.0 - BEYOND.1, RIGHT - BEYOND.0) } else { (RIGHT, RIGHT) }
}

/// What the axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The score.
    Linear,
    /// Its decimal logarithm: scores above zero that span more than a decade.
    Logarithmic,
    /// Its rank, 0 to 1: heavy tails on scores that may be negative.
    Rank,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Linear => "score",
            Self::Logarithmic => "score, logarithmic",
            Self::Rank => "rank of the score",
        }
    }
}

/// The axis of one detector's scores.
#[derive(Debug)]
pub(crate) struct Spread {
    kind: Kind,
    range: (f64, f64),
    sorted: Vec<f64>,
}

impl Spread {
    /// None if no score is finite.
    pub(crate) fn of(scores: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = scores.iter().copied().filter(|s| s.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (&low, &high) = (sorted.first()?, sorted.last()?);
        let (kind, range) =
            logarithmic(&sorted).map_or((Kind::Linear, (low, high)), |r| (Kind::Logarithmic, r));
        let mut this = Self { kind, range, sorted };
        if low < high && (!(high - low).is_finite() || this.is_squeezed()) {
            (this.kind, this.range) = (Kind::Rank, (0.0, 1.0));
        }
        Some(this)
    }

    /// Whether most samples, though their scores differ, stand in one bar.
    fn is_squeezed(&self) -> bool {
        let mut bins = [0; BINS];
        for &score in &self.sorted {
            bins[self.bin(score)] += 1;
        }
        let equal = self.sorted.chunk_by(|a, b| a == b).map(<[f64]>::len).max().unwrap_or(0);
        let most = bins.into_iter().max().unwrap_or(0);
        2 * most > self.sorted.len() && 2 * equal < most
    }

    /// What the axis reaches over.
    pub(crate) const fn range(&self) -> (f64, f64) {
        self.range
    }

    /// What is said of an axis that is not straight, behind its name.
    pub(crate) const fn remark(&self) -> &'static str {
        match self.kind {
            Kind::Linear => "",
            Kind::Logarithmic => ", logarithmic",
            Kind::Rank => ", by rank",
        }
    }

    /// A score on this axis.
    pub(crate) fn axis(&self, score: f64) -> f64 {
        match self.kind {
            Kind::Linear => score,
            Kind::Logarithmic if score > 0.0 => score.log10().max(self.range.0),
            Kind::Logarithmic => self.range.0,
            Kind::Rank => {
                let below = self.sorted.partition_point(|s| *s < score);
                let up_to = self.sorted.partition_point(|s| *s <= score);
                (below + up_to) as f64 / 2.0 / self.sorted.len() as f64
            }
        }
    }

    fn bin(&self, score: f64) -> usize {
        let unit = Scale::new(self.range, (0.0, BINS as f64));
        (unit.place(self.axis(score)) as usize).min(BINS - 1)
    }

    /// Places and texts of the ticks, none outside `ends`.
    pub(crate) fn labels(&self, x: Scale, ends: (f64, f64)) -> Vec<(f64, String)> {
        let (low, high) = self.range;
        match self.kind {
            Kind::Linear if low == high => vec![(x.place(low), wording::value(low))],
            Kind::Linear => linear_labels(low, high, x),
            Kind::Rank => [(0.25, "25 %"), (0.5, "median"), (0.75, "75 %")]
                .map(|(rank, text)| (x.place(rank), text.to_owned()))
                .to_vec(),
            Kind::Logarithmic => {
                let whole = decades(low, high, 6);
                if whole.len() > 1 {
                    return whole
                        .into_iter()
                        .map(|e| (x.place(f64::from(e)), wording::power_of_ten(e)))
                        .collect();
                }
                [0.15, 0.5, 0.85]
                    .map(|share| low + share * (high - low))
                    .map(|e| (x.place(e), wording::value(10f64.powf(e))))
                    .to_vec()
            }
        }
        .into_iter()
        // A label at the very edge would be cut off.
        .filter(|(place, _)| (ends.0..=ends.1).contains(place))
        .collect()
    }
}

fn linear_labels(low: f64, high: f64, x: Scale) -> Vec<(f64, String)> {
    let places = ticks(low, high, 5);
    let texts = tick_texts(&places);
    places.into_iter().map(|v| x.place(v)).zip(texts).collect()
}

/// The exponents of a logarithmic axis, if the scores are at least zero and span more
/// than a decade.
fn logarithmic(sorted: &[f64]) -> Option<(f64, f64)> {
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    let above_zero = &sorted[sorted.partition_point(|s| *s <= 0.0)..];
    if low < 0.0 || above_zero.is_empty() {
        return None;
    }
    // A few scores near zero must not take the axis: it begins at a low quantile.
    let start = quantile(above_zero, 0.01).max(high * 1e-15);
    (high / start > 12.0).then(|| (start.log10(), high.log10()))
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Counts of samples above the line (0) and below it (1).
struct Histogram {
    bins: [[usize; BINS]; 2],
    beyond: [usize; 2],
    totals: [usize; 2],
}

impl Histogram {
    fn of(scores: &[f64], below: &[bool], spread: &Spread) -> Self {
        let mut this = Self { bins: [[0; BINS]; 2], beyond: [0; 2], totals: [0; 2] };
        for (i, &score) in scores.iter().enumerate() {
            let kind = usize::from(below.get(i).copied().unwrap_or(false));
            this.totals[kind] += 1;
            if score.is_finite() {
                this.bins[kind][spread.bin(score)] += 1;
            } else if score == f64::NEG_INFINITY {
                this.bins[kind][0] += 1;
            } else {
                this.beyond[kind] += 1;
            }
        }
        this
    }

    fn share(&self, kind: usize, count: usize) -> f64 {
        if self.totals[kind] == 0 { 0.0 } else { count as f64 / self.totals[kind] as f64 }
    }

    fn tallest(&self) -> f64 {
        let all = (0..2).flat_map(|kind| {
            let counts = self.bins[kind].iter().chain([&self.beyond[kind]]);
            counts.map(move |&count| self.share(kind, count))
        });
        all.fold(f64::MIN_POSITIVE, f64::max)
    }

    /// The bars of one kind as a path: from `line`, upward by `height` for the tallest
    /// (or downward).
    fn path(&self, kind: usize, line: f64, height: f64, right: f64, beyond: f64) -> String {
        let width = (right - LEFT) / BINS as f64;
        let unit = height / self.tallest();
        let bar = |from: f64, width: f64, count: usize| {
            // The smallest bar can be seen: one sample may be what the reader looks for.
            let size = (self.share(kind, count) * unit).abs().max(1.2).copysign(unit);
            let to = line - size;
            format!("M{} {}V{to:.1}h{width:.2}V{}z", at(from), at(line), at(line))
        };
        let bins = self.bins[kind].iter().enumerate().filter(|(_, c)| **c > 0);
        let mut path: String = bins.map(|(i, &c)| bar(LEFT + i as f64 * width, width - 0.6, c)).collect();
        if self.beyond[kind] > 0 {
            path.push_str(&bar(beyond, BEYOND.0, self.beyond[kind]));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(scores: &[f64]) -> Option<Kind> {
        Spread::of(scores).map(|s| s.kind)
    }

    #[test]
    fn the_axis_suits_the_scores() {
        let decades: Vec<f64> = (0..100).map(|i| 10f64.powf(f64::from(i) / 10.0)).collect();
        let even: Vec<f64> = (0..100).map(|i| 0.4 + f64::from(i) / 500.0).collect();
        let mut tailed: Vec<f64> = (-50..50).map(f64::from).collect();
        tailed.push(1e9);
        assert_eq!(kind(&decades), Some(Kind::Logarithmic));
        assert_eq!(kind(&even), Some(Kind::Linear));
        assert_eq!(kind(&tailed), Some(Kind::Rank));
        assert_eq!(kind(&[f64::MIN, 0.0, f64::MAX]), Some(Kind::Rank));
        assert_eq!(kind(&[0.0; 4]), Some(Kind::Linear));
        assert_eq!(kind(&[f64::INFINITY, f64::NAN]), None);
        assert_eq!(kind(&[]), None);
    }

    #[test]
    fn every_sample_stands_in_one_bar() {
        let scores = [0.0, 1e-30, 1.0, 1e6, 2.0, f64::INFINITY, f64::NAN, f64::NEG_INFINITY];
        let truth = [false, false, true, true, false, true, false, false];
        let spread = Spread::of(&scores).unwrap();
        let histogram = Histogram::of(&scores, &truth, &spread);
        let counted = |k: usize| histogram.bins[k].iter().sum::<usize>() + histogram.beyond[k];
        assert_eq!((counted(0), counted(1)), (5, 3));
        assert_eq!(histogram.beyond, [1, 1]);
    }
}
