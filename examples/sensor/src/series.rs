//! The recorded series, and what is drawn for a run on it.

use gradsieve_kernels::hash;

/// Features of a window.
pub const INPUTS: usize = 24;
/// States of the machine.
pub const CLASSES: usize = 5;
/// Rows for training, the first, and rows behind them for test.
pub const TRAINING: usize = 400;
/// Rows for test.
pub const TESTS: usize = 200;

/// Bytes of a row.
const ROW: usize = INPUTS + 1;

static SERIES: &[[u8; ROW]] = include_bytes!("../series.bin").as_chunks().0;

/// Bytes of the series.
pub const BYTES: usize = ROW * (TRAINING + TESTS);
const _: () = assert!(include_bytes!("../series.bin").len() == BYTES);

/// The inputs of a row.
#[inline]
pub fn inputs(row: usize) -> [f32; INPUTS] {
    core::array::from_fn(|i| f32::from(SERIES[row][i].cast_signed()) / 32.0)
}

/// The state of the machine in a row: the true label.
#[inline]
pub fn state(row: usize) -> usize {
    SERIES[row][INPUTS].into()
}

/// A run: all that is drawn for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What it is drawn from.
    pub seed: u64,
    /// Whether one label in five is wrong, or none.
    pub wrong_labels: bool,
}

impl Run {
    fn draw(&self, purpose: u64, i: u64) -> u64 {
        hash::word(hash::key(self.seed, purpose), i)
    }

    /// The label that a training row is given.
    pub fn label(&self, row: usize) -> usize {
        let w = self.draw(1, row as u64);
        let is_wrong = self.wrong_labels && 5 * (w >> 32) < 1 << 32;
        if is_wrong { (state(row) + 1 + (w & 3) as usize) % CLASSES } else { state(row) }
    }

    /// Weight `k` at the start.
    pub fn weight(&self, k: u64) -> f32 {
        0.5 * ((self.draw(2, k) >> 40) as u32 as f32 / (1 << 23) as f32 - 1.0)
    }

    /// The row that is met as sample number `sample`.
    pub fn row(&self, sample: u32) -> usize {
        const TRAINING: u32 = self::TRAINING as u32;
        let w = self.draw(3, u64::from(sample / TRAINING));
        let a = 20 * ((w >> 8) % 20) as u32 + [1, 3, 7, 9, 11, 13, 17, 19][(w & 7) as usize];
        let b = ((w >> 32) % u64::from(TRAINING)) as u32;
        ((a * (sample % TRAINING) + b) % TRAINING) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_meets_each_row_once() {
        for epoch in 0..20 {
            let mut met = [false; TRAINING];
            let run = Run { seed: 3, wrong_labels: true };
            (0..400).for_each(|step| met[run.row(400 * epoch + step)] = true);
            assert_eq!(met, [true; TRAINING]);
        }
    }

    #[test]
    fn one_label_in_five_is_wrong_or_none() {
        for seed in 1..=5 {
            let wrong = |wrong_labels| {
                (0..TRAINING).filter(|&row| Run { seed, wrong_labels }.label(row) != state(row)).count()
            };
            assert!((60..100).contains(&wrong(true)));
            assert_eq!(wrong(false), 0);
        }
    }
}
