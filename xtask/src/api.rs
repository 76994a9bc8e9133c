//! The public interface of each published library, written down in `tests/api`: a change
//! of it shows in the diff of the change that makes it.
//!
//! The snapshot is made from the source: what everybody can name, without documentation
//! and bodies. What a macro makes is written as the call of the macro.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches};
use syn::{Attribute, Block, Fields, ImplItem, Item, ItemImpl, TraitItem, Type, Visibility};

use crate::check::{Check, root};
use crate::crates;
use crate::source::{self, Modules, Place, place_of};
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "api",
    about: "The public interface is the one in tests/api",
    in_ci: true,
    arguments: |command| {
        let write = Arg::new("write").long("write").action(ArgAction::SetTrue).help("Writes it anew");
        command.arg(write).after_help("Example:\n  cargo xtask api --write")
    },
    run,
};

/// The libraries whose users should hear of a change.
const LIBRARIES: &[&str] = &["gradsieve-kernels", "gradsieve", "gradsieve-io"];
const FOLDER: &str = "tests/api";

fn run(_: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let mut changed = Vec::new();
    let units = crates::units()?;
    for unit in units.iter().filter(|unit| LIBRARIES.contains(&unit.name.as_str())) {
        let now = interface(&unit.root)?;
        let file = root().join(FOLDER).join(format!("{}.txt", unit.name));
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        println!("{}: {} lines", unit.name, now.lines().count());
        if now == before {
            continue;
        }
        if given.get_flag("write") {
            std::fs::create_dir_all(root().join(FOLDER))?;
            std::fs::write(file, now)?;
        } else {
            show_difference(&before, &now);
            changed.push(unit.name.as_str());
        }
    }
    if !changed.is_empty() {
        bail!(
            "the interface of {} has changed; `cargo xtask api --write` writes it down",
            changed.join(", ")
        );
    }
    Ok(())
}

/// The interface of a crate as Rust without bodies.
fn interface(root: &Path) -> anyhow::Result<String> {
    let modules = source::read(root)?;
    let snapshot = Snapshot::of(&modules);
    let items = snapshot.module(0);
    Ok(prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items }))
}

/// Lines that one text has and the other has not.
fn show_difference(before: &str, now: &str) {
    let lines = |text: &'static str, of: &str, other: &str| {
        let known: BTreeSet<_> = other.lines().collect();
        of.lines().filter(|line| !known.contains(line)).for_each(|line| println!("{text} {line}"));
    };
    lines("-", before, now);
    lines("+", now, before);
}

struct Snapshot<'a> {
    modules: &'a Modules,
    /// All implementations, and in which module each stands.
    impls: Vec<(usize, &'a ItemImpl)>,
    /// The modules that everybody can name.
    reached: BTreeSet<usize>,
}

impl<'a> Snapshot<'a> {
    fn of(modules: &'a Modules) -> Self {
        let mut impls = Vec::new();
        for (index, module) in modules.list.iter().enumerate() {
            let found = module.items.iter().filter_map(|item| match item {
                Item::Impl(found) => Some((index, found)),
                _ => None,
            });
            impls.extend(found);
        }
        let mut reached = BTreeSet::new();
        let mut open = vec![0];
        while let Some(module) = open.pop() {
            reached.insert(module);
            let children = modules.list[module].children.values();
            open.extend(children.filter(|&&child| modules.list[child].public));
        }
        Self { modules, impls, reached }
    }

    /// The public items of a module, by name.
    fn module(&self, index: usize) -> Vec<Item> {
        let module = &self.modules.list[index];
        let mut items = Vec::new();
        for item in &module.items {
            items.extend(self.item(index, item));
        }
        for import in module.uses.iter().filter(|import| import.public) {
            items.extend(self.passed_on(index, import.name.as_str(), &import.path));
        }
        for (name, &child) in &module.children {
            if self.modules.list[child].public {
                items.extend(self.nested(name, child));
            }
        }
        items.sort_by_key(|(name, _)| name.clone());
        items.into_iter().map(|(_, item)| item).collect()
    }

    fn nested(&self, name: &str, module: usize) -> Option<(String, Item)> {
        let mut item: syn::ItemMod = syn::parse_str(&format!("pub mod {name} {{}}")).ok()?;
        item.content = Some((Default::default(), self.module(module)));
        Some((format!("~{name}"), Item::Mod(item)))
    }

    /// What an import passes on: the item itself, if nobody can name it otherwise.
    fn passed_on(&self, from: usize, name: &str, path: &[String]) -> Vec<(String, Item)> {
        let line = || {
            let last = path.last().map_or("", String::as_str);
            let rest = match name {
                "*" => "::*".to_owned(),
                name if name == last => String::new(),
                name => format!(" as {name}"),
            };
            let parsed = syn::parse_str(&format!("pub use {}{rest};", path.join("::")));
            Vec::from_iter(parsed.ok().map(|item| (name.to_owned(), item)))
        };
        match place_of(self.modules, from, path) {
            Some(Place::Item { module, name }) if !self.reached.contains(&module) => {
                let items = self.modules.list[module].items.iter();
                items
                    .flat_map(|item| self.item(module, item))
                    .filter(|(own, _)| named_first(own, &name))
                    .collect()
            }
            Some(Place::Module(module)) if !self.reached.contains(&module) => {
                if name == "*" {
                    let items = self.modules.list[module].items.iter();
                    items.flat_map(|item| self.item(module, item)).collect()
                } else {
                    Vec::from_iter(self.nested(name, module))
                }
            }
            _ => line(),
        }
    }

