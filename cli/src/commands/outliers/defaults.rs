//! What is done where the command line does not say: chosen by what is known of the
//! samples.

use super::arguments::{DetectorName, SearchArguments};

/// Numbers of a sketch.
pub(super) const WIDTH: usize = 512;

/// The detector that suits.
///
/// With groups it is direction, which of single looks finds most wrong labels, and which
/// takes losses in. Without them a sample has no others to point away from: the loss is
/// best where it is known, and self-influence where only gradients are.
pub(super) const fn one(arguments: &SearchArguments) -> [DetectorName; 1] {
    match (&arguments.groups, &arguments.loss) {
        (Some(_), _) => [DetectorName::Direction],
        (None, Some(_)) => [DetectorName::Loss],
        (None, None) => [DetectorName::SelfInfluence],
    }
}

/// Detectors that look at different things, the one that suits first.
pub(in crate::commands) fn several(arguments: &SearchArguments) -> Vec<DetectorName> {
    let [first] = one(arguments);
    let loss = arguments.loss.is_some().then_some(DetectorName::Loss);
    let others = [DetectorName::SelfInfluence, DetectorName::L2];
    let others = loss.into_iter().chain(others).filter(|&other| other != first);
    std::iter::once(first).chain(others).collect()
}
