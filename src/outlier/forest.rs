//! Isolation forest: s(x) = 2^(−E[h(x)]/c(ψ)), where h is the length of x's path through
//! a tree of random splits. A point that few splits set apart is anomalous.
//!
//! A tree is grown on ψ = min(sample, n) rows drawn without replacement. A node draws a
//! feature uniformly among those that are not constant in it, and a threshold uniformly
//! between the feature's least and greatest value there; x goes left if x ≤ threshold. A
//! node is a leaf when it holds one row, when all its rows are equal, or at depth
//! ⌈log₂ψ⌉; a leaf of m > 1 rows adds c(m) to the path, c(m) = 2(ln(m − 1) + γ) − 2(m −
//! 1)/m, c(2) = 1, c(≤ 1) = 0.
//!
//! Source: Liu, Ting & Zhou 2008; parity with scikit-learn's `IsolationForest`, of whose
//! `score_samples` this score is the negative. One difference: there a feature that
//! varies by less than 10⁻⁷ counts as constant, which would blind the forest to small
//! gradients; here only an equal one does.
//!
//! Not streaming: sketches that are observed are kept, and the trees are grown on all of
//! them at once. *Memory*: 12·(2·sample − 1) bytes a tree, 613 KB with the usual
//! settings; K `f32` a sketch kept, and 4 bytes for each of `sample` rows. *Cost*: about
//! trees·ψ·log₂ψ reads to fit, trees·log₂ψ to score. *Error*: path lengths of leaves are
//! rounded to `f32`, so that a score's relative error is below 10⁻⁶. After a random
//! projection each coordinate is about N(0, ‖g‖²/K), so a forest on sketches mostly
//! measures the norm again: METHODS says by how much other detectors do better.

use super::Detector;
use crate::error::{Error, Field, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, slice};
use core::cell::Cell;
use gradsieve_kernels::{Certain, cannot_happen, hash};

/// How a forest is grown.
///
/// ```
/// use gradsieve::outlier::ForestSettings;
///
/// // 25 trees of at most 15 nodes each, and 100 rows to grow them on.
/// const SETTINGS: ForestSettings = ForestSettings { trees: 25, sample: 8, seed: 1, rows: 100, width: 64 };
/// assert_eq!((SETTINGS.memory().others, SETTINGS.memory().f32s), (25 * 15, 100 * 64 + 8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ForestSettings {
    /// Number of trees.
    pub trees: u32,
    /// Most rows that a tree is grown on; ψ = min(sample, n).
    pub sample: u32,
    /// Seed of all draws: same seed, same rows, same bits.
    pub seed: u64,
    /// Most sketches that are kept to grow on; 0 if the rows lie elsewhere
    /// ([`Forest::grow`]).
    pub rows: usize,
    /// K.
    pub width: usize,
}

impl ForestSettings {
    /// The usual settings: 100 trees on 256 rows each, seed 0.
    #[must_use]
    pub const fn new(rows: usize, width: usize) -> Self {
        Self { trees: 100, sample: 256, seed: 0, rows, width }
    }

    /// What the state needs: [`Node`]s as `others`, and `f32` for the rows that are kept.
    /// Only the trees have a form at rest; 92 bytes before they are grown.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let nodes = self.stride().saturating_mul(self.trees as usize);
        Memory {
            f32s: self.rows.saturating_mul(self.width).saturating_add(self.sample as usize),
            others: nodes,
            bytes_at_rest: nodes.saturating_mul(Node::BYTES_AT_REST).saturating_add(FRAME + 24),
            ..Memory::NONE
        }
    }

    /// Nodes of one tree at most: a binary tree with a leaf a row.
    const fn stride(self) -> usize {
        (self.sample as usize).saturating_mul(2).saturating_sub(1)
    }

    /// Refuses settings, and numbers of nodes and `f32`, that do not fit.
    const fn check(self, nodes: usize, f32s: usize) -> Result<(), Error> {
        if self.trees == 0 || self.sample == 0 {
            return Err(Error::Setting { name: "trees, sample", expected: "at least 1" });
        }
        if self.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        match check_length(self.memory().others, nodes) {
            Ok(()) => check_length(self.memory().f32s, f32s),
            Err(error) => Err(error),
        }
    }
}

