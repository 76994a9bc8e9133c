//! States through writers and from readers: the feature `embedded-io`.

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use gradsieve::state::{ReadError, read_from, write_to};
use gradsieve::{
    Detector as _, Direction, DirectionSettings, Error, Exact, Layout, Projector as _, Sketch, State as _,
};
use proptest::prelude::*;

/// Takes and gives at most `most` bytes at a time, and fails after `room` of them.
struct Line {
    bytes: Vec<u8>,
    read: usize,
    most: usize,
    room: usize,
    longest: usize,
}

impl Line {
    fn new(bytes: Vec<u8>, most: usize, room: usize) -> Self {
        Self { bytes, read: 0, most, room, longest: 0 }
    }
}

impl ErrorType for Line {
    type Error = ErrorKind;
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.longest = self.longest.max(bytes.len());
        let taken = bytes.len().min(self.most).min(self.room - self.bytes.len());
        self.bytes.extend(&bytes[..taken]);
        if taken == 0 { Err(ErrorKind::Other) } else { Ok(taken) }
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Read for Line {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, ErrorKind> {
        if self.read >= self.room {
            return Err(ErrorKind::Other);
        }
        let taken = to.len().min(self.most).min(self.bytes.len().min(self.room) - self.read);
        to[..taken].copy_from_slice(&self.bytes[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}

const SETTINGS: DirectionSettings = DirectionSettings::new(2, 6);

fn state() -> Direction<Vec<i64>> {
    Direction::new(SETTINGS, vec![0; SETTINGS.memory().i64s]).unwrap()
}

fn observed(count: usize) -> Direction<Vec<i64>> {
    let mut direction = state();
    let id = Exact::new(6).id(Layout::flat(6).unwrap().id());
    for i in 0..count {
        let values: [f32; 6] = core::array::from_fn(|j| ((i * 5 + j * j) % 7) as f32 - 2.5);
        let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values)).unwrap();
        direction.observe(&sketch.in_group((i % 2) as u32)).unwrap();
    }
    direction
}

fn bytes_of(direction: &Direction<Vec<i64>>) -> Vec<u8> {
    let mut bytes = vec![0; direction.len_at_rest()];
    direction.to_bytes(&mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn what_is_written_in_pieces_are_the_bytes_of_the_whole(count in 0..20_usize, most in 1..90_usize) {
        let direction = observed(count);
        let expected = bytes_of(&direction);
        let mut line = Line::new(Vec::new(), most, usize::MAX);
        prop_assert_eq!(write_to(&direction, &mut line).unwrap(), expected.len());
        prop_assert_eq!(&line.bytes, &expected);
        prop_assert!(line.longest <= 64);
    }

    #[test]
    fn what_is_read_in_pieces_is_restored_and_what_follows_stays(most in 1..90_usize, more in 0..40_usize) {
        let expected = bytes_of(&observed(9));
        let mut line = Line::new([&expected[..], &vec![7; more]].concat(), most, usize::MAX);
        let mut memory = vec![0; SETTINGS.memory().bytes_at_rest + 3];
        let read = read_from(&mut line, &mut memory).unwrap();
        prop_assert_eq!(read, &expected[..]);
        prop_assert_eq!(line.read, expected.len());
        let mut other = state();
        other.restore(read).unwrap();
        prop_assert_eq!(bytes_of(&other), expected);
    }

    #[test]
    fn a_writer_that_fails_is_told_of(room in 0..2000_usize) {
        let direction = observed(3);
        let expected = bytes_of(&direction);
        let room = room % expected.len();
        let mut line = Line::new(Vec::new(), 17, room);
        prop_assert_eq!(write_to(&direction, &mut line), Err(ErrorKind::Other));
        prop_assert_eq!(line.bytes, &expected[..room]);
    }

    #[test]
    fn a_reader_that_ends_or_fails_is_told_of(cut in 0..2000_usize) {
        let mut bytes = bytes_of(&observed(3));
        let expected = bytes.len();
        let cut = cut % expected;
        let mut memory = vec![0; expected];
        let failed = read_from(&mut Line::new(bytes.clone(), 17, cut), &mut memory);
        prop_assert_eq!(failed, Err(ReadError::Reader(ErrorKind::Other)));
        bytes.truncate(cut);
        let ended = read_from(&mut Line::new(bytes, 17, usize::MAX), &mut memory);
        let expected = if cut < 64 { 68 } else { expected };
        prop_assert_eq!(ended, Err(ReadError::State(Error::Truncated { expected, found: cut })));
    }
}

#[test]
fn bytes_that_are_no_state_or_do_not_fit_are_refused_by_their_front() {
    let bytes = bytes_of(&observed(3));
    let expected = bytes.len();
    let mut memory = vec![0; expected - 1];
    let mut line = Line::new(bytes, 10, usize::MAX);
    let too_short = ReadError::State(Error::Length { expected, found: expected - 1 });
    assert_eq!(read_from(&mut line, &mut memory), Err(too_short));
    assert_eq!(line.read, 64);
    let mut line = Line::new(vec![1; 500], 10, usize::MAX);
    assert_eq!(read_from(&mut line, &mut memory), Err(ReadError::State(Error::Magic)));
    let mut memory = [0; 3];
    let too_short = ReadError::State(Error::Length { expected: 64, found: 3 });
    assert_eq!(read_from(&mut line, &mut memory), Err(too_short));
}
