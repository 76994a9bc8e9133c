//! The report: what Python knows of samples, as the page that the program writes.

use gradsieve_report::{
    Classes, Content, Fact, Picture, Pixels, Ranked, Report, Scoring, Shown, Stream, Target, page,
};
use numpy::{PyReadonlyArray1, PyReadonlyArrayDyn};
use pyo3::prelude::*;

use crate::error::wrong;

/// A sample beside a target: its place, its influence, and what there is to see of it.
type GivenSample<'py> = (usize, f64, Bound<'py, PyAny>);
/// A target: its name, what there is to see of it, and who helps and who harms it.
type GivenTarget<'py> = (String, Bound<'py, PyAny>, Vec<GivenSample<'py>>, Vec<GivenSample<'py>>);

/// The page of a report: an entry for each sample in all but `history`, which has one for
/// each visit, `classes`, and `shown` and `contents`, which have one for each sample that
/// is shown. A content is None, a text, a list of names and values, or a picture as an
/// array of uint8 or float64. A target is its name, its content, and the samples that
/// help and harm it most, each as its place, its influence and its content.
#[pyfunction]
#[pyo3(signature = (*, title, notes, ids, scores, flagged, threshold, p, visits, labels, classes, predicted, losses, history, shown, contents, targets))]
#[expect(clippy::too_many_arguments, reason = "each has its name where it is called")]
pub(crate) fn report_page(
    title: &str,
    notes: Vec<String>,
    ids: Vec<String>,
    scores: PyReadonlyArray1<'_, f64>,
    flagged: Vec<bool>,
    threshold: Option<f64>,
    p: PyReadonlyArray1<'_, f64>,
    visits: PyReadonlyArray1<'_, f64>,
    labels: Option<PyReadonlyArray1<'_, u32>>,
    classes: Vec<String>,
    predicted: Option<PyReadonlyArray1<'_, u32>>,
    losses: Option<PyReadonlyArray1<'_, f64>>,
    history: PyReadonlyArray1<'_, f64>,
    shown: Vec<usize>,
    contents: Vec<Bound<'_, PyAny>>,
    targets: Vec<GivenTarget<'_>>,
) -> PyResult<String> {
    let count = scores.as_slice()?.len();
    let sizes = [ids.len(), flagged.len(), p.as_slice()?.len(), visits.as_slice()?.len()];
    if sizes.iter().any(|&size| size != count) || shown.len() != contents.len() {
        return Err(wrong(format!("expected {count} entries of each, found {sizes:?}")));
    }
    let ranked = |samples: &[GivenSample<'_>]| -> PyResult<Vec<Ranked>> {
        let one = |(row, influence, sample): &GivenSample<'_>| match *row < count {
            true => Ok(Ranked { row: *row, influence: *influence, content: content(sample)? }),
            false => Err(wrong(format!("expected places below {count}, found {row}"))),
        };
        samples.iter().map(one).collect()
    };
    let target = |(name, own, helpful, harmful): &GivenTarget<'_>| -> PyResult<Target> {
        let (helpful, harmful) = (ranked(helpful)?, ranked(harmful)?);
        Ok(Target { name: name.clone(), content: content(own)?, helpful, harmful })
    };
    let targets = targets.iter().map(target).collect::<PyResult<Vec<_>>>()?;
    let contents = contents.iter().map(content).collect::<PyResult<Vec<_>>>()?;
    let slice = |array: &Option<PyReadonlyArray1<'_, u32>>| -> PyResult<Option<Vec<u32>>> {
        array.as_ref().map(|array| Ok(array.as_slice()?.to_vec())).transpose()
    };
    let (labels, predicted) = (slice(&labels)?, slice(&predicted)?);
    let losses = losses.as_ref().map(|losses| losses.as_slice()).transpose()?;
    let of = labels.unwrap_or_default();
    let scoring = Scoring {
        name: "sieve",
        scores: scores.as_slice()?,
        flagged,
        threshold,
        p: Some(p.as_slice()?.to_vec()),
    };
    let report = Report {
        title,
        notes,
        ids: Some(&ids),
        is_numbered: false,
        scorings: vec![scoring],
        labels: (!of.is_empty()).then_some(Classes { of: &of, names: classes }),
        predicted: predicted.as_deref(),
        losses,
        stream: Some(Stream { p: history.as_slice()?, of: "visit" }),
        facts: vec![Fact { name: "visits", values: visits.as_slice()? }],
        shown: shown.into_iter().zip(contents).map(|(row, content)| Shown { row, content }).collect(),
        targets,
    };
    Ok(page(&report))
}

/// What there is to see of a sample.
fn content(value: &Bound<'_, PyAny>) -> PyResult<Content> {
    if value.is_none() {
        return Ok(Content::None);
    }
    if let Ok(text) = value.extract::<String>() {
        return Ok(Content::Text(text));
    }
    if let Ok(fields) = value.extract::<Vec<(String, String)>>() {
        return Ok(Content::Fields(fields));
    }
    let picture = if let Ok(bytes) = value.extract::<PyReadonlyArrayDyn<'_, u8>>() {
        Picture::from_array(Pixels::Bytes(bytes.as_slice()?), bytes.as_array().shape())
    } else {
        let floats = value.extract::<PyReadonlyArrayDyn<'_, f64>>()?;
        Picture::from_array(Pixels::Floats(floats.as_slice()?), floats.as_array().shape())
    };
    picture.map(Content::Picture).map_err(|error| wrong(error.to_string()))
}
