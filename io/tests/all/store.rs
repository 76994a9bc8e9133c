//! Stores on disk: what is written is read, and what is torn, cut or altered is found.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use gradsieve::store::Codec;
use gradsieve::{Exact, Fingerprint, Layout, Projector as _, Sketch, SketchId};
use gradsieve_io::files::{Cell, CellKind, Destination, ParquetTable, ParquetWriter, TableRow};
use gradsieve_io::store::{StoreError, StoreReader, StoreWriter};
use gradsieve_kernels::summarize;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;

const WIDTH: usize = 24;

fn id() -> SketchId {
    Exact::new(WIDTH).id(Layout::flat(WIDTH as u64).unwrap().id())
}

fn settings() -> BTreeMap<String, String> {
    [("gradsieve.dim".to_owned(), WIDTH.to_string())].into()
}

/// Row `sample` of every store here.
fn values(sample: u64) -> [f32; WIDTH] {
    std::array::from_fn(|i| ((sample * 31 + i as u64 * 7) % 17) as f32 / 8.0 - 1.0)
}

fn push(writer: &mut StoreWriter) {
    let values = values(writer.samples());
    let sketch = Sketch::from_parts(id(), &values, summarize(&values)).unwrap();
    writer.push(&sketch.in_group((writer.samples() % 3) as u32)).unwrap();
}

/// A store of the samples 0..`rows`.
fn store(path: &Path, codec: Codec, rows: u64) {
    let mut writer = StoreWriter::create(path, codec, id(), settings()).unwrap();
    (0..rows).for_each(|_| push(&mut writer));
    writer.finish().unwrap();
}

type Rows = Vec<(u64, u32, f64, Vec<f32>)>;

fn rows(path: &Path) -> Result<Rows, StoreError> {
    let mut rows = Vec::new();
    StoreReader::open(path)?.for_each_row(|row| {
        let sketch = row.sketch;
        rows.push((row.id, sketch.group, sketch.measures.l2_squared, sketch.values.to_vec()));
        Ok::<(), StoreError>(())
    })?;
    Ok(rows)
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.store");
    (folder, path)
}

#[test]
fn rows_of_several_writers_are_read_in_order() {
    for codec in Codec::ALL {
        let (_folder, path) = folder();
        store(&path, codec, 40);
        let mut writer = StoreWriter::append(&path, id(), &settings()).unwrap();
        writer.skip();
        (0..9000).for_each(|_| push(&mut writer));
        let manifest = writer.finish().unwrap();
        assert_eq!((manifest.rows(), manifest.samples), (9040, 9041));
        let rows = rows(&path).unwrap();
        assert_eq!(rows.len(), 9040);
        for (row, sample) in rows.iter().zip((0..40).chain(41..9041)) {
            let expected = values(sample);
            assert_eq!((row.0, row.1), (sample, (sample % 3) as u32));
            assert_eq!(row.2, summarize(&expected).l2_squared);
            match codec {
                // Few bits are enough for these numbers.
                Codec::F32 | Codec::F16 | Codec::Bf16 => assert_eq!(row.3, expected),
                Codec::Int8 => {
                    assert!(row.3.iter().zip(expected).all(|(row, value)| (row - value).abs() < 1.0 / 250.0));
                }
                Codec::FourBits | Codec::TwoBits | Codec::OneBit => {
                    let product: f64 = row.3.iter().zip(expected).map(|(x, y)| f64::from(x * y)).sum();
                    assert!((product - row.2).abs() <= row.2 / 1000.0, "{product} for {}", row.2);
                }
            }
        }
    }
}

