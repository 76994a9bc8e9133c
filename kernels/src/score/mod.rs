//! Scoring stored rows against queries: ⟨row, query⟩ for many rows and a few queries at
//! once.
//!
//! | codec | file | a score |
//! |---|---|---|
//! | `f32`, `f16`, `bf16` | [`float`] | Σ xᵢ·qᵢ |
//! | int8 | [`int8`] | (Σ cᵢ·dᵢ) · row's scale · query's scale; the sum is exact |
//! | 1, 2, 4 bits | [`bits`] | (Σ levelᵢ·dᵢ) · row's scale · query's scale; the sum is exact |
//! | 1 bit, against signs | [`hamming`] | in how many places the signs differ; exact |
//!
//! Each codec has two layouts, with **the same bits**, so that sealing a segment never
//! changes a score. An *open* segment holds row after row. A *sealed* one holds groups of
//! [`GROUP`] = 16 rows, of which the values of one place stand side by side, so that a
//! score is a lane and nothing is summed across lanes.
//!
//! # The order of a score
//! Floating-point sums are 16 partial sums: term *i* goes to partial sum *i* mod 16, in
//! index order; the sixteen are folded 16→8→4→2→1 by adding the upper half to the lower.
//! A product is rounded, then added. So |computed − exact| ≤ (⌈k/16⌉ + 5)·2⁻²⁴·Σ|xᵢ·qᵢ|
//! while nothing underflows.
//!
//! Why this order serves both layouts: row by row, the 16 partial sums are the lanes of
//! one register, which is the fastest way there is. Place by place, a partial sum is one
//! lane's sequential sum, provided that the places of one partial sum follow each other.
//! That is how a sealed group is laid out: places 0, 16, 32, …, then 8, 24, …, and so on
//! in the order in which the fold takes the partial sums ([`ORDER`]); whenever two sums
//! that the fold adds are there, they are added. So at most five registers a score are
//! alive, of which four rest in memory, and the fold costs one addition in ⌈k/16⌉
//! multiply–adds. Sequential sums over a whole row would be simpler in a sealed group,
//! but an open row could not be summed in registers of more than one lane; the canonical
//! sum of the other kernels ([`crate::sum`]) has 64 partial sums, which would quadruple
//! the fold's part here.

pub mod bits;
pub mod float;
pub mod hamming;
pub mod int8;

pub use crate::layout::order::{GROUP, LANES, ORDER};
