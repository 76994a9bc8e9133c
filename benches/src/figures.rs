//! A file of figures, as the tables of README and book are made from: `# key: value`
//! lines that say where the figures are from, the names of the columns, and a row for
//! each figure, written as it comes.

use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Where figures are from.
pub struct About {
    /// The machine, in words.
    pub machine: String,
    /// The program, and options that make the same figures.
    pub command: String,
    /// What the figures hold for.
    pub regime: String,
}

/// A file of figures that grows. What was written stays if the program ends early.
pub struct Figures(File);

impl Figures {
    /// A new file with its head.
    ///
    /// # Errors
    /// A file of this name is there already (figures are never written over), or it
    /// cannot be written.
    pub fn create(path: &Path, about: &About, columns: &[&str]) -> anyhow::Result<Self> {
        let file = File::options().write(true).create_new(true).open(path);
        let mut file = file.with_context(|| format!("{}: cannot make a new file", path.display()))?;
        let date = jiff::Zoned::now().strftime("%Y-%m-%d");
        let About { machine, command, regime } = about;
        writeln!(file, "# machine: {machine}\n# date: {date}\n# command: {command}\n# regime: {regime}")?;
        let mut figures = Self(file);
        figures.row(columns)?;
        Ok(figures)
    }

    /// Adds a row, without the commas in its fields.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn row(&mut self, fields: &[impl AsRef<str>]) -> anyhow::Result<()> {
        let fields: Vec<String> = fields.iter().map(|field| field.as_ref().replace(',', "")).collect();
        writeln!(self.0, "{}", fields.join(",")).context("cannot write figures")
    }
}

/// The command that was given, without the options that name a file, a program or the
/// machine: what makes the same figures elsewhere.
#[must_use]
pub fn command(program: &str) -> String {
    const OWN: [&str; 3] = ["--csv", "--machine", "--python"];
    let mut command = format!("cargo run --profile bench -p gradsieve-bench --bin {program}");
    let mut separator = " -- ";
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            own if OWN.contains(&own) => drop(given.next()),
            own if own.split_once('=').is_some_and(|(name, _)| OWN.contains(&name)) => {}
            other => {
                let quote = if other.contains(' ') { "'" } else { "" };
                command += &format!("{separator}{quote}{other}{quote}");
                separator = " ";
            }
        }
    }
    command
}