#[test]
fn a_torn_tail_is_never_read_and_the_next_writer_cuts_it() {
    let (_folder, path) = folder();
    store(&path, Codec::F16, 50);
    let gradients = path.join("gradients.bin");
    let whole = fs::read(&gradients).unwrap();
    // A writer died after some bytes of its segment, here those of the one before.
    for torn in [1, 63, 64, whole.len()] {
        fs::write(&gradients, [&whole, &whole[..torn]].concat()).unwrap();
        assert_eq!(StoreReader::open(&path).unwrap().torn(), torn as u64);
        assert_eq!(rows(&path).unwrap().len(), 50);
    }
    let mut writer = StoreWriter::append(&path, id(), &settings()).unwrap();
    push(&mut writer);
    writer.finish().unwrap();
    assert_eq!(StoreReader::open(&path).unwrap().torn(), 0);
    let rows = rows(&path).unwrap();
    assert_eq!((rows.len(), rows[50].0), (51, 50));
}

#[test]
fn a_writer_that_dies_takes_nothing_with_it() {
    let (_folder, path) = folder();
    store(&path, Codec::Int8, 20);
    let mut writer = StoreWriter::append(&path, id(), &settings()).unwrap();
    (0..20_000).for_each(|_| push(&mut writer));
    drop(writer);
    assert_eq!(rows(&path).unwrap().len(), 20);
}

#[test]
fn every_byte_that_is_missing_or_altered_is_found() {
    for codec in [Codec::F32, Codec::OneBit] {
        let (_folder, path) = folder();
        store(&path, codec, 5);
        let expected = rows(&path).unwrap();
        for name in ["gradients.bin", "store.json"] {
            let file = path.join(name);
            let whole = fs::read(&file).unwrap();
            // In place: a file that is cut and written anew waits for the disk, each
            // time.
            let mut open = fs::File::options().write(true).open(&file).unwrap();
            for (at, &byte) in whole.iter().enumerate() {
                let mut put = |byte: u8| {
                    open.seek(SeekFrom::Start(at as u64)).unwrap();
                    open.write_all(&[byte]).unwrap();
                };
                put(byte ^ 1 << (at % 8));
                match rows(&path) {
                    Err(_) => {}
                    // White space in the manifest says nothing.
                    Ok(rows) => {
                        assert!(name == "store.json" && byte.is_ascii_whitespace());
                        assert_eq!(rows, expected);
                    }
                }
                put(byte);
            }
            assert_eq!(fs::read(&file).unwrap(), whole);
            for at in (0..whole.len()).rev() {
                open.set_len(at as u64).unwrap();
                match rows(&path) {
                    Err(_) => {}
                    // Nor does the line's end behind it.
                    Ok(rows) => assert!(name == "store.json" && at + 1 == whole.len() && rows == expected),
                }
            }
            fs::write(&file, &whole).unwrap();
        }
    }
}

#[test]
fn segments_in_another_order_are_refused() {
    let (_folder, path) = folder();
    store(&path, Codec::F32, 16);
    let mut writer = StoreWriter::append(&path, id(), &settings()).unwrap();
    (0..16).for_each(|_| push(&mut writer));
    writer.finish().unwrap();
    let gradients = path.join("gradients.bin");
    let mut bytes = fs::read(&gradients).unwrap();
    let half = bytes.len() / 2;
    bytes.rotate_left(half);
    fs::write(&gradients, bytes).unwrap();
    assert!(matches!(rows(&path), Err(StoreError::Segment { segment: 1, .. })));
}

