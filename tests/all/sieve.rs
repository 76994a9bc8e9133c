//! The sieve: the rate that it promises, what it finds, that merging is exact, and that
//! nothing ruins it.

use gradsieve::sieve::Health;
use gradsieve::sketch::{Exact, Projector, SketchId};
use gradsieve::{
    Alarm, Error, Field, Groups, Guards, Layout, Rate, Reasons, Sieve, SieveSettings, Sketch, State, Verdict,
};
use gradsieve_kernels::{hash, summarize};
use proptest::prelude::*;

const WIDTH: usize = 16;
const SETTINGS: SieveSettings = SieveSettings { groups: Groups::Fixed(3), ..SieveSettings::new(WIDTH) };

type Owned = Sieve<Vec<i64>>;

fn new(settings: SieveSettings) -> Owned {
    Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap()
}

fn id() -> SketchId {
    Exact::new(WIDTH).id(Layout::flat(WIDTH as u64).unwrap().id())
}

/// A sample: its gradient, its group and its loss.
#[derive(Clone, Debug)]
struct Sample {
    values: Vec<f32>,
    group: u32,
    loss: f32,
}

impl Sample {
    fn sketch(&self) -> Sketch<'_> {
        let sketch = Sketch::from_parts(id(), &self.values, summarize(&self.values)).unwrap();
        sketch.in_group(self.group).with_loss(self.loss)
    }

    /// The same with another gradient.
    fn with(&self, change: impl Fn(usize, f32) -> f32) -> Self {
        let values = self.values.iter().enumerate().map(|(i, x)| change(i, *x)).collect();
        Self { values, ..self.clone() }
    }
}

/// A number of mean 0 and deviation 1, nearly normal.
fn normal(seed: u64, index: u64) -> f64 {
    let uniform = |i| (hash::word(seed, 12 * index + i) >> 11) as f64 / (1_u64 << 53) as f64;
    (0..12).map(uniform).sum::<f64>() - 6.0
}

/// An ordinary sample: a direction of its group with noise, as long as its loss explains,
/// within a fifth.
fn sample(seed: u64, i: u64) -> Sample {
    let group = (hash::word(seed ^ 5, i) >> 40) as u32 % 3;
    let loss = libm::exp2(2.0 * normal(seed ^ 1, i) - 2.0);
    let length = -libm::expm1(-loss) * libm::exp2(0.2 * normal(seed ^ 2, i));
    let entry = |j: u64| normal(77 + u64::from(group), j) + 0.6 * normal(seed ^ 3, 64 * i + j);
    let values = (0..WIDTH as u64).map(|j| (length * entry(j)) as f32).collect();
    Sample { values, group, loss: loss as f32 }
}

/// Judges and learns.
fn step(sieve: &mut Owned, sample: &Sample) -> (Verdict, Option<Alarm>) {
    let sketch = sample.sketch();
    let verdict = sieve.judge(&sketch).unwrap();
    let alarm = sieve.observe(&sketch, &verdict).unwrap();
    (verdict, alarm)
}

/// A sieve that has seen `n` ordinary samples.
fn taught(settings: SieveSettings, seed: u64, n: u64) -> Owned {
    let mut sieve = new(settings);
    for i in 0..n {
        step(&mut sieve, &sample(seed, i));
    }
    sieve
}

fn bytes(sieve: &Owned) -> Vec<u8> {
    let mut bytes = vec![0; sieve.settings().memory().bytes_at_rest];
    let written = sieve.to_bytes(&mut bytes).unwrap();
    assert_eq!(written, bytes.len());
    bytes
}

