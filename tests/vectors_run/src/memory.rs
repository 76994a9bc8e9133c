//! What the runner works in.

use half::{bf16, f16};

use crate::input::LONGEST;

/// An operand in each format.
#[derive(Debug)]
pub struct Operand {
    pub(crate) f32: [f32; LONGEST],
    pub(crate) f16: [f16; LONGEST],
    pub(crate) bf16: [bf16; LONGEST],
}

/// Scores that any case has: of 48 rows and eleven queries.
pub(crate) const SCORES: usize = 48 * 11;

/// What the runner works in: 382 KiB.
#[derive(Debug)]
pub struct Memory {
    pub(crate) x: Operand,
    pub(crate) y: Operand,
    pub(crate) z: Operand,
    pub(crate) out: [f32; LONGEST],
    /// Codes of a row, or of open rows.
    pub(crate) codes: [u8; LONGEST],
    /// Codes of sealed rows.
    pub(crate) sealed: [u8; LONGEST],
    /// Quantised queries.
    pub(crate) scratch: [u8; LONGEST],
    /// Signs of open rows.
    pub(crate) words: [u32; 512],
    /// Signs of sealed rows.
    pub(crate) sealed_words: [u32; 512],
    pub(crate) scores: [f32; SCORES],
    /// Signs of queries.
    pub(crate) query_words: [u32; 128],
    pub(crate) distances: [u32; SCORES],
}

impl Memory {
    /// Memory that holds nothing yet.
    #[must_use]
    #[allow(
        clippy::large_stack_arrays,
        clippy::new_without_default,
        reason = "the caller says where it stands"
    )]
    pub const fn new() -> Self {
        const NONE: Operand =
            Operand { f32: [0.0; LONGEST], f16: [f16::ZERO; LONGEST], bf16: [bf16::ZERO; LONGEST] };
        Self {
            x: NONE,
            y: NONE,
            z: NONE,
            out: [0.0; LONGEST],
            codes: [0; LONGEST],
            sealed: [0; LONGEST],
            scratch: [0; LONGEST],
            words: [0; 512],
            sealed_words: [0; 512],
            scores: [0.0; SCORES],
            query_words: [0; 128],
            distances: [0; SCORES],
        }
    }
}
