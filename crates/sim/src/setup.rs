//! A tenant as people would set it up: partners, sources, settings, the shipped playbook and a routing guide.

use serde_json::{Value, json};
use signalbox_engine::command::Command;
use signalbox_engine::playbook;
use signalbox_model::directory::{Channel, Endpoint, Partner, PartnerRole, Settings, Site, Source, SourceFormat};
use signalbox_model::id::{PartnerId, TenantId};
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::value::Money;

pub const X12_SOURCE: &str = "edi";
pub const JSON_SOURCE: &str = "api";
pub const TELEMATICS_SOURCE: &str = "telematics";
pub const EMAIL_SOURCE: &str = "email";

/// What a tenant trades with and how.
#[derive(Clone, Debug)]
pub struct Trade {
    pub tenant: TenantId,
    pub customers: Vec<String>,
    pub carriers: Vec<Carrier>,
    /// The routing guide's rows.
    pub guide: Vec<Rate>,
    pub settings: Settings,
    /// Customers that are told of delays by mail.
    pub mailed: Vec<String>,
    pub sites: Vec<Site>,
    /// Customers whose transport management system is told when a load can be invoiced.
    pub systems: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Carrier {
    pub scac: String,
    pub respond_within_min: Option<u32>,
    /// Reached by webhook rather than by X12 folder.
    pub webhook: bool,
}

#[derive(Clone, Debug)]
pub struct Rate {
    pub lane: String,
    pub scac: String,
    pub rank: u32,
    pub minor: i64,
}

impl Default for Trade {
    fn default() -> Self {
        let settings = Settings {
            rate_cap: Money::usd(300_000),
            ..Settings::default()
        };
        let (customers, carriers, guide) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            tenant: TenantId::from("ten_main"),
            customers,
            carriers,
            guide,
            settings,
            mailed: Vec::new(),
            sites: Vec::new(),
            systems: Vec::new(),
        }
    }
}

impl Trade {
    /// The commands that set it up, after the tenant was created.
    pub fn commands(&self) -> Vec<Command> {
        let mut commands = vec![
            Command::ChangeSource {
                source: source(X12_SOURCE, SourceFormat::X12),
            },
            Command::ChangeSource {
                source: source(JSON_SOURCE, SourceFormat::Json),
            },
            Command::ChangeSource {
                source: source(TELEMATICS_SOURCE, SourceFormat::Telematics),
            },
            Command::ChangeSource {
                source: source(EMAIL_SOURCE, SourceFormat::Email),
            },
            Command::ChangeSettings {
                settings: self.settings.clone(),
            },
        ];
        commands.extend(self.customers.iter().map(|it| Command::ChangePartner {
            partner: self.customer(it),
        }));
        commands.extend(
            self.carriers
                .iter()
                .map(|it| Command::ChangePartner { partner: it.partner() }),
        );
        commands.extend(self.sites.iter().map(|it| Command::ChangeSite { site: it.clone() }));
        commands.push(Command::ChangeTable {
            table: "routing-guide".to_owned(),
            content: self.table().to_string(),
        });
        // What cannot be read is left for the installation to refuse.
        let named = |files| {
            let read = playbook::read(&files).ok();
            let manifest = read
                .as_ref()
                .map(|it| (it.manifest.name.clone(), it.manifest.version.clone()));
            let (name, version) = manifest.unwrap_or_default();
            Command::InstallPlaybook { name, version, files }
        };
        commands.extend(playbook::shipped().into_iter().map(named));
        commands
    }

    fn customer(&self, name: &str) -> Partner {
        let is_mailed = self.mailed.iter().any(|it| it == name);
        let address = is_mailed.then(|| Personal::plain(address_of(name), Taint::System));
        let has_system = self.systems.iter().any(|it| it == name);
        let tms = has_system.then(|| Endpoint {
            url: format!("https://{}.example/tms", name.to_lowercase()),
            secret: name.to_owned(),
        });
        Partner {
            notify_email: address.map(Box::new),
            ..customer(name, tms)
        }
    }

    /// The routing guide as a decision table.
    fn table(&self) -> Value {
        let row = |(place, it): (usize, &Rate)| {
            json!({"_id": format!("r{place}"), "lane": format!("'{}'", it.lane), "carrier": format!("'{}'", it.scac),
                   "rank": it.rank.to_string(), "rate": it.minor.to_string()})
        };
        let rules: Vec<Value> = self.guide.iter().enumerate().map(row).collect();
        let column = |name: &str, field: &str| json!({"id": name, "name": name, "field": field});
        json!({
            "nodes": [
                {"id": "input", "type": "inputNode", "name": "Load"},
                {"id": "guide", "type": "decisionTableNode", "name": "Routing guide", "content": {
                    "hitPolicy": "collect",
                    "inputs": [column("lane", "lane")],
                    "outputs": [column("carrier", "carrier"), column("rank", "rank"), column("rate", "rate_minor")],
                    "rules": rules}},
                {"id": "output", "type": "outputNode", "name": "Candidates"}],
            "edges": []})
    }
}

impl Carrier {
    pub fn new(scac: &str) -> Self {
        Self {
            scac: scac.to_owned(),
            respond_within_min: None,
            webhook: false,
        }
    }

    fn partner(&self) -> Partner {
        let channel = if self.webhook {
            Channel::Webhook {
                url: format!("https://{}.example/offers", self.scac.to_lowercase()),
                secret: self.scac.clone(),
            }
        } else {
            let (interchange_id, interchange_qualifier) = (self.scac.clone(), "02".to_owned());
            Channel::X12Folder {
                folder: self.scac.clone(),
                interchange_id,
                interchange_qualifier,
            }
        };
        let role = PartnerRole::Carrier {
            scac: self.scac.clone(),
            channel,
            respond_within_min: self.respond_within_min,
            contract_rate: None,
            active: true,
        };
        Partner {
            id: partner_id(&self.scac),
            name: self.scac.clone(),
            role,
            aliases: vec![domain_of(&self.scac)],
            notify_email: None,
        }
    }
}

/// Where a customer is told of what happens to its loads.
pub fn address_of(customer: &str) -> String {
    format!("{customer}@customers.example")
}

/// Whose address that is.
pub fn customer_at(address: &str) -> &str {
    address.split_once('@').map_or(address, |(name, _)| name)
}

/// The part of its addresses that all of a partner's people share.
pub fn domain_of(name: &str) -> String {
    format!("@{}.example", name.to_lowercase())
}

pub fn partner_id(name: &str) -> PartnerId {
    PartnerId(format!("par_{}", name.to_lowercase()))
}

fn customer(name: &str, tms: Option<Endpoint>) -> Partner {
    let role = PartnerRole::Customer {
        zone: "America/New_York".to_owned(),
        tms,
    };
    Partner {
        id: partner_id(name),
        name: name.to_owned(),
        role,
        aliases: vec![name.to_owned(), domain_of(name)],
        notify_email: None,
    }
}

fn source(name: &str, format: SourceFormat) -> Source {
    Source {
        name: name.to_owned(),
        format,
        zone: "America/New_York".to_owned(),
        secret: None,
    }
}