#[test]
fn clean_streams_are_flagged_at_their_rate() {
    const STREAMS: u64 = 12;
    const LEN: u64 = 2500;
    for (alpha, half_life) in
        [(0.05, None), (0.01, None), (0.05, Some(400)), (0.01, Some(1000)), (0.001, None)]
    {
        let settings = SieveSettings { rate: Rate::FalseAlarms(alpha), half_life, ..SETTINGS };
        let (mut flagged, mut alarms) = (0, 0);
        for seed in 0..STREAMS {
            let mut sieve = new(settings);
            for i in 0..LEN {
                let (_, alarm) = step(&mut sieve, &sample(1000 * seed, i));
                alarms += u64::from(alarm.is_some());
            }
            flagged += sieve.flagged();
        }
        let rate = flagged as f32 / (STREAMS * LEN) as f32 / alpha;
        assert!((0.5..1.5).contains(&rate), "{alpha} {half_life:?}: {rate} of nominal");
        assert_eq!(alarms, 0, "{alpha} {half_life:?}");
    }
}

/// Not four fifths of it: a guard that finds nothing takes little of a large rate.
#[test]
fn the_score_has_nearly_all_of_a_large_rate() {
    let guards = Guards { duplicates: 2, ..Guards::ALL };
    let settings = SieveSettings { rate: Rate::FalseAlarms(0.4), learn_flagged: true, guards, ..SETTINGS };
    let rate = taught(settings, 8, 5000).flagged() as f64 / 5000.0;
    assert!((0.36..0.44).contains(&rate), "{rate}");
}

#[test]
fn each_kind_of_fault_is_flagged_with_its_reason() {
    let sieve = taught(SETTINGS, 3, 3000);
    let ordinary = sample(3, 5000);
    let lone = |i: usize, x: f32| if i == 0 { 20.0 * x } else { 1e-4 * x };
    let faults = [
        (ordinary.with(|_, x| -x), Reasons::DIRECTION),
        (ordinary.with(|_, x| 30.0 * x), Reasons::LENGTH),
        (ordinary.with(|_, x| 0.01 * x), Reasons::SHORT),
        (ordinary.with(lone), Reasons::SHAPE),
        (ordinary.with(|_, _| 0.0), Reasons::ZERO),
        (Sample { loss: 4000.0, ..ordinary.with(|_, x| 3.0 * x) }, Reasons::LOSS),
        (ordinary.with(|_, x| x + f32::NAN), Reasons::NON_FINITE),
        (Sample { loss: f32::INFINITY, ..ordinary.clone() }, Reasons::NON_FINITE),
    ];
    for (fault, reason) in faults {
        let verdict = sieve.judge(&fault.sketch()).unwrap();
        assert!(verdict.flagged && verdict.p <= 0.01, "{reason}: {verdict:?}");
        assert!(verdict.reasons.has(reason), "{reason}: {verdict:?}");
    }
    let verdict = sieve.judge(&ordinary.sketch()).unwrap();
    assert!(!verdict.flagged && verdict.reasons.is_empty(), "{verdict:?}");
}

#[test]
fn near_duplicates_of_the_last_samples_are_flagged() {
    let id = Exact::new(64).id(Layout::flat(64).unwrap().id());
    let values =
        |i: u64| (0..64).map(|j| normal(1, j) as f32 + normal(2, 64 * i + j) as f32).collect::<Vec<_>>();
    let mut sieve = new(SieveSettings::new(64));
    let mut flagged = 0;
    for i in 0..1000 {
        // Each fiftieth is the one ten before it, nearly.
        let again = i > 100 && i % 50 == 49;
        let mut values = values(if again { i - 10 } else { i });
        values.iter_mut().for_each(|x| *x *= 1.0 + 1e-3 * (i % 7) as f32);
        let sketch = Sketch::from_parts(id, &values, summarize(&values)).unwrap();
        let verdict = sieve.judge(&sketch).unwrap();
        sieve.observe(&sketch, &verdict).unwrap();
        assert_eq!(verdict.reasons.has(Reasons::DUPLICATE), again, "{i}: {verdict:?}");
        flagged += u32::from(again && verdict.p <= 0.1);
    }
    assert!(flagged >= 17, "{flagged} of 18");
}

