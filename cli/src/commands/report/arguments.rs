//! What the command line says.

use std::path::PathBuf;

use clap::Args;

use crate::commands::InfluenceMethod;
use crate::commands::numbers::whole;
use crate::commands::outliers::SearchArguments;
use crate::commands::paths::{destination, source};
use gradsieve_io::files::{Destination, Source};

const EXAMPLES: &str = "\
Examples:
  gradsieve report grads.npy
  gradsieve report grads.npy --groups labels.npy --loss loss.npy --images pictures/ --ids names.txt
  gradsieve report grads.npy --groups labels.npy --predicted predicted.npy --images images.npy --classes names.txt
  gradsieve report sketches.store --texts sentences.txt --detector direction,l2 -o sentences.html
  gradsieve report grads.npy --table rows.csv --target val.npy --targets 0,7,12
  gradsieve report grads.npy --images images.npy --influence influence.npy --target-images val-images.npy";

/// Arguments of `report`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct ReportArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub search: SearchArguments,

    /// The page; or - for standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html", value_parser = destination())]
    pub output: Destination,

    /// What stands at the top of the page; the name of GRADS without it
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,

    /// How many samples are shown, the most suspicious first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = whole::<usize>)]
    pub top: usize,

    /// Pictures of the samples: a directory of .png and .jpg files that are named by
    /// --ids, or by the numbers of the rows, or that are as many as the rows, in the
    /// order of their names; or an array, n × height × width, with 1, 3 or 4 channels
    /// first or last, of uint8 or of floats
    #[arg(long, value_name = "DIR|FILE", conflicts_with_all = ["texts", "table"])]
    pub images: Option<PathBuf>,

    /// Texts of the samples: a .txt with a line for each, or a .csv or .tsv whose only
    /// column they are, or the one named text
    #[arg(long, value_name = "FILE", conflicts_with = "table")]
    pub texts: Option<PathBuf>,

    /// The samples as rows of a table: a .csv or .tsv
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,

    /// What the model takes each sample for, in the labels of --groups: what they are
    /// compared with
    #[arg(long, value_name = "FILE", value_parser = source(), requires = "groups")]
    pub predicted: Option<Source>,

    /// What the labels 0, 1, … of --groups are called: a .txt with a line for each
    #[arg(long, value_name = "FILE.txt", requires = "groups")]
    pub classes: Option<PathBuf>,

    /// Gradients of targets, or sketches of them: each is shown beside the samples of
    /// GRADS that help and harm it most
    #[arg(long, value_name = "GRADS", value_parser = source(), conflicts_with = "influence")]
    pub target: Option<Source>,

    /// How the influence on --target is measured: dot, cosine, ridge, datainf, lissa or
    /// cg. Without it ridge, or dot of more than 4096 rows of more than 4096 numbers
    #[arg(long, value_enum, requires = "target")]
    pub method: Option<InfluenceMethod>,

    /// The influence of the samples on targets instead, n × targets, as gradsieve
    /// influence -o wrote it by any method
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub influence: Option<Source>,

    /// Which targets are shown, by their numbers; the first six without it
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = whole::<usize>)]
    pub targets: Vec<usize>,

    /// How many of the most helpful and of the most harmful samples are shown beside each
    /// target
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = whole::<usize>)]
    pub beside: usize,

    /// Pictures of the targets, as --images, by their numbers or in their order
    #[arg(long, value_name = "DIR|FILE", conflicts_with_all = ["target_texts", "target_table"])]
    pub target_images: Option<PathBuf>,

    /// Texts of the targets, as --texts
    #[arg(long, value_name = "FILE", conflicts_with = "target_table")]
    pub target_texts: Option<PathBuf>,

    /// The targets as rows of a table, as --table
    #[arg(long, value_name = "FILE")]
    pub target_table: Option<PathBuf>,

    /// Print JSON: what gradsieve outliers --json prints
    #[arg(long)]
    pub json: bool,
}
