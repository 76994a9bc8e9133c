//! `gradsieve sieve`: the core's verdicts, row by row, and states that go on.

use std::fs;

use gradsieve::{Groups, Key, Layout, Projector as _, Repeat, Sieve, SieveSettings, Sjlt, Sketch};
use gradsieve_io::files::Dtype;
use serde_json::{Value, json};

use super::place::{Place, noise, sketch};

const ROWS: usize = 600;
const COLUMNS: usize = 100;

/// A stream of three classes with losses, some of whose gradients point away: the rows,
/// the labels and the losses.
fn stream() -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let directions = noise(3 * COLUMNS);
    let others = noise(4 * ROWS * COLUMNS);
    let losses: Vec<f32> = noise(ROWS).iter().map(|x| 0.01 + x.abs()).collect();
    let labels: Vec<f32> = (0..ROWS).map(|row| (row * 7 % 3) as f32).collect();
    let rows = (0..ROWS).flat_map(|row| {
        let scale = losses[row] * if row >= 100 && row % 29 == 0 { -4.0 } else { 1.0 };
        let direction = &directions[labels[row] as usize * COLUMNS..][..COLUMNS];
        let other = &others[3 * row * COLUMNS..][..COLUMNS];
        direction.iter().zip(other).map(move |(x, y)| scale * (x + 0.7 * y)).collect::<Vec<f32>>()
    });
    let mut rows: Vec<f32> = rows.collect();
    rows[250 * COLUMNS + 3] = f32::NAN;
    rows[300 * COLUMNS..][..COLUMNS].fill(0.0);
    (rows, labels, losses)
}

/// The stream as files: all of it, and its parts before and after `cut`.
fn place(cut: usize) -> Place {
    let place = Place::new();
    let (rows, labels, losses) = stream();
    for (part, from, to) in [("", 0, ROWS), ("1", 0, cut), ("2", cut, ROWS)] {
        let write = |name: &str, shape: &[usize], values: &[f32]| {
            place.write(&format!("{name}{part}.npy"), shape, Dtype::F32, values);
        };
        write("g", &[to - from, COLUMNS], &rows[from * COLUMNS..to * COLUMNS]);
        write("y", &[to - from], &labels[from..to]);
        write("l", &[to - from], &losses[from..to]);
    }
    place
}

/// The lines of a table of verdicts, without the row's number.
fn verdicts(place: &Place, name: &str) -> Vec<String> {
    let text = fs::read_to_string(place.path(name)).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    assert_eq!(header, "index,p,score,flagged,reasons");
    let line = |(row, line): (usize, &str)| {
        let (index, verdict) = line.split_once(',').unwrap();
        assert_eq!(index, row.to_string());
        verdict.to_owned()
    };
    lines.lines().enumerate().map(line).collect()
}

#[test]
fn json_has_the_verdicts_of_the_table() {
    let place = place(300);
    for name in ["v.csv", "v.json"] {
        place.succeed(&["sieve", "g.npy", "--groups", "y.npy", "--loss", "l.npy", "-o", name]);
    }
    let text = fs::read_to_string(place.path("v.json")).unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let lines = verdicts(&place, "v.csv");
    assert_eq!(rows.len(), lines.len());
    for (index, (row, line)) in rows.iter().zip(&lines).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(row["index"], index);
        assert_eq!(row["p"].as_f64().unwrap() as f32, cells[0].parse::<f32>().unwrap());
        assert_eq!(
            (row["flagged"].to_string().as_str(), row["reasons"].as_str()),
            (cells[2], Some(cells[3]))
        );
    }
}

