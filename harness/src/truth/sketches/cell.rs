//! The figures of one projection and width, codec by codec.

use gradsieve::budget::relative_error;
use gradsieve::store::Codec;
use gradsieve_kernels::matrix::product;

use super::super::correlation::mean_pearson;
use super::super::error::{TruthError, core};
use super::super::evidence::Rows;
use super::projections::{PROJECTIONS, Sketching};
use super::solve::solve;
use super::stored::{own_scores, read_back, scores, store_of};
use crate::data::Dataset;
use crate::measures::{auroc, mid_ranks};
use crate::model::Mlp;

/// Figures of a codec: dot and its slope, ridge in two ways, three ways to
/// self-influence, the error of inner products, and what the model of
/// [`gradsieve::budget`] expects.
pub(super) const FIGURES: usize = 9;

/// What sketches are held against.
pub(super) struct Reference<'a> {
    model: &'a Mlp,
    train: &'a Dataset,
    test: &'a Dataset,
    flipped: &'a [bool],
    /// ⟨∇ℓ_z, ∇ℓ_v⟩.
    dots: Pairs,
    /// ∇ℓ_zᵀ(C + λI)⁻¹∇ℓ_v.
    ridge: Pairs,
    /// ‖∇ℓ_z‖‖∇ℓ_v‖, test sample after test sample.
    norms: Vec<f64>,
}

/// A figure for each two samples, test sample after test sample, and each one's rank
/// among the training samples.
struct Pairs {
    values: Vec<f64>,
    ranks: Vec<f64>,
    samples: usize,
}

impl Pairs {
    fn new(values: Vec<f64>, samples: usize) -> Result<Self, TruthError> {
        let ranks: Result<Vec<_>, _> = values.chunks_exact(samples).map(mid_ranks).collect();
        Ok(Self { values, ranks: ranks?.concat(), samples })
    }

    /// Spearman's correlation with `scores` over the training samples, mean over the test
    /// samples. (It is Pearson's of the ranks, which are made but once.)
    fn spearman(&self, scores: &[f64]) -> Result<f64, TruthError> {
        let mut ranks = Vec::with_capacity(scores.len());
        for scores in scores.chunks_exact(self.samples) {
            ranks.extend(mid_ranks(scores)?);
        }
        mean_pearson(&ranks, &self.ranks, self.samples)
    }

    /// The least-squares slope of `scores` on the figures over the training samples, mean
    /// over the test samples: 1 of scores without bias. Test samples of which all figures
    /// are alike have none, and do not count.
    fn slope(&self, scores: &[f64]) -> f64 {
        let of_target = |(x, y): (&[f64], &[f64])| {
            let mean = x.iter().sum::<f64>() / x.len() as f64;
            let sum = |of: &[f64]| x.iter().zip(of).map(|(x, y)| (x - mean) * y).sum::<f64>();
            let squares = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
            (squares > 0.0).then(|| sum(y) / squares)
        };
        let targets = self.values.chunks_exact(self.samples).zip(scores.chunks_exact(self.samples));
        let slopes: Vec<f64> = targets.filter_map(of_target).collect();
        slopes.iter().sum::<f64>() / slopes.len() as f64
    }
}

impl<'a> Reference<'a> {
    pub(super) fn new(
        model: &'a Mlp,
        train: &'a Dataset,
        test: &'a Dataset,
        flipped: &'a [bool],
    ) -> Result<Self, TruthError> {
        let made = PROJECTIONS[0].of(model, 0, 0)?;
        let Some(exact) = made else {
            return Err(core("the gradients")(gradsieve::Error::Setting {
                name: "gradients",
                expected: "some",
            }));
        };
        let (rows, targets) = (exact.rows(model, train)?, exact.rows(model, test)?);
        let norm = |i: usize, rows: &Rows| libm::sqrt(rows.measures[i].l2_squared);
        let pairs = 0..rows.len() * targets.len();
        let n = rows.len();
        Ok(Self {
            model,
            train,
            test,
            flipped,
            dots: Pairs::new(products(&targets.values, &rows)?, n)?,
            ridge: Pairs::new(products(&solve(&rows, &targets.values)?, &rows)?, n)?,
            norms: pairs.map(|at| norm(at / n, &targets) * norm(at % n, &rows)).collect(),
        })
    }
}

