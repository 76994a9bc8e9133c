//! A progress bar on standard error for each stage of a long command.

use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use gradsieve_harness::Watch;

/// A progress bar for the stage that is under way.
#[derive(Default)]
pub(super) struct Bars {
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
