//! Claims about reading and writing arrays. The files in `golden/files/` were written by
//! NumPy and by safetensors' Python package (`golden/files.py`).

mod arguments;
mod bergson;
mod formats;
mod groups;
mod info;
mod items;
mod measures;
mod passes;
mod place;
mod properties;
mod refusals;
mod step;
mod together;
mod writing;
