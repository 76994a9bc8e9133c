//! Sums of products of bytes.

/// Σ row·query, of unsigned bytes of a row and signed bytes of a query.
#[inline(always)]
pub(crate) fn dot(row: &[u8], query: &[u8]) -> i32 {
    row.iter().zip(query).map(|(c, d)| i32::from(*c) * i32::from(d.cast_signed())).sum()
}
