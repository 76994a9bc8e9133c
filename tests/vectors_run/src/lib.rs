//! Runs the kernels on inputs that any language can make, and writes what they answer, or
//! compares it with what is published.
//!
//! The published vectors (`tests/vectors/*.json`, described in the README beside them)
//! are this crate's own output by [`Answers::Spec`]. To check a level, target or machine,
//! the same text is written again and compared, letter by letter, with the
//! published one; so there is one text and nothing to parse. Every number has a fixed
//! width, so that a wrong one spoils the comparison of its own kernel only.
//!
//! `no_std`, no heap: the caller lends a [`Memory`].
//!
//! - `input.rs` makes the inputs, by integer arithmetic;
//! - `record.rs` spells answers out or hashes them;
//! - `families/` says how each kernel is called, one file a family. A new kernel is one
//!   function and one line in its table; a new family is one file and one line in
//!   [`FAMILIES`].
#![no_std]

mod answers;
pub mod families;
mod family;
pub mod input;
mod memory;
pub mod record;

pub use answers::Answers;
pub use family::{Family, Kernel};
pub use memory::{Memory, Operand};

use core::fmt::{self, Write};
use input::{Case, LONG_CASES, SMALL_CASES};
use record::Record;

/// The families, each with its published text. Not a constant, so that the code which
/// they name is compiled here, and not again by whoever uses them.
pub static FAMILIES: [Family; 18] = [
    families::dot::FAMILY,
    families::norm::FAMILY,
    families::pair::FAMILY,
    families::summary::FAMILY,
    families::axpy::FAMILY,
    families::matrix::FAMILY,
    families::convert::FAMILY,
    families::sjlt::FAMILY,
    families::srht::FAMILY,
    families::mask::FAMILY,
    families::fold::FAMILY,
    families::rademacher::FAMILY,
    families::gaussian::FAMILY,
    families::hadamard::FAMILY,
    families::codec::FAMILY,
    families::score::FAMILY,
    families::hamming::FAMILY,
    families::hash::FAMILY,
];

/// Writes a family's file with such answers.
///
/// # Errors
/// Those of `to`.
pub fn write(family: &Family, by: Answers, memory: &mut Memory, to: &mut dyn Write) -> fmt::Result {
    head(family, to)?;
    for (i, kernel) in family.kernels.iter().enumerate() {
        body(i, kernel, by, memory, to)?;
    }
    to.write_str(TAIL)
}

/// Computes every kernel of a family and tells `report` its name and whether the
/// published text was reproduced. Returns whether all was.
pub fn check(family: &Family, by: Answers, memory: &mut Memory, mut report: impl FnMut(&str, bool)) -> bool {
    let mut compare = Compare { expected: family.published.as_bytes(), equal: true };
    let mut all = head(family, &mut compare).is_ok() && compare.equal;
    for (i, kernel) in family.kernels.iter().enumerate() {
        compare.equal = true;
        let equal = body(i, kernel, by, memory, &mut compare).is_ok() && compare.equal;
        report(kernel.name, equal);
        all &= equal;
    }
    compare.equal = true;
    all && compare.write_str(TAIL).is_ok() && compare.equal && compare.expected.is_empty()
}

fn head(family: &Family, to: &mut dyn Write) -> fmt::Result {
    write!(to, "{{\n\"family\": \"{}\",\n\"kernels\": [", family.name)
}

const TAIL: &str = "\n]\n}\n";

fn body(i: usize, kernel: &Kernel, by: Answers, memory: &mut Memory, to: &mut dyn Write) -> fmt::Result {
    let comma = if i == 0 { "" } else { "," };
    write!(to, "{comma}\n{{\"name\": \"{}\",\n \"small\": [", kernel.name)?;
    for number in 0..SMALL_CASES {
        let case = Case::small(number);
        let comma = if number == 0 { "" } else { "," };
        write!(to, "{comma}\n  {{\"case\": {number}, \"kind\": \"{}\", \"seed\": ", case.kind.name())?;
        write!(to, "\"{:#018x}\", \"length\": {}, \"start\": {}", case.seed, case.length, case.start)?;
        (kernel.run)(by, &case, memory, &mut Record::spell(to))?;
        to.write_str("}")?;
    }
    let mut record = Record::hash();
    for number in 0..LONG_CASES {
        (kernel.run)(by, &Case::long(number), memory, &mut record)?;
    }
    write!(to, "],\n \"long\": {{\"cases\": {LONG_CASES}, \"hash\": \"{:#018x}\"}}}}", record.value())
}

/// Takes text and compares it with what is expected.
struct Compare<'a> {
    expected: &'a [u8],
    equal: bool,
}

impl Write for Compare<'_> {
    fn write_str(&mut self, found: &str) -> fmt::Result {
        let (expected, rest) = self.expected.split_at(found.len().min(self.expected.len()));
        self.equal &= expected == found.as_bytes();
        self.expected = rest;
        Ok(())
    }
}
