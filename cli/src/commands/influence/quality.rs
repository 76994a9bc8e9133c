//! What is known of solutions, and when that is too little for scores to be written.

use gradsieve::influence::Progress;
use serde::Serialize;

use super::Method;
use crate::commands::console;

/// The largest condition number of a second moment whose solutions are taken for exact.
/// In `f64` they are then off by less than 10⁻⁴ of the largest influence.
const WORST_CONDITION: f64 = 1e10;

/// What is known of the solutions of all targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Quality {
    /// Of an iteration.
    Passes(Convergence),
    /// Of a matrix that was factorised.
    Matrix { condition: f64, singular: bool },
}

/// How far an iteration has come, over all targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Convergence {
    passes: u32,
    residual: f64,
    converged: bool,
    #[serde(skip)]
    stagnant: bool,
    #[serde(skip)]
    enough: u32,
}

impl Convergence {
    /// Of no targets yet.
    pub(super) const NEW: Self =
        Self { passes: 0, residual: 0.0, converged: true, stagnant: false, enough: 0 };

    /// Takes in how far that of more targets has come.
    pub(super) fn add(&mut self, progress: Progress) {
        self.passes = self.passes.max(progress.passes);
        self.residual = self.residual.max(progress.residual);
        self.converged &= progress.converged;
        self.stagnant |= progress.stagnant;
        self.enough = self.enough.max(progress.enough);
    }
}

impl Quality {
    /// The less reliable of two, of one method.
    pub(super) fn worse(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Matrix { condition, singular },
                Self::Matrix { condition: other, singular: other_singular },
            ) => Self::Matrix { condition: condition.max(other), singular: singular | other_singular },
            _ => other,
        }
    }

    /// Why scores by these solutions are not known to be right, and what to do; nothing
    /// if they are.
    pub(super) fn doubt(self, method: Method) -> Option<String> {
        match self {
            Self::Matrix { condition, .. } if condition > WORST_CONDITION => Some(format!(
                "{}: expected a condition number of {} below {WORST_CONDITION:.0e}, found \
                 about {condition:.0e}, with which influences may be off by more than 1e-4 of the largest; a \
                 larger --damping is safer",
                method.name(),
                if method == Method::Gif { "the normal equations" } else { "the damped second moment" },
            )),
            Self::Passes(convergence) if !convergence.converged => Some(convergence.doubt(method)),
            _ => None,
        }
    }
}

impl Convergence {
    fn doubt(self, method: Method) -> String {
        let Self { passes, residual, stagnant, enough, .. } = self;
        let (name, residual) = (method.name(), console::significant(residual));
        if method == Method::Arnoldi {
            return format!(
                "{name} has not converged after {passes} passes: C times a solution is {residual} of the target's part \
                 along the kept eigenvectors away from it; more --passes or a smaller --keep bring it nearer, a \
                 larger --tolerance is content with it"
            );
        }
        if method == Method::EkFac {
            return format!(
                "{name}: a target's residual is {residual} of its length, because the damping is too small for the \
                 range of eigenvalues; a larger --damping brings it nearer, a larger --tolerance is content with it"
            );
        }
        let found = format!(
            "{name} has not converged after {passes} passes: a target's residual is {residual} of its length"
        );
        if stagnant {
            format!(
                "{found}, and rounding keeps it there; a larger --damping brings it nearer, a larger \
                 --tolerance is content with it"
            )
        } else if enough > passes && enough < u32::MAX {
            let about = if method == Method::Cg { "about " } else { "" };
            format!(
                "{found}; {about}{enough} --passes would be enough, a larger --damping takes fewer, a larger \
                 --tolerance is content with less"
            )
        } else {
            format!(
                "{found}; --passes takes more, a larger --damping needs fewer, a larger --tolerance is \
                 content with less"
            )
        }
    }
}
