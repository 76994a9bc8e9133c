//! What may be wrong with a sample of a stream, or with its gradient. One function a
//! kind.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::tasks::StreamTask;
use crate::data::random::{Purpose, generator, normal};
use crate::data::{DataError, Dataset};

/// A kind of corruption.
#[derive(Clone, Copy, Debug)]
pub struct Corruption {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// Whether the mean over kinds counts it: the kinds that a guard of its own is for do
    /// not count, nor does a drift.
    pub counts: bool,
    pub(super) touches: Touches,
}

/// What a kind changes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Touches {
    /// Input and label of a share of the samples.
    Data(fn(&mut Damaged<'_>)),
    /// Their gradients as they are judged.
    Gradient(fn(&mut [f32], &mut ChaCha8Rng)),
    /// Inputs of all samples from the middle of the stream on.
    Drift,
}

/// All of them, in the order of the tables.
pub const CORRUPTIONS: &[Corruption] = &[
    data("flips", "label: any other", flip),
    data("pair flips", "label: the next class", flip_to_next),
    data("one-class flips", "label: class 0, whatever it was", flip_to_first),
    data("noise", "input: noise of one deviation added", noise),
    data("occlusion", "input: a block of zeros", occlude),
    data("stuck", "input: a channel at its highest value", stick),
    data("shuffled", "input: its numbers in another order", shuffle),
    data("foreign", "input: of another task", foreign),
    data("blank", "input: zeros", blank),
    data("scaled", "input: times three", scale),
    gradient("x10", "gradient: times ten", |g, _| multiply(g, 10.0)),
    gradient("random", "gradient: another direction, the same length", redirect),
    gradient("sign", "gradient: times −1", |g, _| multiply(g, -1.0)),
    gradient("bit flips", "gradient: one word in 500 has one bit flipped", flip_bits),
    apart(gradient("zero", "gradient: zero", |g, _| g.fill(0.0))),
    apart(gradient("short", "gradient: a hundredth", |g, _| multiply(g, 0.01))),
    apart(data("duplicates", "25 copies of a sample, almost the same", duplicate)),
    Corruption {
        name: "drift",
        about: "input: moves by two deviations from the middle of the stream on",
        counts: false,
        touches: Touches::Drift,
    },
];

const fn data(name: &'static str, about: &'static str, damage: fn(&mut Damaged<'_>)) -> Corruption {
    Corruption { name, about, counts: true, touches: Touches::Data(damage) }
}

const fn gradient(
    name: &'static str,
    about: &'static str,
    damage: fn(&mut [f32], &mut ChaCha8Rng),
) -> Corruption {
    Corruption { name, about, counts: true, touches: Touches::Gradient(damage) }
}

const fn apart(corruption: Corruption) -> Corruption {
    Corruption { counts: false, ..corruption }
}

/// Copies of one sample.
const COPIES: usize = 25;

/// Where in a stream corrupted samples stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Anywhere.
    #[default]
    Throughout,
    /// In the first third.
    Early,
    /// In the last third.
    Late,
}

impl Placement {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throughout => "throughout",
            Self::Early => "early",
            Self::Late => "late",
        }
    }

    fn range(self, samples: usize) -> core::ops::Range<usize> {
        match self {
            Self::Throughout => 0..samples,
            Self::Early => 0..samples / 3,
            Self::Late => samples - samples / 3..samples,
        }
    }
}

/// One sample that is being damaged, and what its damage may draw on.
pub(super) struct Damaged<'a> {
    x: &'a mut [f32],
    label: &'a mut u32,
    /// The stream before any damage.
    clean: &'a Dataset,
    /// Samples of another task.
    others: &'a Dataset,
    /// Means and deviations of all their numbers and of the stream's.
    foreign: Moments,
    own: Moments,
    /// The highest value of each channel.
    highest: &'a [f32],
    /// The corrupted places, rising, and which of them this is.
    places: &'a [usize],
    number: usize,
    rng: &'a mut ChaCha8Rng,
}

/// A stream's samples with the damage done, and where.
pub(super) struct Corrupted {
    pub(super) set: Dataset,
    pub(super) mask: Vec<bool>,
}

