//! The hash itself; integers only.

use super::kernel;
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family};
use core::fmt;
use gradsieve_kernels::{Key, hash, spec};

/// What is published.
pub const FAMILY: Family = Family {
    name: "hash",
    published: include_str!("../../../vectors/hash.json"),
    kernels: &[
        kernel("mix", |by, case, _, record| match by {
            Answers::Spec => hashes(case, record, spec::hash::mix),
            Answers::Of(_) => hashes(case, record, hash::mix),
        }),
        kernel("key", |by, case, _, record| {
            record.input("stream", &[case.seed])?;
            match by {
                Answers::Spec => hashes(case, record, |word| spec::hash::key(word, case.seed)),
                Answers::Of(_) => hashes(case, record, |word| hash::key(word, case.seed)),
            }
        }),
        kernel("word", |by, case, _, record| {
            record.input("counter", &[case.seed])?;
            match by {
                Answers::Spec => hashes(case, record, |word| spec::hash::word(word, case.seed)),
                Answers::Of(_) => hashes(case, record, |word| hash::word(word, case.seed)),
            }
        }),
        kernel("secret", |by, case, _, record| {
            let words = [case.seed, hash::mix(case.seed)];
            record.input("key", &words)?;
            let key = Key::secret((u128::from(words[1]) << 64 | u128::from(words[0])).to_le_bytes());
            match by {
                Answers::Spec => hashes(case, record, |word| spec::hash::stream(key, word).word(word)),
                Answers::Of(_) => hashes(case, record, |word| key.stream(word).word(word)),
            }
        }),
        kernel("below", |by, case, _, record| {
            let below = 1 + case.seed % 1000;
            record.input("below", &[below])?;
            match by {
                Answers::Spec => hashes(case, record, |word| spec::hash::below(word >> 37, 27, below)),
                Answers::Of(_) => hashes(case, record, |word| hash::below(word >> 37, 27, below)),
            }
        }),
    ],
};

/// A function of 64 bits on the first words of the case's stream, at most 64 of them.
fn hashes(case: &Case, record: &mut Record<'_>, function: impl Fn(u64) -> u64) -> fmt::Result {
    let (mut words, mut answers) = ([0; 64], [0; 64]);
    let n = case.length.min(words.len());
    for (i, (word, answer)) in words.iter_mut().zip(&mut answers).enumerate() {
        *word = hash::word(case.seed, i as u64);
        *answer = function(*word);
    }
    record.input("words", words.get(..n).unwrap_or_default())?;
    record.answer("out", answers.get(..n).unwrap_or_default())
}
