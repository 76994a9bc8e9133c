//! What a table of results has in its cells.

use serde::Serialize;

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// Whole numbers from 0 on.
    Whole,
    /// `f32`.
    Float,
    /// `f64`.
    Double,
    /// True or false.
    Flag,
    /// Texts.
    Text,
}

/// One cell of a row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell<'a> {
    /// Of a column of [`CellKind::Whole`].
    Whole(u64),
    /// Of [`CellKind::Float`].
    Float(f32),
    /// Of [`CellKind::Double`].
    Double(f64),
    /// Of [`CellKind::Flag`].
    Flag(bool),
    /// Of [`CellKind::Text`].
    Text(&'a str),
}
