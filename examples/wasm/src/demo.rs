//! Two networks on one stream, and the sieve of the second.

use crate::network::{self, CLASSES, Network, layout};
use crate::samples::sample;
use gradsieve::{Error, Groups, Guards, Key, Rate, Repeat, Sieve, SieveSettings, Sjlt, Sketcher};

const K: usize = 32;
/// Samples of a stream, at most.
const MOST: usize = 4096;
const RATE: f32 = 0.05;
/// The first number of the test samples: beyond all that a stream has.
const TEST: u64 = 1 << 20;
const TESTS: u64 = 500;

/// Classes apart, near duplicates not looked for: below 3 KiB.
pub const SETTINGS: SieveSettings = SieveSettings {
    groups: Groups::Fixed(CLASSES as u32),
    half_life: Some(500),
    guards: Guards { duplicates: 0, ..Guards::ALL },
    ..SieveSettings::new(K)
};

pub struct Demo {
    seed: u64,
    wrong: f32,
    on_all: Network,
    on_passed: Network,
    sketcher: Sketcher<Sjlt, [f32; K]>,
    sieve: Sieve<[i64; SETTINGS.memory().i64s]>,
    len: usize,
    pub p_values: [f32; MOST],
    pub marks: [u8; MOST],
}

impl Demo {
    pub fn new(seed: u64, wrong: f32, rate: f32) -> Result<Self, Error> {
        let settings = SieveSettings { rate: Rate::FalseAlarms(rate), ..SETTINGS };
        // Nobody in the page is hostile: a public seed will do.
        let projector = Sjlt::new(K, Key::seed(seed), Repeat::One)?;
        Ok(Self {
            seed,
            wrong,
            on_all: network::new(seed),
            on_passed: network::new(seed),
            sketcher: Sketcher::new(projector, layout()?, [0.0; K])?,
            sieve: Sieve::owned(settings)?,
            len: 0,
            p_values: [0.0; MOST],
            marks: [0; MOST],
        })
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    /// Judges the next sample, and trains both networks. Nothing happens at the end of
    /// the stream.
    pub fn sample(&mut self) -> Result<(), Error> {
        let place = self.p_values.get_mut(self.len).zip(self.marks.get_mut(self.len));
        let Some((p, mark)) = place else { return Ok(()) };
        let sample = sample(self.seed, self.len as u64, self.wrong);
        let pass = self.on_passed.backward(&sample.inputs, sample.label);
        let sketch = network::sketch(&mut self.sketcher, &sample, &pass)?;
        let sketch = sketch.in_group(sample.label as u32).with_loss(pass.loss);
        let verdict = self.sieve.judge(&sketch)?;
        self.sieve.observe(&sketch, &verdict)?;
        if !verdict.flagged {
            self.on_passed.step(&sample.inputs, &pass, RATE);
        }
        let pass = self.on_all.backward(&sample.inputs, sample.label);
        self.on_all.step(&sample.inputs, &pass, RATE);
        *p = verdict.p;
        *mark = u8::from(verdict.flagged) | u8::from(sample.label != sample.class) << 1;
        self.len += 1;
        Ok(())
    }

    /// The share of the test samples that a network gets right.
    pub fn accuracy(&self, passed: bool) -> f32 {
        let network = if passed { &self.on_passed } else { &self.on_all };
        let is_right = |i: &u64| {
            let sample = sample(self.seed, TEST + i, 0.0);
            network.predict(&sample.inputs) == sample.class
        };
        (0..TESTS).filter(is_right).count() as f32 / TESTS as f32
    }
}
