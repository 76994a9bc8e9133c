//! The modules of a crate, as its files declare them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use quote::ToTokens;
use syn::{Attribute, Item, Visibility};

use super::paths::{self, Named};
use super::uses::{Use, leaves};

/// All modules of a crate; the first is its root.
#[derive(Default)]
pub(crate) struct Modules {
    /// The files, the root's first.
    pub(crate) files: Vec<PathBuf>,
    /// The modules, of which several can stand in one file.
    pub(crate) list: Vec<Module>,
    /// In which file a macro is defined.
    pub(crate) macros: BTreeMap<String, usize>,
}

/// A module: what it defines and what it names.
pub(crate) struct Module {
    pub(crate) file: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, usize>,
    /// Whether it is declared `pub`.
    pub(crate) public: bool,
    /// What it defines, imports and modules apart.
    pub(crate) items: Vec<Item>,
    /// Names of functions, types, constants and the like.
    pub(crate) defined: BTreeSet<String>,
    pub(crate) uses: Vec<Use>,
    /// Paths in the code, and the imports of single functions.
    pub(crate) named: Vec<Named>,
}

/// Reads a crate from its first file.
pub(crate) fn read(root: &Path) -> anyhow::Result<Modules> {
    let mut modules = Modules::default();
    let folder = root.parent().context("a crate without a folder")?.to_owned();
    modules.read_file(root.to_owned(), folder, None)?;
    Ok(modules)
}

impl Modules {
    /// Reads a file as a module; those that it declares are looked for in `folder`.
    fn read_file(&mut self, path: PathBuf, folder: PathBuf, parent: Option<usize>) -> anyhow::Result<usize> {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let parsed = syn::parse_file(&text).with_context(|| path.display().to_string())?;
        self.files.push(path);
        self.read_items(self.files.len() - 1, &folder, parent, parsed.items)
    }

    fn read_items(
        &mut self,
        file: usize,
        folder: &Path,
        parent: Option<usize>,
        items: Vec<Item>,
    ) -> anyhow::Result<usize> {
        let index = self.list.len();
        self.list.push(Module {
            file,
            parent,
            children: BTreeMap::new(),
            public: index == 0,
            items: Vec::new(),
            defined: BTreeSet::new(),
            uses: Vec::new(),
            named: Vec::new(),
        });
        for item in items {
            match item {
                Item::Mod(module) if is_test(&module.attrs) => {}
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let folder_of_child = folder.join(&name);
                    let child = match module.content {
                        Some((_, items)) => self.read_items(file, &folder_of_child, Some(index), items)?,
                        None => {
                            let (path, folder) = self.file_of(file, folder, &name, &module.attrs)?;
                            self.read_file(path, folder, Some(index))?
                        }
                    };
                    self.list[child].public = matches!(module.vis, Visibility::Public(_));
                    self.list[index].children.insert(name, child);
                }
                Item::Use(import) => {
                    self.list[index].uses.extend(leaves(&import.tree, &import.vis));
                }
                item => {
                    if let Item::Macro(definition) = &item
                        && let Some(name) = &definition.ident
                    {
                        self.macros.insert(name.to_string(), file);
                    }
                    let module = &mut self.list[index];
                    module.defined.extend(name_of(&item));
                    module.named.extend(paths::named(item.to_token_stream()));
                    module.items.push(item);
                }
            }
        }
        Ok(index)
    }

    /// The file of a declared module, and the folder of those that it declares.
    fn file_of(
        &self,
        file: usize,
        folder: &Path,
        name: &str,
        attributes: &[Attribute],
    ) -> anyhow::Result<(PathBuf, PathBuf)> {
        if let Some(path) = attributes.iter().find_map(path_attribute) {
            let beside = self.files[file].parent().context("a file without a folder")?;
            let path = beside.join(path);
            let folder = path.parent().context("a file without a folder")?.to_owned();
            return Ok((path, folder));
        }
        let flat = folder.join(format!("{name}.rs"));
        let path = if flat.is_file() { flat } else { folder.join(name).join("mod.rs") };
        Ok((path, folder.join(name)))
    }
}

/// The name that an item defines.
fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Whether something is compiled for tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    let cfg_test =
        |attribute: &Attribute| attribute.to_token_stream().to_string().replace(' ', "") == "#[cfg(test)]";
    attributes.iter().any(cfg_test)
}

fn path_attribute(attribute: &Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    if !pair.path.is_ident("path") {
        return None;
    }
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}
