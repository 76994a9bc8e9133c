//! Claims about the report: that it stands alone, is well formed, hides nothing and
//! survives odd outcomes.

use std::fs;
use std::path::Path;

use gradsieve_cli::demo::{
    DetectorOutcome, LeftOut, LoopAlarm, LoopOutcome, LoopPolicy, LoopSuspect, Outcome, Suspect, Visit,
};
use gradsieve_cli::report::{FILE_NAME, ReportError, page, picture, write};
use gradsieve_harness::data::random::{Purpose, generator, normal, uniform};
use gradsieve_harness::data::{digits, moons};
use gradsieve_harness::measures::{auroc, average_precision, flagged, found_in_budget, roc_curve};

const TRAIN: usize = 1257;
const FLIPS: usize = 251;

// ---- outcomes
// -------------------------------------------------------------------------------------

/// Eight detectors: name, how far the flips stand above the others, and the score of a
/// normal draw.
type Recipe = (&'static str, &'static str, f64, fn(f64) -> f64);
const DETECTORS: [Recipe; 8] = [
    ("loss", "the loss itself: no gradient, no sketch", 2.9, |z| (2.5 * z - 9.0).exp()),
    ("l1", "sum of the gradient's absolute entries", 2.4, |z| (2.0 * z).exp()),
    ("l2", "squared length of the gradient", 2.3, |z| (4.0 * z - 6.0).exp()),
    ("forest", "isolation forest on the sketch", 1.6, |z| 0.42 + 0.05 * z),
    ("mahalanobis", "distance from the running mean of the sketches", 2.6, |z| 40.0 + (1.8 * z).exp()),
    ("self-influence", "what a sample does to its own loss, curvature included", 3.1, |z| (1.5 * z).exp()),
    ("direction", "angle to the mean direction of its class", 1.1, |z| z / 8.0),
    ("random", "a coin, for comparison", 0.0, |z| z * z * z * z * z),
];

fn digits_outcome() -> Outcome {
    let set = digits().expect("the embedded set");
    let mut rng = generator(7, Purpose::Flip);
    let mut truth = vec![false; TRAIN];
    for i in rand::seq::index::sample(&mut rng, TRAIN, FLIPS) {
        truth[i] = true;
    }
    let detectors: Vec<DetectorOutcome> = DETECTORS
        .iter()
        .map(|&(name, about, gap, shape)| {
            let draw = |&flip: &bool| shape(normal(&mut rng) + if flip { gap } else { 0.0 });
            let scores: Vec<f64> = truth.iter().map(draw).collect();
            judged(name, about, scores, &truth)
        })
        .collect();
    // Not the first 40 but every seventh, so that some are clean.
    let order = flagged(&detectors[5].scores, 280).expect("a budget below n");
    let suspects: Vec<Suspect> = order
        .into_iter()
        .step_by(7)
        .map(|index| {
            let (features, original) = set.samples().nth(index).expect("fewer than the digits");
            let step = 1 + (uniform(&mut rng) * 9.0) as u32;
            let given = if truth[index] { (original + step) % 10 } else { original };
            let score = detectors[5].scores[index];
            Suspect { index, score, given, predicted: original, original, features: features.to_vec() }
        })
        .collect();
    Outcome {
        data: "digits".to_owned(),
        model: "64-64-10".to_owned(),
        train_samples: TRAIN,
        test_samples: 540,
        parameters: 4810,
        dim: 512,
        seed: 7,
        flips: FLIPS,
        budget: FLIPS,
        accuracy_before: 0.9074,
        accuracy_ceiling: 0.9815,
        accuracy_train: 0.9992,
        gradient_seconds: 0.031,
        gradients_per_second: 40_548.0,
        seconds: 24.3,
        non_finite: Vec::new(),
        detectors,
        loops: vec![loop_outcome(&truth, &suspects)],
        suspects,
        truth,
        picture: set.picture(),
        class_names: set.class_names().to_vec(),
    }
}

