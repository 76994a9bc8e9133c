//! Which training samples helped a prediction, and which harmed it: sketches of all
//! samples in a store of one byte a number, and the k best and worst for one target.
//!
//! `cargo run --release --example influence_top_k`

use gradsieve::influence::{Ridge, RidgeSettings};
use gradsieve::store::{Entry, Queries, QueriesSettings, TopK, TopKSettings};
use gradsieve::{Codec, Error, Key, Layout, Repeat, Sjlt, Sketcher, Store, StoreSettings};

const INPUTS: usize = 96;
const SAMPLES: usize = 300;
const K: usize = 64;
/// How many to show.
const TOP: usize = 5;

/// Uniform in −1 … 1, from a counter.
fn noise(i: usize) -> f32 {
    let mut x = (i as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 31)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (x >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Sample i is one of two patterns with noise, and its label says which; every tenth
/// label is wrong.
fn sample(i: usize) -> ([f32; INPUTS], f32) {
    let side = if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    let x = std::array::from_fn(|j| side * noise(j) + 0.6 * noise(1000 + i * INPUTS + j));
    (x, if is_wrong(i) { -side } else { side })
}

fn is_wrong(i: usize) -> bool {
    i % 10 == 3
}

/// The gradient of the logistic loss ln(1 + e^(−y·w·x)).
fn gradient(w: &[f32; INPUTS], x: &[f32; INPUTS], y: f32) -> [f32; INPUTS] {
    let margin: f32 = y * w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
    let slope = -y / (1.0 + margin.exp());
    x.map(|x| slope * x)
}

fn main() -> Result<(), Error> {
    let mut w = [0.0; INPUTS];
    for step in 0..900 {
        let (x, y) = sample(step % SAMPLES);
        let gradient = gradient(&w, &x, y);
        w.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.01 * g);
    }

    // One pass over the training samples fills the store and the second moment.
    let mut sketcher =
        Sketcher::new(Sjlt::new(K, Key::seed(7), Repeat::One)?, Layout::flat(INPUTS as u64)?, [0.0; K])?;
    let settings = StoreSettings { codec: Codec::Int8, width: K, rows: SAMPLES };
    let mut store = Store::new(settings, vec![0; settings.memory().others])?;
    let settings = RidgeSettings::new(K);
    let mut memory = vec![0.0; settings.memory().f64s];
    let mut ridge = Ridge::new(settings, &mut memory)?;
    for i in 0..SAMPLES {
        let (x, y) = sample(i);
        sketcher.segment(0, &gradient(&w, &x, y))?;
        let sketch = sketcher.finish()?;
        store.append(i as u64, &sketch)?;
        ridge.observe(&sketch)?;
    }
    ridge.fit()?;

    // A target: a sample that the model has not seen, with its true label. Ridge
    // influence is (C + λI)⁻¹φ_v once, and then a dot product with every stored row.
    let (x, y) = sample(10_000);
    sketcher.segment(0, &gradient(&w, &x, y))?;
    let target = sketcher.finish()?;
    let mut solution = [0.0; K];
    let solved = ridge.solve(&target, &mut solution)?;
    let settings = QueriesSettings { codec: Codec::Int8, width: K, count: 1 };
    let mut queries = Queries::new(settings, vec![0.0; settings.memory().f32s])?;
    queries.pack(solved.id(), solved.solutions())?;
    let mut scores = vec![0.0; store.len()];
    store.score(&queries, &mut scores)?;

    // A positive influence is helpful: the sample lowers the target's loss. The most
    // harmful are the largest of the scores with the sign turned.
    for (title, sign) in [("most helpful", 1.0), ("most harmful", -1.0)] {
        let mut top = TopK::new(TopKSettings { k: TOP }, [Entry::default(); TOP])?;
        for (&id, &score) in store.ids().iter().zip(&scores) {
            top.push(Entry { id, score: sign * f64::from(score) })?;
        }
        println!("{title}:");
        for entry in top.sorted() {
            let wrong = if is_wrong(entry.id as usize) { "  wrong label" } else { "" };
            println!("  sample {:3}  influence {:+.3}{wrong}", entry.id, sign * entry.score);
        }
    }
    Ok(())
}
