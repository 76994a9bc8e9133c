//! The published vectors, `tests/vectors/*.json`.

use gradsieve_kernels::Level;
use gradsieve_vectors::{Answers, FAMILIES, Memory, check};

crate::claims! {
    the_published_vectors_are_reproduced
}

fn the_published_vectors_are_reproduced(level: Level) {
    let mut memory = Box::new(Memory::new());
    for family in &FAMILIES {
        let mut wrong = Vec::new();
        let all = check(family, Answers::Of(level), &mut memory, |kernel, equal| {
            if !equal {
                wrong.push(kernel.to_owned());
            }
        });
        assert!(all, "{}.json differs, in kernels {wrong:?}", family.name);
    }
}
