//! Rounds of clients' updates with numbers of any bits, through every rule: weights are
//! finite and those of a mean where they should be, or there is an error. The order of
//! arrival and what was in the caller's memory change no bit, and what is refused leaves
//! the round as it was.
#![no_main]

use gradsieve::clients::{
    Bulyan, Client, Dnc, FlTrust, FoolsGold, GeometricMedian, Krum, MultiKrum, NormClip, Round,
    RoundSettings, Rule,
};
use gradsieve::{Error, Exact, Layout, Projector as _, Sketch, SketchId, Summary};
use gradsieve_kernels::hash;

type Held = Round<Vec<f32>, Vec<Client>>;

/// A rule on a round: what it is given is its memory and the weights.
type Weigh<'a> = &'a dyn Fn(&mut [f64], &mut [f64]) -> Result<usize, Error>;

/// What is read of the input, from its front; nothing where it has ended.
struct Input<'i>(&'i [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn word(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    fn value(&mut self) -> Option<f32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(f32::from_le_bytes(*bytes))
    }

    fn values(&mut self, width: usize) -> Option<Vec<f32>> {
        (0..width).map(|_| self.value()).collect()
    }

    /// A number of clients, or a setting: small, or near the largest.
    fn count(&mut self) -> Option<usize> {
        let byte = self.byte()?;
        Some(if byte < 0xF0 { usize::from(byte) % 32 } else { usize::MAX - usize::from(byte & 15) })
    }
}

/// The id of sketches so wide, of one of two layouts.
fn id(width: usize, is_other: bool) -> SketchId {
    let wide = width as u64 + u64::from(is_other);
    SketchId { width, ..Exact::new(wide as usize).id(Layout::flat(wide).expect("a coordinate").id()) }
}

#[derive(Clone)]
struct Update {
    client: u64,
    is_other: bool,
    values: Vec<f32>,
    measures: Summary,
}

impl Update {
    fn new(client: u8, is_other: bool, values: Vec<f32>) -> Self {
        let client = if client < 200 { u64::from(client) } else { u64::MAX - u64::from(client) };
        let measures = gradsieve_kernels::summarize(&values);
        Self { client, is_other, values, measures }
    }

    fn sketch(&self) -> Sketch<'_> {
        let id = id(self.values.len(), self.is_other);
        Sketch::from_parts(id, &self.values, self.measures).expect("as many as K")
    }
}

fn empty(settings: RoundSettings) -> Held {
    let memory = settings.memory();
    let clients = vec![Client::default(); memory.others];
    Round::new(settings, vec![f32::NAN; memory.f32s], clients).expect("as much memory as it says")
}

/// Takes an update in, or refuses it for a reason that there is.
fn observe(round: &mut Held, taken: &mut Vec<Update>, update: Update) {
    let settings = round.settings();
    let fits = update.values.len() == settings.width
        && taken.first().is_none_or(|first| first.is_other == update.is_other)
        && taken.len() < settings.clients
        && taken.iter().all(|other| other.client != update.client);
    let state = |round: &Held| {
        let clients: Vec<_> = round.clients().map(|client| (client.id(), client.is_finite())).collect();
        (round.count(), round.non_finite(), round.id(), clients)
    };
    let before = state(round);
    let result = round.observe(update.client, &update.sketch());
    assert_eq!(result.is_ok(), fits, "{result:?}");
    if fits {
        taken.push(update);
    } else {
        assert_eq!(state(round), before, "what is refused leaves the round as it was");
    }
}

/// The settings of all rules.
struct Rules {
    hostile: usize,
    keep: Option<usize>,
    steps: u32,
    most: Option<f64>,
    server: Update,
}

impl Rules {
    fn read(input: &mut Input<'_>, width: usize) -> Option<Self> {
        let (choice, hostile) = (input.byte()?, input.count()?);
        let keep = if choice & 1 == 1 { Some(input.count()?) } else { None };
        let most = if choice & 2 == 2 { Some(f64::from_bits(input.word()?)) } else { None };
        let mut server = Update::new(0, choice & 4 == 4, input.values(width)?);
        if choice & 8 == 8 {
            server.measures.l2_squared = f64::from_bits(input.word()?);
        }
        Some(Self { hostile, keep, steps: u32::from(choice / 16) * 16, most, server })
    }

    /// What each says of a round, with `filler` in its memory.
    fn all(&self, round: &Held, filler: f64) -> [Result<Vec<u64>, Error>; 8] {
        let hostile = self.hostile;
        let weighed = |rule: Weigh<'_>, needs, sums| weighed(round, rule, needs, sums, filler);
        let settings = round.settings();
        macro_rules! each {
            ($($rule:expr, $sums:expr;)*) => {
                [$({
                    let rule = $rule;
                    weighed(&|memory, weights| rule.weigh(round, memory, weights), rule.needs(&settings).f64s, $sums)
                }),*]
            };
        }
        each! {
            Krum { hostile }, Sums::ToOne;
            MultiKrum { hostile, keep: self.keep }, Sums::ToOne;
            Bulyan { hostile }, Sums::ToOne;
            GeometricMedian { steps: self.steps }, Sums::ToOne;
            Dnc { hostile }, Sums::ToOne;
            FoolsGold, Sums::ToOne;
            NormClip { most: self.most }, Sums::AtMostOne;
            FlTrust { server: self.server.sketch() }, Sums::ToAnything;
        }
    }
}

