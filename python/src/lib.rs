//! The Python package's compiled half: sketchers, the sieve, detectors, influence, over
//! NumPy arrays. What knows torch is written in Python, beside it.

mod clients;
mod detectors;
mod error;
mod influence;
mod report;
mod sieve;
mod sketcher;
mod sketches;

/// Which training samples are harmful, odd or influential.
#[pyo3::pymodule]
mod _gradsieve {
    #[pymodule_export]
    use super::clients::{client_rules, client_weights};
    #[pymodule_export]
    use super::detectors::Detector;
    #[pymodule_export]
    use super::influence::influence;
    #[pymodule_export]
    use super::report::report_page;
    #[pymodule_export]
    use super::sieve::{Sieve, reason_names};
    #[pymodule_export]
    use super::sketcher::Sketcher;
    #[pymodule_export]
    use super::sketches::Sketches;
}
