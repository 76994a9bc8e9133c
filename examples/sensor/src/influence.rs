//! Influence on the device: what each of the last samples did to the loss on held-out
//! windows, by in-run Shapley values of first order.
//!
//! The held-out windows' gradients are int8 rows of a store. With each sample one of them
//! is made anew, so none is older than [`HELD_OUT`] samples. A sample's value is η⟨v, g⟩,
//! with its own gradient g and the mean v of the rows: what the step on it took off the
//! mean loss on the held-out windows, to first order.

use crate::device::{KEY, LAYERS};
use crate::series::{TRAINING, inputs, state};
use crate::training::{Backward, LEARNING_RATE, Sample, Training};
use gradsieve::influence::InRunShapley;
use gradsieve::store::{Entry, TopK, TopKSettings};
use gradsieve::{Codec, Error, Kronecker, Sketch, Sketcher, Store, StoreSettings};
use gradsieve_kernels::summarize;

/// Windows whose labels are known to be right: the first of the test rows, which are then
/// none.
pub const HELD_OUT: usize = 80;
/// Samples that are remembered.
pub const LAST: usize = 256;
/// Samples that are named.
pub const NAMED: usize = 5;

const PROJECTOR: Kronecker<2> = match Kronecker::for_layers(&LAYERS, 64, KEY) {
    Ok(projector) => projector,
    Err(_) => panic!("a sketch of the layers"),
};
const WIDTH: usize = PROJECTOR.width();
const ROWS: StoreSettings = StoreSettings { codec: Codec::Int8, width: WIDTH, rows: HELD_OUT };
const NAMES: TopKSettings = TopKSettings { k: NAMED };

/// Bytes of the rows.
pub const ROWS_BYTES: usize = 8 * ROWS.memory().others;
const _: () = assert!(ROWS_BYTES <= 8 * 1024);

/// The last samples of a run and their values.
pub struct Influence {
    sketcher: Sketcher<Kronecker<2>, [f32; WIDTH]>,
    rows: Store<[u64; ROWS.memory().others]>,
    /// The sum of the rows.
    sum: [f32; WIDTH],
    values: InRunShapley<[f64; LAST]>,
    /// Of which training row each value is.
    of: [u16; LAST],
    count: usize,
}

/// A sample that did harm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Named {
    /// Its training row.
    pub row: usize,
    /// Its value: what it took off the loss on the held-out windows.
    pub value: f64,
}

/// The sketch of a gradient.
fn sketch<'s>(
    sketcher: &'s mut Sketcher<Kronecker<2>, [f32; WIDTH]>,
    x: &[f32],
    back: &Backward,
) -> Result<Sketch<'s>, Error> {
    sketcher.outer_biased(&LAYERS[1], &back.hidden, &back.delta)?;
    sketcher.outer_biased(&LAYERS[0], x, &back.hidden_delta)?;
    sketcher.finish()
}

impl Influence {
    /// The held-out windows' gradients as the network is.
    ///
    /// # Errors
    /// None: all settings are right.
    pub fn new(training: &Training) -> Result<Self, Error> {
        let mut influence = Self {
            sketcher: Sketcher::new(PROJECTOR, PROJECTOR.layout(), [0.0; WIDTH])?,
            rows: Store::owned(ROWS)?,
            sum: [0.0; WIDTH],
            values: InRunShapley::owned(),
            of: [0; LAST],
            count: 0,
        };
        (0..HELD_OUT).try_for_each(|row| influence.renew(training, row))?;
        Ok(influence)
    }

    /// Makes the gradient of a held-out window anew.
    fn renew(&mut self, training: &Training, row: usize) -> Result<(), Error> {
        let window = TRAINING + row;
        let x = inputs(window);
        let back = training.network.backward(&x, state(window));
        if row < self.rows.len() {
            self.add(row, -1.0)?;
        }
        let sketch = sketch(&mut self.sketcher, &x, &back)?;
        if row < self.rows.len() {
            self.rows.replace(row, window as u64, &sketch)?;
        } else {
            self.rows.append(window as u64, &sketch)?;
        }
        self.add(row, 1.0)
    }

    /// Adds a row, `times` over, to the sum.
    fn add(&mut self, row: usize, times: f32) -> Result<(), Error> {
        let mut values = [0.0; WIDTH];
        let row = self.rows.get(row, &mut values)?;
        self.sum.iter_mut().zip(row.sketch.values).for_each(|(sum, x)| *sum += times * x);
        Ok(())
    }

    /// Takes a sample's value down, before the network learns it.
    ///
    /// # Errors
    /// None: all lengths are right.
    #[inline(never)]
    pub fn observe(&mut self, training: &Training, sample: &Sample) -> Result<(), Error> {
        self.renew(training, self.count % HELD_OUT)?;
        let mean = self.sum.map(|sum| sum / HELD_OUT as f32);
        let target = Sketch::from_parts(self.sketcher.id(), &mean, summarize(&mean))?;
        let sketch = sketch(&mut self.sketcher, &sample.x, &sample.back)?;
        let place = self.count % LAST;
        self.values.observe(LEARNING_RATE.into(), &target, None, (place, &sketch))?;
        self.of[place] = sample.row as u16;
        self.count += 1;
        Ok(())
    }

    /// The samples that did the most harm, the worst first.
    ///
    /// # Errors
    /// None: values are finite.
    pub fn worst(&self) -> Result<[Named; NAMED], Error> {
        let mut worst = TopK::new(NAMES, [Entry::default(); NAMED])?;
        for (id, value) in (0..).zip(self.values.scores()) {
            worst.push(Entry { id, score: -value })?;
        }
        let mut named = [Named::default(); NAMED];
        for (named, entry) in named.iter_mut().zip(worst.sorted()) {
            *named = Named { row: self.of[entry.id as usize].into(), value: -entry.score };
        }
        Ok(named)
    }
}
