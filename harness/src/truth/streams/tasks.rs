//! The tasks that streams are made from. They are not alike: pictures, a table, and a
//! series of readings.
//!
//! A stream may be longer than a data set. Its samples are draws: rows at random with
//! replacement, each made a little other than it was, so that no two are the same. Models
//! that are to be clean are trained on draws from other rows than the stream's.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::data::random::{Purpose, generator, normal, uniform};
use crate::data::{DataError, Dataset, Scaling, cancer, digits, machine};

/// Samples for a model, and others for a stream.
type Drawn = Result<(Dataset, Dataset), DataError>;

/// A task that streams are made from.
#[derive(Clone, Copy, Debug)]
pub struct StreamTask {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// Channels of its inputs: input j belongs to channel j mod `channels`.
    pub(super) channels: usize,
    /// So many samples for a model and so many others for a stream.
    draw: fn(usize, usize, u64) -> Drawn,
}

/// All of them, in the order of the tables.
pub const TASKS: &[StreamTask] = &[
    StreamTask {
        name: "digits",
        about: "8×8 pictures of ten digits, each moved by up to 0.3 pixels",
        channels: 8,
        draw: |model, stream, seed| halves(digits()?, model, stream, seed, moved),
    },
    StreamTask {
        name: "cancer",
        about: "thirty measurements of tumours of two classes, each with some noise",
        channels: 10,
        draw: |model, stream, seed| {
            let mut set = cancer()?;
            Scaling::standard(&set).apply(&mut set)?;
            halves(set, model, stream, seed, jittered)
        },
    },
    StreamTask {
        name: "machine",
        about: "sixteen readings on three axes of a machine in five states",
        channels: 3,
        draw: |model, stream, seed| {
            let all = machine(model + stream, seed)?;
            let order = |range: core::ops::Range<usize>| range.collect::<Vec<_>>();
            let (model, stream) = (order(0..model), order(model..model + stream));
            Ok((all.subset(&model)?, shuffled(&all, stream, seed)?))
        },
    },
];

impl StreamTask {
    /// `model` samples for a model, and `stream` others for a stream.
    ///
    /// # Errors
    /// A set that cannot be divided.
    pub fn draw(&self, model: usize, stream: usize, seed: u64) -> Drawn {
        (self.draw)(model, stream, seed)
    }

    /// The task after this one in the list, whose inputs are foreign to it.
    pub(super) fn foreign(&self) -> &'static Self {
        let at = TASKS.iter().position(|task| task.name == self.name).unwrap_or_default();
        &TASKS[(at + 1) % TASKS.len()]
    }
}

/// Draws from one half of a set and from the other.
fn halves(
    set: Dataset,
    model: usize,
    stream: usize,
    seed: u64,
    alter: fn(&mut [f32], &mut ChaCha8Rng),
) -> Drawn {
    let (of_stream, of_model) = set.split(0.5, seed)?;
    let mut rng = generator(seed, Purpose::Draw);
    let mut draws = |set: &Dataset, count: usize| {
        let rows: Vec<usize> = (0..count).map(|_| rng.random_range(0..set.len())).collect();
        let drawn = set.subset(&rows)?;
        let mut features = drawn.features().to_vec();
        for row in features.chunks_exact_mut(set.dim()) {
            alter(row, &mut rng);
        }
        drawn.with_features(features)
    };
    Ok((draws(&of_model, model)?, draws(&of_stream, stream)?))
}

/// Moves an 8×8 picture by up to 0.3 pixels each way, by bilinear interpolation.
fn moved(picture: &mut [f32], rng: &mut ChaCha8Rng) {
    const SIDE: usize = 8;
    let was = picture.to_vec();
    let at = |row: isize, column: isize| {
        let inside = |x: isize| (0..SIDE as isize).contains(&x);
        if inside(row) && inside(column) { was[row as usize * SIDE + column as usize] } else { 0.0 }
    };
    let mut by = || (0.6 * uniform(rng) - 0.3) as f32;
    let (down, right) = (by(), by());
    for (i, pixel) in picture.iter_mut().enumerate() {
        let (row, column) = ((i / SIDE) as isize, (i % SIDE) as isize);
        let (above, left) = (row - down.signum() as isize, column - right.signum() as isize);
        let (down, right) = (down.abs(), right.abs());
        let near = (1.0 - right) * at(row, column) + right * at(row, left);
        let far = (1.0 - right) * at(above, column) + right * at(above, left);
        *pixel = (1.0 - down) * near + down * far;
    }
}

/// Adds noise of 0.3 deviations to standardised numbers.
fn jittered(row: &mut [f32], rng: &mut ChaCha8Rng) {
    row.iter_mut().for_each(|x| *x += (0.3 * normal(rng)) as f32);
}

/// The rows at `indices`, in a random order.
fn shuffled(set: &Dataset, mut indices: Vec<usize>, seed: u64) -> Result<Dataset, DataError> {
    indices.shuffle(&mut generator(seed, Purpose::Draw));
    set.subset(&indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_gives_as_many_samples_as_are_asked_for_and_no_two_alike() {
        for task in TASKS {
            let (model, stream) = task.draw(50, 3_000, 1).unwrap();
            assert_eq!((model.len(), stream.len()), (50, 3_000), "{}", task.name);
            let mut rows: Vec<Vec<u32>> =
                stream.samples().map(|(row, _)| row.iter().map(|x| x.to_bits()).collect()).collect();
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(rows.len(), 3_000, "{}", task.name);
            assert_eq!(task.draw(50, 3_000, 1).unwrap().1, stream);
            assert_ne!(task.foreign().name, task.name);
        }
    }

    #[test]
    fn a_moved_picture_keeps_its_ink_but_for_the_edge() {
        let mut picture = vec![0.0; 64];
        picture[8 * 3 + 4] = 1.0;
        moved(&mut picture, &mut generator(1, Purpose::Draw));
        assert!((picture.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(picture[8 * 3 + 4] < 1.0);
    }
}
