//! What took the steps of a recorded run: the form that follows them, and how far the
//! steps are from it where the run says what its parameters did.

use gradsieve::influence::{Fit, SgdForm, StepProducts};

use super::super::{CommandError, console};
use super::recorded::Recorded;
use gradsieve_io::files::{Reduction, RunFile, RunOptimizer};

/// From which share on it is said that the steps are not the form's: rounding to `f32`
/// stays far below it.
const APART: f64 = 0.05;

/// Settings that must be the same for all parameters.
const UNIFORM: [&str; 6] = ["lr", "momentum", "dampening", "nesterov", "weight_decay", "maximize"];

/// The form that a run is followed by.
pub(super) struct Form {
    /// SGD, as its authors say, or as is assumed.
    pub(super) sgd: SgdForm,
    /// Whether the optimizer saw a mean over each batch.
    is_mean: bool,
    /// The optimizer, if the run names one that is not this.
    other: Option<String>,
}

impl Form {
    /// Of a run that says what its optimizer was, or does not: plain SGD then.
    pub(super) fn of(run: Option<&RunFile>) -> Self {
        let plain = Self { sgd: SgdForm::default(), is_mean: true, other: None };
        let Some(RunFile { optimizer, reduction }) = run else { return plain };
        let RunOptimizer { name, momentum, dampening, weight_decay, nesterov, maximize, varies } = optimizer;
        let is_mean = *reduction == Reduction::Mean;
        let unlike = varies.iter().find(|setting| UNIFORM.contains(&setting.as_str()));
        let other = match (name.as_str(), unlike) {
            ("SGD", Some(setting)) => Some(format!("SGD with several values of {setting}")),
            ("SGD", None) if *dampening > 0.0 => Some("SGD with dampening".to_owned()),
            ("SGD", None) if *maximize => Some("SGD up the gradient".to_owned()),
            ("SGD", None) => None,
            (name, _) => Some(name.to_owned()),
        };
        if other.is_some() {
            return Self { is_mean, other, ..plain };
        }
        let (momentum, weight_decay) = (*momentum, *weight_decay);
        let nesterov = *nesterov && momentum > 0.0;
        Self { sgd: SgdForm { momentum, nesterov, weight_decay, ..plain.sgd }, is_mean, other }
    }

    /// Whether steps are those of SGD without momentum or decay.
    pub(super) fn is_plain(&self) -> bool {
        self.sgd == SgdForm::default()
    }

    /// What the mean over a batch of so many divides by, if the optimizer saw a mean.
    pub(super) fn divisor(&self, samples: usize) -> f32 {
        if self.is_mean { samples.max(1) as f32 } else { 1.0 }
    }

    fn name(&self) -> String {
        let SgdForm { momentum, nesterov, weight_decay, .. } = self.sgd;
        let momentum = match (momentum > 0.0, nesterov) {
            (false, _) => None,
            (true, false) => Some(format!("momentum {momentum}")),
            (true, true) => Some(format!("Nesterov's momentum {momentum}")),
        };
        let decay = (weight_decay > 0.0).then(|| format!("weight decay {weight_decay}"));
        match (momentum, decay) {
            (None, None) => "plain SGD".to_owned(),
            (Some(one), None) | (None, Some(one)) => format!("SGD with {one}"),
            (Some(one), Some(two)) => format!("SGD with {one} and {two}"),
        }
    }

    /// How far the steps are from the form; none where the run does not say.
    fn residual(&self, run: &Recorded) -> Result<Option<f64>, CommandError> {
        let mut fit = Fit::new();
        let rate = |number: usize| {
            run.rates.get(number).map(|&(rate, samples)| rate * f64::from(self.divisor(samples)))
        };
        for (name, number, products) in &run.products {
            let products = StepProducts::new(*products).map_err(CommandError::core(name))?;
            let before = number.checked_sub(1).and_then(rate);
            // Seen from the middle of the run, its velocity is not known.
            if before.is_some() && self.sgd.momentum > 0.0 && products.is_first() {
                continue;
            }
            let own = rate(*number).unwrap_or(0.0);
            fit.observe_products(&self.sgd, own, before, &products).map_err(CommandError::core(name))?;
        }
        Ok(fit.residual())
    }

    /// Says where the form of a method is not what took the steps: `assumed` is what the
    /// method follows.
    ///
    /// # Errors
    /// Products that are none.
    pub(super) fn say(&self, run: &Recorded, what: &str, method: &str) -> Result<(), CommandError> {
        let name = self.name();
        if let Some(other) = &self.other {
            console::remark(format!(
                "{what} was made by {other}: {method} follows {name} here, so its influences are not exact"
            ));
        }
        if let Some(residual) = self.residual(run)?.filter(|residual| *residual > APART) {
            let why = match self.other {
                Some(_) => "",
                None => ": by momentum, Adam, a clipped gradient or another learning rate",
            };
            console::remark(format!(
                "the steps of {what} differ from those of {name} by {:.0} %{why}; {method} assumes {name} here",
                100.0 * residual
            ));
        }
        Ok(())
    }

    /// The same for a method that knows plain SGD alone.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub(super) fn say_of_plain(&self, run: &Recorded, what: &str, method: &str) -> Result<(), CommandError> {
        let other = self.other.clone().or_else(|| (!self.is_plain()).then(|| self.name()));
        Self { sgd: SgdForm::default(), is_mean: self.is_mean, other }.say(run, what, method)
    }
}
