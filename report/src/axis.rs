//! Scales from values to places, and round tick values.

use crate::wording;

/// A straight map of `from` to `to`. A scale of no width maps everything to the middle.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    /// Values from `from.0` to `from.1` go to places from `to.0` to `to.1`.
    #[must_use]
    pub fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        Self { from, to }
    }

    /// The place of a value; values outside `from` go to its edges.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let width = self.from.1 - self.from.0;
        let share = if width > 0.0 { ((value - self.from.0) / width).clamp(0.0, 1.0) } else { 0.5 };
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}

/// A place as SVG wants it: one decimal, none where it is zero.
#[must_use]
pub fn at(place: f64) -> String {
    let text = format!("{place:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Round values inside `low..=high`, about `wanted` of them, in steps of 1, 2 or 5 times
/// a power of ten.
#[must_use]
pub fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let width = high - low;
    if !width.is_finite() || width <= 0.0 || wanted == 0 {
        return Vec::new();
    }
    let raw = width / wanted as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= raw * 0.999).unwrap_or(raw);
    let first = (low / step - 1e-9).ceil();
    (0..=2 * wanted + 2)
        .map(|i| (first + i as f64) * step)
        .take_while(|tick| *tick <= high + step * 1e-9)
        // A tick at zero is zero, whatever the rounding made of it.
        .map(|tick| if tick.abs() < step * 1e-9 { 0.0 } else { tick })
        .collect()
}

/// The texts of evenly spaced ticks, with as many decimals as they need to differ.
#[must_use]
pub fn tick_texts(ticks: &[f64]) -> Vec<String> {
    let step = if ticks.len() > 1 { ticks[1] - ticks[0] } else { ticks.iter().sum::<f64>().abs() };
    let largest = ticks.iter().fold(0.0, |largest: f64, t| largest.max(t.abs()));
    let plain = (1e-4..1e5).contains(&step) && largest < 1e6;
    // A step of 0.2 may come out as 0.1999…: its power of ten must not.
    let decimals = (-(step * 1.001).log10().floor()).clamp(0.0, 5.0) as usize;
    let text = |&tick: &f64| {
        if tick == 0.0 {
            "0".to_owned()
        } else if plain {
            wording::minus(&format!("{tick:.decimals$}"))
        } else {
            wording::value(tick)
        }
    };
    ticks.iter().map(text).collect()
}

/// Whole exponents inside `low..=high` (decimal logarithms), at most `wanted`, evenly
/// spaced.
#[must_use]
pub fn decades(low: f64, high: f64, wanted: usize) -> Vec<i32> {
    let (first, last) = (low.ceil() as i32, high.floor() as i32);
    let step = (last - first + 1).div_euclid(wanted.max(1) as i32).max(0) + 1;
    let step = if (last - first) < wanted as i32 { 1 } else { step };
    (first..=last).filter(|e| e.rem_euclid(step) == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(88.0, 100.0, 6), [88.0, 90.0, 92.0, 94.0, 96.0, 98.0, 100.0]);
        for (low, high) in [(0.0, 0.0), (1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert!(ticks(low, high, 5).is_empty());
        }
    }

    #[test]
    fn ticks_are_told_apart_by_as_few_decimals_as_it_takes() {
        assert_eq!(tick_texts(&[-0.5, 0.0, 0.5]), ["−0.5", "0", "0.5"]);
        assert_eq!(tick_texts(&ticks(88.0, 100.0, 6)), ["88", "90", "92", "94", "96", "98", "100"]);
        assert_eq!(tick_texts(&ticks(0.0, 0.1, 5)), ["0", "0.02", "0.04", "0.06", "0.08", "0.10"]);
        assert_eq!(tick_texts(&[1e9, 2e9]), ["1.00·10⁹", "2.00·10⁹"]);
        assert!(tick_texts(&[]).is_empty());
    }

    #[test]
    fn decades_never_crowd() {
        assert_eq!(decades(-2.5, 2.5, 5), [-2, -1, 0, 1, 2]);
        for (low, high) in [(-300.0, 300.0), (-12.3, 4.4), (0.1, 0.9), (3.0, 1.0)] {
            assert!(decades(low, high, 5).len() <= 5, "{low} {high}");
        }
    }

    #[test]
    fn values_outside_a_scale_stay_on_its_edges() {
        let scale = Scale::new((0.0, 2.0), (10.0, 30.0));
        assert_eq!([-1.0, 0.0, 1.0, 9.0].map(|v| scale.place(v)), [10.0, 10.0, 20.0, 30.0]);
        assert_eq!(Scale::new((1.0, 1.0), (0.0, 8.0)).place(1.0), 4.0);
    }
}
