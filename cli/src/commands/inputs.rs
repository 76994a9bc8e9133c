//! What a command line says, refused where it makes no sense: an output that is an input,
//! arguments that do not suit others.

use super::CommandError;
use gradsieve_io::files::{Destination, Source, refuse_overwrite};

/// Refuses two inputs, each by the name of its argument, that are both standard input,
/// and an output that is one of them.
///
/// # Errors
/// [`CommandError::Argument`] by the later of the two; an output that is an input.
pub(super) fn refuse_inputs(
    inputs: &[(&'static str, Option<&Source>)],
    output: Option<&Destination>,
) -> Result<(), CommandError> {
    let given = inputs.iter().filter_map(|&(argument, source)| Some((argument, source?)));
    if let Some((argument, _)) = given.clone().filter(|(_, source)| **source == Source::Stdin).nth(1) {
        return refuse(argument, "one array on standard input", "two");
    }
    let sources: Vec<&Source> = given.map(|(_, source)| source).collect();
    output.map_or(Ok(()), |output| Ok(refuse_overwrite(output, &sources)?))
}

/// Refuses JSON beside results on standard output.
///
/// # Errors
/// [`CommandError::Argument`], which says what was `expected`.
pub(super) fn refuse_json_beside(
    json: bool,
    output: Option<&Destination>,
    expected: &str,
) -> Result<(), CommandError> {
    if json && output == Some(&Destination::Stdout) {
        return refuse("--json", expected, "standard output (-o -)");
    }
    Ok(())
}

/// The refusal of an argument.
///
/// # Errors
/// [`CommandError::Argument`].
pub(super) fn refuse<T>(
    argument: &'static str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Result<T, CommandError> {
    Err(CommandError::Argument { argument, expected: expected.into(), found: found.into() })
}
