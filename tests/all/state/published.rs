//! The published bytes, their checksum and their sizes.

use super::*;

/// A line a state: its name, and its bytes in hexadecimal digits. `golden/states.py`
/// reads them, too.
const PUBLISHED: &str = include_str!("../../golden/states.hex");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn published() -> String {
    let mut lines = String::new();
    let mut line = |name: &str, bytes: &[u8]| writeln!(lines, "{name}: {}", hex(bytes)).unwrap();
    let mut bytes = vec![0; 1000];
    let id = SketchId {
        kind: Kind::Rademacher,
        key: Fingerprint::Seed(u64::MAX - 1),
        repeat: Repeat::Four,
        settings: 3,
        ..id_of(64)
    };
    let written = id.to_bytes(&mut bytes).unwrap();
    assert_eq!((written, SketchId::from_bytes(&bytes[..written])), (SketchId::BYTES_AT_REST, Ok(id)));
    line("sketch id", &bytes[..written]);
    let row = rows(1, K);
    let sketch = sketch_of(&row);
    let written = sketch.to_bytes(&mut bytes).unwrap();
    line("sketch", &bytes[..written]);
    macro_rules! add {
        ($name:expr, $state:expr, $fresh:expr) => {{
            let _ = $fresh;
            line($name, &bytes_of(&$state));
        }};
    }
    for_each_state!(add);
    // Wide enough for every part of the groups' order.
    let rows = rows(17, 70);
    for codec in [Codec::F16, Codec::Int8, Codec::FourBits, Codec::TwoBits, Codec::OneBit] {
        line(&format!("wide store, {}", codec.name()), &bytes_of(&filled(codec, 70, &rows)));
    }
    lines
}

#[test]
fn the_published_bytes_are_written_on_this_machine_too() {
    for (found, expected) in published().lines().zip(PUBLISHED.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(published().lines().count(), PUBLISHED.lines().count());
}

#[test]
#[ignore = "writes tests/golden/states.hex anew: a change of the format"]
fn write_the_published_bytes() {
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/states.hex"), published()).unwrap();
}

#[test]
fn the_crc_is_that_of_zlib() {
    // zlib.crc32(b"123456789"), the check value of every table of CRCs, and
    // zlib.crc32(bytes(range(256))).
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    assert_eq!(crc32(&(0..=255).collect::<Vec<u8>>()), 0x2905_8C73);
    assert_eq!(crc32(&[]), 0);
}

#[test]
fn the_sizes_at_rest_are_those_that_the_constants_say() {
    macro_rules! check {
        ($name:expr, $state:expr, $fresh:expr) => {{
            let expected = match <_ as Kinds>::kind(&$state) {
                StateKind::Moments => MOMENTS.memory().bytes_at_rest,
                StateKind::SelfInfluence => SELF_INFLUENCE.memory().bytes_at_rest,
                StateKind::Mahalanobis => MAHALANOBIS.memory().bytes_at_rest,
                StateKind::Direction => GROUPS.memory().bytes_at_rest,
                StateKind::Sieve => SIEVE.memory().bytes_at_rest,
                StateKind::Forest => FOREST.memory().bytes_at_rest,
                StateKind::TopK => TopKSettings { k: 3 }.memory().bytes_at_rest,
                StateKind::TracIn => TracIn::MEMORY.bytes_at_rest,
                StateKind::Ridge => RidgeSettings::new(K).memory().bytes_at_rest,
                StateKind::Trak => TrakSettings::new(K).memory().bytes_at_rest,
                StateKind::TrakScore => TrakScore::MEMORY.bytes_at_rest,
                StateKind::IpEnsemble => IpEnsemble::MEMORY.bytes_at_rest,
                StateKind::ReTrac => ReTrac::memory(K).bytes_at_rest,
                StateKind::LessTargets => SUBTASKS.memory().bytes_at_rest,
                StateKind::Less => Less::memory(2).bytes_at_rest,
                StateKind::InRunShapley => InRunShapley::memory(3).bytes_at_rest,
                StateKind::DataInf => LAYERS.memory().bytes_at_rest,
                StateKind::Propagator => {
                    let settings = PropagatorSettings::new(Blocks::new(&[2, K]).unwrap());
                    settings.memory().bytes_at_rest
                }
                StateKind::Recorder => {
                    let settings = RecorderSettings { width: K, steps: 3, samples: 3, factors: 1 };
                    settings.memory().bytes_at_rest
                }
                StateKind::Adjoint => {
                    let blocks = Blocks::new(&[2, K]).unwrap();
                    AdjointSettings { blocks, targets: 3, rows: 1 }.memory().bytes_at_rest
                }
                StateKind::Arnoldi => KRYLOV.memory().bytes_at_rest,
                StateKind::Gif => PARTIAL.memory().bytes_at_rest,
                StateKind::Ekfac => LAYER.memory().bytes_at_rest,
                StateKind::Store => {
                    let codec = Codec::ALL.into_iter().find(|codec| $name.ends_with(codec.name())).unwrap();
                    StoreSettings { codec, width: K, rows: 20 }.memory().bytes_at_rest
                }
                StateKind::Reservoir => SAMPLE.memory().bytes_at_rest,
                StateKind::Mean | StateKind::Worst => VISITS.memory::<f16>().bytes_at_rest,
                StateKind::MeanRank => VISITS.memory::<f32>().bytes_at_rest,
                StateKind::Largest => LARGEST.memory().bytes_at_rest,
                kind => panic!("which size has {kind:?}?"),
            };
            let found = bytes_of(&$state).len();
            let _ = $fresh;
            let at_most =
                ["self-influence", "forest", "arnoldi, fitted", "gif", "ek-fac"].contains(&$name.as_ref());
            assert!(found == expected || at_most && found < expected, "{}: {found}, {expected}", $name);
        }};
    }
    for_each_state!(check);
}

/// The kind of a value's type.
trait Kinds {
    fn kind(&self) -> StateKind;
}

impl<S: State> Kinds for S {
    fn kind(&self) -> StateKind {
        S::KIND
    }
}
