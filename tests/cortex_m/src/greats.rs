//! Picking a third of a batch to train on: what GREATS costs a candidate, beside what
//! training on it costs ([`crate::device`]).

use crate::leave;
use crate::measure::Meter;
use crate::measured;
use core::hint::black_box;
use cortex_m_semihosting::hprintln;
use gradsieve::ghost::{LayerGradient, memory, products};
use gradsieve::influence::Greats;
use gradsieve::{Layer, Sequence};
use gradsieve_kernels::hash;

/// Candidates of a batch, and how many of them are trained on.
const CANDIDATES: usize = 9;
const PICKED: usize = CANDIDATES / 3;

#[inline(never)]
pub(crate) fn measure_all(meter: &mut Meter) {
    measure::<24, 16, 5>(meter, "24-16-5");
    measure::<64, 64, 10>(meter, "64-64-10");
}

/// The factors of a sample's layers. Each bias is the weight of one more input, which is
/// 1.
struct Sample<const I: usize, const H: usize, const O: usize> {
    inputs: [f32; I],
    hidden_delta: [f32; H],
    hidden: [f32; H],
    delta: [f32; O],
}

/// Entry `i` of list `key`, in −1 … 1.
fn number(key: u64, i: usize) -> f32 {
    (hash::word(key, i as u64) >> 40) as u32 as f32 / (1 << 23) as f32 - 1.0
}

impl<const I: usize, const H: usize, const O: usize> Sample<I, H, O> {
    fn new(n: usize) -> Self {
        let list = |part: u64| move |i| number(4 * n as u64 + part, i);
        let (inputs, hidden) = (core::array::from_fn(list(0)), core::array::from_fn(list(1)));
        Self {
            inputs,
            hidden,
            hidden_delta: core::array::from_fn(list(2)),
            delta: core::array::from_fn(list(3)),
        }
    }

    fn gradient<'a>(&'a self, layers: &[Layer; 2]) -> [LayerGradient<'a, f32>; 2] {
        let of = |layer, a, b| match Sequence::new(layer, 1, a, b) {
            Ok(sequence) => LayerGradient::Linear(sequence),
            Err(_) => leave(false),
        };
        [of(&layers[0], &self.inputs, &self.hidden_delta), of(&layers[1], &self.hidden, &self.delta)]
    }
}

/// Measures a batch: products of all pairs of candidates, those with a validation
/// gradient of one sample, and the picks.
#[inline(never)]
fn measure<const I: usize, const H: usize, const O: usize>(meter: &mut Meter, name: &str) {
    let layers = [Layer::new(0, H as u64, I as u64), Layer::new((H * I) as u64, O as u64, H as u64)];
    let samples: [Sample<I, H, O>; CANDIDATES + 1] = core::array::from_fn(Sample::new);
    let gradients = samples.each_ref().map(|sample| black_box(sample.gradient(&layers)));
    let all = gradients.each_ref().map(<[_; 2]>::as_slice);
    let (batch, aim) = all.split_at(CANDIDATES);
    let mut scratch = [0.0; memory(CANDIDATES, CANDIDATES).scratch];
    let (mut gains, mut order) = ([0.0; CANDIDATES], [0; CANDIDATES]);
    let mut between = [0.0; CANDIDATES * CANDIDATES];
    let lent = size_of_val(&gains) + size_of_val(&order) + size_of_val(&between) + size_of_val(&scratch);
    hprintln!("{} {:>17} candidates, {} bytes lent", name, CANDIDATES, lent);
    let mut multiply = || {
        let few = &mut scratch[..memory(CANDIDATES, 1).scratch];
        let Ok(()) = products(batch, aim, few, &mut gains) else { leave(false) };
        let Ok(()) = products(batch, batch, &mut scratch, &mut between) else { leave(false) };
    };
    measured! { meter, CANDIDATES; "  products", None, multiply(); }
    let Ok(greats) = Greats::new(0.05 / PICKED as f64) else { leave(false) };
    let mut pick = || {
        let Ok(()) = greats.pick(PICKED, &mut gains, &between, &mut order) else { leave(false) };
    };
    measured! { meter, CANDIDATES; "  picks", None, pick(); }
}
