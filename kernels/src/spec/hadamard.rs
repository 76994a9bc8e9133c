//! The Walsh–Hadamard transform.

/// Transforms x in place, unnormalised, in natural order; its length is a power of two.
///
/// In stages *h* = 1, 2, 4, …: of every two elements that lie *h* apart in a block of
/// 2*h*, the first becomes their sum and the second their difference.
pub fn hadamard(x: &mut [f32]) {
    assert!(x.len().is_power_of_two());
    let mut h = 1;
    while h < x.len() {
        for i in 0..x.len() {
            if i & h == 0 {
                (x[i], x[i + h]) = (x[i] + x[i + h], x[i] - x[i + h]);
            }
        }
        h *= 2;
    }
}
