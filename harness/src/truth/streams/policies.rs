//! Who decides in the loop which samples a step leaves out: [`POLICIES`].

use std::collections::VecDeque;

use gradsieve::{Alarm, Error, Guards, Rate, Reasons, SieveSettings};

use super::by_sieve::{BySieve, Question};
use super::scorer::{Scope, Scorer};
use super::scorers;
use super::stream::Seen;

/// Decides which samples a step leaves out.
pub(super) trait Guard {
    /// Whether to use a sample whose label is wrong or is not. Only the ceiling looks at
    /// that.
    fn decide(&mut self, seen: &Seen<'_>, wrong: bool) -> Result<Decision, Error>;
}

/// What is to be done with a sample, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Whether a step uses it.
    pub keeps: bool,
    /// The p-value, of a policy that has one.
    pub p: Option<f64>,
    /// What stands out, as far as the policy says.
    pub reasons: Reasons,
    /// What the policy says of the stream itself.
    pub alarm: Option<Alarm>,
}

impl Decision {
    /// A decision without a word.
    const fn silent(keeps: bool) -> Self {
        Self { keeps, p: None, reasons: Reasons::NONE, alarm: None }
    }
}

type Made = Result<Box<dyn Guard>, Error>;

/// A policy of the table.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// A guard of so many samples, a share of which is to be left out.
    pub(super) make: fn(&Scope, f64) -> Made,
}

/// All of them, in the order of the tables. This is the one place to add another.
pub const POLICIES: &[Policy] = &[
    Policy { name: "all", about: "every sample is used", make: |_, _| Ok(Box::new(All)) },
    Policy {
        name: "loss",
        about: "leaves out the top share by loss",
        make: |scope, share| Ok(Box::new(TopShare::new(scorers::loss(scope)?, share))),
    },
    Policy {
        name: "direction",
        about: "leaves out the top share by direction",
        make: |scope, share| Ok(Box::new(TopShare::new(scorers::direction(scope)?, share))),
    },
    Policy {
        name: "sieve",
        about: "leaves out what the sieve flags at that rate",
        make: |scope, share| Ok(Box::new(Flagged::new(scope, share)?)),
    },
    Policy { name: "ceiling", about: "leaves out the wrong ones", make: |_, _| Ok(Box::new(Ceiling)) },
];

struct All;

impl Guard for All {
    fn decide(&mut self, _: &Seen<'_>, _: bool) -> Result<Decision, Error> {
        Ok(Decision::silent(true))
    }
}

struct Ceiling;

impl Guard for Ceiling {
    fn decide(&mut self, _: &Seen<'_>, wrong: bool) -> Result<Decision, Error> {
        Ok(Decision::silent(!wrong))
    }
}

/// Leaves out what the sieve flags. Its rate is the true share, as for the others, and it
/// has as long a memory and a warm-up as they have.
///
/// Duplicates are not looked for: drawn samples have some, and none of them is wrong.
struct Flagged(BySieve);

impl Flagged {
    fn new(scope: &Scope, share: f64) -> Result<Self, Error> {
        let settings = SieveSettings {
            rate: Rate::FalseAlarms(share as f32),
            half_life: Some(LAST as u32),
            guards: Guards { duplicates: 0, ..Guards::ALL },
            warm_up: LAST as u32,
            ..Question::USUAL.settings
        };
        Ok(Self(BySieve::new(Question::by(settings), scope)?))
    }
}

impl Guard for Flagged {
    fn decide(&mut self, seen: &Seen<'_>, _: bool) -> Result<Decision, Error> {
        let (verdict, alarm) = self.0.take(seen)?;
        let p = Some(f64::from(verdict.p));
        Ok(Decision { keeps: !verdict.flagged, p, reasons: verdict.reasons, alarm })
    }
}

/// Leaves out what scores above all but a share of the last 500. The share is the true
/// one, which nobody knows outside an experiment.
struct TopShare {
    scorer: Box<dyn Scorer>,
    share: f64,
    last: VecDeque<f64>,
}

/// Scores that the top share is taken of.
const LAST: usize = 500;

impl TopShare {
    fn new(scorer: Box<dyn Scorer>, share: f64) -> Self {
        Self { scorer, share, last: VecDeque::with_capacity(LAST + 1) }
    }
}

impl Guard for TopShare {
    fn decide(&mut self, seen: &Seen<'_>, _: bool) -> Result<Decision, Error> {
        let score = self.scorer.judge(seen)?.score;
        self.scorer.observe(seen)?;
        let above = self.last.iter().filter(|last| **last >= score).count();
        let keeps = self.last.len() < LAST || above as f64 >= self.share * LAST as f64;
        self.last.push_back(score);
        if self.last.len() > LAST {
            self.last.pop_front();
        }
        Ok(Decision::silent(keeps))
    }
}