#[test]
fn samples_are_called_by_their_ids() {
    let place = place(ROWS);
    let names: String = (0..ROWS).map(|row| format!("sample {row}\n")).collect();
    fs::write(place.path("names.txt"), names).unwrap();
    let plain = place.json(&["sieve", "g.npy", "--json"]);
    let named = place.json(&["sieve", "g.npy", "--ids", "names.txt", "-o", "v.csv", "--json"]);
    let flagged = flagged_of(&named);
    assert!(flagged.len() > 3 && flagged.len() == flagged_of(&plain).len());
    for (one, other) in flagged.iter().zip(flagged_of(&plain)) {
        assert_eq!(one["id"], json!(format!("sample {}", index(one))));
        assert_eq!((&one["index"], &one["p"], other.get("id")), (&other["index"], &other["p"], None));
    }
    let table = fs::read_to_string(place.path("v.csv")).unwrap();
    assert!(table.starts_with("index,id,p,score,flagged,reasons\n0,sample 0,"), "{table}");
    let text = place.succeed(&["sieve", "g.npy", "--ids", "names.txt", "--top", "2"]);
    assert_eq!(text.lines().filter(|line| line.contains("sample ") && !line.contains(':')).count(), 3);
    let text = place.succeed(&["sieve", "g.npy", "--top", "0"]);
    assert!(text.contains("reasons: ") && !text.contains("score"), "{text}");
}

#[test]
fn verdicts_of_a_file_are_those_of_the_core_on_its_sketches() {
    let place = place(300);
    let report =
        place.json(&["sieve", "g.npy", "--groups", "y.npy", "--loss", "l.npy", "-o", "v.csv", "--json"]);
    place.succeed(&["sieve", "g.npy", "--groups", "y.npy", "--loss", "l.npy", "-o", "v.npy"]);
    let (lines, array) = (verdicts(&place, "v.csv"), place.array::<f32>("v.npy"));
    assert_eq!((lines.len(), place.shape("v.npy")), (ROWS, vec![ROWS as u64, 3]));

    let settings = SieveSettings { groups: Groups::Growing(3), ..SieveSettings::new(64) };
    let mut sieve = Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap();
    let projector = Sjlt::new(64, Key::seed(0), Repeat::One).unwrap();
    let id = projector.id(Layout::flat(COLUMNS as u64).unwrap().id());
    let (rows, labels, losses) = stream();
    let (mut flagged, mut alarms) = (Vec::new(), Vec::new());
    for (row, gradient) in rows.chunks(COLUMNS).enumerate() {
        let (values, measures) = sketch(projector, gradient);
        let sketch = Sketch::from_parts(id, &values, measures).unwrap();
        let sketch = sketch.in_group(labels[row] as u32).with_loss(losses[row]);
        let verdict = sieve.judge(&sketch).unwrap();
        if let Some(alarm) = sieve.observe(&sketch, &verdict).unwrap() {
            alarms.push(json!({"index": row, "kind": alarm.name()}));
        }
        if verdict.flagged {
            flagged.push(row);
        }
        let of_array = [verdict.p, verdict.score, f32::from(u8::from(verdict.flagged))];
        assert_eq!(array[3 * row..][..3], of_array);
        let cells: Vec<&str> = lines[row].split(',').collect();
        assert_eq!(cells[..2].iter().map(|cell| cell.parse().unwrap()).collect::<Vec<f32>>(), of_array[..2]);
        assert_eq!(cells[2..], [verdict.flagged.to_string(), verdict.reasons.to_string()]);
    }
    assert!(flagged.len() >= 5, "{flagged:?}");
    let indices: Vec<usize> = flagged_of(&report).iter().map(index).collect();
    assert_eq!(indices, flagged);
    assert_eq!(report["alarms"], Value::Array(alarms));
}

fn flagged_of(report: &Value) -> &[Value] {
    report["flagged"].as_array().unwrap()
}

fn index(flagged: &Value) -> usize {
    flagged["index"].as_u64().unwrap() as usize
}