    /// A public item without its documentation and bodies, and the methods of a type.
    fn item(&self, index: usize, item: &Item) -> Vec<(String, Item)> {
        let mut item = item.clone();
        let (visibility, name) = match &mut item {
            Item::Const(item) => {
                tidy(&mut item.attrs);
                (item.vis.clone(), item.ident.to_string())
            }
            Item::Enum(item) => {
                tidy(&mut item.attrs);
                for variant in &mut item.variants {
                    tidy(&mut variant.attrs);
                    variant.fields.iter_mut().for_each(|field| tidy(&mut field.attrs));
                }
                (item.vis.clone(), item.ident.to_string())
            }
            Item::Fn(item) => {
                tidy(&mut item.attrs);
                empty(&mut item.block);
                (item.vis.clone(), item.sig.ident.to_string())
            }
            Item::Macro(item) => {
                let exported = item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
                tidy(&mut item.attrs);
                let Some(name) = &item.ident else { return Vec::new() };
                if !exported {
                    return Vec::new();
                }
                item.mac.tokens = Default::default();
                (Visibility::Public(Default::default()), name.to_string())
            }
            Item::Static(item) => {
                tidy(&mut item.attrs);
                (item.vis.clone(), item.ident.to_string())
            }
            Item::Struct(item) => {
                tidy(&mut item.attrs);
                show_public(&mut item.fields);
                (item.vis.clone(), item.ident.to_string())
            }
            Item::Trait(item) => {
                tidy(&mut item.attrs);
                for part in &mut item.items {
                    if let TraitItem::Fn(part) = part {
                        tidy(&mut part.attrs);
                        part.default.iter_mut().for_each(empty);
                    } else if let TraitItem::Const(part) = part {
                        tidy(&mut part.attrs);
                    } else if let TraitItem::Type(part) = part {
                        tidy(&mut part.attrs);
                    }
                }
                (item.vis.clone(), item.ident.to_string())
            }
            Item::Type(item) => {
                tidy(&mut item.attrs);
                (item.vis.clone(), item.ident.to_string())
            }
            _ => return Vec::new(),
        };
        if !matches!(visibility, Visibility::Public(_)) {
            return Vec::new();
        }
        let mut items = Vec::new();
        for (at, (_, own)) in
            self.impls.iter().filter(|(at, own)| self.is_of(*at, own, index, &name)).enumerate()
        {
            items.extend(methods(own).map(|own| (format!("{name} {at:04}"), Item::Impl(own))));
        }
        items.insert(0, (name, item));
        items
    }

    /// Whether an implementation is of a type, or of a trait for whatever has others.
    fn is_of(&self, at: usize, own: &ItemImpl, index: usize, name: &str) -> bool {
        let leads_here = |path: &syn::Path| {
            let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let place = place_of(self.modules, at, &names);
            matches!(place, Some(Place::Item { module, name: found }) if module == index && found == name)
        };
        let Type::Path(of) = &*own.self_ty else { return false };
        let is_parameter = own.generics.type_params().any(|parameter| of.path.is_ident(&parameter.ident));
        if is_parameter {
            return own.trait_.as_ref().is_some_and(|(_, path, _)| leads_here(path));
        }
        leads_here(&of.path)
    }
}

/// Whether a sorting name is that of an item or of one of its implementations.
fn named_first(own: &str, name: &str) -> bool {
    own.split(' ').next() == Some(name)
}

/// What everybody can call of an implementation; of a trait's, that it is there.
fn methods(own: &ItemImpl) -> Option<ItemImpl> {
    let mut own = own.clone();
    tidy(&mut own.attrs);
    if own.trait_.is_some() {
        own.items.clear();
        return Some(own);
    }
    own.items.retain_mut(|item| match item {
        ImplItem::Const(item) => {
            tidy(&mut item.attrs);
            matches!(item.vis, Visibility::Public(_))
        }
        ImplItem::Fn(item) => {
            tidy(&mut item.attrs);
            empty(&mut item.block);
            matches!(item.vis, Visibility::Public(_))
        }
        ImplItem::Macro(_) => true,
        _ => false,
    });
    (!own.items.is_empty()).then_some(own)
}

fn show_public(fields: &mut Fields) {
    let is_public = |field: &syn::Field| matches!(field.vis, Visibility::Public(_));
    match fields {
        Fields::Named(fields) => {
            fields.named = std::mem::take(&mut fields.named).into_iter().filter(is_public).collect();
            fields.named.iter_mut().for_each(|field| tidy(&mut field.attrs));
        }
        Fields::Unnamed(fields) => {
            fields.unnamed = std::mem::take(&mut fields.unnamed).into_iter().filter(is_public).collect();
            fields.unnamed.iter_mut().for_each(|field| tidy(&mut field.attrs));
        }
        Fields::Unit => {}
    }
}

/// Keeps the attributes that a user can feel.
fn tidy(attributes: &mut Vec<Attribute>) {
    const FELT: [&str; 7] =
        ["cfg", "deprecated", "derive", "macro_export", "must_use", "non_exhaustive", "repr"];
    attributes.retain(|attribute| FELT.iter().any(|felt| attribute.path().is_ident(felt)));
}

fn empty(block: &mut Block) {
    block.stmts.clear();
}
