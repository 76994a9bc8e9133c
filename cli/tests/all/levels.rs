//! Claims about the choice of an instruction set by `GRADSIEVE_LEVEL`: it is honoured, it
//! changes no byte of any result, and a wish that cannot be met is refused.

use std::fs;
use std::process::Command as Process;

use assert_cmd::Command;
use gradsieve_io::files::{ArrayWriter, Destination, Dtype};
use gradsieve_kernels::{Key, Level};
use predicates::prelude::*;
use tempfile::TempDir;

/// The level of that name, or a word about its absence.
fn level_or_skip(name: &str) -> Option<Level> {
    let level = Level::named(name).ok();
    if level.is_none() {
        eprintln!("skipped: this machine has no {name}");
    }
    level
}

fn write(place: &TempDir, name: &str, rows: usize, columns: usize, dtype: Dtype) {
    let number = |i: usize| {
        let word = gradsieve_kernels::hash::mix((i + 1 + columns * name.len()) as u64);
        ((word >> 40) as f32 / (1 << 23) as f32 - 1.0) * (1 + word % 7) as f32
    };
    let values: Vec<f32> = (0..rows * columns).map(number).collect();
    let destination = Destination::Path(place.path().join(name));
    let mut writer = ArrayWriter::create(&destination, &[rows, columns], dtype).unwrap();
    writer.write(&values).unwrap();
    writer.finish().unwrap();
}

/// The program in a directory, with a wish.
fn program(place: &TempDir, level: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gradsieve"));
    command.current_dir(place.path()).env(Level::VARIABLE, level);
    command
}

/// The bytes of all that the commands write at a level: sketches, outlier scores,
/// influence, and what is printed.
fn results(place: &TempDir, level: &str) -> Vec<(&'static str, Vec<u8>)> {
    let commands = [
        "sketch train.npy -o out.npy --dim 512 --seed 7",
        "sketch half.npy -o out.npy --dim 512 --repeat 4",
        "sketch half.npy -o out.npy --dim 256 --repeat 2 --dtype f16",
        "outliers train.npy -o out.npy --detector l1",
        "outliers half.npy -o out.npy --detector l2",
        "outliers train.npy -o out.npy --detector self-influence --dim 64",
        "outliers train.npy -o out.npy --detector mahalanobis --dim 32",
        "outliers half.npy -o out.npy --detector forest --dim 64",
        "influence --train train.npy --target target.npy --method dot -o out.npy --dtype f64",
        "influence --train half.npy --target target.npy --method cosine --dim 128 -o out.npy",
        "influence --train train.npy --target target.npy --method ridge --dim 64 -o out.npy --dtype f64",
    ];
    let mut results = Vec::new();
    for line in commands {
        let output = program(place, level).args(line.split(' ')).assert().success().get_output().clone();
        results.push((line, [output.stdout, fs::read(place.path().join("out.npy")).unwrap()].concat()));
        fs::remove_file(place.path().join("out.npy")).unwrap();
    }
    results
}

#[test]
fn every_level_writes_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    // 4,801 columns: more than a tile, and a last block, register and lane that are not
    // full.
    write(&place, "train.npy", 60, 4801, Dtype::F32);
    write(&place, "half.npy", 50, 4801, Dtype::F16);
    write(&place, "target.npy", 3, 4801, Dtype::F32);
    let expected = results(&place, "scalar");
    for name in &Level::NAMES[1..] {
        let Some(level) = level_or_skip(name) else { continue };
        for ((line, found), (_, expected)) in results(&place, level.name()).iter().zip(&expected) {
            assert!(found == expected, "{name} and scalar differ: {line}");
        }
    }
}

#[test]
fn a_wish_that_cannot_be_met_is_refused_in_one_sentence() {
    let place = tempfile::tempdir().unwrap();
    write(&place, "train.npy", 4, 64, Dtype::F32);
    let absent = Level::NAMES.into_iter().filter(|name| Level::named(name).is_err());
    for wish in absent.chain(["avx1024", "AVX2", "scalar "]) {
        program(&place, wish)
            .args(["sketch", "train.npy", "-o", "out.npy"])
            .assert()
            .code(2)
            .stdout("")
            .stderr(
                predicate::str::starts_with("gradsieve: GRADSIEVE_LEVEL: expected one of scalar")
                    .and(predicate::str::ends_with(format!(", found {wish}\n")))
                    .and(predicate::str::contains("\n").count(1)),
            );
        assert!(!place.path().join("out.npy").exists());
    }
}

