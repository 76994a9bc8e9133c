//! Which file names items of which other.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Modules, Named, file_of};

/// From a file to a file: the paths that make the edge.
pub(super) type Edges = BTreeMap<(usize, usize), BTreeSet<String>>;

/// All edges between different files of a crate.
pub(super) fn edges(modules: &Modules) -> Edges {
    let mut edges = Edges::new();
    for (index, module) in modules.list.iter().enumerate() {
        let mut add = |to: Option<usize>, name: String| {
            if let Some(to) = to.filter(|&to| to != module.file) {
                edges.entry((module.file, to)).or_default().insert(name);
            }
        };
        for import in &module.uses {
            let to = file_of(modules, index, &import.path);
            if !(import.passed_on && to.is_some_and(|to| is_below(modules, index, to))) {
                add(to, import.path.join("::"));
            }
        }
        for named in &module.named {
            match named {
                Named::Path(path) | Named::Import(path) => {
                    add(file_of(modules, index, path), path.join("::"))
                }
                Named::Macro(name) => add(modules.macros.get(name).copied(), format!("{name}!")),
            }
        }
    }
    edges
}

/// Whether a file belongs to a module below this one.
fn is_below(modules: &Modules, module: usize, file: usize) -> bool {
    let mut above = modules.list.iter().find(|module| module.file == file).and_then(|module| module.parent);
    while let Some(index) = above {
        if index == module {
            return true;
        }
        above = modules.list[index].parent;
    }
    false
}
