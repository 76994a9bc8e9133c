//! The Python package's compiled half: sketchers, the sieve, detectors, stores,
//! influence, over NumPy arrays. What knows torch is written in Python, beside it.

mod clients;
mod detectors;
mod ekfac;
mod error;
mod files;
mod influence;
mod memory;
mod plan;
mod report;
mod sieve;
mod sketcher;
mod sketches;
mod store;
mod top_k;
mod visits;

/// Which training samples are harmful, odd or influential.
#[pyo3::pymodule]
mod _gradsieve {
    #[pymodule_export]
    use super::clients::{client_rules, client_weights};
    #[pymodule_export]
    use super::detectors::Detector;
    #[pymodule_export]
    use super::ekfac::ekfac;
    #[pymodule_export]
    use super::files::{Run, StoreFile};
    #[pymodule_export]
    use super::influence::influence;
    #[pymodule_export]
    use super::plan::plan;
    #[pymodule_export]
    use super::report::report_page;
    #[pymodule_export]
    use super::sieve::{Sieve, largest_label, reason_names};
    #[pymodule_export]
    use super::sketcher::Sketcher;
    #[pymodule_export]
    use super::sketches::Sketches;
    #[pymodule_export]
    use super::store::Store;
    #[pymodule_export]
    use super::top_k::TopK;
    #[pymodule_export]
    use super::visits::Visits;
}
