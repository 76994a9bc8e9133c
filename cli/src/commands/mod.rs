//! The program's commands: arguments in, files and a few lines of text out. One file a
//! command.
//!
//! | file | what |
//! |---|---|
//! | `demo` | the demonstration on data with flipped labels |
//! | `sketch` | gradients → sketches |
//! | `outliers` | gradients → anomaly scores |
//! | `report` | gradients, and the samples themselves → a page to look at |
//! | `sieve` | gradients in the order of a stream → a verdict for each |
//! | `visits` | scores of every epoch → one number a sample |
//! | `merge` | states at rest → the state of all |
//! | `clients` | updates of federated clients → a weight for each |
//! | `influence` | gradients of training samples and of targets → influence |
//! | `truth` | every method against ground truth |
//! | `export` | a store of sketches → an array or a table |
//! | `trajectory` | what `influence` does with a recorded run |
//! | `info` | what a file holds |
//! | `plan` | which sketch width, codec and detector fit a device's memory |
//! | `rows` | what the commands share: a file of gradients as a stream of finished sketches |
//! | `losses` | a loss for each row |
//! | `inputs` | the arrays of a command: a matrix and what is known of its rows |
//! | `state_file` | states at rest as files |
//! | `sketch_file` | an array of sketches, and beside it how they were made |
//! | `result_file` | results as a table or an array |
//! | `table_file` | tables of results as files |
//! | `stream_files` | the streams of `truth` as files |
//! | `products` | dot products of all pairs of rows, in blocks |
//! | `bars` | progress of the long commands |
//! | `given` | which options were given, and those that nothing reads |
//! | `interrupt` | what is left behind when the program is told to end |
//! | `key` | secret keys of projections |
//! | `key_file` | the file of a key |
//! | `paths` | files as the command line names them |
//! | `numbers` | numbers as the command line says them |
//! | `escaped` | text of others as a terminal may show it |
//! | `console` | what is said on standard output and standard error, and how far a long pass has come |
//!
//! Results go to files and standard output; remarks and errors to standard error, an
//! error as one sentence. The exit code is 0 for success and 2 for anything else. A
//! reader that goes away (`| head`) is no error.
//!
//! May import every other module; none imports this one.

mod bars;
mod clients;
mod console;
mod demo;
mod error;
mod escaped;
mod export;
mod given;
mod influence;
mod info;
mod inputs;
mod interrupt;
mod key;
mod key_file;
mod losses;
mod merge;
mod numbers;
mod outliers;
mod paths;
mod plan;
mod products;
mod report;
mod result_file;
mod rows;
mod sieve;
mod sketch;
mod sketch_file;
mod state_file;
mod stream_files;
mod table_file;
mod trajectory;
mod truth;
mod visits;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gradsieve_kernels::Level;

pub use clients::{ClientsArguments, RuleName};
pub use demo::DemoArguments;
pub use error::CommandError;
pub use export::ExportArguments;
pub use given::Given;
pub use influence::{InfluenceArguments, Method, Method as InfluenceMethod};
pub use info::InfoArguments;
pub use key::{KeyArguments, KeyCommand, KeyFile};
pub use merge::MergeArguments;
pub use outliers::{DetectorName, OutliersArguments, SearchArguments};
pub use plan::PlanArguments;
pub use report::ReportArguments;
pub use rows::{Holds, LayerShape, Projection, ProjectionArguments, Repetitions, Rows, SketchSettings};
pub use sieve::{GuardName, LossKindName, SieveArguments};
pub use sketch::{SketchArguments, SketchDtype};
pub use truth::{ExperimentName, RemovalName, TruthArguments};
pub use visits::{KindName, NumberName, VisitsArguments};

const ABOUT: &str = "Finds harmful, odd and influential training samples from their gradients";

const LONG_ABOUT: &str = "\
Finds harmful, odd and influential training samples from their gradients.

Without a command, gradsieve shows what it does: it trains a small network on handwritten digits of which a \
fifth are mislabelled, finds the mislabelled ones by their gradients, and trains again without them \
(the command demo).

The other commands work on gradients that you bring, from any framework: a matrix with one row for each \
sample (its own gradient, not the mean of a batch) and one column for each parameter. They read it piece by piece, so it may be \
larger than memory.

Arrays are FILE.npy (f16, f32 or f64), FILE.npz#NAME, FILE.safetensors#TENSOR (bf16, too), or - for a .npy on standard input. \
Several files are one matrix, rows after rows, as DIRECTORY/ or 'DIRECTORY/NAME-*.npy', and tensors of a file one side by side, as FILE.safetensors#PREFIX*. \
A directory that bergson wrote (gradients.bin and info.json) is one matrix, too. Sketches may also be kept in \
a store, DIRECTORY.store, which grows, survives a crash and keeps each gradient's exact norms. \
Results appear under their name when they are complete, never in part.";

