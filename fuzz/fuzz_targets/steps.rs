//! Steps of a recorded run from any bytes: an error, or a step whose parts fit.
#![no_main]

use std::fs;

use gradsieve_io::files::{StepFile, StepGradients, step_files};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary directory");
    // The header is what comes before the first zero.
    let header = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    let framed = [&(header as u64).to_le_bytes()[..], input].concat();
    for (name, bytes) in [("step-0.safetensors", input.to_vec()), ("step-1.safetensors", framed)] {
        fs::write(folder.path().join(name), bytes).expect("writable");
    }
    for path in step_files(folder.path()).expect("two steps") {
        let Ok(step) = StepFile::read(&path) else { continue };
        let batch = step.ids.len();
        assert!(step.learning_rate.is_finite());
        match &step.gradients {
            StepGradients::Rows(rows) => assert_eq!(rows.values.len(), batch * rows.columns),
            StepGradients::Layers(layers) => {
                assert!(layers.iter().all(|(a, b)| a.count() == batch && b.count() == batch));
            }
        }
    }
});
