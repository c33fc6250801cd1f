//! Every developer task, in Rust: nothing to install but the toolchain, and the same entry points on a laptop and in CI.
//!
//! Standard library and `anyhow` only, so that the first `cargo xtask` of a fresh clone starts within seconds.

mod contracts;
mod counts;
mod leash;
mod machine;
mod mail_server;
mod postgres;
mod product;
mod stages;
mod tidy;
mod web;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Developer tasks of Signalbox. Run one as `cargo xtask <task>`.

  demo [ARGS]     build what is missing and run a seeded world; ARGS go to `signalbox demo` (first `--release` for an optimised build)
  test [STAGE..]  run every stage that must hold, or only the named ones; starts what it needs, `--list` names them
  tidy            check the house rules a machine can see (layers, purity, sizes, words)
  gen             rewrite docs/contracts/openapi.json and web/src/api.gen.ts from the code
  web             build the console when its sources changed
  bench [ARGS]    build optimised and run `signalbox bench ARGS`
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (task, rest) = arguments
        .split_first()
        .map_or(("help", &[][..]), |(task, rest)| (task.as_str(), rest));
    let done = match task {
        "demo" => product::demo(rest),
        "test" => return stages::run(rest),
        "tidy" => return tidy::run(),
        "gen" => contracts::generate(),
        "web" => web::build_for_people(),
        "bench" => product::bench(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        unknown => Err(anyhow::anyhow!("there is no task `{unknown}`.\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The checkout this task runner was built from.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask/ lies in the checkout")
        .to_path_buf()
}
