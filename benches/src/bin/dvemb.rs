//! Data value embedding against NumPy, in one run: turn and turn about, one thread each,
//! in thread CPU time, and with the same answers.

use anyhow::{Context, ensure};
use clap::Parser;
use cpu_time::ThreadTime;
use gradsieve::influence::dvemb::{
    Adjoint, AdjointSettings, Blocks, Curvature, Propagator, PropagatorSettings, Step,
};
use gradsieve::{Exact, Layout, Projector, SketchId};
use gradsieve_bench::data::Buffer;
use gradsieve_bench::figures::{About, Figures, command};
use gradsieve_bench::machine::Machine;
use gradsieve_kernels::hash::word;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Races data value embedding against NumPy (which has to be installed for the Python
/// that is named).
///
/// Three ways in NumPy: the recursion as it is written down, the same in f64 (NumPy's own
/// precision), and the best that we know, in blocks of steps. For scores on known targets
/// also the adjoint form in NumPy.
#[derive(Parser)]
#[command(after_help = "Examples:
  cargo run --profile bench -p gradsieve-bench --bin dvemb
  cargo run --profile bench -p gradsieve-bench --bin dvemb -- --factors 64 --csv dvemb.csv")]
struct Arguments {
    /// The Python to start.
    #[arg(long, default_value = "python3")]
    python: String,
    /// Steps of the run.
    #[arg(long, default_value_t = 320)]
    steps: usize,
    /// Samples a step.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Factor rows a step; 0 is the empirical Fisher.
    #[arg(long, default_value_t = 0)]
    factors: usize,
    /// Numbers a row.
    #[arg(long, default_value_t = 1024)]
    width: usize,
    /// Targets.
    #[arg(long, default_value_t = 16)]
    targets: usize,
    /// Turns; the fastest counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Write the figures to a new file.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// What the file calls this machine; its processor's name, if not given.
    #[arg(long, value_name = "TEXT", requires = "csv")]
    machine: Option<String>,
}

struct Run {
    arguments: Arguments,
    learning_rate: f32,
    gradients: Buffer<f32>,
    factors: Buffer<f32>,
    targets: Buffer<f32>,
}

/// Numbers like those of a standard normal over the root of the width, without a period.
fn numbers(seed: u64, rows: usize, width: usize) -> Buffer<f32> {
    let mut buffer = Buffer::zeros(rows * width);
    let scale = (3.0 / 4.0 / width as f64).sqrt() / 32_768.0;
    for (i, to) in (0..).zip(buffer.iter_mut()) {
        let word = word(seed, i);
        let sum: f64 = (0..4).map(|j| (word >> (16 * j) & 0xFFFF) as f64 - 32_767.5).sum();
        *to = (sum * scale) as f32;
    }
    buffer
}

impl Run {
    fn new(arguments: Arguments) -> Self {
        let Arguments { steps, batch, factors, width, targets, .. } = arguments;
        // λ_max of a step's curvature is about (1 + √(rows/width))².
        let learning_rate = 0.05;
        let [gradients, factors, targets] = [(1, steps * batch), (2, steps * factors), (3, targets)]
            .map(|(seed, rows)| numbers(seed, rows, width));
        Self { arguments, learning_rate, gradients, factors, targets }
    }

    fn id(&self) -> anyhow::Result<SketchId> {
        let width = self.arguments.width;
        Ok(Exact::new(width).id(Layout::flat(width as u64)?.id()))
    }

    fn steps(&self, id: SketchId) -> impl Iterator<Item = (usize, Step<'_>)> {
        let Arguments { steps, batch, factors, width, .. } = self.arguments;
        (0..steps).rev().map(move |s| {
            let curvature = match factors {
                0 => Curvature::EmpiricalFisher,
                rows => Curvature::Factors(&self.factors[s * rows * width..][..rows * width]),
            };
            let gradients = &self.gradients[s * batch * width..][..batch * width];
            (s, Step { id, learning_rate: self.learning_rate, gradients, curvature })
        })
    }

    fn embeddings(&self) -> anyhow::Result<(f64, Buffer<f32>)> {
        let Arguments { steps, batch, factors, width, .. } = self.arguments;
        let (id, ends) = (self.id()?, [width]);
        let blocks = Blocks::new(&ends)?;
        let settings = PropagatorSettings { blocks, factors };
        let (mut memory, mut out) =
            (Buffer::zeros(settings.memory().f32s), Buffer::zeros(steps * batch * width));
        let start = ThreadTime::now();
        let mut later = Propagator::new(settings, &mut memory[..])?;
        for (s, step) in self.steps(id) {
            let stability = later.step(&step, &mut out[s * batch * width..][..batch * width])?;
            ensure!(!stability.is_unstable(), "step {s} is unstable");
        }
        Ok((start.elapsed().as_secs_f64(), out))
    }

    fn scores(&self) -> anyhow::Result<(f64, Buffer<f32>)> {
        let Arguments { steps, batch, factors, width, targets, .. } = self.arguments;
        let (id, ends, rows) = (self.id()?, [width], batch.max(factors));
        let blocks = Blocks::new(&ends)?;
        let settings = AdjointSettings { blocks, targets, rows };
        let (mut memory, mut out) =
            (Buffer::zeros(settings.memory().f32s), Buffer::zeros(steps * batch * targets));
        let start = ThreadTime::now();
        let mut adjoint = Adjoint::new(settings, id, &self.targets, &mut memory[..])?;
        for (s, step) in self.steps(id) {
            adjoint.step(&step, &mut out[s * batch * targets..][..batch * targets])?;
        }
        Ok((start.elapsed().as_secs_f64(), out))
    }

    fn send(&self, to: &mut impl Write) -> anyhow::Result<()> {
        let Arguments { steps, batch, factors, width, targets, .. } = self.arguments;
        for number in [steps, batch, factors, width, targets, 0] {
            to.write_all(&(number as u64).to_le_bytes())?;
        }
        to.write_all(&self.learning_rate.to_le_bytes())?;
        for numbers in [&self.gradients, &self.factors, &self.targets] {
            to.write_all(numbers.bytes())?;
        }
        Ok(to.flush()?)
    }
}

/// Σ x·weight and Σ |x|·weight, as the other side has it.
fn digest(x: &[f32]) -> (f64, f64) {
    let terms = x.iter().zip((1..=251).cycle());
    terms.fold((0.0, 0.0), |(sum, size), (&x, weight)| {
        let term = f64::from(x) * f64::from(weight);
        (sum + term, size + term.abs())
    })
}

fn python(arguments: &Arguments) -> anyhow::Result<Child> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/dvemb.py");
    let mut command = Command::new(&arguments.python);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    for variable in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"] {
        command.env(variable, "1");
    }
    command.spawn().with_context(|| format!("cannot start {}", arguments.python))
}