/// Three epochs with a guard, of which the sieve left out the first samples of all.
fn loop_outcome(truth: &[bool], suspects: &[Suspect]) -> LoopOutcome {
    const EPOCHS: usize = 3;
    let policy = |name, about, accuracies: [f64; EPOCHS]| LoopPolicy {
        name,
        about,
        accuracy: accuracies[EPOCHS - 1],
        accuracies: accuracies.to_vec(),
        wrong_left_out: vec![0.1, 0.5, 0.8],
        right_left_out: vec![0.1, 0.05, 0.02],
    };
    let visit = |(i, &wrong): (usize, &bool)| {
        let p = if wrong { 0.01 } else { 1.0 / (1 + i % 97) as f64 };
        Visit { p, keeps: p > 0.2, wrong }
    };
    let first = suspects.iter().take(5).enumerate().map(|(visit, suspect)| LoopSuspect {
        index: suspect.index,
        visit,
        p: 0.003,
        reasons: if visit == 0 { String::new() } else { "direction loss".to_owned() },
        given: suspect.given,
        original: suspect.original,
        features: suspect.features.clone(),
    });
    LoopOutcome {
        data: "digits & <i>more</i>".to_owned(),
        train_samples: TRAIN,
        test_samples: 540,
        epochs: EPOCHS,
        flips: FLIPS,
        rate: 0.2,
        policies: vec![
            policy("all", "every sample is used", [0.5, 0.7, 0.9]),
            policy("loss", "leaves out the top share by loss", [0.6, 0.8, 0.94]),
            policy("sieve", "leaves out what the sieve flags", [0.6, 0.85, 0.951]),
            policy("ceiling", "leaves out the wrong ones", [0.7, 0.9, 0.96]),
        ],
        alarms: vec![LoopAlarm { index: 1234, kind: "change" }, LoopAlarm { index: 2345, kind: "flood" }],
        left_out: vec![
            LeftOut { reason: "loss", wrong: 1201, right: 77 },
            LeftOut { reason: "none", wrong: 3, right: 5 },
        ],
        visits: (0..EPOCHS).flat_map(|_| truth.iter().enumerate().map(visit)).collect(),
        first: first.collect(),
        picture: Some((8, 8)),
        class_names: Vec::new(),
    }
}

fn clear_loop(of: &mut LoopOutcome) {
    of.visits.clear();
    of.policies.clear();
    of.alarms.clear();
    of.left_out.clear();
    of.first.clear();
    of.epochs = 0;
}

fn judged(name: &'static str, about: &'static str, scores: Vec<f64>, truth: &[bool]) -> DetectorOutcome {
    let area = auroc(&scores, truth).expect("two classes");
    DetectorOutcome {
        name,
        about,
        bytes: 16 << (name.len() % 9),
        auroc: Some(area),
        average_precision: average_precision(&scores, truth).ok(),
        found: found_in_budget(&scores, truth, FLIPS.min(scores.len())).expect("a budget of at most n"),
        accuracy_after: 0.86 + 0.1 * area,
        seconds: 0.0031 * name.len() as f64,
        roc: roc_curve(&scores, truth).expect("two classes"),
        scores,
    }
}

/// Two features, class names that would break a careless page, scores that are not
/// finite.
fn moons_outcome() -> Outcome {
    let set = moons(TRAIN, 0.2, 3).expect("good arguments");
    let mut outcome = digits_outcome();
    outcome.data = "moons & <b>\"others\"</b>".to_owned();
    outcome.picture = None;
    outcome.class_names = vec!["<upper & 'left'>".to_owned(), "lower\"right\"".to_owned()];
    for suspect in &mut outcome.suspects {
        let (features, label) = set.samples().nth(suspect.index).expect("as many as the digits");
        suspect.features = features.to_vec();
        suspect.original = label;
        suspect.predicted = label;
        suspect.given = if outcome.truth[suspect.index] { 1 - label } else { label };
    }
    outcome.non_finite = vec![3, 99];
    for detector in &mut outcome.detectors {
        detector.scores[3] = f64::INFINITY;
        detector.scores[99] = f64::INFINITY;
    }
    outcome
}

fn no_flips_outcome() -> Outcome {
    let mut outcome = digits_outcome();
    outcome.flips = 0;
    outcome.truth.fill(false);
    outcome.accuracy_ceiling = outcome.accuracy_before;
    for suspect in &mut outcome.suspects {
        suspect.given = suspect.original;
    }
    for detector in &mut outcome.detectors {
        detector.auroc = None;
        detector.average_precision = None;
        detector.found = 0;
        detector.roc.clear();
    }
    outcome
}

