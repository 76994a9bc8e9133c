//! `gradsieve clients`: a weight for each client of a round.

use std::fs;

use gradsieve_io::files::Dtype;
use serde_json::{Value, json};

use super::place::{Place, assert_close, noise};

const CLIENTS: usize = 11;
const HOSTILE: usize = 2;
const COLUMNS: usize = 96;
const RULES: &str = "krum,multi-krum,bulyan,geometric-median,dnc,fltrust,foolsgold,clip";

/// Updates near one direction; those of the first two clients point the other way, far.
fn updates() -> Vec<f32> {
    let (direction, own) = (noise(COLUMNS), noise(2 * CLIENTS * COLUMNS));
    let entry = |i: usize| {
        let sign = if i / COLUMNS < HOSTILE { -20.0 } else { 1.0 };
        sign * direction[i % COLUMNS] + 0.3 * own[CLIENTS * COLUMNS + i]
    };
    (0..CLIENTS * COLUMNS).map(entry).collect()
}

/// `updates.npy`, and `server.npy`, which the server trusts.
fn place() -> Place {
    let place = Place::new();
    place.write("updates.npy", &[CLIENTS, COLUMNS], Dtype::F32, &updates());
    place.write("server.npy", &[COLUMNS], Dtype::F32, &noise(COLUMNS));
    place
}

fn arguments<'a>(file: &'a str, rule: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["clients", file, "--rule", rule, "--hostile", "2"], more].concat()
}

fn weights(found: &Value) -> Vec<f64> {
    found["weights"].as_array().unwrap().iter().map(|weight| weight.as_f64().unwrap()).collect()
}

#[test]
fn json_has_the_rule_the_clients_those_kept_and_a_weight_for_each() {
    let place = place();
    let found = place.json(&arguments("updates.npy", "multi-krum", &["--json"]));
    assert_eq!(found["rule"], "multi-krum");
    assert_eq!((&found["clients"], &found["hostile"], &found["dim"]), (&json!(11), &json!(2), &json!(96)));
    assert_eq!(found["kept"], json!([2, 3, 4, 5, 6, 7, 8, 9, 10]));
    assert_eq!(found["non_finite"], json!([]));
    let expected: Vec<f64> = (0..CLIENTS).map(|row| if row < HOSTILE { 0.0 } else { 1.0 / 9.0 }).collect();
    assert_close(&weights(&found), &expected, |_| 1e-15);
}

#[test]
fn several_rules_say_what_each_says_alone() {
    let place = place();
    let server = ["--server", "server.npy", "--json"];
    let all = place.json(&arguments("updates.npy", RULES, &server));
    assert_eq!(all["clients"], json!(11));
    let of_all = all["rules"].as_array().unwrap();
    assert_eq!(of_all.len(), RULES.split(',').count());
    for (rule, found) in RULES.split(',').zip(of_all) {
        let more = if rule == "fltrust" { &server[..] } else { &["--json"] };
        assert_eq!(&place.json(&arguments("updates.npy", rule, more)), found);
        let sum: f64 = weights(found).iter().sum();
        if !["fltrust", "clip"].contains(&rule) {
            assert!((sum - 1.0).abs() < 1e-12, "{rule}: {sum}");
        }
        let hostile: f64 = weights(found)[..HOSTILE].iter().sum();
        // To foolsgold the honest are sybils too; bulyan's last picks are among few.
        let most = if ["foolsgold", "bulyan"].contains(&rule) { 0.15 } else { 0.02 };
        assert!(hostile < most, "{rule}: the hostile have {hostile}");
    }
}

#[test]
fn with_ids_the_order_of_the_rows_changes_no_bit() {
    let place = place();
    let turned: Vec<f32> = updates().chunks(COLUMNS).rev().flatten().copied().collect();
    place.write("turned.npy", &[CLIENTS, COLUMNS], Dtype::F32, &turned);
    let names: Vec<String> = (0..CLIENTS).map(|row| format!("client {}", (row * 7) % CLIENTS)).collect();
    let lines =
        |names: &mut dyn Iterator<Item = &String>| names.map(|name| format!("{name}\n")).collect::<String>();
    fs::write(place.path("names.txt"), lines(&mut names.iter())).unwrap();
    fs::write(place.path("turned.txt"), lines(&mut names.iter().rev())).unwrap();
    for rule in RULES.split(',') {
        let server = if rule == "fltrust" { &["--server", "server.npy"][..] } else { &[] };
        let weigh = |file: &str, ids: &str, to: &str| {
            let more = [server, &["--ids", ids, "--dim", "32", "--json", "--aggregate", to]].concat();
            place.json(&arguments(file, rule, &more))
        };
        let one = weigh("updates.npy", "names.txt", "one.npy");
        let other = weigh("turned.npy", "turned.txt", "other.npy");
        assert_eq!(one["ids"][1], json!("client 7"));
        let back: Vec<f64> = weights(&other).into_iter().rev().collect();
        assert_eq!(weights(&one), back, "{rule}");
        assert_eq!(fs::read(place.path("one.npy")).unwrap(), fs::read(place.path("other.npy")).unwrap());
    }
}

