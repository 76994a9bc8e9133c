//! Crashes and full disks, at every step that a writer takes.
//!
//! A recording of the steps is replayed on a disk that keeps what was synced for sure,
//! and of the rest what it likes. Whatever is left: rows that were acknowledged are
//! there, and the store can be read and continued, or made again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::rc::Rc;

use gradsieve::store::Codec;
use gradsieve::{Exact, Layout, Projector as _, Sketch, SketchId};
use gradsieve_kernels::summarize;
use same_file::Handle;

use super::disk::{Step, watch};
use super::{GRADIENTS, MANIFEST, NEXT, StoreError, StoreReader, StoreWriter};

const WIDTH: usize = 64;

/// Samples that each of some writers adds. The last fills more than one segment.
const ADDED: [u64; 4] = [5, 40, 1, 4000];

fn id() -> SketchId {
    Exact::new(WIDTH).id(Layout::flat(WIDTH as u64).unwrap().id())
}

fn values(sample: u64) -> [f32; WIDTH] {
    std::array::from_fn(|i| ((sample * 31 + i as u64 * 7) % 17) as f32 - 8.0)
}

/// One writer that adds samples, from its beginning to its end.
fn add(path: &Path, first: bool, samples: u64) -> Result<(), StoreError> {
    let settings = BTreeMap::new();
    let mut writer = if first {
        StoreWriter::create(path, Codec::F32, id(), settings)?
    } else {
        StoreWriter::append(path, id(), &settings)?
    };
    for _ in 0..samples {
        let values = values(writer.samples());
        writer.push(&Sketch::from_parts(id(), &values, summarize(&values)).unwrap())?;
    }
    writer.finish().map(drop)
}

/// How many rows there are; all are what they were.
fn rows(path: &Path) -> Result<u64, StoreError> {
    let mut count = 0;
    StoreReader::open(path)?.for_each_row(|row| {
        assert_eq!((row.id, row.sketch.values), (count, &values(count)[..]));
        count += 1;
        Ok::<(), StoreError>(())
    })?;
    Ok(count)
}

