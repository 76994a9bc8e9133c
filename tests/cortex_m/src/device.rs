//! The device's loop: what a sample costs a network that trains on it, and what it costs
//! to be sketched and sieved beside.

use crate::leave;
use crate::measure::Meter;
use core::hint::black_box;
use cortex_m_semihosting::hprintln;
use gradsieve::{Groups, Guards, Key, Kronecker, Layer, Sieve, SieveSettings, Sketcher};
use gradsieve_example_network::{Backward, Network};
use gradsieve_kernels::hash;

/// Samples that are learnt before any is measured, and those of a measured call.
const BEFORE: u64 = 400;
const SAMPLES: u64 = if cfg!(target_abi = "eabihf") { 8 } else { 1 };

#[inline(never)]
pub(crate) fn measure_all(meter: &mut Meter) {
    measure::<24, 16, 5>(meter, "24-16-5", 32, 50);
    measure::<64, 64, 10>(meter, "64-64-10", 32, 10);
}

/// Uniform in −1 … 1.
fn uniform(key: u64, i: u64) -> f32 {
    (hash::word(key, i) >> 40) as u32 as f32 / (1 << 23) as f32 - 1.0
}

/// Sample `i`: its class's place, and noise.
fn sample<const I: usize>(i: u64, classes: usize) -> ([f32; I], usize) {
    let class = (hash::word(5, i) >> 33) as usize % classes;
    let key = 100 + class as u64;
    (core::array::from_fn(|j| uniform(key, j as u64) + 0.8 * uniform(7, i * 64 + j as u64)), class)
}

/// Measures the loop of a network, and says what the sieve costs in hundredths of the
/// training.
#[inline(never)]
fn measure<const I: usize, const H: usize, const O: usize>(
    meter: &mut Meter,
    name: &str,
    width: usize,
    goal: u32,
) {
    // Each bias is the weight of one more input.
    let layers =
        [Layer::new(0, H as u64, I as u64 + 1), Layer::new((H * (I + 1)) as u64, O as u64, H as u64 + 1)];
    let Ok(projector) = Kronecker::for_layers(&layers, width, Key::seed(7)) else { leave(false) };
    let k = projector.width();
    let mut values = [0.0; 64];
    let Ok(mut sketcher) = Sketcher::new(projector, projector.layout(), &mut values[..k]) else {
        leave(false)
    };
    let settings = SieveSettings {
        groups: Groups::Fixed(O as u32),
        half_life: Some(1000),
        guards: Guards { duplicates: 0, ..Guards::ALL },
        ..SieveSettings::new(k)
    };
    let mut buffer = [0; 800];
    let Ok(mut sieve) = Sieve::new(settings, &mut buffer[..settings.memory().i64s]) else { leave(false) };
    let mut count = 0;
    let mut network = Network::<I, H, O>::new(|| {
        count += 1;
        0.4 * uniform(9, count)
    });
    let bytes = settings.bytes() + size_of_val(&sketcher) + 4 * k;
    hprintln!("{} {:>17} numbers, {} bytes of sketcher and sieve", name, k, bytes);
    let mut flagged = 0;
    let mut judge = |x: &[f32; I], class: usize, back: &Backward<H, O>| {
        let Ok(()) = sketcher.outer_biased(&layers[1], &back.hidden, &back.delta) else { leave(false) };
        let Ok(()) = sketcher.outer_biased(&layers[0], x, &back.hidden_delta) else { leave(false) };
        let Ok(sketch) = sketcher.finish() else { leave(false) };
        let sketch = sketch.in_group(class as u32).with_loss(back.loss);
        let Ok(verdict) = sieve.judge(&sketch) else { leave(false) };
        let Ok(_) = sieve.observe(&sketch, &verdict) else { leave(false) };
        flagged += u32::from(verdict.flagged);
    };
    for i in 0..BEFORE {
        let (x, class) = sample::<I>(i, O);
        let back = network.backward(&x, class);
        judge(&x, class, &back);
        network.step(&x, &back, 0.05);
    }
    let samples: [_; SAMPLES as usize] =
        core::array::from_fn(|i| black_box(sample::<I>(BEFORE + i as u64, O)));
    let n = samples.len();
    let train = meter.line(
        "  training",
        None,
        n,
        #[inline(never)]
        || {
            for (x, class) in &samples {
                let back = network.backward(x, *class);
                network.step(x, &back, 0.05);
            }
        },
    );
    let backs = samples.each_ref().map(|(x, class)| black_box(network.backward(x, *class)));
    let sieved = meter.line(
        "  sketch and sieve",
        Some(train * goal / 100),
        n,
        #[inline(never)]
        || {
            for ((x, class), back) in samples.iter().zip(&backs) {
                judge(x, *class, back);
            }
        },
    );
    hprintln!("  of the training {:>9} hundredths, goal {}; {} flagged", sieved * 100 / train, goal, flagged);
}