/// Outcomes that a demonstration should not make, and that must not break a report.
fn odd_outcomes() -> Vec<(&'static str, Outcome)> {
    let one = |change: fn(&mut Outcome)| {
        let mut outcome = digits_outcome();
        change(&mut outcome);
        outcome
    };
    vec![
        ("one detector", one(|o| o.detectors.truncate(1))),
        ("no detector", one(|o| o.detectors.clear())),
        ("no suspect", one(|o| o.suspects.clear())),
        (
            "no sample",
            one(|o| {
                o.truth.clear();
                o.detectors.iter_mut().for_each(|d| d.scores.clear());
                (o.train_samples, o.budget, o.flips) = (0, 0, 0);
            }),
        ),
        ("equal scores", one(|o| o.detectors.iter_mut().for_each(|d| d.scores.fill(0.0)))),
        ("no finite score", one(|o| o.detectors.iter_mut().for_each(|d| d.scores.fill(f64::NAN)))),
        (
            "the widest scores",
            one(|o| {
                let wide = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 0.0, -0.0, f64::NEG_INFINITY, 5e-324];
                for (i, detector) in o.detectors.iter_mut().enumerate() {
                    detector.scores.truncate(i);
                    detector.scores.extend(&wide);
                }
            }),
        ),
        ("nothing flagged", one(|o| o.budget = 0)),
        ("everything flagged", one(|o| o.budget = usize::MAX)),
        (
            "accuracies that are no numbers",
            one(|o| {
                (o.accuracy_before, o.accuracy_ceiling) = (f64::NAN, f64::INFINITY);
                o.detectors.iter_mut().for_each(|d| (d.accuracy_after, d.auroc) = (f64::NAN, Some(f64::NAN)));
                (o.seconds, o.gradients_per_second) = (f64::NAN, f64::INFINITY);
            }),
        ),
        ("classes without names", one(|o| o.class_names.clear())),
        ("pictures of another size", one(|o| o.picture = Some((usize::MAX, 2)))),
        ("pictures of no size", one(|o| o.picture = Some((0, 0)))),
        (
            "features that are no numbers",
            one(|o| {
                o.suspects.iter_mut().for_each(|s| s.features = vec![f32::NAN, f32::INFINITY]);
                o.picture = None;
            }),
        ),
        ("a loop in which nothing happened", one(|o| o.loops.iter_mut().for_each(clear_loop))),
        (
            "a loop of numbers that are none",
            one(|o| {
                for of in &mut o.loops {
                    of.visits.iter_mut().for_each(|visit| visit.p = f64::NAN);
                    for policy in &mut of.policies {
                        policy.accuracies.fill(f64::NAN);
                        policy.accuracy = f64::INFINITY;
                    }
                    of.rate = f64::NAN;
                    of.picture = Some((usize::MAX, 2));
                }
            }),
        ),
        ("no loop", one(|o| o.loops.clear())),
        ("samples without features", one(|o| o.suspects.iter_mut().for_each(|s| s.features.clear()))),
    ]
}

fn all_outcomes() -> Vec<(&'static str, Outcome)> {
    let mut all = odd_outcomes();
    all.extend([("digits", digits_outcome()), ("moons", moons_outcome()), ("no flips", no_flips_outcome())]);
    all
}

// ---- a small reader of markup
// ----------------------------------------------------------------------

/// The tags of a page, each with its attributes as written; style sheets are skipped.
///
/// Fails on a tag that closes no open one, a stray `<`, a bare `&`, or an attribute
/// without quotes.
fn tags(text: &str, void: &[&str]) -> Result<Vec<String>, String> {
    let mut open: Vec<String> = Vec::new();
    let mut tags = Vec::new();
    let mut rest = text.strip_prefix("<!DOCTYPE html>").unwrap_or(text);
    while let Some(start) = rest.find('<') {
        check_references(&rest[..start])?;
        let end = rest[start..].find('>').ok_or("a tag without end")? + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes no open tag"));
            }
            continue;
        }
        let name = tag.split_whitespace().next().unwrap_or_default();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(format!("<{tag}> is no tag"));
        }
        check_attributes(&tag[name.len()..])?;
        tags.push(tag.to_owned());
        if name == "style" {
            rest = &rest[rest.find("</style>").ok_or("a style sheet without end")? + "</style>".len()..];
        } else if !void.contains(&name) {
            open.push(name.to_owned());
        }
    }
    check_references(rest)?;
    if open.is_empty() { Ok(tags) } else { Err(format!("{open:?} stay open")) }
}

fn check_attributes(text: &str) -> Result<(), String> {
    let mut names = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").ok_or(format!("{rest}: no quoted value"))?;
        let (value, after) = value.split_once('"').ok_or(format!("{rest}: no end of the value"))?;
        let name = name.trim();
        if names.contains(&name) || name.contains(|c: char| c.is_whitespace()) {
            return Err(format!("{name}: twice, or not one word"));
        }
        check_references(value)?;
        names.push(name);
        rest = after.trim();
    }
    Ok(())
}

