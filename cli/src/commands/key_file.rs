//! The file of a secret key: 32 hexadecimal digits in a line, or 16 bytes as they are.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use gradsieve::Key;

use super::console;
use super::escaped::escaped;

/// Bytes of a key.
const BYTES: usize = 16;

/// A key, read from the file that an argument names.
pub(super) fn key() -> impl TypedValueParser<Value = Key> {
    PathBufValueParser::new().try_map(|path: PathBuf| read(&path))
}

/// The key in a file. Says so if others may read it, too.
///
/// # Errors
/// One sentence.
pub(super) fn read(path: &Path) -> Result<Key, String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    remark_readable(path, &file);
    // No key is longer; what is, is refused, and not read.
    file.take(256).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if let Ok(key) = <[u8; BYTES]>::try_from(bytes.as_slice()) {
        return Ok(Key::secret(key));
    }
    let digits = std::str::from_utf8(&bytes).map(str::trim).ok();
    let is_key = |text: &&str| text.len() == 2 * BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bits = digits.filter(is_key).and_then(|text| u128::from_str_radix(text, 16).ok());
    // The digits are the bytes in their order.
    bits.map(|bits| Key::secret(bits.to_be_bytes())).ok_or_else(|| {
        format!(
            "expected a key, {} hexadecimal digits or {BYTES} bytes, as gradsieve key new makes it, found {}",
            2 * BYTES,
            if bytes.is_empty() { "an empty file" } else { "something else" }
        )
    })
}

/// Makes a key of the operating system's random bytes, and a file of it that its owner
/// alone can read.
///
/// # Errors
/// One sentence; a file that exists is never replaced, for what was sketched by its key
/// could not be compared with anything again.
pub(super) fn make(path: &Path) -> Result<Key, String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gave no random bytes: {error}"))?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            "expected a new name, found a file; keys are never replaced".to_owned()
        }
        _ => error.to_string(),
    })?;
    let digits = format!("{:032x}\n", u128::from_be_bytes(bytes));
    let written = file.write_all(digits.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a key is of no use; if it cannot be removed, the sentence names the file.
        let _removed = fs::remove_file(path);
        error.to_string()
    })?;
    Ok(Key::secret(bytes))
}

#[cfg(unix)]
fn remark_readable(path: &Path, file: &fs::File) {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o044 != 0 {
        let name = escaped(&path.display().to_string()).to_string();
        console::remark(format!("{name}: others can read this key; chmod 600 keeps it to its owner"));
    }
}

#[cfg(not(unix))]
fn remark_readable(_: &Path, _: &fs::File) {}
