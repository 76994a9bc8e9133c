//! `gradsieve key`, and `--key` of the other commands: what a secret key makes can be
//! compared by those who have it, and no file carries it.

use std::fs;

use gradsieve::{Fingerprint, Key, Repeat, Sjlt};
use gradsieve_io::files::Dtype;

use super::place::{Place, noise, sketch};

const DIGITS: &str = "00112233445566778899aabbccddeeff";

fn bytes() -> [u8; 16] {
    core::array::from_fn(|i| i as u8 * 0x11)
}

/// A place with a key, and gradients.
fn place() -> Place {
    let place = Place::new();
    write(&place, "run.key", format!("{DIGITS}\n").as_bytes());
    place.write("G.npy", &[20, 300], Dtype::F32, &noise(6000));
    place
}

/// A file that its owner alone can read.
fn write(place: &Place, name: &str, bytes: &[u8]) {
    fs::write(place.path(name), bytes).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn fingerprint() -> String {
    let Fingerprint::Secret(bits) = Key::secret(bytes()).fingerprint() else { panic!("not secret") };
    format!("{bits:016x}")
}

#[test]
fn a_key_s_digits_and_its_bytes_are_one_key_and_give_the_core_s_bits() {
    let place = place();
    write(&place, "raw.key", &bytes());
    let projector = Sjlt::new(64, Key::secret(bytes()), Repeat::One).unwrap();
    let expected: Vec<f32> = noise(6000).chunks(300).flat_map(|row| sketch(projector, row).0).collect();
    for key in ["run.key", "raw.key"] {
        place.succeed(&["sketch", "G.npy", "-o", "S.npy", "--dim", "64", "--key", key]);
        assert_eq!(place.array::<f32>("S.npy"), expected, "{key}");
    }
}

#[test]
fn a_new_key_is_its_owner_s_alone_differs_from_others_and_is_never_replaced() {
    let place = Place::new();
    let said = [place.succeed(&["key", "new", "a.key"]), place.succeed(&["key", "new", "b.key"])];
    assert_ne!(said[0].replace("a.key", ""), said[1].replace("b.key", ""));
    assert_eq!(said[0], place.succeed(&["key", "show", "a.key"]));
    let before = fs::read(place.path("a.key")).unwrap();
    assert!(place.fail(&["key", "new", "a.key"]).contains("keys are never replaced"));
    assert_eq!(fs::read(place.path("a.key")).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.path("a.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_remarked_on() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    fs::set_permissions(place.path("run.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let output = place.run(&["key", "show", "run.key"]);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("others can read this key"));
}

#[test]
fn files_carry_the_fingerprint_of_a_key_and_nothing_of_the_key() {
    let place = place();
    for to in ["S.npy", "S.safetensors", "S.store"] {
        place.succeed(&["sketch", "G.npy", "-o", to, "--dim", "64", "--key", "run.key"]);
    }
    let store = fs::read_dir(place.path("S.store")).unwrap().map(|file| file.unwrap().path());
    let arrays = fs::read_dir(place.path(".")).unwrap().map(|file| file.unwrap().path());
    let mut fingerprints = 0;
    for file in store.chain(arrays).filter(|file| file.is_file() && !file.ends_with("run.key")) {
        let found = fs::read(&file).unwrap();
        let holds = |piece: &[u8]| found.windows(piece.len()).any(|window| window == piece);
        for piece in bytes().windows(5) {
            assert!(!holds(piece), "{}", file.display());
        }
        assert!(!holds(&DIGITS.as_bytes()[..8]), "{}", file.display());
        fingerprints += usize::from(holds(fingerprint().as_bytes()));
    }
    // The tensor, the side files of both arrays, and the store's manifest.
    assert_eq!(fingerprints, 4);
    assert!(place.succeed(&["info", "S.store"]).contains(&format!("gradsieve.key = {}", fingerprint())));
    assert!(place.succeed(&["key", "show", "run.key"]).contains(&fingerprint()));
}

#[test]
fn sketches_of_different_keys_are_not_compared() {
    let place = place();
    place.succeed(&["key", "new", "other.key"]);
    place.succeed(&["sketch", "G.npy", "-o", "T.store", "--dim", "64", "--key", "run.key"]);
    let against = |target: &str, more: &[&str]| {
        let line = ["influence", "--train", "T.store", "--target", target, "--method", "dot", "-o", "I.npy"];
        [&line[..], more].concat().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let fail = |line: Vec<String>| place.fail(&line.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, drawn) in [("other", ["--key", "other.key"]), ("seed", ["--seed", "0"])] {
        let to = format!("{name}.safetensors");
        place.succeed(&[&["sketch", "G.npy", "-o", &to, "--dim", "64"], &drawn[..]].concat());
        assert!(fail(against(&to, &[])).contains("key"), "{name}");
    }
    // Gradients are projected as the store was, which takes the key.
    let said = fail(against("G.npy", &[]));
    assert!(said.contains("--key") && said.contains(&fingerprint()), "{said}");
    assert!(fail(against("G.npy", &["--key", "other.key"])).contains("key"));
    let line = against("G.npy", &["--key", "run.key"]);
    place.succeed(&line.iter().map(String::as_str).collect::<Vec<_>>());
    let adding = ["sketch", "G.npy", "-o", "T.store", "--append", "--dim", "64", "--key", "other.key"];
    assert!(place.fail(&adding).contains("key"));
}

#[test]
fn what_is_no_key_is_refused_by_name() {
    let place = place();
    // The words are clap's, behind the argument's name.
    let refused = |line: &[&str]| {
        let output = place.run(line);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let with =
        |key: &str| refused(&["outliers", "G.npy", "--detector", "direction", "--dim", "64", "--key", key]);
    assert!(with("nowhere.key").contains("nowhere.key"));
    for (text, found) in
        [("", "an empty file"), ("0123", "something else"), (&DIGITS.repeat(2), "something else")]
    {
        write(&place, "bad.key", text.as_bytes());
        let said = with("bad.key");
        assert!(said.contains("32 hexadecimal digits or 16 bytes") && said.contains(found), "{said}");
    }
    let both =
        ["outliers", "G.npy", "--detector", "forest", "--dim", "64", "--key", "run.key", "--seed", "1"];
    assert!(refused(&both).contains("cannot be used with"));
    let unread = ["outliers", "G.npy", "--detector", "l2", "--key", "run.key"];
    assert!(place.fail(&unread).contains("--key"));
}

#[test]
fn a_forest_drawn_by_a_key_is_the_same_each_time() {
    let place = place();
    let run = |to: &str| {
        place.succeed(&[
            "outliers",
            "G.npy",
            "--detector",
            "forest",
            "--dim",
            "64",
            "--key",
            "run.key",
            "-o",
            to,
        ]);
        place.array::<f64>(to)
    };
    assert_eq!(run("A.npy"), run("B.npy"));
}
