//! Programs that a step runs: with their output shown, kept back unless they fail, or
//! read.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};

use crate::check::root;

/// How many of the last lines of a failed program are shown.
const TAIL: usize = 60;

/// A program with its arguments, run in the root of the clone unless another folder is
/// named.
pub(crate) struct Program(Command);

impl Program {
    /// A program found by its name or path.
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name);
        command.current_dir(root()).stdin(Stdio::null());
        Self(command)
    }

    /// The cargo that built this program, without colours.
    pub(crate) fn cargo() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(cargo).env("CARGO_TERM_COLOR", "never")
    }

    /// The cargo of the nightly toolchain, with its compiler, where there is one.
    pub(crate) fn nightly() -> Option<Self> {
        let rustc = Self::new("rustup").args(["which", "rustc", "--toolchain", "nightly"]).read().ok()?;
        let rustc = Path::new(rustc.trim());
        let cargo = Self::new(rustc.with_file_name("cargo")).env("RUSTC", rustc);
        Some(cargo.env("RUSTDOC", rustc.with_file_name("rustdoc")))
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.0.args(arguments);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Takes a variable of the environment away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Ends it after some seconds, as a failure.
    pub(crate) fn limited(self, seconds: u32) -> Self {
        let mut command = Command::new("timeout");
        command.arg(seconds.to_string()).arg(self.0.get_program()).args(self.0.get_args());
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = self.0.get_current_dir() {
            command.current_dir(folder);
        }
        command.stdin(Stdio::null());
        Self(command)
    }

    /// Runs it in another folder.
    pub(crate) fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// The program and its arguments, as one would type them.
    pub(crate) fn words(&self) -> String {
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    /// Runs it and shows what it prints, as it prints it. A failure's error holds the
    /// last lines, so that the end of a long check says what went wrong in it.
    pub(crate) fn show(self) -> anyhow::Result<()> {
        let words = self.words();
        let Self(mut command) = self;
        println!("$ {words}");
        let (printed, both) = std::io::pipe()?;
        command.stdout(both.try_clone()?).stderr(both);
        let mut child = command.spawn().with_context(|| words.clone())?;
        // Its ends of the pipe are closed here, or the reading would never end.
        drop(command);
        let mut last = VecDeque::with_capacity(TAIL);
        for line in BufReader::new(printed).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            println!("{line}");
            if last.len() == TAIL {
                last.pop_front();
            }
            last.push_back(line);
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("{words}: {status}\n{}", Vec::from(last).join("\n"));
        }
        Ok(())
    }

    /// Runs it and returns what it wrote to its standard output. What it printed is shown
    /// only if it fails.
    pub(crate) fn read(self) -> anyhow::Result<String> {
        let words = self.words();
        let output = self.output()?;
        if !output.status.success() {
            bail!("{words}: {}\n{}", output.status, tail(&printed(&output)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it and returns all that it printed, whether it failed or not.
    pub(crate) fn output(mut self) -> anyhow::Result<Output> {
        self.0.output().with_context(|| self.words())
    }
}

/// The last lines of what was printed.
pub(crate) fn tail(printed: &str) -> String {
    let lines: Vec<_> = printed.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
}

/// What a program wrote to both of its outputs.
pub(crate) fn printed(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}
