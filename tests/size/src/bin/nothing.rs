//! Nothing: what an image has anyway.
#![no_std]
#![no_main]

size::image! {}