#[test]
fn an_empty_wish_is_none() {
    let place = tempfile::tempdir().unwrap();
    write(&place, "train.npy", 4, 64, Dtype::F32);
    program(&place, "").args(["info", "train.npy"]).assert().success();
}

/// Runs only as the child of the next test, which reads what it prints: a process
/// remembers its level.
#[test]
fn child_names_its_level() {
    println!("the level is {}.", Level::best().name());
}

#[test]
fn the_wish_is_the_level_that_kernels_take() {
    for level in Level::available() {
        let child = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", "levels::child_names_its_level", "--nocapture"])
            .env(Level::VARIABLE, level.name())
            .output()
            .unwrap();
        let said = String::from_utf8(child.stdout).unwrap();
        assert!(said.contains(&format!("the level is {}.", level.name())), "{said}");
    }
}

/// Runs only as the child of the next test: a number that depends on every bit of
/// factored sketches, sequences and ghost products.
#[test]
fn child_prints_its_factored_sketches() {
    use gradsieve::ghost::{self, LayerGradient};
    use gradsieve::{
        FactGrass, Factor, Layer, Logra, Part, Plan, Rademacher, Repeat, Sequence, Sjlt, Sketcher, Widths,
        f16,
    };
    let numbers = |seed: u64, n: usize| -> Vec<f32> {
        let word = |i| gradsieve_kernels::hash::word(seed, i) >> 40;
        (0..n as u64).map(|i| word(i) as f32 / (1 << 23) as f32 - 1.0).collect()
    };
    let layers = [0, 150 * 271, 2 * 150 * 271, 3 * 150 * 271].map(|offset| Layer::new(offset, 150, 271));
    let widths = Widths { outputs: 16, inputs: 48 };
    let kept = Widths { outputs: 140, inputs: 135 };
    let parts = [
        Part::new(layers[0], Logra::new(layers[0], widths, Factor::Rademacher, Key::seed(7)).unwrap()),
        Part::new(layers[1], FactGrass::new(layers[1], kept, 128, Key::seed(7), Repeat::Two).unwrap()),
        Part::new(layers[2], Sjlt::new(64, Key::seed(7), Repeat::One).unwrap()),
        Part::new(layers[3], Rademacher::new(48, Key::seed(7)).unwrap()),
    ];
    let plan = Plan::new(&parts).unwrap();
    let mut bits = 0;
    for positions in [1, 3] {
        let (a, b) = (numbers(1, 271 * positions), numbers(2, 150 * positions));
        let half: Vec<f16> = b.iter().copied().map(f16::from_f32).collect();
        let mut memory = vec![0.0; plan.width()];
        let mut sketcher = Sketcher::new(plan, plan.layout(), &mut memory).unwrap();
        for layer in &layers[1..] {
            sketcher.outer_sequence(layer, positions, &a, &half).unwrap();
        }
        sketcher.segment(0, &numbers(3, 150 * 271)).unwrap();
        let sketch = sketcher.finish().unwrap();
        let x = [LayerGradient::Linear(Sequence::new(&layers[0], positions, &a, &half).unwrap())];
        let (c, d) = (numbers(4, 271 * 200), numbers(5, 150 * 200).into_iter().map(f16::from_f32));
        let d: Vec<f16> = d.collect();
        let y = [LayerGradient::Linear(Sequence::new(&layers[0], 200, &c, &d).unwrap())];
        let products = [ghost::dot(&x, &y).unwrap(), ghost::dot(&y, &y).unwrap(), ghost::squared_norm(&x)];
        let products = products.into_iter().chain([sketch.measures.l2_squared]).map(f64::to_bits);
        for word in sketch.values.iter().map(|x| u64::from(x.to_bits())).chain(products) {
            bits = gradsieve_kernels::hash::mix(bits ^ word);
        }
    }
    println!("at {} the bits are {bits:016x}.", Level::best().name());
}

#[test]
fn factored_sketches_and_ghost_products_have_the_same_bits_on_every_level() {
    let found = |level: Level| {
        let child = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", "levels::child_prints_its_factored_sketches", "--nocapture"])
            .env(Level::VARIABLE, level.name())
            .output()
            .unwrap();
        let said = String::from_utf8(child.stdout).unwrap();
        let start = format!("at {} the bits are ", level.name());
        let bits = said.split_once(&start).and_then(|(_, rest)| rest.get(..16));
        bits.unwrap_or_else(|| panic!("{said}")).to_owned()
    };
    let expected = found(Level::SCALAR);
    for level in Level::available() {
        assert_eq!(found(level), expected, "{}", level.name());
    }
}