/// A node of a tree. Where it lies within its tree is its index; the two children of a
/// split lie side by side.
///
/// ```
/// use gradsieve::outlier::Node;
///
/// let nodes = [Node::EMPTY; 375]; // of 25 trees
/// assert_eq!(size_of_val(&nodes), 375 * 12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Node {
    /// A split's threshold; a leaf's path length.
    value: f32,
    /// A split's feature.
    feature: u32,
    /// Index of a split's left child; 0, which is the root's, for a leaf.
    left: u32,
}

impl Node {
    /// A leaf that no path has reached: what to fill a node array with.
    pub const EMPTY: Self = Self { value: 0.0, feature: 0, left: 0 };

    const BYTES_AT_REST: usize = 12;
}

/// An isolation forest. Observe sketches, [`fit`](Detector::fit) it, then score.
///
/// ```
/// use gradsieve::outlier::{Detector, Forest, ForestSettings, Node};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// const SETTINGS: ForestSettings = ForestSettings { trees: 25, sample: 4, seed: 1, rows: 4, width: 2 };
/// let mut nodes = [Node::EMPTY; SETTINGS.memory().others];
/// let mut rows = [0.0; SETTINGS.memory().f32s];
/// let mut forest = Forest::new(SETTINGS, &mut nodes, &mut rows)?;
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let values = [[0.0, 0.1], [0.1, 0.0], [0.1, 0.1], [9.0, 9.0]];
/// # let sketches = values.each_ref().map(|x| {
/// #     Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap()
/// # });
/// for sketch in &sketches {
///     forest.observe(sketch)?;
/// }
/// forest.fit()?;
/// assert!(forest.score(&sketches[3], &mut [])? > forest.score(&sketches[0], &mut [])?);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Forest<N, B> {
    settings: ForestSettings,
    nodes: N,
    /// First as many numbers as a sample has rows, which hold the numbers of these rows
    /// while trees are grown; then the rows that are kept.
    buffer: B,
    /// What the rows are sketches of.
    id: Option<SketchId>,
    /// Rows kept.
    observed: usize,
    fitted: Option<Fitted>,
}

/// What the trees were grown on.
#[derive(Clone, Copy, Debug)]
struct Fitted {
    id: SketchId,
    /// ψ.
    sample: u32,
}

impl<const N: usize, const F: usize> Forest<[Node; N], [f32; F]> {
    /// A forest without rows or trees, in arrays of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Forest::new).
    pub const fn owned(settings: ForestSettings) -> Result<Self, Error> {
        match settings.check(N, F) {
            Ok(()) => Ok(Self::over(settings, [Node::EMPTY; N], [0.0; F])),
            Err(error) => Err(error),
        }
    }
}

impl<N, B> Forest<N, B> {
    const fn over(settings: ForestSettings, nodes: N, buffer: B) -> Self {
        Self { settings, nodes, buffer, id: None, observed: 0, fitted: None }
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> ForestSettings {
        self.settings
    }
}

impl<N: Buffer<Node>, B: Buffer<f32>> Forest<N, B> {
    /// A forest without rows or trees.
    ///
    /// # Errors
    /// [`Error::Setting`] if there are to be no trees or no rows a tree;
    /// [`Error::Width`] without a width; [`Error::Length`] if the buffers are not as long
    /// as [`ForestSettings::memory`] says.
    pub fn new(settings: ForestSettings, nodes: N, buffer: B) -> Result<Self, Error> {
        settings.check(nodes.as_ref().len(), buffer.as_ref().len())?;
        Ok(Self::over(settings, nodes, buffer))
    }

    /// Grows the trees on the n sketches of `rows`, n×K, row by row, instead of those
    /// that were observed; an earlier fit is forgotten.
    ///
    /// # Errors
    /// [`Error::Length`] if `id` has another width or `rows` is not whole rows;
    /// [`Error::TooFew`] without rows; [`Error::Setting`] if there are 2³² rows or more,
    /// or as many columns; [`Error::NonFinite`]. The forest is as it was.
    pub fn grow(&mut self, id: SketchId, rows: &[f32]) -> Result<(), Error> {
        check_length(self.settings.width, id.width)?;
        let table = Table::new(id.width, rows)?;
        let (sample, _) = split(self.settings.sample, self.buffer.as_mut());
        self.fitted = Some(grow_all(self.settings, self.nodes.as_mut(), sample, table, id));
        Ok(())
    }

