//! Krum's score, and the choice of clients by a score.

use super::round::{Finite, squared_distance};
use gradsieve_kernels::{Certain, cannot_happen};

/// The sum of the `count` smallest, from the smallest on, so that it does not depend on
/// their order. They are left in another.
pub(super) fn sum_of_smallest(numbers: &mut [f64], count: usize) -> f64 {
    // A heap whose root is the smallest; the last takes the root's place as it goes.
    for root in (0..numbers.len() / 2).rev() {
        sink(numbers, root);
    }
    let (mut sum, mut len) = (0.0, numbers.len());
    for _ in 0..count.min(numbers.len()) {
        let heap = numbers.get_mut(..len).certain();
        if let Some((last, rest)) = heap.split_last_mut() {
            let smallest = rest.first_mut().map_or(*last, |root| core::mem::replace(root, *last));
            sum += smallest;
            sink(rest, 0);
        }
        len -= 1;
    }
    sum
}

/// Lets the number at `hole` sink below those that are smaller.
fn sink(heap: &mut [f64], mut hole: usize) {
    let Some(sinking) = heap.get(hole).copied() else { return };
    loop {
        let child = hole * 2 + 1;
        let index = match (heap.get(child), heap.get(child + 1)) {
            (Some(left), Some(right)) => child + usize::from(right < left),
            _ => child,
        };
        let Some(below) = heap.get(index).copied().filter(|&below| below < sinking) else { break };
        put(heap, hole, below);
        hole = index;
    }
    put(heap, hole, sinking);
}

fn put(heap: &mut [f64], index: usize, number: f64) {
    cannot_happen!(index >= heap.len(), "a hole lies within the heap");
    if let Some(place) = heap.get_mut(index) {
        *place = number;
    }
}

/// Krum's score of each client: the sum of its squared distances to the n − f − 2 others
/// that are nearest. `others` is n numbers of scratch, `difference` K.
pub(super) fn krum_scores(
    finite: &Finite<'_>,
    hostile: usize,
    scores: &mut [f64],
    others: &mut [f64],
    difference: &mut [f64],
) {
    let near = finite.len().saturating_sub(hostile.saturating_add(2));
    for ((i, x), score) in finite.rows().enumerate().zip(scores) {
        let rows = finite.rows().enumerate().filter(|&(j, _)| j != i);
        let mut count = 0;
        for ((_, y), to) in rows.zip(others.iter_mut()) {
            *to = squared_distance(x, y, difference);
            count += 1;
        }
        *score = sum_of_smallest(others.get_mut(..count).certain(), near);
    }
}

/// The place of the lowest score among those that `is_open`; of equals the first.
pub(super) fn lowest(scores: &[f64], is_open: impl Fn(usize) -> bool) -> Option<usize> {
    let open = scores.iter().copied().enumerate().filter(|&(place, _)| is_open(place));
    open.reduce(|best, next| if next.1 < best.1 { next } else { best }).map(|(place, _)| place)
}

/// Gives the `keep` lowest scores the same share, of equals the first, and the others
/// nothing.
pub(super) fn keep_lowest(scores: &[f64], keep: usize, weights: &mut [f64]) {
    weights.fill(0.0);
    let share = 1.0 / keep.max(1) as f64;
    for _ in 0..keep {
        keep_next(scores, share, weights);
    }
}

/// Gives the share to the lowest score of those without a weight, of equals to the first.
pub(super) fn keep_next(scores: &[f64], share: f64, weights: &mut [f64]) {
    let place = lowest(scores, |place| weights.get(place) == Some(&0.0));
    cannot_happen!(place.is_none(), "no more are kept than there are");
    if let Some(weight) = place.and_then(|place| weights.get_mut(place)) {
        *weight = share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_are_summed_from_the_smallest_on() {
        let numbers = [1e16, 3.0, 1.0, 1.0, 2.0, 1e300, 0.0];
        for turn in 0..numbers.len() {
            let mut turned = numbers;
            turned.rotate_left(turn);
            for count in 0..=numbers.len() {
                let mut sorted = numbers;
                sorted.sort_by(f64::total_cmp);
                let expected = sorted[..count].iter().fold(0.0, |sum, x| sum + x);
                assert_eq!(sum_of_smallest(&mut turned.clone(), count), expected, "{turn} {count}");
            }
        }
    }

    #[test]
    fn of_equal_scores_the_first_are_kept() {
        let mut weights = [0.0; 5];
        keep_lowest(&[2.0, 1.0, 2.0, 1.0, 2.0], 3, &mut weights);
        assert_eq!(weights, [1.0 / 3.0, 1.0 / 3.0, 0.0, 1.0 / 3.0, 0.0]);
    }
}
