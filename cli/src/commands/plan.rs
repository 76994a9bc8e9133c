//! `gradsieve plan`: which sketch width, codec and detector fit a device's memory, and
//! the error to expect.

use bytesize::ByteSize;
use clap::Args;
use gradsieve::budget::{Budget, Choice, Watch};
use serde::Serialize;

use super::given::{Given, Use};
use super::numbers::{memory, whole};
use super::{CommandError, console};

pub(super) const LONG_ABOUT: &str = "\
Tell which sketch width, codec of stored rows and detector fit a device's memory, and the error to expect.

For each detector and codec that fit, the widest sketch; those of least error first. The error is the root mean square of what an inner product of \
nearly orthogonal gradients is off by, as a share of the product of their norms: half a percent tells apart gradients whose cosine is above one or two. \
Without --rows nothing is stored, and the detector has all the memory.

Counted are the detector's state, the stored rows, and one sketch in the making. The program's own stack, queries and results come on top.";

const EXAMPLES: &str = "\
Examples:
  gradsieve plan --params 1000000 --budget 64KiB --rows 200
  gradsieve plan --params 50000 --budget 16KiB --groups 10
  gradsieve plan --params 7000000000 --budget 512MiB --rows 1000000 --all --json";

/// Arguments of `plan`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct PlanArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub given: Given,

    /// Parameters of the model: coordinates of a gradient
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub params: u64,

    /// Memory: 65536, 64KiB, 1.5MB, 2GiB
    #[arg(long, value_name = "BYTES", value_parser = memory)]
    pub budget: ByteSize,

    /// Rows to store, for influence or to look at later
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = whole::<usize>)]
    pub rows: usize,

    /// Groups that the detector direction keeps apart: classes, sensors or clients
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub groups: u32,

    /// Show every codec, not only the best for each detector
    #[arg(long)]
    pub all: bool,

    /// Print JSON: {"params", "rows", "groups", "budget", "choices": [{"detector",
    /// "codec", "dim", "exact", "error", "detector_bytes", "store_bytes", "sketch_bytes",
    /// "bytes"}]}; codec is null if no rows are stored
    #[arg(long)]
    pub json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Plan {
    params: u64,
    rows: usize,
    groups: u32,
    budget: u64,
    choices: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    detector: &'static str,
    codec: Option<&'static str>,
    dim: usize,
    exact: bool,
    error: f64,
    detector_bytes: u64,
    store_bytes: u64,
    sketch_bytes: u64,
    bytes: u64,
}

/// Runs the command.
pub(super) fn run(arguments: &PlanArguments) -> Result<(), CommandError> {
    let &PlanArguments { params, rows, groups, budget: ByteSize(bytes), .. } = arguments;
    arguments.given.refuse_unread([Use {
        option: "--all",
        is_read: rows > 0,
        by: "--rows beside it, for whose codecs it asks".to_owned(),
        found: "none".to_owned(),
    }])?;
    let budget = Budget { parameters: params, rows, groups, bytes };
    let unsuitable = |error| CommandError::Core { file: "plan".to_owned(), error };
    let choices = budget.choices().map_err(unsuitable)?;
    let mut seen: Vec<Watch> = Vec::new();
    let mut is_best = |choice: &Choice| {
        let is_first = !seen.contains(&choice.watch);
        seen.push(choice.watch);
        is_first
    };
    let choices: Vec<Line> = choices
        .as_slice()
        .iter()
        .filter(|choice| is_best(choice) || arguments.all)
        .map(|choice| Line {
            detector: choice.watch.name(),
            codec: (rows > 0).then_some(choice.codec.name()),
            dim: choice.width,
            exact: choice.exact,
            error: choice.error,
            detector_bytes: choice.watch_bytes,
            store_bytes: choice.store_bytes,
            sketch_bytes: choice.sketch_bytes,
            bytes: choice.bytes(),
        })
        .collect();
    if choices.is_empty() {
        let least = budget.least().map_err(unsuitable)?;
        return Err(CommandError::Argument {
            argument: "--budget",
            expected: format!("at least {least} bytes ({})", size(least)),
            found: format!("{bytes}"),
        });
    }
    if arguments.json {
        return console::print_json(&Plan { params, rows, groups, budget: bytes, choices });
    }
    let stored = if rows > 0 { format!("{rows} stored rows") } else { "no stored rows".to_owned() };
    console::print(format!("{params} parameters, {stored}, {} of memory", size(bytes)))?;
    let mut table = console::table(&["detector", "codec", "K", "error", "detector", "rows", "sketch", "all"]);
    for line in &choices {
        table.add_row([
            line.detector.to_owned(),
            line.codec.unwrap_or("–").to_owned(),
            format!("{}{}", line.dim, if line.exact { " (all)" } else { "" }),
            share(line.error),
            size(line.detector_bytes),
            size(line.store_bytes),
            size(line.sketch_bytes),
            size(line.bytes),
        ]);
    }
    console::print(table.trim_fmt())?;
    if !arguments.all && rows > 0 {
        console::remark("shown is the codec of least error for each detector; --all shows the others");
    }
    Ok(())
}

/// Bytes in the unit that suits them.
fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// A share in percent, with two significant digits.
fn share(share: f64) -> String {
    let percent = 100.0 * share;
    let decimals = (1.0 - percent.log10().floor()).clamp(0.0, 8.0) as usize;
    format!("{percent:.decimals$} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_two_digits_whatever_their_size() {
        assert_eq!([0.125, 0.0442, 0.0031, 2e-7].map(share), ["12 %", "4.4 %", "0.31 %", "0.000020 %"]);
    }
}
