//! Gradients on the coordinates of largest moment in the eigenbases of their layers'
//! factors: what a linear projection keeps if it may look at the training data on both
//! sides of a layer.
//!
//! A linear layer's gradient is G = b aᵀ. With the eigenvectors of Σ a aᵀ in the rows of
//! Q_A and those of Σ b bᵀ in the rows of Q_B, entry (i, j) of Q_B G Q_Aᵀ is (Q_B b)_i
//! times (Q_A a)_j. Its moment Λ_ij = Σ (Q_B b)_i² (Q_A a)_j² is the corrected eigenvalue
//! of EK-FAC (George et al. 2018, arXiv 1806.03884). Kept are the K entries of largest
//! moment, of all layers together: a list of pairs, and no rectangle of directions. A
//! bias is one more input, which is 1.
//!
//! Three passes: [`EigenFit`] takes the factors, [`EigenMoments`] takes them again, and
//! [`EigenCoordinates`] projects. Sums are in `f64` and in the order of the samples.
//!
//! *Memory*, I inputs and O outputs a layer: I² + O² of `f64` in the first pass, and I·O
//! more in the second; then the directions that a pair has, at most min(K, I)·I +
//! min(K, O)·O. *Cost*: I² + O² a sample in the first pass, I² + O² + I·O in the second,
//! the eigenvectors once; then r·I + s·O + K a gradient from its factors, with r and s
//! the directions that are left, and r·O·I + K·O written out.

use nalgebra::{DMatrix, DVector};

use super::directions::leading_directions;

/// Moments below this share of the largest are rounding, not gradients.
const LEAST_MOMENT: f64 = 1e-12;

/// The first pass: Σ a aᵀ and Σ b bᵀ of every layer.
///
/// ```
/// use gradsieve_harness::truth::EigenFit;
///
/// // A layer of one output and two inputs; what comes in lies along (3, 4).
/// let samples = [([3.0, 4.0], [0.5]), ([6.0, 8.0], [-1.0])];
/// let mut fit = EigenFit::new(&[(1, 2)]);
/// samples.iter().for_each(|(a, b)| fit.observe(0, a, b));
/// let mut moments = fit.bases();
/// samples.iter().for_each(|(a, b)| moments.observe(0, a, b));
/// let kept = moments.largest(2);
/// assert_eq!(kept.width(), 1); // The other coordinate is 0 in each sample.
/// let mut sketch = [0.0];
/// kept.outer(0, &samples[0].0, &samples[0].1, &mut sketch);
/// assert!((sketch[0].abs() - 2.5).abs() < 1e-6);
/// ```
#[derive(Clone, Debug)]
pub struct EigenFit {
    layers: Vec<[DMatrix<f64>; 2]>,
}

impl EigenFit {
    /// Of layers with so many (outputs, inputs), a bias being one more input.
    #[must_use]
    pub fn new(shapes: &[(usize, usize)]) -> Self {
        let zeros = |&(outputs, inputs): &(usize, usize)| [inputs, outputs].map(|n| DMatrix::zeros(n, n));
        Self { layers: shapes.iter().map(zeros).collect() }
    }

    /// Adds a sample's factors of layer `layer`: `a` what went in, `b` the gradient of
    /// what came out. A layer that there is not, and factors of other lengths, are a
    /// mistake of the caller.
    ///
    /// # Panics
    /// On either.
    pub fn observe(&mut self, layer: usize, a: &[f32], b: &[f32]) {
        for (sum, side) in self.layers[layer].iter_mut().zip([a, b]) {
            let side = wide(side);
            sum.ger(1.0, &side, &side, 1.0);
        }
    }

    /// The eigenvectors.
    #[must_use]
    pub fn bases(self) -> EigenMoments {
        let layers = self.layers.into_iter().map(|sides| {
            let [a, b] = sides.map(|sum| {
                let count = sum.nrows();
                leading_directions(sum, count)
            });
            Basis { moments: DMatrix::zeros(b.nrows(), a.nrows()), a, b }
        });
        EigenMoments { layers: layers.collect() }
    }
}

/// Directions of both sides in rows, largest eigenvalue first, and Λ.
#[derive(Clone, Debug)]
struct Basis {
    a: DMatrix<f64>,
    b: DMatrix<f64>,
    moments: DMatrix<f64>,
}

/// The second pass: the moment of each coordinate in the eigenbases.
#[derive(Clone, Debug)]
pub struct EigenMoments {
    layers: Vec<Basis>,
}

impl EigenMoments {
    /// Adds a sample's factors of layer `layer`, the same samples as before.
    ///
    /// # Panics
    /// As [`EigenFit::observe`].
    pub fn observe(&mut self, layer: usize, a: &[f32], b: &[f32]) {
        let basis = &mut self.layers[layer];
        let [a, b] = [(&basis.a, a), (&basis.b, b)].map(|(directions, side)| {
            let along = directions * wide(side);
            along.component_mul(&along)
        });
        basis.moments.ger(1.0, &b, &a, 1.0);
    }

