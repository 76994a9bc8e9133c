//! What every experiment works with.

use std::path::PathBuf;

use super::error::TruthError;
use super::evidence::Evidence;
use super::fitted::Fitted;
use super::ledger::Ledger;
use super::methods::Method;
use super::settings::Settings;
use super::tally::{Tally, Whose};
use super::task::Task;
use crate::data::Flips;
use crate::model::{Mlp, train};
use crate::watch::Watch;

/// What an experiment works with.
pub(super) struct Context<'a> {
    pub(super) settings: &'a Settings,
    pub(super) watch: &'a dyn Watch,
    pub(super) methods: Vec<&'static Method>,
    pub(super) cache: Option<PathBuf>,
}

impl Context<'_> {
    /// The ledger for a key.
    pub(super) fn ledger(&self, key: &str) -> Result<Ledger, TruthError> {
        self.cache.as_ref().map_or_else(|| Ok(Ledger::none()), |directory| Ledger::open(directory, key))
    }

    /// The projection that was asked for, fitted to the training samples at `model`; none
    /// if there is nothing to fit. One serves all methods of a run.
    pub(super) fn fitted(&self, task: &Task, model: &Mlp) -> Result<Option<Fitted>, TruthError> {
        let fit = |dim| Fitted::new(self.settings.projection, model, &task.train, dim);
        self.settings.dim.map_or(Ok(None), fit)
    }

    /// What every method may look at; the path is for the experiment to add.
    pub(super) fn evidence<'a>(
        &self,
        task: &'a Task,
        model: &'a Mlp,
        fitted: Option<&'a Fitted>,
    ) -> Evidence<'a> {
        Evidence {
            target: self.settings.target,
            dim: self.settings.dim,
            projection: self.settings.projection,
            fitted,
            ensemble: self.settings.ensemble,
            seed: task.seed,
            ..Evidence::new(&task.train, &task.test, model, &task.config)
        }
    }

    /// The task with some labels flipped, where, and a model trained on it to its end.
    pub(super) fn trained_on_flips(
        &self,
        task: &Task,
        tally: &mut Tally,
    ) -> Result<(Task, Flips, Mlp), TruthError> {
        let mut task = task.clone();
        let flips = task.train.flip_labels(self.settings.flip, task.seed)?;
        self.watch.begin("training", task.config.epochs as u64);
        let model = train(&task.train, &task.config, |_| self.watch.step())?.model;
        self.watch.end();
        tally.accuracies.push(model.accuracy(&task.test)?);
        Ok((task, flips, model))
    }

    /// Calls `act` for every method that was asked for, with its name in the tables and
    /// what it may look at; once for each damping if it has one and some were asked for.
    pub(super) fn each_method(
        &self,
        evidence: &Evidence<'_>,
        mut act: impl FnMut(&Method, &Whose<'_>, &Evidence<'_>) -> Result<(), TruthError>,
    ) -> Result<(), TruthError> {
        self.watch.begin("methods", self.methods.len() as u64);
        for method in &self.methods {
            let about = method.about;
            let dampings = if method.is_damped { &self.settings.damping[..] } else { &[] };
            for &damping in dampings {
                let name = format!("{} damping {damping}", method.name);
                let evidence = Evidence { damping: Some(damping), ..*evidence };
                act(method, &Whose { name: &name, about }, &evidence)?;
            }
            if dampings.is_empty() {
                act(method, &Whose { name: method.name, about }, evidence)?;
            }
            self.watch.step();
        }
        self.watch.end();
        Ok(())
    }
}
