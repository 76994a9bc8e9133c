//! A file of gradients as a stream of finished sketches: what every command reads.
//!
//! Pieces of rows go through the projection as they come from the disk, so memory is K
//! numbers, however long a row is. f16, bf16 and f32 go in as they are; f64 is rounded to
//! f32 piece by piece.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | the projection as the command line says it |
//! | `kind` | projections by name |
//! | `shape` | layers of a gradient |
//! | `projection` | the one that they name, chosen at run time |
//! | `settings` | how sketches were made, as their file says it |
//! | `file` | a file of gradients or a store, opened |
//! | `compare` | whether two of them can be compared |
//! | `pass` | one pass over it |
//! | `range` | rows that are not finite, or too large for `f32` |
//! | `limits` | what is too much for memory |
//!
//! May import `files`, `store`, the core, and of the commands only their errors and the
//! console; knows no command.

mod arguments;
mod compare;
mod file;
mod kind;
mod limits;
mod pass;
mod projection;
mod range;
mod settings;
mod shape;

pub use arguments::{Holds, ProjectionArguments, Repetitions};
pub use file::Rows;
pub use projection::Projection;
pub use settings::SketchSettings;
pub(super) use settings::told;
pub use shape::LayerShape;

pub(super) use compare::check_pair;
pub(super) use limits::{EXACT_COLUMNS, check_matrix_width, filled, reserved, zeros};
pub(super) use pass::is_finite;
pub(super) use projection::Ready;
