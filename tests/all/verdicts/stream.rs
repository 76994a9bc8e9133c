//! Streams made of hashes alone, and the verdicts of a [`Sieve`] on them as text: what
//! `tests/golden/verdicts.csv` holds. Without `std` or heap, so that the image for the
//! Cortex-M writes it, too.
//!
//! Samples come in groups, with losses or without, and their lengths follow them. One in
//! sixteen has a fault, kind after kind. From one half to seven twelfths of a stream each
//! sample is worse than the last, and from two thirds on its directions are others. All
//! numbers are integers times powers of two, so no target has a choice.

use core::fmt::{self, Write};
use gradsieve::{
    Alarm, Exact, Groups, Guards, Layout, LossKind, Projector, Rate, Sieve, SieveSettings, Sketch, Verdict,
};
use gradsieve_kernels::{hash, summarize};

/// Samples of a stream.
pub(crate) const LEN: u64 = 960;

/// Each sample whose number ends a block of so many is spelt out, and each that is
/// flagged or raises an alarm.
const BLOCK: u64 = 16;

/// K, at most.
const WIDEST: usize = 64;

/// Integers that the largest sieve needs.
const MOST: usize = 800;

/// A stream, and how it is judged.
struct Case {
    name: &'static str,
    settings: SieveSettings,
    has_losses: bool,
    /// Ids of its groups.
    groups: &'static [u32],
}

