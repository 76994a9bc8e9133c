//! What errors say: one sentence each, with every number that it carries.

use gradsieve::{Error, Field};

#[test]
fn every_error_says_what_was_expected_and_what_was_found() {
    for (error, text) in [
        (Error::Length { expected: 4, found: 3 }, "expected 4 elements, found 3"),
        (
            Error::Width { multiple: 32, found: 33 },
            "expected a sketch width that is a positive multiple of 32, found 33",
        ),
        (Error::Layer { index: 2 }, "layer 2 of the layout is empty, out of order, overlapping or too long"),
        (
            Error::OutsideLayout { end: 10, found: 12 },
            "expected a segment that ends at coordinate 10 at the latest, found one that ends at 12",
        ),
        (
            Error::Incomplete { expected: 10, found: 9 },
            "expected a gradient of 10 coordinates, found 9 when it was finished",
        ),
        (
            Error::Twice,
            "expected each coordinate of the gradient once, found some twice, or of no layer, in the place of \
             others",
        ),
        (Error::OutOfMemory { elements: 7 }, "no memory for a buffer of 7 elements"),
        (
            Error::LayerMismatch { index: 1 },
            "layer 1 and what was given for it disagree in place, shape or width",
        ),
        (Error::NonFinite, "expected finite numbers, found NaN or infinite ones"),
        (Error::NotMeasured, "the measure was not taken, as the gradient was never formed"),
        (Error::TooFew { needed: 3, found: 2 }, "expected at least 3 observations, found 2"),
        (Error::Group { groups: 3, found: 4 }, "expected a group id below 3, found 4"),
        (
            Error::NotPositiveDefinite,
            "the matrix is not positive definite; a larger damping or shrinkage is needed",
        ),
        (
            Error::IllConditioned { decades: 13 },
            "the matrix is ill-conditioned: expected a condition number below 10^12, found about 10^13; a larger \
             damping or shrinkage is needed",
        ),
        (Error::NotSolved, "the residual of the solution is more than rounding"),
        (Error::Range { what: "a weight" }, "a weight is finite, but too large or too small for its format"),
        (Error::NotFitted, "the detector has not been fitted yet"),
        (
            Error::Setting { name: "damping", expected: "finite and above 0" },
            "expected damping to be finite and above 0",
        ),
        (Error::Full { capacity: 5 }, "there is room for 5, and it is full"),
        (
            Error::Unstable { step: 6 },
            "numbers leave their range 6 steps before the last: the run is unstable there",
        ),
        (Error::Magic, "the bytes do not begin as those of a state"),
        (Error::Version { found: 9 }, "expected version 1 of the format, found version 9"),
        (Error::Truncated { expected: 92, found: 91 }, "expected 92 bytes, found 91: the end is missing"),
        (Error::Corrupt, "the bytes are not those that were written"),
        (Error::Row { rows: 3, found: 4 }, "expected a row number below 3, found 4"),
        (Error::Id { first: 1, end: 3, found: 4 }, "expected an id from 1 to below 3, found 4"),
        (Error::InPass, "a pass over the rows has begun and must be ended first"),
        (Error::Diverged, "the iteration diverges; a smaller step or a larger damping is needed"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_mismatch_names_the_field_that_differs() {
    for (field, text) in [
        (Field::Kind, "the kind of projection"),
        (Field::Width, "the sketch width"),
        (Field::Key, "the seed or key of the projection"),
        (Field::Seed, "the seed"),
        (Field::Repeat, "the repetitions"),
        (Field::Settings, "the projector's settings"),
        (Field::Layout, "the gradient's layout"),
        (Field::Codec, "the codec of their rows"),
        (Field::State, "the kind of state"),
        (Field::StateSettings, "the settings of the state"),
        (Field::Clock, "the half-life, or in how many of them have passed"),
        (Field::Fingerprint, "the projection, its key or the gradient's layout"),
    ] {
        assert_eq!(Error::Mismatch(field).to_string(), format!("the two differ in {text}"));
    }
}

#[test]
fn what_a_kernel_refuses_keeps_its_numbers() {
    use gradsieve_kernels::Error as Kernel;
    for (kernel, expected, text) in [
        (
            Kernel::Length { expected: 4, found: 3 },
            Error::Length { expected: 4, found: 3 },
            "expected a slice of 4 elements, found 3",
        ),
        (
            Kernel::Width { multiple: 32, found: 33 },
            Error::Width { multiple: 32, found: 33 },
            "expected a width that is a positive multiple of 32, found 33",
        ),
        (
            Kernel::Offset,
            Error::OutsideLayout { end: u64::MAX, found: u64::MAX },
            "offset plus length of a segment exceeds 64 bits",
        ),
        (
            Kernel::NonFinite,
            Error::NonFinite,
            "the row has NaN or infinite entries, or its scale is too large",
        ),
    ] {
        assert_eq!((Error::from(kernel), kernel.to_string()), (expected, text.to_owned()));
    }
    let other = Error::Setting { name: "argument", expected: "in the range that its kernel names" };
    for (kernel, text) in [
        (Kernel::TooLong { most: 4, found: 5 }, "expected a row of at most 4 values, found 5"),
        (Kernel::Layout, "the queries are laid out for the other kind of segment"),
        (Kernel::Level, "this machine does not have that instruction set level"),
    ] {
        assert_eq!((Error::from(kernel), kernel.to_string()), (other, text.to_owned()));
    }
}
