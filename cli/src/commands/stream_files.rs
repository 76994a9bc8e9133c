//! The streams of the experiment `streams` as files: a folder each.

use std::fs;
use std::path::Path;

use super::CommandError;
use super::rows::SketchSettings;
use super::sketch_file::SketchFile;
use gradsieve_harness::Watch;
use gradsieve_harness::truth::{CLEAN_STREAM, Settings, Stream, StreamPlan, TruthError, each_stream};
use gradsieve_io::files::{ArrayWriter, Destination, Dtype};

/// Writes every stream below `directory`, as `TASK_REGIME_KIND_SEED`; returns how many
/// there are.
///
/// # Errors
/// Streams that cannot be made, files that cannot be written.
pub(super) fn write_streams(
    settings: &Settings,
    directory: &Path,
    watch: &dyn Watch,
) -> Result<usize, CommandError> {
    let mut count = 0;
    for seed in (0..settings.seeds).map(|more| settings.seed.wrapping_add(more)) {
        let written = each_stream(settings, seed, watch, |plan, streams| {
            let folder = directory.join(name(plan));
            write(&streams.judged, &folder)
                .map(|()| Vec::new())
                .map_err(|error| TruthError::Cache { path: folder, reason: error.to_string() })
        })?;
        count += written.len();
    }
    Ok(count)
}

fn name(plan: &StreamPlan<'_>) -> String {
    let corruption = plan.corruption.map_or(CLEAN_STREAM, |corruption| corruption.name);
    format!("{}_{}_{corruption}_{}", plan.task.name, plan.regime.name(), plan.seed).replace(' ', "-")
}

fn write(stream: &Stream, folder: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(folder).map_err(|error| CommandError::Argument {
        argument: "--dump",
        expected: "a directory that exists or can be made".to_owned(),
        found: format!("{}: {error}", folder.display()),
    })?;
    let to = |name: &str| Destination::Path(folder.join(name));
    let columns = stream.measures.first().map_or(0, |measures| measures.count as usize);
    let settings = SketchSettings::new("sjlt", &stream.id, columns).to_metadata();
    let shape = [stream.len(), stream.id.width];
    let mut sketches = SketchFile::create(&to("sketches.npy"), shape, Dtype::F32, settings)?;
    stream.seen().try_for_each(|seen| sketches.push(&seen.sketch))?;
    sketches.finish()?;
    let column = |name: &str, values: Vec<f64>| {
        let mut writer = ArrayWriter::create(&to(name), &[values.len()], Dtype::F64)?;
        writer.write_f64(&values)?;
        Ok::<(), CommandError>(writer.finish()?)
    };
    column("loss.npy", stream.losses.clone())?;
    column("groups.npy", stream.labels.iter().map(|&label| f64::from(label)).collect())?;
    column("samples.npy", stream.samples.iter().map(|&sample| sample as f64).collect())?;
    column("corrupt.npy", stream.truth().into_iter().map(|corrupt| f64::from(u8::from(corrupt))).collect())
}