const CASES: [Case; 8] = [
    Case { name: "usual", settings: USUAL, has_losses: true, groups: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
    Case { name: "small", settings: SMALL, has_losses: true, groups: &[0, 1, 2, 3] },
    Case {
        name: "discoveries",
        settings: SieveSettings { rate: Rate::FalseDiscoveries(0.9), ..SieveSettings::new(16) },
        has_losses: true,
        groups: &[0],
    },
    Case {
        name: "half-life",
        settings: SieveSettings {
            groups: Groups::Fixed(2),
            rate: Rate::FalseAlarms(0.05),
            half_life: Some(100),
            ..SieveSettings::new(16)
        },
        has_losses: true,
        groups: &[0, 1],
    },
    Case {
        name: "growing",
        settings: SieveSettings {
            groups: Groups::Growing(4),
            half_life: Some(300),
            guards: Guards { duplicates: 8, ..Guards::ALL },
            ..SieveSettings::new(32)
        },
        has_losses: true,
        groups: &[7, 1_000_000, 3, u32::MAX, 12],
    },
    Case {
        name: "no losses",
        settings: SieveSettings { rate: Rate::FalseAlarms(0.1), ..SieveSettings::new(64) },
        has_losses: false,
        groups: &[0],
    },
    Case {
        name: "squared",
        settings: SieveSettings {
            groups: Groups::Fixed(3),
            loss: LossKind::Squared,
            change: 0.2,
            learn_flagged: true,
            ..SieveSettings::new(24)
        },
        has_losses: true,
        groups: &[2, 0, 1],
    },
    Case {
        name: "no guards",
        settings: SieveSettings {
            rate: Rate::FalseAlarms(0.2),
            guards: Guards::NONE,
            half_life: Some(64),
            warm_up: 16,
            ..SieveSettings::new(3)
        },
        has_losses: true,
        groups: &[0],
    },
];

/// Everything on: ten classes, 64 numbers a sketch.
pub(crate) const USUAL: SieveSettings = SieveSettings { groups: Groups::Fixed(10), ..SieveSettings::new(64) };

/// The small form: four classes, 32 numbers, no duplicates.
pub(crate) const SMALL: SieveSettings = SieveSettings {
    groups: Groups::Fixed(4),
    guards: Guards { duplicates: 0, ..Guards::ALL },
    ..SieveSettings::new(32)
};

/// What can be wrong with a sample.
#[derive(Clone, Copy)]
enum Fault {
    Turned,
    LargeLoss,
    Zero,
    Short,
    Duplicate,
    NotANumber,
    InfiniteLoss,
    Long,
    Lone,
    Huge,
    Tiny,
    NoLoss,
    NegativeLoss,
    Overflowing,
}

const FAULTS: [Fault; 14] = [
    Fault::Turned,
    Fault::LargeLoss,
    Fault::Zero,
    Fault::Short,
    Fault::Duplicate,
    Fault::NotANumber,
    Fault::InfiniteLoss,
    Fault::Long,
    Fault::Lone,
    Fault::Huge,
    Fault::Tiny,
    Fault::NoLoss,
    Fault::NegativeLoss,
    Fault::Overflowing,
];

/// A sample.
pub(crate) struct Sample {
    values: [f32; WIDEST],
    group: u32,
    loss: f32,
}

/// 2^`exponent`, of normal numbers.
const fn power(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

/// An integer from −1023 to 1023, those in the middle more often.
fn integer(key: u64, at: u64) -> i32 {
    let word = hash::word(key, at);
    (word >> 54) as i32 - (word >> 22 & 1023) as i32
}

/// An ordinary sample: a direction of its group and noise, of a length that its loss
/// explains within a half. Later losses are smaller.
fn ordinary(groups: &[u32], i: u64) -> Sample {
    let word = hash::word(1, i);
    let group = groups[(word >> 32) as usize % groups.len()];
    let loss = (1.0 + (word >> 8 & 255) as f32 / 256.0) * power((word & 3) as i32 - 4 - (i / 400) as i32);
    let length = loss * (1.0 + (word >> 16 & 255) as f32 / 512.0) * power(-10);
    let mut values = [0.0; WIDEST];
    for (j, value) in (0..).zip(&mut values) {
        let own = integer(hash::key(group.into(), 2), j) + integer(3, 64 * i + j) / 2;
        let turned = 3 * i >= 2 * LEN && j % 2 == 0;
        *value = (if turned { -own } else { own }) as f32 * length;
    }
    Sample { values, group, loss }
}

/// Sample `i` of a stream.
pub(crate) fn sample(groups: &[u32], i: u64) -> Sample {
    let mut sample = ordinary(groups, i);
    if (LEN / 2..LEN * 7 / 12).contains(&i) {
        let worse = power((i - LEN / 2) as i32 / 4 + 3);
        sample.values.iter_mut().for_each(|x| *x *= -worse);
        sample.loss *= worse;
        return sample;
    }
    if i % 16 != 9 {
        return sample;
    }
    let fault = FAULTS[(i / 16) as usize % FAULTS.len()];
    let Sample { values, loss, .. } = &mut sample;
    let mut scale = |by: f32| values.iter_mut().for_each(|x| *x *= by);
    match fault {
        Fault::Turned => scale(-1.0),
        Fault::Zero => scale(0.0),
        Fault::Short => scale(power(-8)),
        Fault::Long => scale(power(6)),
        Fault::Huge => scale(power(120)),
        Fault::Tiny => scale(power(-126)),
        Fault::Overflowing => {
            scale(power(127));
            scale(power(127));
        }
        Fault::LargeLoss => *loss = 100.0,
        Fault::InfiniteLoss => *loss = f32::INFINITY,
        Fault::NoLoss => *loss = 0.0,
        Fault::NegativeLoss => *loss = -*loss,
        Fault::NotANumber => values[2] = f32::NAN,
        Fault::Lone => values[1..].fill(0.0),
        Fault::Duplicate => {
            sample = ordinary(groups, i - 4);
            sample.values.iter_mut().for_each(|x| *x *= 1.5);
        }
    }
    sample
}

impl Sample {
    /// Its sketch of so many numbers.
    pub(crate) fn sketch(&self, width: usize, has_loss: bool) -> Sketch<'_> {
        let id = Exact::new(width).id(Layout::flat(width as u64).expect("some").id());
        let values = &self.values[..width];
        let sketch = Sketch::from_parts(id, values, summarize(values)).expect("as many as K");
        let sketch = sketch.in_group(self.group);
        if has_loss { sketch.with_loss(self.loss) } else { sketch }
    }
}

/// Bits of all verdicts so far.
fn digest(before: u64, verdict: &Verdict, alarm: Option<Alarm>) -> u64 {
    let numbers = u64::from(verdict.p.to_bits()) << 32 | u64::from(verdict.score.to_bits());
    let alarm = alarm.map_or(0, |alarm| u64::from(alarm.name().as_bytes()[0]));
    let words = u64::from(verdict.flagged) << 32 | u64::from(verdict.reasons.bits()) << 8 | alarm;
    hash::mix(hash::mix(before ^ numbers) ^ words)
}

/// Judges a stream, and writes its lines.
fn write_case(case: &Case, to: &mut dyn Write) -> fmt::Result {
    let Case { name, settings, has_losses, groups } = case;
    let mut buffer = [0; MOST];
    let buffer = &mut buffer[..settings.memory().i64s];
    let mut sieve = Sieve::new(*settings, buffer).expect("valid settings");
    let mut so_far = 0;
    for i in 0..LEN {
        let sample = sample(groups, i);
        let sketch = sample.sketch(settings.width, *has_losses);
        let verdict = sieve.judge(&sketch).expect("a sketch that fits");
        let alarm = sieve.observe(&sketch, &verdict).expect("a sketch that fits");
        so_far = digest(so_far, &verdict, alarm);
        if i % BLOCK == BLOCK - 1 || verdict.flagged || alarm.is_some() {
            let Verdict { p, score, flagged, reasons, .. } = verdict;
            let (p, score, alarm) = (p.to_bits(), score.to_bits(), alarm.map_or("", Alarm::name));
            let flagged = u8::from(flagged);
            writeln!(to, "{name},{i},{p:08x},{score:08x},{flagged},{reasons},{alarm},{so_far:016x}")?;
        }
    }
    Ok(())
}

/// Writes the verdicts on all streams.
///
/// # Errors
/// Those of `to`.
pub(crate) fn write(to: &mut dyn Write) -> fmt::Result {
    to.write_str("stream,index,p,score,flagged,reasons,alarm,digest\n")?;
    CASES.iter().try_for_each(|case| write_case(case, to))
}
