//! The published vectors, `tests/vectors/*.json`, are the definition's own output, and a
//! wrong digit in them is found.

use gradsieve_vectors::{Answers, FAMILIES, Family, Memory, check, write};

#[test]
fn the_published_vectors_are_those_of_the_definition() {
    let mut memory = Box::new(Memory::new());
    for family in &FAMILIES {
        let mut text = String::new();
        write(family, Answers::Spec, &mut memory, &mut text).unwrap();
        assert!(text == family.published, "{}.json differs", family.name);
    }
}

#[test]
fn one_wrong_digit_is_found_and_laid_at_the_right_kernel() {
    let mut memory = Box::new(Memory::new());
    for family in &FAMILIES {
        let mut text = String::new();
        write(family, Answers::Spec, &mut memory, &mut text).unwrap();
        // The last hash is the last kernel's.
        let place = text.rfind("0x").unwrap() + 5;
        let digit = if &text[place..=place] == "0" { "1" } else { "0" };
        text.replace_range(place..=place, digit);
        let spoilt = Family { published: &text, ..*family };
        let mut wrong = Vec::new();
        assert!(!check(&spoilt, Answers::Spec, &mut memory, |kernel, equal| {
            if !equal {
                wrong.push(kernel.to_owned());
            }
        }));
        assert_eq!(wrong, [family.kernels.last().unwrap().name]);
    }
}
