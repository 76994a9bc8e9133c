//! What a kernel answers, made comparable: bits, and memory between guards.

use gradsieve_kernels::Error;
use gradsieve_vectors::record::Value;

/// Bits, with every NaN made one.
pub(crate) fn bits<T: Value>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.bits()).collect()
}

/// How many guards stand on each side: odd, so that what lies between is not aligned.
const GUARDS: usize = 17;

/// What `write` makes of an output that holds `start` before, as bits. What stands beside
/// the output must stay.
pub(crate) fn written<T: Value>(
    start: &[T],
    guard: T,
    mut write: impl FnMut(&mut [T]) -> Result<(), Error>,
) -> Vec<u64> {
    between_guards(start, guard, &mut write)
}

/// [`written`], compiled once a format and not once a caller.
fn between_guards<T: Value>(
    start: &[T],
    guard: T,
    write: &mut dyn FnMut(&mut [T]) -> Result<(), Error>,
) -> Vec<u64> {
    let beside = vec![guard; GUARDS];
    let mut out = [&beside[..], start, &beside[..]].concat();
    let end = out.len() - GUARDS;
    write(&mut out[GUARDS..end]).unwrap();
    assert_eq!(bits(&out[..GUARDS]), bits(&beside), "written before the output");
    assert_eq!(bits(&out[end..]), bits(&beside), "written behind the output");
    bits(&out[GUARDS..end])
}

/// [`written`] for floats.
pub(crate) fn floats(start: &[f32], write: impl FnMut(&mut [f32]) -> Result<(), Error>) -> Vec<u64> {
    written(start, -12_345.678, write)
}

/// What the definition makes of an output that holds `start` before.
pub(crate) fn defined<T: Value>(start: &[T], define: impl FnOnce(&mut [T])) -> Vec<u64> {
    let mut out = start.to_vec();
    define(&mut out);
    bits(&out)
}
