//! Models and measures against oracles: finite differences in f64, NumPy's and
//! scikit-learn's figures, and the room's own promises (equal bits, one truth for
//! gradients).

mod golden;
mod gradients;
mod second;
mod training;
