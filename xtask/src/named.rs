//! Tests that pages name, as `FILE::FUNCTION` from the root of the clone: each exists.

use std::path::Path;

use anyhow::bail;

use crate::check::root;
use crate::crates::{files, short};

/// Refuses a page that names a test which is not there; how many are named.
pub(crate) fn check() -> anyhow::Result<usize> {
    let (mut count, mut missing) = (0, Vec::new());
    for page in files(&[".md"])? {
        let text = std::fs::read_to_string(&page)?;
        for (file, function) in named(&text) {
            count += 1;
            let source = std::fs::read_to_string(root().join(file)).unwrap_or_default();
            if !has(&source, file, function) {
                missing.push(format!("{} names the test {file}::{function}", short(&page)));
            }
        }
    }
    if !missing.is_empty() {
        bail!("{}: there is none of that name", missing.join(", "));
    }
    Ok(count)
}

/// The file and the function of each code span `FILE::FUNCTION`.
fn named(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter_map(|span| {
        let (file, function) = span.split_once("::")?;
        let is_source = Path::new(file).extension().is_some_and(|ending| ending == "rs" || ending == "py");
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (is_source && !function.is_empty() && function.chars().all(is_name)).then_some((file, function))
    })
}

/// Whether a source defines the function.
fn has(source: &str, file: &str, function: &str) -> bool {
    let keyword = if file.ends_with(".py") { "def " } else { "fn " };
    source.lines().any(|line| {
        let name = line.trim_start().strip_prefix(keyword).and_then(|rest| rest.strip_prefix(function));
        name.is_some_and(|rest| rest.starts_with(['(', '<']))
    })
}

#[cfg(test)]
mod tests {
    use super::{has, named};

    #[test]
    fn tests_are_named_in_code_spans_by_their_file() {
        let page = "`a/b.rs::c_d`, `Error::Range`, a/b.rs::no and `x.rs::y z`\n| `t.py::test_e` |";
        assert_eq!(named(page).collect::<Vec<_>>(), [("a/b.rs", "c_d"), ("t.py", "test_e")]);
    }

    #[test]
    fn a_function_is_found_by_its_whole_name() {
        let rust = "    fn finds(seed: u64) {}\nfn also<T>() {}\n// fn told()";
        assert!(has(rust, "a.rs", "finds") && has(rust, "a.rs", "also"));
        assert!(!has(rust, "a.rs", "find") && !has(rust, "a.rs", "told") && !has("", "a.rs", "finds"));
        assert!(has("def test_it(tmp_path):", "a.py", "test_it") && !has(rust, "a.py", "finds"));
    }
}
