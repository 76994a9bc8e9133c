//! Writing: complete under its name, or not at all.

use std::fs;
use std::path::Path;

use gradsieve_io::files::{
    ArrayWriter, Destination, Dtype, NamedTensor, Source, refuse_overwrite, write_safetensors,
};

use super::place::{all, destination, files_in, says, source};

#[test]
fn an_unfinished_writer_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let mut writer = ArrayWriter::create(&destination(&path), &[2, 100_000], Dtype::F32).unwrap();
    writer.write(&vec![0.0; 150_000]).unwrap();
    assert_eq!(files_in(directory.path()).len(), 1, "the values are on their way to a file beside the path");
    assert!(!path.exists());
    drop(writer);
    assert_eq!(files_in(directory.path()), [""; 0]);
}

#[test]
fn an_unfinished_writer_leaves_an_older_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    fs::write(&path, "older").unwrap();
    let mut writer = ArrayWriter::create(&destination(&path), &[2], Dtype::F32).unwrap();
    writer.write(&[1.0]).unwrap();
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), b"older");
    assert_eq!(files_in(directory.path()), ["x.npy"]);

    let mut writer = ArrayWriter::create(&destination(&path), &[2], Dtype::F32).unwrap();
    writer.write(&[1.0, 2.0]).unwrap();
    writer.finish().unwrap();
    assert!(fs::read(&path).unwrap().starts_with(b"\x93NUMPY"));
    assert_eq!(files_in(directory.path()), ["x.npy"]);
}

#[test]
fn fewer_or_more_values_than_the_shape_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let mut writer = ArrayWriter::create(&destination(&path), &[2, 3], Dtype::F64).unwrap();
    writer.write_f64(&[0.0; 5]).unwrap();
    assert_eq!(says(writer.write(&[0.0; 2]), directory.path()), "x.npy: expected 6 values to write, found 7");
    assert_eq!(says(writer.finish(), directory.path()), "x.npy: expected 6 values to write, found 5");
    assert_eq!(files_in(directory.path()), [""; 0]);
}

#[test]
fn numbers_beyond_the_range_of_the_file_are_refused_and_not_written_as_infinite() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let most = f64::from(f32::MAX);
    for (value, shown) in [(1e39, "1e39"), (-3.5e38, "-3.5e38"), (f64::MAX, "1.7976931348623157e308")] {
        let mut writer = ArrayWriter::create(&destination(&path), &[4], Dtype::F32).unwrap();
        writer.write_f64(&[most, -most]).unwrap();
        let refused = says(writer.write_f64(&[f64::INFINITY, value]), directory.path());
        let expected = format!("x.npy: expected numbers within the range of f32, found {shown} at index 3");
        assert_eq!(refused, expected);
        drop(writer);
    }
    assert_eq!(files_in(directory.path()), [""; 0]);
}

#[test]
fn a_destination_that_cannot_be_written_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let create = |path: &str| {
        let path = directory.path().join(path);
        says(ArrayWriter::create(&destination(path), &[1], Dtype::F32).map(drop), directory.path())
            .replace(&directory.path().display().to_string(), "HERE")
    };
    assert_eq!(create("no/x.npy"), "no/x.npy: cannot write there, the directory no does not exist");
    assert_eq!(create(""), ": expected a file, found a directory");
    fs::write(directory.path().join("plain"), "").unwrap();
    let text = create("plain/x.npy");
    assert!(text.starts_with("plain/x.npy: cannot create a file in the directory plain: "), "{text}");
    let shape = [usize::MAX, usize::MAX];
    let absurd =
        ArrayWriter::create(&destination(directory.path().join("x.npy")), &shape, Dtype::F32).map(drop);
    assert!(says(absurd, directory.path()).starts_with("x.npy: expected a shape whose bytes can be counted"));
    let bf16 = ArrayWriter::create(&destination(directory.path().join("x.npy")), &[1], Dtype::Bf16).map(drop);
    assert!(says(bf16, directory.path()).contains("expected a type that NumPy has"));
    assert_eq!(files_in(directory.path()), ["plain"]);
}

