//! What is to be done, checked before a file is opened.

use super::arguments::{DetectorName, OutliersArguments};
use crate::commands::CommandError;
use crate::commands::given::Use;
use crate::commands::inputs::refuse_inputs;
use crate::commands::rows::ProjectionArguments;
use gradsieve_io::files::{Destination, Source};

/// A command line that makes sense.
pub(super) struct Plan {
    pub(super) detector: DetectorName,
    pub(super) grads: Source,
    pub(super) projection: ProjectionArguments,
    pub(super) groups: Option<Source>,
    pub(super) contamination: f64,
    pub(super) clip: Option<f32>,
    pub(super) output: Option<Destination>,
    pub(super) json: bool,
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that does not suit the
    /// others; an output that is an input.
    pub(super) fn new(arguments: OutliersArguments) -> Result<Self, CommandError> {
        arguments.given.refuse_unread(uses(&arguments))?;
        let OutliersArguments {
            grads, output, detector, projection, groups, contamination, clip, json, ..
        } = arguments;
        if !(0.0..=1.0).contains(&contamination) {
            return refuse("--contamination", "a share from 0 to 1", contamination.to_string());
        }
        if json && output == Some(Destination::Stdout) {
            let expected = "the scores to go to a file, as in -o scores.npy";
            return refuse("--json", expected, "standard output (-o -)".to_owned());
        }
        let inputs = [("GRADS", Some(&grads)), ("--groups", groups.as_ref())];
        refuse_inputs(&inputs, output.as_ref())?;
        Ok(Self { detector, grads, projection, groups, contamination, clip: clip.0, output, json })
    }
}

/// When each option is read.
fn uses(arguments: &OutliersArguments) -> impl Iterator<Item = Use> + use<> {
    let OutliersArguments { detector, projection, grads, .. } = arguments;
    let (detector, name) = (*detector, detector.name());
    let of_sketches = ProjectionArguments::OPTIONS.into_iter().map(move |option| Use {
        option,
        is_read: !detector.needs_no_sketch(),
        by: "a detector that looks at sketches".to_owned(),
        found: format!("{name}, which is exact and needs none"),
    });
    let others = [
        Use {
            option: "--groups",
            is_read: detector == DetectorName::Direction,
            by: "--detector direction, which alone tells groups apart".to_owned(),
            found: name.to_owned(),
        },
        Use {
            option: "--clip",
            is_read: detector.clips(),
            by: "--detector mahalanobis, self-influence or direction".to_owned(),
            found: name.to_owned(),
        },
        Use {
            option: "--dim",
            is_read: !matches!(grads, Source::Store(_)),
            by: "gradients to project".to_owned(),
            found: format!("{} with a store of sketches", projection.dim.unwrap_or(0)),
        },
    ];
    let read: &[&str] = if detector == DetectorName::Forest { &["--seed", "--key"] } else { &[] };
    of_sketches.chain(others).chain(projection.uses(read))
}

fn refuse<T>(argument: &'static str, expected: &str, found: String) -> Result<T, CommandError> {
    Err(CommandError::Argument { argument, expected: expected.to_owned(), found })
}
