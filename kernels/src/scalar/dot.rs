//! [`crate::dot()`] with a few lanes at a time down each tile.

use super::sum::{ABREAST, Lanes, NO_TERMS, SHORT, add_tile, rows_of_eight, short_rows, sums, tiles};
use crate::cannot_happen;
use crate::element::Element;
use crate::sum::{LANES, WIDE};

/// Σ xᵢ·yᵢ of two slices of one length.
#[inline(always)]
pub(crate) fn dot<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    if x.len() <= SHORT && y.len() == x.len() {
        let ((x, x_cut), (y, y_cut), count) = (rows_of_eight(x), rows_of_eight(y), x.len());
        let products = |at| {
            let (mut row, y) = (x.get(at).map_or(x_cut, T::widen_8), y.get(at).map_or(y_cut, U::widen_8));
            row.iter_mut().zip(y).for_each(|(x, y)| *x *= y);
            row
        };
        return short_rows(count, products).into();
    }
    let [dot] = sums(
        x.len(),
        tiles(x).zip(tiles(y)),
        #[inline(always)]
        |(x, y), [lanes]| lanes_of(x, y, lanes),
    );
    dot
}

/// Adds whole tiles that are not the last to the wide lanes.
#[inline(always)]
pub(crate) fn carry<T: Element, U: Element>(wide: &mut [f64; WIDE], x: &[T], y: &[U]) {
    let mut lanes = NO_TERMS;
    for (x, y) in tiles(x).zip(tiles(y)) {
        lanes_of(x, y, &mut lanes);
        add_tile(wide, &mut lanes);
    }
}

/// The lanes of a tile.
#[inline(always)]
fn lanes_of<T: Element, U: Element>(x: &[T], y: &[U], lanes: &mut Lanes) {
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    for (i, lanes) in lanes.iter_mut().enumerate() {
        let mut few = [0.0; ABREAST];
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (x.as_chunks::<ABREAST>().0.get(i), y.as_chunks::<ABREAST>().0.get(i));
            let (Some(x), Some(y)) = (x, y) else {
                cannot_happen!("a row has all of its lanes");
                continue;
            };
            for ((lane, x), y) in few.iter_mut().zip(x).zip(y) {
                *lane += x.widen() * y.widen();
            }
        }
        *lanes = few;
    }
    for ((lane, x), y) in lanes.as_flattened_mut().iter_mut().zip(x_rest).zip(y_rest) {
        *lane += x.widen() * y.widen();
    }
}
