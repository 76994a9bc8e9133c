//! The arrays of a command: a matrix and what is known of its rows.

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
        let (expected, found) = ("one array on standard input".to_owned(), "two".to_owned());
        return Err(CommandError::Argument { argument, expected, found });
    }
    let sources: Vec<&Source> = given.map(|(_, source)| source).collect();
    output.map_or(Ok(()), |output| Ok(refuse_overwrite(output, &sources)?))
}
