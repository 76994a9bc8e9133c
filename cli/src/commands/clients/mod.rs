//! `gradsieve clients`: updates of federated clients → a weight for each, by robust
//! rules.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |
//! | `taken` | the updates of a round, read |
//! | `weighing` | the rules at work |
//! | `report` | what is said of the weights |
//! | `sink` | where weights and the aggregate go |

mod arguments;
mod plan;
mod report;
mod sink;
mod taken;
mod weighing;

pub use arguments::{ClientsArguments, RuleName};
use plan::Plan;
use report::{Report, Weighed};
use taken::Taken;
use weighing::weights;

use gradsieve::{Sketch, Summary};

use super::inputs::refuse;
use super::rows::{EXACT_COLUMNS, ProjectionArguments, Rows, check_pair};
use super::{CommandError, console};
use gradsieve_io::files::{Destination, Label, read_ids};

pub(super) const LONG_ABOUT: &str = "\
Weigh federated clients by their updates of one round, by rules that bear hostile ones.

A rule gives each client a weight; the aggregate of the round is the sum of the updates times these weights (they sum to 1, but for \
fltrust and clip, which also change lengths). Distances and angles are those of sketches of --dim numbers. Without --dim updates of up to 4096 columns \
are taken as they are, and wider ones sketched to 512 numbers, which is said.

Promised is agreement with the same rule on whole updates, not security: krum, multi-krum and bulyan let attacks within the spread of \
the honest updates through (ALIE, inner-product manipulation, Min-Max), on sketches or not, and clip looks at lengths alone. Where clients \
may know the seed, which is public, they can hide from the sketches: draw them by a secret --key.

A client whose update has NaN or infinite entries has the weight 0, and counts as one of the --hostile.";

/// The width of sketches of updates that are too wide to be taken as they are.
const DIM: usize = 512;

/// Runs the command.
pub(super) fn run(arguments: ClientsArguments) -> Result<(), CommandError> {
    let plan = Plan::new(arguments)?;
    let width = |columns: usize| (columns > EXACT_COLUMNS).then_some(DIM);
    let mut rows = Rows::open_to_width(&plan.updates, &plan.projection, width)?;
    let (name, count) = (rows.name().to_owned(), rows.count());
    let dim = if rows.is_projected() { Some(rows.width()) } else { None };
    let projection = ProjectionArguments { dim, ..plan.projection.clone() };
    plan.given.refuse_unread(projection.uses(&[]))?;
    remark_projection(&plan, &rows);
    if plan.rules.iter().any(|rule| rule.takes_norms()) {
        rows.require_norms()?;
    }
    let ids = plan.ids.as_ref().map(|source| read_ids(source, &name, count)).transpose()?;
    let ids = ids.as_deref();
    let order = order(ids, count)?;
    let server = plan.server.as_ref().map(|_| server(&plan, &projection, &rows)).transpose()?;
    let id = rows.id();
    let server = server.as_ref().map(|(values, measures)| {
        Sketch::from_parts(id, values, *measures).map_err(CommandError::core("--server"))
    });
    let server = server.transpose()?;

    let taken = Taken::new(&mut rows, &order)?;
    let weigh = |&rule| -> Result<Weighed<'_>, CommandError> {
        let weights = taken.by_row(&weights(rule, &plan, &name, &taken.round, server)?, &order);
        let kept = (0..count).filter(|&row| weights[row] > 0.0).collect();
        let (non_finite, out_of_range) = (&taken.non_finite[..], &taken.out_of_range[..]);
        let (hostile, dim) = (plan.hostile, rows.width());
        Ok(Weighed { rule, hostile, clients: count, dim, kept, weights, non_finite, out_of_range, ids })
    };
    let found = plan.rules.iter().map(weigh).collect::<Result<Vec<_>, _>>()?;
    if let (Some(to), [one]) = (&plan.aggregate, &found[..]) {
        sink::aggregate(to, &plan, &one.weights, &order)?;
    }
    plan.output.as_ref().map_or(Ok(()), |to| sink::write(to, &found, ids))?;
    if plan.json {
        console::print_json(&Report::of(&found, count))
    } else if plan.output != Some(Destination::Stdout) {
        report::print(&name, &found, ids)
    } else {
        Ok(())
    }
}

/// Says what was chosen, and what follows from a seed that everybody knows.
fn remark_projection(plan: &Plan, rows: &Rows) {
    if !rows.is_projected() {
        return;
    }
    let (name, dim) = (rows.name(), rows.width());
    if plan.projection.dim.is_none() {
        console::remark(format!(
            "{name}: updates of more than {EXACT_COLUMNS} columns are sketched to {dim} numbers; --dim says another number"
        ));
    }
    if plan.projection.key.is_none() {
        console::remark(format!(
            "{name}: sketches are drawn by a public seed, which clients may know; --key draws them by a secret one"
        ));
    }
}

/// The rows in the order of their ids.
fn order(ids: Option<&[Label]>, count: usize) -> Result<Vec<usize>, CommandError> {
    let mut order: Vec<usize> = (0..count).collect();
    let Some(ids) = ids else { return Ok(order) };
    let key = |row: usize| match &ids[row] {
        Label::Number(number) => (0, *number, ""),
        Label::Name(name) => (1, 0, &name[..]),
    };
    order.sort_by_key(|&row| key(row));
    match order.windows(2).find(|pair| key(pair[0]) == key(pair[1])) {
        Some(pair) => {
            let found = format!("{} in rows {} and {}", ids[pair[0]].text(), pair[0], pair[1]);
            refuse("--ids", "an id of its own for each client", found)
        }
        None => Ok(order),
    }
}

/// The sketch of the server's update, made as those of the clients.
fn server(
    plan: &Plan,
    projection: &ProjectionArguments,
    rows: &Rows,
) -> Result<(Vec<f32>, Summary), CommandError> {
    let Some(source) = &plan.server else { return refuse("--server", "an update", "none") };
    let of_store = projection.or_of_store([&plan.updates, source])?;
    let mut server = Rows::open_targets(source, projection)?.beside(projection, &of_store)?;
    check_pair(rows, &server)?;
    if server.count() != 1 {
        return refuse("--server", "one update", format!("{} rows", server.count()));
    }
    server.require_norms()?;
    let mut sketch = (Vec::new(), Summary::default());
    server.pass("sketching", |_, one| {
        sketch = (one.values.to_vec(), one.measures);
        Ok(())
    })?;
    Ok(sketch)
}
