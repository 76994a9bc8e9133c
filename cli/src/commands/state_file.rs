//! States at rest as files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use gradsieve::state::{HEADER, Header, StateKind};
use gradsieve::{Error, State};

use super::CommandError;
use super::rows::zeros;
use gradsieve_io::files::FileError;

/// What the front of a file says that it holds, if it begins as states at rest do.
pub(super) fn peek(path: &Path) -> Option<Result<Header, Error>> {
    // What is too short to be told from others is not taken for one.
    const SHORTEST: usize = 8;
    if !std::fs::metadata(path).is_ok_and(|about| about.is_file()) {
        return None;
    }
    let mut front = Vec::new();
    File::open(path).ok()?.take(HEADER as u64).read_to_end(&mut front).ok()?;
    let header = Header::peek(&front);
    (front.len() >= SHORTEST && header != Err(Error::Magic)).then_some(header)
}

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
    // What begins as no state does is not read.
    file.by_ref().take(HEADER as u64).read_to_end(&mut bytes).map_err(failed("read"))?;
    let len = Header::peek(&bytes).map_err(CommandError::core(&name))?.len;
    // One byte more, so that what is too long is seen.
    let rest = (len as u64).saturating_sub(HEADER as u64).saturating_add(1);
    file.take(rest).read_to_end(&mut bytes).map_err(failed("read"))?;
    let header = Header::read(&bytes).map_err(CommandError::core(&name))?;
    if bytes.len() > header.len {
        let expected = format!("a state of {len} bytes and nothing else");
        return Err(CommandError::step(&name, expected, "bytes behind it".to_owned()));
    }
    Ok((header, bytes))
}

/// A new state that becomes the one of these bytes.
///
/// # Errors
/// What kept it from being made; bytes that are no such state.
pub(super) fn restored<S: State>(name: &str, new: Result<S, Error>, bytes: &[u8]) -> Result<S, CommandError> {
    let restore = |mut state: S| state.restore(bytes).map(|()| state);
    new.and_then(restore).map_err(CommandError::core(name))
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
    const NAMES: [(StateKind, &str); 32] = [
        (StateKind::SketchId, "what sketches belong to"),
        (StateKind::Sketch, "a sketch"),
        (StateKind::Moments, "moments"),
        (StateKind::SelfInfluence, "the detector self-influence"),
        (StateKind::Mahalanobis, "the detector mahalanobis"),
        (StateKind::Direction, "the detector direction"),
        (StateKind::Forest, "the detector forest"),
        (StateKind::TopK, "the k largest"),
        (StateKind::TracIn, "TracIn"),
        (StateKind::Ridge, "ridge"),
        (StateKind::Targets, "solved targets"),
        (StateKind::Store, "a store"),
        (StateKind::Reservoir, "a reservoir"),
        (StateKind::Largest, "the largest of a stream"),
        (StateKind::Trak, "TRAK"),
        (StateKind::TrakScore, "a TRAK score"),
        (StateKind::IpEnsemble, "an inner-product ensemble"),
        (StateKind::ReTrac, "ReTrac"),
        (StateKind::LessTargets, "the targets of LESS"),
        (StateKind::Less, "LESS"),
        (StateKind::InRunShapley, "in-run data Shapley"),
        (StateKind::DataInf, "DataInf"),
        (StateKind::Propagator, "data value embedding, the propagator"),
        (StateKind::Recorder, "data value embedding, a recorded run"),
        (StateKind::Adjoint, "data value embedding, the adjoint"),
        (StateKind::Arnoldi, "Arnoldi"),
        (StateKind::Gif, "GIF"),
        (StateKind::Ekfac, "a layer of EK-FAC"),
        (StateKind::Sieve, "a sieve"),
        (StateKind::Mean, "means over visits"),
        (StateKind::MeanRank, "mean ranks over visits"),
        (StateKind::Worst, "the worst of visits"),
    ];
    let known = NAMES.iter().find(|(known, _)| *known as u16 == kind);
    known.map_or_else(|| format!("a state of kind {kind}"), |(_, name)| format!("the state of {name}"))
}
