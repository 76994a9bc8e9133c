//! A run of the device.

use gradsieve_example_sensor::device::{AT_REST, Device};
use gradsieve_example_sensor::series::Run;
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
    while other.training.samples < SAMPLES {
        other.sample(&mut left_out).unwrap();
    }
    assert_eq!(bytes(&other), bytes(&whole));
}

#[test]
fn wrong_labels_do_harm_that_the_sieve_mends() {
    let (mut plain, mut left_out) = (Training::new(RUN), LeftOut::default());
    while plain.samples < SAMPLES {
        let sample = plain.meet();
        plain.learn(&sample);
    }
    let mut device = Device::new(RUN).unwrap();
    while device.training.samples < SAMPLES {
        device.sample(&mut left_out).unwrap();
    }
    println!("{} {} {left_out:?}", plain.right(), device.training.right());
    assert!(plain.right() < 170 && device.training.right() > 185);
}