#[test]
fn what_cannot_be_appended_or_made_is_refused_and_the_store_is_as_it_was() {
    let (folder, path) = folder();
    assert!(matches!(rows(&path), Err(StoreError::Missing { .. })));
    assert!(matches!(StoreWriter::append(&path, id(), &settings()), Err(StoreError::Missing { .. })));
    fs::write(folder.path().join("notes.txt"), "not a store's").unwrap();
    assert!(matches!(rows(folder.path()), Err(StoreError::NotAStore { .. })));
    store(&path, Codec::F32, 3);
    let create = |path: &Path| StoreWriter::create(path, Codec::F32, id(), settings()).map(drop);
    assert!(matches!(create(&path), Err(StoreError::Exists { .. })));
    assert!(matches!(create(folder.path()), Err(StoreError::NotAStore { .. })));
    assert!(matches!(create(&path.join("no").join("such")), Err(StoreError::Io { .. })));
    let other = [("gradsieve.dim".to_owned(), "32".to_owned())].into();
    let refused = StoreWriter::append(&path, id(), &other).err().unwrap().to_string();
    assert!(refused.contains("expected sketches of dim 24") && refused.contains("found dim 32"), "{refused}");
    let mut writer = StoreWriter::append(&path, id(), &settings()).unwrap();
    let nan = [f32::NAN; WIDTH];
    let sketch = Sketch::from_parts(id(), &nan, summarize(&nan)).unwrap();
    assert!(matches!(writer.push(&sketch), Err(StoreError::Core { error: gradsieve::Error::NonFinite, .. })));
    let foreign = Sketch { id: SketchId { key: Fingerprint::Seed(1), ..id() }, ..sketch };
    assert!(writer.push(&foreign).is_err());
    drop(writer);
    assert_eq!(rows(&path).unwrap().len(), 3);
}

#[test]
fn a_second_writer_is_refused_with_the_name_of_the_first_until_that_has_ended() {
    let (_folder, path) = folder();
    store(&path, Codec::F16, 3);
    let mut first = StoreWriter::append(&path, id(), &settings()).unwrap();
    let refused = StoreWriter::append(&path, id(), &settings()).err().unwrap();
    let StoreError::InUse { holder, .. } = &refused else { panic!("{refused}") };
    assert_eq!(*holder, format!("process {}", std::process::id()));
    push(&mut first);
    assert_eq!(rows(&path).unwrap().len(), 3);
    first.finish().unwrap();
    push_and_finish(&path);
    assert_eq!(rows(&path).unwrap().len(), 5);
}

fn push_and_finish(path: &Path) {
    let mut writer = StoreWriter::append(path, id(), &settings()).unwrap();
    push(&mut writer);
    writer.finish().unwrap();
}

#[test]
fn a_new_store_is_in_use_while_its_first_writer_works() {
    let (_folder, path) = folder();
    let writer = StoreWriter::create(&path, Codec::F16, id(), settings()).unwrap();
    let again = StoreWriter::create(&path, Codec::F16, id(), settings());
    assert!(matches!(again, Err(StoreError::InUse { .. })));
    drop(writer);
    store(&path, Codec::F16, 2);
    assert_eq!(rows(&path).unwrap().len(), 2);
}

#[test]
fn a_writer_whose_lock_was_deleted_does_not_commit_over_another() {
    let (_folder, path) = folder();
    store(&path, Codec::F32, 3);
    let mut first = StoreWriter::append(&path, id(), &settings()).unwrap();
    push(&mut first);
    fs::remove_file(path.join("writer.lock")).unwrap();
    push_and_finish(&path);
    assert!(matches!(first.finish(), Err(StoreError::Changed { .. })));
    assert_eq!(rows(&path).unwrap().len(), 4);
}

#[test]
fn a_commit_refuses_to_follow_a_manifest_that_its_writer_did_not_leave() {
    let (_folder, path) = folder();
    store(&path, Codec::F32, 3);
    let manifest = path.join("store.json");
    let before = fs::read(&manifest).unwrap();
    push_and_finish(&path);
    let after = fs::read(&manifest).unwrap();
    fs::write(&manifest, &before).unwrap();
    let mut writer = StoreWriter::append(&path, id(), &settings()).unwrap();
    push(&mut writer);
    fs::write(&manifest, &after).unwrap();
    let refused = writer.finish().unwrap_err();
    assert!(matches!(refused, StoreError::Changed { .. }), "{refused}");
}

