//! The one list of steps.

use crate::step::Step;
use crate::{
    api, bare, book, capi, cortex_m, coverage, demo, deny, devices, docs, examples, features, firmware, fmt,
    frameworks, fuzz, imports, lint, locks, memory, mutants, numpy, package, python, riscv32, size, tables,
    targets, test, wasm, wrap,
};

/// All steps, in the order in which the whole check runs those that belong to it.
pub(crate) const STEPS: &[Step] = &[
    fmt::STEP,
    wrap::STEP,
    tables::STEP,
    locks::STEP,
    imports::STEP,
    api::STEP,
    package::STEP,
    lint::STEP,
    test::STEP,
    docs::STEP,
    book::STEP,
    demo::STEP,
    examples::STEP,
    deny::STEP,
    numpy::STEP,
    bare::STEP,
    features::STEP,
    capi::STEP,
    cortex_m::STEP,
    firmware::STEP,
    riscv32::STEP,
    size::STEP,
    memory::STEP,
    wasm::STEP,
    python::STEP,
    fuzz::STEP,
    targets::STEP,
    coverage::STEP,
    mutants::STEP,
    frameworks::STEP,
    devices::STEP,
];
