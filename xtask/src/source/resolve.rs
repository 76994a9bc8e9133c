//! Where a path of names leads.

use super::modules::{Module, Modules};

/// How many imports of imports are followed.
const DEEPEST: usize = 16;

/// Where a path leads.
pub(crate) enum Place {
    /// To a module.
    Module(usize),
    /// To something that a module defines, or that one of its macros made.
    Item { module: usize, name: String },
}

/// The file that defines what a path names, if it is one of the crate's.
pub(crate) fn file_of(modules: &Modules, from: usize, path: &[String]) -> Option<usize> {
    place_of(modules, from, path).map(|place| match place {
        Place::Module(module) | Place::Item { module, .. } => modules.list[module].file,
    })
}

/// Where a path leads, if not out of the crate.
pub(crate) fn place_of(modules: &Modules, from: usize, path: &[String]) -> Option<Place> {
    resolve(modules, from, path, DEEPEST)
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
                .unwrap_or_else(|| Place::Item { module, name: name.to_owned() }),
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
        return Some(Place::Item { module, name: name.to_owned() });
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
