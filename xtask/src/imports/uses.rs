//! What `use` brings into a module.

use syn::UseTree;

/// An import.
pub(crate) struct Use {
    /// Under which name; `*` for all names of a module.
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    /// Whether it is passed on (`pub use`).
    pub(crate) passed_on: bool,
}

/// The imports that a tree of braces stands for.
pub(crate) fn leaves(tree: &UseTree, passed_on: bool) -> Vec<Use> {
    fn walk(tree: &UseTree, before: &[String], passed_on: bool, found: &mut Vec<Use>) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => walk(&path.tree, &with(&path.ident), passed_on, found),
            UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, before, passed_on, found)),
            UseTree::Glob(_) => found.push(Use { name: "*".to_owned(), path: before.to_vec(), passed_on }),
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" { before.to_vec() } else { with(&rename.ident) };
                found.push(Use { name: rename.rename.to_string(), path, passed_on });
            }
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                found.push(Use { name: last, path: before.to_vec(), passed_on });
            }
            UseTree::Name(name) => {
                found.push(Use { name: name.ident.to_string(), path: with(&name.ident), passed_on });
            }
        }
    }
    let mut found = Vec::new();
    walk(tree, &[], passed_on, &mut found);
    found
}