    /// The score of one row of K numbers, in (0, 1]; larger is more anomalous. About ½
    /// for all rows if none stands out.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`]; [`Error::NonFinite`].
    pub fn score_row(&self, row: &[f32]) -> Result<f64, Error> {
        let fitted = self.fitted.ok_or(Error::NotFitted)?;
        check_length(fitted.id.width, row.len())?;
        if !row.iter().all(|value| value.is_finite()) {
            return Err(Error::NonFinite);
        }
        let mut paths = 0.0;
        for tree in self.nodes.as_ref().chunks_exact(self.settings.stride().max(1)) {
            paths += f64::from(path_length(tree, row));
        }
        let ordinary = f64::from(self.settings.trees) * average_path_length(fitted.sample);
        // A forest of one row has no paths; scikit-learn gives every point one half, too.
        let ratio = if ordinary > 0.0 { paths / ordinary } else { 1.0 };
        Ok(libm::exp2(-ratio))
    }
}

impl<N: Buffer<Node>, B: Buffer<f32>> Detector for Forest<N, B> {
    /// Keeps a sketch to grow on.
    fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.settings.width, sketch.values.len())?;
        sketch.check_finite()?;
        if let Some(id) = self.id {
            id.check(&sketch.id)?;
        }
        self.keep(sketch.values)?;
        self.id = Some(sketch.id);
        Ok(())
    }

    /// Grows the trees on the sketches that were observed; an earlier fit is forgotten.
    ///
    /// # Errors
    /// [`Error::TooFew`] without any; [`Error::Setting`] if there are 2³² or more, or as
    /// many numbers in each. The forest is as it was.
    fn fit(&mut self) -> Result<(), Error> {
        let id = self.id.ok_or(Error::TooFew { needed: 1, found: 0 })?;
        let (sample, rows) = split(self.settings.sample, self.buffer.as_mut());
        let kept = self.observed.saturating_mul(id.width);
        let table = Table::new(id.width, rows.get(..kept).certain())?;
        self.fitted = Some(grow_all(self.settings, self.nodes.as_mut(), sample, table, id));
        Ok(())
    }

    fn score(&self, sketch: &Sketch<'_>, _scratch: &mut [f32]) -> Result<f64, Error> {
        sketch.check_finite()?;
        self.fitted.ok_or(Error::NotFitted)?.id.check(&sketch.id)?;
        self.score_row(sketch.values)
    }

    /// Keeps all sketches that `other` keeps.
    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        check_length(self.settings.width, other.settings.width)?;
        if let (Some(id), Some(theirs)) = (self.id, other.id) {
            id.check(&theirs)?;
        }
        if other.observed > self.settings.rows - self.observed {
            return Err(Error::Full { capacity: self.settings.rows });
        }
        let rows = other.buffer.as_ref().get(other.settings.sample as usize..).certain();
        for row in rows.chunks(self.settings.width.max(1)).take(other.observed) {
            self.keep(row)?;
        }
        self.id = self.id.or(other.id);
        Ok(())
    }

    fn reset(&mut self) {
        (self.id, self.observed, self.fitted) = (None, 0, None);
    }
}

impl<N, B: Buffer<f32>> Forest<N, B> {
    /// Keeps a row of K numbers.
    fn keep(&mut self, row: &[f32]) -> Result<(), Error> {
        if self.observed >= self.settings.rows {
            return Err(Error::Full { capacity: self.settings.rows });
        }
        let (_, rows) = split(self.settings.sample, self.buffer.as_mut());
        let place = rows.chunks_mut(row.len().max(1)).nth(self.observed).certain();
        place.iter_mut().zip(row).for_each(|(to, &from)| *to = from);
        self.observed += 1;
        Ok(())
    }
}

/// The two parts of a forest's buffer: room for the numbers of a sample's rows, and the
/// rows that are kept.
fn split(sample: u32, buffer: &mut [f32]) -> (&mut [u32], &mut [f32]) {
    let (numbers, rows) = buffer.split_at_mut_checked(sample as usize).certain();
    (bytemuck::must_cast_slice_mut(numbers), rows)
}

/// Grows all trees.
fn grow_all(
    settings: ForestSettings,
    nodes: &mut [Node],
    numbers: &mut [u32],
    table: Table<'_>,
    id: SketchId,
) -> Fitted {
    let sample = settings.sample.min(table.rows);
    let numbers = numbers.get_mut(..sample as usize).certain();
    for (index, tree) in nodes.chunks_exact_mut(settings.stride().max(1)).enumerate() {
        let mut draws = Draws::new(settings.seed, index as u64);
        draws.rows(table.rows, numbers);
        grow(tree, numbers, table, &mut draws, depth_cap(sample));
    }
    Fitted { id, sample }
}

