//! A published file, and the kernels that it holds.

use core::fmt;

use crate::answers::Answers;
use crate::input::Case;
use crate::memory::Memory;
use crate::record::Record;

/// The kernels of one published file.
#[derive(Clone, Copy, Debug)]
pub struct Family<'p> {
    /// The file's name, without `.json`.
    pub name: &'static str,
    /// What stands in that file.
    pub published: &'p str,
    /// Its kernels, in the file's order.
    pub kernels: &'static [Kernel],
}

/// A kernel by name, and how it is called.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its name in the file.
    pub name: &'static str,
    /// Runs it on a case.
    pub run: fn(Answers, &Case, &mut Memory, &mut Record<'_>) -> fmt::Result,
}

/// A kernel and its name.
pub(crate) const fn kernel(
    name: &'static str,
    run: fn(Answers, &Case, &mut Memory, &mut Record<'_>) -> fmt::Result,
) -> Kernel {
    Kernel { name, run }
}
