//! Samples in their groups, for a detector that compares a sample with the mean of its
//! group.
//!
//! A sample that is alone in its group is that mean itself, and would be the least
//! suspicious of all: the only sample of a class, perhaps because its label is wrong. So
//! its direction is neither observed nor scored: its norm decides, as for a group of
//! which nothing was observed.

use gradsieve::Sketch;

use gradsieve_io::files::Groups;

/// The samples of a file in their groups.
pub(super) struct Members<'g> {
    groups: Option<&'g Groups>,
    /// Samples of each group by its label, then those that were observed with a
    /// direction. Empty where being alone does not matter.
    sizes: Vec<u64>,
    observed: Vec<u64>,
    /// A sketch that has no direction.
    zeros: Vec<f32>,
}

impl<'g> Members<'g> {
    /// Where a sample is not compared with its group.
    pub(super) const fn of(groups: Option<&'g Groups>) -> Self {
        Self { groups, sizes: Vec::new(), observed: Vec::new(), zeros: Vec::new() }
    }

    /// The same, with those who are alone apart. Sketches have `width` numbers.
    pub(super) fn with_lone(groups: Option<&'g Groups>, width: usize) -> Self {
        let count = groups.map_or(1, |groups| groups.labels().len());
        let mut sizes = vec![0; count];
        match groups {
            Some(groups) => groups.of().iter().for_each(|&group| sizes[group as usize] += 1),
            // All in one: how many there are is seen as they come.
            None => sizes[0] = u64::MAX,
        }
        Self { groups, sizes, observed: vec![0; count], zeros: vec![0.0; width] }
    }

    fn group(&self, row: usize) -> u32 {
        self.groups.and_then(|groups| groups.of().get(row)).copied().unwrap_or(0)
    }

    /// The sketch of row `row` in its group; without its direction if it is alone there.
    pub(super) fn place<'m>(&'m self, row: usize, sketch: &Sketch<'m>) -> Sketch<'m> {
        let group = self.group(row);
        let is_alone = self.sizes.get(group as usize).is_some_and(|&size| size == 1);
        let values = if is_alone && sketch.check_finite().is_ok() { &self.zeros } else { sketch.values };
        Sketch { values, ..sketch.in_group(group) }
    }

    /// A sketch that has no direction.
    pub(super) fn zeros(&self) -> &[f32] {
        &self.zeros
    }

    /// Counts a sample that was observed, if it has a direction.
    pub(super) fn count(&mut self, row: usize, sketch: &Sketch<'_>) {
        let group = self.group(row) as usize;
        if let Some(observed) = self.observed.get_mut(group)
            && sketch.values.iter().any(|&value| value != 0.0)
        {
            *observed += 1;
        }
    }

    /// After all were observed: alone is, too, whose others are not finite, or zero.
    pub(super) fn fit(&mut self) {
        self.sizes.clone_from(&self.observed);
    }
}
