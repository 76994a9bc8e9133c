//! What shortlists of 1-bit rows find of the largest scores, on the gradients of digits.
//! Takes some seconds, so it is run on demand:
//!
//! `cargo test --release -p gradsieve-harness --test all -- --ignored --nocapture
//! shortlist`

use gradsieve::store::{
    Certainty, Codec, Entry, Queries, QueriesSettings, Shortlist, ShortlistSettings, Signs, SignsSettings,
    Store, StoreSettings, TopK, TopKSettings,
};
use gradsieve::{Key, Layout, Projector, Rademacher, Repeat, Sjlt, Sketch, Sketcher};
use gradsieve_harness::data::Dataset;
use gradsieve_harness::model::{Mlp, Scratch, train};
use gradsieve_harness::truth::{Experiment, Settings, Task};

/// Scores that are looked for.
const WANTED: usize = 100;
/// Rows on a list.
const LISTED: [usize; 2] = [200, 500];

/// The numbers of every sample's sketch.
fn sketches(model: &Mlp, set: &Dataset, projector: impl Projector) -> Vec<f32> {
    let mut scratch = Scratch::default();
    let mut gradient = vec![0.0; model.parameters().len()];
    let layout = Layout::flat(gradient.len() as u64).unwrap();
    let mut all = vec![0.0; set.len() * projector.width()];
    for ((x, label), values) in set.samples().zip(all.chunks_mut(projector.width())) {
        model.gradient_into(x, label, &mut scratch, &mut gradient).unwrap();
        let mut sketcher = Sketcher::new(projector, layout, &mut *values).unwrap();
        sketcher.segment(0, &gradient).unwrap();
        sketcher.finish().unwrap();
    }
    all
}

/// The rows with the largest of these values, the largest first.
fn largest(values: impl Iterator<Item = f64>, count: usize) -> Vec<usize> {
    let mut order: Vec<(usize, f64)> = values.enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order.into_iter().take(count).map(|(row, _)| row).collect()
}

/// The rows with the largest scores for each query.
fn wanted(store: &Store<Vec<u64>>, queries: &[f32]) -> Vec<Vec<usize>> {
    let StoreSettings { codec, width, .. } = store.settings();
    let settings = QueriesSettings { codec, width, count: 1 };
    let mut packed = Queries::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    let of_one = |query: &[f32]| {
        packed.pack(store.id().unwrap(), query).unwrap();
        let mut scores = vec![0.0; store.len()];
        store.score(&packed, &mut scores).unwrap();
        largest(scores.into_iter().map(f64::from), WANTED)
    };
    queries.chunks(width).map(of_one).collect()
}

/// Mean shares of what is wanted that stands on the lists.
fn share<'l>(lists: impl Iterator<Item = &'l Vec<usize>>, wanted: &[Vec<usize>]) -> f64 {
    let found =
        lists.zip(wanted).map(|(list, wanted)| wanted.iter().filter(|row| list.contains(row)).count());
    found.sum::<usize>() as f64 / (wanted.len() * WANTED) as f64
}

/// A line of the table: shares of the largest scores in `f32`, then of those of 1-bit
/// rows; last, of the former with other rankings.
fn line(model: &Mlp, task: &Task, name: &str, projector: impl Projector) -> [f64; 6] {
    let width = projector.width();
    let rows = sketches(model, &task.train, projector);
    let queries = sketches(model, &task.test, projector);
    let id = projector.id(Layout::flat(model.parameters().len() as u64).unwrap().id());
    let fill = |codec| {
        let settings = StoreSettings { codec, width, rows: task.train.len() };
        let mut store = Store::new(settings, vec![0; settings.memory().others]).unwrap();
        for (number, row) in (0..).zip(rows.chunks(width)) {
            let measures =
                gradsieve::Summary { count: model.parameters().len() as u64, ..Default::default() };
            store.append(number, &Sketch::from_parts(id, row, measures).unwrap()).unwrap();
        }
        store
    };
    let (bits, floats) = (fill(Codec::OneBit), fill(Codec::F32));

    let count = task.test.len();
    let settings = SignsSettings { width, count };
    let mut signs = Signs::new(settings, vec![0; settings.memory().others]).unwrap();
    signs.pack(id, &queries).unwrap();
    let listed = LISTED.map(|room| {
        let list = || Shortlist::new(ShortlistSettings { rows: room }, vec![Entry::default(); room]);
        let mut lists: Vec<_> = (0..count).map(|_| list().unwrap()).collect();
        bits.shortlist(&signs, &mut vec![0; 64 * count], &mut lists).unwrap();
        lists
            .iter()
            .map(|list| list.rows().iter().map(|entry| entry.id as usize).collect())
            .collect::<Vec<Vec<usize>>>()
    });
    let mut differences = vec![0; count * bits.len()];
    bits.differences(&signs, &mut differences).unwrap();
    let mut values = vec![0.0; width];
    // A rotated row is ± its scale.
    let scale = |row| {
        let row = bits.get(row, &mut values).unwrap().sketch;
        (row.values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / width as f64).sqrt()
    };
    let scales: Vec<f64> = (0..bits.len()).map(scale).collect();
    let ranked = |by: &dyn Fn(usize, u32) -> f64| -> Vec<Vec<usize>> {
        let list = |differences: &[u32]| {
            largest(differences.iter().enumerate().map(|(row, &d)| by(row, d)), LISTED[0])
        };
        differences.chunks(bits.len()).map(list).collect()
    };
    let linear = ranked(&|row, d| scales[row] * (width as f64 - 2.0 * f64::from(d)));
    let unscaled = ranked(&|_, d| -f64::from(d));

    let (exact, of_bits) = (wanted(&floats, &queries), wanted(&bits, &queries));
    let [short, long] = &listed;
    let found = [
        (short, &exact),
        (long, &exact),
        (short, &of_bits),
        (long, &of_bits),
        (&linear, &exact),
        (&unscaled, &exact),
    ];
    let found = found.map(|(lists, wanted)| share(lists.iter(), wanted));
    let shares = found.map(|share| {
        let text = format!("{share:.3}");
        text.strip_prefix('0').unwrap_or(&text).to_owned()
    });
    println!("| `{name}` | {width} | {} |", shares.join(" | "));
    found
}

