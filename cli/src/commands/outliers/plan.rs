//! What is to be done, checked before a file is opened.

use super::arguments::{DetectorName, OutliersArguments};
use crate::commands::CommandError;
use crate::commands::given::Use;
use crate::commands::inputs::{refuse, refuse_inputs, refuse_json_beside};
use crate::commands::rows::ProjectionArguments;
use gradsieve_io::files::{Destination, Source};

/// A command line that makes sense.
pub(super) struct Plan {
    /// Each once.
    pub(super) detectors: Vec<DetectorName>,
    pub(super) grads: Source,
    pub(super) projection: ProjectionArguments,
    pub(super) groups: Option<Source>,
    pub(super) loss: Option<Source>,
    pub(super) ids: Option<Source>,
    pub(super) choice: Choice,
    pub(super) clip: Option<f32>,
    pub(super) output: Option<Destination>,
    pub(super) json: bool,
}

/// Which samples are flagged, beside those without a score.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// This share.
    Contamination(f64),
    /// So many.
    Top(usize),
    /// Those above the score that this share of clean samples lies above.
    FalseAlarms(f64),
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that does not suit the
    /// others; an output that is an input.
    pub(super) fn new(arguments: OutliersArguments) -> Result<Self, CommandError> {
        arguments.given.refuse_unread(uses(&arguments))?;
        let choice = choice(&arguments)?;
        let OutliersArguments { grads, output, detector: detectors, projection, .. } = arguments;
        let OutliersArguments { groups, loss, ids, clip, json, .. } = arguments;
        let repeated = (1..detectors.len()).find(|&place| detectors[..place].contains(&detectors[place]));
        if let Some(place) = repeated {
            return refuse("--detector", "each detector once", format!("{} twice", detectors[place].name()));
        }
        if detectors.contains(&DetectorName::Loss) && loss.is_none() {
            return Err(no_losses());
        }
        refuse_json_beside(json, output.as_ref(), "the scores to go to a file, as in -o scores.npy")?;
        let inputs = [
            ("GRADS", Some(&grads)),
            ("--groups", groups.as_ref()),
            ("--loss", loss.as_ref()),
            ("--ids", ids.as_ref()),
        ];
        refuse_inputs(&inputs, output.as_ref())?;
        Ok(Self { detectors, grads, projection, groups, loss, ids, choice, clip: clip.0, output, json })
    }
}

/// Which samples the command line wants flagged.
fn choice(arguments: &OutliersArguments) -> Result<Choice, CommandError> {
    match *arguments {
        OutliersArguments { top: Some(0), .. } => refuse("--top", "at least 1", "0".to_owned()),
        OutliersArguments { top: Some(count), .. } => Ok(Choice::Top(count)),
        OutliersArguments { false_alarms: Some(rate), .. } if rate > 0.0 && rate < 1.0 => {
            Ok(Choice::FalseAlarms(rate))
        }
        OutliersArguments { false_alarms: Some(rate), .. } => {
            refuse("--false-alarms", "a share above 0 and below 1", rate.to_string())
        }
        OutliersArguments { contamination, .. } if !(0.0..=1.0).contains(&contamination) => {
            refuse("--contamination", "a share from 0 to 1", contamination.to_string())
        }
        OutliersArguments { contamination, .. } => Ok(Choice::Contamination(contamination)),
    }
}

/// The refusal of the detector loss without losses.
pub(super) fn no_losses() -> CommandError {
    CommandError::Argument {
        argument: "--detector",
        expected: "--loss beside loss, a loss for each row".to_owned(),
        found: "none".to_owned(),
    }
}

/// When each option is read.
fn uses(arguments: &OutliersArguments) -> impl Iterator<Item = Use> + use<> {
    let OutliersArguments { detector: detectors, projection, grads, .. } = arguments;
    let any = |is: fn(DetectorName) -> bool| detectors.iter().any(|&detector| is(detector));
    let names = detectors.iter().map(|detector| detector.name()).collect::<Vec<_>>().join(",");
    let is_sketched = !detectors.iter().all(|detector| detector.needs_no_sketch());
    let needs = match detectors.as_slice() {
        [DetectorName::Loss] => "which needs none",
        [_] => "which is exact and needs none",
        _ => "which need none",
    };
    let exact = format!("{names}, {needs}");
    let of_sketches = ProjectionArguments::OPTIONS.into_iter().map(move |option| Use {
        option,
        is_read: is_sketched,
        by: "a detector that looks at sketches".to_owned(),
        found: exact.clone(),
    });
    let others = [
        Use {
            option: "--groups",
            is_read: any(|detector| detector == DetectorName::Direction),
            by: "--detector direction, which alone tells groups apart".to_owned(),
            found: names.clone(),
        },
        Use {
            option: "--loss",
            is_read: any(DetectorName::takes_loss),
            by: "--detector loss or direction, which alone look at it".to_owned(),
            found: names.clone(),
        },
        Use {
            option: "--clip",
            is_read: any(DetectorName::clips),
            by: "--detector mahalanobis, self-influence or direction".to_owned(),
            found: names,
        },
        Use {
            option: "--dim",
            is_read: !matches!(grads, Source::Store(_)),
            by: "gradients to project".to_owned(),
            found: format!("{} with a store of sketches", projection.dim.unwrap_or(0)),
        },
    ];
    let read: &[&str] =
        if any(|detector| detector == DetectorName::Forest) { &["--seed", "--key"] } else { &[] };
    of_sketches.chain(others).chain(projection.uses(read))
}
