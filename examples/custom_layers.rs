//! A model with layers of its own kind: an embedding, a linear layer that is applied at
//! every position of a sequence, and a normalisation. Gradients come in `bf16` and `f32`,
//! and each layer has the projection that suits it.
//!
//! `cargo run --release --example custom_layers`

use gradsieve::{
    AnyProjector, Error, Exact, Factor, Key, Kind, Layer, Logra, Part, Plan, ProjectorSettings, Repeat, Sjlt,
    Sketcher, Widths, bf16,
};

const WORDS: u64 = 2_000;
const WIDTH: usize = 64;
const POSITIONS: usize = 12;

/// Where the layers stand in the gradient. Between them may be gaps: what is frozen has
/// no gradient.
const EMBEDDING: Layer = Layer::new(0, WORDS, WIDTH as u64);
const LINEAR: Layer = Layer::new(200_000, WIDTH as u64, WIDTH as u64);
const NORM: Layer = Layer::new(210_000, WIDTH as u64, 1);

/// Uniform in −1 … 1, from a counter.
fn noise(i: usize) -> f32 {
    let mut x = (i as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 31)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (x >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn numbers(seed: usize, n: usize) -> Vec<f32> {
    (0..n).map(|i| noise(seed * 1_000_003 + i)).collect()
}

fn main() -> Result<(), Error> {
    let widths = Widths { outputs: 16, inputs: 16 };
    let parts = [
        // Few rows of an embedding carry a sample's gradient: four places a coordinate.
        Part::new(EMBEDDING, Sjlt::new(128, Key::seed(7), Repeat::Four)?),
        // A linear layer's gradient comes in its factors, and is never multiplied out.
        Part::new(LINEAR, Logra::new(LINEAR, widths, Factor::Rademacher, Key::seed(7))?),
        // A small layer stays as it is.
        Part::new(NORM, Exact::new(WIDTH)),
    ];
    let plan = Plan::new(&parts)?;
    let mut sketcher = Sketcher::new(plan, plan.layout(), vec![0.0; plan.width()])?;

    let mut rows = Vec::new();
    for sample in 0..3 {
        // Two of the samples are one text, with other noise: their gradients are alike.
        let text = sample / 2;
        // The embedding's gradient: zero but for the words that occur. Whole rows, in
        // bf16.
        let zero = vec![bf16::ZERO; WIDTH];
        for word in 0..WORDS as usize {
            let row: Vec<bf16> = numbers(text * 5000 + word, WIDTH).into_iter().map(bf16::from_f32).collect();
            let occurs = (word + 7 * text).is_multiple_of(200);
            sketcher.segment((word * WIDTH) as u64, if occurs { &row } else { &zero })?;
        }
        // The linear layer was applied at every position: Σ bₜ aₜᵀ, from its factors.
        let (a, mut b) = (numbers(10 + text, POSITIONS * WIDTH), numbers(20 + text, POSITIONS * WIDTH));
        b.iter_mut().zip(numbers(30 + sample, POSITIONS * WIDTH)).for_each(|(b, noise)| *b += 0.3 * noise);
        sketcher.outer_sequence(&LINEAR, POSITIONS, &a, &b)?;
        sketcher.segment(NORM.offset, &numbers(40 + text, WIDTH))?;
        let sketch = sketcher.finish()?;
        println!(
            "sample {sample}: {} numbers, squared norm {:.1}",
            sketch.id.width, sketch.measures.l2_squared
        );
        rows.push(sketch.values.to_vec());
    }

    // A row is the layers' sketches side by side, so each layer can be looked at alone.
    for (i, j) in [(0, 1), (0, 2)] {
        for (index, name) in ["embedding", "linear", "norm"].into_iter().enumerate() {
            let (x, y) = (plan.values(index, &rows[i]), plan.values(index, &rows[j]));
            let (x, y) = (x.unwrap_or_default(), y.unwrap_or_default());
            let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum::<f64>();
            let cosine = dot(x, y) / (dot(x, x) * dot(y, y)).sqrt();
            println!("samples {i} and {j}, {name}: cosine {cosine:+.2}");
        }
    }

    // The same by settings: the largest layer through FactGraSS, K shared among the
    // others.
    let settings =
        ProjectorSettings { kind: Kind::FactGrass, width: 512, key: Key::seed(7), ..Default::default() };
    let mut parts = [Part::UNUSED; 3];
    let projector = AnyProjector::new(&settings, &[EMBEDDING, LINEAR, NORM], &mut parts)?;
    println!("{settings}: {} numbers, as {}", projector.width(), projector.name());
    Ok(())
}