impl<N: Buffer<Node>, B: Buffer<f32>> State for Forest<N, B> {
    const KIND: StateKind = StateKind::Forest;

    fn sketch_id(&self) -> Option<SketchId> {
        self.fitted.map(|fitted| fitted.id)
    }
}

impl<N: Buffer<Node>, B: Buffer<f32>> Body for Forest<N, B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let ForestSettings { trees, sample, seed, width, .. } = walk.state().settings;
        walk.setting(trees)?;
        walk.setting(sample)?;
        walk.setting(seed)?;
        let grown_on = walk.value(walk.state().fitted.map_or(0, |fitted| fitted.sample))?;
        walk.zeros(4)?;
        walk.require(grown_on <= sample && walk.id().is_some() == (grown_on > 0), Error::Corrupt)?;
        walk.require(walk.id().is_none_or(|id| id.width == width), Error::Mismatch(Field::Width))?;
        let fitted = walk.id().filter(|_| grown_on > 0).map(|id| Fitted { id, sample: grown_on });
        // The rows stay where they were grown on.
        walk.load_with(|forest| (forest.id, forest.observed, forest.fitted) = (None, 0, fitted));
        if fitted.is_none() {
            return Ok(());
        }
        let nodes = walk.state().nodes.as_ref().len();
        walk.records(slice!(nodes), 0..nodes, |cursor, node: &mut Node| {
            cursor.number(&mut node.value)?;
            cursor.number(&mut node.feature)?;
            cursor.number(&mut node.left)
        })
    }
}

/// The rows that a forest is grown on.
#[derive(Clone, Copy)]
struct Table<'a> {
    values: &'a [f32],
    width: usize,
    rows: u32,
    columns: u32,
}

impl<'a> Table<'a> {
    fn new(width: usize, values: &'a [f32]) -> Result<Self, Error> {
        let rows = values.len().checked_div(width).ok_or(Error::Width { multiple: 1, found: width })?;
        check_length(rows * width, values.len())?;
        if rows == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::NonFinite);
        }
        let (Ok(rows), Ok(columns)) = (u32::try_from(rows), u32::try_from(width)) else {
            return Err(Error::Setting { name: "rows, columns", expected: "fewer than 2³² of each" });
        };
        Ok(Self { values, width, rows, columns })
    }

    fn value(self, row: u32, column: u32) -> f32 {
        self.values.get(row as usize * self.width + column as usize).copied().certain()
    }

    /// Least and greatest value of a column over some rows.
    fn range(self, rows: &[u32], column: u32) -> (f32, f32) {
        rows.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(least, greatest), &row| {
            let value = self.value(row, column);
            (if value < least { value } else { least }, if value > greatest { value } else { greatest })
        })
    }

    /// Whether a column is not constant over some rows.
    fn varies(self, rows: &[u32], column: u32) -> bool {
        let Some((&first, rest)) = rows.split_first() else {
            cannot_happen!("a node that is split has two rows at least");
            return false;
        };
        let first = self.value(first, column);
        rest.iter().any(|&row| self.value(row, column) != first)
    }
}

/// A column and a place to cut it.
#[derive(Clone, Copy)]
struct Split {
    column: u32,
    threshold: f32,
}

/// The draws of one tree.
struct Draws {
    key: u64,
    counter: u64,
}

/// Separates the forest's draws from every other use of the hash.
const STREAM: u64 = 0x464F_5245_5354_0000;

/// Columns drawn blindly before all of them are looked at.
const ATTEMPTS: u32 = 8;

impl Draws {
    fn new(seed: u64, tree: u64) -> Self {
        Self { key: hash::word(hash::key(seed, STREAM), tree), counter: 0 }
    }

    fn word(&mut self) -> u64 {
        let word = hash::word(self.key, self.counter);
        self.counter += 1;
        word
    }

    /// A uniform number below `below`; no value's probability is off by more than 2⁻³².
    fn below(&mut self, below: u32) -> u32 {
        hash::below(self.word() >> 32, 32, u64::from(below)) as u32
    }

    /// A uniform number in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// As many of `0..rows` as fit in `into`, each subset as likely as any other (Floyd's
    /// algorithm; Bentley 1987).
    fn rows(&mut self, rows: u32, into: &mut [u32]) {
        let first = rows.saturating_sub(into.len() as u32);
        for (index, last) in (first..rows).enumerate() {
            let drawn = self.below(last.saturating_add(1));
            let Some((before, [place, ..])) = into.split_at_mut_checked(index) else {
                cannot_happen!("at most as many are drawn as there is room for");
                return;
            };
            *place = if before.contains(&drawn) { last } else { drawn };
        }
    }

