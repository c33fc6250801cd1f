//! Contract files: written from the code, committed, and reviewed as a diff.

use crate::leash::task;
use crate::product::{self, Profile};
use crate::{root, web};
use std::fs;
use std::path::Path;

const OPENAPI: &str = "docs/contracts/openapi.json";
const CLIENT: &str = "web/src/api.gen.ts";

pub fn generate() -> anyhow::Result<()> {
    for path in write(&product::build(Profile::Dev)?)? {
        eprintln!("changed {path}");
    }
    Ok(())
}

/// Rewrites the contract files and names those that were not what the code says.
pub fn write(signalbox: &Path) -> anyhow::Result<Vec<&'static str>> {
    let before = [OPENAPI, CLIENT].map(|it| fs::read(root().join(it)).unwrap_or_default());
    let openapi = root().join(OPENAPI);
    let text = task(&signalbox.to_string_lossy(), &["openapi"]).read()?;
    anyhow::ensure!(
        text.trim_start().starts_with('{'),
        "`signalbox openapi` printed no JSON object"
    );
    fs::create_dir_all(openapi.parent().expect("the contract lies in a folder"))?;
    fs::write(&openapi, text)?;
    match web::obstacle() {
        Some(why) => eprintln!("{CLIENT} is left as it is: {why}."),
        None => {
            web::install_when_stale()?;
            anyhow::ensure!(web::npm(&["run", "gen"]).run()?, "`npm run gen` failed in web/");
        }
    }
    let after = [OPENAPI, CLIENT].map(|it| fs::read(root().join(it)).unwrap_or_default());
    let changed = [OPENAPI, CLIENT]
        .into_iter()
        .zip(before.iter().zip(&after))
        .filter(|(_, (old, new))| old != new);
    Ok(changed.map(|(path, _)| path).collect())
}