const EXAMPLES: &str = "\
Examples:
  gradsieve                                                   what it can do, on digits
  gradsieve info grads.npy                                    what a file holds
  gradsieve outliers grads.npy                                the 5 % most suspicious samples
  gradsieve report grads.npy --images pictures/               a page that shows them
  gradsieve sieve grads.npy --groups labels.npy               each sample by those before it
  gradsieve visits loss-*.npy --top 20                        the mean loss over all epochs
  gradsieve sketch grads.npy -o sketches.npy --dim 512        512 numbers a sample, not millions
  gradsieve influence --train train.npy --target val.npy --method dot -o influence.npy
  gradsieve outliers 'run/grads-*.npy' --detector l2          several files as one matrix
  gradsieve clients updates.npy --rule dnc --hostile 6        a weight for each federated client
  gradsieve truth --experiment tsloo                          methods against what happens
  gradsieve key new run.key                                   a secret key, where strangers choose the samples
  gradsieve plan --params 1000000 --budget 64KiB --rows 200   what fits a device's memory

The environment variable GRADSIEVE_LEVEL chooses an instruction set (scalar, avx2, avx512, neon); results do not depend on it.
Exit code: 0 if all went well, 2 if not; then one sentence on standard error says why.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "gradsieve", version, about = ABOUT, long_about = LONG_ABOUT, after_help = EXAMPLES)]
#[command(max_term_width = 100)]
pub struct CommandLine {
    /// What to do; `demo` if there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands. (A variant's own text would replace the long text of its arguments, so
/// it names that again.)
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train on data with flipped labels, find them by their gradients, train again
    /// without them
    #[command(long_about = demo::LONG_ABOUT)]
    Demo(DemoArguments),
    /// Project gradients to a few hundred numbers a sample
    #[command(long_about = sketch::LONG_ABOUT)]
    Sketch(SketchArguments),
    /// Score samples by how anomalous their gradients are, and flag the worst
    #[command(long_about = outliers::LONG_ABOUT)]
    Outliers(OutliersArguments),
    /// Show what is suspicious in one's own data: a page with the samples themselves
    #[command(long_about = report::LONG_ABOUT)]
    Report(Box<ReportArguments>),
    /// Judge each sample of a stream by what came before it, at a stated rate
    #[command(long_about = sieve::LONG_ABOUT)]
    Sieve(SieveArguments),
    /// Make one number for each sample of its scores or losses in all epochs
    #[command(long_about = visits::LONG_ABOUT)]
    Visits(VisitsArguments),
    /// Put the states of devices, shards or parts together
    #[command(long_about = merge::LONG_ABOUT)]
    Merge(MergeArguments),
    /// Weigh federated clients by their updates of one round
    #[command(long_about = clients::LONG_ABOUT)]
    Clients(ClientsArguments),
    /// Score training samples by how much they help or harm target samples
    #[command(long_about = influence::LONG_ABOUT)]
    Influence(InfluenceArguments),
    /// Hold every influence method against ground truth, by retraining
    #[command(long_about = truth::LONG_ABOUT)]
    Truth(TruthArguments),
    /// Write a store of sketches as .npy, .safetensors or .parquet
    #[command(long_about = export::LONG_ABOUT)]
    Export(ExportArguments),
    /// Tell what an array file or a store holds
    #[command(long_about = info::LONG_ABOUT)]
    Info(InfoArguments),
    /// Make a secret key for projections, or tell which key a file holds
    #[command(long_about = key::LONG_ABOUT)]
    Key(KeyArguments),
    /// Tell which sketch width, codec and detector fit a device's memory
    #[command(long_about = plan::LONG_ABOUT)]
    Plan(PlanArguments),
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    interrupt::tidy_up_when_told_to_end();
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => return misspelt(&error),
    };
    match run(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(&error);
            ExitCode::from(2)
        }
    }
}

/// Says what is wrong with the command line, or the help that it asks for.
fn misspelt(error: &clap::Error) -> ExitCode {
    // clap repeats what it does not understand: it is asked again about tame text.
    let tame = std::env::args_os().map(|argument| escaped::escaped(&argument.display()));
    match CommandLine::try_parse_from(tame) {
        Err(tame) => tame.exit(),
        Ok(_) => error.exit(),
    }
}

/// Runs one command.
///
/// # Errors
/// Whatever kept the command from its work, as one sentence. No output file is left
/// behind, or an older one is as it was.
pub fn run(line: CommandLine) -> Result<(), CommandError> {
    check_level()?;
    match line.command.unwrap_or_else(|| Command::Demo(DemoArguments::default())) {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Sketch(arguments) => sketch::run(arguments),
        Command::Key(arguments) => key::run(&arguments),
        Command::Outliers(arguments) => outliers::run(arguments),
        Command::Report(arguments) => report::run(*arguments),
        Command::Sieve(arguments) => sieve::run(arguments),
        Command::Visits(arguments) => visits::run(arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Clients(arguments) => clients::run(arguments),
        Command::Influence(arguments) => influence::run(arguments),
        Command::Truth(arguments) => truth::run(arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Info(arguments) => info::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
    }
}

/// Refuses a wish for an instruction set that this machine does not have.
fn check_level() -> Result<(), CommandError> {
    Level::wished().map(drop).map_err(|_| CommandError::Argument {
        argument: Level::VARIABLE,
        expected: format!("one of {}", Level::available().map(Level::name).collect::<Vec<_>>().join(", ")),
        found: std::env::var_os(Level::VARIABLE).unwrap_or_default().to_string_lossy().into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn no_command_is_the_demonstration_with_its_defaults() {
        let line = CommandLine::parse_from(["gradsieve", "demo"]);
        let Some(Command::Demo(arguments)) = line.command else { panic!("expected the demonstration") };
        assert_eq!(arguments, DemoArguments::default());
    }
}