#[cfg(unix)]
#[test]
fn a_directory_without_permission_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("locked");
    fs::create_dir(&inner).unwrap();
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(inner.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    let text = says(
        ArrayWriter::create(&destination(inner.join("x.npy")), &[1], Dtype::F32).map(drop),
        directory.path(),
    );
    assert_eq!(text, "locked/x.npy: cannot create a file in the directory locked: permission denied");
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let mut writer = ArrayWriter::create(&destination("/dev/null"), &[1], Dtype::F32).unwrap();
    writer.write(&[0.0]).unwrap();
    writer.finish().unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_a_result_is_as_readable_as_other_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (directory.path().join("target.npy"), directory.path().join("link.npy"));
    fs::write(&target, "older").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let mut writer = ArrayWriter::create(&destination(&link), &[1], Dtype::F32).unwrap();
    writer.write(&[0.0]).unwrap();
    writer.finish().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read(&target).unwrap().starts_with(b"\x93NUMPY"));
    let plain = directory.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&target), mode(&plain));
}

#[test]
fn an_output_that_is_an_input_is_refused_by_any_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    fs::write(&path, "").unwrap();
    fs::create_dir(directory.path().join("d")).unwrap();
    let other = directory.path().join("d/../x.npy");
    let inputs = [&Source::Stdin, &source(&path)];
    assert_eq!(
        says(refuse_overwrite(&destination(&other), &inputs), directory.path()),
        "d/../x.npy: expected an output other than the inputs, found the input x.npy"
    );
    assert!(refuse_overwrite(&destination(&path), &inputs).is_err());
    refuse_overwrite(&destination(directory.path().join("y.npy")), &inputs).unwrap();
    refuse_overwrite(&Destination::Stdout, &inputs).unwrap();
    let tensor = Source::Safetensors { path: path.clone(), tensor: Some("w".to_owned()) };
    assert!(refuse_overwrite(&destination(&path), &[&tensor]).is_err());
}

#[test]
fn named_tensors_come_back_and_an_older_file_survives_a_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.safetensors");
    let to = destination(&path);
    let (a, b) = ([1.0, -2.5, 3.0, f32::MIN_POSITIVE, 5.0, -0.0], [7.0, 8.0]);
    let tensors = [
        NamedTensor { name: "a", shape: &[2, 3], data: &a },
        NamedTensor { name: "step/0", shape: &[1, 2], data: &b },
    ];
    write_safetensors(&to, &tensors).unwrap();
    assert_eq!(all(&source(path.with_file_name("x.safetensors#a"))).unwrap(), a);
    let step: Source = format!("{}#step/0", path.display()).parse().unwrap();
    assert_eq!(all(&step).unwrap(), b);

    let before = fs::read(&path).unwrap();
    for shape in [&[2, 2][..], &[usize::MAX, 2]] {
        let wrong = [NamedTensor { name: "a", shape, data: &a }];
        let text = says(write_safetensors(&to, &wrong), directory.path());
        assert!(
            text.starts_with("x.safetensors#a: expected ") && text.ends_with("values to write, found 6"),
            "{text}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(files_in(directory.path()), ["x.safetensors"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_replaced_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    for kept in [0o600, 0o640, 0o664, 0o400, 0o666] {
        fs::write(&path, "older").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
        let mut writer = ArrayWriter::create(&destination(&path), &[1], Dtype::F32).unwrap();
        // Nobody else can look at it before, either.
        let hidden = directory.path().join(files_in(directory.path()).swap_remove(0));
        assert_eq!(fs::metadata(hidden).unwrap().permissions().mode() & 0o077, 0);
        writer.write(&[1.0]).unwrap();
        writer.finish().unwrap();
        assert_eq!(mode(), kept);
        assert_eq!(
            all(&source(&path)).err().map(|error| error.to_string().contains("shape (1,)")),
            Some(true)
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
        let tensor = NamedTensor { name: "a", shape: &[1], data: &[1.0] };
        write_safetensors(&destination(&path), &[tensor]).unwrap();
        assert_eq!(mode(), kept);
        fs::remove_file(&path).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_one_even_if_it_leads_to_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link.npy");
    std::os::unix::fs::symlink("real.npy", &link).unwrap();
    for _ in 0..2 {
        let mut writer = ArrayWriter::create(&destination(&link), &[1, 1], Dtype::F32).unwrap();
        writer.write(&[2.0]).unwrap();
        writer.finish().unwrap();
        assert_eq!(files_in(directory.path()), ["link.npy", "real.npy"]);
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("real.npy"));
        assert_eq!(all(&source(directory.path().join("real.npy"))).unwrap(), [2.0]);
    }
}
