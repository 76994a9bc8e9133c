//! The report: an [`Outcome`](crate::demo::Outcome) as one HTML file that explains
//! itself, and as the picture of the README.
//!
//! The page needs nothing outside it: no script, no font, no image file. It follows the
//! reader's light or dark setting, fits a phone, and prints. Plots are SVG in the page's
//! own colours, so a style sheet says once what a curve looks like. The room reads an
//! outcome and computes nothing about detectors that is not in it; it may import `demo`,
//! `truth` and `measures`, and no other room imports it.
//!
//! | file | what |
//! |---|---|
//! | `writing` | the files: written beside its place, then renamed |
//! | `page` | the page: headline, key figures, the parts in order, how to read them |
//! | `table` | one row a detector, and what each column means |
//! | `roc` | ROC curves: the whole square, and its left edge enlarged |
//! | `distributions` | scores of clean and of flipped samples, one panel a detector |
//! | `accuracy` | test accuracy before, after each detector, and the ceiling |
//! | `guarded` | training with a sieve in the loop: p-values, alarms, what was left out and why |
//! | `suspects` | the most suspicious samples, as pictures, a scatter plot or a table |
//! | `picture` | the README's picture |
//! | `fidelity` | the picture of `truth`: methods against ground truth |
//! | `panels` | the figures of methods against ground truth |
//! | `sketches` | the picture of what sketches lose over K |
//! | `stacked` | the sheet of `fidelity` and `stream_map`: panels one below the other |
//! | `stream_map` | the picture of who finds which corruption in streams |
//! | `streams` | the figures of streams and of training with a guard |
//! | `error` | why a report could not be written |

mod accuracy;
mod breakdown;
mod distributions;
mod error;
mod fidelity;
mod guarded;
mod page;
mod panels;
mod picture;
mod roc;
mod sketches;
mod stacked;
mod stream_map;
mod streams;
mod suspects;
mod table;
mod writing;

pub use breakdown::{breakdown, factor, percent};
pub use error::ReportError;
pub use fidelity::fidelity;
pub use page::page;
pub use panels::panels;
pub use picture::picture;
pub use sketches::sketches;
pub use stream_map::stream_map;
pub use streams::{in_loop, streams};
pub use writing::{FILE_NAME, PICTURE_NAME, write, write_fidelity, write_figures};
