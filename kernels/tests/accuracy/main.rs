//! Accuracy, apart from equality: one table of what each kernel may be off by and why,
//! against oracles in `f64`, in pairs of `f64`, or in integers.
//!
//! Every line sees inputs that are uniform, normal, tiny, heavy-tailed, positive,
//! subnormal, with infinities and with NaNs, of lengths that cross registers, lanes and
//! tiles; conversions and codecs see all values of the 16-bit formats. The printed table
//! is `docs/src/numerics/accuracy.md`:
//!
//! `cargo test -p gradsieve-kernels --test accuracy -- --nocapture`
//!
//! Levels don't differ (`tests/levels`), so one is enough:
//! [`gradsieve_kernels::Level::best`].

mod codecs;
mod directions;
mod doubles;
mod inputs;
mod projections;
mod scores;
mod sums;
mod updates;
mod worst;

use gradsieve_kernels::Level;
use worst::Worst;

/// A kernel, what it may be off by, and why.
struct Line {
    /// The file in `kernels/src` that it is in.
    file: &'static str,
    kernel: &'static str,
    bound: &'static str,
    reason: &'static str,
    check: fn(&mut Worst),
}

/// The table.
fn lines() -> impl Iterator<Item = &'static Line> {
    let all = [
        sums::LINES,
        updates::LINES,
        doubles::LINES,
        directions::LINES,
        projections::LINES,
        codecs::LINES,
        scores::LINES,
    ];
    all.into_iter().flatten()
}

#[test]
fn every_kernel_keeps_to_its_bound_and_the_page_says_so() {
    let mut table =
        String::from("| kernel | is off by at most | because | worst seen, of that |\n|---|---|---|---|\n");
    println!("\non level {}", Level::best().name());
    let mut broken = Vec::new();
    for line in lines() {
        let mut worst = Worst::new();
        (line.check)(&mut worst);
        assert!(worst.seen > 0, "{}: nothing was checked", line.kernel);
        if worst.share > 1.0 {
            broken.push(format!("{}: {:.3} of the bound, {}", line.kernel, worst.share, worst.place));
        }
        let share = if line.bound == "0" { "exact".into() } else { format!("{:.0} %", 100.0 * worst.share) };
        table += &format!("| {} | {} | {} | {share} |\n", line.kernel, line.bound, line.reason);
    }
    println!("\n{table}");
    assert!(broken.is_empty(), "{broken:#?}");
    let page = include_str!("../../../docs/src/numerics/accuracy.md");
    assert!(
        page.contains(&table),
        "docs/src/numerics/accuracy.md holds another table than the one printed above"
    );
}

#[test]
fn every_file_with_a_kernel_is_in_the_table() {
    fn kernels(folder: &std::path::Path, found: &mut Vec<String>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                kernels(&path, found)?;
            } else if std::fs::read_to_string(&path)?.contains("_with(Level::best()") {
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    if let Err(error) = kernels(concat!(env!("CARGO_MANIFEST_DIR"), "/src").as_ref(), &mut found) {
        eprintln!("skipped: the sources cannot be read here: {error}");
        return;
    }
    assert!(found.len() > 10, "{found:?}");
    for path in found {
        assert!(lines().any(|line| path.ends_with(line.file)), "{path} has a kernel and no line");
    }
}
