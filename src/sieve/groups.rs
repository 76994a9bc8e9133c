//! Ids of growing groups, sorted, so that a state has the same bytes whichever came
//! first.

/// No group.
const FREE: i64 = -1;

/// The place of a group.
pub(super) fn place(ids: &[i64], id: u32) -> Option<usize> {
    ids.iter().position(|known| *known == i64::from(id))
}

/// Where a new group belongs, if one is free: before the first larger id.
pub(super) fn place_of_new(ids: &[i64], id: u32) -> Option<usize> {
    let is_free = ids.last().is_some_and(|last| *last == FREE);
    is_free.then(|| ids.iter().filter(|known| (0..i64::from(id)).contains(*known)).count())
}

/// Puts a group at `place`: those from there on move up by one.
pub(super) fn insert(ids: &mut [i64], place: usize, id: u32) {
    let mut carried = i64::from(id);
    ids.iter_mut().skip(place).for_each(|known| core::mem::swap(known, &mut carried));
}

/// Whether an id may stand behind another, or first: ids rise, and what is free comes
/// last.
pub(super) fn follows(before: Option<i64>, id: i64) -> bool {
    let is_id = u32::try_from(id).is_ok();
    id == FREE || is_id && before.is_none_or(|before| before != FREE && before < id)
}

/// No groups.
pub(super) fn clear(ids: &mut [i64]) {
    ids.fill(FREE);
}

/// The ids in use.
pub(super) fn used(ids: &[i64]) -> impl Iterator<Item = u32> {
    ids.iter().filter_map(|id| u32::try_from(*id).ok())
}
