//! The sieve: its published verdicts, bytes of its state, and what judging and learning a
//! sample costs beside its sketch.

use crate::leave;
use crate::measure::Meter;
use crate::measured;
use crate::published::published;
use crate::stream::{SMALL, USUAL, sample};
use core::hint::black_box;
use cortex_m_semihosting::hprintln;
use gradsieve::{Sieve, SieveSettings};

/// Samples that are learnt before any is measured: all groups have directions, and ranks
/// are where they stay.
const BEFORE: u64 = 400;
/// Samples of a measured call.
const SAMPLES: u64 = 8;
/// Groups of the measured streams.
const GROUPS: [u32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

#[inline(never)]
pub(crate) fn measure_all(meter: &mut Meter) {
    let half_life = Some(1000);
    measure(meter, "sieve", SieveSettings { half_life, ..USUAL }, 8 * 1024, &GROUPS);
    measure(meter, "small sieve", SieveSettings { half_life, ..SMALL }, 3 * 1024, &GROUPS[..4]);
}

/// Multiply–adds of 5 instructions and other operations of one: 3·K and 400.
const fn goal(settings: SieveSettings) -> u32 {
    (3 * settings.width * 5 + 400) as u32
}

#[inline(never)]
fn measure(meter: &mut Meter, name: &str, settings: SieveSettings, most: usize, groups: &[u32]) {
    let bytes = settings.bytes();
    hprintln!("{:<19} {:>9} bytes of state, goal {}", name, bytes, most);
    let (mut buffer, width) = ([0; 800], settings.width);
    let Ok(mut sieve) = Sieve::new(settings, &mut buffer[..settings.memory().i64s]) else { leave(false) };
    if bytes > most {
        leave(false);
    }
    for i in 0..BEFORE {
        let sample = sample(groups, i);
        let sketch = sample.sketch(width, true);
        let Ok(verdict) = sieve.judge(&sketch) else { leave(false) };
        let Ok(_) = sieve.observe(&sketch, &verdict) else { leave(false) };
    }
    // Each is met once: a sample that comes again is a duplicate, and not learnt. None of
    // them has a fault.
    let samples =
        |from| core::array::from_fn::<_, { SAMPLES as usize }, _>(|i| sample(groups, from + i as u64));
    let (first, second) = (samples(BEFORE + 10), samples(BEFORE + 26));
    let sketches = first.each_ref().map(|sample| black_box(sample.sketch(width, true)));
    let others = second.each_ref().map(|sample| black_box(sample.sketch(width, true)));
    let Ok(verdict) = sieve.judge(&sketches[0]) else { leave(false) };
    let mut verdicts = [verdict; SAMPLES as usize];
    let mut judge = || {
        for (sketch, verdict) in sketches.iter().zip(&mut verdicts) {
            let Ok(judged) = sieve.judge(sketch) else { leave(false) };
            *verdict = judged;
        }
    };
    measured! { meter, SAMPLES as usize; "  judge", None, judge(); }
    let mut observe = || {
        for (sketch, verdict) in sketches.iter().zip(&verdicts) {
            let Ok(_) = sieve.observe(sketch, verdict) else { leave(false) };
        }
    };
    measured! { meter, SAMPLES as usize; "  observe", None, observe(); }
    let mut both = || {
        for sketch in &others {
            let Ok(verdict) = sieve.judge(sketch) else { leave(false) };
            let Ok(_) = sieve.observe(sketch, &verdict) else { leave(false) };
        }
    };
    measured! { meter, SAMPLES as usize; "  both", Some(goal(settings)), both(); }
}

/// Reaches the published verdicts.
#[inline(never)]
pub(crate) fn verdicts() -> bool {
    let (equal, line) = published();
    hprintln!("{} verdicts, up to line {}", if equal { "ok  " } else { "FAIL" }, line);
    equal
}
