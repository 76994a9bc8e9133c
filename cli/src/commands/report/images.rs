//! Pictures of samples: files of a directory, or an array.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::wanted::Wanted;
use crate::commands::CommandError;
use crate::commands::inputs::refuse;
use gradsieve_io::files::{FileError, ItemValues, Items, Source, check_rows};
use gradsieve_report::{Content, Picture, PictureError, Pixels};

/// The pictures of the rows that are wanted.
///
/// # Errors
/// No directory and no array; none of a row; what is no picture.
pub(super) fn images(
    argument: &'static str,
    path: &Path,
    wanted: &Wanted<'_>,
) -> Result<BTreeMap<usize, Content>, CommandError> {
    if path.is_dir() { of_files(argument, path, wanted) } else { of_array(path, wanted) }
}

/// What is wrong with the picture of a file.
fn wrong(file: &str) -> impl FnOnce(PictureError) -> CommandError + use<> {
    let file = file.to_owned();
    |error| CommandError::Picture { file, error }
}

fn of_array(path: &Path, wanted: &Wanted<'_>) -> Result<BTreeMap<usize, Content>, CommandError> {
    let source = Source::from_os(path.as_os_str())?;
    let mut items = Items::open(&source)?;
    let file = source.to_string();
    check_rows(wanted.of, wanted.count, &file, items.count())?;
    let mut found = BTreeMap::new();
    for &row in wanted.rows {
        let values = items.read(row)?;
        let pixels = match &values {
            ItemValues::Bytes(bytes) => Pixels::Bytes(bytes),
            ItemValues::Numbers(numbers) => Pixels::Floats(numbers),
        };
        let picture = Picture::from_array(pixels, items.shape()).map_err(wrong(&file))?;
        found.insert(row, Content::Picture(picture));
    }
    Ok(found)
}

/// Bytes of a file that is read.
const LARGEST: u64 = 64 << 20;

fn of_files(
    argument: &'static str,
    directory: &Path,
    wanted: &Wanted<'_>,
) -> Result<BTreeMap<usize, Content>, CommandError> {
    let files = Files::list(directory)?;
    let mut found = BTreeMap::new();
    for &row in wanted.rows {
        let Some(path) = files.of(row, wanted) else {
            let name = wanted.ids.and_then(|ids| ids.get(row)).map_or(String::new(), |id| format!(" ({id})"));
            return refuse(
                argument,
                format!("a picture, .png or .jpg, of row {row}{name} of {}", wanted.of),
                format!("none among the {} in {}", files.sorted.len(), directory.display()),
            );
        };
        let file = path.display().to_string();
        let failed = |cause| FileError::Io { file: file.clone(), action: "read", cause };
        let bytes = fs::metadata(path).map_err(failed)?.len();
        if bytes > LARGEST {
            let expected = format!("a picture of at most {} MiB", LARGEST >> 20);
            return Err(CommandError::step(&file, expected, format!("{bytes} bytes")));
        }
        let picture = Picture::from_file(&fs::read(path).map_err(failed)?).map_err(wrong(&file))?;
        found.insert(row, Content::Picture(picture));
    }
    Ok(found)
}

/// The pictures in a directory.
struct Files {
    /// In the order of their names.
    sorted: Vec<PathBuf>,
    /// By their names, with and without their ending.
    by_name: BTreeMap<String, usize>,
    /// By the numbers that all of them are named by.
    by_number: Option<BTreeMap<usize, usize>>,
}

impl Files {
    fn list(directory: &Path) -> Result<Self, CommandError> {
        let failed = |cause| FileError::Io { file: directory.display().to_string(), action: "read", cause };
        let mut sorted = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_picture =
                |ending: &OsStr| ["png", "jpg", "jpeg"].iter().any(|one| ending.eq_ignore_ascii_case(one));
            if path.extension().is_some_and(is_picture) && path.is_file() {
                sorted.push(path);
            }
        }
        sorted.sort();
        let text =
            |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
        let (mut by_name, mut by_number) = (BTreeMap::new(), BTreeMap::new());
        for (place, path) in sorted.iter().enumerate() {
            let stem = text(path.file_stem());
            if let Ok(number) = stem.parse::<usize>() {
                by_number.insert(number, place);
            }
            by_name.insert(text(path.file_name()), place);
            by_name.insert(stem, place);
        }
        let by_number = (by_number.len() == sorted.len()).then_some(by_number);
        Ok(Self { sorted, by_name, by_number })
    }

    /// The picture of a row: by its name, where rows have names and any picture has one
    /// of them; else by its number, where all pictures have numbers of rows; else by its
    /// place, where there are as many pictures as rows.
    fn of(&self, row: usize, wanted: &Wanted<'_>) -> Option<&PathBuf> {
        let named = |id: &String| {
            let name = Path::new(id).file_name().map(|name| name.to_string_lossy().into_owned());
            self.by_name.get(id).or_else(|| self.by_name.get(&name?))
        };
        let place = match (wanted.ids, &self.by_number) {
            (Some(ids), _) if ids.iter().any(|id| named(id).is_some()) => {
                ids.get(row).and_then(named).copied()
            }
            (_, Some(numbers)) if numbers.keys().all(|&number| number < wanted.count) => {
                numbers.get(&row).copied()
            }
            // From another number on, as 1.png, 2.png, … are.
            (_, Some(numbers)) if numbers.len() == wanted.count => numbers.values().nth(row).copied(),
            _ => (self.sorted.len() == wanted.count).then_some(row),
        };
        self.sorted.get(place?)
    }
}
