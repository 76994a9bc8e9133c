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