#[test]
fn json_has_reasons_as_names_and_the_bytes_of_the_state_that_is_saved() {
    let place = place(300);
    let arguments = ["sieve", "g.npy", "--groups", "y.npy", "--save-state", "s.state", "--half-life", "500"];
    let report = place.json(&[&arguments[..], &["--json", "--false-alarms", "0.05"]].concat());
    assert_eq!(
        (&report["rows"], &report["half_life"], &report["dim"]),
        (&json!(ROWS), &json!(500), &json!(64))
    );
    assert_eq!(report["state_bytes"], json!(fs::metadata(place.path("s.state")).unwrap().len()));
    assert_eq!((&report["non_finite"], &report["health"]), (&json!([250]), &json!("ready")));
    let share = report["false_alarms"].as_f64().unwrap();
    assert!((share - 0.05).abs() < 1e-8 && report.get("false_discoveries").is_none());
    let of = |row| flagged_of(&report).iter().find(|one| index(one) == row).unwrap();
    assert_eq!((&of(250)["reasons"], &of(250)["p"]), (&json!(["non-finite"]), &json!(0.0)));
    assert!(of(300)["reasons"].as_array().unwrap().contains(&json!("zero")));
    let text = place.succeed(&arguments);
    assert!(text.starts_with("g.npy: ") && text.contains("\nreasons: "), "{text}");
}

#[test]
fn a_stream_in_parts_has_the_verdicts_and_the_state_of_one_run_over_all() {
    for (cut, options) in
        [(300, &["--half-life", "150"][..]), (70, &[]), (251, &["--false-discoveries", "0.2"])]
    {
        let place = place(cut);
        let run = |part: &str, more: &[&str]| {
            let [g, y, l, v] = ["g", "y", "l"]
                .map(|name| format!("{name}{part}.npy"))
                .into_iter()
                .chain([format!("v{part}.csv")])
                .collect::<Vec<_>>()
                .try_into()
                .unwrap();
            place.succeed(&[&["sieve", &g, "--groups", &y, "--loss", &l, "-o", &v], more].concat());
        };
        run("", &[options, &["--save-state", "all.state"]].concat());
        run("1", &[options, &["--save-state", "part.state"]].concat());
        // The state brings its settings.
        run("2", &["--state", "part.state", "--save-state", "part.state"]);
        let parts = [verdicts(&place, "v1.csv"), verdicts(&place, "v2.csv")].concat();
        assert_eq!(parts, verdicts(&place, "v.csv"));
        let [all, part] = ["all.state", "part.state"].map(|name| fs::read(place.path(name)).unwrap());
        assert_eq!(all, part);
    }
}

#[test]
fn groups_do_not_depend_on_the_part_that_they_stand_in() {
    let place = place(300);
    let (_, labels, _) = stream();
    // Part 2 begins with a label that part 1 does not have, and lacks one that it has.
    let name = |row: usize| match (labels[row] as u32, row < 300) {
        (0, _) => "-7",
        (1, true) => "3",
        (1, false) => "900",
        _ => "4294967296",
    };
    let write = |file: &str, rows: std::ops::Range<usize>| {
        let lines: String = rows.map(|row| format!("{}\n", name(row))).collect();
        fs::write(place.path(file), lines).unwrap();
    };
    write("y.txt", 0..ROWS);
    write("y1.txt", 0..300);
    write("y2.txt", 300..ROWS);
    place.succeed(&["sieve", "g.npy", "--groups", "y.txt", "-o", "v.csv"]);
    let first = ["sieve", "g1.npy", "--groups", "y1.txt", "--max-groups", "4", "-o", "v1.csv"];
    place.succeed(&[&first[..], &["--save-state", "s.state"]].concat());
    place.succeed(&["sieve", "g2.npy", "--groups", "y2.txt", "--state", "s.state", "-o", "v2.csv"]);
    assert_eq!([verdicts(&place, "v1.csv"), verdicts(&place, "v2.csv")].concat(), verdicts(&place, "v.csv"));
}

#[test]
fn samples_of_groups_beyond_the_most_are_judged_without_a_direction_and_say_so() {
    let place = place(300);
    place.succeed(&["sieve", "g.npy", "--groups", "y.npy", "--max-groups", "2", "-o", "v.csv"]);
    let lines = verdicts(&place, "v.csv");
    let (_, labels, _) = stream();
    for (row, line) in lines.iter().enumerate().skip(10).filter(|(row, _)| *row != 250) {
        // Labels come as 0, 1, 2.
        assert_eq!(line.ends_with("group"), labels[row] == 2.0, "{row} {line}");
    }
}

