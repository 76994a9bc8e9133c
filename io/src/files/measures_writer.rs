//! Writes what belongs to a file of sketches and is not in it ([`Measures`]).

use std::collections::BTreeMap;
use std::path::Path;

use ::safetensors::tensor::{Dtype, TensorView};

use super::error::FileError;
use super::measures::{OF, beside, fingerprint};
use super::{Destination, Measures};

/// Writes the settings and the measures of the sketches in `path`, which is finished.
///
/// # Errors
/// Measures of different numbers of rows, or a file that cannot be written.
pub fn write_measures(
    path: &Path,
    settings: &BTreeMap<String, String>,
    measures: &Measures,
) -> Result<(), FileError> {
    let Some(fingerprint) = fingerprint(path) else { return Ok(()) };
    let to = Destination::Path(beside(path));
    let Measures { l1, l2_squared, max, non_finite } = measures;
    let columns = [
        ("l1", Dtype::F64, l1.len(), l1.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()),
        (
            "l2_squared",
            Dtype::F64,
            l2_squared.len(),
            l2_squared.iter().flat_map(|x| x.to_le_bytes()).collect(),
        ),
        ("max", Dtype::F32, max.len(), max.iter().flat_map(|x| x.to_le_bytes()).collect()),
        (
            "non_finite",
            Dtype::U64,
            non_finite.len(),
            non_finite.iter().flat_map(|x| x.to_le_bytes()).collect(),
        ),
    ];
    let failed = |cause: ::safetensors::SafeTensorError| {
        FileError::io(&to.to_string(), "write", std::io::Error::other(cause.to_string()))
    };
    let mut views = Vec::new();
    for (name, dtype, rows, bytes) in &columns {
        views.push((*name, TensorView::new(*dtype, vec![*rows], bytes).map_err(failed)?));
    }
    let mut metadata: std::collections::HashMap<String, String> =
        settings.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    metadata.insert(OF.to_owned(), fingerprint);
    let whole = ::safetensors::serialize(views, Some(metadata)).map_err(failed)?;
    let mut output = to.create()?;
    output.write(&whole)?;
    output.finish()
}