    /// A column drawn uniformly among those that vary over `rows`, with its range; `None`
    /// if all rows are equal.
    ///
    /// Drawing until a column varies is uniform among those that do, and so is choosing
    /// one of them outright; giving up the first for the second after some attempts
    /// therefore is uniform, too. The first is O(m), the second O(m·K).
    fn column(&mut self, table: Table<'_>, rows: &[u32]) -> Option<(u32, f32, f32)> {
        for _ in 0..ATTEMPTS {
            let column = self.below(table.columns);
            let (least, greatest) = table.range(rows, column);
            if least < greatest {
                return Some((column, least, greatest));
            }
        }
        let varying = || (0..table.columns).filter(|&column| table.varies(rows, column));
        let count = varying().count() as u32;
        let column = varying().nth(self.below(count) as usize)?;
        let (least, greatest) = table.range(rows, column);
        Some((column, least, greatest))
    }

    fn split(&mut self, table: Table<'_>, rows: &[u32]) -> Option<Split> {
        let (column, least, greatest) = self.column(table, rows)?;
        let (low, high) = (f64::from(least), f64::from(greatest));
        let threshold = (low + self.unit() * (high - low)) as f32;
        // Rounding may reach the greatest value, and then all rows would go left.
        let threshold = if threshold < greatest { threshold } else { least };
        Some(Split { column, threshold })
    }
}

/// Grows a tree on the rows `samples`, level by level. `tree` serves as the queue, too: a
/// node that waits holds the bounds of its part of `samples` in `feature` and `left`.
fn grow(tree: &mut [Node], samples: &mut [u32], table: Table<'_>, draws: &mut Draws, depth_cap: u32) {
    let waiting = |start: usize, end: usize| Node { value: 0.0, feature: start as u32, left: end as u32 };
    put(tree, 0, waiting(0, samples.len()));
    let (mut depth, mut level_end) = (0, 1);
    let mut used = 1;
    let mut next = 0;
    while next < used {
        if next == level_end {
            depth += 1;
            level_end = used;
        }
        let Node { feature: start, left: end, .. } = tree.get(next).copied().certain();
        let (start, end) = (start as usize, end as usize);
        let rows = samples.get_mut(start..end).certain();
        let split = if depth < depth_cap && rows.len() > 1 { draws.split(table, rows) } else { None };
        let node = match split {
            Some(split) => {
                let middle = start + partition(rows, table, split);
                for (child, (start, end)) in [(used, (start, middle)), (used + 1, (middle, end))] {
                    put(tree, child, waiting(start, end));
                }
                used += 2;
                Node { value: split.threshold, feature: split.column, left: (used - 2) as u32 }
            }
            None => {
                let value = f64::from(depth) + average_path_length(rows.len() as u32);
                Node { value: value as f32, feature: 0, left: 0 }
            }
        };
        put(tree, next, node);
        next += 1;
    }
}

/// Puts a node in its place: a tree has room for as many as its sample needs.
fn put(tree: &mut [Node], index: usize, node: Node) {
    cannot_happen!(index >= tree.len(), "a tree of one leaf a row has at most 2·sample − 1 nodes");
    if let Some(place) = tree.get_mut(index) {
        *place = node;
    }
}

/// Brings the rows that go left to the front and counts them.
fn partition(rows: &mut [u32], table: Table<'_>, split: Split) -> usize {
    let rows = Cell::from_mut(rows).as_slice_of_cells();
    let mut left = 0;
    for row in rows {
        if table.value(row.get(), split.column) <= split.threshold
            && let Some(place) = rows.get(left)
        {
            let passed = place.replace(row.get());
            row.set(passed);
            left += 1;
        }
    }
    left
}

/// The length of a row's path through a tree.
fn path_length(tree: &[Node], row: &[f32]) -> f32 {
    let mut index = 0;
    // A path visits no node twice: the bound only tells that it ends. Nodes that were
    // read from bytes may lead anywhere.
    for _ in tree {
        let Some(node) = tree.get(index) else { break };
        if node.left == 0 {
            return node.value;
        }
        let goes_right = row.get(node.feature as usize).is_some_and(|&value| value > node.value);
        index = node.left as usize + usize::from(goes_right);
    }
    0.0
}

