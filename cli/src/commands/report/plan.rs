//! What is to be done, checked before a file is opened.

use std::path::PathBuf;

use super::arguments::ReportArguments;
use crate::commands::given::Use;
use crate::commands::inputs::{refuse, refuse_inputs, refuse_json_beside};
use crate::commands::outliers::{Search, Wish, several};
use crate::commands::{CommandError, InfluenceMethod};
use gradsieve_io::files::{Destination, Source, refuse_overwrite};

/// A command line that makes sense.
pub(super) struct Plan {
    pub(super) search: Search,
    pub(super) output: Destination,
    pub(super) title: String,
    pub(super) top: usize,
    pub(super) see: See,
    pub(super) predicted: Option<Source>,
    pub(super) classes: Option<PathBuf>,
    pub(super) aim: Option<Aim>,
    pub(super) json: bool,
}

/// What there is to see of samples.
pub(super) enum See {
    Nothing,
    Images(&'static str, PathBuf),
    Texts(&'static str, PathBuf),
    Table(&'static str, PathBuf),
}

/// Targets, and how the samples' influence on them is known.
pub(super) struct Aim {
    pub(super) how: How,
    /// Their numbers; the first ones without any.
    pub(super) targets: Vec<usize>,
    pub(super) beside: usize,
    pub(super) see: See,
}

/// How influence is known.
pub(super) enum How {
    /// By a method, or the one that suits.
    Method(Source, Option<InfluenceMethod>),
    /// It was written to a file.
    File(Source),
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that does not suit the
    /// others; an output that is an input.
    pub(super) fn new(arguments: ReportArguments) -> Result<Self, CommandError> {
        arguments.search.given.refuse_unread(uses(&arguments))?;
        let ReportArguments { search, output, title, top, images, texts, table, json, .. } = arguments;
        let ReportArguments { predicted, classes, target, method, influence, targets, beside, .. } =
            arguments;
        let ReportArguments { target_images, target_texts, target_table, .. } = arguments;
        for (argument, count) in [("--top", top), ("--beside", beside)] {
            if !(1..=MOST).contains(&count) {
                return refuse(
                    argument,
                    format!("from 1 to {MOST}, so that the page stays small"),
                    count.to_string(),
                );
            }
        }
        if targets.len() > TARGETS {
            let expected = format!("at most {TARGETS}, so that the page stays small");
            return refuse("--targets", expected, targets.len().to_string());
        }
        let title = title.unwrap_or_else(|| format!("What is suspicious in {}", search.grads));
        let wish = Wish { top: None, detectors: several(&search), tells_all: true };
        let search = Search::new(search, wish)?;
        refuse_json_beside(json, Some(&output), "the page to go to a file, as in -o report.html")?;
        let mut inputs = search.inputs().to_vec();
        inputs.extend([
            ("--predicted", predicted.as_ref()),
            ("--target", target.as_ref()),
            ("--influence", influence.as_ref()),
        ]);
        refuse_inputs(&inputs, Some(&output))?;
        let seen = [&images, &texts, &table, &classes, &target_images, &target_texts, &target_table];
        let seen: Vec<Source> = seen.into_iter().flatten().cloned().map(Source::Npy).collect();
        refuse_overwrite(&output, &seen.iter().collect::<Vec<_>>())?;
        if let (Source::Stdin, Some(_)) = (search.grads(), &target) {
            return refuse("--target", "GRADS from a file, which is read again for it", "standard input");
        }
        let how = match (target, influence) {
            (Some(target), _) => Some(How::Method(target, method)),
            (None, Some(file)) => Some(How::File(file)),
            (None, None) => None,
        };
        let see = see(["--images", "--texts", "--table"], [images, texts, table]);
        let of_targets = [target_images, target_texts, target_table];
        let of_targets = self::see(["--target-images", "--target-texts", "--target-table"], of_targets);
        let aim = how.map(|how| Aim { how, targets, beside, see: of_targets });
        Ok(Self { search, output, title, top, see, predicted, classes, aim, json })
    }
}

/// The most samples that are shown, and the most targets.
const MOST: usize = 1000;
const TARGETS: usize = 50;

fn see(names: [&'static str; 3], files: [Option<PathBuf>; 3]) -> See {
    match (names, files) {
        ([name, ..], [Some(path), ..]) => See::Images(name, path),
        ([_, name, _], [_, Some(path), _]) => See::Texts(name, path),
        ([.., name], [.., Some(path)]) => See::Table(name, path),
        _ => See::Nothing,
    }
}

/// When each option is read.
fn uses(arguments: &ReportArguments) -> impl Iterator<Item = Use> + use<> {
    let has_targets = arguments.target.is_some() || arguments.influence.is_some();
    ["--targets", "--beside", "--target-images", "--target-texts", "--target-table"].into_iter().map(
        move |option| Use {
            option,
            is_read: has_targets,
            by: "--target or --influence beside it".to_owned(),
            found: "neither".to_owned(),
        },
    )
}
