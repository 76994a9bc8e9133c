//! Windows of a three-axis accelerometer on a machine that turns, in five states.
//!
//! A window is [`TIMES`] readings of x, y and z, reading by reading. The shaft turns once
//! in about eight readings, 6 % more or less, at a random phase; amplitudes vary by a
//! factor of some e^0.3, and each reading has noise of 0.2.
//!
//! | class | state | what is seen |
//! |---|---|---|
//! | 0 | healthy | a weak turn |
//! | 1 | imbalance | a strong turn, x a quarter of it before y |
//! | 2 | misalignment | twice the turn, along the shaft (z) |
//! | 3 | bearing | blows that ring down, thrice or so a turn |
//! | 4 | looseness | half the turn in y, cut off on one side |

use core::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;

use super::dataset::Dataset;
use super::error::DataError;
use super::random::{Purpose, generator, normal, uniform};

/// Readings of a window.
pub const TIMES: usize = 16;

/// Axes of a reading.
pub const AXES: usize = 3;

const STATES: [&str; 5] = ["healthy", "imbalance", "misalignment", "bearing", "looseness"];

/// Deviation of the noise of a reading.
const NOISE: f64 = 0.2;

/// Readings between blows.
const BETWEEN_BLOWS: f64 = 2.7;

/// `samples` windows, sample i of state i mod 5, a pure function of the seed.
///
/// # Errors
/// No sample.
pub fn machine(samples: usize, seed: u64) -> Result<Dataset, DataError> {
    let mut rng = generator(seed, Purpose::Generate);
    let labels: Vec<u32> = (0..samples).map(|i| (i % STATES.len()) as u32).collect();
    let mut features = Vec::with_capacity(samples * TIMES * AXES);
    for &state in &labels {
        window(state, &mut rng, &mut features);
    }
    let names = STATES.map(str::to_owned).to_vec();
    Dataset::new("machine", features, labels, TIMES * AXES, STATES.len())?.with_class_names(names)
}

/// Adds one window.
fn window(state: u32, rng: &mut ChaCha8Rng, features: &mut Vec<f32>) {
    let turns = (1.0 + 0.06 * normal(rng)) / 8.0;
    let (phase, blow) = (uniform(rng), uniform(rng));
    let strength = libm::exp(0.3 * normal(rng));
    for time in 0..TIMES {
        let time = time as f64;
        let wave = |harmonic: f64, before: f64| libm::sin(TAU * (harmonic * (turns * time + phase) + before));
        let turn = [0.3 * wave(1.0, 0.25), 0.3 * wave(1.0, 0.0), 0.1 * wave(1.0, 0.5)];
        let more = match state {
            1 => [wave(1.0, 0.25), wave(1.0, 0.0), 0.2 * wave(1.0, 0.5)],
            2 => [0.3 * wave(2.0, 0.0), 0.3 * wave(2.0, 0.25), 0.9 * wave(2.0, 0.5)],
            3 => {
                let since = (time / BETWEEN_BLOWS + blow).fract() * BETWEEN_BLOWS;
                let ring = libm::exp(-since) * libm::cos(TAU * since / 2.2);
                [1.2 * ring, 0.8 * ring, 0.5 * ring]
            }
            4 => [0.2 * wave(0.5, 0.0), wave(0.5, 0.0).max(-0.3), 0.2 * wave(0.5, 0.25)],
            _ => [0.0; AXES],
        };
        for (turn, more) in turn.into_iter().zip(more) {
            features.push((turn + strength * more + NOISE * normal(rng)) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_a_function_of_their_seed_with_states_in_turn() {
        let set = machine(50, 3).unwrap();
        assert_eq!((set.dim(), set.class_counts()), (48, vec![10; 5]));
        assert_eq!(set, machine(50, 3).unwrap());
        assert_ne!(set, machine(50, 4).unwrap());
        assert!(machine(0, 0).is_err());
    }

    #[test]
    fn imbalance_shakes_more_than_health_and_misalignment_along_the_shaft() {
        let set = machine(1_000, 1).unwrap();
        let power = |state: u32, axis: usize| {
            let rows = set.samples().filter(|(_, label)| *label == state);
            rows.flat_map(|(row, _)| row.iter().skip(axis).step_by(AXES)).map(|x| x * x).sum::<f32>()
        };
        assert!(power(1, 0) > 3.0 * power(0, 0));
        assert!(power(2, 2) > 3.0 * power(1, 2));
    }
}