    /// The `count` coordinates of largest moment; fewer where gradients reach fewer: a
    /// coordinate that is 0 in all of them adds nothing to any dot product with one. Of
    /// equal moments the first is taken.
    #[must_use]
    pub fn largest(self, count: usize) -> EigenCoordinates {
        let mut all: Vec<(f64, usize, usize, usize)> = Vec::new();
        for (layer, basis) in self.layers.iter().enumerate() {
            let (outputs, inputs) = basis.moments.shape();
            let entries = (0..outputs).flat_map(|i| (0..inputs).map(move |j| (i, j)));
            all.extend(entries.map(|(i, j)| (basis.moments[(i, j)], layer, i, j)));
        }
        all.sort_by(|x, y| y.0.total_cmp(&x.0));
        all.truncate(count);
        let least = all.first().map_or(0.0, |largest| largest.0 * LEAST_MOMENT);
        all.retain(|entry| entry.0 > least);
        let layers = self.layers.into_iter().enumerate().map(|(layer, basis)| {
            let mut pairs: Vec<(usize, usize)> =
                all.iter().filter(|entry| entry.1 == layer).map(|&(_, _, i, j)| (i, j)).collect();
            pairs.sort_unstable();
            let rows = |side: fn(&(usize, usize)) -> usize| pairs.iter().map(side).max().map_or(0, |r| r + 1);
            let (s, r) = (rows(|pair| pair.0), rows(|pair| pair.1));
            let (a, b) = (basis.a.rows(0, r).into_owned(), basis.b.rows(0, s).into_owned());
            Chosen { a, b, pairs }
        });
        EigenCoordinates { layers: layers.collect() }
    }
}

/// The pairs of a layer that are kept, in rising order, and the directions that they
/// need.
#[derive(Clone, Debug)]
struct Chosen {
    a: DMatrix<f64>,
    b: DMatrix<f64>,
    pairs: Vec<(usize, usize)>,
}

/// The projection: layer after layer, the coordinates that are kept.
#[derive(Clone, Debug)]
pub struct EigenCoordinates {
    layers: Vec<Chosen>,
}

impl EigenCoordinates {
    /// K, the numbers that are kept of a gradient.
    #[must_use]
    pub fn width(&self) -> usize {
        self.layers.iter().map(|layer| layer.pairs.len()).sum()
    }

    /// How many numbers of it are layer `layer`'s.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    pub fn width_of(&self, layer: usize) -> usize {
        self.layers[layer].pairs.len()
    }

    /// Bytes of the directions and pairs.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(|l| 8 * (l.a.len() + l.b.len()) + size_of_val(&l.pairs[..])).sum()
    }

    /// What is kept of b aᵀ, added to the numbers of layer `layer` in `to`, K of them.
    ///
    /// # Panics
    /// As [`EigenFit::observe`], and if `to` is shorter.
    pub fn outer(&self, layer: usize, a: &[f32], b: &[f32], to: &mut [f32]) {
        let chosen = &self.layers[layer];
        let (a, b) = (&chosen.a * wide(a), &chosen.b * wide(b));
        let values = chosen.pairs.iter().map(|&(i, j)| b[i] * a[j]);
        self.place(layer, to).iter_mut().zip(values).for_each(|(to, value)| *to += value as f32);
    }

    /// The same of a layer's gradient that is written out: entry (output, input) is
    /// `entry(output, input)`.
    ///
    /// # Panics
    /// As [`outer`](Self::outer).
    pub fn matrix(&self, layer: usize, entry: impl Fn(usize, usize) -> f32, to: &mut [f32]) {
        let chosen = &self.layers[layer];
        let (outputs, inputs) = (chosen.b.ncols(), chosen.a.ncols());
        let transposed = DMatrix::from_fn(inputs, outputs, |input, output| f64::from(entry(output, input)));
        // r × outputs, and the same seen from the other side: a column a direction.
        let along = (&chosen.a * transposed).transpose();
        let directions = chosen.b.transpose();
        let values = chosen.pairs.iter().map(|&(i, j)| directions.column(i).dot(&along.column(j)));
        self.place(layer, to).iter_mut().zip(values).for_each(|(to, value)| *to += value as f32);
    }

    fn place<'t>(&self, layer: usize, to: &'t mut [f32]) -> &'t mut [f32] {
        let start = self.layers[..layer].iter().map(|layer| layer.pairs.len()).sum();
        &mut to[start..][..self.layers[layer].pairs.len()]
    }
}

fn wide(side: &[f32]) -> DVector<f64> {
    DVector::from_iterator(side.len(), side.iter().map(|&x| f64::from(x)))
}