#[test]
fn guards_that_are_off_do_not_speak() {
    let settings = SieveSettings { guards: Guards::NONE, ..SETTINGS };
    let sieve = taught(settings, 3, 1000);
    let ordinary = sample(3, 5000);
    for fault in [ordinary.with(|_, _| 0.0), ordinary.with(|_, x| 1e-6 * x), sample(3, 990)] {
        let verdict = sieve.judge(&fault.sketch()).unwrap();
        let guards = [Reasons::ZERO, Reasons::SHORT, Reasons::DUPLICATE];
        assert!(guards.iter().all(|guard| !verdict.reasons.has(*guard)), "{verdict:?}");
        assert!(!verdict.flagged, "{verdict:?}");
    }
}

#[test]
fn a_stream_without_losses_is_judged_by_length_and_direction() {
    let mut sieve = new(SETTINGS);
    for i in 0..1500 {
        let sample = sample(8, i);
        let sketch = Sketch { loss: None, ..sample.sketch() };
        let verdict = sieve.judge(&sketch).unwrap();
        sieve.observe(&sketch, &verdict).unwrap();
    }
    let ordinary = sample(8, 2000);
    for (fault, reason) in [
        (ordinary.with(|_, x| 1e4 * x), Reasons::LENGTH),
        (ordinary.with(|_, x| 1e-6 * x), Reasons::SHORT),
        (ordinary.with(|_, x| -x), Reasons::DIRECTION),
    ] {
        let verdict = sieve.judge(&Sketch { loss: None, ..fault.sketch() }).unwrap();
        assert!(verdict.reasons.has(reason) && verdict.flagged, "{reason}: {verdict:?}");
    }
}

#[test]
fn a_real_change_is_not_refused_for_ever() {
    for half_life in [None, Some(300)] {
        let settings = SieveSettings { half_life, ..SETTINGS };
        let mut sieve = taught(settings, 5, 2000);
        let mut alarmed = false;
        let mut late = 0;
        for i in 0..3000 {
            // From here on all directions are others.
            let changed = sample(6, i).with(|j, x| if j % 2 == 0 { -x } else { x });
            let (verdict, alarm) = step(&mut sieve, &changed);
            alarmed |= alarm.is_some();
            late += u32::from(i >= 1500 && verdict.flagged);
        }
        assert!(alarmed, "{half_life:?}");
        assert!(late < 60, "{half_life:?}: {late} of 1500 are still flagged");
    }
}

#[test]
fn scores_stay_comparable_while_gradients_shrink_a_thousandfold() {
    let settings = SieveSettings { half_life: Some(400), ..SETTINGS };
    let mut sieve = new(settings);
    let (mut scores, mut flagged) = ([0.0; 2], 0);
    for i in 0..8000_u64 {
        let size = libm::exp2(-10.0 * i as f64 / 8000.0) as f32;
        let sample = sample(9, i).with(|_, x| size * x);
        let (verdict, _) = step(&mut sieve, &Sample { loss: size * sample.loss, ..sample });
        flagged += u32::from(verdict.flagged);
        if (1000..2000).contains(&i) || i >= 7000 {
            scores[usize::from(i >= 7000)] += verdict.score / 1000.0;
        }
    }
    assert!((scores[0] / scores[1] - 1.0).abs() < 0.2, "{scores:?}");
    assert!((40..120).contains(&flagged), "{flagged} of 8000");
}