#[test]
fn a_store_whose_making_did_not_finish_is_made_again() {
    // A process died when the directory was there, or the files without rows.
    for left in [&[][..], &["writer.lock"], &["gradients.bin"], &["gradients.bin", "store.json.next"]] {
        let (_folder, path) = folder();
        fs::create_dir(&path).unwrap();
        left.iter().for_each(|name| fs::write(path.join(name), "").unwrap());
        let refused = rows(&path).unwrap_err().to_string();
        assert!(refused.contains("make it again, or remove the directory"), "{refused}");
        assert!(StoreWriter::append(&path, id(), &settings()).is_err());
        store(&path, Codec::F16, 2);
        assert_eq!(rows(&path).unwrap().len(), 2);
    }
}

#[test]
fn a_store_whose_manifest_is_lost_keeps_its_rows_from_being_made_again() {
    let (_folder, path) = folder();
    store(&path, Codec::F16, 2);
    fs::remove_file(path.join("store.json")).unwrap();
    let gradients = fs::read(path.join("gradients.bin")).unwrap();
    let refused = StoreWriter::create(&path, Codec::F16, id(), settings());
    assert!(matches!(refused, Err(StoreError::NotAStore { .. })));
    assert_eq!(fs::read(path.join("gradients.bin")).unwrap(), gradients);
}

#[test]
fn a_store_that_never_got_a_sample_is_made_anew() {
    let (_folder, path) = folder();
    store(&path, Codec::Bf16, 0);
    store(&path, Codec::F32, 4);
    assert_eq!(rows(&path).unwrap().len(), 4);
}