/// Where, and with which samples, a stream is corrupted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Damage<'a> {
    pub(super) task: &'a StreamTask,
    /// None leaves the stream clean.
    pub(super) corruption: Option<&'a Corruption>,
    pub(super) share: f64,
    pub(super) placement: Placement,
    pub(super) seed: u64,
}

impl Damage<'_> {
    /// The generator of this damage: of its own for each kind.
    pub(super) fn generator(&self) -> ChaCha8Rng {
        let at = CORRUPTIONS.iter().position(|c| Some(c.name) == self.corruption.map(|c| c.name));
        generator(self.seed.wrapping_add((at.unwrap_or_default() as u64) << 32), Purpose::Corrupt)
    }

    /// The stream with what touches its data done, and with the places of what touches
    /// gradients.
    pub(super) fn apply(&self, clean: &Dataset) -> Result<Corrupted, DataError> {
        let (n, dim) = (clean.len(), clean.dim());
        let Some(corruption) = self.corruption else {
            return Ok(Corrupted { set: clean.clone(), mask: vec![false; n] });
        };
        let mut rng = self.generator();
        let places = self.places(clean, corruption, &mut rng);
        let mut mask = vec![false; n];
        places.iter().for_each(|&place| mask[place] = true);
        let (mut features, mut labels) = (clean.features().to_vec(), clean.labels().to_vec());
        match corruption.touches {
            Touches::Gradient(_) => {}
            Touches::Drift => drift(&mut features, dim, Moments::of(clean.features()), &mut rng),
            Touches::Data(damage) => {
                let (others, _) = self.task.foreign().draw(places.len().max(2), 2, self.seed)?;
                let (own, foreign) = (Moments::of(clean.features()), Moments::of(others.features()));
                let highest = highest(clean, self.task.channels);
                for (number, &place) in places.iter().enumerate() {
                    damage(&mut Damaged {
                        x: &mut features[place * dim..(place + 1) * dim],
                        label: &mut labels[place],
                        clean,
                        others: &others,
                        foreign,
                        own,
                        highest: &highest,
                        places: &places,
                        number,
                        rng: &mut rng,
                    });
                }
            }
        }
        Ok(Corrupted { set: clean.clone().with_labels(labels)?.with_features(features)?, mask })
    }

    /// The places of corrupted samples, rising.
    fn places(&self, clean: &Dataset, corruption: &Corruption, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let n = clean.len();
        if matches!(corruption.touches, Touches::Drift) {
            return (n / 2..n).collect();
        }
        // What is of class 0 already cannot be flipped to it.
        let can = |place: &usize| corruption.name != "one-class flips" || clean.labels()[*place] != 0;
        let mut places: Vec<usize> = self.placement.range(n).filter(can).collect();
        places.shuffle(rng);
        places.truncate((self.share * n as f64).round() as usize);
        places.sort_unstable();
        places
    }
}

/// Mean and deviation of all numbers of a set.
#[derive(Clone, Copy, Debug)]
struct Moments {
    mean: f64,
    deviation: f64,
}

impl Moments {
    fn of(values: &[f32]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let squares = values.iter().map(|&x| (f64::from(x) - mean) * (f64::from(x) - mean));
        Self { mean, deviation: libm::sqrt(squares.sum::<f64>() / n).max(f64::MIN_POSITIVE) }
    }
}

fn highest(set: &Dataset, channels: usize) -> Vec<f32> {
    let mut highest = vec![f32::NEG_INFINITY; channels];
    for (row, _) in set.samples() {
        row.iter().enumerate().for_each(|(j, &x)| highest[j % channels] = highest[j % channels].max(x));
    }
    highest
}

fn flip(it: &mut Damaged<'_>) {
    let classes = it.clean.classes() as u32;
    *it.label = (*it.label + it.rng.random_range(1..classes)) % classes;
}

fn flip_to_next(it: &mut Damaged<'_>) {
    *it.label = (*it.label + 1) % it.clean.classes() as u32;
}

fn flip_to_first(it: &mut Damaged<'_>) {
    *it.label = 0;
}

fn noise(it: &mut Damaged<'_>) {
    for x in it.x.iter_mut() {
        *x += (it.own.deviation * normal(it.rng)) as f32;
    }
}