/// What a rule's weights sum to.
#[derive(Clone, Copy)]
enum Sums {
    ToOne,
    AtMostOne,
    ToAnything,
}

/// A rule's weights, by their bits.
fn weighed(round: &Held, rule: Weigh<'_>, needs: usize, sums: Sums, filler: f64) -> Result<Vec<u64>, Error> {
    let (mut memory, mut weights) = (vec![filler; needs], vec![filler; round.count()]);
    let kept = rule(&mut memory, &mut weights)?;
    assert!(weights.iter().all(|&weight| weight >= 0.0 && weight.is_finite()), "{weights:?}");
    assert_eq!(kept, weights.iter().filter(|&&weight| weight > 0.0).count());
    for (client, &weight) in round.clients().zip(&weights) {
        assert!(client.is_finite() || weight == 0.0, "{client:?} has the weight {weight}");
    }
    let sum: f64 = weights.iter().sum();
    match sums {
        Sums::ToOne => assert!((sum - 1.0).abs() < 1e-12, "{sum}"),
        Sums::AtMostOne => assert!(sum < 1.0 + 1e-12, "{sum}"),
        Sums::ToAnything => {}
    }
    Ok(weights.into_iter().map(f64::to_bits).collect())
}

/// Weighs the round, and the same updates in two other orders.
fn weigh(round: &Held, taken: &[Update], rules: &Rules) {
    let expected = rules.all(round, f64::NAN);
    let mut others = taken.to_vec();
    for turn in 0..2 {
        match turn {
            0 => others.reverse(),
            _ => others.sort_by_key(|update| hash::word(taken.len() as u64, update.client)),
        }
        let mut other = empty(round.settings());
        for update in &others {
            other.observe(update.client, &update.sketch()).expect("it was taken before");
        }
        assert!(round.clients().map(Client::id).eq(other.clients().map(Client::id)));
        assert_eq!(rules.all(&other, f64::MAX), expected);
    }
}

/// What rules need of rounds of any size, and rounds without their memory.
fn sizes(input: &mut Input<'_>) -> Option<()> {
    let settings = RoundSettings { clients: input.word()? as usize, width: input.word()? as usize };
    let memory = settings.memory();
    for needs in [
        Krum { hostile: 1 }.needs(&settings),
        Bulyan { hostile: 1 }.needs(&settings),
        GeometricMedian::new().needs(&settings),
        Dnc { hostile: 1 }.needs(&settings),
        FoolsGold.needs(&settings),
    ] {
        assert!(needs.f64s >= settings.clients.max(settings.width));
    }
    let round = Round::<Vec<f32>, Vec<Client>>::new(settings, Vec::new(), Vec::new());
    assert!(memory.others > 0 || settings.clients == 0);
    assert!(round.is_err(), "{settings:?} without memory");
    Some(())
}

/// Updates and calls of rules, until the input ends.
fn rounds(input: &mut Input<'_>) -> Option<()> {
    let (clients, width) = (1 + usize::from(input.byte()?) % 24, 1 + usize::from(input.byte()?) % 6);
    let mut round = empty(RoundSettings { clients, width });
    let mut taken = Vec::new();
    loop {
        let operation = input.byte()?;
        let choice = operation / 8;
        match operation % 8 {
            0..=2 => {
                let (client, is_other) = (input.byte()?, choice == 31);
                let wide = width + usize::from(choice == 30);
                observe(&mut round, &mut taken, Update::new(client, is_other, input.values(wide)?));
            }
            // Another's update, times a power of two: those that agree, and sybils.
            3 => {
                let (client, scale) = (input.byte()?, input.byte()? as i8);
                let Some(from) = taken.get(usize::from(choice) % taken.len().max(1)) else { continue };
                let factor = 2_f32.powi(i32::from(scale) / 2) * if scale % 2 == 0 { 1.0 } else { -1.0 };
                let values = from.values.iter().map(|value| value * factor).collect();
                let update = Update::new(client, from.is_other, values);
                observe(&mut round, &mut taken, update);
            }
            // A norm that is not that of the sketch.
            4 => {
                let client = input.byte()?;
                let mut update = Update::new(client, false, input.values(width)?);
                update.measures.l2_squared = f64::from_bits(input.word()?);
                update.measures.non_finite = u64::from(choice == 31);
                observe(&mut round, &mut taken, update);
            }
            5 if choice > 24 => {
                round.reset();
                taken.clear();
            }
            _ => weigh(&round, &taken, &Rules::read(input, width)?),
        }
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&kind, input)) = input.split_first() else { return };
    let mut input = Input(input);
    let _ = if kind == 0xFF { sizes(&mut input) } else { rounds(&mut input) };
});