/// A manifest with these segments, whose checksum is right.
fn forge(path: &Path, samples: u64, runs: &[[u64; 3]]) {
    let text = fs::read_to_string(path.join("store.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let run = |[segments, rows, bytes]: &[u64; 3]| {
        format!(r#"{{"segments":{segments},"rows":{rows},"bytes":{bytes}}}"#)
    };
    let runs = runs.iter().map(run).collect::<Vec<_>>().join(",");
    let [format, version, codec, sketch] =
        ["format", "version", "codec", "sketch"].map(|key| manifest[key].take());
    let text = format!(
        r#"{{"format":{format},"version":{version},"codec":{codec},"sketch":{sketch},"samples":{samples},"runs":[{runs}]"#
    );
    let checksum = crc32fast::hash(format!("{text}}}").as_bytes());
    fs::write(path.join("store.json"), format!("{text},\"crc32\":{checksum}}}")).unwrap();
}

#[test]
fn counts_that_do_not_fit_the_bytes_are_refused_before_memory_is_asked_for() {
    let (_folder, path) = folder();
    store(&path, Codec::F32, 500);
    let gradients = path.join("gradients.bin");
    let bytes = fs::metadata(&gradients).unwrap().len();
    forge(&path, 500, &[[1, 500, bytes]]);
    assert_eq!(rows(&path).unwrap().len(), 500);
    let all = 1 << 40;
    forge(&path, all + 1, &[[1, 500, bytes]]);
    assert!(rows(&path).unwrap_err().to_string().contains("it counts 1099511627777 samples, more than"));
    for (runs, length) in [
        (&[[1, 1 << 33, bytes]][..], bytes),
        (&[[1, 1 << 40, bytes]], bytes),
        (&[[1, 1 << 60, bytes]], bytes),
        (&[[1, 499, bytes]], bytes),
        (&[[bytes, 1, 1]], bytes),
        (&[[1, 1, 2]], bytes),
        // Of sparse files: bytes that nobody wrote.
        (&[[1, 500, bytes], [1 << 40, 1, 1]], bytes + (1 << 40)),
        (&[[1, 500, 1 << 40]], 1 << 40),
        (&[[1, 500, bytes], [1, 1 << 32, 1 << 40]], bytes + (1 << 40)),
    ] {
        fs::File::options().write(true).open(&gradients).unwrap().set_len(length).unwrap();
        forge(&path, all, runs);
        let refused = rows(&path).unwrap_err();
        assert!(
            matches!(refused, StoreError::Manifest { .. } | StoreError::Segment { .. }),
            "{runs:?}: {refused}"
        );
        assert!(StoreWriter::append(&path, id(), &settings()).is_err(), "{runs:?}");
    }
}

#[test]
fn a_manifest_that_is_too_long_or_no_file_is_not_read() {
    let (_folder, path) = folder();
    store(&path, Codec::F32, 1);
    let manifest = path.join("store.json");
    fs::File::options().write(true).open(&manifest).unwrap().set_len(1 << 40).unwrap();
    let refused = rows(&path).unwrap_err().to_string();
    assert!(refused.contains("longer than"), "{refused}");
    fs::remove_file(&manifest).unwrap();
    fs::create_dir(&manifest).unwrap();
    assert!(rows(&path).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn a_store_without_rows_has_none() {
    let (_folder, path) = folder();
    store(&path, Codec::Bf16, 0);
    assert_eq!(StoreReader::open(&path).unwrap().id(), None);
    assert!(rows(&path).unwrap().is_empty());
}

#[test]
fn a_parquet_table_has_the_rows_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let mut writer = ParquetWriter::create(&Destination::Path(path.clone()), &settings()).unwrap();
    for id in 0..5 {
        let row = TableRow { id, group: 7, l1: 1.5, l2_squared: 2.5, max: 0.5, sketch: &values(id) };
        writer.push(row).unwrap();
    }
    assert!(!path.exists());
    writer.finish().unwrap();
    let reader = SerializedFileReader::new(fs::File::open(&path).unwrap()).unwrap();
    let texts = reader.metadata().file_metadata().key_value_metadata().unwrap();
    assert!(texts.iter().any(|text| text.key == "gradsieve.dim" && text.value.as_deref() == Some("24")));
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 5);
    for (id, row) in (0..).zip(&rows) {
        assert_eq!((row.get_ulong(0).unwrap(), row.get_uint(1).unwrap()), (id, 7));
        assert_eq!((row.get_double(2).unwrap(), row.get_double(3).unwrap()), (1.5, 2.5));
        let list = row.get_list(5).unwrap();
        let numbers: Vec<f32> =
            (0..list.len()).map(|i| parquet::record::ListAccessor::get_float(list, i).unwrap()).collect();
        assert_eq!(numbers, values(id));
    }
}

#[test]
fn a_parquet_table_of_cells_has_their_columns_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells.parquet");
    let columns = [
        ("index", CellKind::Whole),
        ("p", CellKind::Float),
        ("score", CellKind::Double),
        ("flagged", CellKind::Flag),
        ("reasons", CellKind::Text),
    ];
    let mut table = ParquetTable::create(&Destination::Path(path.clone()), &columns).unwrap();
    // More than a group of rows.
    let count = 140_000;
    for index in 0..count {
        let text = format!("ä{index}");
        let score = Cell::Double(if index == 3 { f64::INFINITY } else { index as f64 / 3.0 });
        let cells =
            [Cell::Whole(index), Cell::Float(0.5), score, Cell::Flag(index % 2 == 1), Cell::Text(&text)];
        table.push(&cells).unwrap();
    }
    assert!(table.push(&[Cell::Whole(1)]).is_err());
    table.finish().unwrap();
    let reader = SerializedFileReader::new(fs::File::open(&path).unwrap()).unwrap();
    let fields = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> = (0..5).map(|i| fields.column(i).name().to_owned()).collect();
    assert_eq!(names, columns.map(|(name, _)| name));
    let mut rows = 0;
    for (index, row) in (0..).zip(reader.get_row_iter(None).unwrap().map(Result::unwrap)) {
        assert_eq!((row.get_ulong(0).unwrap(), row.get_float(1).unwrap()), (index, 0.5));
        let score = if index == 3 { f64::INFINITY } else { index as f64 / 3.0 };
        assert_eq!((row.get_double(2).unwrap(), row.get_bool(3).unwrap()), (score, index % 2 == 1));
        assert_eq!(row.get_string(4).unwrap(), &format!("ä{index}"));
        rows += 1;
    }
    assert_eq!(rows, count);
}
