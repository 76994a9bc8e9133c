//! Reports on one's own data: what is suspicious in it, as one HTML file.
//!
//! The page needs nothing outside it: no font, no image file, no network. It follows the
//! reader's light or dark setting, fits a phone, and prints. Its size is bounded, however
//! many samples there are: charts are counts, and samples are shown and listed up to a
//! number. One small script lets the reader decide what to keep and what to drop, and
//! writes the decision as a CSV file.
//!
//! ```
//! use gradsieve_report::{Content, Report, Scoring, Shown, page, worst};
//!
//! let scores = [0.3, 0.1, 7.5];
//! let flagged = vec![false, false, true];
//! let report = Report {
//!     title: "Three sentences",
//!     scorings: vec![Scoring { name: "l2", scores: &scores, flagged, threshold: Some(1.0), p: None }],
//!     shown: worst(&scores, 2)
//!         .into_iter()
//!         .map(|row| Shown { row, content: Content::Text(format!("sentence {row}")) })
//!         .collect(),
//!     ..Report::default()
//! };
//! assert!(page(&report).contains("sentence 2"));
//! ```
//!
//! | file | what |
//! |---|---|
//! | `report` | what a report tells of |
//! | `document` | what every page stands in |
//! | `page` | the page: headline, key figures, the parts in order |
//! | `samples` | the most suspicious samples, and what to keep and drop |
//! | `content` | a sample as it is shown: a picture, a text, fields |
//! | `picture` | pictures from arrays and files |
//! | `targets` | the most helpful and harmful samples of targets, side by side |
//! | `stream` | p-values over the stream |
//! | `losses` | scores against losses |
//! | `classes` | samples by class; given and predicted labels |
//! | `agreement` | how far detectors agree |
//! | `distribution` | how scores are spread |
//! | `frame` | the axes of a plot |
//! | `axis` | scales from values to places, and round tick values |
//! | `style` | colours, dashes and the style sheet |
//! | `text` | text of others as a page may show it |
//! | `wording` | numbers as a reader wants them |
//!
//! The last six and `document` are what the program's own page of its demonstration is
//! made of, too.

mod agreement;
pub mod axis;
mod classes;
mod content;
pub mod distribution;
mod document;
pub mod frame;
mod losses;
mod page;
mod picture;
mod report;
mod samples;
mod stream;
pub mod style;
mod targets;
mod text;
pub mod wording;

pub use content::Content;
pub use document::document;
pub use page::page;
pub use picture::{Picture, PictureError, Pixels};
pub use report::{Classes, Fact, Ranked, Report, Scoring, Shown, Stream, Target, worst};
