//! The kernels of gradsieve.
#![no_std]
