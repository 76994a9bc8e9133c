//! Several writers of one store, and writers that die.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use gradsieve_io::files::Dtype;

use super::place::{Place, noise};

const ROWS: usize = 200;

fn append(place: &Place, more: &[&str]) -> Child {
    let arguments = ["sketch", "g.npy", "-o", "a.store", "--dim", "32", "--append"];
    Command::new(env!("CARGO_BIN_EXE_gradsieve"))
        .args(arguments)
        .args(more)
        .current_dir(place.0.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs")
}

/// A place with a store of [`ROWS`] rows and the gradients that they came from.
fn with_store() -> Place {
    let place = Place::new();
    place.write("g.npy", &[ROWS, 64], Dtype::F32, &noise(ROWS * 64));
    place.succeed(&["sketch", "g.npy", "-o", "a.store", "--dim", "32"]);
    place
}

fn rows(place: &Place) -> usize {
    place.json(&["info", "a.store", "--json"])["rows"].as_u64().expect("a number") as usize
}

#[test]
fn rows_of_writers_at_the_same_time_are_all_there() {
    let place = with_store();
    let writers: Vec<Child> = (0..6).map(|_| append(&place, &[])).collect();
    for writer in writers {
        let output = writer.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(rows(&place), 7 * ROWS);
    place.succeed(&["export", "a.store", "-o", "all.npy"]);
}

#[test]
fn a_writer_waits_for_another_and_says_for_whom_or_gives_up() {
    let place = with_store();
    let gradients = fs::read(place.path("g.npy")).expect("readable");
    let mut first = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
        .args(["sketch", "-", "-o", "a.store", "--dim", "32", "--append"])
        .current_dir(place.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut input = first.stdin.take().expect("a pipe");
    input.write_all(&gradients[..1000]).expect("it reads");
    let holder = format!("process {}", first.id());
    // Until the first has the lock.
    while fs::read_to_string(place.path("a.store/writer.lock")).unwrap_or_default().is_empty() {
        sleep(Duration::from_millis(5));
    }
    let line = ["sketch", "g.npy", "-o", "a.store", "--dim", "32", "--append", "--wait", "0"];
    assert_eq!(
        place.fail(&line),
        format!("a.store: in use, {holder} writes to it; try again when that has ended")
    );
    let second = append(&place, &[]);
    sleep(Duration::from_millis(300));
    input.write_all(&gradients[1000..]).expect("it reads");
    drop(input);
    assert!(first.wait().expect("it ends").success());
    let second = second.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.success(), "{said}");
    assert_eq!(said, format!("gradsieve: a.store: waiting for {holder}, which writes to it\n"));
    assert_eq!(rows(&place), 3 * ROWS);
}

#[test]
fn a_writer_that_is_killed_at_any_time_loses_only_its_own_rows_and_holds_no_lock() {
    let place = with_store();
    let mut expected = ROWS;
    for pause in 0..20 {
        let mut writer = append(&place, &[]);
        sleep(Duration::from_millis(2 * pause));
        let _ = writer.kill();
        let acknowledged = writer.wait().expect("it ends").success();
        let found = rows(&place);
        assert!(found == expected + ROWS || (found == expected && !acknowledged), "{found} after {expected}");
        expected = found;
    }
    let output = append(&place, &["--wait", "0"]).wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(rows(&place), expected + ROWS);
    place.succeed(&["export", "a.store", "-o", "all.npy"]);
}

#[test]
fn a_store_whose_making_was_killed_is_made_by_the_same_command() {
    for pause in 0..15 {
        let place = Place::new();
        place.write("g.npy", &[ROWS, 64], Dtype::F32, &noise(ROWS * 64));
        let line = ["sketch", "g.npy", "-o", "a.store", "--dim", "32"];
        let mut writer = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
            .args(line)
            .current_dir(place.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        sleep(Duration::from_millis(pause));
        let _ = writer.kill();
        let _ = writer.wait().expect("it ends");
        let is_there = place.run(&["info", "a.store"]).status.success() && rows(&place) == ROWS;
        if !is_there {
            place.succeed(&line);
        }
        assert_eq!(rows(&place), ROWS);
    }
}

#[test]
fn waiting_is_for_those_who_append() {
    let place = with_store();
    let error = place.fail(&["sketch", "g.npy", "-o", "b.store", "--dim", "32", "--wait", "9"]);
    assert_eq!(error, "--wait: expected --append beside it, found a new output");
}
