//! Packets: what is read is what was sent, up to the rounding of its codec; what was
//! damaged, forged or belongs to other sketches is refused.

use crate::source::normals;
use gradsieve::state::crc32;
use gradsieve::store::{Store, StoreSettings};
use gradsieve::wire::{HEADER, PacketHeader, PacketSettings, Packets};
use gradsieve::{
    Codec, Detector as _, Direction, DirectionSettings, Error, Exact, Field, Fingerprint, Key, Kind, Layout,
    Projector, Repeat, Sieve, SieveSettings, Sjlt, Sketch, SketchId, Summary,
};
use gradsieve_kernels::summarize;
use proptest::prelude::*;
use std::fmt::Write as _;

/// A line a packet: its name, and its bytes in hexadecimal digits. `golden/packets.py`
/// reads them, too.
const PUBLISHED: &str = include_str!("../golden/packets.hex");

const COORDINATES: u64 = 1000;

fn layout() -> Layout {
    Layout::flat(COORDINATES).unwrap()
}

fn id_of(width: usize) -> SketchId {
    SketchId {
        kind: Kind::Sjlt,
        width,
        key: Fingerprint::Secret(0x0123_4567_89AB_CDEF),
        repeat: Repeat::Two,
        settings: 0,
        layout: layout().id(),
    }
}

fn packets(width: usize) -> Packets {
    Packets::new(id_of(width), &layout()).unwrap()
}

/// A sketch of a gradient of which these are some measures.
fn sketch(values: &[f32]) -> Sketch<'_> {
    let own = summarize(values);
    let measures =
        Summary { l1: own.l1, l2_squared: own.l2_squared, max: own.max, non_finite: 0, count: COORDINATES };
    Sketch::from_parts(id_of(values.len()), values, measures).unwrap()
}

fn sent(sketch: &Sketch<'_>, settings: PacketSettings) -> Vec<u8> {
    let packets = packets(sketch.values.len());
    let mut bytes = vec![0xEE; settings.most_bytes(sketch.values.len()) + 5];
    let written = packets.write(sketch, settings, &mut bytes).unwrap();
    assert!(bytes[written..].iter().all(|byte| *byte == 0xEE));
    let short = packets.write(sketch, settings, &mut bytes[..written - 1]);
    assert_eq!(short, Err(Error::Length { expected: written, found: written - 1 }));
    bytes.truncate(written);
    bytes
}

/// Any settings.
fn settings() -> impl Strategy<Value = PacketSettings> {
    let codec = prop::sample::select(&Codec::ALL[..]);
    (codec, any::<bool>(), any::<bool>()).prop_map(|(codec, l1, max)| PacketSettings { codec, l1, max })
}

