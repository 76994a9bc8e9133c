//! The most helpful and the most harmful samples of targets, side by side.

use maud::{Markup, html};

use crate::report::{Ranked, Report, Target};
use crate::text::shortened;
use crate::wording;

/// Characters of a name.
const NAME: usize = 60;

/// The section; nothing without targets.
pub(crate) fn section(report: &Report<'_>) -> Markup {
    html! {
        @if !report.targets.is_empty() {
            section class="card" {
                h2 { "Who helps, who harms" }
                p class="soft note" {
                    "For each target the samples whose training lowered its loss the most, and those that raised it the most. "
                    "Each number is the sample’s influence; its scale is that of the target."
                }
                @for target in &report.targets { (row(report, target)) }
            }
        }
    }
}

fn row(report: &Report<'_>, target: &Target) -> Markup {
    let class = if target.content.is_small() { "target" } else { "target tall" };
    html! {
        div class=(class) {
            div class="aim" {
                (target.content.markup(&target.name))
                p { "target " b { (shortened(&target.name, NAME)) } }
            }
            (side(report, "Most helpful", "clean", &target.helpful))
            (side(report, "Most harmful", "flipped", &target.harmful))
        }
    }
}

fn side(report: &Report<'_>, title: &str, class: &str, ranked: &[Ranked]) -> Markup {
    html! {
        div {
            h3 class=(class) { (title) }
            @if ranked.is_empty() { p class="soft note" { "None." } }
            ul class=(if ranked.iter().all(|one| one.content.is_small()) { "gallery few" } else { "texts" }) {
                @for one in ranked {
                    li {
                        (one.content.markup(&report.name(one.row)))
                        p {
                            @if let Some(label) = report.label(one.row) { b { (shortened(label, NAME)) } " " }
                            span class="soft" { "#" (shortened(&report.name(one.row), NAME)) }
                        }
                        p class="soft" { (wording::value(one.influence)) }
                    }
                }
            }
        }
    }
}