/// c(m): the average path length of an unsuccessful search in a binary search tree of m
/// points.
fn average_path_length(points: u32) -> f64 {
    const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;
    match points {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let (m, before) = (f64::from(points), f64::from(points - 1));
            2.0 * (libm::log(before) + EULER_GAMMA) - 2.0 * before / m
        }
    }
}

/// ⌈log₂ψ⌉, and 1 for a single row.
const fn depth_cap(sample: u32) -> u32 {
    if sample < 2 { 1 } else { u32::BITS - (sample - 1).leading_zeros() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_path_lengths_are_those_of_the_formula() {
        // scikit-learn's `_average_path_length`.
        let published = [
            (0, 0.0),
            (1, 0.0),
            (2, 1.0),
            (3, 1.207_392_357_589_623),
            (5, 2.327_020_052_042_847),
            (256, 10.244_770_920_119_918),
            (999, 12.967_939_884_427_995),
        ];
        for (points, expected) in published {
            assert!((average_path_length(points) - expected).abs() < 1e-12, "c({points})");
        }
    }

    #[test]
    fn the_depth_cap_is_the_logarithm_rounded_up() {
        for (sample, cap) in
            [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (255, 8), (256, 8), (257, 9), (u32::MAX, 32)]
        {
            assert_eq!(depth_cap(sample), cap, "of {sample}");
        }
    }

    #[test]
    fn paths_go_left_at_the_threshold_and_end_with_the_leaf_s_length() {
        //        x₁ ≤ 2
        //       /      \
        //   leaf 1    x₀ ≤ −1
        //             /     \
        //          leaf 2  leaf 3
        let leaf = |value| Node { value, feature: 0, left: 0 };
        let tree = [
            Node { value: 2.0, feature: 1, left: 1 },
            leaf(1.0),
            Node { value: -1.0, feature: 0, left: 3 },
            leaf(2.0),
            leaf(3.5),
        ];
        assert_eq!(path_length(&tree, &[0.0, 2.0]), 1.0);
        assert_eq!(path_length(&tree, &[-1.0, 2.5]), 2.0);
        assert_eq!(path_length(&tree, &[-0.5, 2.5]), 3.5);
    }

    #[test]
    fn a_tree_on_two_rows_splits_once_between_them() {
        let mut tree = [Node::EMPTY; 3];
        // Also between neighbours, where every threshold but the lower one rounds away.
        for greatest in [4.0, 1.0_f32.next_up()] {
            let values = [1.0, greatest];
            let table = Table::new(1, &values).unwrap();
            for seed in 0..100 {
                let mut rows = [0, 1];
                grow(&mut tree, &mut rows, table, &mut Draws::new(seed, 0), depth_cap(2));
                let [root, left, right] = tree;
                assert!(root.left == 1 && 1.0 <= root.value && root.value < greatest);
                assert_eq!([left.value, right.value], [1.0, 1.0]);
                assert_eq!(rows, [0, 1]);
            }
        }
    }

    #[test]
    fn a_sample_is_distinct_rows_and_every_row_is_as_likely() {
        let mut counts = [0_u32; 10];
        for tree in 0..10_000 {
            let mut rows = [u32::MAX; 4];
            Draws::new(3, tree).rows(10, &mut rows);
            for (index, &row) in rows.iter().enumerate() {
                assert!(row < 10 && !rows[..index].contains(&row));
                counts[row as usize] += 1;
            }
        }
        // Mean 4,000, standard deviation 49: five of them, for ten rows, false alarm
        // below 10⁻⁵.
        assert!(counts.iter().all(|count| count.abs_diff(4_000) < 245), "{counts:?}");
    }

    #[test]
    fn columns_that_vary_are_drawn_alike_however_few_they_are() {
        // 40 columns of which 3 vary: most draws end in the exact scan, some before it.
        let varying = [0, 17, 39];
        let mut values = [1.0_f32; 80];
        for column in varying {
            values[40 + column] = 2.0;
        }
        let table = Table::new(40, &values).unwrap();
        let mut counts = [0_u32; 3];
        let mut draws = Draws::new(5, 0);
        for _ in 0..9_000 {
            let (column, ..) = draws.column(table, &[0, 1]).unwrap();
            counts[varying.iter().position(|&varying| varying == column as usize).unwrap()] += 1;
        }
        // Mean 3,000, standard deviation 45.
        assert!(counts.iter().all(|count| count.abs_diff(3_000) < 225), "{counts:?}");
    }
}
