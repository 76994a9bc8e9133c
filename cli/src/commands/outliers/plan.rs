//! What is to be done, checked before a file is opened.

use super::arguments::{DetectorName, OutliersArguments, SearchArguments};
use super::defaults;
use crate::commands::CommandError;
use crate::commands::given::Use;
use crate::commands::inputs::{refuse, refuse_inputs, refuse_json_beside};
use crate::commands::rows::ProjectionArguments;
use gradsieve_io::files::{Destination, Source};

/// A command line that makes sense.
pub(super) struct Plan {
    pub(super) search: Search,
    pub(super) output: Option<Destination>,
    pub(super) json: bool,
}

/// Which samples are looked at, and how.
pub(in crate::commands) struct Search {
    /// Each once.
    pub(in crate::commands) detectors: Vec<DetectorName>,
    /// Whether the detectors are those that suit, as none was named.
    pub(super) is_suggested: bool,
    pub(super) grads: Source,
    pub(super) projection: ProjectionArguments,
    pub(super) groups: Option<Source>,
    pub(super) loss: Option<Source>,
    pub(super) ids: Option<Source>,
    pub(in crate::commands) choice: Choice,
    /// Whether the command line does not say which samples are flagged.
    pub(super) is_usual_choice: bool,
    pub(super) clip: Option<f32>,
}

/// What a command wants of a search, beside what the command line says.
pub(in crate::commands) struct Wish {
    /// So many are flagged.
    pub(in crate::commands) top: Option<usize>,
    /// Where the command line names none.
    pub(in crate::commands) detectors: Vec<DetectorName>,
    /// Whether groups and losses are told of, whatever the detectors look at.
    pub(in crate::commands) tells_all: bool,
}

/// Which samples are flagged, beside those without a score.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum Choice {
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
    /// As [`Search::new`]; an output that is an input.
    pub(super) fn new(arguments: OutliersArguments) -> Result<Self, CommandError> {
        let OutliersArguments { search, output, top, json } = arguments;
        let detectors = defaults::one(&search).to_vec();
        let search = Search::new(search, Wish { top, detectors, tells_all: false })?;
        refuse_json_beside(json, output.as_ref(), "the scores to go to a file, as in -o scores.npy")?;
        refuse_inputs(&search.inputs(), output.as_ref())?;
        Ok(Self { search, output, json })
    }
}

impl Search {
    /// What is looked for.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that does not suit the
    /// others.
    pub(in crate::commands) fn new(mut arguments: SearchArguments, wish: Wish) -> Result<Self, CommandError> {
        let Wish { top, detectors, tells_all } = wish;
        let is_suggested = arguments.detector.is_empty();
        if is_suggested {
            arguments.detector = detectors;
        }
        arguments.given.refuse_unread(uses(&arguments, tells_all))?;
        let given = |option| arguments.given.has(option);
        let is_usual_choice = !["--contamination", "--top", "--false-alarms"].into_iter().any(given);
        let choice = choice(&arguments, top)?;
        let SearchArguments { grads, detector: detectors, projection, groups, loss, ids, clip, .. } =
            arguments;
        let repeated = (1..detectors.len()).find(|&place| detectors[..place].contains(&detectors[place]));
        if let Some(place) = repeated {
            return refuse("--detector", "each detector once", format!("{} twice", detectors[place].name()));
        }
        if detectors.contains(&DetectorName::Loss) && loss.is_none() {
            return Err(no_losses());
        }
        let clip = clip.0;
        Ok(Self {
            detectors,
            is_suggested,
            grads,
            projection,
            groups,
            loss,
            ids,
            choice,
            is_usual_choice,
            clip,
        })
    }

    /// The gradients.
    pub(in crate::commands) const fn grads(&self) -> &Source {
        &self.grads
    }

    /// How they are projected, to `width` numbers if that is said.
    pub(in crate::commands) fn projection(&self, width: Option<usize>) -> ProjectionArguments {
        ProjectionArguments { dim: width, ..self.projection.clone() }
    }

    /// The files that are read, by the names of their arguments.
    pub(in crate::commands) fn inputs(&self) -> [(&'static str, Option<&Source>); 4] {
        [
            ("GRADS", Some(&self.grads)),
            ("--groups", self.groups.as_ref()),
            ("--loss", self.loss.as_ref()),
            ("--ids", self.ids.as_ref()),
        ]
    }
}

/// Which samples the command line wants flagged.
fn choice(arguments: &SearchArguments, top: Option<usize>) -> Result<Choice, CommandError> {
    match (top, arguments) {
        (Some(0), _) => refuse("--top", "at least 1", "0".to_owned()),
        (Some(count), _) => Ok(Choice::Top(count)),
        (None, &SearchArguments { false_alarms: Some(rate), .. }) if rate > 0.0 && rate < 1.0 => {
            Ok(Choice::FalseAlarms(rate))
        }
        (None, &SearchArguments { false_alarms: Some(rate), .. }) => {
            refuse("--false-alarms", "a share above 0 and below 1", rate.to_string())
        }
        (None, &SearchArguments { contamination, .. }) if !(0.0..=1.0).contains(&contamination) => {
            refuse("--contamination", "a share from 0 to 1", contamination.to_string())
        }
        (None, &SearchArguments { contamination, .. }) => Ok(Choice::Contamination(contamination)),
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
fn uses(arguments: &SearchArguments, tells_all: bool) -> impl Iterator<Item = Use> + use<> {
    let SearchArguments { detector: detectors, projection, grads, .. } = arguments;
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
            is_read: tells_all || any(|detector| detector == DetectorName::Direction),
            by: "--detector direction, which alone tells groups apart".to_owned(),
            found: names.clone(),
        },
        Use {
            option: "--loss",
            is_read: tells_all || any(DetectorName::takes_loss),
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
