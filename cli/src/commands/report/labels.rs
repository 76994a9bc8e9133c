//! Labels of samples: those that were given, those that a model predicts, and what they
//! are called.

use std::collections::BTreeSet;
use std::path::Path;

use super::plan::Plan;
use crate::commands::CommandError;
use crate::commands::inputs::refuse;
use gradsieve_io::files::{FileError, Groups, Label, read_groups};

/// Labels in one numbering.
pub(super) struct Labels {
    pub(super) given: Vec<u32>,
    pub(super) predicted: Option<Vec<u32>>,
    pub(super) names: Vec<String>,
}

impl Labels {
    /// The labels of the groups, beside what is predicted for the rows of `other`.
    ///
    /// # Errors
    /// Files that cannot be read, or that do not fit.
    pub(super) fn new(plan: &Plan, groups: &Groups, other: &str) -> Result<Self, CommandError> {
        let read = |source| read_groups(source, other, groups.of().len());
        let predicted = plan.predicted.as_ref().map(read).transpose()?;
        let all = [Some(groups), predicted.as_ref()];
        let labels: BTreeSet<&Label> = all.into_iter().flatten().flat_map(Groups::labels).collect();
        let labels: Vec<&Label> = labels.into_iter().collect();
        let numbered = |groups: &Groups| -> Vec<u32> {
            let number = |label| labels.binary_search(&label).map_or(u32::MAX, |place| place as u32);
            let numbers: Vec<u32> = groups.labels().iter().map(number).collect();
            groups.of().iter().map(|&group| numbers[group as usize]).collect()
        };
        let classes = plan.classes.as_deref().map(names).transpose()?.unwrap_or_default();
        let name = |label: &Label| match label {
            Label::Number(number) => {
                let class = usize::try_from(*number).ok().and_then(|number| classes.get(number));
                class.cloned().unwrap_or_else(|| label.text())
            }
            Label::Name(_) => label.text(),
        };
        Ok(Self {
            given: numbered(groups),
            predicted: predicted.as_ref().map(numbered),
            names: labels.iter().map(|label| name(label)).collect(),
        })
    }
}

/// Bytes of a file of names.
const LARGEST: u64 = 1 << 20;

/// The lines of a file.
fn names(path: &Path) -> Result<Vec<String>, CommandError> {
    let file = path.display().to_string();
    let failed = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::NotFound => FileError::Missing { file: file.clone() },
        _ => FileError::Io { file: file.clone(), action: "read", cause },
    };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > LARGEST {
        return refuse("--classes", "a text of at most 1 MiB", format!("{bytes} bytes in {file}"));
    }
    Ok(std::fs::read_to_string(path).map_err(failed)?.lines().map(str::to_owned).collect())
}