#[test]
fn the_aggregate_is_the_weighted_sum_of_whole_updates() {
    let place = place();
    let more = ["--dim", "32", "--json", "--server", "server.npy", "--aggregate", "sum.npy"];
    let found = place.json(&arguments("updates.npy", "fltrust", &more));
    let (weights, updates) = (weights(&found), updates());
    let sum = |column: usize| {
        (0..CLIENTS).map(|row| weights[row] * f64::from(updates[row * COLUMNS + column])).sum::<f64>()
    };
    let found: Vec<f64> = place.array::<f32>("sum.npy").into_iter().map(f64::from).collect();
    let expected: Vec<f64> = (0..COLUMNS).map(sum).collect();
    assert_close(&found, &expected, |column| expected[column].abs() * 1e-6);
}

#[test]
fn files_of_every_ending_hold_the_weights_that_are_printed() {
    let place = place();
    let printed = weights(&place.json(&arguments("updates.npy", "geometric-median", &["--json"])));
    let write = |to: &str| place.succeed(&arguments("updates.npy", "geometric-median", &["-o", to]));
    write("w.npy");
    // The reader of JSON here is a rounding off.
    let off = |row: usize| f64::EPSILON * printed[row];
    assert_close(&place.array::<f64>("w.npy"), &printed, off);
    write("w.json");
    let json: Value = serde_json::from_slice(&fs::read(place.path("w.json")).unwrap()).unwrap();
    assert_eq!(weights(&json), printed);
    write("w.csv");
    let table = fs::read_to_string(place.path("w.csv")).unwrap();
    assert!(table.starts_with("index,weight,kept\n0,"), "{table}");
    let column = |line: &str| line.split(',').nth(1).unwrap().parse().unwrap();
    assert_close(&table.lines().skip(1).map(column).collect::<Vec<f64>>(), &printed, off);
    place.succeed(&arguments("updates.npy", "krum,clip", &["-o", "two.npy"]));
    assert_eq!(place.shape("two.npy"), [CLIENTS as u64, 2]);
    let text = write("w.npy");
    assert!(text.starts_with("updates.npy: geometric-median keeps 11 of 11 clients\n"), "{text}");
}

#[test]
fn an_update_that_is_not_finite_has_no_weight_and_counts_as_hostile() {
    let place = place();
    let mut updates = updates();
    updates[4 * COLUMNS + 1] = f32::NAN;
    place.write("nan.npy", &[CLIENTS, COLUMNS], Dtype::F32, &updates);
    let output = place.run(&arguments("nan.npy", "dnc", &["--json", "--aggregate", "sum.npy"]));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["non_finite"], json!([4]));
    assert_eq!((&found["weights"][4], found["kept"].as_array().unwrap().len()), (&json!(0.0), 9));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "gradsieve: nan.npy: row 4 has NaN or infinite entries; the weight of such a client is 0, and it counts among the hostile\n"
    );
    assert!(place.array::<f32>("sum.npy").into_iter().all(f32::is_finite));
}

#[test]
fn a_store_of_sketches_has_the_weights_of_its_gradients() {
    let place = place();
    place.succeed(&["sketch", "updates.npy", "-o", "updates.store", "--dim", "32"]);
    for rule in ["dnc", "fltrust", "clip"] {
        let server = if rule == "fltrust" { &["--server", "server.npy", "--json"][..] } else { &["--json"] };
        let direct = place.json(&arguments("updates.npy", rule, &[server, &["--dim", "32"]].concat()));
        assert_eq!(place.json(&arguments("updates.store", rule, server)), direct);
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let place = place();
    place.write("two.npy", &[2, COLUMNS], Dtype::F32, &noise(2 * COLUMNS));
    fs::write(place.path("same.txt"), "a\n".repeat(CLIENTS)).unwrap();
    for (rest, sentence) in [
        ("--rule krum", "--hostile: expected how many clients may be hostile, for krum, found none"),
        (
            "--rule bulyan --hostile 3",
            "--rule: expected at least 15 finite updates for bulyan with 3 of 11 hostile, found 11",
        ),
        ("--rule dnc --hostile 40", "--hostile: expected below the number of clients, found 40 of 11"),
        ("--rule clip,clip", "--rule: expected each rule once, found clip twice"),
        (
            "--rule fltrust",
            "--rule: expected --server beside fltrust, an update that the server trusts, found none",
        ),
        ("--rule fltrust --server two.npy", "--server: expected one update, found 2 rows"),
        ("--rule clip --norm 0", "--norm: expected a finite number above 0, found 0"),
        (
            "--rule krum --hostile 2 --norm 1",
            "--norm: expected --rule clip, which alone looks at it, found krum",
        ),
        (
            "--rule multi-krum --hostile 2 --keep 12",
            "--keep: expected at least 1, and at most the clients whose updates are finite, found 12",
        ),
        (
            "--rule clip --ids same.txt",
            "--ids: expected an id of its own for each client, found a in rows 0 and 1",
        ),
        (
            "--rule clip,krum --hostile 2 --aggregate a.npy",
            "--aggregate: expected one rule, whose weights it has, found 2",
        ),
        (
            "--rule clip --aggregate a.txt",
            "--aggregate: expected a name that ends in .npy or .safetensors, found a.txt",
        ),
    ] {
        let arguments: Vec<&str> = ["clients", "updates.npy"].into_iter().chain(rest.split(' ')).collect();
        assert_eq!(place.fail(&arguments), sentence);
    }
    assert!(!place.files().contains(&"a.npy".to_owned()));
}
