//! Claims about reading and writing arrays. The files in `golden/files/` were written by
//! NumPy and by safetensors' Python package (`golden/files.py`).

mod arguments;
mod bergson;
mod formats;
mod groups;
mod info;
mod passes;
mod place;
mod properties;
mod refusals;
mod together;
mod writing;
