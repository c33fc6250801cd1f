//! The tenant's directory: a fold of its settings stream. Partners, sources, keys, playbooks, tables, policies.
//!
//! Invariant: a directory is read-only to a load's turn. Every version of a playbook's definition stays, so a
//! running instance keeps the one it started with.

use crate::automation::Automation;
use crate::gate::Gate;
use crate::playbook::{self, Playbook};
use crate::table::Table;
use jiff::Timestamp;
use signalbox_model::directory::{AccessKey, Partner, PartnerRole, Settings, Site, Source};
use signalbox_model::event::Event;
use signalbox_model::id::{PartnerId, SubjectId, TenantId};
use signalbox_model::issue::Issue;
use signalbox_model::personal::Personal;
use signalbox_workflow::Definition;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Directory {
    pub tenant: TenantId,
    pub name: String,
    pub partners: BTreeMap<PartnerId, Partner>,
    pub sources: BTreeMap<String, Source>,
    /// Sites by their id: where stops lie.
    pub sites: BTreeMap<String, Site>,
    pub settings: Settings,
    /// By SHA-256 of the key, hex.
    pub keys: BTreeMap<String, AccessKey>,
    /// Tables of the tenant's own, which take the place of a playbook's of the same name.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// The newest version of each playbook, by name.
    pub playbooks: BTreeMap<String, Arc<Playbook>>,
    /// Every definition ever installed, by content hash.
    pub definitions: BTreeMap<String, Arc<Definition>>,
    pub gate: Gate,
    /// How far automation may act.
    pub automation: Automation,
    /// Tenants known to the platform's own directory.
    pub tenants: BTreeMap<TenantId, String>,
    /// By lower-cased outside name.
    called: BTreeMap<String, PartnerId>,
}

impl Directory {
    pub fn new(tenant: TenantId) -> Result<Self, Vec<Issue>> {
        Ok(Self {
            tenant,
            name: String::new(),
            partners: BTreeMap::new(),
            sources: BTreeMap::new(),
            sites: BTreeMap::new(),
            settings: Settings::default(),
            keys: BTreeMap::new(),
            tables: BTreeMap::new(),
            playbooks: BTreeMap::new(),
            definitions: BTreeMap::new(),
            gate: Gate::compile(&[])?,
            automation: Automation::default(),
            tenants: BTreeMap::new(),
            called: BTreeMap::new(),
        })
    }

    /// Folds one event of the settings stream in. What was admitted once is readable for ever; an installed
    /// playbook that this version cannot read any more leaves the older one in place.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::TenantCreated { tenant, name } => {
                if *tenant == self.tenant {
                    self.name.clone_from(name);
                }
                self.tenants.insert(tenant.clone(), name.clone());
            }
            Event::KeyIssued { key } => drop(self.keys.insert(key.sha256.clone(), key.clone())),
            Event::PartnerChanged { partner } => self.put_partner(partner),
            Event::SourceChanged { source } => drop(self.sources.insert(source.name.clone(), source.clone())),
            Event::SiteChanged { site } => drop(self.sites.insert(site.id.clone(), site.clone())),
            Event::AutomationModeChanged { set, .. } => self.automation.apply(set),
            Event::SettingsChanged { settings } => self.settings = settings.clone(),
            Event::TableChanged { table, content } => {
                if let Ok(read) = Table::parse(table, content) {
                    self.tables.insert(table.clone(), read);
                }
            }
            Event::PlaybookInstalled { files, .. } => {
                if let Ok(playbook) = playbook::read(files) {
                    self.definitions
                        .insert(playbook.definition.hash.clone(), playbook.definition.clone());
                    self.playbooks.insert(playbook.manifest.name.clone(), playbook);
                    self.compile_gate();
                }
            }
            // The other events belong to other streams.
            _ => {}
        }
    }

    fn put_partner(&mut self, partner: &Partner) {
        self.called.retain(|_, id| *id != partner.id);
        let scac = partner.scac().map(str::to_owned);
        for name in partner
            .aliases
            .iter()
            .cloned()
            .chain(scac)
            .chain([partner.id.0.clone()])
        {
            self.called.insert(name.trim().to_lowercase(), partner.id.clone());
        }
        self.partners.insert(partner.id.clone(), partner.clone());
    }

    fn compile_gate(&mut self) {
        let sources: Vec<(String, String)> = self
            .playbooks
            .values()
            .flat_map(|it| {
                it.policies
                    .iter()
                    .map(|(file, text)| (format!("{}/{file}", it.manifest.name), text.clone()))
            })
            .collect();
        if let Ok(gate) = Gate::compile(&sources) {
            self.gate = gate;
        }
    }

    /// The partner an outside system means by `name`: id, SCAC, interchange id or other alias.
    pub fn called(&self, name: &str) -> Option<&Partner> {
        self.called
            .get(&name.trim().to_lowercase())
            .and_then(|id| self.partners.get(id))
    }

    /// The partner who writes from an address: one of its aliases is the address, or all of its domain (`@acme.example`).
    pub fn written_by(&self, address: &str) -> Option<&Partner> {
        let (_, domain) = address.rsplit_once('@')?;
        self.called(address).or_else(|| self.called(&format!("@{domain}")))
    }

    /// The partner whose notices go to the address that has this subject key.
    pub fn reached_at(&self, subject: &SubjectId) -> Option<&Partner> {
        let of = |it: &&Partner| {
            let address = it.notify_email.as_deref().and_then(Personal::sealed);
            address.is_some_and(|address| address.subject == *subject)
        };
        self.partners.values().find(of)
    }

    pub fn carrier(&self, name: &str) -> Option<&Partner> {
        self.called(name)
            .filter(|it| matches!(it.role, PartnerRole::Carrier { .. }))
    }

    pub fn customer(&self, name: &str) -> Option<&Partner> {
        self.called(name)
            .filter(|it| matches!(it.role, PartnerRole::Customer { .. }))
    }

    /// A key that is known and has not run out.
    pub fn key(&self, sha256: &str, now: Timestamp) -> Option<&AccessKey> {
        self.keys.get(sha256).filter(|key| key.expires_at > now)
    }

    /// The tenant's own table, else the playbook's.
    pub fn table(&self, playbook: &str, name: &str) -> Option<&Arc<Table>> {
        self.tables
            .get(name)
            .or_else(|| self.playbooks.get(playbook)?.tables.get(name))
    }
}
