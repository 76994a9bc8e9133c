//! States at rest as files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use gradsieve::State;
use gradsieve::state::{HEADER, Header, StateKind};

use super::CommandError;
use super::rows::zeros;
use gradsieve_io::files::FileError;

/// The bytes of a state, which were checked from the first to the last, and what they
/// hold.
///
/// # Errors
/// No such file, or one that holds no state; a sentence that names it.
pub(super) fn read(path: &Path) -> Result<(Header, Vec<u8>), CommandError> {
    let name = path.display().to_string();
    let failed = |action| {
        let file = name.clone();
        move |cause: std::io::Error| match cause.kind() {
            std::io::ErrorKind::NotFound => FileError::Missing { file },
            std::io::ErrorKind::IsADirectory => FileError::Directory { file },
            _ => FileError::Io { file, action, cause },
        }
    };
    let mut file = File::open(path).map_err(failed("open it"))?;
    let mut bytes = Vec::new();
    // What claims to be no state is not read.
    file.by_ref().take(HEADER as u64).read_to_end(&mut bytes).map_err(failed("read"))?;
    let claim = Header::claim(&bytes).map_err(CommandError::core(&name))?;
    // One byte more, so that what is too long is seen.
    let rest = (claim.len as u64).saturating_sub(HEADER as u64).saturating_add(1);
    file.take(rest).read_to_end(&mut bytes).map_err(failed("read"))?;
    let header = Header::read(&bytes).map_err(CommandError::core(&name))?;
    Ok((header, bytes))
}

/// The bytes of a state.
///
/// # Errors
/// Too little memory.
pub(super) fn bytes(name: &str, state: &impl State) -> Result<Vec<u8>, CommandError> {
    let mut bytes = zeros(name, state.len_at_rest())?;
    let written = state.to_bytes(&mut bytes).map_err(CommandError::core(name))?;
    bytes.truncate(written);
    Ok(bytes)
}

/// What a state of this kind is called.
pub(super) fn named(kind: u16) -> String {
    const NAMES: [(StateKind, &str); 6] = [
        (StateKind::Moments, "moments"),
        (StateKind::SelfInfluence, "self-influence"),
        (StateKind::Mahalanobis, "the Mahalanobis distance"),
        (StateKind::Direction, "the detector direction"),
        (StateKind::TopK, "the k largest"),
        (StateKind::Sieve, "a sieve"),
    ];
    let known = NAMES.iter().find(|(known, _)| *known as u16 == kind);
    known.map_or_else(|| format!("a state of kind {kind}"), |(_, name)| format!("the state of {name}"))
}
