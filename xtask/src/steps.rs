//! The one list of steps.

use crate::step::Step;
use crate::{
    bare, cortex_m, demo, docs, fmt, imports, lint, memory, numpy, size, tables, targets, test, wrap,
};

/// All steps, in the order in which the whole check runs those that belong to it.
pub(crate) const STEPS: &[Step] = &[
    fmt::STEP,
    wrap::STEP,
    tables::STEP,
    imports::STEP,
    lint::STEP,
    test::STEP,
    docs::STEP,
    demo::STEP,
    numpy::STEP,
    bare::STEP,
    cortex_m::STEP,
    size::STEP,
    memory::STEP,
    targets::STEP,
];
