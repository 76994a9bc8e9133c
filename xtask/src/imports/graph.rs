//! Which file names items of which other.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Module, Modules};
use super::paths::Named;

/// How many imports of imports are followed.
const DEEPEST: usize = 16;

/// From a file to a file: the paths that make the edge.
pub(super) type Edges = BTreeMap<(usize, usize), BTreeSet<String>>;

/// Where a path leads.
enum Place {
    Module(usize),
    /// Something that a file defines.
    Item(usize),
}

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

/// The file that defines what a path names, if it is one of the crate's.
fn file_of(modules: &Modules, from: usize, path: &[String]) -> Option<usize> {
    resolve(modules, from, path, DEEPEST).map(|place| match place {
        Place::Module(module) => modules.list[module].file,
        Place::Item(file) => file,
    })
}

fn resolve(modules: &Modules, from: usize, path: &[String], deep: usize) -> Option<Place> {
    let (first, rest) = path.split_first()?;
    let start = match first.as_str() {
        "crate" => Place::Module(0),
        "self" => Place::Module(from),
        "super" => Place::Module(modules.list[from].parent?),
        name => look_up(modules, from, name, deep.checked_sub(1)?)?,
    };
    let mut place = start;
    for name in rest {
        let Place::Module(module) = place else { return Some(place) };
        place = match name.as_str() {
            "super" => Place::Module(modules.list[module].parent?),
            // What a module's macro made, or what it imports from another crate, is its
            // own.
            name => look_up(modules, module, name, deep.checked_sub(1)?)
                .unwrap_or(Place::Item(modules.list[module].file)),
        };
    }
    Some(place)
}

/// A name in the scope of a module.
fn look_up(modules: &Modules, module: usize, name: &str, deep: usize) -> Option<Place> {
    let scope: &Module = &modules.list[module];
    if let Some(&child) = scope.children.get(name) {
        return Some(Place::Module(child));
    }
    if scope.defined.contains(name) {
        return Some(Place::Item(scope.file));
    }
    let by_name = scope.uses.iter().find(|import| import.name == name);
    if let Some(import) = by_name.filter(|import| import.path.first().is_some_and(|first| first != name)) {
        return resolve(modules, module, &import.path, deep);
    }
    let deep = deep.checked_sub(1)?;
    scope.uses.iter().filter(|import| import.name == "*").find_map(|import| {
        match resolve(modules, module, &import.path, deep)? {
            Place::Module(other) if other != module => look_up(modules, other, name, deep),
            _ => None,
        }
    })
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
