//! Bytes that were cut, altered or forged, or belong to another state, are refused.

use super::*;

/// Every truncation and every altered byte is refused, and the state is as it was; then
/// the whole, from an address that nothing is aligned to, is taken and is the same again.
fn refuses_all_but_the_whole<S: State>(name: &str, bytes: &[u8], fresh: &mut S) {
    let before = bytes_of(fresh);
    for len in 0..bytes.len() {
        let found = fresh.restore(&bytes[..len]);
        assert!(
            matches!(found, Err(Error::Truncated { found, .. }) if found == len),
            "{name}, {len}: {found:?}"
        );
    }
    let mut altered = bytes.to_vec();
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xFF] {
            altered[at] ^= flip;
            let found = fresh.restore(&altered).unwrap_err();
            match at {
                0..8 => assert_eq!(found, Error::Magic),
                8..10 => assert!(matches!(found, Error::Version { .. })),
                16..24 => assert!(matches!(found, Error::Truncated { .. } | Error::Corrupt)),
                _ => assert_eq!(found, Error::Corrupt, "{name}, at {at}"),
            }
            altered[at] ^= flip;
        }
    }
    assert_eq!(bytes_of(fresh), before);
    for shift in 0..8 {
        let shifted = [vec![0; shift], bytes.to_vec()].concat();
        fresh.restore(&shifted[shift..]).unwrap();
        assert_eq!(bytes_of(fresh), bytes);
    }
    let header = Header::read(bytes).unwrap();
    assert_eq!((header.kind, header.sketch, header.len), (S::KIND as u16, fresh.sketch_id(), bytes.len()));
}

#[test]
fn bytes_that_were_cut_or_altered_are_refused_and_the_state_is_as_it_was() {
    macro_rules! check {
        ($name:expr, $state:expr, $fresh:expr) => {{
            let (bytes, mut fresh) = (bytes_of(&$state), $fresh);
            refuses_all_but_the_whole($name, &bytes, &mut fresh);
        }};
    }
    for_each_state!(check);
}

#[test]
fn bytes_of_another_kind_of_state_are_refused() {
    let other = {
        let mut bytes = vec![0; FRAME];
        id_of(K).to_bytes(&mut bytes).unwrap();
        bytes
    };
    macro_rules! check {
        ($name:expr, $state:expr, $fresh:expr) => {{
            assert_eq!($fresh.restore(&other), Err(Error::Mismatch(Field::State)));
            let bytes = bytes_of(&$state);
            assert_eq!(SketchId::from_bytes(&bytes), Err(Error::Mismatch(Field::State)), "{}", $name);
        }};
    }
    for_each_state!(check);
}

/// Writes a kind, or what sketches belong to, into bytes and makes their CRC good again.
fn forged(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + with.len()].copy_from_slice(with);
    let end = bytes.len() - 4;
    let sum = crc32(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&sum);
    bytes
}

#[test]
fn a_state_that_has_seen_sketches_takes_none_of_another_kind_and_says_in_what_they_differ() {
    let layout = (56, Field::Layout);
    let fields = [(24, Field::Kind), (25, Field::Repeat), (40, Field::Key), (48, Field::Settings), layout];
    // A seed is not a secret key of the same fingerprint.
    let fields = fields.into_iter().map(|(at, field)| (at, 2, field)).chain([(26, 1, Field::Key)]);
    macro_rules! check {
        ($name:expr, $state:expr, $fresh:expr) => {{
            let bytes = bytes_of(&$state);
            if $state.sketch_id().is_some() {
                for (at, byte, field) in fields.clone() {
                    let mut fresh = $fresh;
                    if fresh.sketch_id().is_some() {
                        // A record knows what it is of from the start.
                        let other = forged(&bytes, at, &[byte]);
                        assert_eq!(fresh.restore(&other), Err(Error::Mismatch(field)), "{}", $name);
                        continue;
                    }
                    let other = forged(&bytes, at, &[byte]);
                    // A new state cannot know better, but it knows what it holds from
                    // then on.
                    fresh.restore(&other).unwrap();
                    assert_eq!(fresh.restore(&bytes), Err(Error::Mismatch(field)), "{}", $name);
                    assert_eq!(bytes_of(&fresh), other);
                    let wide = forged(&other, 32, &[6]);
                    assert_eq!(fresh.restore(&wide), Err(Error::Mismatch(Field::Width)));
                }
            }
        }};
    }
    for_each_state!(check);
}

