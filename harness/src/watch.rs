//! Progress, for whoever watches. Calls may come from several threads.

/// Is told how far a demonstration has come.
pub trait Watch: Sync {
    /// A stage of `steps` steps begins.
    fn begin(&self, stage: &str, steps: u64);
    /// One step of the stage is done.
    fn step(&self);
    /// The stage is over.
    fn end(&self);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {
    fn begin(&self, _stage: &str, _steps: u64) {}
    fn step(&self) {}
    fn end(&self) {}
}
