//! A round of clients' updates, under every rule.

use core::hint::black_box;
use gradsieve::clients::{
    Bulyan, Client, Dnc, FlTrust, FoolsGold, GeometricMedian, Krum, MultiKrum, NormClip, Round,
    RoundSettings, Rule,
};
use gradsieve::{Error, Sketch};

/// Observes, and weighs by each rule.
pub fn weighed(sketch: &Sketch<'_>, rows: &mut [f32]) -> Result<usize, Error> {
    let settings = RoundSettings { clients: black_box(3), width: black_box(64) };
    let mut round = Round::new(settings, rows, [Client::default(); 3])?;
    round.observe(black_box(7), sketch)?;
    round.observe(black_box(5), sketch)?;
    let hostile = black_box(0);
    let kept = by(&Krum { hostile }, &round)?
        + by(&MultiKrum { hostile, keep: black_box(Some(2)) }, &round)?
        + by(&Bulyan { hostile }, &round)?
        + by(&GeometricMedian { steps: black_box(9) }, &round)?
        + by(&Dnc { hostile }, &round)?
        + by(&FlTrust { server: *sketch }, &round)?
        + by(&FoolsGold, &round)?
        + by(&NormClip { most: black_box(None) }, &round)?;
    round.reset();
    Ok(kept + round.clients().map(|client| client.id() as usize).sum::<usize>())
}

fn by<R: Rule>(rule: &R, round: &Round<&mut [f32], [Client; 3]>) -> Result<usize, Error> {
    let (mut memory, mut weights) = ([0.0; 300], [0.0; 3]);
    let memory = memory.get_mut(..rule.needs(&round.settings()).f64s).unwrap_or_default();
    let kept = rule.weigh(round, memory, weights.get_mut(..round.count()).unwrap_or_default())?;
    black_box(weights);
    Ok(kept)
}
