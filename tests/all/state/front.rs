//! A state is read from the front of a longer buffer, such as a flash page.

use super::*;

/// A page of flash: the state, and behind it what was there before.
fn page(state: &[u8], behind: &[u8]) -> Vec<u8> {
    [state, behind].concat()
}

/// What may be behind a state: erased flash, zeros, a byte, and leftovers of a state.
fn leftovers(state: &[u8]) -> [Vec<u8>; 4] {
    [vec![0xFF; 256], vec![0; 64], vec![7], state[state.len() / 2..].to_vec()]
}

#[test]
fn every_state_is_restored_from_the_front_of_a_longer_buffer() {
    macro_rules! check {
        ($name:expr, $state:expr, $fresh:expr) => {{
            let (bytes, mut fresh) = (bytes_of(&$state), $fresh);
            for behind in leftovers(&bytes) {
                let page = page(&bytes, &behind);
                assert_eq!(Header::read(&page).unwrap().len, bytes.len(), "{}", $name);
                fresh.restore(&page).unwrap();
                assert_eq!(bytes_of(&fresh), bytes, "{}", $name);
            }
        }};
    }
    for_each_state!(check);
}

#[test]
fn a_state_whose_end_is_missing_does_not_take_it_from_what_is_behind() {
    macro_rules! check {
        ($name:expr, $state:expr, $fresh:expr) => {{
            let (bytes, mut fresh) = (bytes_of(&$state), $fresh);
            let before = bytes_of(&fresh);
            for missing in [1, 4, 5, bytes.len() / 2] {
                // No byte is by chance the one that is missing at the end.
                let page = page(&bytes[..bytes.len() - missing], &[!bytes[bytes.len() - 1]; 4096]);
                let refused = fresh.restore(&page).unwrap_err();
                assert!(matches!(refused, Error::Corrupt | Error::Truncated { .. }), "{}: {refused}", $name);
                assert_eq!(bytes_of(&fresh), before, "{}", $name);
            }
        }};
    }
    for_each_state!(check);
}

#[test]
fn lengths_that_no_state_has_are_refused_whatever_is_behind() {
    let mut page = page(&bytes_of(&top_k(4)), &[0; 4096]);
    for (len, refused) in [
        (0, Error::Corrupt),
        (3, Error::Corrupt),
        (FRAME - 1, Error::Corrupt),
        (FRAME, Error::Corrupt),
        (page.len() + 1, Error::Truncated { expected: page.len() + 1, found: page.len() }),
        (usize::MAX, Error::Truncated { expected: usize::MAX, found: page.len() }),
    ] {
        page[16..24].copy_from_slice(&(len as u64).to_le_bytes());
        assert_eq!(top_k(4).restore(&page), Err(refused), "{len}");
        assert_eq!(Header::peek(&page).unwrap().len, len);
    }
}

#[test]
fn sketches_and_settings_are_read_from_the_front_too() {
    let row = rows(1, K);
    let sketch = sketch_of(&row);
    let mut bytes = vec![0xFF; 1000];
    sketch.to_bytes(&mut bytes).unwrap();
    let mut values = [0.0; K];
    assert_eq!(Sketch::from_bytes(&bytes, &mut values).unwrap().id, sketch.id);
    assert_eq!(values, *row);
    bytes.fill(0xFF);
    sketch.id.to_bytes(&mut bytes).unwrap();
    assert_eq!(SketchId::from_bytes(&bytes), Ok(sketch.id));
    bytes.fill(0xFF);
    Targets::new(sketch.id, &row).unwrap().to_bytes(&mut bytes).unwrap();
    assert_eq!(Targets::from_bytes(&bytes, &mut [0.0; K]).unwrap().solutions(), &row);

    let page_of = |state: &[u8]| page(state, &[0xFF; 100]);
    let sieve = Sieve::new(SIEVE, vec![0; SIEVE.memory().i64s]).unwrap();
    assert_eq!(SieveSettings::read(&page_of(&bytes_of(&sieve))), Ok(SIEVE));
    let direction = Direction::new(GROUPS, vec![0; GROUPS.memory().i64s]).unwrap();
    assert_eq!(DirectionSettings::read(&page_of(&bytes_of(&direction))), Ok(GROUPS));
    let mahalanobis = Mahalanobis::new(MAHALANOBIS, vec![0.0; MAHALANOBIS.memory().f64s]).unwrap();
    assert_eq!(MahalanobisSettings::read(&page_of(&bytes_of(&mahalanobis))), Ok(MAHALANOBIS));
    let worst = page_of(&bytes_of(&visits::<Worst, f16>()));
    assert_eq!(VisitsSettings::read(&worst), Ok((VISITS, 2)));
}
