//! `gradsieve influence` with names for rows, and tables for pairs.

use std::fs;

use gradsieve_io::files::Dtype;
use serde_json::{Value, json};

use super::place::{Place, noise};

const TRAINS: usize = 6;
const TARGETS: usize = 2;

/// `T.npy` and `V.npy`, and what their rows are called.
fn place() -> Place {
    let place = Place::new();
    place.write("T.npy", &[TRAINS, 8], Dtype::F32, &noise(TRAINS * 8));
    place.write("V.npy", &[TARGETS, 8], Dtype::F32, &noise(9 * 8)[7 * 8..]);
    fs::write(place.path("trains.txt"), "ant\nbee\ncat, black\ndog\nelk\nfox\n").unwrap();
    fs::write(place.path("targets.txt"), "yak\nzebu\n").unwrap();
    place
}

const DOT: [&str; 7] = ["influence", "--train", "T.npy", "--target", "V.npy", "--method", "dot"];
const IDS: [&str; 2] = ["--ids", "trains.txt"];
const TARGET_IDS: [&str; 2] = ["--target-ids", "targets.txt"];

#[test]
fn tables_hold_the_numbers_of_the_array() {
    let place = place();
    for dtype in ["f32", "f64"] {
        let write = |more: &[&str]| place.succeed(&[&DOT[..], &["--dtype", dtype], more].concat());
        write(&["-o", "all.npy"]);
        let all: Vec<f64> = match dtype {
            "f32" => place.array::<f32>("all.npy").into_iter().map(f64::from).collect(),
            _ => place.array("all.npy"),
        };
        write(&["-o", "all.csv"]);
        let table = fs::read_to_string(place.path("all.csv")).unwrap();
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("index,influence on 0,influence on 1"));
        for (row, line) in lines.enumerate() {
            let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            assert_eq!(cells[0], row as f64);
            for (cell, number) in cells[1..].iter().zip(&all[row * TARGETS..]) {
                // The shortest text that is this number in its type.
                assert!(if dtype == "f32" { *cell as f32 == *number as f32 } else { cell == number });
            }
        }
        assert_eq!(table.lines().count(), TRAINS + 1);
    }
}

#[test]
fn rows_and_columns_are_called_by_their_names() {
    let place = place();
    place.succeed(&[&DOT[..], &IDS, &TARGET_IDS, &["-o", "named.csv"]].concat());
    let table = fs::read_to_string(place.path("named.csv")).unwrap();
    assert!(table.starts_with("index,id,influence on yak,influence on zebu\n0,ant,"), "{table}");
    assert!(table.contains("\n2,\"cat, black\","), "{table}");
    place.succeed(&[&DOT[..], &IDS, &["-o", "named.json"]].concat());
    let rows: Value = serde_json::from_slice(&fs::read(place.path("named.json")).unwrap()).unwrap();
    assert_eq!((&rows[5]["id"], &rows[5]["index"]), (&json!("fox"), &json!(5)));
    assert!(rows[5]["influence on 1"].is_number());
    place.write("one.npy", &[8], Dtype::F32, &noise(8));
    let one = ["influence", "--train", "T.npy", "--target", "one.npy", "--method", "cosine", "-o", "one.csv"];
    place.succeed(&one);
    assert!(fs::read_to_string(place.path("one.csv")).unwrap().starts_with("index,influence\n0,1.0\n"));
}

#[test]
fn the_best_are_called_by_their_names() {
    let place = place();
    let top = [&DOT[..], &["--top", "2"]].concat();
    let plain = place.json(&[&top[..], &["--json"]].concat());
    let named = place.json(&[&top[..], &IDS, &TARGET_IDS, &["--json"]].concat());
    let names = ["ant", "bee", "cat, black", "dog", "elk", "fox"];
    for (target, name) in ["yak", "zebu"].into_iter().enumerate() {
        let [plain, named] = [&plain, &named].map(|report| &report["targets"][target]);
        assert_eq!((&named["id"], &plain["id"]), (&json!(name), &Value::Null));
        for side in ["proponents", "opponents"] {
            let pairs = plain[side].as_array().unwrap().iter().zip(named[side].as_array().unwrap());
            for (plain, named) in pairs {
                let index = plain["index"].as_u64().unwrap();
                assert_eq!((&named["index"], &named["id"]), (&plain["index"], &json!(names[index as usize])));
                assert_eq!(named["influence"], plain["influence"]);
            }
        }
    }
    let text = place.succeed(&[&top[..], &IDS, &TARGET_IDS].concat());
    assert!(text.contains("zebu") && !text.contains(" 1 "), "{text}");
}

#[test]
fn a_sample_that_is_not_finite_has_empty_cells_in_json_and_nan_in_csv() {
    let place = place();
    let mut trains = noise(TRAINS * 8);
    trains[8] = f32::NAN;
    place.write("T.npy", &[TRAINS, 8], Dtype::F32, &trains);
    place.succeed(&[&DOT[..], &["-o", "i.csv"]].concat());
    assert!(fs::read_to_string(place.path("i.csv")).unwrap().contains("\n1,NaN,NaN\n"));
    place.succeed(&[&DOT[..], &["-o", "i.json"]].concat());
    let rows: Value = serde_json::from_slice(&fs::read(place.path("i.json")).unwrap()).unwrap();
    assert_eq!(rows[1], json!({"index": 1, "influence on 0": null, "influence on 1": null}));
}

#[test]
fn names_that_nothing_says_and_tables_that_are_too_wide_are_refused() {
    let place = place();
    let fail = |more: &[&str]| place.fail(&[&DOT[..], more].concat());
    assert_eq!(
        fail(&[&IDS[..], &["-o", "i.npy"]].concat()),
        "--ids: expected --top or a table as --output, which say names, found neither"
    );
    assert_eq!(
        fail(&["-o", "i.txt"]),
        "--output: expected a name that ends in .npy, .safetensors, .csv, .parquet or .json, found i.txt"
    );
    assert_eq!(
        fail(&["--top", "1", "--ids", "targets.txt"]),
        "targets.txt: expected 6 entries, as many as T.npy has rows, found 2"
    );
    fs::rename(place.path("trains.txt"), place.path("trains.csv")).unwrap();
    assert!(fail(&["--ids", "trains.csv", "-o", "trains.csv"]).contains("trains.csv"));
    place.write("many.npy", &[4097, 8], Dtype::F32, &noise(4097 * 8));
    let many = ["influence", "--train", "T.npy", "--target", "many.npy", "--method", "dot", "-o", "i.csv"];
    assert_eq!(
        place.fail(&many),
        "--output: expected a .npy or .safetensors file for more than 4096 targets, which are columns of a table, found i.csv with 4097"
    );
    assert!(!place.files().contains(&"i.csv".to_owned()));
}
