//! The files of a plan over checkpoints, opened and seen to fit together.

use super::arguments::Method;
use super::plan::{Checkpoint, Checkpoints};
use crate::commands::CommandError;
use crate::commands::rows::{ProjectionArguments, Rows, check_matrix_width, check_pair, zeros};
use gradsieve_io::files::{FileError, Groups, Matrix, Source, read_groups, read_numbers};

/// The files, a checkpoint in each place, and what is known of them.
pub(super) struct Inputs {
    pub(super) trains: Vec<Rows>,
    pub(super) targets: Vec<Rows>,
    /// The rows of each curvature, if those are others than the training samples'.
    pub(super) factors: Vec<Rows>,
    /// What each checkpoint's part is multiplied by.
    pub(super) weights: Vec<f64>,
    /// The mean of 1 − p over models, for each training sample.
    pub(super) one_minus_p: Option<Vec<f64>>,
    /// The subtask of each target.
    pub(super) subtasks: Option<Groups>,
}

/// Opens all files and sees that they fit together, before the work begins.
pub(super) fn open(plan: &Checkpoints, projection: &ProjectionArguments) -> Result<Inputs, CommandError> {
    let method = plan.solving.method;
    let (mut trains, mut targets, mut all_factors) = (Vec::<Rows>::new(), Vec::<Rows>::new(), Vec::new());
    for Checkpoint { train, target, factors, .. } in &plan.all {
        let of_store = projection.or_of_store([train, target].into_iter().chain(factors))?;
        let train = Rows::open(train, projection)?.beside(projection, &of_store)?;
        let target = Rows::open_targets(target, projection)?.beside(projection, &of_store)?;
        check_pair(&train, &target)?;
        if let (Some(first_train), Some(first_target)) = (trains.first(), targets.first()) {
            same_rows(first_train, &train)?;
            same_rows(first_target, &target)?;
            // The others add up scores; this one averages gradients.
            if method == Method::Retrac {
                check_pair(first_train, &train)?;
            }
        }
        check_layers(&plan.solving.layers, &train)?;
        check_coordinates(&plan.solving.coordinates, &train)?;
        if let Some(factors) = factors {
            let factors = Rows::open(factors, projection)?.beside(projection, &of_store)?;
            check_pair(&train, &factors)?;
            all_factors.push(factors);
        }
        let of_curvature = if factors.is_some() { all_factors.last() } else { None }.unwrap_or(&train);
        if method.takes_second_moments() && !plan.solving.is_dual(of_curvature) {
            check_matrix_width(&train, method.name())?;
        }
        trains.push(train);
        targets.push(target);
    }
    let (one_minus_p, subtasks) = match (trains.first(), targets.first()) {
        (Some(train), Some(target)) => (one_minus_p(&plan.one_minus_p, train)?, subtasks(plan, target)?),
        _ => (None, None),
    };
    let weights = plan.all.iter().map(|checkpoint| checkpoint.weight).collect();
    Ok(Inputs { trains, targets, factors: all_factors, weights, one_minus_p, subtasks })
}

/// The mean of 1 − p over models.
fn one_minus_p(sources: &[Source], train: &Rows) -> Result<Option<Vec<f64>>, CommandError> {
    if sources.is_empty() {
        return Ok(None);
    }
    let mut means = zeros(train.name(), train.count())?;
    for source in sources {
        let numbers = read_numbers(source, train.name(), train.count())?;
        if let Some((index, number)) = numbers.iter().enumerate().find(|(_, x)| !(0.0..=1.0).contains(*x)) {
            return Err(CommandError::Argument {
                argument: "--one-minus-p",
                expected: "numbers from 0 to 1".to_owned(),
                found: format!("{number} at index {index} of {source}"),
            });
        }
        let share = 1.0 / sources.len() as f64;
        means.iter_mut().zip(numbers).for_each(|(mean, number)| *mean += share * number);
    }
    Ok(Some(means))
}

fn subtasks(plan: &Checkpoints, target: &Rows) -> Result<Option<Groups>, CommandError> {
    let Some(source) = &plan.subtasks else { return Ok(None) };
    Ok(Some(read_groups(source, target.name(), target.count())?))
}

/// Refuses layers that aren't the gradient's columns.
fn check_layers(layers: &[usize], train: &Rows) -> Result<(), CommandError> {
    let columns = train.matrix().map_or_else(|| train.width(), Matrix::cols);
    let sum = layers.iter().fold(0, |sum: usize, &layer| sum.saturating_add(layer));
    if layers.is_empty() || (sum == columns && !layers.contains(&0)) {
        return Ok(());
    }
    let expected =
        format!("layers of one column at least that have {columns} together, as {} has", train.name());
    let found = format!("{} of {sum}", layers.len());
    Err(CommandError::Argument { argument: "--layers", expected, found })
}

/// Refuses columns that the rows do not have.
fn check_coordinates(coordinates: &[usize], train: &Rows) -> Result<(), CommandError> {
    match coordinates.last() {
        Some(&last) if last >= train.width() => Err(CommandError::Argument {
            argument: "--coordinates",
            expected: format!("columns below {}, as many as {} has", train.width(), train.name()),
            found: last.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Refuses a checkpoint with other samples than the first one.
fn same_rows(first: &Rows, rows: &Rows) -> Result<(), FileError> {
    if first.count() == rows.count() {
        return Ok(());
    }
    Err(FileError::Lengths {
        file: rows.name().to_owned(),
        found: rows.count(),
        what: "rows",
        other: first.name().to_owned(),
        expected: first.count(),
        other_what: "rows",
    })
}
