//! Claims about secret keys: what a projection that is drawn by one does, and that nobody
//! learns it from what travels.

use crate::source::normals;
use gradsieve::influence::{Ridge, RidgeSettings};
use gradsieve::{
    AnyProjector, Element, Error, Field, Fingerprint, Key, Kind, Layer, Layout, Part, Projector,
    ProjectorSettings, Repeat, Sjlt, Sketcher, State,
};

/// A layer of 32 × 40 and nothing else.
const LAYER: Layer = Layer::new(0, 32, 40);
const LEN: usize = 1280;

/// The kinds that are drawn.
fn drawn() -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Exact)
}

fn secret(number: u64) -> Key {
    Key::secret((u128::from(number) << 64 | 0x0123_4567_89AB_CDEF).to_le_bytes())
}

/// The sketch of a gradient of the layer.
fn sketch<T: Element>(kind: Kind, key: Key, x: &[T]) -> Vec<f32> {
    let mut parts = [Part::UNUSED; 1];
    let settings = ProjectorSettings { kind, width: 256, key, ..ProjectorSettings::DEFAULT };
    let projector = AnyProjector::new(&settings, &[LAYER], &mut parts).unwrap();
    let buffer = vec![0.0; projector.width()];
    let mut sketcher = Sketcher::new(projector, Layout::new(&[LAYER]).unwrap(), buffer).unwrap();
    sketcher.segment(0, x).unwrap();
    sketcher.finish().unwrap().values.to_vec()
}

