//! Playbooks: a workflow, decision tables, policies, templates and tests, packaged with a manifest.
//!
//! Invariant: a playbook is read whole or refused with every issue named; nothing of it is evaluated before.

use crate::memo::Memo;
use crate::table::Table;
use serde::Deserialize;
use signalbox_model::issue::Issue;
use signalbox_workflow::Definition;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files by their path within the playbook's folder.
pub type Files = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub struct Playbook {
    pub manifest: Manifest,
    pub definition: Arc<Definition>,
    pub tables: BTreeMap<String, Arc<Table>>,
    /// Cedar sources: file name and text.
    pub policies: Vec<(String, String)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: String,
    pub version: String,
    pub owner: String,
    pub summary: String,
}

/// The playbooks that come with this version, as a tenant is given them.
pub fn shipped() -> Vec<Files> {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    vec![Files::from([
        file(
            "manifest.yaml",
            include_str!("../../../playbooks/load-tender/manifest.yaml"),
        ),
        file(
            "workflow.yaml",
            include_str!("../../../playbooks/load-tender/workflow.yaml"),
        ),
        file(
            "tables/routing-guide.json",
            include_str!("../../../playbooks/load-tender/tables/routing-guide.json"),
        ),
        file(
            "policy.cedar",
            include_str!("../../../playbooks/load-tender/policy.cedar"),
        ),
    ])]
}

static READ: Memo<Playbook> = Memo::new();

/// Reads a playbook's files.
pub fn read(files: &Files) -> Result<Arc<Playbook>, Vec<Issue>> {
    let texts = files.iter().flat_map(|(path, text)| [path.as_str(), text.as_str()]);
    READ.get(texts, || compile(files))
}

fn compile(files: &Files) -> Result<Playbook, Vec<Issue>> {
    let mut issues = Vec::new();
    let manifest = text(files, "manifest.yaml").and_then(|text| {
        serde_saphyr::from_str::<Manifest>(text).map_err(|error| {
            Issue::fatal(
                "playbook.manifest",
                "manifest.yaml",
                error.to_string(),
                "Name, version, owner and summary.",
            )
        })
    });
    let definition = match text(files, "workflow.yaml") {
        Ok(text) => Definition::parse(text).map_err(|found| {
            found
                .into_iter()
                .map(|it| Issue::fatal("playbook.workflow", format!("workflow.yaml{}", it.at), it.why, &it.fix))
                .collect()
        }),
        Err(issue) => Err(vec![issue]),
    };
    let mut tables = BTreeMap::new();
    let mut policies = Vec::new();
    for (path, text) in files {
        if let Some(name) = path.strip_prefix("tables/").and_then(|it| it.strip_suffix(".json")) {
            match Table::parse(name, text) {
                Ok(table) => drop(tables.insert(name.to_owned(), table)),
                Err(found) => issues.extend(found),
            }
        } else if path.ends_with(".cedar") {
            policies.push((path.clone(), text.clone()));
        }
    }
    match (manifest, definition) {
        (Ok(manifest), Ok(definition)) if issues.is_empty() => Ok(Playbook {
            manifest,
            definition: Arc::new(definition),
            tables,
            policies,
        }),
        (manifest, definition) => {
            issues.extend(manifest.err());
            issues.extend(definition.err().into_iter().flatten());
            Err(issues)
        }
    }
}

fn text<'a>(files: &'a Files, name: &str) -> Result<&'a str, Issue> {
    let missing = || {
        Issue::fatal(
            "playbook.file_missing",
            name,
            "the playbook has no such file",
            "Add the file.",
        )
    };
    files.get(name).map(String::as_str).ok_or_else(missing)
}
