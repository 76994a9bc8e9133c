//! Every level of this machine, the scalar one included, gives the bits of the
//! definition (`gradsieve_kernels::spec`), but for the payload of a NaN.
//!
//! A claim is a function of a level; each claim is run on each level by name, as
//! `avx2::dots_have_the_bits_of_the_definition`. A level that this machine lacks is found
//! out when the suite runs, so its claims are listed as *ignored* and counted as such;
//! likewise for what a level uses only where the machine has it
//! (`avx512+vpopcntdq::distances_…`). That is what libtest-mimic is for, which runs on
//! one thread where there are no others (WebAssembly). Inputs are of every awkward kind;
//! lengths cross every register, lane and tile; slices start unaligned; what is written
//! stands between guards.

mod codecs;
mod dense;
mod direction;
mod double;
mod fold;
mod hadamard;
mod inputs;
mod matrix;
mod outputs;
mod published;
mod rotation;
mod scores;
mod sparse;
mod summary;
mod sums;
mod vectors;

use gradsieve_kernels::{Error, Level};
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

const FAMILIES: [&[Claim]; 14] = [
    sums::CLAIMS,
    summary::CLAIMS,
    vectors::CLAIMS,
    matrix::CLAIMS,
    sparse::CLAIMS,
    dense::CLAIMS,
    direction::CLAIMS,
    double::CLAIMS,
    fold::CLAIMS,
    hadamard::CLAIMS,
    rotation::CLAIMS,
    codecs::CLAIMS,
    scores::CLAIMS,
    published::CLAIMS,
];

/// What a level uses where the machine has it: its name, whether it is here, and how the
/// names of the claims begin that meet it.
fn extras() -> Vec<(&'static str, bool, &'static str)> {
    #[cfg(target_arch = "x86_64")]
    return vec![
        ("avx512+vnni", is_x86_feature_detected!("avx512vnni"), "int8_scores"),
        ("avx512+vpopcntdq", is_x86_feature_detected!("avx512vpopcntdq"), "distances"),
        ("avx512+vbmi", is_x86_feature_detected!("avx512vbmi"), "scores_of_few_bits"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    return Vec::new();
}

/// A claim on a level, ignored where there is no such level.
fn trial(name: &str, claim: &'static Claim, level: Result<Level, Error>) -> Trial {
    let run = move || {
        (claim.check)(level.map_err(|error| Failed::from(error.to_string()))?);
        Ok(())
    };
    Trial::test(format!("{name}::{}", claim.name), run).with_ignored_flag(level.is_err())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let claims = || FAMILIES.into_iter().flatten();
    let mut trials = Vec::new();
    for name in Level::NAMES {
        trials.extend(claims().map(|claim| trial(name, claim, Level::named(name))));
    }
    for (name, here, beginning) in extras() {
        let level = if here { Level::named("avx512") } else { Err(Error::Level) };
        let met = claims().filter(|claim| claim.name.starts_with(beginning));
        trials.extend(met.map(|claim| trial(name, claim, level)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
