//! p-values over the stream: of a stretch of it, which share is small.

use std::fmt::Write;

use maud::{Markup, html};

use crate::axis::{Scale, at};
use crate::frame::{Frame, Ticks};
use crate::report::Stream;
use crate::wording;

/// What counts as small.
const SMALL: f64 = 0.05;
/// Stretches that are drawn, at most.
const STRETCHES: usize = 160;
/// p-values of a stretch, at least.
const LEAST: usize = 20;

/// The section; nothing of a stream that is too short.
pub(crate) fn section(stream: &Stream<'_>) -> Markup {
    let shares = shares(stream.p);
    html! {
        @if shares.1.len() > 1 {
            section class="card" {
                h2 { "Small p-values over the stream" }
                p class="soft note" {
                    "Which share of each stretch of " (wording::counted(shares.0, stream.of)) " has p ≤ " (SMALL)
                    ", in the order in which they came. Of clean ones about the share of the dashed line has: a stretch that "
                    "stands above it was collected, labelled or stored in another way."
                }
                div class="stream" { (drawing(stream, &shares)) }
            }
        }
    }
}

/// How long a stretch is, and the share of small ones in each.
fn shares(p: &[f64]) -> (usize, Vec<f64>) {
    let length = p.len().div_ceil(STRETCHES).max(LEAST);
    let share = |stretch: &[f64]| {
        let known = stretch.iter().filter(|p| !p.is_nan());
        let (small, all) =
            known.fold((0, 0), |(small, all): (usize, usize), &p| (small + usize::from(p <= SMALL), all + 1));
        if all == 0 { 0.0 } else { small as f64 / all as f64 }
    };
    // A short rest would be mostly chance.
    let whole = p.chunks(length).filter(|stretch| 2 * stretch.len() >= length);
    (length, whole.map(share).collect())
}

fn drawing(stream: &Stream<'_>, (length, shares): &(usize, Vec<f64>)) -> Markup {
    let (width, height) = (1060.0, 250.0);
    let frame = Frame { left: 60.0, top: 14.0, width: width - 80.0, height: height - 64.0 };
    let end = (length * shares.len()) as f64;
    let high = shares.iter().fold(2.0 * SMALL, |high: f64, &share| high.max(share * 1.05)).min(1.0);
    let x = Scale::new((0.0, end), (frame.left, frame.right()));
    let y = Scale::new((0.0, high), (frame.bottom(), frame.top));
    let across = Ticks::round((0.0, end), 8, x, 1.0).without_lines();
    let up = Ticks::round((0.0, 100.0 * high), 4, y, 100.0);
    let mut bars = String::new();
    for (i, &share) in shares.iter().enumerate() {
        let (from, to) = (x.place((i * length) as f64), x.place(((i + 1) * length) as f64));
        // Writing into a string cannot fail.
        let _ = write!(
            bars,
            "M{} {}V{}H{}V{}z",
            at(from),
            at(frame.bottom()),
            at(y.place(share)),
            at(to - 0.6),
            at(frame.bottom())
        );
    }
    html! {
        svg viewBox={ "0 0 " (width) " " (height) } role="img" font-size="13" aria-label="Share of small p-values over the stream" {
            (frame.axes(&across, &up))
            path class="clean" d=(bars) fill-opacity="0.75" {}
            path class="mark" d={ "M" (at(frame.left)) " " (at(y.place(SMALL))) "h" (at(frame.width)) } stroke-width="1.5" stroke-dasharray="6 4" {}
            (frame.name_across(&format!("{}s", stream.of)))
            (frame.name_up("% small"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_few_and_hold_their_share() {
        let (length, all) = shares(&vec![0.5; 100_000]);
        assert!(all.len() <= STRETCHES && length * all.len() >= 100_000 && all.iter().all(|&s| s == 0.0));
        let p: Vec<f64> = (0..40)
            .map(|i| {
                if i < 5 {
                    0.01
                } else if i < 10 {
                    f64::NAN
                } else {
                    0.9
                }
            })
            .collect();
        assert_eq!(shares(&p), (20, vec![5.0 / 15.0, 0.0]));
        assert_eq!(shares(&[]).1.len(), 0);
    }
}
