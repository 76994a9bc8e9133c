//! `gradsieve report`: one page, with what was given and nothing else.

use std::fs;

use gradsieve_io::files::Dtype;

use super::place::{Place, noise};

/// A picture of one pixel, as a PNG file.
const PNG: [u8; 67] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00,
    0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0x0f, 0x00, 0x01, 0x01, 0x01, 0x00,
    0xb1, 0x38, 0xf6, 0x14, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// Gradients of so many samples, of which sample 7 has the longest.
fn gradients(place: &Place, rows: usize) {
    let mut values = noise(rows * 20);
    values.iter_mut().skip(7 * 20).take(20).for_each(|value| *value *= 50.0);
    place.write("G.npy", &[rows, 20], Dtype::F32, &values);
}

fn lines(place: &Place, name: &str, count: usize, line: impl Fn(usize) -> String) {
    let text: String = (0..count).map(|row| line(row) + "\n").collect();
    fs::write(place.path(name), text).unwrap();
}

fn page(place: &Place, arguments: &[&str]) -> String {
    place.succeed(&[&["report", "G.npy"], arguments].concat());
    fs::read_to_string(place.path("report.html")).unwrap()
}

/// What is said of a command line that is refused, where the detector is named.
fn refused(place: &Place, arguments: &[&str]) -> String {
    place.fail(&[&["report", "G.npy", "--detector", "l2"], arguments].concat())
}

/// An array of bytes as a `.npy` file.
fn bytes(place: &Place, name: &str, shape: &str, values: &[u8]) {
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(values);
    fs::write(place.path(name), file).unwrap();
}

#[test]
fn gradients_alone_make_a_page_and_what_was_chosen_is_said() {
    let place = Place::new();
    gradients(&place, 100);
    let output = place.run(&["report", "G.npy"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("chosen: --detector self-influence,l2, as nothing but gradients is given"),
        "{said}"
    );
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .starts_with("report.html: 50 of 100 samples of G.npy shown")
    );
    let text = fs::read_to_string(place.path("report.html")).unwrap();
    let first = text.find("data-row=\"7\"").unwrap();
    assert!(text.match_indices("data-row=").all(|(at, _)| at >= first), "sample 7 is the first");
    assert_eq!(text.matches("data-row=").count(), 50);
}

#[test]
fn the_page_names_nothing_outside_it() {
    let place = Place::new();
    gradients(&place, 60);
    lines(&place, "texts.txt", 60, |row| format!("see https://example.com/{row} <img src=//example.com>"));
    let text = page(&place, &["--texts", "texts.txt", "--target", "G.npy"]);
    assert!(!text.contains("<img src=//") && !text.contains("href=") && !text.contains("url("));
    assert_eq!(text.matches("<script").count(), 2);
    assert!(text.contains("default-src 'none'"));
}

#[test]
fn what_is_known_of_samples_is_shown_as_text() {
    let place = Place::new();
    gradients(&place, 60);
    lines(&place, "ids.txt", 60, |row| format!("\u{1b}[31mid-{row}"));
    lines(&place, "labels.txt", 60, |row| ["cat", "<b>dog"][row % 2].to_owned());
    lines(&place, "predicted.txt", 60, |row| ["cat", "<b>dog"][row % 3 % 2].to_owned());
    lines(&place, "texts.csv", 61, |row| match row.checked_sub(1) {
        None => "number,text".to_owned(),
        Some(row) => format!("{row},\"<script>alert({row})</script>\""),
    });
    let arguments = "--ids ids.txt --groups labels.txt --predicted predicted.txt --texts texts.csv --title <i>mine --top 9";
    let text = page(&place, &arguments.split(' ').collect::<Vec<_>>());
    for tag in ["<script>alert", "<b>dog", "<i>mine", "\u{1b}["] {
        assert!(!text.contains(tag), "{tag:?}");
    }
    assert!(text.contains("&lt;script&gt;alert(7)&lt;/script&gt;") && text.contains("&lt;i&gt;mine"));
    assert!(text.contains("Given and predicted label") && text.contains("\\u{1b}[31mid-7"));
    assert_eq!(text.matches("data-row=").count(), 9);
}