#[test]
fn bodies_that_do_not_fit_themselves_are_refused_whatever_their_crc() {
    macro_rules! check {
        ($name:expr, $state:expr, $fresh:expr) => {{
            let (bytes, mut fresh) = (bytes_of(&$state), $fresh);
            let before = bytes_of(&fresh);
            for len in FRAME..bytes.len() {
                let mut short = [&bytes[..len - 4], &[0; 4]].concat();
                short = forged(&short, 16, &(len as u64).to_le_bytes());
                let found = fresh.restore(&short);
                assert_eq!(found, Err(Error::Corrupt), "{}: {len} of {}", $name, bytes.len());
            }
            if $state.sketch_id().is_some() {
                let none = forged(&bytes, 24, &[255]);
                assert_eq!(fresh.restore(&none), Err(Error::Corrupt), "{}", $name);
                assert_eq!(fresh.restore(&forged(&bytes, 24, &[200])), Err(Error::Mismatch(Field::Kind)));
                assert_eq!(fresh.restore(&forged(&bytes, 25, &[3])), Err(Error::Mismatch(Field::Repeat)));
                assert_eq!(fresh.restore(&forged(&bytes, 26, &[2])), Err(Error::Mismatch(Field::Key)));
                let found = fresh.restore(&forged(&bytes, 32, &[6]));
                let is_refused = matches!(found, Err(Error::Corrupt | Error::Mismatch(Field::Width)));
                assert!(is_refused, "{}: {found:?}", $name);
            }
            // Whatever stands there, the state refuses it unharmed or takes it, and does
            // not panic.
            for at in FRAME - 4..bytes.len() - 4 {
                for value in [0, 1, 0xFF] {
                    let odd = forged(&bytes, at, &[value]);
                    if fresh.restore(&odd).is_ok() {
                        assert_eq!(bytes_of(&fresh).len(), odd.len());
                    }
                }
            }
            let mut fresh = $fresh;
            assert!(fresh.restore(&forged(&bytes, 10, &[0xFF; 2])).is_err());
            assert_eq!(bytes_of(&fresh), before);
        }};
    }
    for_each_state!(check);
}