/// One of our ways through the run: its seconds, and what it found.
type Work = fn(&Run) -> anyhow::Result<(f64, Buffer<f32>)>;

fn main() -> anyhow::Result<()> {
    let run = Run::new(Arguments::parse());
    let mut child = python(&run.arguments)?;
    let mut to = BufWriter::new(child.stdin.take().context("no pipe to Python")?);
    let mut from = BufReader::new(child.stdout.take().context("no pipe from Python")?).lines();
    run.send(&mut to)?;

    let ours: [(&str, Work); 2] = [("embeddings", Run::embeddings), ("scores", Run::scores)];
    let theirs = ["plain", "plain double", "careful"];
    let Arguments { steps, batch, factors, width, targets, rounds, .. } = run.arguments;
    println!(
        "{steps} steps of {batch} samples and {factors} factor rows, k = {width}, {targets} targets; best of {rounds}"
    );
    let mut figures = match &run.arguments.csv {
        Some(path) => {
            let machine = run.arguments.machine.clone().unwrap_or_else(|| Machine::here().cpu);
            let regime = format!(
                "{steps} steps of {batch} samples and {factors} factor rows; K = {width}; {targets} targets; \
                 one thread each; thread CPU time; best of {rounds}"
            );
            let about = About { machine, command: command("dvemb"), regime };
            Some(Figures::create(
                path,
                &about,
                &["what", "way in NumPy", "NumPy in ms", "ours in ms", "ratio"],
            )?)
        }
        None => None,
    };
    for (what, work) in ours {
        let ways: Vec<String> = match what {
            "embeddings" => theirs.iter().map(|way| format!("{what} {way}")).collect(),
            _ => ["plain", "careful", "adjoint"].iter().map(|way| format!("{what} {way}")).collect(),
        };
        let (mut best, mut others) = (f64::INFINITY, vec![f64::INFINITY; ways.len()]);
        for _ in 0..rounds {
            let (seconds, found) = work(&run)?;
            best = best.min(seconds);
            let (sum, size) = digest(&found);
            for (way, fastest) in ways.iter().zip(&mut others) {
                writeln!(to, "{way}")?;
                to.flush()?;
                let line = from.next().context("Python has ended")??;
                let [seconds, theirs, _] =
                    line.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>()?[..]
                else {
                    anyhow::bail!("Python said \"{line}\"");
                };
                ensure!((theirs - sum).abs() < 1e-4 * size, "{way}: {theirs} where ours is {sum} of {size}");
                *fastest = fastest.min(seconds);
            }
        }
        println!("{what}: ours {:.1} ms", best * 1e3);
        for (way, seconds) in ways.iter().zip(others) {
            println!("  NumPy, {way}: {:.1} ms, {:.2} times ours", seconds * 1e3, seconds / best);
            if let Some(figures) = &mut figures {
                let of = |seconds: f64| format!("{:.1}", seconds * 1e3);
                let way = way.strip_prefix(what).unwrap_or(way).trim();
                figures.row(&[what, way, &of(seconds), &of(best), &format!("{:.2}", seconds / best)])?;
            }
        }
    }
    drop(to);
    child.wait()?;
    Ok(())
}
