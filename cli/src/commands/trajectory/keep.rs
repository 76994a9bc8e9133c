//! What is to be kept of a recorded run's gradients before they are projected, and the
//! factors of the run's own steps, which it is fitted to.

use super::super::CommandError;
use super::super::rows::EXACT_COLUMNS;
use gradsieve_io::files::{StepFile, StepGradients, StepRows};

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Keep {
    /// So many principal directions of the inputs of each layer.
    Principal(usize),
    /// So many coordinates of largest moment in the eigenbases of the layers' factors.
    Eigen(usize),
}

impl Keep {
    /// The option that asks for it.
    pub(in crate::commands) const fn option(self) -> &'static str {
        match self {
            Self::Principal(_) => "--principal",
            Self::Eigen(_) => "--eigen",
        }
    }

    pub(in crate::commands) const fn count(self) -> usize {
        match self {
            Self::Principal(count) | Self::Eigen(count) => count,
        }
    }
}

/// The factors of a step's samples, in layers of the shapes (outputs, inputs) that
/// `shapes` has from the steps before, or gets from this one.
///
/// # Errors
/// Gradients that are not in factors, or of other layers than those before; too many
/// inputs or outputs; a factor that is not finite.
pub(super) fn factors<'s>(
    step: &'s StepFile,
    keep: Keep,
    shapes: &mut Vec<(usize, usize)>,
) -> Result<&'s [(StepRows, StepRows)], CommandError> {
    let option = keep.option();
    let StepGradients::Layers(layers) = &step.gradients else {
        let expected = format!("tensors a.NAME and b.NAME of each layer, for {option}");
        return Err(CommandError::step(&step.name, expected, "\"grads\"".to_owned()));
    };
    let outputs_count = matches!(keep, Keep::Eigen(_));
    let sides =
        |(a, b): &(StepRows, StepRows)| if outputs_count { a.columns.max(b.columns) } else { a.columns };
    if let Some(most) = layers.iter().map(sides).find(|&most| most > EXACT_COLUMNS) {
        let what = if outputs_count { "inputs and outputs" } else { "inputs" };
        let expected = format!("at most {EXACT_COLUMNS} {what} a layer, for {option}");
        return Err(CommandError::step(&step.name, expected, most.to_string()));
    }
    let of_step: Vec<(usize, usize)> = layers.iter().map(|(a, b)| (b.columns, a.columns)).collect();
    if shapes.is_empty() {
        shapes.clone_from(&of_step);
    }
    if *shapes != of_step {
        let expected = "layers of the shapes that the steps before have".to_owned();
        return Err(CommandError::step(&step.name, expected, "others".to_owned()));
    }
    if !layers.iter().all(|(a, b)| a.values.iter().chain(&b.values).all(|x| x.is_finite())) {
        return Err(CommandError::core(&step.name)(gradsieve::Error::NonFinite));
    }
    Ok(layers)
}
