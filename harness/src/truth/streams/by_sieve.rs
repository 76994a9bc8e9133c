//! The sieve as a scorer of a stream.

use gradsieve::{Alarm, Error, Groups, Memory, Sieve, SieveSettings, Sketch, Verdict};

use super::scorer::{Judgement, Scope, Scorer};
use super::stream::Seen;

/// What of a verdict is the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ranking {
    /// Its score.
    Score,
    /// −ln p, to which the guards have their say.
    P,
}

/// How a sieve is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Question {
    /// What it decides by; groups and width are those of the stream.
    pub(super) settings: SieveSettings,
    /// Whether it is told the losses.
    pub(super) with_loss: bool,
    pub(super) ranking: Ranking,
}

impl Question {
    /// By score, with the loss, at 1 %, and nothing is forgotten.
    pub(super) const USUAL: Self =
        Self { settings: SieveSettings::new(0), with_loss: true, ranking: Ranking::Score };

    /// As usual, but by these settings.
    pub(super) const fn by(settings: SieveSettings) -> Self {
        Self { settings, ..Self::USUAL }
    }

    const fn settings(self, scope: &Scope) -> SieveSettings {
        SieveSettings { groups: Groups::Fixed(scope.groups), width: scope.width, ..self.settings }
    }

    /// What the sieve and its buffer take.
    pub(super) const fn memory(self, scope: &Scope) -> Memory {
        Memory { i64s: self.settings(scope).bytes().div_ceil(8), ..Memory::NONE }
    }
}

/// A sieve, and its last verdict.
pub(super) struct BySieve {
    question: Question,
    sieve: Sieve<Vec<i64>>,
    last: Option<Verdict>,
    alarm: bool,
}

impl BySieve {
    pub(super) fn new(question: Question, scope: &Scope) -> Result<Self, Error> {
        let settings = question.settings(scope);
        let sieve = Sieve::new(settings, vec![0; settings.memory().i64s])?;
        Ok(Self { question, sieve, last: None, alarm: false })
    }

    /// Judges a sample and learns it at once.
    pub(super) fn take(&mut self, seen: &Seen<'_>) -> Result<(Verdict, Option<Alarm>), Error> {
        let sketch = self.shown(seen);
        let verdict = self.sieve.judge(&sketch)?;
        Ok((verdict, self.sieve.observe(&sketch, &verdict)?))
    }

    /// The sketch as the sieve is to see it.
    const fn shown<'a>(&self, seen: &Seen<'a>) -> Sketch<'a> {
        if self.question.with_loss { seen.sketch } else { Sketch { loss: None, ..seen.sketch } }
    }
}

impl Scorer for BySieve {
    /// An alarm is told with the sample after the one that raised it.
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error> {
        let verdict = self.sieve.judge(&self.shown(seen))?;
        self.last = Some(verdict);
        let p = f64::from(verdict.p);
        let score = match self.question.ranking {
            Ranking::Score => f64::from(verdict.score),
            Ranking::P => -libm::log(p.max(f64::MIN_POSITIVE)),
        };
        let alarm = Some(core::mem::take(&mut self.alarm));
        Ok(Judgement { p: Some(p), flagged: Some(verdict.flagged), alarm, ..Judgement::score(score) })
    }

    fn observe(&mut self, seen: &Seen<'_>) -> Result<(), Error> {
        let sketch = self.shown(seen);
        let verdict = match self.last.take() {
            Some(verdict) => verdict,
            None => self.sieve.judge(&sketch)?,
        };
        self.alarm |= self.sieve.observe(&sketch, &verdict)?.is_some();
        Ok(())
    }
}
