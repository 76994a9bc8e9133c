//! Reads numbers over visits, block by block.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use super::block::zeros;
use super::{BLOCK, Block, KeptName, VisitsError, VisitsFormat};
use crate::files::{Dtype, FileError};
use gradsieve::Error;
use gradsieve::state::{HEADER, Header};
use gradsieve::visits::VisitsSettings;

/// A file that is read from its first block to its last.
#[derive(Debug)]
pub struct VisitsReader {
    name: String,
    file: File,
    format: VisitsFormat,
    next: u64,
    bytes: Vec<u8>,
}

impl VisitsReader {
    /// Opens the file at `path`, and checks its length.
    ///
    /// # Errors
    /// No such file; one that holds something else, or whose end is missing.
    pub fn open(path: &Path) -> Result<Self, VisitsError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|cause| FileError::io(&name, "open it", cause))?;
        Self::new(name, file)
    }

    /// Reads from an opened file.
    pub(super) fn new(name: String, mut file: File) -> Result<Self, VisitsError> {
        let io = |cause| FileError::io(&name, "read", cause);
        let about = file.metadata().map_err(io)?;
        if about.is_dir() {
            return Err(FileError::Directory { file: name }.into());
        }
        let mut front = Vec::new();
        file.by_ref().take(HEADER as u64).read_to_end(&mut front).map_err(io)?;
        let core = |error| VisitsError::Core { file: name.clone(), error };
        let header = Header::peek(&front).map_err(core)?;
        let refuse = |expected: &str, found: String| {
            Err(FileError::Step { file: name.clone(), expected: expected.to_owned(), found }.into())
        };
        let Some(kept) = KeptName::of(header.kind) else {
            let found = format!("the state of something else (kind {})", header.kind);
            return refuse("numbers over visits", found);
        };
        let most = VisitsFormat { kept, number: Dtype::F32, samples: 0 }.bytes(BLOCK);
        if header.len > most {
            return refuse(&format!("a block of at most {BLOCK} samples"), format!("{} bytes", header.len));
        }
        if about.len() < header.len as u64 {
            return Err(core(Error::Truncated { expected: header.len, found: about.len() as usize }));
        }
        let mut bytes = zeros(&name, header.len, 0)?;
        file.rewind().and_then(|()| file.read_exact(&mut bytes)).map_err(io)?;
        let (settings, each) = VisitsSettings::read(&bytes).map_err(core)?;
        if settings.first != 0 {
            return refuse("samples from id 0 on", format!("those from {} on", settings.first));
        }
        let number = if each == 2 { Dtype::F16 } else { Dtype::F32 };
        let format = VisitsFormat { kept, number, samples: 0 };
        // What is missing to a whole number of samples is missing at the end.
        let (whole, none) = (format.bytes(BLOCK) as u64, format.bytes(0) as u64);
        let (blocks, rest) = (about.len() / whole, about.len() % whole);
        let sample = format.bytes(1) as u64 - none;
        if rest < none || (rest - none) % sample != 0 {
            let found = format!("{rest} bytes behind {blocks} whole blocks");
            return refuse("a last block of fewer samples than the others", found);
        }
        let samples = blocks * BLOCK as u64 + (rest - none) / sample;
        let format = VisitsFormat { samples, ..format };
        file.rewind().map_err(io)?;
        Ok(Self { name, file, format, next: 0, bytes })
    }

    /// What it holds.
    #[must_use]
    pub const fn format(&self) -> VisitsFormat {
        self.format
    }

    /// The next block; none after the last.
    ///
    /// # Errors
    /// The disk; bytes that are not those that were written.
    pub fn next_block(&mut self) -> Result<Option<Block>, VisitsError> {
        if self.next == self.format.blocks() {
            return Ok(None);
        }
        let mut block = self.format.block(&self.name, self.next)?;
        self.bytes.resize(self.format.bytes(self.format.settings(self.next).samples), 0);
        let failed = |cause| FileError::io(&self.name, "read", cause);
        self.file.read_exact(&mut self.bytes).map_err(failed)?;
        block.restore(&self.bytes)?;
        self.next += 1;
        Ok(Some(block))
    }
}
