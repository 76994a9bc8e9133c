//! A progress bar on standard error for each stage of a long command.

use std::io::{self, IsTerminal as _};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use super::console::Progress;
use gradsieve_harness::Watch;

/// Shows the stages as standard error can: bars on a terminal, lines now and then in a
/// log.
pub(super) fn watch() -> Box<dyn Watch> {
    if io::stderr().is_terminal() { Box::new(Bars::default()) } else { Box::new(Log::default()) }
}

/// Lines for a log.
#[derive(Default)]
struct Log {
    stage: Mutex<Option<(Progress, usize)>>,
}

impl Log {
    fn with(&self, act: impl FnOnce(&mut Option<(Progress, usize)>)) {
        act(&mut self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Watch for Log {
    fn begin(&self, stage: &str, steps: u64) {
        let progress = Progress::new(stage, usize::try_from(steps).unwrap_or(usize::MAX));
        self.with(|slot| *slot = Some((progress, 0)));
    }

    fn step(&self) {
        self.with(|slot| {
            if let Some((progress, done)) = slot {
                *done += 1;
                progress.reach(*done);
            }
        });
    }

    fn end(&self) {
        self.with(|slot| *slot = None);
    }
}

/// A progress bar for the stage that is under way.
#[derive(Default)]
struct Bars {
    bar: Mutex<Option<ProgressBar>>,
}

impl Bars {
    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        // A thread that panicked while it moved a bar has not harmed the bar.
        act(&mut self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Watch for Bars {
    fn begin(&self, stage: &str, steps: u64) {
        let style = ProgressStyle::with_template("{msg:13} {wide_bar:.cyan/dim} {percent:>3} % {elapsed:>4}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(steps).with_style(style).with_message(stage.to_owned());
        self.with(|slot| *slot = Some(bar));
    }

    fn step(&self) {
        self.with(|slot| {
            if let Some(bar) = slot {
                bar.inc(1);
            }
        });
    }

    fn end(&self) {
        self.with(|slot| {
            if let Some(bar) = slot.take() {
                bar.finish_and_clear();
            }
        });
    }
}
