//! Claims about ghost products.

use crate::source::normals;
use gradsieve::ghost::{self, LayerGradient, Route};
use gradsieve::{Error, Layer, Sequence, f16};
use proptest::prelude::*;

/// A linear layer's gradient over some positions, and the same in `f64`, formed; then
/// every term's magnitude in place of the term.
struct Sample {
    positions: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    formed: Vec<f64>,
    magnitudes: Vec<f64>,
}

impl Sample {
    fn new(layer: &Layer, positions: usize, seed: u64) -> Self {
        let (outputs, inputs) = (layer.outputs as usize, layer.inputs as usize);
        let (a, b) = (normals(seed, positions * inputs), normals(!seed, positions * outputs));
        let form = |f: fn(f64) -> f64| {
            let mut formed = vec![0.0; outputs * inputs];
            for (a, b) in a.chunks(inputs).zip(b.chunks(outputs)) {
                for (row, b) in formed.chunks_mut(inputs).zip(b) {
                    for (entry, a) in row.iter_mut().zip(a) {
                        *entry += f(f64::from(*a) * f64::from(*b));
                    }
                }
            }
            formed
        };
        let (formed, magnitudes) = (form(|x| x), form(f64::abs));
        Self { positions, a, b, formed, magnitudes }
    }

    fn gradient(&self, layer: &Layer) -> LayerGradient<'_, f32> {
        LayerGradient::Linear(Sequence::new(layer, self.positions, &self.a, &self.b).unwrap())
    }

    /// ⟨self, other⟩ and how far from it the documentation lets an answer be.
    fn exact(&self, other: &Self) -> (f64, f64) {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let parts = 142.0 + (self.positions + other.positions) as f64;
        let bound = parts * 2_f64.powi(-24) * dot(&self.magnitudes, &other.magnitudes);
        (dot(&self.formed, &other.formed), 1.001 * bound)
    }
}

fn layer() -> impl Strategy<Value = Layer> {
    (1_u64..40, 1_u64..90).prop_map(|(outputs, inputs)| Layer::new(0, outputs, inputs))
}

