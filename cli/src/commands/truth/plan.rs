//! What is to be done, checked before a file is opened.

use std::path::PathBuf;

use super::arguments::{ExperimentName, PlacementName, RemovalName, TargetName, TruthArguments};
use crate::commands::CommandError;
use crate::commands::given::Use;
use gradsieve_harness::model::Removal;
use gradsieve_harness::truth::{Experiment, Placement, Settings, Target};

/// What is to be done, checked before a file is opened.
pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) cache: PathBuf,
    pub(super) out: PathBuf,
    pub(super) csv: Option<PathBuf>,
    pub(super) dump: Option<PathBuf>,
    pub(super) json: bool,
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// An option that the experiment does not read; settings that it cannot be run on.
    pub(super) fn new(arguments: TruthArguments) -> Result<Self, CommandError> {
        arguments.given.refuse_unread(uses(&arguments))?;
        let settings = settings(&arguments);
        settings.check()?;
        let TruthArguments { cache, out, csv, dump, json, .. } = arguments;
        Ok(Self { settings, cache, out, csv, dump, json })
    }
}

/// When each option is read.
fn uses(arguments: &TruthArguments) -> impl Iterator<Item = Use> + use<> {
    use ExperimentName::{
        Breakdown, Brittleness, Fairness, Flips, Lds, Loo, Loop, Shapley, Sketches, Streams, Tsloo,
    };
    const BY_STEPS: &[ExperimentName] =
        &[Tsloo, Lds, Brittleness, Flips, Shapley, Fairness, Sketches, Breakdown, Streams, Loop];
    // Loo's model is trained to its optimum. Fairness and shapley have methods of their
    // own, on the gradients themselves.
    const OF: [(&str, &[ExperimentName]); 28] = [
        ("--target", &[Tsloo]),
        ("--removal", &[Tsloo]),
        ("--share", &[Tsloo]),
        ("--decay", &[Loo]),
        ("--subsets", &[Lds]),
        ("--repeats", &[Lds]),
        ("--remove", &[Brittleness]),
        ("--orders", &[Shapley]),
        ("--poison", &[Breakdown]),
        ("--length", &[Breakdown]),
        ("--corrupt", &[Streams]),
        ("--placement", &[Streams]),
        ("--passes", &[Streams]),
        ("--dump", &[Streams]),
        ("--wrong", &[Loop]),
        ("--csv", &[Tsloo, Loo, Lds, Brittleness, Flips, Shapley, Fairness, Breakdown, Streams, Loop]),
        ("--data", &[Tsloo, Loo, Lds, Brittleness, Flips, Shapley, Sketches]),
        ("--noise", &[Tsloo, Loo, Lds, Brittleness, Shapley]),
        ("--damping", &[Tsloo, Loo, Lds, Brittleness, Flips]),
        ("--flip", &[Flips, Fairness, Sketches, Breakdown]),
        ("--optimizer", &[Tsloo, Lds, Brittleness, Flips, Shapley]),
        ("--weight-decay", &[Tsloo, Lds, Brittleness, Flips, Shapley]),
        ("--rate", BY_STEPS),
        ("--batch", BY_STEPS),
        ("--epochs", BY_STEPS),
        ("--dim", &[Tsloo, Loo, Lds, Brittleness, Flips, Sketches, Breakdown, Streams, Loop]),
        ("--projection", &[Tsloo, Loo, Lds, Brittleness, Flips]),
        // Flips are found without retraining, and fairness trains three times.
        ("--cache", &[Tsloo, Loo, Lds, Brittleness, Shapley, Sketches]),
    ];
    let (experiment, projects) = (arguments.experiment, arguments.dim.is_some());
    let name = |experiment: ExperimentName| Experiment::from(experiment).name();
    let of_experiment = OF.into_iter().map(move |(option, by)| Use {
        option,
        is_read: by.contains(&experiment),
        by: format!("--experiment {}", by.iter().map(|&by| name(by)).collect::<Vec<_>>().join(" or ")),
        found: name(experiment).to_owned(),
    });
    let projection = Use {
        option: "--projection",
        is_read: projects,
        by: "--dim beside it, the numbers to project to".to_owned(),
        found: format!("{} without it", arguments.projection),
    };
    // What is dumped is not judged.
    let dumps = arguments.dump.is_some();
    let of_figures = ["--csv", "--json", "--out"].map(|option| Use {
        option,
        is_read: !dumps,
        by: "no --dump beside it, which writes streams and no figures".to_owned(),
        found: "--dump".to_owned(),
    });
    of_experiment.chain([projection]).chain(of_figures)
}

