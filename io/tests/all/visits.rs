//! Numbers over visits on disk: what is read is what was written, and what is in the way
//! is refused and stays.

use std::fs;
use std::path::Path;

use gradsieve_io::files::Dtype;
use gradsieve_io::visits::{BLOCK, Block, KeptName, VisitsError, VisitsFormat, VisitsReader, VisitsWriter};

const MEAN: VisitsFormat = VisitsFormat { kept: KeptName::Mean, number: Dtype::F16, samples: 5 };

/// Adds a visit to each sample of `ids`, whose score is its id, to the file at `path`.
fn add(path: &Path, format: VisitsFormat, ids: &[u64]) -> Result<(), VisitsError> {
    let mut writer = VisitsWriter::open(path)?;
    let mut reader = writer.reader()?;
    let format = reader.as_ref().map_or(format, VisitsReader::format);
    for index in 0..format.blocks() {
        let mut block = match &mut reader {
            Some(reader) => reader.next_block()?.unwrap(),
            None => format.block("new", index)?,
        };
        let own = block.ids();
        ids.iter().filter(|id| own.contains(id)).for_each(|&id| block.observe(id, id as f64).unwrap());
        writer.push(&block)?;
    }
    writer.finish()
}

fn blocks(path: &Path) -> Result<Vec<Block>, VisitsError> {
    let mut reader = VisitsReader::open(path)?;
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block()? {
        blocks.push(block);
    }
    Ok(blocks)
}

#[test]
fn visits_are_added_to_what_the_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loss.visits");
    for kept in [KeptName::Mean, KeptName::Worst] {
        for number in [Dtype::F16, Dtype::F32] {
            let format = VisitsFormat { kept, number, samples: 5 };
            add(&path, format, &[1, 3]).unwrap();
            add(&path, format, &[3, 4]).unwrap();
            let blocks = blocks(&path).unwrap();
            let found: Vec<_> = (0..5).map(|id| blocks[0].get(id).unwrap()).collect();
            assert_eq!(found, [None, Some((1.0, 1)), None, Some((3.0, 2)), Some((4.0, 1))]);
            assert_eq!(VisitsReader::open(&path).unwrap().format(), format);
            assert_eq!(fs::metadata(&path).unwrap().len(), format.file_bytes());
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn samples_of_several_blocks_are_one_file_whose_missing_end_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.visits");
    let samples = BLOCK as u64 + 3;
    let format = VisitsFormat { kept: KeptName::Worst, number: Dtype::F32, samples };
    let ids = [0, BLOCK as u64 - 1, BLOCK as u64, samples - 1];
    add(&path, format, &ids).unwrap();
    let read = blocks(&path).unwrap();
    assert_eq!(read.iter().map(Block::ids).collect::<Vec<_>>(), [0..BLOCK as u64, BLOCK as u64..samples]);
    for id in ids {
        let found = read[usize::from(id >= BLOCK as u64)].get(id).unwrap();
        assert_eq!(found, Some((id as f32, 1)));
    }
    let bytes = fs::read(&path).unwrap();
    let first = bytes.len() - 92 - 3 * 6;
    for cut in [first, first + 50, bytes.len() - 6, bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(blocks(&path).is_err(), "{cut} of {}", bytes.len());
    }
}

#[test]
fn bytes_that_were_altered_or_are_of_something_else_are_refused_and_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loss.visits");
    add(&path, MEAN, &[1]).unwrap();
    let bytes = fs::read(&path).unwrap();
    let mut wrong = vec![b"nothing at all".to_vec(), [&bytes[..], &[0]].concat()];
    wrong.extend((1..bytes.len()).map(|cut| bytes[..cut].to_vec()));
    wrong.extend((0..bytes.len()).map(|at| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 4;
        bytes
    }));
    for wrong in wrong {
        fs::write(&path, &wrong).unwrap();
        let refusal = add(&path, MEAN, &[1]).unwrap_err().to_string();
        assert!(refusal.starts_with(path.to_str().unwrap()), "{refusal}");
        assert_eq!(fs::read(&path).unwrap(), wrong);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_has_one_writer_and_stays_as_it_is_until_that_has_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loss.visits");
    let first = VisitsWriter::open(&path).unwrap();
    assert!(matches!(add(&path, MEAN, &[1]), Err(VisitsError::InUse { .. })));
    drop(first);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // What a process leaves that is killed before it has written anything.
    fs::write(&path, []).unwrap();
    add(&path, MEAN, &[1]).unwrap();
    let before = fs::read(&path).unwrap();
    let mut writer = VisitsWriter::open(&path).unwrap();
    writer.push(&MEAN.block("new", 0).unwrap()).unwrap();
    assert!(matches!(VisitsWriter::open(&path), Err(VisitsError::InUse { .. })));
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(VisitsWriter::open(folder.path()).is_err());
    assert!(VisitsWriter::open(&folder.path().join("none/loss.visits")).is_err());
}

#[test]
fn a_file_that_was_replaced_meanwhile_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loss.visits");
    add(&path, MEAN, &[1]).unwrap();
    let mut writer = VisitsWriter::open(&path).unwrap();
    writer.push(&MEAN.block("new", 0).unwrap()).unwrap();
    fs::rename(&path, folder.path().join("kept.visits")).unwrap();
    fs::write(&path, "another's").unwrap();
    assert!(writer.finish().is_err());
    assert_eq!(fs::read(&path).unwrap(), b"another's");
}