#[test]
fn other_settings_are_refused() {
    let setting = Err(Error::Mismatch(Field::StateSettings));
    let width = Err(Error::Mismatch(Field::Width));
    let new = |damping, width| {
        let settings = SelfInfluenceSettings { damping, clip: None, ..SelfInfluenceSettings::new(width) };
        SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
    };
    let bytes = bytes_of(&new(0.1, 3));
    assert_eq!(new(0.2, 3).restore(&bytes), setting);
    assert_eq!(new(0.1, 4).restore(&bytes), width);
    let new = |shrinkage| {
        let settings = MahalanobisSettings { shrinkage, clip: None, ..MahalanobisSettings::new(3) };
        Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
    };
    assert_eq!(new(0.2).restore(&bytes_of(&new(0.1))), setting);

    let new = |centre, width| {
        let settings = MomentsSettings::new(centre, width);
        Moments::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
    };
    let bytes = bytes_of(&new(Centre::Zero, 3));
    assert_eq!(new(Centre::Mean, 3).restore(&bytes), setting);
    assert_eq!(new(Centre::Zero, 4).restore(&bytes), width);

    let new = |groups, width: usize| {
        let settings = DirectionSettings::new(groups, width);
        Direction::new(settings, vec![0; settings.memory().i64s]).unwrap()
    };
    let bytes = bytes_of(&new(3, 4));
    assert_eq!(new(4, 4).restore(&bytes), setting);
    assert_eq!(new(3, 4).restore(&bytes), Ok(()));
    assert_eq!(new(3, 3).restore(&bytes), width);

    let new = |settings: ForestSettings| {
        let memory = settings.memory();
        Forest::new(settings, vec![Node::EMPTY; memory.others], vec![0.0; memory.f32s]).unwrap()
    };
    assert_eq!(new(ForestSettings { seed: 10, ..FOREST }).restore(&bytes_of(&new(FOREST))), setting);
    let mut grown = new(FOREST);
    grown.grow(id_of(K), &rows(4, K)).unwrap();
    assert_eq!(new(ForestSettings { width: 4, ..FOREST }).restore(&bytes_of(&grown)), width);

    assert_eq!(top_k(4).restore(&bytes_of(&top_k(3))), setting);

    let (one, other) = ([2, 3], [1, 3]);
    let (one, other) = (Blocks::new(&one).unwrap(), Blocks::new(&other).unwrap());
    let (mut a, mut b) = ([0.0; 8], [0.0; 8]);
    let bytes = bytes_of(
        &Adjoint::new(AdjointSettings { blocks: one, targets: 1, rows: 1 }, id_of(3), &[1.0; 3], &mut a[..5])
            .unwrap(),
    );
    let mut restore = |blocks, targets: &[f32]| {
        let settings = AdjointSettings { blocks, targets: targets.len() / 3, rows: 0 };
        let memory = &mut b[..settings.memory().f32s];
        Adjoint::new(settings, id_of(3), targets, memory).unwrap().restore(&bytes)
    };
    assert_eq!(restore(other, &[1.0; 3]), setting);
    assert_eq!(restore(one, &[1.0; 6]), setting);
    // Room for rows is the machine's own matter.
    assert_eq!(restore(one, &[1.0; 3]), Ok(()));

    let mut memory = ([0.0; 30], [0.0; 30]);
    let mut arnoldi = |settings: ArnoldiSettings, bytes: Option<&[u8]>| {
        let floats = &mut memory.0[..settings.memory().f32s];
        let doubles = &mut memory.1[..settings.memory().f64s];
        let mut state = Arnoldi::new(settings, id_of(K), floats, doubles).unwrap();
        (bytes_of(&state), bytes.map(|bytes| state.restore(bytes)))
    };
    let (bytes, _) = arnoldi(KRYLOV, None);
    for settings in [
        ArnoldiSettings { products: 4, ..KRYLOV },
        ArnoldiSettings { keep: 1, ..KRYLOV },
        ArnoldiSettings { seed: 9, ..KRYLOV },
    ] {
        assert_eq!(arnoldi(settings, Some(&bytes)).1, Some(setting));
    }

    let mut a = [0.0; 64];
    let mut gif = |damping, indices: &[usize], width, bytes: Option<&[u8]>| {
        let settings = GifSettings { width, indices, damping };
        let mut state = Gif::new(settings, &mut a[..settings.memory().f64s]).unwrap();
        (bytes_of(&state), bytes.map(|bytes| state.restore(bytes)))
    };
    let (bytes, _) = gif(0.5, &[1, 2], 3, None);
    for (damping, indices) in [(0.25, &[1, 2][..]), (0.5, &[0, 2]), (0.5, &[1])] {
        assert_eq!(gif(damping, indices, 3, Some(&bytes)).1, Some(setting));
    }
    assert_eq!(gif(0.5, &[1, 2], 4, Some(&bytes)).1, Some(width));

    let mut floats = vec![0.0; 200];
    let mut ekfac = |damping, inputs, outputs, bytes: Option<&[u8]>| {
        let settings = EkfacSettings { inputs, outputs, damping };
        let memory = &mut floats[..settings.memory().f32s];
        let mut state = Ekfac::new(settings, memory).unwrap();
        (bytes_of(&state), bytes.map(|bytes| state.restore(bytes)))
    };
    let (bytes, _) = ekfac(0.5, 2, 3, None);
    assert_eq!(ekfac(0.25, 2, 3, Some(&bytes)).1, Some(setting));
    assert_eq!(ekfac(0.5, 3, 3, Some(&bytes)).1, Some(width));
    assert_eq!(ekfac(0.5, 2, 2, Some(&bytes)).1, Some(width));

    let bytes = bytes_of(&filled(Codec::F16, 3, &rows(17, 3)));
    let restore = |codec, width| store_of(codec, width, 16).restore(&bytes);
    assert_eq!(restore(Codec::Bf16, 3), Err(Error::Mismatch(Field::Codec)));
    assert_eq!(restore(Codec::F16, 4), width);
    assert_eq!(restore(Codec::F16, 3), Err(Error::Full { capacity: 16 }));
    let bytes = bytes_of(&reservoir_of(SAMPLE));
    assert_eq!(reservoir_of(ReservoirSettings { seed: 2, ..SAMPLE }).restore(&bytes), setting);
}