fn settings(arguments: &TruthArguments) -> Settings {
    let mut settings = Settings::of(arguments.experiment.into()).on(arguments.data.clone());
    if arguments.quick {
        settings = settings.quick();
    }
    fn set<T: Clone>(to: &mut T, wish: Option<&T>) {
        if let Some(wish) = wish {
            to.clone_from(wish);
        }
    }
    set(&mut settings.train_samples, arguments.train.as_ref());
    set(&mut settings.test_samples, arguments.test.as_ref());
    settings.optimizer = arguments.optimizer.into();
    let rate = arguments.rate.or_else(|| arguments.optimizer.learning_rate());
    set(&mut settings.learning_rate, rate.as_ref());
    set(&mut settings.weight_decay, arguments.weight_decay.as_ref());
    set(&mut settings.batch_size, arguments.batch.as_ref());
    set(&mut settings.epochs, arguments.epochs.as_ref());
    set(&mut settings.noise, arguments.noise.as_ref());
    settings.damping.clone_from(&arguments.damping);
    set(&mut settings.share, arguments.share.as_ref());
    settings.target = match arguments.target {
        TargetName::Samples => Target::Samples,
        TargetName::Utility => Target::Utility,
        TargetName::Parity => Target::Parity,
        TargetName::Opportunity => Target::Opportunity,
        TargetName::Robustness => Target::Robustness,
    };
    settings.removals = match arguments.removal {
        RemovalName::Last => vec![Removal::LastEpoch],
        RemovalName::All => vec![Removal::AllEpochs],
        RemovalName::Both => vec![Removal::LastEpoch, Removal::AllEpochs],
    };
    set(&mut settings.decay, arguments.decay.as_ref());
    set(&mut settings.subsets, arguments.subsets.as_ref());
    set(&mut settings.repeats, arguments.repeats.as_ref());
    if !arguments.remove.is_empty() {
        settings.removed.clone_from(&arguments.remove);
    }
    set(&mut settings.orders, arguments.orders.as_ref());
    set(&mut settings.flip, arguments.flip.as_ref());
    set(&mut settings.seeds, arguments.seeds.as_ref());
    if !arguments.hidden.is_empty() {
        settings.hidden = arguments.hidden.iter().copied().filter(|&width| width > 0).collect();
    }
    if settings.experiment == Experiment::Sketches {
        settings.widths = arguments.dim.map_or(settings.widths, |dim| vec![dim]);
    } else if arguments.dim.is_some() {
        settings.dim = arguments.dim;
    }
    for (grid, wish) in [
        (&mut settings.poison, &arguments.poison),
        (&mut settings.lengths, &arguments.length),
        (&mut settings.wrong, &arguments.wrong),
    ] {
        if !wish.is_empty() {
            grid.clone_from(wish);
        }
    }
    set(&mut settings.corrupt, arguments.corrupt.as_ref());
    settings.placement = match arguments.placement {
        PlacementName::Throughout => Placement::Throughout,
        PlacementName::Early => Placement::Early,
        PlacementName::Late => Placement::Late,
    };
    set(&mut settings.passes, arguments.passes.as_ref());
    settings.projection = arguments.projection;
    settings.seed = arguments.seed;
    settings.methods.clone_from(&arguments.methods);
    settings
}
