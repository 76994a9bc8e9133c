//! `gradsieve plan`.

use serde_json::Value;

use super::place::Place;

#[test]
fn a_plan_fits_its_budget_and_lists_the_least_error_first() {
    let place = Place::new();
    let arguments = ["plan", "--params", "1000000", "--budget", "64KiB", "--rows", "200", "--json"];
    let best = place.json(&arguments);
    let all = place.json(&[&arguments[..], &["--all"]].concat());
    let choices = |plan: &Value| plan["choices"].as_array().expect("a list").clone();
    assert!(choices(&best).len() < choices(&all).len());
    assert_eq!(
        (&all["params"], &all["rows"], &all["budget"]),
        (&1_000_000.into(), &200.into(), &65_536.into())
    );
    let mut errors = Vec::new();
    for choice in choices(&all) {
        assert!(choice["bytes"].as_u64().expect("a number") <= 65_536);
        let dim = choice["dim"].as_u64().expect("a number");
        errors.push(choice["error"].as_f64().expect("a number"));
        assert!(dim > 0 && dim % 32 == 0 && choice["exact"] == Value::Bool(false));
    }
    assert!(errors.is_sorted() && !errors.is_empty());
    assert!(choices(&best).iter().all(|choice| choices(&all).contains(choice)));

    let text = place.succeed(&arguments[..7]);
    let first = &choices(&best)[0];
    assert!(text.starts_with("1000000 parameters, 200 stored rows, 64.0 KiB of memory"), "{text}");
    assert!(text.contains(first["codec"].as_str().expect("a name")), "{text}");

    let without_rows = place.json(&["plan", "--params", "100", "--budget", "1MB", "--json"]);
    let choice = &choices(&without_rows)[0];
    assert_eq!(
        (&choice["codec"], &choice["dim"], &choice["exact"]),
        (&Value::Null, &100.into(), &true.into())
    );
}

#[test]
fn a_plan_for_too_little_memory_says_how_much_is_needed() {
    let place = Place::new();
    let plan = |budget: &str| {
        place.run(&["plan", "--params", "1000000", "--rows", "1000", "--budget", budget]).status.code()
    };
    let error = place.fail(&["plan", "--params", "1000000", "--rows", "1000", "--budget", "100B"]);
    let least = error.strip_prefix("--budget: expected at least ").and_then(|rest| rest.split(' ').next());
    let least: u64 = least.expect("a number").parse().expect("a number");
    assert_eq!(plan(&least.to_string()), Some(0));
    assert_eq!(plan(&(least - 1).to_string()), Some(2));
    for odd in ["", "64 parsecs", "-3", "1e5KiB KiB"] {
        assert_eq!(plan(odd), Some(2), "{odd}");
    }
    for arguments in [["--params", "0"], ["--groups", "0"], ["--rows", "-1"]] {
        let line = [&["plan", "--params", "9", "--budget", "1MiB"][..], &arguments].concat();
        assert_eq!(place.run(&line).status.code(), Some(2), "{arguments:?}");
    }
}
