//! Directions in whole numbers, and their sums.

/// Entry *i* of a direction whose factor is an `f32`.
pub fn whole(factor: f32, x: f32) -> i32 {
    (factor * x) as i32
}

/// The same where the factor is an `f64`.
pub fn wide_whole(factor: f64, x: f32) -> i32 {
    (factor * f64::from(x)) as f32 as i32
}

/// Adds `weight` times a direction to a sum, modulo 2⁶⁴. Returns the bits of the entries,
/// or where they are negative those that are 0, put together.
pub fn add(direction: &[i32], weight: i32, sum: &mut [i64]) -> u64 {
    let mut bits = 0;
    for (x, entry) in direction.iter().zip(sum) {
        *entry = entry.wrapping_add(i64::from(*x).wrapping_mul(i64::from(weight)));
        bits |= if *entry < 0 { !*entry } else { *entry } as u64;
    }
    bits
}

/// The product of a direction and a sum that is shifted right, modulo 2⁶⁴.
pub fn product(direction: &[i32], sum: &[i64], shift: u32) -> i64 {
    direction.iter().zip(sum).fold(0, |product: i64, (x, entry)| {
        product.wrapping_add(i64::from(*x).wrapping_mul(i64::from((entry >> shift) as i32)))
    })
}

/// The squared length of a sum that is shifted right, modulo 2⁶⁴.
pub fn squares(sum: &[i64], shift: u32) -> u64 {
    sum.iter().fold(0, |squares: u64, entry| {
        let entry = i64::from((entry >> shift) as i32);
        squares.wrapping_add((entry * entry) as u64)
    })
}
