//! Tables of figures in Markdown, generated from the CSV files that hold the figures.
//!
//! A table stands between two comments, each at the beginning of a line, and is never
//! edited by hand:
//!
//! ```text
//! <!-- table: demo; where codec=f32; show detector, AUROC; plain -->
//! <!-- end -->
//! ```
//!
//! The figures are in `docs/results` and `benches/results`, one file a table, machine and
//! date: `NAME_DATE_MACHINE.csv`. The newest file of a name is taken. Its first lines
//! are `# key: value` with the keys machine, date, command and regime; then come the
//! names of the columns, then the rows. No field holds a comma or a quote.
//!
//! | part | what it does |
//! |---|---|
//! | `where COLUMN=VALUE, …` | keeps the rows that have these values, and drops these columns and empty ones; `VALUE\|VALUE` keeps either, and the column |
//! | `show COLUMN, …` | keeps these columns, in this order |
//! | `across COLUMN: COLUMN, …` | after `show`: adds, for each value of the first column, what rows that are else alike have in the others |
//! | `plain` | leaves out the line below the table that says where the figures are from |

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::{Arg, ArgAction, ArgMatches};

use crate::check::{Check, root};
use crate::crates::{files, short};
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "tables",
    about: "Tables in Markdown are those of the figures in docs/results and benches/results",
    in_ci: true,
    arguments: |command| {
        let write = Arg::new("write").long("write").action(ArgAction::SetTrue);
        command.arg(write.help("Makes them anew, not only checks"))
    },
    run,
};

const START: &str = "\n<!-- table: ";
const END: &str = "<!-- end -->";
const WIDTH: usize = 90;

/// Figures of one measurement.
struct Figures {
    /// machine, date, command, regime.
    about: BTreeMap<String, String>,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// What the comment above a table asks for.
struct Request<'a> {
    name: &'a str,
    conditions: Vec<(&'a str, &'a str)>,
    columns: Option<Vec<&'a str>>,
    across: Option<(&'a str, Vec<&'a str>)>,
    plain: bool,
}

fn run(_: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let write = given.get_flag("write");
    let (mut count, mut stale) = (0, Vec::new());
    for page in files(&[".md"])? {
        let text = fs::read_to_string(&page)?;
        let (new, tables) = generate(&text).with_context(|| short(&page))?;
        count += tables;
        if new != text {
            stale.push(short(&page));
            if write {
                fs::write(&page, new)?;
            }
        }
    }
    println!("{count} tables");
    let what = stale.join(", ");
    ensure!(write || stale.is_empty(), "run `cargo xtask tables --write`, it changes {what}");
    Ok(())
}

/// The page with its tables made anew, and their number.
fn generate(page: &str) -> anyhow::Result<(String, usize)> {
    let (mut out, mut rest, mut count) = (String::new(), page, 0);
    while let Some(at) = rest.find(START) {
        let (before, from) = rest.split_at(at + 1);
        let (line, after) = from.split_once('\n').context("a table's comment ends the page")?;
        let asked = line.strip_prefix(START.trim_start()).and_then(|l| l.strip_suffix(" -->"));
        let request = Request::parse(asked.with_context(|| format!("`{line}` is not closed"))?)?;
        let (_, behind) = after.split_once(END).with_context(|| format!("no `{END}` after `{line}`"))?;
        let table = Figures::newest(request.name)?.table(&request)?;
        out += &format!("{before}{line}\n\n{table}\n{END}");
        rest = behind;
        count += 1;
    }
    Ok((out + rest, count))
}

impl<'a> Request<'a> {
    fn parse(text: &'a str) -> anyhow::Result<Self> {
        let mut parts = text.split("; ");
        let name = parts.next().unwrap_or(text);
        let mut request = Self { name, conditions: Vec::new(), columns: None, across: None, plain: false };
        for part in parts {
            if let Some(conditions) = part.strip_prefix("where ") {
                for condition in conditions.split(", ") {
                    let pair = condition.split_once('=');
                    let pair = pair.with_context(|| format!("`{condition}` is no COLUMN=VALUE"))?;
                    request.conditions.push(pair);
                }
            } else if let Some(columns) = part.strip_prefix("show ") {
                request.columns = Some(columns.split(", ").collect());
            } else if let Some(across) = part.strip_prefix("across ") {
                let pair = across.split_once(": ");
                let (column, of) = pair.with_context(|| format!("`{across}` is no COLUMN: COLUMN"))?;
                request.across = Some((column, of.split(", ").collect()));
            } else if part == "plain" {
                request.plain = true;
            } else {
                bail!("`{part}` is neither where, show, across nor plain");
            }
        }
        Ok(request)
    }
}

