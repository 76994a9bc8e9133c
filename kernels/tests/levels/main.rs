//! Every level of this machine, the scalar one included, gives the bits of the
//! definition (`gradsieve_kernels::spec`), but for the payload of a NaN.
//!
//! A claim is a function of a level; each claim is run on each level by name, as
//! `avx2::dots_have_the_bits_of_the_definition`. A level that this machine lacks is found
//! out when the suite runs, so its claims are listed as *ignored* and counted as such:
//! that is what libtest-mimic is for, which runs on one thread where there are no others
//! (WebAssembly). Inputs are of every awkward kind; lengths cross every register, lane
//! and tile; slices start unaligned; what is written stands between guards.

mod codecs;
mod dense;
mod hadamard;
mod inputs;
mod matrix;
mod outputs;
mod published;
mod scores;
mod sparse;
mod summary;
mod sums;
mod vectors;

use gradsieve_kernels::Level;
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// What every level must do.
struct Claim {
    name: &'static str,
    check: fn(Level),
}

/// The claims that functions of these names make.
macro_rules! claims {
    ($($name:ident)*) => {
        pub(crate) const CLAIMS: &[crate::Claim] =
            &[$(crate::Claim { name: stringify!($name), check: $name }),*];
    };
}
use claims;

const FAMILIES: [&[Claim]; 10] = [
    sums::CLAIMS,
    summary::CLAIMS,
    vectors::CLAIMS,
    matrix::CLAIMS,
    sparse::CLAIMS,
    dense::CLAIMS,
    hadamard::CLAIMS,
    codecs::CLAIMS,
    scores::CLAIMS,
    published::CLAIMS,
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for name in Level::NAMES {
        let level = Level::named(name);
        for claim in FAMILIES.into_iter().flatten() {
            let run = move || {
                (claim.check)(level.map_err(|error| Failed::from(format!("{name}: {error}")))?);
                Ok(())
            };
            let trial = Trial::test(format!("{name}::{}", claim.name), run);
            trials.push(trial.with_ignored_flag(level.is_err()));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
