#![allow(dead_code, reason = "each target uses a part of it")]
//! Input as bytes at rest: as it is, or with a frame that is good, so that what is in it
//! is read.

use gradsieve::state::{FRAME, HEADER, Header, State, crc32};

/// The input, and the input with magic, version, length, kind and CRC that fit.
pub fn framed<S: State>(input: &[u8]) -> [Vec<u8>; 2] {
    let mut good = input.to_vec();
    if good.len() < FRAME {
        good.resize(FRAME, 0);
    }
    let len = good.len();
    good[..8].copy_from_slice(b"gradsiev");
    good[8..10].copy_from_slice(&1_u16.to_le_bytes());
    good[10..12].copy_from_slice(&(S::KIND as u16).to_le_bytes());
    good[16..24].copy_from_slice(&(len as u64).to_le_bytes());
    assert!(len >= HEADER + 4);
    let sum = crc32(&good[..len - 4]);
    good[len - 4..].copy_from_slice(&sum.to_le_bytes());
    [input.to_vec(), good]
}

/// The state as bytes.
pub fn bytes_of(state: &impl State) -> Vec<u8> {
    let mut bytes = vec![0; state.len_at_rest()];
    assert_eq!(state.to_bytes(&mut bytes), Ok(bytes.len()));
    bytes
}

/// Reads the input. What is refused leaves the state as it was; what is taken is the same
/// when it is written and read again, and then used.
pub fn read<S: State>(input: &[u8], state: &mut S, use_it: impl Fn(&mut S)) {
    for input in framed::<S>(input) {
        let before = bytes_of(state);
        if state.carry_over(&input).is_ok() {
            state.restore(&before).expect("what was written is read");
        }
        assert_eq!(bytes_of(state), before);
        match state.restore(&input) {
            Err(_) => assert_eq!(bytes_of(state), before),
            Ok(()) => {
                let written = bytes_of(state);
                // What is behind a state is not looked at.
                assert_eq!(Header::peek(&input).expect("a state").len, written.len());
                state.restore(&written).expect("what was written is read");
                assert_eq!(bytes_of(state), written);
                use_it(state);
            }
        }
    }
}