/// Numbers of every size of which norms are finite in `f32`, zeros among them.
fn values() -> impl Strategy<Value = Vec<f32>> {
    let wild = any::<f32>().prop_filter("norms are finite", |x| x.abs() < 1e36);
    let tame = -4.0_f32..4.0;
    let number = || prop_oneof![4 => tame.clone(), 1 => wild.clone(), 1 => Just(0.0)];
    prop_oneof![
        prop::collection::vec(number(), 1..200),
        prop::collection::vec(tame, 1..200),
        (prop::collection::vec(-1.0_f32..1.0, 1..100), -140..118_i32).prop_map(|(row, exponent)| {
            row.into_iter().map(|x| (f64::from(x) * 2.0_f64.powi(exponent)) as f32).collect()
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_read_is_what_a_store_of_the_same_codec_would_have_kept(
        values in values(), settings in settings(), group: u32, loss in prop::option::of(0.0_f32..9.0),
    ) {
        let sketch = Sketch { group, loss, ..sketch(&values) };
        let bytes = sent(&sketch, settings);
        let mut memory = vec![f32::NAN; values.len()];
        let (found, read) = packets(values.len()).read(&bytes, &mut memory).unwrap();
        prop_assert_eq!(read, bytes.len());
        prop_assert_eq!((found.id, found.group, found.loss), (sketch.id, group, loss));
        prop_assert_eq!((found.measures.count, found.measures.non_finite), (COORDINATES, 0));
        prop_assert_eq!(found.measures.max.is_nan(), !settings.max);
        if settings.max {
            prop_assert_eq!(found.measures.max, sketch.measures.max);
        }
        let of_store = StoreSettings { codec: settings.codec, width: values.len(), rows: 16 };
        let mut store = Store::new(of_store, vec![0; of_store.memory().others]).unwrap();
        store.append(0, &sketch).unwrap();
        let mut row = vec![0.0; values.len()];
        store.get(0, &mut row).unwrap();
        let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(found.values), bits(&row));
        // What was read is sent again as the same bytes, where it fits: its numbers are
        // those of the codec.
        if matches!(settings.codec, Codec::F32 | Codec::F16 | Codec::Bf16) {
            let again = Sketch { measures: sketch.measures, ..found };
            let mut twice = vec![0.0; values.len()];
            let bytes = sent(&again, settings);
            let (second, _) = packets(values.len()).read(&bytes, &mut twice).unwrap();
            prop_assert_eq!(bits(second.values), bits(found.values));
        }
    }

    #[test]
    fn numbers_are_off_by_no_more_than_their_codec_says(values in values(), settings in settings()) {
        let bytes = sent(&sketch(&values), settings);
        let mut memory = vec![0.0; values.len()];
        let (found, _) = packets(values.len()).read(&bytes, &mut memory).unwrap();
        let largest = values.iter().fold(0.0, |most: f64, x| most.max(f64::from(x.abs())));
        for (x, y) in values.iter().map(|x| f64::from(*x)).zip(found.values.iter().map(|x| f64::from(*x))) {
            let least = 2.0_f64.powi(-149);
            let bound = match settings.codec {
                Codec::F32 => 0.0,
                Codec::F16 => (x.abs() / 2048.0).max(largest * 2.0_f64.powi(-25)).max(least),
                Codec::Bf16 => (x.abs() / 256.0).max(largest * 2.0_f64.powi(-134)).max(least),
                // Half a step; of subnormal numbers the step itself is rounded.
                Codec::Int8 => largest / 254.0 * (1.0 + 2.0_f64.powi(-14)) + least,
                // No more is promised of one number; the whole row is the store's, above.
                Codec::FourBits | Codec::TwoBits | Codec::OneBit => f64::INFINITY,
            };
            prop_assert!((x - y).abs() <= bound, "{:?}: {x:e}, {y:e}", settings.codec);
        }
        let exact = sketch(&values).measures;
        for (found, exact) in [(found.measures.l2_squared, exact.l2_squared), (found.measures.l1, exact.l1)] {
            // A norm below the normal numbers has fewer digits.
            let is_normal = exact.sqrt() > f64::from(f32::MIN_POSITIVE);
            prop_assert!(found.is_nan() || !is_normal || (found - exact).abs() <= exact / 2.0_f64.powi(23));
        }
        prop_assert_eq!(found.measures.l1.is_nan(), !settings.l1);
    }

    #[test]
    fn any_bytes_are_refused_or_give_a_sketch_that_can_be_used(
        mut bytes in prop::collection::vec(any::<u8>(), 0..120), seal: bool, codec in 0..7_u8, fields in 0..20_u8,
    ) {
        const K: usize = 5;
        let packets = packets(K);
        if seal && bytes.len() >= HEADER {
            bytes[..3].copy_from_slice(&[0xA6, 1 << 4 | codec, fields]);
            bytes[3..5].copy_from_slice(&(K as u16).to_le_bytes());
            bytes[5..13].copy_from_slice(&packets.fingerprint().to_le_bytes());
            if let Ok(PacketHeader { len, .. }) = PacketHeader::peek(&bytes) {
                bytes.resize(len.max(bytes.len()), 0);
                let sum = crc32(&bytes[..len - 4]).to_le_bytes();
                bytes[len - 4..len].copy_from_slice(&sum);
            }
        }
        let mut memory = [0.0; K];
        if let Ok((found, read)) = packets.read(&bytes, &mut memory) {
            prop_assert!(seal && read <= bytes.len());
            prop_assert!(found.check_finite().is_ok() && found.measures.l2_squared.is_finite());
            judged(&found);
            // What was read can be sent again.
            let settings = PacketSettings { codec: Codec::F32, l1: true, max: true };
            prop_assert!(packets.write(&found, settings, &mut [0; 100]).is_ok());
        }
    }

    #[test]
    fn a_changed_byte_is_refused(values in values(), settings in settings(), at: prop::sample::Index, flip in 1..=255_u8) {
        let mut bytes = sent(&sketch(&values), settings);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let refused = packets(values.len()).read(&bytes, &mut vec![0.0; values.len()]).unwrap_err();
        let is_named = match at {
            0 => refused == Error::Magic,
            1 => matches!(refused, Error::Version { .. } | Error::Setting { name: "codec", .. })
                || matches!(refused, Error::Corrupt | Error::Truncated { .. }),
            2 => matches!(refused, Error::Setting { name: "fields", .. } | Error::Corrupt | Error::Truncated { .. }),
            3..5 => matches!(refused, Error::Corrupt | Error::Truncated { .. }),
            _ => refused == Error::Corrupt,
        };
        prop_assert!(is_named, "{at}: {refused}");
    }

    #[test]
    fn a_packet_is_read_from_the_front_and_not_where_its_end_is_missing(
        values in values(), settings in settings(), behind in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let bytes = sent(&sketch(&values), settings);
        let mut memory = vec![0.0; values.len()];
        let longer = [&bytes[..], &behind].concat();
        prop_assert_eq!(packets(values.len()).read(&longer, &mut memory).unwrap().1, bytes.len());
        for len in 0..bytes.len() {
            let expected = if len < HEADER { HEADER } else { bytes.len() };
            let refused = packets(values.len()).read(&bytes[..len], &mut memory).unwrap_err();
            prop_assert_eq!(refused, Error::Truncated { expected, found: len });
        }
    }
}

/// Has a sketch judged, learnt and scored.
fn judged(sketch: &Sketch<'_>) {
    let settings = SieveSettings::new(sketch.values.len());
    let mut sieve = Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap();
    let sketch = Sketch { group: 0, ..*sketch };
    for _ in 0..3 {
        let verdict = sieve.judge(&sketch).unwrap();
        assert!((0.0..=1.0).contains(&verdict.p), "{verdict:?}");
        sieve.observe(&sketch, &verdict).unwrap();
    }
    let settings = DirectionSettings::new(1, sketch.values.len());
    let mut direction = Direction::new(settings, vec![0; settings.memory().i64s]).unwrap();
    direction.observe(&sketch).unwrap();
    assert!(direction.score(&sketch, &mut []).unwrap().is_finite());
}

#[test]
fn sixty_four_numbers_in_f16_take_150_bytes() {
    let values = normals(3, 64);
    let bytes = Codec::ALL.map(|codec| sent(&sketch(&values), PacketSettings::new(codec)).len());
    assert_eq!(bytes, [277, 150, 150, 89, 56, 40, 32]);
}

#[test]
fn packets_of_other_sketches_are_refused_by_what_differs() {
    let values = normals(1, 32);
    let bytes = sent(&sketch(&values), PacketSettings::new(Codec::F16));
    let id = id_of(32);
    let others = [
        (SketchId { kind: Kind::Srht, ..id }, Field::Fingerprint),
        (SketchId { key: Fingerprint::Seed(0x0123_4567_89AB_CDEF), ..id }, Field::Fingerprint),
        (SketchId { key: Fingerprint::Secret(1), ..id }, Field::Fingerprint),
        (SketchId { repeat: Repeat::One, ..id }, Field::Fingerprint),
        (SketchId { settings: 1, ..id }, Field::Fingerprint),
        (SketchId { width: 31, ..id }, Field::Width),
    ];
    for (other, field) in others {
        let packets = Packets::new(other, &layout()).unwrap();
        let refused = packets.read(&bytes, &mut vec![0.0; other.width]).unwrap_err();
        assert_eq!(refused, Error::Mismatch(field), "{other:?}");
    }
    let flat = Layout::flat(COORDINATES + 1).unwrap();
    let packets = Packets::new(SketchId { layout: flat.id(), ..id }, &flat).unwrap();
    assert_eq!(packets.read(&bytes, &mut [0.0; 32]).unwrap_err(), Error::Mismatch(Field::Fingerprint));
    assert_eq!(Packets::new(id, &flat), Err(Error::Mismatch(Field::Layout)));
    assert_eq!(
        packets.write(&sketch(&values), PacketSettings::new(Codec::F32), &mut [0; 300]),
        Err(Error::Mismatch(Field::Layout))
    );
}

#[test]
fn widths_that_no_packet_has_are_refused() {
    let of = |width| Packets::new(SketchId { width, ..id_of(1) }, &layout()).map(drop);
    assert_eq!(of(0), Err(Error::Width { multiple: 1, found: 0 }));
    assert_eq!(of(65_535), Ok(()));
    assert!(matches!(of(65_536), Err(Error::Setting { name: "width", .. })));
    let values = vec![0.5; 65_535];
    assert_eq!(sent(&sketch(&values), PacketSettings::new(Codec::OneBit)).len(), 24 + 8192);
}

#[test]
fn a_gradient_with_numbers_that_are_none_has_no_packet() {
    let write = |sketch: &Sketch<'_>| {
        packets(2).write(sketch, PacketSettings { codec: Codec::F16, l1: true, max: false }, &mut [0; 100])
    };
    assert!(write(&sketch(&[1.0, 2.0])).is_ok());
    assert_eq!(write(&sketch(&[1.0, f32::NAN])), Err(Error::NonFinite));
    let one = sketch(&[1.0, 2.0]);
    let of = |measures| write(&Sketch { measures, ..one });
    assert_eq!(of(Summary { non_finite: 1, ..one.measures }), Err(Error::NonFinite));
    assert_eq!(of(Summary { l2_squared: 1e80, ..one.measures }), Err(Error::Range { what: "the L2 norm" }));
    assert_eq!(of(Summary { l2_squared: 1e-100, ..one.measures }), Err(Error::Range { what: "the L2 norm" }));
    assert_eq!(of(Summary { l1: 1e39, ..one.measures }), Err(Error::Range { what: "the L1 norm" }));
    // What was not taken is not sent.
    assert_eq!(of(Summary { l1: f64::NAN, ..one.measures }), Ok(13 + 4 + 1 + 4 + 4));
}

#[test]
fn forged_norms_and_numbers_are_refused() {
    let values = normals(1, 4);
    let settings = PacketSettings { codec: Codec::F32, l1: true, max: true };
    let bytes = sent(&sketch(&values), settings);
    let forged = |at: usize, number: f32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        let end = bytes.len() - 4;
        let sum = crc32(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&sum);
        packets(4).read(&bytes, &mut [0.0; 4]).map(|(sketch, _)| sketch.measures.max)
    };
    assert_eq!(forged(21, 0.5).unwrap(), 0.5);
    for at in [13, 17, 21] {
        assert_eq!(forged(at, f32::NAN).unwrap_err(), Error::NonFinite);
        assert_eq!(forged(at, f32::INFINITY).unwrap_err(), Error::NonFinite);
        assert_eq!(forged(at, -1.0).unwrap_err(), Error::Corrupt);
    }
    assert_eq!(forged(25, f32::NAN).unwrap_err(), Error::NonFinite);
    // A scale that takes int8 out of its range.
    let mut int8 = sent(&sketch(&values), PacketSettings::new(Codec::Int8));
    int8[17..21].copy_from_slice(&f32::MAX.to_le_bytes());
    let end = int8.len() - 4;
    let sum = crc32(&int8[..end]).to_le_bytes();
    int8[end..].copy_from_slice(&sum);
    assert_eq!(packets(4).read(&int8, &mut [0.0; 4]).unwrap_err(), Error::NonFinite);
}

