//! The program `gradsieve`: everything it does is in [`gradsieve_cli::commands`].

use std::process::ExitCode;

fn main() -> ExitCode {
    gradsieve_cli::commands::main()
}
