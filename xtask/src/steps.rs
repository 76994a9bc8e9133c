//! The one list of steps.

use crate::step::Step;
use crate::{docs, fmt, imports, lint, tables, test, wrap};

/// All steps, in the order in which the whole check runs those that belong to it.
pub(crate) const STEPS: &[Step] =
    &[fmt::STEP, wrap::STEP, tables::STEP, imports::STEP, lint::STEP, test::STEP, docs::STEP];
