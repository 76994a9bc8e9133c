//! Told to end while it writes, the program leaves nothing behind.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::place::Place;

/// Runs `sketch` on a stream that does not end, until a partial file is there; sends a
/// signal then, and tells which one the program ended by.
fn ended_by(place: &Place, signal: &str) -> Option<i32> {
    let mut child = program()
        .args(["sketch", "-", "-o", "out.npy", "--dim", "32"])
        .current_dir(place.0.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stream = child.stdin.take().expect("piped");
    let dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000, 40), }";
    stream.write_all(b"\x93NUMPY\x01\x00").unwrap();
    stream.write_all(&(dictionary.len() as u16).to_le_bytes()).unwrap();
    stream.write_all(dictionary.as_bytes()).unwrap();
    let begun = Instant::now();
    while !place.files().iter().any(|name| name.ends_with(".partial")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no partial file: {:?}", place.files());
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let told = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is ours") {
            return status.signal();
        }
        if told.elapsed() > Duration::from_secs(60) {
            child.kill().expect("it is ours");
            panic!("the program goes on after {signal}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The program with signals as they are by default. A signal that is ignored where a
/// program begins, as under `nohup`, stays so: and these tests may run there.
fn program() -> Command {
    let program = env!("CARGO_BIN_EXE_gradsieve");
    if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.args(["--default-signal=INT,TERM", program]);
        return command;
    }
    Command::new(program)
}

#[test]
fn a_signal_leaves_no_partial_file_and_is_what_the_program_ends_by() {
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        let place = Place::new();
        assert_eq!(ended_by(&place, signal), Some(number));
        assert_eq!(place.files(), [""; 0]);
    }
}

#[test]
fn a_signal_leaves_an_older_result_as_it_was() {
    let place = Place::new();
    std::fs::write(place.path("out.npy"), "older").unwrap();
    ended_by(&place, "-TERM");
    assert_eq!(place.files(), ["out.npy"]);
    assert_eq!(std::fs::read(place.path("out.npy")).unwrap(), b"older");
}
