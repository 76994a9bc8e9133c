//! Every level of this machine reproduces the published vectors, `tests/vectors/*.json`.

use gradsieve_kernels::Level;
use gradsieve_vectors::{FAMILIES, Family, Memory, check, write};

#[test]
fn every_level_of_this_machine_reproduces_the_published_vectors() {
    let mut memory = Box::new(Memory::new());
    for name in Level::NAMES {
        let Ok(level) = Level::named(name) else {
            eprintln!("skipped: this machine has no {name}");
            continue;
        };
        for family in &FAMILIES {
            let mut wrong = Vec::new();
            let all = check(family, level, &mut memory, |kernel, equal| {
                if !equal {
                    wrong.push(kernel.to_owned());
                }
            });
            assert!(all, "{name}: {}.json differs, in kernels {wrong:?}", family.name);
        }
    }
}

#[test]
fn one_wrong_digit_is_found_and_laid_at_the_right_kernel() {
    let mut memory = Box::new(Memory::new());
    for family in &FAMILIES {
        let mut text = String::new();
        write(family, Level::SCALAR, &mut memory, &mut text).unwrap();
        // The last hash is the last kernel's.
        let place = text.rfind("0x").unwrap() + 5;
        let digit = if &text[place..=place] == "0" { "1" } else { "0" };
        text.replace_range(place..=place, digit);
        let spoilt = Family { published: text.leak(), ..*family };
        let mut wrong = Vec::new();
        assert!(!check(&spoilt, Level::SCALAR, &mut memory, |kernel, equal| {
            if !equal {
                wrong.push(kernel.to_owned());
            }
        }));
        assert_eq!(wrong, [family.kernels.last().unwrap().name]);
    }
}
