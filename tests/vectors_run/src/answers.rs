//! Who answers: the definition or a level.

use gradsieve_kernels::Level;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// The definition, [`gradsieve_kernels::spec`]: what is published.
    Spec,
    /// The kernels on a level.
    Of(Level),
}
