//! The Walsh–Hadamard transform.
#![no_std]
#![no_main]

use gradsieve_kernels::hadamard;
use size::lent;

size::image! {
    hadamard(lent());
}
