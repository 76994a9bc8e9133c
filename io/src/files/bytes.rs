//! Bytes as they come from a reader, and the order of those of an element.

use std::io::{self, Read};

/// Reads until `bytes` is full or the input ends; how many bytes that was.
pub(super) fn read_full(reader: &mut (impl Read + ?Sized), bytes: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = bytes.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

/// Reverses the bytes of each element of `each` bytes.
pub(super) fn swap(bytes: &mut [u8], each: usize) {
    // Sizes known to the compiler, so that each loop becomes a shuffle.
    fn reverse<const N: usize>(bytes: &mut [u8]) {
        let (elements, _) = bytes.as_chunks_mut::<N>();
        elements.iter_mut().for_each(|element| element.reverse());
    }
    match each {
        2 => reverse::<2>(bytes),
        4 => reverse::<4>(bytes),
        8 => reverse::<8>(bytes),
        _ => {}
    }
}
