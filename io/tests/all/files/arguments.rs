//! What an argument names.

use std::path::PathBuf;

use gradsieve_io::files::Source;

#[test]
fn an_argument_names_a_file_a_tensor_or_standard_input() {
    let parse = |argument: &str| argument.parse::<Source>();
    assert_eq!(parse("-").unwrap(), Source::Stdin);
    assert_eq!(parse("a/b.npy").unwrap(), Source::Npy("a/b.npy".into()));
    assert_eq!(parse("/dev/fd/63").unwrap(), Source::Npy("/dev/fd/63".into()));
    assert_eq!(parse("run#3/b.npy").unwrap(), Source::Npy("run#3/b.npy".into()));
    let path = PathBuf::from("m.safetensors");
    assert_eq!(parse("m.safetensors").unwrap(), Source::Safetensors { path: path.clone(), tensor: None });
    let tensor = Some("layer.0#weight".to_owned());
    assert_eq!(parse("m.safetensors#layer.0#weight").unwrap(), Source::Safetensors { path, tensor });
    for text in ["a/b.npy", "m.safetensors", "m.safetensors#w"] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn an_argument_that_cannot_name_an_array_is_refused() {
    for argument in ["", "m.safetensors#", "grads.npy#w"] {
        let text = argument.parse::<Source>().unwrap_err().to_string();
        assert!(text.contains(&format!("{argument:?}")), "{text}");
    }
}

#[test]
fn an_argument_names_several_files_by_a_pattern_or_their_directory() {
    let shards = |pattern: &str, tensor: Option<&str>| Source::Shards {
        pattern: pattern.into(),
        tensor: tensor.map(str::to_owned),
    };
    for (argument, pattern, tensor) in [
        ("run/", "run/", None),
        ("run/g-*.npy", "run/g-*.npy", None),
        ("*.safetensors", "*.safetensors", None),
        ("run/*.safetensors#w", "run/*.safetensors", Some("w")),
        ("run/#w", "run/", Some("w")),
    ] {
        let source: Source = argument.parse().unwrap();
        assert_eq!((&source, source.to_string()), (&shards(pattern, tensor), argument.to_owned()));
    }
    assert_eq!("run*/g.npy".parse::<Source>().unwrap(), Source::Npy("run*/g.npy".into()));
    assert_eq!("a.store/".parse::<Source>().unwrap(), Source::Store("a.store/".into()));
}

#[cfg(unix)]
#[test]
fn an_argument_may_be_no_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let parse = |bytes: &'static [u8]| Source::from_os(OsStr::from_bytes(bytes)).unwrap();
    let path = |bytes: &'static [u8]| PathBuf::from(OsStr::from_bytes(bytes));
    assert_eq!(parse(b"\xff.npy"), Source::Npy(path(b"\xff.npy")));
    assert_eq!(parse(b"\xff.store"), Source::Store(path(b"\xff.store")));
    let tensor = Some("w".to_owned());
    assert_eq!(parse(b"\xff.safetensors#w"), Source::Safetensors { path: path(b"\xff.safetensors"), tensor });
    assert_eq!(parse(b"g.npy"), Source::Npy("g.npy".into()));
}
