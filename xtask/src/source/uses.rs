//! What `use` brings into a module.

use syn::{UseTree, Visibility};

/// An import.
pub(crate) struct Use {
    /// Under which name; `*` for all names of a module.
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    /// Whether it is passed on (`pub use`).
    pub(crate) passed_on: bool,
    /// Whether everybody may see it.
    pub(crate) public: bool,
}

/// The imports that a tree of braces stands for.
pub(crate) fn leaves(tree: &UseTree, visibility: &Visibility) -> Vec<Use> {
    fn walk(tree: &UseTree, before: &[String], found: &mut Vec<(String, Vec<String>)>) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => walk(&path.tree, &with(&path.ident), found),
            UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, before, found)),
            UseTree::Glob(_) => found.push(("*".to_owned(), before.to_vec())),
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" { before.to_vec() } else { with(&rename.ident) };
                found.push((rename.rename.to_string(), path));
            }
            UseTree::Name(name) if name.ident == "self" => {
                found.push((before.last().cloned().unwrap_or_default(), before.to_vec()));
            }
            UseTree::Name(name) => found.push((name.ident.to_string(), with(&name.ident))),
        }
    }
    let mut found = Vec::new();
    walk(tree, &[], &mut found);
    let passed_on = !matches!(visibility, Visibility::Inherited);
    let public = matches!(visibility, Visibility::Public(_));
    found.into_iter().map(|(name, path)| Use { name, path, passed_on, public }).collect()
}
