//! Claims about projections by name: their settings as text, and the projectors made from
//! them.

use crate::source::{normals, sketch};
use gradsieve::{
    AnyProjector, Error, Factor, Key, Kind, Layer, Mask, Part, ProjectorSettings, Repeat, Sjlt, Widths,
};

/// The largest stands first; its sizes are 1200, 20, 240 and 12.
const LAYERS: [Layer; 4] =
    [Layer::new(0, 30, 40), Layer::new(1200, 20, 1), Layer::new(1220, 12, 20), Layer::new(1460, 12, 1)];

fn of(text: &str, width: usize) -> ProjectorSettings {
    ProjectorSettings { width, key: Key::seed(7), ..ProjectorSettings::parse(text).unwrap() }
}

fn refusal(text: &str) -> (&'static str, &'static str) {
    match ProjectorSettings::parse(text) {
        Err(Error::Setting { name, expected }) => (name, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_kind_is_found_by_its_number() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_number(*kind as u8), Some(*kind));
    }
    assert_eq!(Kind::from_number(Kind::ALL.len() as u8), None);
}

#[test]
fn each_kind_is_found_by_its_name() {
    for (kind, name) in Kind::ALL.iter().zip(Kind::NAMES) {
        assert_eq!((Kind::from_name(name), kind.name()), (Some(*kind), *name));
    }
}

#[test]
fn each_name_makes_a_projector_that_bears_it() {
    for name in Kind::NAMES {
        let mut parts = [Part::UNUSED; 1];
        let projector = AnyProjector::new(&of(name, 256), &LAYERS[..1], &mut parts);
        assert_eq!(projector.unwrap().name(), *name);
    }
}

#[test]
fn settings_are_printed_as_they_are_parsed() {
    let texts =
        ["sjlt", "sjlt:2", "mask:8", "mask:16:4", "logra:gaussian:32x64", "factgrass:3x5:2", "layers"];
    for text in texts {
        assert_eq!(ProjectorSettings::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn options_may_be_left_out() {
    let settings = ProjectorSettings::parse("logra:16x32").unwrap();
    assert_eq!(settings.factor, Factor::Rademacher);
    assert_eq!(settings.widths, Some(Widths { outputs: 16, inputs: 32 }));
}

#[test]
fn an_unknown_name_is_told_the_names_that_there_are() {
    let (name, expected) = refusal("sjl");
    assert_eq!(name, "projection");
    assert!(Kind::NAMES.iter().all(|name| expected.contains(name)), "{expected}");
}

#[test]
fn an_option_that_cannot_be_is_refused_by_its_name() {
    assert_eq!(refusal("sjlt:3").0, "repeat");
    assert_eq!(refusal("mask:0").0, "every");
    assert_eq!(refusal("factgrass:3").0, "widths");
    assert_eq!(refusal("rademacher:2").0, "projection");
    assert_eq!(refusal("sjlt:2:2").0, "projection");
}

#[test]
fn an_option_that_the_projection_does_not_have_is_refused() {
    let settings = ProjectorSettings { repeat: Repeat::Two, ..of("rademacher", 64) };
    let refused = AnyProjector::new(&settings, &LAYERS, &mut []);
    assert!(matches!(refused, Err(Error::Setting { name: "repeat", .. })), "{refused:?}");
}

#[test]
fn a_projector_made_from_settings_has_the_bits_of_the_one_made_by_hand() {
    let x = normals(1, 1472);
    let (mut one, mut two) = ([0.0; 64], [0.0; 64]);
    let sjlt = AnyProjector::new(&of("sjlt:2", 64), &LAYERS, &mut []).unwrap();
    assert_eq!(
        sketch(sjlt, &x, &mut one).values,
        sketch(Sjlt::new(64, Key::seed(7), Repeat::Two).unwrap(), &x, &mut two).values
    );
    let mask = AnyProjector::new(&of("mask:3", 64), &LAYERS, &mut []).unwrap();
    assert_eq!(
        sketch(mask, &x, &mut one).values,
        sketch(Mask::new(64, Key::seed(7), Repeat::One, 3).unwrap(), &x, &mut two).values
    );
}

/// The widths and names of a plan's parts.
fn parts(text: &str, width: usize) -> Vec<(usize, &'static str)> {
    let mut parts = [Part::UNUSED; 4];
    AnyProjector::new(&of(text, width), &LAYERS, &mut parts).unwrap();
    parts.iter().map(|part| (part.projector.width(), part.projector.name())).collect()
}

#[test]
fn layers_have_equal_shares_of_what_smaller_ones_leave() {
    // 12 and 20 fit; then (400 − 32)/2 = 184, down to a multiple of 16, leaves 192.
    let expected = [(192, "rademacher"), (20, "exact"), (176, "rademacher"), (12, "exact")];
    assert_eq!(parts("layers", 400), expected);
}

#[test]
fn the_largest_layer_goes_through_the_factored_projection() {
    // Half of 512 is 256: 12 and 20 fit, then 240 does not in 224, and the rest is 256.
    assert_eq!(parts("logra", 512), [(256, "logra"), (20, "exact"), (224, "sjlt"), (12, "exact")]);
    assert_eq!(parts("factgrass", 512), [(256, "factgrass"), (20, "exact"), (224, "sjlt"), (12, "exact")]);
}

#[test]
fn a_width_that_is_too_small_for_all_layers_is_refused() {
    let mut parts = [Part::UNUSED; 4];
    let refused = AnyProjector::new(&of("layers", 16), &LAYERS, &mut parts);
    assert!(matches!(refused, Err(Error::Setting { name: "width", .. })), "{refused:?}");
}

#[test]
fn a_projection_layer_by_layer_wants_a_part_for_each() {
    let mut parts = [Part::UNUSED; 3];
    let refused = AnyProjector::new(&of("layers", 400), &LAYERS, &mut parts);
    assert_eq!(refused, Err(Error::Length { expected: 4, found: 3 }));
}

#[test]
fn a_plan_has_no_plan_among_its_parts() {
    let mut parts = [Part::UNUSED; 1];
    let plan = AnyProjector::new(&of("layers", 64), &LAYERS[..1], &mut parts).unwrap();
    let parts = [Part::new(LAYERS[0], plan)];
    assert_eq!(gradsieve::Plan::new(&parts), Err(Error::LayerMismatch { index: 0 }));
}
