//! A sample as it is shown.

use maud::{Markup, html};

use crate::picture::Picture;
use crate::text::{shortened, visible};

/// Characters of a text that are shown.
const TEXT: usize = 2000;
/// Fields of a sample that are shown, and characters of each.
const FIELDS: usize = 40;
const FIELD: usize = 200;

/// What there is to see of a sample.
#[derive(Clone, Debug, Default)]
pub enum Content {
    /// Nothing.
    #[default]
    None,
    /// A picture.
    Picture(Picture),
    /// A text; of a long one the beginning.
    Text(String),
    /// Names and values, as of a row of a table; of many the first.
    Fields(Vec<(String, String)>),
}

impl Content {
    /// Whether samples of this kind stand side by side.
    pub(crate) const fn is_small(&self) -> bool {
        matches!(self, Self::Picture(_) | Self::None)
    }

    /// As the page shows it. `name` is said to who cannot see a picture.
    pub(crate) fn markup(&self, name: &str) -> Markup {
        match self {
            Self::None => html! {},
            Self::Picture(picture) => html! {
                img src=(picture.source()) alt={ "sample " (visible(name)) } class=[picture.is_coarse().then_some("coarse")]
                    width=(picture.width()) height=(picture.height());
            },
            Self::Text(text) => html! { p class="text" dir="auto" { (shortened(text, TEXT)) } },
            Self::Fields(fields) => html! {
                dl class="fields" {
                    @for (name, value) in fields.iter().take(FIELDS) {
                        div { dt class="soft" { (shortened(name, FIELD)) } dd dir="auto" { (shortened(value, FIELD)) } }
                    }
                    @if fields.len() > FIELDS {
                        div { dt class="soft" { "and " (fields.len() - FIELDS) " more" } dd {} }
                    }
                }
            },
        }
    }
}