/// A quarter of a picture; of other inputs a third, side by side.
fn occlude(it: &mut Damaged<'_>) {
    let (rows, columns, height, width) = match it.clean.picture() {
        Some((width, height)) => (height, width, height / 2, width / 2),
        None => (1, it.x.len(), 1, it.x.len() / 3),
    };
    let (top, left) = (it.rng.random_range(0..=rows - height), it.rng.random_range(0..=columns - width));
    for row in top..top + height {
        it.x[row * columns + left..row * columns + left + width].fill(0.0);
    }
}

fn stick(it: &mut Damaged<'_>) {
    let channel = it.rng.random_range(0..it.highest.len());
    it.x.iter_mut().skip(channel).step_by(it.highest.len()).for_each(|x| *x = it.highest[channel]);
}

fn shuffle(it: &mut Damaged<'_>) {
    it.x.shuffle(it.rng);
}

/// Inputs of another task, with the mean and the deviation of this one's, repeated if
/// they are fewer.
fn foreign(it: &mut Damaged<'_>) {
    let row = it.others.row(it.number % it.others.len()).unwrap_or_default();
    for (x, &other) in it.x.iter_mut().zip(row.iter().cycle()) {
        let standard = (f64::from(other) - it.foreign.mean) / it.foreign.deviation;
        *x = (it.own.mean + it.own.deviation * standard) as f32;
    }
}

fn blank(it: &mut Damaged<'_>) {
    it.x.fill(0.0);
}

fn scale(it: &mut Damaged<'_>) {
    it.x.iter_mut().for_each(|x| *x *= 3.0);
}

/// Twenty-five times in a row the sample just before the first of them, each time with
/// noise of a thousandth of a deviation.
fn duplicate(it: &mut Damaged<'_>) {
    let first = it.places[it.number / COPIES * COPIES];
    let source = first.saturating_sub(1);
    *it.label = it.clean.labels()[source];
    it.x.copy_from_slice(it.clean.row(source).unwrap_or_default());
    for x in it.x.iter_mut() {
        *x += (1e-3 * it.own.deviation * normal(it.rng)) as f32;
    }
}

/// Along a random direction, by two deviations at the end.
fn drift(features: &mut [f32], dim: usize, own: Moments, rng: &mut ChaCha8Rng) {
    let signs: Vec<f64> = (0..dim).map(|_| if rng.random() { 1.0 } else { -1.0 }).collect();
    let n = features.len() / dim;
    for (place, row) in features.chunks_exact_mut(dim).enumerate().skip(n / 2) {
        let way = 2.0 * (place - n / 2) as f64 / (n - n / 2) as f64 * own.deviation;
        row.iter_mut().zip(&signs).for_each(|(x, sign)| *x += (way * sign) as f32);
    }
}

fn multiply(gradient: &mut [f32], factor: f32) {
    gradient.iter_mut().for_each(|g| *g *= factor);
}

fn redirect(gradient: &mut [f32], rng: &mut ChaCha8Rng) {
    let norm = |values: &[f32]| libm::sqrt(values.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>());
    let length = norm(gradient);
    gradient.iter_mut().for_each(|g| *g = normal(rng) as f32);
    let factor = length / norm(gradient);
    gradient.iter_mut().for_each(|g| *g = (f64::from(*g) * factor) as f32);
}

