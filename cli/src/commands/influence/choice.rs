//! The method that suits what there is, where the command line names none.
//!
//! What was given decides first: most inputs and options are those of one method. Else
//! the gradients' width does. The reasons stand with the advice in the book's "Which
//! method".

use gradsieve_io::files::{Source, info};

use super::Method;
use super::arguments::InfluenceArguments;
use super::dual;
use crate::commands::inputs::refuse;
use crate::commands::rows::{EXACT_COLUMNS, Rows};
use crate::commands::{CommandError, console};

/// The method, which is said with the reason.
///
/// # Errors
/// Files that cannot be opened; gradients that come on standard input, of which nothing
/// is known before they are read.
pub(super) fn choose(arguments: &InfluenceArguments) -> Result<Method, CommandError> {
    let (method, why) = match by_what_is_given(arguments) {
        Some((method, why)) => (method, why.to_owned()),
        None => by_the_rows(arguments)?,
    };
    console::remark(format!("chosen: --method {}: {why}", method.name()));
    Ok(method)
}

/// The method whose inputs these are.
fn by_what_is_given(arguments: &InfluenceArguments) -> Option<(Method, &'static str)> {
    let several = arguments.train.len() > 1;
    let rules = [
        (
            arguments.trajectory.is_some() && !arguments.target.is_empty(),
            Method::Dvemb,
            "a recorded run and targets at its end say what leaving a sample out of this run would do",
        ),
        (arguments.trajectory.is_some(), Method::Shapley, "a recorded run has its targets in its steps"),
        (!arguments.one_minus_p.is_empty(), Method::Trak, "1 - p belongs to gradients of the margin"),
        (arguments.subtasks.is_some(), Method::Less, "subtasks are its targets"),
        (!arguments.coordinates.is_empty(), Method::Gif, "it alone updates some coordinates"),
        (arguments.keep.is_some(), Method::Arnoldi, "it alone keeps eigenpairs"),
        (!arguments.layers.is_empty(), Method::Datainf, "it alone takes --layers"),
        (arguments.step.is_some(), Method::Lissa, "it alone takes --step"),
        (several && !arguments.lr.is_empty(), Method::Tracin, "checkpoints are weighed by learning rates"),
        (several, Method::Ip, "several models without learning rates are copies of one"),
        (
            is_of_layers(&arguments.train),
            Method::EkFac,
            "inputs and output gradients of linear layers say most of their curvature",
        ),
        (
            arguments.passes.is_some() || arguments.tolerance.is_some(),
            Method::Cg,
            "of the methods that pass until a tolerance is met it takes the fewest passes",
        ),
    ];
    rules.into_iter().find(|(suits, ..)| *suits).map(|(_, method, why)| (method, why))
}

/// Whether these are the layers of one file.
fn is_of_layers(train: &[Source]) -> bool {
    let [source @ Source::Safetensors { tensor: None, .. }] = train else { return false };
    let is_input = |name: &Option<String>| name.as_ref().is_some_and(|name| name.starts_with("a."));
    // A file that cannot be opened is an error of who opens it.
    info(source).is_ok_and(|info| info.tensors.iter().any(|tensor| is_input(&tensor.name)))
}

/// The method for gradients at the end of training, by how many and how wide they are.
fn by_the_rows(arguments: &InfluenceArguments) -> Result<(Method, String), CommandError> {
    let Some(train) = arguments.train.first() else {
        return refuse("--train", "gradients of the training samples", "none");
    };
    let of_curvature = arguments.factors.first().unwrap_or(train);
    if [train, of_curvature].contains(&&Source::Stdin) {
        return refuse("--method", "one by its name, with gradients on standard input", "auto");
    }
    let rows = Rows::open(of_curvature, &arguments.projection)?;
    let (count, width) = (rows.count(), rows.width());
    let kind = if rows.is_exact() { "columns" } else { "numbers a sketch" };
    Ok(if count < 2 {
        (Method::Dot, "one row says nothing of the curvature".to_owned())
    } else if width <= EXACT_COLUMNS {
        (
            Method::Ridge,
            format!("{count} rows have a curvature, whose matrix of {width} {kind} fits in memory"),
        )
    } else if dual::is_smaller(count, width) {
        (
            Method::Ridge,
            format!("{count} rows have a curvature, and the matrix of their inner products fits in memory"),
        )
    } else {
        (Method::Cg, format!("{count} rows have a curvature, and {width} {kind} are too many for its matrix"))
    })
}