#[test]
fn sketches_and_stores_have_the_verdicts_of_their_gradients() {
    let place = place(300);
    let run = |grads: &str, more: &[&str]| {
        place.succeed(
            &[&["sieve", grads, "--groups", "y.npy", "--loss", "l.npy", "-o", "v.csv"], more].concat(),
        );
        verdicts(&place, "v.csv")
    };
    let expected = run("g.npy", &["--seed", "5"]);
    for file in ["s.npy", "s.safetensors", "s.store"] {
        place.succeed(&["sketch", "g.npy", "-o", file, "--dim", "64", "--seed", "5"]);
        assert_eq!(run(file, &[]), expected, "{file}");
    }
    for (part, rows) in [("1", 0..300), ("2", 300..ROWS)] {
        let (values, _, _) = stream();
        let values = &values[rows.start * COLUMNS..rows.end * COLUMNS];
        place.write(&format!("shard-{part}.npy"), &[rows.len(), COLUMNS], Dtype::F32, values);
    }
    assert_eq!(run("shard-*.npy", &["--seed", "5"]), expected);
}

#[test]
fn gradients_of_few_columns_are_taken_as_they_are() {
    let place = Place::new();
    place.write("g.npy", &[200, 30], Dtype::F32, &noise(200 * 30));
    let report = place.json(&["sieve", "g.npy", "--json"]);
    assert_eq!(report["dim"], json!(30));
    let refusal = place.fail(&["sieve", "g.npy", "--seed", "3"]);
    assert_eq!(refusal, "--seed: expected --dim beside it, the numbers to project to, found none");
}