fn flip_bits(gradient: &mut [f32], rng: &mut ChaCha8Rng) {
    for _ in 0..gradient.len().div_ceil(500) {
        let at = rng.random_range(0..gradient.len());
        gradient[at] = f32::from_bits(gradient[at].to_bits() ^ (1 << rng.random_range(0..32)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tasks::TASKS;
    use super::*;

    const SHARE: f64 = 0.1;

    fn damage<'a>(task: &'a StreamTask, corruption: &'a Corruption, placement: Placement) -> Damage<'a> {
        Damage { task, corruption: Some(corruption), share: SHARE, placement, seed: 3 }
    }

    /// Whether sample i is another in one set than in the other.
    fn differs(one: &Dataset, other: &Dataset, i: usize) -> bool {
        one.row(i) != other.row(i) || one.labels()[i] != other.labels()[i]
    }

    #[test]
    fn each_kind_damages_its_share_of_the_samples_and_no_other() {
        for task in TASKS {
            let (_, clean) = task.draw(10, 400, 5).unwrap();
            for corruption in CORRUPTIONS {
                let done = damage(task, corruption, Placement::Throughout).apply(&clean).unwrap();
                let of_data = !matches!(corruption.touches, Touches::Gradient(_));
                let changed = (0..400).filter(|&i| differs(&clean, &done.set, i));
                let changed: Vec<usize> = changed.collect();
                assert!(changed.iter().all(|&i| done.mask[i]), "{} {}", task.name, corruption.name);
                let expected = if corruption.name == "drift" { 200 } else { 40 };
                assert_eq!(done.mask.iter().filter(|mask| **mask).count(), expected, "{}", corruption.name);
                // An occluded corner of a digit may have been empty, and the first step
                // of a drift is none.
                let least = if of_data { expected * 9 / 10 } else { 0 };
                let most = if of_data { expected } else { 0 };
                assert!((least..=most).contains(&changed.len()), "{} {}", task.name, corruption.name);
            }
        }
    }

    #[test]
    fn each_kind_that_touches_gradients_changes_them_and_only_bit_flips_may_leave_the_finite() {
        for corruption in CORRUPTIONS {
            let Touches::Gradient(damage) = corruption.touches else { continue };
            let before: Vec<f32> = (0..2_000).map(|i| (i as f32 - 900.5) / 1e3).collect();
            let mut after = before.clone();
            damage(&mut after, &mut generator(1, Purpose::Corrupt));
            assert_ne!(before, after, "{}", corruption.name);
            let finite = after.iter().all(|g| g.is_finite());
            assert!(finite || corruption.name == "bit flips", "{}", corruption.name);
            let norm = |g: &[f32]| g.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            let factor = norm(&after) / norm(&before);
            let expected = match corruption.name {
                "x10" => 10.0,
                "short" => 0.01,
                "zero" => 0.0,
                "random" | "sign" => 1.0,
                _ => continue,
            };
            assert!((factor - expected).abs() < 1e-5 * (1.0 + expected), "{}: {factor}", corruption.name);
        }
    }

    #[test]
    fn flipped_labels_are_classes_and_never_what_they_were() {
        let (_, clean) = TASKS[0].draw(10, 400, 5).unwrap();
        for corruption in CORRUPTIONS.iter().filter(|corruption| corruption.name.ends_with("flips")) {
            let done = damage(&TASKS[0], corruption, Placement::Throughout).apply(&clean).unwrap();
            if matches!(corruption.touches, Touches::Gradient(_)) {
                continue;
            }
            for i in (0..400).filter(|&i| done.mask[i]) {
                assert_ne!(done.set.labels()[i], clean.labels()[i], "{}", corruption.name);
            }
        }
    }

    #[test]
    fn early_and_late_damage_stays_in_its_third() {
        let (_, clean) = TASKS[2].draw(10, 300, 5).unwrap();
        for (placement, third) in [(Placement::Early, 0..100), (Placement::Late, 200..300)] {
            let done = damage(&TASKS[2], &CORRUPTIONS[0], placement).apply(&clean).unwrap();
            let places: Vec<usize> = (0..300).filter(|&i| done.mask[i]).collect();
            assert_eq!(places.len(), 30);
            assert!(places.iter().all(|place| third.contains(place)), "{places:?}");
        }
    }

    #[test]
    fn duplicates_are_close_to_one_sample_before_them() {
        let (_, clean) = TASKS[1].draw(10, 400, 5).unwrap();
        let duplicates = CORRUPTIONS.iter().find(|corruption| corruption.name == "duplicates").unwrap();
        let done = damage(&TASKS[1], duplicates, Placement::Throughout).apply(&clean).unwrap();
        let places: Vec<usize> = (0..400).filter(|&i| done.mask[i]).collect();
        let first = done.set.row(places[0]).unwrap();
        for &place in &places[..COPIES] {
            let row = done.set.row(place).unwrap();
            let distance: f32 = row.iter().zip(first).map(|(a, b)| (a - b) * (a - b)).sum();
            assert!(distance.sqrt() < 0.02, "{place}: {distance}");
        }
    }
}
