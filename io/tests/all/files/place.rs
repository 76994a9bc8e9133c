//! What the tests of files share: golden files, files made by hand, and what errors say.

use std::fs;
use std::path::{Path, PathBuf};

use gradsieve_io::files::{Destination, FileError, Matrix, Source, info, read_groups};

pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/files").join(name)
}

pub(crate) fn source(path: impl AsRef<Path>) -> Source {
    path.as_ref().to_str().expect("the paths of tests are UTF-8").parse().expect("a good argument")
}

pub(crate) fn golden_source(name: &str) -> Source {
    source(golden(name))
}

pub(crate) fn destination(path: impl AsRef<Path>) -> Destination {
    Destination::Path(path.as_ref().to_owned())
}

/// The values of every golden matrix.
pub(crate) fn gradient() -> Vec<f32> {
    (0..15).map(|i| (i as f32 - 7.0) / 4.0).collect()
}

pub(crate) fn all(source: &Source) -> Result<Vec<f32>, FileError> {
    Matrix::open(source)?.read_all_f32(usize::MAX)
}

/// The text of an error, without the directory that the file is in.
pub(crate) fn says<T>(outcome: Result<T, FileError>, directory: &Path) -> String {
    let Err(error) = outcome else { panic!("expected an error") };
    error.to_string().replace(&format!("{}/", directory.display()), "")
}

pub(crate) fn says_golden<T>(outcome: Result<T, FileError>) -> String {
    says(outcome, &golden(""))
        .replace(&format!("{}", golden("").display()), "")
        .trim_start_matches('/')
        .to_owned()
}

pub(crate) fn open_error(name: &str) -> String {
    says_golden(Matrix::open(&golden_source(name)))
}

/// A `.npy` with this dictionary, as text.
pub(crate) fn npy(version: u8, dictionary: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    if version == 1 {
        bytes.extend((dictionary.len() as u16).to_le_bytes());
    } else {
        bytes.extend((dictionary.len() as u32).to_le_bytes());
    }
    bytes.extend(dictionary.as_bytes());
    bytes.extend(values);
    bytes
}

pub(crate) fn safetensors(json: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    bytes.extend(values);
    bytes
}

/// Everything that can be asked of a file; must return, whatever it holds.
pub(crate) fn ask_everything(path: &Path) -> bool {
    let source = source(path);
    let read = Matrix::open(&source).and_then(|mut matrix| {
        let mut row = vec![0.0; matrix.cols().min(1 << 16)];
        let _ = matrix.read_row_into(0, &mut row);
        matrix.read_all_f32(1 << 16)
    });
    let groups = read_groups(&source, "g.npy", 5);
    let info = info(&source);
    read.is_ok() || groups.is_ok() || info.is_ok()
}

pub(crate) fn files_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("the directory is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}
