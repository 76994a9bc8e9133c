//! Stores on disk from any bytes: a manifest as it is, or with a checksum that is right,
//! beside segments; an error, or a store that can be read and added to.
#![no_main]

use std::fs;
use std::path::Path;

use gradsieve::state::crc32;
use gradsieve::{Exact, Layout, Projector as _, Summary};
use gradsieve_io::store::{StoreError, StoreReader, StoreWriter};

const K: usize = 4;

/// Reads all rows, and adds one.
fn read(store: &Path) {
    let Ok(reader) = StoreReader::open(store) else { return };
    let mut count = 0;
    let passed = reader.for_each_row(|row| {
        assert!(row.id < reader.manifest().samples);
        count += 1;
        Ok::<(), StoreError>(())
    });
    assert!(passed.is_err() || count == reader.manifest().rows());
    if passed.is_err() {
        return;
    }
    let id = reader.id().unwrap_or(Exact::new(K).id(Layout::flat(K as u64).expect("four").id()));
    let settings = reader.manifest().sketch.clone();
    let Ok(mut writer) = StoreWriter::append(store, id, &settings) else { return };
    let samples = writer.samples();
    let values = vec![1.0; id.width];
    let measures = Summary { l1: 1.0, l2_squared: 1.0, max: 1.0, non_finite: 0, count: id.width as u64 };
    let sketch = gradsieve::Sketch::from_parts(id, &values, measures).expect("as wide as it says");
    writer.push(&sketch).expect("a finite row");
    let manifest = writer.finish().expect("a disk");
    assert_eq!((manifest.rows(), manifest.samples), (count + 1, samples + 1));
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    // The manifest is what comes before the first zero.
    let end = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    let (text, segments) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let body = text.strip_suffix(b"}").unwrap_or(text);
    let checksum = format!(",\"crc32\":{}}}", crc32(text));
    for manifest in [text.to_vec(), [body, checksum.as_bytes()].concat()] {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let store = folder.path().join("x.store");
        fs::create_dir(&store).expect("writable");
        fs::write(store.join("store.json"), manifest).expect("writable");
        fs::write(store.join("gradients.bin"), segments).expect("writable");
        read(&store);
    }
});
