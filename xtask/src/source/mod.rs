//! The code of a crate as its files declare it: modules, what they define, import and
//! name.

mod modules;
mod paths;
mod resolve;
mod uses;

pub(crate) use modules::{Modules, read};
pub(crate) use paths::Named;
pub(crate) use resolve::{Place, file_of, place_of};
