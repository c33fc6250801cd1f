//! Every tenant's directory as of the last commit, for reading: sign-in, sources, partners, settings.

use signalbox_engine::directory::Directory;
use signalbox_model::id::TenantId;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The tenant that lists all tenants. Nobody signs in to it.
pub use signalbox_runtime::machine::PLATFORM;

#[derive(Default)]
pub struct Directories(RwLock<BTreeMap<TenantId, Arc<Directory>>>);

impl Directories {
    pub fn publish(&self, changed: Vec<(TenantId, Arc<Directory>)>) {
        if changed.is_empty() {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(changed);
    }

    pub fn of(&self, tenant: &TenantId) -> Option<Arc<Directory>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .cloned()
    }

    /// Tenants that people work in.
    pub fn tenants(&self) -> Vec<(TenantId, Arc<Directory>)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter(|(id, _)| id.as_str() != PLATFORM)
            .map(|(id, it)| (id.clone(), Arc::clone(it)))
            .collect()
    }
}