fn check_references(text: &str) -> Result<(), String> {
    for after in text.split('&').skip(1) {
        if !["amp;", "lt;", "gt;", "quot;"].iter().any(|known| after.starts_with(known)) {
            return Err(format!("a bare & before {:?}", after.chars().take(12).collect::<String>()));
        }
    }
    Ok(())
}

fn page_tags(outcome: &Outcome) -> Result<Vec<String>, String> {
    tags(&page(outcome), &["meta", "br", "link", "img", "hr"])
}

// ---- claims
// ---------------------------------------------------------------------------------------

#[test]
fn the_reader_of_markup_refuses_what_is_malformed() {
    for bad in
        ["<p>", "<p></b>", "a & b", "<p a=1></p>", "<p a=\"1\" a=\"2\"></p>", "a < b", "<p a=\"&x\"></p>"]
    {
        assert!(tags(bad, &[]).is_err(), "{bad}");
    }
    assert_eq!(tags("<p a=\"1\">&lt;<br></p>", &["br"]).unwrap(), ["p a=\"1\"", "br"]);
}

#[test]
fn every_page_and_picture_is_well_formed() {
    for (case, outcome) in all_outcomes() {
        if let Err(error) = page_tags(&outcome) {
            panic!("page of {case}: {error}");
        }
        if let Err(error) = tags(&picture(&outcome), &[]) {
            panic!("picture of {case}: {error}");
        }
    }
}

#[test]
fn no_place_in_a_drawing_is_no_number() {
    for (case, outcome) in all_outcomes() {
        for tag in page_tags(&outcome).unwrap().into_iter().chain(tags(&picture(&outcome), &[]).unwrap()) {
            let drawn = ["path", "text", "line", "circle", "rect"].contains(&tag.split(' ').next().unwrap());
            let odd = tag.contains("NaN") || tag.contains("inf");
            assert!(!drawn || !odd, "{case}: <{tag}>");
        }
    }
}

#[test]
fn nothing_is_fetched_from_elsewhere() {
    for (case, outcome) in all_outcomes() {
        let all = page_tags(&outcome).unwrap().into_iter().chain(tags(&picture(&outcome), &[]).unwrap());
        for tag in all {
            let known = tag.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            for outside in ["src=", "href=", "http:", "https:", "url(", "//"] {
                assert!(!known.contains(outside), "{case}: <{tag}>");
            }
            assert!(
                !["script", "link", "iframe", "img"].contains(&tag.split(' ').next().unwrap()),
                "{case}: <{tag}>"
            );
        }
        let text = page(&outcome);
        let sheet = text.split("<style>").nth(1).and_then(|s| s.split("</style>").next()).unwrap();
        assert!(!sheet.contains("url(") && !sheet.contains("@import"), "{case}");
    }
}

#[test]
fn names_are_shown_as_they_are_and_never_as_markup() {
    let text = page(&moons_outcome());
    assert!(text.contains("moons &amp; &lt;b&gt;"));
    assert!(text.contains("&lt;upper &amp; 'left'&gt;"));
    assert!(!text.contains("<upper") && !text.contains("<b>\"others\""));
}

#[test]
fn every_detector_is_in_the_table_the_legend_the_bars_and_the_panels() {
    let outcome = digits_outcome();
    let (text, drawn) = (page(&outcome), picture(&outcome));
    for detector in &outcome.detectors {
        let name = detector.name;
        for place in [
            format!("<td><b>{name}</b>"),
            format!("<h3>{name}</h3>"),
            format!("aria-label=\"{name}: "),
            format!("<title>{name}, AUROC {:.3}</title>", detector.auroc.unwrap()),
        ] {
            assert!(text.contains(&place), "{place}");
        }
        assert!(drawn.contains(&format!(">{name}</text>")), "{name}");
    }
}

#[test]
fn the_headline_says_the_key_result() {
    let outcome = digits_outcome();
    let best = outcome.best().unwrap();
    let sentence = format!(
        "<h1>Self-influence finds {} of 251 wrong labels among the 251 it flags; without the flagged, test accuracy rises from \
         90.7\u{a0}% to {:.1}\u{a0}%</h1>",
        best.found,
        best.accuracy_after * 100.0
    );
    assert!(page(&outcome).contains(&sentence), "{sentence}");
    assert!(page(&no_flips_outcome()).contains("<h1>No label was flipped"));
}

#[test]
fn a_loss_of_accuracy_is_said_as_one() {
    let mut outcome = digits_outcome();
    outcome.detectors.iter_mut().for_each(|d| d.accuracy_after = 0.85);
    let text = page(&outcome);
    assert!(text.contains("test accuracy falls from 90.7\u{a0}% to 85.0\u{a0}%"));
    assert!(text.contains("worse than before"));
}