#[test]
fn a_state_is_no_packet() {
    let values = normals(1, 4);
    let mut state = vec![0; Sketch::memory(4).bytes_at_rest];
    sketch(&values).to_bytes(&mut state).unwrap();
    assert_eq!(packets(4).read(&state, &mut [0.0; 4]).unwrap_err(), Error::Magic);
    assert_eq!(PacketHeader::peek(&[]), Err(Error::Truncated { expected: HEADER, found: 0 }));
}

/// Eighths that are exact in every codec but the smallest; the last a large one.
fn row(width: usize) -> Vec<f32> {
    (0..width).map(|i| ((17 * i + 3) % 29) as f32 / 8.0 - 1.75).collect()
}

fn published() -> String {
    let (exact, layout) = (Exact::new(5), Layout::flat(9).unwrap());
    let seeded = (Sjlt::new(128, Key::seed(7), Repeat::One).unwrap(), Layout::flat(1000).unwrap());
    let secret = (Sjlt::new(128, Key::secret(*b"sixteen bytes ok"), Repeat::Four).unwrap(), seeded.1);
    let ids = [
        (exact.id(layout.id()), layout),
        (seeded.0.id(seeded.1.id()), seeded.1),
        (secret.0.id(secret.1.id()), secret.1),
    ];
    let mut lines = String::new();
    for (id, layout) in ids {
        let packets = Packets::new(id, &layout).unwrap();
        let values = row(id.width);
        let measures = Summary { l1: 12.5, l2_squared: 6.25, max: 1.75, non_finite: 0, count: layout.len() };
        let bare = Sketch::from_parts(id, &values, measures).unwrap();
        for codec in Codec::ALL {
            for (sketch, measured) in [(bare, false), (bare.in_group(3).with_loss(0.75), true)] {
                let settings = PacketSettings { codec, l1: measured, max: measured };
                let mut bytes = vec![0; settings.most_bytes(id.width)];
                let written = packets.write(&sketch, settings, &mut bytes).unwrap();
                let name = format!("{} {} {}", id.kind as u8, id.width, codec.name());
                write!(lines, "{name}: ").unwrap();
                bytes[..written].iter().for_each(|byte| write!(lines, "{byte:02x}").unwrap());
                lines.push('\n');
            }
        }
    }
    lines
}

#[test]
fn the_published_packets_are_written_on_this_machine_too() {
    for (found, expected) in published().lines().zip(PUBLISHED.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(published().lines().count(), PUBLISHED.lines().count());
}

#[test]
#[ignore = "writes tests/golden/packets.hex anew: a change of the format"]
fn write_the_published_packets() {
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/packets.hex"), published()).unwrap();
}