proptest! {
    #[test]
    fn a_ghost_dot_is_that_of_the_formed_gradients(seed: u64, layer in layer(), t in 1_usize..9, u in 1_usize..40) {
        let (x, y) = (Sample::new(&layer, t, seed), Sample::new(&layer, u, seed ^ 99));
        let (exact, bound) = x.exact(&y);
        let found = ghost::dot(&[x.gradient(&layer)], &[y.gradient(&layer)]).unwrap();
        prop_assert!((found - exact).abs() <= bound, "{found} for {exact}");
    }

    #[test]
    fn a_ghost_norm_is_that_of_the_formed_gradient(seed: u64, layer in layer(), t in 1_usize..60) {
        let x = Sample::new(&layer, t, seed);
        let (exact, bound) = x.exact(&x);
        let found = ghost::squared_norm(&[x.gradient(&layer)]);
        prop_assert!((found - exact).abs() <= bound, "{found} for {exact}");
    }

    #[test]
    fn the_products_of_two_batches_are_those_of_their_pairs(
        seed: u64, layers in prop::collection::vec(layer(), 1..3), m in 1_usize..5, n in 1_usize..5, t in 1_usize..20,
    ) {
        let samples: Vec<Vec<Sample>> = (0..m + n)
            .map(|i| layers.iter().enumerate().map(|(l, layer)| Sample::new(layer, 1 + (i * t) % 7, seed ^ (8 * i + l) as u64)).collect())
            .collect();
        let biases: Vec<Vec<f32>> = (0..m + n).map(|i| normals(seed.wrapping_add(i as u64), 300)).collect();
        let gradients: Vec<Vec<LayerGradient<'_, f32>>> = samples.iter().zip(&biases)
            .map(|(sample, bias)| {
                let linear = layers.iter().zip(sample).map(|(layer, sample)| sample.gradient(layer));
                linear.chain([LayerGradient::Plain(&bias[..])]).collect()
            })
            .collect();
        let all: Vec<&[LayerGradient<'_, f32>]> = gradients.iter().map(Vec::as_slice).collect();
        let (xs, ys) = all.split_at(m);
        let mut out = vec![f64::NAN; m * n];
        ghost::products(xs, ys, &mut vec![f32::NAN; ghost::memory(m, n).scratch], &mut out).unwrap();
        for (i, x) in xs.iter().enumerate() {
            for (j, y) in ys.iter().enumerate() {
                let pair = ghost::dot(x, y).unwrap();
                let magnitudes: f64 = biases[i].iter().zip(&biases[m + j]).map(|(x, y)| f64::from(x * y).abs()).sum();
                let bounds = samples[i].iter().zip(&samples[m + j]).map(|(x, y)| x.exact(y).1);
                let bound = 2.0 * (bounds.sum::<f64>() + 71.0 * 2_f64.powi(-24) * magnitudes);
                prop_assert!((out[i * n + j] - pair).abs() <= bound, "{} for {pair}", out[i * n + j]);
            }
        }
    }

    #[test]
    fn the_route_is_the_one_with_fewer_products(d in 1_u64..3000, k in 1_u64..3000, t in 1_u64..2000, m in 1_u64..100, n in 1_u64..100) {
        let forms = m * n * t * t * (d + k) >= (m + n) * t * d * k + m * n * d * k;
        let found = Route::of_products(&Layer::new(0, d, k), [m * t, n * t], [m, n]);
        prop_assert_eq!(found == Route::Formed, forms);
    }
}

#[test]
fn one_position_is_never_formed_and_many_are() {
    const LAYER: Layer = Layer::new(0, 1024, 1024);
    const { assert!(matches!(Route::of_products(&LAYER, [1, 1], [1, 1]), Route::Ghost)) };
    assert_eq!(Route::of_norm(&LAYER, 1), Route::Ghost);
    assert_eq!(Route::of_norm(&LAYER, 1023), Route::Ghost);
    assert_eq!(Route::of_norm(&LAYER, 1024), Route::Formed);
    assert_eq!(Route::of_products(&LAYER, [512, 512], [1, 1]), Route::Ghost);
    assert_eq!(Route::of_products(&LAYER, [1025, 1025], [1, 1]), Route::Formed);
    let widest = Layer::new(0, u64::MAX, u64::MAX);
    assert_eq!(Route::of_products(&widest, [u64::MAX; 2], [1, 1]), Route::Formed, "saturates");
}

#[test]
fn a_batch_of_one_has_the_bits_of_a_dot_and_one_position_those_of_its_factors() {
    let layer = Layer::new(0, 30, 70);
    for positions in [1, 3, 50] {
        let (x, y) = (Sample::new(&layer, positions, 1), Sample::new(&layer, positions, 2));
        let (gx, gy) = (x.gradient(&layer), y.gradient(&layer));
        let mut out = [0.0];
        ghost::products(&[&[gx]], &[&[gy]], &mut [0.0; ghost::memory(1, 1).scratch], &mut out).unwrap();
        assert_eq!(out[0], ghost::dot(&[gx], &[gy]).unwrap());
        if positions == 1 {
            let dot = |x: &[f32], y: &[f32]| gradsieve_kernels::dot(x, y).unwrap();
            assert_eq!(out[0], dot(&x.a, &y.a) * dot(&x.b, &y.b));
        }
    }
}

#[test]
fn what_cancels_has_no_negative_norm() {
    let layer = Layer::new(0, 50, 60);
    let (a, b) = (normals(1, 60), normals(2, 50));
    let twice: Vec<f32> = a.iter().chain(&a).copied().collect();
    let nearly: Vec<f32> = b.iter().copied().chain(b.iter().map(|b| -b * (1.0 + 1e-7))).collect();
    let x = Sequence::new(&layer, 2, &twice, &nearly).unwrap();
    let norm = ghost::squared_norm(&[LayerGradient::Linear(x)]);
    assert!((0.0..0.1).contains(&norm), "{norm}");
}

/// Two gradients of small whole numbers, in which every sum is exact, and NumPy's
/// answers.
#[test]
fn numpy_agrees() {
    let text = include_str!("../golden/ghost.csv");
    let row = |name: &str| -> Vec<f32> {
        let line = text.lines().find(|line| line.split(',').next() == Some(name)).unwrap();
        line.split(',').skip(1).map(|value| value.parse().unwrap()).collect()
    };
    for case in ["one", "few", "many"] {
        let [a, b, c, d, sizes, answers] =
            ["a", "b", "c", "d", "sizes", "answers"].map(|name| row(&format!("{case} {name}")));
        let layer = Layer::new(0, sizes[0] as u64, sizes[1] as u64);
        let x = [LayerGradient::Linear(Sequence::new(&layer, sizes[2] as usize, &a, &b).unwrap())];
        let y = [LayerGradient::Linear(Sequence::new(&layer, sizes[3] as usize, &c, &d).unwrap())];
        let found = [ghost::dot(&x, &y).unwrap(), ghost::squared_norm(&x), ghost::squared_norm(&y)];
        assert_eq!(found, [answers[0], answers[1], answers[2]].map(f64::from), "{case}");
    }
}

#[test]
fn wrong_input_is_an_error_and_not_a_panic() {
    let layer = Layer::new(0, 2, 3);
    let (a, b) = ([1.0_f32; 6], [f16::ONE; 4]);
    assert!(matches!(Sequence::new(&layer, 0, &a[..0], &b[..0]), Err(Error::Setting { .. })));
    assert_eq!(Sequence::new(&layer, 1, &a, &b), Err(Error::Length { expected: 3, found: 6 }));
    assert_eq!(Sequence::new(&layer, 2, &a, &b[..3]), Err(Error::Length { expected: 4, found: 3 }));
    assert_eq!(Sequence::new(&Layer::new(0, 0, 3), 2, &a, &b[..0]), Err(Error::Layer { index: 0 }));
    let x = LayerGradient::Linear(Sequence::new(&layer, 2, &a, &b).unwrap());
    let other = LayerGradient::Linear(Sequence::new(&Layer::new(0, 3, 2), 1, &a[..2], &b[..3]).unwrap());
    let plain = LayerGradient::Plain(&a[..]);
    assert_eq!(ghost::dot(&[plain, x], &[plain, other]), Err(Error::LayerMismatch { index: 1 }));
    assert_eq!(ghost::dot(&[plain, x], &[x, plain]), Err(Error::LayerMismatch { index: 0 }));
    assert_eq!(ghost::dot(&[plain, x], &[plain]), Err(Error::LayerMismatch { index: 1 }));
    let mut out = [7.0; 2];
    let mut memory = [0.0; ghost::memory(1, 2).scratch];
    let (one, two): (&[_], &[_]) = (&[x], &[plain]);
    assert_eq!(
        ghost::products(&[one], &[one, two], &mut memory, &mut out),
        Err(Error::LayerMismatch { index: 0 })
    );
    let (expected, found) = (ghost::memory(1, 2).scratch, ghost::memory(1, 1).scratch);
    assert_eq!(
        ghost::products(&[one], &[one, one], &mut memory[..found], &mut out),
        Err(Error::Length { expected, found })
    );
    assert_eq!(out, [7.0; 2]);
    assert_eq!(ghost::products::<f32, f16>(&[], &[], &mut [], &mut []), Ok(()));
}