#[test]
fn pictures_of_a_directory_are_found_by_name_by_number_and_by_order() {
    let place = Place::new();
    gradients(&place, 60);
    lines(&place, "ids.txt", 60, |row| format!("pets/id-{row}.png"));
    let folder = place.path("pictures");
    for name in [
        &(|row| format!("id-{row}.png")) as &dyn Fn(usize) -> String,
        &|row| format!("{row:05}.PNG"),
        &|row| format!("any-{row}.png"),
    ] {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        (0..60).for_each(|row| fs::write(folder.join(name(row)), PNG).unwrap());
        fs::write(folder.join("notes.txt"), "no picture").unwrap();
        let text = page(&place, &["--images", "pictures", "--ids", "ids.txt", "--top", "5"]);
        assert_eq!(text.matches("<img src=\"data:image/png;base64,").count(), 5);
    }
    fs::remove_file(folder.join("any-3.png")).unwrap();
    let refusal = refused(&place, &["--images", "pictures"]);
    assert_eq!(
        refusal,
        "--images: expected a picture, .png or .jpg, of row 0 of G.npy, found none among the 59 in pictures"
    );
    fs::write(folder.join("any-3.png"), &PNG[..40]).unwrap();
    fs::write(folder.join("any-15.png"), &PNG[..40]).unwrap();
    let refusal = refused(&place, &["--images", "pictures", "--top", "60"]);
    assert!(
        refusal.contains("pictures/any-") && refusal.contains("expected a picture in PNG or JPEG"),
        "{refusal}"
    );
}

#[test]
fn pictures_are_arrays_of_any_usual_form() {
    let place = Place::new();
    gradients(&place, 60);
    let values: Vec<u8> = (0..60 * 48).map(|i| (i % 251) as u8).collect();
    bytes(&place, "last.npy", "60, 4, 4, 3", &values);
    bytes(&place, "gray.npy", "60, 6, 8", &values);
    let floats: Vec<f32> = values.iter().map(|&value| f32::from(value) / 255.0).collect();
    place.write("first.npy", &[60, 3, 4, 4], Dtype::F32, &floats);
    for name in ["last.npy", "gray.npy", "first.npy"] {
        let text = page(&place, &["--images", name, "--top", "5"]);
        assert_eq!(text.matches("<img src=\"data:image/png;base64,").count(), 5, "{name}");
    }
    bytes(&place, "short.npy", "59, 6, 8", &values[..59 * 48]);
    assert!(refused(&place, &["--images", "short.npy"]).contains("expected 60 entries"));
    bytes(&place, "odd.npy", "60, 6, 4, 2", &values);
    assert!(
        refused(&place, &["--images", "odd.npy"]).contains("odd.npy: expected a picture as height × width")
    );
    bytes(&place, "flat.npy", "60", &values[..60]);
    assert!(refused(&place, &["--images", "flat.npy"]).contains("two dimensions at least"));
    assert!(refused(&place, &["--images", "none.npy"]).contains("none.npy"));
}

#[test]
fn rows_of_a_table_are_shown_with_the_names_of_their_columns() {
    let place = Place::new();
    gradients(&place, 60);
    lines(&place, "rows.csv", 61, |row| {
        if row == 0 { "age,<b>job".to_owned() } else { format!("{},job {row}", row * 3) }
    });
    let text = page(&place, &["--table", "rows.csv"]);
    assert!(text.contains("&lt;b&gt;job") && text.contains("job 8"));
    lines(&place, "rows.csv", 57, |row| row.to_string());
    assert_eq!(
        refused(&place, &["--table", "rows.csv"]),
        "--table: expected 60 samples, one for each row of G.npy, found 57 in rows.csv"
    );
    assert!(refused(&place, &["--texts", "ids.txt"]).contains("ids.txt"));
}

