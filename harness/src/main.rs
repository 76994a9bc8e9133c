//! The program `gradsieve`: everything it does is in [`gradsieve_harness::commands`].

use std::process::ExitCode;

fn main() -> ExitCode {
    gradsieve_harness::commands::main()
}
