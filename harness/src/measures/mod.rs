//! Measures: what a ranking of samples is worth when the truth is known.
//!
//! Plain functions of slices, in f64, that know nothing of models or data: the room
//! imports no other. Throughout, a *score* is larger for a more suspicious sample, and
//! `truth[i]` says that sample i really is what is looked for (a flipped label). Ties
//! count half, by mid-ranks or by grouping: no result depends on the order in which equal
//! scores stand, but for [`flagged`], which must choose and says how.
//!
//! | file | what |
//! |---|---|
//! | [`roc`] | area under the ROC curve, and the curve's points |
//! | [`mod@average_precision`] | area under the precision–recall steps |
//! | [`mod@pearson`], [`mod@spearman`] | correlation of values, and of ranks |
//! | [`budget`] | the top-m flags: how many are right, how accurate they are over all samples |
//! | [`ranks`] | mid-ranks |
//! | [`visits`] | one number a sample that was visited several times |

pub mod average_precision;
pub mod budget;
pub mod error;
pub mod pearson;
pub mod ranks;
pub mod roc;
pub mod spearman;
pub mod visits;

pub use average_precision::average_precision;
pub use budget::{flag_accuracy, flagged, found_in_budget};
pub use error::MeasureError;
pub use pearson::pearson;
pub use ranks::mid_ranks;
pub use roc::{RocPoint, auroc, roc_curve};
pub use spearman::spearman;
pub use visits::mean_over_visits;
