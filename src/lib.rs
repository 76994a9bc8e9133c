//! The core of gradsieve.
#![no_std]