#[test]
fn without_flips_no_measure_is_made_up() {
    let text = page(&no_flips_outcome());
    assert!(text.contains("There is no curve to draw"));
    assert!(text.contains("<td data-label=\"AUROC\">–</td>"));
    assert!(!text.contains("✗ flipped"));
}

#[test]
fn a_sample_is_called_flipped_exactly_if_it_was() {
    let outcome = digits_outcome();
    let flipped = outcome.suspects.iter().filter(|s| outcome.truth[s.index]).count();
    let text = page(&outcome);
    assert_eq!(text.matches("✗ flipped").count(), flipped);
    assert_eq!(text.matches("✓ not flipped").count(), outcome.suspects.len() - flipped);
    assert_ne!(flipped, outcome.suspects.len(), "the fixture has a clean suspect");
}

#[test]
fn a_loop_shows_each_guard_each_reason_the_alarms_and_what_was_left_out_first() {
    let outcome = digits_outcome();
    let (of, text) = (&outcome.loops[0], page(&outcome));
    assert!(text.contains("digits &amp; &lt;i&gt;more&lt;/i&gt;"));
    assert!(
        text.contains("With the sieve the network ends at 95.1\u{a0}%, with every sample at 90.0\u{a0}%")
    );
    for policy in &of.policies {
        let row = format!("<td><b>{}</b><small class=\"soft\">{}", policy.name, policy.about);
        assert!(text.contains(&row), "{row}");
    }
    assert!(text.contains("<td data-label=\"wrong labels\">1,201</td>"));
    assert!(text.contains("change, visit 1,234") && text.contains("flood, visit 2,345"));
    assert_eq!(text.matches("direction loss").count(), 4);
    let wrong = of.first.iter().filter(|first| first.given != first.original).count();
    assert_eq!(text.matches("✗ label is wrong").count(), wrong);
    // The wrong labels stand where their p-values do, once each: 3,771 visits are drawn.
    let path = text.split("<path class=\"to-flipped\" d=\"M").nth(1).unwrap();
    let drawn = path.split('"').next().unwrap().matches("h0").count();
    assert_eq!(drawn, of.visits.iter().filter(|visit| visit.wrong).count());
    let mut without = outcome;
    without.loops.clear();
    assert!(!page(&without).contains("sieve in the loop"));
}

#[test]
fn the_report_replaces_the_former_one_and_has_only_its_picture_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(FILE_NAME), "the former report").unwrap();
    let outcome = digits_outcome();
    let path = write(&outcome, directory.path()).unwrap();
    assert_eq!(path, directory.path().join("report.html"));
    assert_eq!(fs::read_to_string(&path).unwrap(), page(&outcome));
    assert_eq!(fs::read_to_string(directory.path().join("picture.svg")).unwrap(), picture(&outcome));
    assert_eq!(names_in(directory.path()), ["picture.svg", "report.html"]);
}

#[cfg(unix)]
#[test]
fn the_report_is_as_readable_as_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    fs::write(&plain, "").unwrap();
    let path = write(&no_flips_outcome(), directory.path()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
}

#[test]
fn a_missing_directory_is_named_and_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("nowhere");
    let error = write(&digits_outcome(), &missing).unwrap_err();
    assert!(matches!(error, ReportError::Directory { .. }));
    assert!(error.to_string().starts_with(&missing.display().to_string()), "{error}");
    assert!(names_in(directory.path()).is_empty());
}

#[test]
fn a_report_that_cannot_take_its_place_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    // A directory stands where the report should.
    fs::create_dir_all(directory.path().join(FILE_NAME).join("full")).unwrap();
    let error = write(&digits_outcome(), directory.path()).unwrap_err();
    assert!(matches!(error, ReportError::Write { .. }), "{error}");
    assert_eq!(names_in(directory.path()), [FILE_NAME]);
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// `cargo test -p gradsieve-harness --test all -- --ignored report` writes the fixtures
/// for the eye.
#[test]
#[ignore = "writes pages to look at"]
fn the_fixtures_can_be_looked_at() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    fs::create_dir_all(&directory).unwrap();
    for (case, outcome) in all_outcomes() {
        let name = case.replace(' ', "-");
        fs::write(directory.join(format!("{name}.html")), page(&outcome)).unwrap();
        fs::write(directory.join(format!("{name}.svg")), picture(&outcome)).unwrap();
    }
    println!("{}", directory.display());
}