#[test]
fn losses_that_are_none_mark_their_samples_and_negative_ones_are_refused() {
    let place = place(300);
    let (_, _, mut losses) = stream();
    (losses[7], losses[9]) = (f32::NAN, f32::INFINITY);
    place.write("l.npy", &[ROWS], Dtype::F32, &losses);
    let output = place.run(&["sieve", "g.npy", "--loss", "l.npy", "--json"]);
    let remarks = String::from_utf8(output.stderr).unwrap();
    assert!(remarks.contains("l.npy: 2 rows have NaN or infinite entries: 7, 9; flagged"), "{remarks}");
    assert!(remarks.contains("g.npy: row 250 has NaN or infinite entries; flagged"), "{remarks}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["non_finite"], json!([7, 9, 250]));
    assert_eq!(flagged_of(&report)[0]["reasons"], json!(["non-finite"]));
    losses[11] = -0.5;
    place.write("l.npy", &[ROWS], Dtype::F32, &losses);
    assert_eq!(
        place.fail(&["sieve", "g.npy", "--loss", "l.npy"]),
        "l.npy: expected losses from 0 on, within the range of f32, found -0.500000 in row 11"
    );
}

#[test]
fn gradients_of_which_none_is_finite_stop_nothing() {
    let place = Place::new();
    place.write("g.npy", &[20, 3], Dtype::F32, &[f32::NAN; 60]);
    let report = place.json(&["sieve", "g.npy", "--json"]);
    assert_eq!(flagged_of(&report).len(), 20);
}

#[test]
fn what_is_out_of_range_or_does_not_fit_is_refused_by_name() {
    let place = place(300);
    place.succeed(&["sieve", "g.npy", "--groups", "y.npy", "--save-state", "s.state"]);
    place.succeed(&["sieve", "g.npy", "--save-state", "one.state"]);
    fs::write(place.path("g.state"), "no state at all").unwrap();
    let cut = fs::read(place.path("s.state")).unwrap();
    fs::write(place.path("cut.state"), &cut[..cut.len() / 2]).unwrap();
    let share = "expected above 0 and below 1, found";
    let groups = ["--groups", "y.npy", "--state", "s.state"];
    let cases: [(&[&str], &str); 24] = [
        (&["--false-alarms", "0"], &format!("--false-alarms: {share} 0")),
        (&["--false-alarms", "nan"], &format!("--false-alarms: {share} NaN")),
        (&["--false-discoveries", "1"], &format!("--false-discoveries: {share} 1")),
        (&["--change", "-1"], &format!("--change: {share} -1")),
        (&["--half-life", "15"], "--half-life: expected from 16 to 2^22 samples, or none, found 15"),
        (&["--warm-up", "3"], "--warm-up: expected at least 16 samples, found 3"),
        (&["--guards", "none,zero"], "--guards: expected all or none alone"),
        (&["--max-groups", "0", "--groups", "y.npy"], "--max-groups: expected at least 1, found 0"),
        (&["--max-groups", "3"], "--max-groups: expected --groups beside it"),
        (&["--loss-kind", "squared"], "--loss-kind: expected --loss beside it"),
        (&["--loss", "l1.npy"], "l1.npy: expected 600 entries, as many as g.npy has rows, found 300"),
        (&["--groups", "y1.npy"], "y1.npy: expected 600 entries, as many as g.npy has rows, found 300"),
        (&["--groups", "-", "--loss", "-"], "--loss: expected one array on standard input, found two"),
        (&["--json", "-o", "-"], "--json: expected the verdicts to go to a file"),
        (
            &["-o", "v.txt"],
            "--output: expected a name that ends in .csv, .parquet, .json, .npy or .safetensors, found v.txt",
        ),
        (&["-o", "v.csv", "--save-state", "v.csv"], "--save-state: expected another file than --output"),
        (&["--save-state", "g.npy"], "g.npy: expected an output other than the inputs"),
        (&["--state", "g.state"], "g.state: the bytes do not begin as those of a state"),
        (&["--state", "cut.state"], "cut.state: expected 3840 bytes, found 1920: the end is missing"),
        (&["--state", "s.state"], "--groups: expected a group for each row, as the state s.state"),
        (
            &["--state", "one.state", "--groups", "y.npy"],
            "--groups: expected no groups, as the state one.state",
        ),
        (&["--state", "one.state", "--seed", "4"], "which differs in the seed or key of the projection"),
        (&["--state", "one.state", "--dim", "32"], "--state: expected a state of sketches of 32 numbers"),
        (&["--save-state", "none/s.state"], "the directory none does not exist"),
    ];
    for (arguments, expected) in cases {
        let refusal = place.fail(&[&["sieve", "g.npy"], arguments].concat());
        assert!(refusal.contains(expected), "{arguments:?}: {refusal}");
    }
    for (option, value, expected) in [
        ("--half-life", "100", "none, as the state s.state has, found 100"),
        (
            "--false-alarms",
            "0.05",
            "--false-alarms 0.01, as the state s.state has, found --false-alarms 0.05",
        ),
        ("--guards", "zero", "zero,short,duplicate, as the state s.state has, found zero"),
        ("--warm-up", "65", "64, as the state s.state has, found 65"),
        ("--max-groups", "4", "3, as the state s.state has, found 4"),
    ] {
        let refusal = place.fail(&[&["sieve", "g.npy"], &groups[..], &[option, value]].concat());
        assert_eq!(refusal, format!("{option}: expected {expected}"));
    }
    // Those that are the same are welcome.
    place.succeed(&[&["sieve", "g.npy"], &groups[..], &["--warm-up", "64", "--guards", "all"]].concat());
    for arguments in [&["--guards", "foo"][..], &["--false-alarms", "0.1", "--false-discoveries", "0.1"]] {
        let output = place.run(&[&["sieve", "g.npy"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn a_state_of_another_kind_is_named() {
    let place = place(300);
    let sieve = {
        use gradsieve::State as _;
        use gradsieve::store::{Entry, TopK, TopKSettings};
        let top = TopK::new(TopKSettings { k: 2 }, [Entry::default(); 2]).unwrap();
        let mut bytes = vec![0; top.len_at_rest()];
        top.to_bytes(&mut bytes).unwrap();
        bytes
    };
    fs::write(place.path("top.state"), sieve).unwrap();
    let refusal = place.fail(&["sieve", "g.npy", "--state", "top.state"]);
    let expected = "expected the state of a sieve, found top.state, which holds the state of the k largest";
    assert!(refusal.contains(expected), "{refusal}");
}
