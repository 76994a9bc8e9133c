//! Files that are one matrix together, rows after rows: `DIRECTORY/`, or a pattern such
//! as `DIRECTORY/grads-*.npy`.
//!
//! Their order is that of their names, numbers in them by value, so that `grads-10.npy`
//! follows `grads-9.npy`. Hidden files are passed over. Of files that are named
//! `…-00001-of-00003…` none may be missing.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::measures::ENDING;
use super::partial::directory;
use super::{FileError, Source};

/// The files of a pattern, in order, each with the tensor that is meant.
///
/// # Errors
/// No such directory, or no such file in it; one that is missing among numbered ones.
pub(super) fn files(pattern: &Path, tensor: Option<&str>) -> Result<Vec<Source>, FileError> {
    let is_directory = pattern.as_os_str().as_encoded_bytes().ends_with(b"/");
    let (folder, wanted) = match pattern.file_name() {
        Some(name) if !is_directory => (directory(pattern), name.to_str().unwrap_or_default()),
        _ => (pattern, "*"),
    };
    let name = folder.display().to_string();
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| FileError::io(&name, "read the directory", e))? {
        let entry = entry.map_err(|e| FileError::io(&name, "read the directory", e))?;
        let Ok(file) = entry.file_name().into_string() else { continue };
        let is_array = Path::new(&file).extension().is_some_and(is_array);
        if is_array && !file.starts_with('.') && !file.ends_with(ENDING) && matches(wanted, &file) {
            names.push(file);
        }
    }
    names.sort_by_cached_key(|name| (natural(name), name.clone()));
    let refuse = |expected: String, found: String| {
        Err(FileError::Step { file: pattern.display().to_string(), expected, found })
    };
    if names.is_empty() {
        return refuse("at least one .npy or .safetensors file of that name".to_owned(), "none".to_owned());
    }
    if let Some(count) = names.iter().find_map(|name| of_how_many(name))
        && count != names.len() as u128
    {
        return refuse(format!("all {count} files, as their names say"), names.len().to_string());
    }
    Ok(names.iter().map(|name| source(folder.join(name), tensor)).collect())
}

fn is_array(ending: &OsStr) -> bool {
    ending == "npy" || ending == "safetensors"
}

fn source(path: PathBuf, tensor: Option<&str>) -> Source {
    if path.extension().is_some_and(|ending| ending == "safetensors") {
        Source::Safetensors { path, tensor: tensor.map(str::to_owned) }
    } else {
        Source::Npy(path)
    }
}

/// Whether a name is what the pattern says, `*` standing for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches(after, &rest[at..]))
        }),
    }
}

/// Texts and the numbers that follow them.
fn natural(name: &str) -> Vec<(String, u128)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(digits);
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        parts.push((text.to_owned(), behind[..end].parse().unwrap_or(u128::MAX)));
        rest = &behind[end..];
    }
    parts
}

/// N of `…-00001-of-N…`.
fn of_how_many(name: &str) -> Option<u128> {
    let (before, after) = name.rsplit_once("-of-")?;
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    before.ends_with(|c: char| c.is_ascii_digit()).then(|| after[..end].parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_and_ordered_as_people_do() {
        assert!(matches("*", "a") && matches("g-*.npy", "g-1.npy") && matches("*-*", "a-b"));
        assert!(!matches("g-*.npy", "g-1.npy.bak") && !matches("g", "gg"));
        let mut names = ["g-10.npy", "g-9.npy", "g-1.npy", "f-11.npy"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["f-11.npy", "g-1.npy", "g-9.npy", "g-10.npy"]);
        assert_eq!(of_how_many("m-00001-of-00003.safetensors"), Some(3));
        assert_eq!(of_how_many("best-of-3.npy"), None);
    }
}
