//! Options that nothing reads are refused, by name and with what they belong to.

use super::place::Place;
use gradsieve::Kind;

/// Refuses `arguments` with this sentence. No file is there: it is seen before one is
/// opened.
#[track_caller]
fn refuses(arguments: &str, sentence: &str) {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    assert_eq!(Place::new().fail(&arguments), sentence);
}

#[test]
fn a_projection_refuses_the_settings_of_another() {
    let sketch = |more: &str, sentence: &str| refuses(&format!("sketch g.npy -o s.npy {more}"), sentence);
    sketch(
        "--shapes 2x2",
        "--shapes: expected --projection logra, factgrass or layers beside it, which alone use it, found sjlt",
    );
    sketch("--mask-len 2", "--mask-len: expected --projection mask beside it, found 2 with sjlt");
    let scatter = [Kind::Exact, Kind::Sjlt, Kind::Mask, Kind::FactGrass];
    for name in Kind::ALL.iter().filter(|kind| !scatter.contains(kind)).map(|kind| kind.name()) {
        let shapes = if ["logra", "layers"].contains(&name) { " --shapes 2x2" } else { "" };
        sketch(
            &format!("--repeat 2 --projection {name}{shapes}"),
            &format!("--repeat: expected 1 with --projection {name}, found 2"),
        );
    }
}

#[test]
fn without_a_projection_its_settings_are_refused() {
    let width = |option: &str, found: &str| {
        format!("{option}: expected --dim beside it, the numbers to project to, found {found}")
    };
    let outliers = "outliers g.npy --detector direction";
    refuses(&format!("{outliers} --seed 1"), &width("--seed", "none"));
    refuses(&format!("{outliers} --repeat 2"), &width("--repeat", "none"));
    refuses(&format!("{outliers} --projection sjlt"), &width("--projection", "sjlt without it"));
    let influence = "influence --train t.npy --target v.npy --method dot --top 1";
    refuses(&format!("{influence} --seed 1"), &width("--seed", "none"));
    refuses(
        &format!("{influence} --projection logra --shapes 2x2"),
        &width("--projection", "logra without it"),
    );
}

#[test]
fn a_forest_reads_the_seed_without_a_projection() {
    let place = Place::new();
    place.write("g.npy", &[20, 4], gradsieve_io::files::Dtype::F32, &super::place::noise(80));
    place.succeed(&["outliers", "g.npy", "--detector", "forest", "--seed", "1"]);
}

#[test]
fn a_detector_that_is_exact_refuses_every_setting_of_a_projection() {
    for more in ["--dim 32", "--projection mask", "--shapes 2", "--mask-len 2", "--seed 1", "--repeat 2"] {
        let option = more.split(' ').next().unwrap();
        let sentence = format!(
            "{option}: expected a detector that looks at sketches, found l2, which is exact and needs none"
        );
        refuses(&format!("outliers g.npy --detector l2 {more}"), &sentence);
    }
}

#[test]
fn a_store_of_sketches_refuses_a_width() {
    refuses(
        "outliers g.store --detector direction --dim 32",
        "--dim: expected gradients to project, found 32 with a store of sketches",
    );
}

#[test]
fn a_method_refuses_the_settings_of_another() {
    let dot = "influence --train t.npy --target v.npy --method dot -o i.npy";
    refuses(
        &format!("{dot} --lr 0.1"),
        "--lr: expected --method tracin or less, which weigh checkpoints by it, found dot",
    );
    refuses(&format!("{dot} --step 1"), "--step: expected --method lissa, which alone uses it, found dot");
}

#[test]
fn influence_along_a_run_refuses_the_settings_of_methods_over_checkpoints() {
    let run = "influence --trajectory run --target v.npy --method dvemb --top 1";
    for (more, sentence) in [
        ("--lr 0.1", "--lr: expected none: each step has its own learning rate, found once"),
        (
            "--damping 1",
            "--damping: expected a method that has one: ridge, trak, datainf, lissa, cg, gif or ek-fac, found dvemb",
        ),
        ("--layers 2", "--layers: expected --method datainf, which alone uses it, found dvemb"),
        ("--passes 2", "--passes: expected --method cg, lissa or arnoldi, found dvemb"),
        ("--one-minus-p p.npy", "--one-minus-p: expected --method trak, which alone uses it, found dvemb"),
        ("--subtasks s.npy", "--subtasks: expected --method less, which alone uses it, found dvemb"),
        (
            "--principal 2 --shapes 2x2 --dim 32 --projection logra",
            "--shapes: expected none with --principal, which has its layers of the recorded run, found 1",
        ),
        (
            "--eigen 2 --shapes 2x2 --dim 32 --projection logra",
            "--shapes: expected none with --eigen, whose coordinates are of no layer, found 1",
        ),
    ] {
        refuses(&format!("{run} {more}"), sentence);
    }
}

#[test]
fn what_is_kept_of_a_runs_gradients_is_refused_without_a_run() {
    let pairs = "influence --train t.npy --target v.npy --method dot --top 1";
    for option in ["--principal", "--eigen"] {
        let sentence = format!("{option}: expected --trajectory, whose layers it is about, found none");
        refuses(&format!("{pairs} {option} 2"), &sentence);
    }
}

#[test]
fn the_type_of_numbers_that_are_not_written_is_refused() {
    refuses(
        "influence --train t.npy --target v.npy --method dot --top 1 --dtype f64",
        "--dtype: expected --output beside it, whose numbers it is about, found none",
    );
}

#[test]
fn an_experiment_refuses_the_settings_of_another() {
    for (more, sentence) in [
        ("lds --removal last", "--removal: expected --experiment tsloo, found lds"),
        ("tsloo --decay 1", "--decay: expected --experiment loo, found tsloo"),
        (
            "tsloo --flip 0.1",
            "--flip: expected --experiment flips or fairness or sketches or breakdown, found tsloo",
        ),
        (
            "fairness --data table",
            "--data: expected --experiment tsloo or loo or lds or brittleness or flips or shapley or sketches, found fairness",
        ),
        (
            "flips --noise 0.1",
            "--noise: expected --experiment tsloo or loo or lds or brittleness or shapley, found flips",
        ),
        (
            "shapley --damping 1",
            "--damping: expected --experiment tsloo or loo or lds or brittleness or flips, found shapley",
        ),
        (
            "loo --epochs 3",
            "--epochs: expected --experiment tsloo or lds or brittleness or flips or shapley or fairness or sketches or breakdown or streams or loop, found loo",
        ),
        (
            "sketches --projection mask:8",
            "--projection: expected --experiment tsloo or loo or lds or brittleness or flips, found sketches",
        ),
        (
            "tsloo --projection logra",
            "--projection: expected --dim beside it, the numbers to project to, found logra without it",
        ),
    ] {
        refuses(&format!("truth --quick --experiment {more}"), sentence);
    }
}

#[test]
fn a_plan_without_rows_has_no_codecs_to_show() {
    refuses(
        "plan --params 100 --budget 1MB --all",
        "--all: expected --rows beside it, for whose codecs it asks, found none",
    );
}
