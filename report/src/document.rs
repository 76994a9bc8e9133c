//! What every page stands in: one file, of which the browser itself sees to it that
//! nothing is fetched.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::style;

/// An HTML document with the sheet that all pages share.
///
/// Without `allowed`, directives of a content security policy, only styles that stand in
/// the page are; `head` comes last in its head, `body` is its body's content.
#[must_use]
pub fn document(title: &str, allowed: &str, head: &Markup, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content={ "default-src 'none'; style-src 'unsafe-inline'" (allowed) };
                title { (title) }
                style { (PreEscaped(style::sheet())) }
                (head)
            }
            body class="ground ink" { (body) }
        }
    }
    .into_string()
}
