//! Personal values on their way to a reader: opened for those who work with them, dots for all others.

use super::Edge;
use super::auth::Caller;
use serde_json::Value;
use signalbox_model::id::SubjectId;
use signalbox_model::personal::Sealed;
use signalbox_model::scope::TenantScope;
use signalbox_runtime::record::SubjectKey;
use signalbox_runtime::vault::{self, TenantVault};
use std::collections::BTreeMap;

pub const HIDDEN: &str = "•••";
const ERASED: &str = "(erased)";

/// Replaces sealed values by what this reader may see of them.
pub struct Reader<'a> {
    edge: &'a Edge,
    scope: TenantScope,
    /// None for those who see dots.
    vault: Option<TenantVault>,
    keys: BTreeMap<SubjectId, Option<SubjectKey>>,
}

impl<'a> Reader<'a> {
    pub fn new(edge: &'a Edge, caller: &Caller) -> Self {
        let vault = if caller.may_read_personal() {
            edge.vault.tenant(caller.scope.tenant()).ok()
        } else {
            None
        };
        Self {
            edge,
            scope: caller.scope.clone(),
            vault,
            keys: BTreeMap::new(),
        }
    }

    /// Goes through a value and replaces every sealed one in it. The nesting is that of our own records.
    pub fn show(&mut self, value: &mut Value) {
        if is_sealed(value) {
            let sealed = std::mem::take(value);
            *value = Value::String(self.text(sealed));
            return;
        }
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|it| self.show(it)),
            Value::Array(items) => items.iter_mut().for_each(|it| self.show(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn text(&mut self, sealed: Value) -> String {
        let Some(vault) = &self.vault else {
            return HIDDEN.to_owned();
        };
        let Ok(sealed) = serde_json::from_value::<Sealed>(sealed) else {
            return HIDDEN.to_owned();
        };
        let (store, scope) = (&self.edge.store, &self.scope);
        let key = self.keys.entry(sealed.subject.clone()).or_insert_with(|| {
            let found = store.subject_key(scope, &sealed.subject);
            found
                .inspect_err(|error| tracing::warn!("a person's key cannot be read: {error}"))
                .ok()
                .flatten()
        });
        match vault.open(&sealed, key.as_ref()) {
            Ok(text) => text,
            Err(vault::Error::Erased(_)) => ERASED.to_owned(),
            Err(error) => {
                tracing::error!("a personal value does not open: {error}");
                HIDDEN.to_owned()
            }
        }
    }
}

fn is_sealed(value: &Value) -> bool {
    ["subject", "taint", "cipher", "commitment"]
        .iter()
        .all(|it| value.get(it).is_some_and(Value::is_string))
}
