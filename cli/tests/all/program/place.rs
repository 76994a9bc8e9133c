//! What the tests of the program share: a directory to run it in, arrays, and closeness.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gradsieve::{Element, Layout, Projector, Sketcher, Summary};
use gradsieve_io::files::{ArrayWriter, Destination, Dtype};
use serde_json::Value;
use tempfile::TempDir;

/// A file of the tests of `gradsieve-io`.
pub(crate) fn array_file(name: &str) -> String {
    file("../io/tests/golden/files", name)
}

pub(crate) fn numpy(name: &str) -> String {
    file("tests/golden/influence", &format!("{name}.npy"))
}

fn file(folder: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// A directory to work in.
pub(crate) struct Place(pub(crate) TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gradsieve"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program runs")
    }

    /// Runs, and insists on success; standard output.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(arguments)).expect("JSON")
    }

    /// Runs, and insists on exit code 2 and one sentence on standard error, without the
    /// program's name.
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
        error.trim_end().strip_prefix("gradsieve: ").expect("the program's name comes first").to_owned()
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("readable");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    pub(crate) fn write(&self, name: &str, shape: &[usize], dtype: Dtype, values: &[f32]) {
        let destination = Destination::Path(self.path(name));
        let mut writer = ArrayWriter::create(&destination, shape, dtype).expect("writable");
        writer.write(values).expect("as many as the shape says");
        writer.finish().expect("writable");
    }

    pub(crate) fn array<T: npyz::Deserialize>(&self, name: &str) -> Vec<T> {
        array(self.path(name))
    }

    pub(crate) fn shape(&self, name: &str) -> Vec<u64> {
        let bytes = fs::read(self.path(name)).expect("the file is there");
        npyz::NpyFile::new(&bytes[..]).expect("a .npy file").shape().to_vec()
    }
}

pub(crate) fn array<T: npyz::Deserialize>(path: impl AsRef<Path>) -> Vec<T> {
    let bytes = fs::read(path).expect("the file is there");
    npyz::NpyFile::new(&bytes[..]).expect("a .npy file").into_vec().expect("of this type")
}

/// Numbers of every size, the same in every run.
pub(crate) fn noise(count: usize) -> Vec<f32> {
    let number = |i: usize| {
        let word = gradsieve_kernels::hash::mix(i as u64 + 1);
        ((word >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.37 * (1 + word % 7) as f32
    };
    (0..count).map(number).collect()
}

#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], allowed: impl Fn(usize) -> f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= allowed(i), "at {i}: {found} instead of {expected}, allowed {:e}", allowed(i));
    }
}

/// The bound of a canonical sum of products (23 roundings of f32), and one rounding of
/// each operand.
pub(crate) const ROUNDINGS: f64 = 25.0 / (1 << 24) as f64;

/// The core's sketch of a gradient that comes whole.
pub(crate) fn sketch<T: Element>(projector: impl Projector, gradient: &[T]) -> (Vec<f32>, Summary) {
    let mut memory = vec![0.0; projector.width()];
    let layout = Layout::flat(gradient.len() as u64).unwrap();
    let mut sketcher = Sketcher::new(projector, layout, &mut memory).unwrap();
    sketcher.segment(0, gradient).unwrap();
    let measures = sketcher.finish().unwrap().measures;
    (memory, measures)
}