impl Figures {
    /// The newest figures of a name.
    fn newest(name: &str) -> anyhow::Result<Self> {
        let mut found: Vec<PathBuf> = Vec::new();
        for folder in ["docs/results", "benches/results"] {
            for entry in fs::read_dir(root().join(folder)).context(folder)? {
                let path = entry?.path();
                let file = path.file_name().and_then(|file| file.to_str());
                if file.and_then(|file| file.split_once('_')).is_some_and(|(of, _)| of == name) {
                    found.push(path);
                }
            }
        }
        let path = found.into_iter().max_by_key(|path| path.file_name().map(ToOwned::to_owned));
        let path = path.with_context(|| format!("there are no figures named {name}"))?;
        Self::parse(&fs::read_to_string(&path)?).with_context(|| short(&path))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut about = BTreeMap::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next_if(|line| line.starts_with('#')) {
            let pair = line.trim_start_matches("# ").split_once(": ");
            let (key, value) = pair.with_context(|| format!("`{line}` is no `# key: value`"))?;
            about.insert(key.to_owned(), value.to_owned());
        }
        for key in ["machine", "date", "command", "regime"] {
            ensure!(about.contains_key(key), "the line `# {key}: …` is missing");
        }
        let fields = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let columns = fields(lines.next().context("the names of the columns are missing")?);
        let rows: Vec<_> = lines.map(fields).collect();
        if let Some(row) = rows.iter().find(|row| row.len() != columns.len()) {
            bail!("`{}` has {} fields, not {}", row.join(","), row.len(), columns.len());
        }
        ensure!(!text.contains('"'), "a field has a quote");
        Ok(Self { about, columns, rows })
    }

    fn column(&self, name: &str) -> anyhow::Result<usize> {
        let at = self.columns.iter().position(|column| column == name);
        at.with_context(|| format!("there is no column `{name}` among {:?}", self.columns))
    }

    fn table(&self, request: &Request<'_>) -> anyhow::Result<String> {
        let mut conditions = Vec::new();
        for (column, value) in &request.conditions {
            conditions.push((self.column(column)?, *value));
        }
        let mut rows = self.rows.clone();
        rows.retain(|row| conditions.iter().all(|&(at, value)| value.split('|').any(|v| v == row[at])));
        conditions.retain(|(_, value)| !value.contains('|'));
        ensure!(!rows.is_empty(), "no row of {} is as asked", request.name);
        let shown: Vec<usize> = match &request.columns {
            Some(names) => names.iter().map(|name| self.column(name)).collect::<anyhow::Result<_>>()?,
            None => (0..self.columns.len())
                .filter(|at| conditions.iter().all(|(asked, _)| asked != at))
                .filter(|&at| rows.iter().any(|row| !row[at].is_empty()))
                .collect(),
        };
        let of = |row: &[String]| shown.iter().map(|&at| row[at].clone()).collect::<Vec<_>>();
        let mut head = of(&self.columns);
        let mut body: Vec<_> = rows.iter().map(|row| of(row)).collect();
        if let Some((column, values)) = &request.across {
            self.spread(&rows, column, values, &mut head, &mut body)?;
        }
        let line = |cells: &[String]| {
            let cells: String = cells.iter().map(|cell| format!(" {cell} |")).collect();
            format!("|{}\n", cells.replace("  |", " |"))
        };
        let mut table = line(&head);
        table += &format!("|{}\n", "---|".repeat(head.len()));
        body.iter().for_each(|row| table += &line(row));
        if !request.plain {
            table += &format!("\n{}", self.source());
        }
        Ok(table)
    }

