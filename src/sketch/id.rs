//! What a sketch is labelled with: two sketches can be compared only if their labels are
//! the same.

use super::kind::Kind;
use crate::error::{Error, Field};
use crate::gradient::LayoutId;
use gradsieve_kernels::Fingerprint;
use gradsieve_kernels::sjlt::Repeat;

/// What two sketches must have in common to be compared, merged or stored together.
///
/// ```
/// use gradsieve::{Error, Field, Key, Layout, Projector, Repeat, Sjlt};
///
/// let layout = Layout::flat(1000)?.id();
/// let [one, two] = [1, 2].map(|seed| Sjlt::new(32, Key::seed(seed), Repeat::One));
/// assert_eq!(one?.id(layout).check(&two?.id(layout)), Err(Error::Mismatch(Field::Key)));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SketchId {
    /// The kind of projection.
    pub kind: Kind,
    /// K.
    pub width: usize,
    /// The fingerprint of the key: the seed, where it is public.
    pub key: Fingerprint,
    /// The repetitions; 1 where the kind has none.
    pub repeat: Repeat,
    /// A number that says all else that the projector was set to (a mask's length, the
    /// widths of factors, a plan's parts), or a hash of it; 0 where there is nothing
    /// else.
    pub settings: u64,
    /// The layout of the gradient.
    pub layout: LayoutId,
}

impl SketchId {
    /// Refuses an id that differs, and says in what.
    ///
    /// # Errors
    /// [`Error::Mismatch`] with the first field that differs.
    pub fn check(&self, other: &Self) -> Result<(), Error> {
        let fields = [
            (self.kind == other.kind, Field::Kind),
            (self.width == other.width, Field::Width),
            (self.key == other.key, Field::Key),
            (self.repeat == other.repeat, Field::Repeat),
            (self.settings == other.settings, Field::Settings),
            (self.layout == other.layout, Field::Layout),
        ];
        match fields.iter().find(|(same, _)| !same) {
            Some(&(_, field)) => Err(Error::Mismatch(field)),
            None => Ok(()),
        }
    }
}
