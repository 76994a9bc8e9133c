//! The device: it trains, a sieve judges each sample, and what the sieve flags is left
//! out. All of its memory is in its type.

use crate::series::{CLASSES, INPUTS, Run};
use crate::training::{HIDDEN, LeftOut, SAMPLES, Sample, Training};
use gradsieve::{
    Error, Groups, Guards, Key, Kronecker, Layer, Rate, Sieve, SieveSettings, Sketcher, State, Verdict,
};

/// The hidden layer and the output layer. Each bias is the weight of one more input.
pub const LAYERS: [Layer; 2] = [
    Layer::new(0, HIDDEN as u64, INPUTS as u64 + 1),
    Layer::new((HIDDEN * (INPUTS + 1)) as u64, CLASSES as u64, HIDDEN as u64 + 1),
];

/// In the field the key is a secret: who knows it can hide from the sketch.
pub const KEY: Key = Key::seed(7);

const PROJECTOR: Kronecker<2> = match Kronecker::for_layers(&LAYERS, 32, KEY) {
    Ok(projector) => projector,
    Err(_) => panic!("a sketch of the layers"),
};
/// Numbers of a sketch.
pub const WIDTH: usize = PROJECTOR.width();

/// One label in five may be wrong: the rate is a little more.
pub const RATE: f32 = 0.25;

/// What was learnt counts half after a tenth of the run.
pub const SETTINGS: SieveSettings = SieveSettings {
    groups: Groups::Fixed(CLASSES as u32),
    rate: Rate::FalseAlarms(RATE),
    half_life: Some(800),
    guards: Guards { duplicates: 0, ..Guards::ALL },
    ..SieveSettings::new(WIDTH)
};
const I64S: usize = SETTINGS.memory().i64s;

/// Numbers of the network.
const NUMBERS: usize = HIDDEN * (INPUTS + 1) + CLASSES * (HIDDEN + 1);
/// Bytes of a device at rest, at most: samples, the network, the sieve.
pub const AT_REST: usize = 4 + 4 * NUMBERS + SETTINGS.memory().bytes_at_rest;

/// What judges: a sketcher and a sieve.
pub struct Judge {
    sketcher: Sketcher<Kronecker<2>, [f32; WIDTH]>,
    sieve: Sieve<[i64; I64S]>,
}

impl Judge {
    /// One that has judged nothing, and flags at such a rate.
    ///
    /// # Errors
    /// [`Error::Setting`] of the rate.
    pub fn new(rate: f32) -> Result<Self, Error> {
        let sketcher = Sketcher::new(PROJECTOR, PROJECTOR.layout(), [0.0; WIDTH])?;
        let settings = SieveSettings { rate: Rate::FalseAlarms(rate), ..SETTINGS };
        Ok(Self { sketcher, sieve: Sieve::owned(settings)? })
    }

    /// Sketches, judges and learns a sample. Inlined nowhere, so that its stack can be
    /// measured.
    ///
    /// # Errors
    /// None: the factors are as long as the layers say.
    #[inline(never)]
    pub fn judge(&mut self, sample: &Sample) -> Result<Verdict, Error> {
        let Sample { x, label, back, .. } = sample;
        self.sketcher.outer_biased(&LAYERS[1], &back.hidden, &back.delta)?;
        self.sketcher.outer_biased(&LAYERS[0], x, &back.hidden_delta)?;
        let sketch = self.sketcher.finish()?.in_group(*label as u32).with_loss(back.loss);
        let verdict = self.sieve.judge(&sketch)?;
        self.sieve.observe(&sketch, &verdict)?;
        Ok(verdict)
    }
}

/// A device.
pub struct Device {
    /// Its network.
    pub training: Training,
    /// Its sieve.
    pub judge: Judge,
}

impl Device {
    /// One that has seen nothing.
    ///
    /// # Errors
    /// None: the settings are right.
    pub fn new(run: Run) -> Result<Self, Error> {
        Self::with_rate(run, RATE)
    }

    /// The same with another rate.
    ///
    /// # Errors
    /// As [`Judge::new`].
    pub fn with_rate(run: Run, rate: f32) -> Result<Self, Error> {
        Ok(Self { training: Training::new(run), judge: Judge::new(rate)? })
    }

    /// Meets all samples that are left.
    ///
    /// # Errors
    /// As [`Judge::judge`].
    pub fn finish(&mut self) -> Result<LeftOut, Error> {
        let mut left_out = LeftOut::default();
        while self.training.samples < SAMPLES {
            self.sample(&mut left_out)?;
        }
        Ok(left_out)
    }

    /// Meets the next sample: judges it, and trains on it unless it is left out.
    ///
    /// # Errors
    /// As [`Judge::judge`].
    #[inline(never)]
    pub fn sample(&mut self, left_out: &mut LeftOut) -> Result<(), Error> {
        let sample = self.training.meet();
        let verdict = self.judge.judge(&sample)?;
        let is_left_out = self.training.is_warm() && verdict.flagged;
        if self.training.is_warm() {
            left_out.count(self.training.run, sample.row, is_left_out);
        }
        if !is_left_out {
            self.training.learn(&sample);
        }
        Ok(())
    }

    /// Writes what a reset must not lose: samples, the network and the sieve. Returns how
    /// many bytes it took.
    ///
    /// # Errors
    /// [`Error::Length`] if there is too little room.
    pub fn save(&self, to: &mut [u8; AT_REST]) -> Result<usize, Error> {
        let (front, sieve) = to.split_at_mut(4 + 4 * NUMBERS);
        let (words, _) = front.as_chunks_mut::<4>();
        let numbers = self.training.network.numbers().map(|number| number.to_le_bytes());
        let all = core::iter::once(self.training.samples.to_le_bytes()).chain(numbers);
        words.iter_mut().zip(all).for_each(|(word, bytes)| *word = bytes);
        Ok(4 + 4 * NUMBERS + self.judge.sieve.to_bytes(sieve)?)
    }

    /// Becomes what was saved.
    ///
    /// # Errors
    /// Those of the sieve, as which the device stays; [`Error::Truncated`].
    pub fn restore(&mut self, from: &[u8]) -> Result<(), Error> {
        const FRONT: usize = 4 + 4 * NUMBERS;
        let cut = Error::Truncated { expected: FRONT, found: from.len() };
        let (front, sieve) = from.split_at_checked(FRONT).ok_or(cut)?;
        self.judge.sieve.restore(sieve)?;
        let mut words = front.as_chunks::<4>().0.iter().copied();
        self.training.samples = words.next().map_or(0, u32::from_le_bytes);
        let numbers = self.training.network.numbers_mut();
        numbers.zip(words).for_each(|(number, word)| *number = f32::from_le_bytes(word));
        Ok(())
    }
}