/// Prints how many candidates there are for the hundred largest scores, and which share
/// of them is among the candidates.
fn certified(model: &Mlp, task: &Task, width: usize) {
    let projector = Sjlt::new(width, Key::seed(7), Repeat::One).unwrap();
    let id = projector.id(Layout::flat(model.parameters().len() as u64).unwrap().id());
    let rows = sketches(model, &task.train, projector);
    let queries = sketches(model, &task.test, projector);
    let fill = |codec| {
        let settings = StoreSettings { codec, width, rows: task.train.len() };
        let mut store = Store::new(settings, vec![0; settings.memory().others]).unwrap();
        for (number, row) in (0..).zip(rows.chunks(width)) {
            // The sketch's own norm: that of the gradient is within √(2/K) of it.
            let measures = gradsieve::Summary {
                count: model.parameters().len() as u64,
                l2_squared: row.iter().map(|x| f64::from(*x).powi(2)).sum(),
                ..Default::default()
            };
            store.append(number, &Sketch::from_parts(id, row, measures).unwrap()).unwrap();
        }
        store
    };
    let exact = wanted(&fill(Codec::F32), &queries);
    for codec in [Codec::OneBit, Codec::TwoBits, Codec::FourBits] {
        let store = fill(codec);
        for deviations in [1.9, 3.0] {
            let settings = QueriesSettings { codec, width, count: 1 };
            let mut packed = Queries::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
            let (mut among, mut found) = (0, 0);
            for (query, wanted) in queries.chunks(width).zip(&exact) {
                packed.pack(id, query).unwrap();
                let norm = query.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                let mut lower =
                    TopK::new(TopKSettings { k: WANTED }, vec![Entry::default(); WANTED]).unwrap();
                let room = ShortlistSettings { rows: store.len() };
                let mut list = Shortlist::new(room, vec![Entry::default(); store.len()]).unwrap();
                let certainty = Certainty { norm, deviations };
                found += store.candidates(&packed, certainty, &mut lower, &mut list).unwrap();
                let is_listed = |row: &&usize| list.rows().iter().any(|entry| entry.id == **row as u64);
                among += wanted.iter().filter(is_listed).count();
            }
            let count = exact.len();
            println!(
                "{},{width},{deviations},{:.0},{:.4}",
                codec.name(),
                found as f64 / count as f64,
                among as f64 / (count * WANTED) as f64
            );
        }
    }
}

#[test]
#[ignore = "takes some seconds, and prints what docs/src/results/sketches.md has"]
fn candidates_have_the_hundred_largest_scores_as_often_as_they_promise() {
    let settings = Settings::of(Experiment::Sketches);
    let mut task = Task::new(&settings, settings.seed).unwrap();
    task.train.flip_labels(settings.flip, task.seed).unwrap();
    let model = train(&task.train, &task.config, |_| ()).unwrap().model;
    println!("codec,K,deviations,candidates,share");
    for width in [512, 4096] {
        certified(&model, &task, width);
    }
}

#[test]
#[ignore = "takes some seconds, and prints what docs/src/results/sketches.md has"]
fn a_list_of_a_third_of_the_rows_has_nearly_all_of_the_hundred_largest_scores() {
    let settings = Settings::of(Experiment::Sketches);
    let mut task = Task::new(&settings, settings.seed).unwrap();
    task.train.flip_labels(settings.flip, task.seed).unwrap();
    let model = train(&task.train, &task.config, |_| ()).unwrap().model;
    println!(
        "| projection | K | `f32`, 200 | `f32`, 500 | 1 bit, 200 | 1 bit, 500 | `f32`, 200 by K − 2d | `f32`, 200 by d alone |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for width in [512, 4096] {
        let both = [
            line(&model, &task, "sjlt-1", Sjlt::new(width, Key::seed(0), Repeat::One).unwrap()),
            line(&model, &task, "rademacher", Rademacher::new(width, Key::seed(0)).unwrap()),
        ];
        for found in both {
            assert!(found[0] > 0.97 && found[1] > 0.99 && found[2] > 0.98 && found[3] > 0.99, "{found:?}");
            assert!(found[0] > found[5] + 0.05, "how long a row is has its say: {found:?}");
        }
    }
}
