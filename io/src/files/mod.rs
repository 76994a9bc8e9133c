//! Arrays of gradients on disk: `.npy` and `.safetensors` come in as streams of rows,
//! results go out as `.npy`, `.safetensors` and `.parquet` that appear whole or not at
//! all.
//!
//! But for the steps of a recorded run, nothing here reads a file whole or maps it: a
//! [`Matrix`] hands its values over in [`Piece`]s of at most 256 KiB, so gigabytes pass
//! through two mebibytes of memory. Every refusal is a [`FileError`] whose text is one
//! sentence that names the file, what was wrong and what was expected; no input makes
//! this module panic.
//!
//! This module knows arrays only. It may not import `store`, nor the core or the kernels:
//! what the numbers mean is the business of whoever reads them.
//!
//! Reading order: [`Source`] (an argument) → `array` (an opened array, by way of `npy`,
//! `safetensors` and `bergson`) → [`Matrix`], [`read_groups`], [`read_ids`] or
//! [`read_numbers`]; then
//! [`Destination`] → [`ArrayWriter`]. Apart from these stand a recorded run's
//! [`StepFile`]s and [`RunFile`].

mod array;
mod array_writer;
mod bergson;
mod bytes;
mod cells;
mod chunks;
mod column;
mod destination;
mod element;
mod error;
mod gather;
mod groups;
mod info;
mod items;
mod labels;
mod lengths;
mod matrix;
mod measures;
mod measures_writer;
#[cfg(not(feature = "parquet"))]
mod no_parquet;
mod npy;
mod npz;
mod numbers;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_cells;
mod partial;
mod piece;
mod run;
mod safetensors;
mod safetensors_writer;
mod shards;
mod source;
mod step;
mod table;

pub use array_writer::ArrayWriter;
pub use cells::{Cell, CellKind};
pub use chunks::PIECE_ALIGNMENT;
pub use destination::{Destination, Output, refuse_overwrite};
pub use element::Dtype;
pub use error::{FileError, Shape};
pub use groups::{Groups, Label, read_groups, read_ids, read_sample_ids};
pub use info::{FileInfo, FileKind, TensorInfo, info};
pub use items::{ItemValues, Items};
pub use lengths::{check_columns, check_rows};
pub use matrix::Matrix;
pub use measures::{Measures, read_measures};
pub use measures_writer::write_measures;
#[cfg(not(feature = "parquet"))]
pub use no_parquet::{ParquetTable, ParquetWriter};
pub use numbers::read_numbers;
#[cfg(feature = "parquet")]
pub use parquet::ParquetWriter;
#[cfg(feature = "parquet")]
pub use parquet_cells::ParquetTable;
pub use partial::{Partial, remove_partial_files};
pub use piece::Piece;
pub use run::{RUN_FILE, Reduction, RunFile, RunOptimizer};
pub use safetensors_writer::{NamedTensor, write_safetensors};
pub use source::Source;
pub use step::{StepFactors, StepFile, StepGradients, StepRows, step_files};
pub use table::TableRow;
