//! CSV files from any bytes: an error, or a data set of finite numbers.
#![no_main]

use std::path::Path;

use gradsieve_harness::data::csv;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(set) = csv::from_reader(input, Path::new("x.csv")) else { return };
    assert_eq!(set.features().len(), set.len() * set.dim());
    assert!(set.features().iter().all(|x| x.is_finite()));
    assert!(set.labels().iter().all(|&label| (label as usize) < set.class_names().len()));
});
