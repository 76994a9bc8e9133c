//! Weights of federated clients by their updates of one round.

use gradsieve::Error;
use gradsieve::clients::{
    Bulyan, Client, Dnc, FlTrust, FoolsGold, GeometricMedian, Krum, MultiKrum, NormClip, Round,
    RoundSettings, Rule,
};
use numpy::{IntoPyArray as _, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::error::{told, wrong};
use crate::memory::zeros;
use crate::sketches::Sketches;

const RULES: [&str; 8] =
    ["krum", "multi-krum", "bulyan", "geometric-median", "dnc", "fltrust", "foolsgold", "clip"];

/// The rules of `client_weights`, by name.
#[pyfunction]
pub(crate) fn client_rules() -> Vec<&'static str> {
    RULES.to_vec()
}

/// A weight for each client of a federated round (float64), in the order of `updates`:
/// the aggregate is the sum of the whole updates times these weights.
///
/// `updates` are sketches of the clients' updates, a client a row, made by one
/// `Sketcher`. `rule` is "krum", "multi-krum", "bulyan", "geometric-median", "dnc",
/// "fltrust", "foolsgold" or "clip". The weights sum to 1, but for "fltrust" and "clip",
/// which also change lengths.
///
/// `hostile` is how many clients may be hostile: "krum", "multi-krum", "bulyan" and "dnc"
/// need it. `keep` is how many "multi-krum" keeps (all but the hostile), `norm` what
/// "clip" holds updates to (the median of their norms), `server` the sketch of the one
/// update that "fltrust" trusts. `ids` (uint64, none twice) make the weights the same
/// bits in any order of arrival; without them a client's place is its id.
///
/// An update with NaN or infinite entries has the weight 0, and counts as hostile.
///
/// What is promised is agreement with the same rule on whole updates, not security: the
/// book's page on clients' updates has each rule's known holes.
#[pyfunction]
#[pyo3(signature = (updates, rule, *, hostile = None, ids = None, server = None, keep = None, norm = None))]
#[expect(clippy::too_many_arguments, reason = "they are keywords")]
pub(crate) fn client_weights<'py>(
    py: Python<'py>,
    updates: &Sketches,
    rule: &str,
    hostile: Option<usize>,
    ids: Option<PyReadonlyArray1<'_, u64>>,
    server: Option<&Sketches>,
    keep: Option<usize>,
    norm: Option<f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    if !RULES.contains(&rule) {
        return Err(wrong(format!("expected a rule of {}, found {rule:?}", RULES.join(", "))));
    }
    let takes_hostile = ["krum", "multi-krum", "bulyan", "dnc"].contains(&rule);
    let needs = |what: &str| wrong(format!("expected {what} beside the rule {rule}, found none"));
    if takes_hostile && hostile.is_none() {
        return Err(needs("hostile, how many clients may be hostile,"));
    }
    for (name, is_given, of) in [
        ("keep", keep.is_some(), "multi-krum"),
        ("norm", norm.is_some(), "clip"),
        ("server", server.is_some(), "fltrust"),
    ] {
        if is_given && rule != of {
            return Err(wrong(format!("expected {name} beside the rule {of} alone, found it beside {rule}")));
        }
    }
    let server = match (rule, server) {
        ("fltrust", None) => return Err(needs("server, the sketch of an update that the server trusts,")),
        (_, Some(server)) if server.measures.len() != 1 => {
            return Err(wrong(format!("expected one update as server, found {}", server.measures.len())));
        }
        (_, server) => server.map(|server| server.row(0, 0, None)),
    };
    let count = updates.measures.len();
    let ids: Vec<u64> = match &ids {
        Some(ids) => ids.as_slice()?.to_vec(),
        None => (0..).take(count).collect(),
    };
    if ids.len() != count {
        return Err(wrong(format!("expected {count} ids, one for each update, found {}", ids.len())));
    }
    let round = round(updates, &ids)?;
    let hostile = hostile.unwrap_or(0);
    let weigh = || match (rule, server) {
        ("krum", _) => by(&Krum { hostile }, &round),
        ("multi-krum", _) => by(&MultiKrum { hostile, keep }, &round),
        ("bulyan", _) => by(&Bulyan { hostile }, &round),
        ("geometric-median", _) => by(&GeometricMedian::new(), &round),
        ("dnc", _) => by(&Dnc { hostile }, &round),
        ("foolsgold", _) => by(&FoolsGold, &round),
        ("clip", _) => by(&NormClip { most: norm }, &round),
        (_, Some(server)) => by(&FlTrust { server }, &round),
        // The names were looked at, and FLTrust has a server.
        (_, None) => Err(Error::Setting { name: "rule", expected: "a rule" }),
    };
    let weights = py.detach(weigh).map_err(|error| match error {
        Error::TooFew { needed, found } => wrong(format!(
            "expected at least {needed} finite updates for the rule {rule}, found {found} of {count}"
        )),
        error => told(error),
    })?;
    let mut of_row: Vec<(u64, f64)> = round.clients().map(Client::id).zip(weights).collect();
    of_row.sort_unstable_by_key(|&(id, _)| id);
    let weight = |id: &u64| of_row.binary_search_by_key(id, |&(id, _)| id).map_or(0.0, |at| of_row[at].1);
    Ok(ids.iter().map(weight).collect::<Vec<f64>>().into_pyarray(py))
}

/// The updates as a round.
fn round(updates: &Sketches, ids: &[u64]) -> PyResult<Round<Vec<f32>, Vec<Client>>> {
    let settings = RoundSettings { clients: ids.len(), width: updates.id.width };
    let memory = settings.memory();
    let (rows, clients) = (zeros(memory.f32s).map_err(told)?, zeros(memory.others).map_err(told)?);
    let mut round = Round::new(settings, rows, clients).map_err(told)?;
    for (&id, update) in ids.iter().zip(updates.rows_alone()) {
        round.observe(id, &update).map_err(told)?;
    }
    Ok(round)
}

/// What a rule says.
fn by(rule: &impl Rule, round: &Round<Vec<f32>, Vec<Client>>) -> Result<Vec<f64>, Error> {
    let mut memory = zeros(rule.needs(&round.settings()).f64s)?;
    let mut weights = zeros(round.count())?;
    rule.weigh(round, &mut memory, &mut weights)?;
    Ok(weights)
}
