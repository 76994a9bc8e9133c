//! What a device links first: the Kronecker sketch of a network of two layers, and the
//! sieve, which judges and learns.
#![no_std]
#![no_main]

use size::Loop;

size::image! {
    Loop::new().and_then(|mut device| Ok(device.sample()?.0.flagged));
}
