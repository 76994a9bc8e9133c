//! Hostile gradients between honest ones.

use gradsieve::{Sketch, Summary};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::super::evidence::Rows;
use crate::data::random::{Purpose, generator, normal};

/// Classes of the digits.
pub(super) const GROUPS: u32 = 10;

/// The kinds of hostile gradients, each of them given to a class at random.
pub const KINDS: [&str; 6] = [
    "one direction",
    "three directions",
    "random directions",
    "the mean of its class",
    "against that mean",
    "as the flipped of its class",
];

/// Dimensions of the subspace that is not one direction.
const FEW: usize = 3;

/// A share of hostile gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Poison {
    /// Which of [`KINDS`].
    pub(super) kind: usize,
    /// How many there are for each honest one.
    pub(super) share: f64,
    /// How many times as long as the median of the honest ones each is.
    pub(super) length: f64,
}

/// The honest samples.
pub(super) struct Honest<'a> {
    rows: Rows,
    groups: &'a [u32],
    flipped: &'a [bool],
    /// The median norm.
    median: f64,
}

/// A direction, not yet of unit length.
type Direction = Vec<f64>;

impl<'a> Honest<'a> {
    pub(super) fn new(rows: Rows, groups: &'a [u32], flipped: &'a [bool]) -> Self {
        let mut norms: Vec<f64> = rows.measures.iter().map(|m| libm::sqrt(m.l2_squared)).collect();
        norms.sort_by(f64::total_cmp);
        let median = norms.get(norms.len() / 2).copied().unwrap_or_default();
        Self { rows, groups, flipped, median }
    }

    /// K.
    pub(super) const fn width(&self) -> usize {
        self.rows.width()
    }

    /// Which are harmful.
    pub(super) const fn flipped(&self) -> &'a [bool] {
        self.flipped
    }

    /// How many hostile gradients there are: one at least, if there are any.
    pub(super) fn hostile(&self, poison: Poison) -> usize {
        let count = (poison.share * self.rows.len() as f64).round() as usize;
        if poison.share > 0.0 { count.max(1) } else { 0 }
    }

    /// They and the hostile ones, in a random order.
    pub(super) fn poisoned(&self, poison: Poison, seed: u64) -> Mixed<'_> {
        let mut rng = generator(seed, Purpose::Poison);
        let directions = self.directions(poison.kind, &mut rng);
        let hostile: Vec<(Vec<f32>, u32)> = (0..self.hostile(poison))
            .map(|_| {
                let group = rng.random_range(0..GROUPS);
                let direction = match &directions {
                    Directions::Any => random(self.width(), &mut rng),
                    Directions::Span(span) => {
                        let weights: Vec<f64> = span.iter().map(|_| normal(&mut rng)).collect();
                        combined(span, &weights)
                    }
                    Directions::Classes(means) => means[group as usize].clone(),
                };
                (of_length(&direction, poison.length * self.median), group)
            })
            .collect();
        let mut order: Vec<usize> = (0..self.rows.len() + hostile.len()).collect();
        order.shuffle(&mut rng);
        Mixed { honest: self, hostile, order }
    }

    fn directions(&self, kind: usize, rng: &mut ChaCha8Rng) -> Directions {
        match kind {
            0 => Directions::Span(vec![random(self.width(), rng)]),
            1 => Directions::Span((0..FEW).map(|_| random(self.width(), rng)).collect()),
            2 => Directions::Any,
            3 => Directions::Classes(self.means(1.0, false)),
            4 => Directions::Classes(self.means(-1.0, false)),
            _ => Directions::Classes(self.means(1.0, true)),
        }
    }

    /// The summed directions of each class, of its flipped samples or of the others.
    fn means(&self, sign: f64, flipped: bool) -> Vec<Direction> {
        let mut sums = vec![vec![0.0; self.width()]; GROUPS as usize];
        for (i, (&group, _)) in
            self.groups.iter().zip(self.flipped).enumerate().filter(|(_, (_, f))| **f == flipped)
        {
            let norm = libm::sqrt(self.rows.measures[i].l2_squared).max(f64::MIN_POSITIVE);
            for (sum, &x) in sums[group as usize].iter_mut().zip(self.rows.row(i)) {
                *sum += sign * f64::from(x) / norm;
            }
        }
        sums
    }

    fn sketch(&self, i: usize) -> Sketch<'_> {
        let (id, measures) = (self.rows.id, self.rows.measures[i]);
        Sketch { id, values: self.rows.row(i), measures, group: self.groups[i], loss: None }
    }
}

/// Where hostile gradients point.
enum Directions {
    /// Anywhere.
    Any,
    /// Into a subspace.
    Span(Vec<Direction>),
    /// Each where its class says.
    Classes(Vec<Direction>),
}

fn random(width: usize, rng: &mut ChaCha8Rng) -> Direction {
    (0..width).map(|_| normal(rng)).collect()
}

fn combined(span: &[Direction], weights: &[f64]) -> Direction {
    let mut sum = vec![0.0; span.first().map_or(0, Vec::len)];
    for (direction, weight) in span.iter().zip(weights) {
        sum.iter_mut().zip(direction).for_each(|(sum, x)| *sum += weight * x);
    }
    sum
}

fn of_length(direction: &[f64], length: f64) -> Vec<f32> {
    let norm = libm::sqrt(direction.iter().map(|x| x * x).sum::<f64>()).max(f64::MIN_POSITIVE);
    direction.iter().map(|x| (x / norm * length) as f32).collect()
}

/// Honest and hostile gradients, as they come.
pub(super) struct Mixed<'a> {
    honest: &'a Honest<'a>,
    hostile: Vec<(Vec<f32>, u32)>,
    /// Honest ones by their numbers, hostile ones by theirs behind them.
    order: Vec<usize>,
}

impl Mixed<'_> {
    /// K.
    pub(super) const fn width(&self) -> usize {
        self.honest.width()
    }

    /// The samples.
    pub(super) fn honest(&self) -> impl Iterator<Item = Sketch<'_>> {
        (0..self.honest.rows.len()).map(|i| self.honest.sketch(i))
    }

    /// All that a detector observes.
    pub(super) fn all(&self) -> impl Iterator<Item = Sketch<'_>> {
        let n = self.honest.rows.len();
        self.order.iter().map(move |&place| match self.hostile.get(place.wrapping_sub(n)) {
            None => self.honest.sketch(place),
            Some((values, group)) => {
                let count = self.honest.rows.measures.first().map_or(0, |m| m.count);
                let measures = Summary { count, ..gradsieve_kernels::summarize(values) };
                Sketch { id: self.honest.rows.id, values, measures, group: *group, loss: None }
            }
        })
    }
}
