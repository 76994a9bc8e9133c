//! The published verdicts: the same bits on every target.

mod stream;

const PUBLISHED: &str = include_str!("../golden/verdicts.csv");

fn published() -> String {
    let mut lines = String::new();
    stream::write(&mut lines).unwrap();
    lines
}

#[test]
fn the_published_verdicts_are_reached_on_this_machine_too() {
    let found = published();
    for (found, expected) in found.lines().zip(PUBLISHED.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), PUBLISHED.lines().count());
}

#[test]
fn the_published_verdicts_have_every_reason_and_both_alarms() {
    let column = |column| PUBLISHED.lines().skip(1).map(move |line| line.split(',').nth(column).unwrap());
    let names = ["length", "direction", "loss", "shape", "short", "zero", "duplicate", "group", "non-finite"];
    for name in names {
        assert!(column(5).any(|reasons| reasons.split(' ').any(|reason| reason == name)), "{name}");
    }
    for name in ["change", "flood"] {
        assert!(column(6).any(|alarm| alarm == name), "{name}");
    }
}

#[test]
#[ignore = "writes tests/golden/verdicts.csv anew: a change of what a sieve says"]
fn write_the_published_verdicts() {
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/verdicts.csv"), published()).unwrap();
}
