//! Memory that may not be there.

use gradsieve::Error;

/// So many entries, or an error: sizes come from callers and from files.
pub(crate) fn zeros<T: Clone + Default>(elements: usize) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    all.try_reserve_exact(elements).map_err(|_| Error::OutOfMemory { elements })?;
    all.resize(elements, T::default());
    Ok(all)
}