fn dot(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

#[test]
fn keys_that_differ_in_one_bit_draw_projections_that_have_nothing_in_common() {
    let x = normals(3, LEN);
    for kind in drawn() {
        let bytes = 0x0123_4567_89AB_CDEF_u128;
        let [one, other, seed] = [
            Key::secret(bytes.to_le_bytes()),
            Key::secret((bytes ^ 1 << 127).to_le_bytes()),
            Key::seed(bytes as u64),
        ];
        let [a, b, c] = [one, other, seed].map(|key| sketch(kind, key, &x));
        for (a, b) in [(&a, &b), (&a, &c)] {
            let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
            // A deviation of a cosine of independent sketches of 256 is 1/16.
            assert!(cosine.abs() < 0.3, "{}: {cosine}", kind.name());
        }
    }
}

#[test]
fn projections_of_secret_keys_are_unbiased_and_spread_as_those_of_seeds_do() {
    const DRAWS: u64 = 400;
    let (x, y) = (normals(3, LEN), normals(4, LEN));
    let y: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
    let exact = dot(&x, &y);
    for kind in drawn() {
        let moments = |key: fn(u64) -> Key| {
            let errors =
                (0..DRAWS).map(|n| dot(&sketch(kind, key(n), &x), &sketch(kind, key(n), &y)) / exact - 1.0);
            let errors: Vec<f64> = errors.collect();
            let mean = errors.iter().sum::<f64>() / DRAWS as f64;
            let variance = errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (DRAWS - 1) as f64;
            (mean, variance)
        };
        let ((mean, variance), (_, of_seeds)) = (moments(secret), moments(Key::seed));
        assert!(mean.abs() < 4.5 * (variance / DRAWS as f64).sqrt(), "{}: {mean}", kind.name());
        // Of 400 draws each a quotient of variances has a deviation of about a tenth.
        assert!((0.6..1.6).contains(&(variance / of_seeds)), "{}: {}", kind.name(), variance / of_seeds);
    }
}

#[test]
fn sketches_of_another_key_are_refused() {
    let layout = Layout::flat(64).unwrap().id();
    let id = |key| Sjlt::new(32, key, Repeat::One).unwrap().id(layout);
    let other = id(secret(2));
    for key in [secret(1), Key::seed(2), Key::seed(id(secret(2)).key.to_parts().1)] {
        assert_eq!(id(key).check(&other), Err(Error::Mismatch(Field::Key)));
    }
    assert_eq!(id(secret(2)).check(&other), Ok(()));
}

#[test]
fn states_carry_the_fingerprint_of_a_secret_key_and_no_piece_of_the_key() {
    let bytes: [u8; 16] = core::array::from_fn(|i| (i as u8).wrapping_mul(37).wrapping_add(101));
    let key = Key::secret(bytes);
    let projector = Sjlt::new(32, key, Repeat::One).unwrap();
    let mut sketcher = Sketcher::new(projector, Layout::flat(64).unwrap(), [0.0; 32]).unwrap();
    sketcher.segment(0, &normals(1, 64)).unwrap();
    let settings = RidgeSettings::new(32);
    let mut ridge = Ridge::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    ridge.observe(&sketcher.finish().unwrap()).unwrap();
    let mut state = vec![0; settings.memory().bytes_at_rest];
    let len = ridge.to_bytes(&mut state).unwrap();
    let Fingerprint::Secret(bits) = key.fingerprint() else { panic!("not secret") };
    let found = |piece: &[u8]| state[..len].windows(piece.len()).any(|window| window == piece);
    assert!(found(&bits.to_le_bytes()));
    let mut back = bytes;
    back.reverse();
    for piece in bytes.windows(4).chain(back.windows(4)) {
        assert!(!found(piece));
    }
    let mut restored = Ridge::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    restored.restore(&state[..len]).unwrap();
    assert_eq!(restored.sketch_id().unwrap().key, key.fingerprint());
}

#[test]
fn what_is_shown_of_a_secret_key_is_its_fingerprint() {
    let key = secret(0xAA55);
    let projector = Sjlt::new(32, key, Repeat::One).unwrap();
    let Fingerprint::Secret(bits) = key.fingerprint() else { panic!("not secret") };
    assert_eq!(format!("{key:?}"), format!("Secret({bits})"));
    let shown = format!("{projector:?} {:?}", ProjectorSettings { key, ..ProjectorSettings::DEFAULT });
    let hidden = [0xAA55, 0x0123_4567_89AB_CDEF_u64].map(|word| word.to_string());
    assert!(hidden.iter().all(|word| !shown.contains(word)), "{shown}");
}

/// Who knows the seed makes a gradient whose sketch is that of another: the least-norm
/// gradient with the sketch of x, and a part that the projection maps to nothing. Both
/// are of no use against another key (`examples/attacks` has the figures).
#[test]
fn a_gradient_made_to_be_invisible_under_a_seed_is_seen_under_a_secret_key() {
    const WIDTH: usize = 64;
    const P: usize = 512;
    let project = |key: Key, x: &[f32]| {
        let layout = Layout::flat(P as u64).unwrap();
        let projector = Sjlt::new(WIDTH, key, Repeat::One).unwrap();
        let mut sketcher = Sketcher::new(projector, layout, vec![0.0; WIDTH]).unwrap();
        sketcher.segment(0, x).unwrap();
        sketcher.finish().unwrap().values.to_vec()
    };
    let known = Key::seed(0);
    // The rows of an SJLT with one repetition are orthogonal, so RᵀR/‖row‖² projects.
    let columns: Vec<Vec<f32>> = (0..P)
        .map(|i| project(known, &core::array::from_fn::<f32, P, _>(|j| f32::from(u8::from(i == j)))))
        .collect();
    let mut rows = vec![0.0_f32; WIDTH];
    columns.iter().for_each(|column| rows.iter_mut().zip(column).for_each(|(row, x)| *row += x * x));
    let harmful = normals(9, P);
    let seen = project(known, &harmful);
    let hidden: Vec<f32> = (0..P)
        .map(|i| {
            let back = columns[i]
                .iter()
                .zip(&seen)
                .zip(&rows)
                .map(|((c, s), row)| if *row > 0.0 { c * s / row } else { 0.0 });
            harmful[i] - back.sum::<f32>()
        })
        .collect();
    let norm = |x: &[f32]| dot(x, x).sqrt();
    assert!(
        norm(&project(known, &hidden)) < 1e-4 * norm(&hidden),
        "the attack works where the seed is known"
    );
    let visible = norm(&project(secret(5), &hidden)) / norm(&hidden);
    assert!((0.7..1.3).contains(&visible), "{visible}");
}