#[test]
fn helpful_and_harmful_samples_stand_beside_the_targets_that_were_chosen() {
    let place = Place::new();
    gradients(&place, 60);
    place.write("T.npy", &[3, 20], Dtype::F32, &noise(60));
    let text = page(&place, &["--target", "T.npy", "--targets", "2,0", "--method", "dot", "--beside", "4"]);
    assert_eq!(text.matches("Most helpful").count(), 2);
    assert!(text.find("target <b>2</b>").unwrap() < text.find("target <b>0</b>").unwrap());
    // The same from what gradsieve influence wrote.
    place.succeed(&[
        "influence",
        "--train",
        "G.npy",
        "--target",
        "T.npy",
        "--method",
        "dot",
        "-o",
        "I.npy",
        "--dtype",
        "f64",
    ]);
    let other = page(&place, &["--influence", "I.npy", "--targets", "2,0", "--beside", "4"]);
    let part = |text: &str| {
        let (_, rest) = text.split_once("Who helps, who harms").unwrap();
        rest.split("</section>").next().unwrap().to_owned()
    };
    assert_eq!(part(&text), part(&other));
    assert_eq!(
        refused(&place, &["--influence", "I.npy", "--targets", "3"]),
        "--targets: expected numbers below 3, the targets of I.npy, found 3"
    );
    assert!(refused(&place, &["--target-texts", "t.txt"]).contains("--target or --influence beside it"));
    place.write("short.npy", &[59, 3], Dtype::F32, &noise(177));
    assert!(refused(&place, &["--influence", "short.npy"]).contains("60"));
}

#[test]
fn rows_without_a_score_stand_first_and_stop_nothing() {
    let place = Place::new();
    let mut values = noise(60 * 20);
    values[33 * 20] = f32::NAN;
    place.write("G.npy", &[60, 20], Dtype::F32, &values);
    let text = page(&place, &["--detector", "l2"]);
    let (at, _) = text.match_indices("data-row=\"").next().unwrap();
    assert!(text[at..].starts_with("data-row=\"33\"") && text.contains("without a finite score"));
}

#[test]
fn one_row_and_scores_that_are_equal_make_a_page() {
    let place = Place::new();
    for (rows, value) in [(1, 0.5), (100, 0.5), (3, 0.0)] {
        place.write("G.npy", &[rows, 20], Dtype::F32, &vec![value; rows * 20]);
        let text = page(&place, &["--detector", "l2,direction"]);
        assert!(text.ends_with("</html>") && !text.contains("NaN"));
    }
    fs::write(place.path("G.npy"), "").unwrap();
    let before = fs::read(place.path("report.html")).unwrap();
    assert!(refused(&place, &[]).contains("an empty file"));
    assert_eq!(fs::read(place.path("report.html")).unwrap(), before, "the page before is as it was");
}

#[test]
fn a_hundred_thousand_rows_stay_a_small_page() {
    let place = Place::new();
    let rows = 100_000;
    let values: Vec<f32> = noise(rows * 2);
    place.write("G.npy", &[rows, 2], Dtype::F32, &values);
    lines(&place, "labels.txt", rows, |row| (row % 1000).to_string());
    let text = page(&place, &["--groups", "labels.txt", "--predicted", "labels.txt", "--detector", "l2,l1"]);
    assert!(text.len() < 600_000, "{}", text.len());
}

#[test]
fn the_page_is_never_what_it_is_made_of() {
    let place = Place::new();
    gradients(&place, 60);
    lines(&place, "texts.txt", 60, |row| row.to_string());
    let refusal = refused(&place, &["--texts", "texts.txt", "-o", "texts.txt"]);
    assert!(refusal.contains("texts.txt"), "{refusal}");
    assert!(refused(&place, &["-o", "G.npy"]).contains("G.npy"));
    assert_eq!(
        refused(&place, &["--top", "0"]),
        "--top: expected from 1 to 1000, so that the page stays small, found 0"
    );
}