    /// Makes one row of those that are alike in what is shown, with what they have in the
    /// columns `values` beside each other: a group of cells for each value of `column`.
    fn spread(
        &self,
        rows: &[Vec<String>],
        column: &str,
        values: &[&str],
        head: &mut Vec<String>,
        body: &mut Vec<Vec<String>>,
    ) -> anyhow::Result<()> {
        let at = self.column(column)?;
        let values: Vec<usize> =
            values.iter().map(|name| self.column(name)).collect::<anyhow::Result<_>>()?;
        let mut places: Vec<&String> = Vec::new();
        for row in rows {
            if !places.contains(&&row[at]) {
                places.push(&row[at]);
            }
        }
        let mut merged: Vec<(Vec<String>, Vec<String>)> = Vec::new();
        for (row, key) in rows.iter().zip(body.drain(..)) {
            let known = merged.iter().position(|(other, _)| *other == key);
            let known = known.unwrap_or_else(|| {
                merged.push((key, vec![String::new(); places.len() * values.len()]));
                merged.len() - 1
            });
            let group = places.iter().position(|place| **place == row[at]);
            let cells = group.and_then(|group| merged[known].1.chunks_mut(values.len()).nth(group));
            for (cell, &value) in cells.into_iter().flatten().zip(&values) {
                ensure!(
                    cell.is_empty(),
                    "two rows say what `{}` is of {column} {}",
                    self.columns[value],
                    row[at]
                );
                cell.clone_from(&row[value]);
            }
        }
        for place in places {
            let names = (0..).zip(&values).map(|(i, &value)| match i {
                0 => place.clone(),
                _ => format!("{place} {}", self.columns[value]),
            });
            head.extend(names);
        }
        *body = merged.into_iter().map(|(key, cells)| [key, cells].concat()).collect();
        Ok(())
    }

    /// Where the figures are from, and what they hold for.
    fn source(&self) -> String {
        let of = |key| self.about.get(key).map_or("", String::as_str);
        let text = format!("*{}, {}.* {}.", of("date"), of("machine"), sentence(of("regime")));
        format!("{}\n```text\n{}\n```\n", wrap(&text), of("command"))
    }
}

/// The text with a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Lines of at most [`WIDTH`] characters.
fn wrap(text: &str) -> String {
    let (mut out, mut line) = (String::new(), String::new());
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out += &format!("{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    out + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::{Figures, Request};

    const CSV: &str =
        "# machine: m\n# date: d\n# command: c\n# regime: r\nname,codec,value\na,f32,1\nb,int8,2\n";

    fn table(request: &str) -> anyhow::Result<String> {
        Figures::parse(CSV)?.table(&Request::parse(request)?)
    }

    #[test]
    fn a_condition_keeps_its_rows_and_drops_its_column() {
        let expected = "| name | value |\n|---|---|\n| b | 2 |\n";
        assert!(table("x; where codec=int8; plain").is_ok_and(|table| table == expected));
    }

    #[test]
    fn columns_come_in_the_order_asked_for() {
        let expected = "| value | name |\n|---|---|\n| 1 | a |\n| 2 | b |\n";
        assert!(table("x; show value, name; plain").is_ok_and(|table| table == expected));
    }

    #[test]
    fn either_of_two_values_keeps_the_column() {
        let expected = "| name | codec |\n|---|---|\n| a | f32 |\n| b | int8 |\n";
        assert!(table("x; where codec=f32|int8; show name, codec; plain").is_ok_and(|t| t == expected));
    }

    #[test]
    fn values_across_stand_beside_each_other() {
        let csv = CSV.to_owned() + "a,int8,3\n";
        let request = Request::parse("x; show name; across codec: value, name; plain");
        let table = Figures::parse(&csv).and_then(|figures| figures.table(&request?));
        let expected = "| name | f32 | f32 name | int8 | int8 name |\n|---|---|---|---|---|\n\
                        | a | 1 | a | 3 | a |\n| b | | | 2 | b |\n";
        assert_eq!(table.ok().as_deref(), Some(expected));
    }

    #[test]
    fn two_figures_for_one_cell_are_an_error() {
        let csv = CSV.to_owned() + "a,f32,3\n";
        let request = Request::parse("x; show name; across codec: value; plain");
        assert!(Figures::parse(&csv).and_then(|figures| figures.table(&request?)).is_err());
    }

    #[test]
    fn a_table_says_where_its_figures_are_from() {
        assert!(table("x").is_ok_and(|t| t.ends_with("\n\n*d, m.* R.\n\n```text\nc\n```\n")));
    }

    #[test]
    fn a_condition_that_no_row_meets_is_an_error() {
        assert!(table("x; where codec=f64").is_err());
    }

    #[test]
    fn figures_without_a_regime_are_refused() {
        assert!(Figures::parse("# machine: m\n# date: d\n# command: c\na\n1\n").is_err());
    }
}