/// ⟨row, query⟩ of all rows, query after query.
fn products(queries: &[f32], rows: &Rows) -> Result<Vec<f64>, TruthError> {
    let mut out = vec![0.0; queries.len() / rows.width() * rows.len()];
    product(rows.width(), queries, &rows.values, &mut out)
        .map_err(|error| core("dot products")(error.into()))?;
    Ok(out.into_iter().map(f64::from).collect())
}

/// [`FIGURES`] for each codec.
pub(super) fn figures(
    reference: &Reference<'_>,
    projection: &Sketching,
    dim: usize,
    seed: u64,
) -> Result<Vec<f64>, TruthError> {
    let Some(made) = projection.of(reference.model, dim, seed)? else { return Ok(Vec::new()) };
    let rows = made.rows(reference.model, reference.train)?;
    let targets = made.rows(reference.model, reference.test)?;
    let solutions = solve(&rows, &[&rows.values[..], &targets.values].concat())?;
    let (own, of_targets) = solutions.split_at(rows.values.len());
    let exact = made.width() == reference.model.parameters().len();
    let mut all = Vec::with_capacity(Codec::ALL.len() * FIGURES);
    for codec in Codec::ALL {
        let store = &store_of(codec, &rows)?;
        let dots = scores(store, &rows, &targets.values)?;
        let ridge = scores(store, &rows, of_targets)?;
        let one = own_scores(store, &rows, own)?;
        let one = auroc(&one, reference.flipped)?;
        // In f32 a row that is read back is the row, and all three ways are one.
        let (two, three) = if codec == Codec::F32 {
            (one, one)
        } else if rows.width() > rows.len() {
            (f64::NAN, f64::NAN)
        } else {
            let back = read_back(store, &rows)?;
            let solutions = solve(&back, &[&rows.values[..], &back.values].concat())?;
            let (of_sketches, of_rows) = solutions.split_at(rows.values.len());
            let two = own_scores(store, &rows, of_sketches)?;
            (auroc(&two, reference.flipped)?, auroc(&own_products(of_rows, &back)?, reference.flipped)?)
        };
        // Codecs that lose nothing that is seen have no need of a second solution.
        let ridge_of_rows = if matches!(codec, Codec::FourBits | Codec::TwoBits | Codec::OneBit) {
            let solved = solve(&read_back(store, &rows)?, &targets.values)?;
            reference.ridge.spearman(&scores(store, &rows, &solved)?)?
        } else {
            f64::NAN
        };
        let (error, expected) = errors(reference, codec, made.width(), exact, &dots);
        all.extend([
            reference.dots.spearman(&dots)?,
            reference.dots.slope(&dots),
            reference.ridge.spearman(&ridge)?,
            ridge_of_rows,
            one,
            two,
            three,
            error,
            expected,
        ]);
    }
    Ok(all)
}

/// ⟨row i, query i⟩ of all rows.
fn own_products(queries: &[f32], rows: &Rows) -> Result<Vec<f64>, TruthError> {
    let pairs = queries.chunks_exact(rows.width()).enumerate();
    pairs
        .map(|(i, query)| {
            gradsieve_kernels::dot(query, rows.row(i)).map_err(|error| core("dot products")(error.into()))
        })
        .collect()
}

/// The error of a score as an estimate of an inner product, over the product of the
/// norms: root mean square over all pairs, as it is and as the chooser's model expects it
/// of pairs of those cosines.
fn errors(reference: &Reference<'_>, codec: Codec, width: usize, exact: bool, dots: &[f64]) -> (f64, f64) {
    let (mut found, mut expected, mut pairs) = (0.0, 0.0, 0.0);
    for ((score, dot), norms) in dots.iter().zip(&reference.dots.values).zip(&reference.norms) {
        if *norms > 0.0 {
            let error = (score - dot) / norms;
            let model = relative_error(codec, width, exact, dot / norms);
            found += error * error;
            expected += model * model;
            pairs += 1.0;
        }
    }
    (libm::sqrt(found / pairs), libm::sqrt(expected / pairs))
}