#[test]
fn states_merge_to_the_same_bits_in_any_tree() {
    const STATES: usize = 1000;
    let settings = SieveSettings { guards: Guards { duplicates: 4, ..Guards::ALL }, ..SETTINGS };
    let leaves = || (0..STATES as u64).map(|i| taught(settings, i, 20 + i % 90)).collect::<Vec<_>>();
    let mut merged = Vec::new();
    for tree in 0..4_u64 {
        let mut states = leaves();
        let mut draw = (0_u64..).map(|i| hash::word(tree, i));
        while states.len() > 1 {
            let taken = states.swap_remove(draw.next().unwrap() as usize % states.len());
            let at = draw.next().unwrap() as usize % states.len();
            states[at].merge(&taken).unwrap();
        }
        merged.push(bytes(&states[0]));
    }
    assert!(merged.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn a_million_states_merge() {
    let mut total = taught(SETTINGS, 1, 100);
    // By doubling: 2²⁰ copies.
    for _ in 0..20 {
        let copy = bytes(&total);
        let mut other = new(SETTINGS);
        other.restore(&copy).unwrap();
        total.merge(&other).unwrap();
    }
    assert_eq!(total.count(), 100 << 20);
    assert_eq!(total.health(), Health::Ready);
    let (once, many) = (taught(SETTINGS, 1, 100), total);
    // The same shares of everything: the same parts, and nearly the same rank.
    let sketch_of = sample(1, 500);
    let (once, many) = (once.judge(&sketch_of.sketch()).unwrap(), many.judge(&sketch_of.sketch()).unwrap());
    assert!((once.score - many.score).abs() < 1e-3 * once.score && (once.p - many.p).abs() < 0.03);
}

#[test]
fn states_with_a_half_life_merge_where_their_clocks_agree() {
    let settings = SieveSettings { half_life: Some(100), ..SETTINGS };
    let (mut one, two, mut late) =
        (taught(settings, 1, 150), taught(settings, 2, 180), taught(settings, 3, 20));
    let before = bytes(&one);
    assert_eq!(one.merge(&late), Err(Error::Mismatch(Field::Clock)));
    assert_eq!(bytes(&one), before);
    late.advance(199);
    one.merge(&late).unwrap();
    one.merge(&two).unwrap();
    assert_eq!((one.clock().ticks(), one.count()), (199, 350));
    late.advance(5000);
    assert_eq!(late.health(), Health::WarmingUp); // it saw 20
    let mut stale = taught(settings, 3, 100);
    stale.advance(5000);
    assert_eq!(stale.health(), Health::Stale);
}

#[test]
fn growing_groups_do_not_depend_on_who_came_first() {
    let settings = SieveSettings { groups: Groups::Growing(4), ..SETTINGS };
    let of = |ids: &[u32]| {
        let mut sieve = new(settings);
        for i in 0..200 {
            let group = ids[i as usize % ids.len()];
            step(&mut sieve, &Sample { group, ..sample(1, i) });
        }
        sieve
    };
    let (mut forth, mut back) = (of(&[7, 1_000_000]), of(&[3]));
    let (early, late) = (of(&[7, 1_000_000]), of(&[3]));
    forth.merge(&late).unwrap();
    back.merge(&early).unwrap();
    assert_eq!(bytes(&forth), bytes(&back));
    assert!(forth.groups().eq([3, 7, 1_000_000]));

    let before = bytes(&forth);
    assert_eq!(forth.merge(&of(&[1, 2])), Err(Error::Full { capacity: 4 }));
    assert_eq!(bytes(&forth), before);
    step(&mut forth, &Sample { group: 0, ..sample(1, 300) });
    assert!(forth.groups().eq([0, 3, 7, 1_000_000]));
    let verdict = forth.judge(&Sample { group: 99, ..sample(1, 300) }.sketch()).unwrap();
    assert!(verdict.reasons.has(Reasons::GROUP));
    let fixed = new(SETTINGS).judge(&Sample { group: 3, ..sample(1, 0) }.sketch());
    assert_eq!(fixed, Err(Error::Group { groups: 3, found: 3 }));
}

#[test]
fn a_restored_state_goes_on_as_if_nothing_had_happened() {
    let settings = SieveSettings { half_life: Some(300), groups: Groups::Growing(5), ..SETTINGS };
    let mut sieve = taught(settings, 4, 500);
    let mut restored = new(settings);
    restored.restore(&bytes(&sieve)).unwrap();
    for i in 500..900 {
        assert_eq!(step(&mut sieve, &sample(4, i)), step(&mut restored, &sample(4, i)));
    }
    assert_eq!(bytes(&sieve), bytes(&restored));
    let other = SieveSettings { rate: Rate::FalseDiscoveries(0.01), ..settings };
    assert_eq!(new(other).restore(&bytes(&sieve)), Err(Error::Mismatch(Field::StateSettings)));
}

#[test]
fn a_verdict_is_the_same_from_its_words() {
    let mut sieve = taught(SETTINGS, 4, 300);
    let ordinary = sample(4, 300);
    let scaled = |by: f32| ordinary.with(|_, x| x * by);
    let mut samples = vec![ordinary.clone(), scaled(0.0), scaled(1e30), scaled(1e-30), scaled(f32::NAN)];
    samples.push(ordinary.with(|j, x| if j == 0 { x } else { 0.0 }));
    for sample in &samples {
        let (verdict, _) = step(&mut sieve, sample);
        assert_eq!(Verdict::from_words(&verdict.to_words()), Ok(verdict));
    }
    let unlabelled = Sketch { loss: None, ..ordinary.sketch() };
    let verdict = sieve.judge(&unlabelled).unwrap();
    assert_eq!(Verdict::from_words(&verdict.to_words()), Ok(verdict));
}

#[test]
fn altered_words_are_no_verdict() {
    let sieve = taught(SETTINGS, 4, 100);
    let words = sieve.judge(&sample(4, 100).sketch()).unwrap().to_words();
    for place in 0..Verdict::WORDS {
        for bit in 0..32 {
            let mut altered = words;
            altered[place] ^= 1 << bit;
            assert_eq!(Verdict::from_words(&altered), Err(Error::Corrupt));
        }
    }
}

#[test]
fn discoveries_are_few_and_true() {
    let settings = SieveSettings { rate: Rate::FalseDiscoveries(0.1), ..SETTINGS };
    let mut sieve = new(settings);
    let mut false_ones = 0;
    for i in 0..4000 {
        let ordinary = sample(12, i);
        let wrong = i % 20 == 19;
        let (verdict, _) = step(&mut sieve, &if wrong { ordinary.with(|_, x| -8.0 * x) } else { ordinary });
        false_ones += u64::from(verdict.flagged && !wrong);
    }
    assert!(10 * false_ones <= sieve.flagged(), "{false_ones} of {}", sieve.flagged());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any finite numbers, at any size, have a verdict in range, and leave a state that
    /// still judges.
    #[test]
    fn no_number_ruins_it(
        words in prop::collection::vec((any::<u32>(), any::<u64>()), 1..200),
        half_life in prop::option::of(16_u32..200),
        with_loss: bool,
    ) {
        let settings = SieveSettings { half_life, ..SETTINGS };
        let mut sieve = new(settings);
        for (bits, seed) in words {
            let entry = |j: usize| f32::from_bits((hash::word(seed, j as u64) as u32 & 0x807f_ffff) | bits & 0x7f80_0000);
            let values: Vec<f32> = (0..WIDTH).map(entry).map(|x| if x.is_finite() { x } else { 3e38 }).collect();
            let sketch = Sketch::from_parts(id(), &values, summarize(&values)).unwrap().in_group(seed as u32 % 3);
            let sketch = if with_loss { sketch.with_loss(f32::from_bits(bits)) } else { sketch };
            let verdict = sieve.judge(&sketch).unwrap();
            prop_assert!((0.0..=1.0).contains(&verdict.p), "{verdict:?}");
            prop_assert!(verdict.score.is_finite(), "{verdict:?}");
            sieve.observe(&sketch, &verdict).unwrap();
        }
        let verdict = sieve.judge(&sample(1, 1).sketch()).unwrap();
        prop_assert!(verdict.score.is_finite() && (0.0..=1.0).contains(&verdict.p));
    }
}