/// A step, and what a disk has to know of it.
enum Recorded {
    Create(&'static str),
    Write(&'static str, Vec<u8>),
    Cut(&'static str, usize),
    Sync(&'static str),
    Rename,
    SyncFolder,
    /// A writer said that it is done: so many rows are acknowledged.
    Done(u64),
}

/// Which file of the store this is.
fn name_of(store: &Path, file: &File) -> &'static str {
    let handle = Handle::from_file(file.try_clone().unwrap()).unwrap();
    let is_it = |name: &&str| Handle::from_path(store.join(name)).is_ok_and(|other| other == handle);
    [GRADIENTS, NEXT].into_iter().find(is_it).expect("a file that writers write")
}

/// The steps of all writers.
fn recording() -> Vec<Recorded> {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("run.store");
    let steps = Rc::new(RefCell::new(Vec::new()));
    let (to, place) = (Rc::clone(&steps), store.clone());
    let record = move |step: &Step<'_>| -> io::Result<()> {
        to.borrow_mut().push(match step {
            Step::Create { place } => {
                assert!(place.ends_with(NEXT));
                Recorded::Create(NEXT)
            }
            Step::Write { file, bytes } => Recorded::Write(name_of(&place, file), bytes.to_vec()),
            Step::Cut { file, length } => Recorded::Cut(name_of(&place, file), *length as usize),
            Step::Sync { file } => Recorded::Sync(name_of(&place, file)),
            Step::Rename { from, to } => {
                assert!(from.ends_with(NEXT) && to.ends_with(MANIFEST));
                Recorded::Rename
            }
            Step::SyncFolder => Recorded::SyncFolder,
        });
        Ok(())
    };
    watch(Box::new(record), || {
        let mut all = 0;
        for (number, samples) in ADDED.into_iter().enumerate() {
            add(&store, number == 0, samples).unwrap();
            all += samples;
            steps.borrow_mut().push(Recorded::Done(all));
        }
    });
    steps.take()
}

/// A disk: files and names, as they are seen and as they are for sure.
#[derive(Default)]
struct Disk {
    files: Vec<Kept>,
    names: BTreeMap<&'static str, usize>,
    sure: BTreeMap<&'static str, usize>,
}

/// A file's bytes.
#[derive(Clone, Default)]
struct Kept {
    seen: Vec<u8>,
    sure: Vec<u8>,
}

/// What a crash makes of bytes that were not synced.
const LOSSES: [fn(&Kept) -> Vec<u8>; 4] = [
    |kept| kept.seen.clone(),
    |kept| kept.sure.clone(),
    // Half of them.
    |kept| kept.seen[..kept.sure.len().min(kept.seen.len()).midpoint(kept.seen.len())].to_vec(),
    // Their length, and zeros.
    |kept| {
        let mut bytes = kept.sure.clone();
        bytes.resize(kept.seen.len(), 0);
        bytes
    },
];

impl Disk {
    fn take(&mut self, step: &Recorded) {
        match step {
            Recorded::Create(name) => {
                self.names.insert(name, self.files.len());
                self.files.push(Kept::default());
            }
            Recorded::Write(name, bytes) => self.file(name).seen.extend(bytes),
            Recorded::Cut(name, length) => self.file(name).seen.truncate(*length),
            Recorded::Sync(name) => {
                let file = self.file(name);
                file.sure.clone_from(&file.seen);
            }
            Recorded::Rename => {
                let file = self.names.remove(NEXT).expect("it was made");
                self.names.insert(MANIFEST, file);
            }
            Recorded::SyncFolder => self.sure.clone_from(&self.names),
            Recorded::Done(_) => {}
        }
    }

    fn file(&mut self, name: &'static str) -> &mut Kept {
        let next = self.files.len();
        let file = *self.names.entry(name).or_insert(next);
        if file == next {
            self.files.push(Kept::default());
        }
        &mut self.files[file]
    }

    /// Makes the store that a crash leaves.
    fn leave(&self, store: &Path, names: &BTreeMap<&'static str, usize>, loss: fn(&Kept) -> Vec<u8>) {
        fs::create_dir(store).unwrap();
        for (name, &file) in names {
            fs::write(store.join(name), loss(&self.files[file])).unwrap();
        }
    }
}

#[test]
fn a_crash_at_any_step_loses_nothing_acknowledged_and_leaves_what_can_be_continued() {
    let steps = recording();
    assert!(steps.len() > 30);
    let (mut disk, mut acknowledged) = (Disk::default(), None);
    for (at, step) in steps.iter().enumerate() {
        disk.take(step);
        if let Recorded::Done(rows) = step {
            acknowledged = Some(*rows);
        }
        let next = steps[at..].iter().find_map(|step| match step {
            Recorded::Done(rows) => Some(*rows),
            _ => None,
        });
        for names in [&disk.names, &disk.sure] {
            for loss in LOSSES {
                let folder = tempfile::tempdir().unwrap();
                let store = folder.path().join("run.store");
                disk.leave(&store, names, loss);
                let found = match (rows(&store), acknowledged) {
                    (Ok(found), _) => {
                        add(&store, false, 1).unwrap();
                        found
                    }
                    // Nothing was acknowledged yet: the same command makes the store.
                    (Err(StoreError::Unfinished { .. }), None) => {
                        add(&store, true, 1).unwrap();
                        0
                    }
                    (Err(error), _) => panic!("after step {at}: {error}"),
                };
                let expected = [Some(0).filter(|_| acknowledged.is_none()), acknowledged, next];
                assert!(expected.contains(&Some(found)), "after step {at}: {found} rows");
                assert_eq!(rows(&store).unwrap(), found + 1);
            }
        }
    }
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing_and_keeps_no_tail() {
    let mut refused = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("run.store");
        let (mut at, seen) = (0, Rc::new(RefCell::new(false)));
        let hit = Rc::clone(&seen);
        let refuse = move |_: &Step<'_>| {
            at += 1;
            if at == refused + 1 {
                *hit.borrow_mut() = true;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        };
        let acknowledged = watch(Box::new(refuse), || {
            let mut acknowledged = None;
            for samples in ADDED {
                match add(&store, acknowledged.is_none(), samples) {
                    Ok(()) => acknowledged = Some(acknowledged.unwrap_or(0) + samples),
                    Err(StoreError::Io { .. }) => break,
                    Err(error) => panic!("at {refused}: {error}"),
                }
            }
            acknowledged
        });
        if !*seen.borrow() {
            assert!(refused > 20);
            break;
        }
        let found = match (rows(&store), acknowledged) {
            (Ok(found), _) => {
                let torn = StoreReader::open(&store).unwrap().torn();
                assert_eq!(torn, 0, "at {refused}");
                add(&store, false, 1).unwrap();
                found
            }
            (Err(StoreError::Unfinished { .. }), None) => {
                add(&store, true, 1).unwrap();
                0
            }
            (Err(error), _) => panic!("at {refused}: {error}"),
        };
        assert!(found >= acknowledged.unwrap_or(0), "at {refused}");
        assert_eq!(rows(&store).unwrap(), found + 1);
        refused += 1;
    }
}
