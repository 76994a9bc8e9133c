//! What cannot happen is asserted in debug builds and compiles to nothing in release.
//!
//! A release build of the core links without a panic, so a bound that the caller has
//! checked already cannot be checked again by one. [`macro@crate::cannot_happen`] says
//! such a bound aloud: a test build fails there, and a release build takes the exit that
//! stands behind it. [`Certain`] is the form for an `Option` whose value is certain to be
//! there.

/// Asserts, in debug builds only, that this place is not reached or that a condition does
/// not hold.
///
/// ```
/// use gradsieve_kernels::cannot_happen;
/// fn first_of_checked(row: &[f32]) -> f32 {
///     cannot_happen!(row.len() > 1 << 20, "its constructor checked the length");
///     let Some(first) = row.first() else {
///         cannot_happen!("its constructor refused an empty row");
///         return 0.0;
///     };
///     *first
/// }
/// assert_eq!(first_of_checked(&[2.0]), 2.0);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! cannot_happen {
    ($why:literal $(,)?) => {
        ::core::debug_assert!(false, $why)
    };
    ($condition:expr $(,)?) => {
        ::core::debug_assert!(!$condition, ::core::concat!("cannot happen: ", ::core::stringify!($condition)))
    };
    ($condition:expr, $why:literal $(,)?) => {
        ::core::debug_assert!(!$condition, $why)
    };
}

/// An `Option` or `Result` whose value is certain to be there.
#[doc(hidden)]
pub trait Certain {
    /// What is there.
    type Value;

    /// The value. That it is missing cannot happen: a debug build panics at the caller's
    /// line, a release build goes on with the default.
    fn certain(self) -> Self::Value;
}

impl<T: Default> Certain for Option<T> {
    type Value = T;

    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn certain(self) -> T {
        cannot_happen!(self.is_none(), "the value is certain to be there");
        self.unwrap_or_default()
    }
}

impl<T: Default, E> Certain for Result<T, E> {
    type Value = T;

    #[inline(always)]
    #[cfg_attr(debug_assertions, track_caller)]
    fn certain(self) -> T {
        cannot_happen!(self.is_err(), "the value is certain to be there");
        self.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Certain;

    #[test]
    fn a_value_that_is_there_is_given() {
        assert_eq!(Some(&[1, 2][..]).certain(), [1, 2]);
        assert_eq!(Ok::<u8, ()>(3).certain(), 3);
    }

    #[test]
    #[cfg_attr(debug_assertions, should_panic(expected = "certain to be there"))]
    fn a_missing_value_fails_in_a_debug_build_alone() {
        assert_eq!(None::<u8>.certain(), 0);
    }

    #[test]
    #[cfg_attr(debug_assertions, should_panic(expected = "two is not odd"))]
    fn a_condition_that_holds_fails_in_a_debug_build_alone() {
        cannot_happen!(2 % 2 == 0, "two is not odd");
    }
}