#[test]
fn bodies_that_no_walk_or_pass_leaves_behind_are_refused() {
    let at = |bytes: &[u8], place: usize, value: u8| forged(bytes, FRAME - 4 + place, &[value]);
    macro_rules! check {
        ($name:expr, $state:expr, $fresh:expr) => {{
            let bytes = bytes_of(&$state);
            // Places in the body, and what cannot stand there.
            let name: &str = $name;
            let odd: &[(usize, u8)] = match name {
                // The highest byte of a target's first number, and the one below: an
                // infinity or a NaN.
                "adjoint" => &[(40 + 2, 0xFF)],
                // Nothing closed can be observed, nor kept what is not fitted; no space
                // is empty, or larger than its room.
                "arnoldi, in a product" => &[(24, 1), (25, 1), (32, 0), (32, 4), (48, 1), (48, 2)],
                "arnoldi, fitted" => &[(24, 0), (25, 0), (32, 0), (32, 4), (40, 1), (48, 0), (48, 3)],
                "ek-fac" => &[(32, 1), (40, 1), (4, 1)],
                "ek-fac, in a sample" => &[(4, 0), (24, 0)],
                _ => &[],
            };
            let before = bytes_of(&$fresh);
            for &(place, value) in odd {
                let mut fresh = $fresh;
                let mut odd = at(&bytes, place, value);
                if name == "adjoint" {
                    odd = at(&odd, place + 1, 0x7F);
                }
                assert_eq!(fresh.restore(&odd), Err(Error::Corrupt), "{name}: {value} at {place}");
                assert_eq!(bytes_of(&fresh), before);
            }
        }};
    }
    for_each_state!(check);
}

/// What bytes say of settings is believed as far as there are bytes for it.
#[test]
fn settings_are_read_as_they_were_written_and_forged_ones_are_refused() {
    macro_rules! check {
        ($bytes:expr, $settings:expr, $read:expr) => {{
            let bytes: Vec<u8> = $bytes;
            assert_eq!($read(&bytes), Ok($settings));
            let len = bytes.len();
            for at in HEADER..(len - 4).min(HEADER + 96) {
                for flip in [1, 0x40, 0x80, 0xFF] {
                    match $read(&forged(&bytes, at, &[bytes[at] ^ flip])) {
                        Ok(found) => assert!(found.memory().bytes_at_rest <= 2 * len, "{at}: {found:?}"),
                        Err(error) => assert_eq!(error, Error::Corrupt, "{at}"),
                    }
                }
            }
            let other = forged(&bytes, 10, &[StateKind::TopK as u8]);
            assert_eq!($read(&other).unwrap_err(), Error::Mismatch(Field::State));
        }};
    }
    let direction = Direction::new(GROUPS, vec![0; GROUPS.memory().i64s]).unwrap();
    check!(bytes_of(&direction), GROUPS, DirectionSettings::read);
    let sieve = Sieve::new(SIEVE, vec![0; SIEVE.memory().i64s]).unwrap();
    check!(bytes_of(&sieve), SIEVE, SieveSettings::read);
    let rows = rows(20, K);
    let mut moments = Mahalanobis::new(MAHALANOBIS, vec![0.0; MAHALANOBIS.memory().f64s]).unwrap();
    check!(bytes_of(&moments), MAHALANOBIS, MahalanobisSettings::read);
    rows.chunks(K).for_each(|row| moments.observe(&sketch_of(row)).unwrap());
    moments.fit().unwrap();
    check!(bytes_of(&moments), MAHALANOBIS, MahalanobisSettings::read);
    let settings = SelfInfluenceSettings { half_life: Some(64), ..SELF_INFLUENCE };
    let forgets = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    check!(bytes_of(&forgets), settings, SelfInfluenceSettings::read);
}
