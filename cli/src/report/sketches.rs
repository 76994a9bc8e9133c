//! The picture of what sketches lose: Spearman's correlation of dot products and AUROC of
//! self-influence over K, above by projection in `f32`, below by codec for one
//! projection.
//!
//! It stands on its own white ground and uses plain SVG, as the README's picture does.

use maud::{Markup, PreEscaped, html};

use gradsieve_harness::truth::{Outcome, SketchLine};
use gradsieve_report::axis::{Scale, at, tick_texts, ticks};
use gradsieve_report::style::{self, FONT, dash, series_class};

const SIZE: (f64, f64) = (900.0, 760.0);
const PLOT: (f64, f64) = (290.0, 260.0);
const LEFTS: [f64; 2] = [64.0, 424.0];
const TOPS: [f64; 2] = [56.0, 416.0];
const LEGEND: f64 = 738.0;

type Figures = fn(&SketchLine) -> &[f64];
const MEASURES: [(&str, Figures); 2] =
    [("dot products: Spearman", |line| &line.dot), ("flips by self-influence: AUROC", |line| &line.streamed)];

/// A curve: its name, and its lines in rising order of K.
struct Curve<'a> {
    name: &'a str,
    lines: Vec<&'a SketchLine>,
}

/// The picture, an SVG file.
#[must_use]
pub fn sketches(outcome: &Outcome) -> String {
    let (width, height) = SIZE;
    let projected = || outcome.sketches.iter().filter(|line| !line.exact);
    let plain = || projected().filter(|line| line.codec == "f32");
    let by_projection = curves(plain(), |line| line.projection);
    let shown = by_projection.first().map_or("", |curve| curve.name);
    let by_codec = curves(projected().filter(|line| line.projection == shown), |line| line.codec);
    let rows =
        [("f32 rows, by projection".to_owned(), by_projection), (format!("{shown}, by codec"), by_codec)];
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } font-family=(FONT) font-size="12" role="img"
            aria-label="What sketches lose, by projection and by codec, over their width" {
            style { (PreEscaped(style::classes(&style::LIGHT))) }
            rect class="paper rule" x="0.5" y="0.5" width=(width - 1.0) height=(height - 1.0) rx="12" {}
            @for ((title, curves), top) in rows.iter().zip(TOPS) {
                @for ((measure, figures), left) in MEASURES.iter().zip(LEFTS) {
                    (panel(&format!("{measure}, {title}"), curves, *figures, (left, top)))
                }
                @for (i, curve) in curves.iter().enumerate() {
                    @let y = top + 12.0 + 20.0 * i as f64;
                    path class=(series_class(i)) d={ "M" (at(LEGEND)) " " (at(y)) "h34" } stroke-width="2.2" stroke-dasharray=(dash(i)) {}
                    text class="ink" x=(at(LEGEND + 42.0)) y=(at(y + 4.0)) { (curve.name) }
                }
            }
        }
    }
    .into_string()
}

fn curves<'a>(
    lines: impl Iterator<Item = &'a SketchLine>,
    name: impl Fn(&'a SketchLine) -> &'a str,
) -> Vec<Curve<'a>> {
    let mut curves: Vec<Curve<'a>> = Vec::new();
    for line in lines {
        match curves.iter_mut().find(|curve| curve.name == name(line)) {
            Some(curve) => curve.lines.push(line),
            None => curves.push(Curve { name: name(line), lines: vec![line] }),
        }
    }
    curves
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

fn panel(title: &str, curves: &[Curve<'_>], figures: Figures, (left, top): (f64, f64)) -> Markup {
    let (width, height) = PLOT;
    let all = || curves.iter().flat_map(|curve| curve.lines.iter().copied());
    let range = |of: &dyn Fn(&SketchLine) -> f64| {
        all().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), f| (l.min(f), h.max(f)))
    };
    let (narrow, wide) = range(&|line| libm::log2(line.dim as f64));
    let low = range(&|line| mean(figures(line))).0;
    let x = Scale::new((narrow, wide), (left + 10.0, left + width - 10.0));
    let y = Scale::new((low.min(1.0), 1.0), (top + height, top));
    let up = ticks(low, 1.0, 5);
    let mut widths: Vec<usize> = all().map(|line| line.dim).collect();
    widths.sort_unstable();
    widths.dedup();
    html! {
        text class="ink" x=(at(left)) y=(at(top - 16.0)) font-weight="600" { (title) }
        @for (tick, label) in up.iter().zip(tick_texts(&up)) {
            path class="rule" d={ "M" (at(left)) " " (at(y.place(*tick))) "h" (at(width)) } {}
            text class="soft" x=(at(left - 8.0)) y=(at(y.place(*tick) + 4.0)) text-anchor="end" { (label) }
        }
        @for width in &widths {
            text class="soft" x=(at(x.place(libm::log2(*width as f64)))) y=(at(top + height + 18.0)) text-anchor="middle" { (width) }
        }
        text class="soft" x=(at(left + width / 2.0)) y=(at(top + height + 36.0)) text-anchor="middle" { "K, numbers a row" }
        path class="axis" d={ "M" (at(left)) " " (at(top)) "v" (at(height)) "h" (at(width)) } fill="none" {}
        @for (i, curve) in curves.iter().enumerate() {
            @let points: Vec<String> = curve.lines.iter()
                .map(|line| format!("{} {}", at(x.place(libm::log2(line.dim as f64))), at(y.place(mean(figures(line))))))
                .collect();
            path class=(series_class(i)) d={ "M" (points.join("L")) } fill="none" stroke-width="2" stroke-dasharray=(dash(i))
                stroke-linejoin="round" { title { (curve.name) } }
        }
    }
}
