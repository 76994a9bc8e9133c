//! A run of the device.

use gradsieve::state::crc32;
use gradsieve_example_sensor::device::{AT_REST, Device};
use gradsieve_example_sensor::influence::{Influence, LAST};
use gradsieve_example_sensor::series::{Run, state};
use gradsieve_example_sensor::training::{LeftOut, SAMPLES, Training};

const RUN: Run = Run { seed: 1, wrong_labels: true };

fn bytes(device: &Device) -> Vec<u8> {
    let mut bytes = [0; AT_REST];
    let len = device.save(&mut bytes).unwrap();
    bytes[..len].to_vec()
}

#[test]
fn a_device_that_is_restored_ends_with_the_same_bytes() {
    let (mut whole, mut left_out) = (Device::new(RUN).unwrap(), LeftOut::default());
    let mut saved = Vec::new();
    while whole.training.samples < SAMPLES {
        if whole.training.samples == 2345 {
            saved = bytes(&whole);
        }
        whole.sample(&mut left_out).unwrap();
    }
    let mut other = Device::new(RUN).unwrap();
    other.restore(&saved).unwrap();
    assert_eq!(other.training.samples, 2345);
    other.finish().unwrap();
    assert_eq!(bytes(&other), bytes(&whole));
}

#[test]
fn wrong_labels_do_harm_that_the_sieve_mends() {
    let plain = Training::finished(RUN, None);
    let mut device = Device::new(RUN).unwrap();
    device.finish().unwrap();
    assert!(plain.right() < 170 && device.training.right() > 185);
}

#[test]
fn nearly_all_samples_that_did_the_most_harm_have_wrong_labels() {
    for (end, least) in [(2000, 24), (SAMPLES, 20)] {
        let mut found = 0;
        for seed in 1..=5 {
            let run = Run { seed, wrong_labels: true };
            let (mut training, mut influence) = (Training::new(run), None);
            while training.samples < end {
                if training.samples == end - LAST as u32 {
                    influence = Some(Influence::new(&training).unwrap());
                }
                let sample = training.meet();
                if let Some(influence) = &mut influence {
                    influence.observe(&training, &sample).unwrap();
                }
                training.learn(&sample);
            }
            let worst = influence.unwrap().worst().unwrap();
            assert!(worst.is_sorted_by_key(|named| named.value));
            found += worst.iter().filter(|named| run.label(named.row) != state(named.row)).count();
        }
        assert!(found >= least, "{found} of 25 after {end} samples");
    }
}

#[test]
fn the_last_state_is_the_one_on_the_cortex_m() {
    let mut device = Device::new(RUN).unwrap();
    device.finish().unwrap();
    let line = format!("{SAMPLES} samples; the CRC of the state is {:08x}", crc32(&bytes(&device)));
    assert!(include_str!("../../cortex-m/README.md").lines().any(|said| said == line), "{line}");
}
