//! Files as the command line names them: by any bytes that the system allows.

use std::ffi::OsString;

use clap::builder::{OsStringValueParser, TypedValueParser};

use super::console;
use gradsieve_io::files::{Destination, FileError, Source};

/// Reads the name of an input.
pub(super) fn source() -> impl TypedValueParser<Value = Source> {
    OsStringValueParser::new()
        .try_map(|text: OsString| -> Result<Source, FileError> { Source::from_os(&text) })
}

/// Reads the name of an output.
pub(super) fn destination() -> impl TypedValueParser<Value = Destination> {
    OsStringValueParser::new().map(|text: OsString| Destination::from(text.as_os_str()))
}

/// Says where an array goes, if its name does not: a link leads elsewhere, and a name
/// without an ending does not tell the format.
pub(super) fn remark_output(to: &Destination) {
    let Destination::Path(path) = to else { return };
    if std::fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return;
    }
    if let Ok(target) = std::fs::read_link(path) {
        console::remark(format!("{to}: is a link; {} is written", target.display()));
    }
    if path.extension().is_none() {
        console::remark(format!("{to}: written as .npy, which its name does not say"));
    }
}
