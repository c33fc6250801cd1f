//! The tenant's directory: partners (customers and carriers), sources and settings, as people maintain them.

use crate::id::PartnerId;
use crate::personal::Personal;
use crate::position::Coordinates;
use crate::scope::Role;
use crate::value::Money;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    pub id: PartnerId,
    pub name: String,
    #[serde(flatten)]
    pub role: PartnerRole,
    /// Names outside systems use for it: interchange id, SCAC, USDOT ... matched without regard to case.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Where notices to it go by e-mail; without one it is sent none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_email: Option<Box<Personal>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum PartnerRole {
    Customer {
        /// Zone for times a message states without one and whose site is unknown.
        zone: String,
        /// The customer's own transport management system, told when a load can be invoiced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tms: Option<Endpoint>,
    },
    Carrier {
        scac: String,
        channel: Channel,
        /// Contracted time to answer an offer, minutes.
        respond_within_min: Option<u32>,
        /// Contract rate per load where the routing guide gives none.
        contract_rate: Option<Money>,
        active: bool,
    },
}

impl Partner {
    pub fn scac(&self) -> Option<&str> {
        match &self.role {
            PartnerRole::Carrier { scac, .. } => Some(scac),
            PartnerRole::Customer { .. } => None,
        }
    }

    /// Whether an outside system means this partner by `name`.
    pub fn is_called(&self, name: &str) -> bool {
        let same = |other: &str| other.eq_ignore_ascii_case(name.trim());
        same(&self.id.0) || self.scac().is_some_and(same) || self.aliases.iter().any(|it| same(it))
    }
}

/// How a partner is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Channel {
    /// X12 files into a folder, relative to the tenant's own under the data directory's `outbound`.
    X12Folder {
        folder: String,
        interchange_id: String,
        interchange_qualifier: String,
    },
    /// Signed JSON by HTTP POST (Standard Webhooks). `secret` names an entry of the secret store.
    Webhook { url: String, secret: String },
}

/// Another system that takes signed JSON by HTTP POST (Standard Webhooks). `secret` names an entry of the secret store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub url: String,
    pub secret: String,
}

/// Where messages come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The name in `/in/{name}`.
    pub name: String,
    pub format: SourceFormat,
    /// Zone for times without one when neither site nor partner says.
    pub zone: String,
    /// Secret for Standard Webhooks signatures; where set, unsigned or wrongly signed messages are refused.
    #[serde(default)]
    pub secret: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceFormat {
    X12,
    Json,
    Telematics,
    Email,
}

/// A site the tenant's loads call at: where it lies and how large it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The tenant's own short name for it.
    pub id: String,
    pub name: String,
    /// Partners' codes for it (X12 N1-04), matched without regard to case.
    #[serde(default)]
    pub codes: Vec<String>,
    #[serde(default)]
    pub city: String,
    #[serde(default)]
    pub region: String,
    #[serde(default)]
    pub postal_code: String,
    pub coordinates: Coordinates,
    /// Radius of the geofence around it.
    pub radius_m: u32,
    /// IANA zone.
    #[serde(default)]
    pub zone: Option<String>,
}

/// What a tenant may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Minutes a carrier has to answer where neither message nor contract says.
    pub respond_within_default_min: u32,
    /// Minutes a carrier with free capacity has to answer for an expedited load.
    #[serde(default = "respond_within_expedited_min")]
    pub respond_within_expedited_min: u32,
    /// Offers above this wait for approval.
    pub rate_cap: Money,
    /// Minutes an approval may wait before it runs out.
    pub approval_within_min: u32,
    /// Our own interchange id and SCAC on outbound X12.
    pub interchange_id: String,
    /// The tenant's own transport management system, told when a load can be invoiced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tms: Option<Endpoint>,
    /// Where partners' answers to notices go: the tenant's own dispatch desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_reply_to: Option<String>,
    /// Notices that a playbook proposes leave without a person's approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notices_unattended: bool,
    /// Mails go to the operator's language model, where there is one, for a summary and a draft.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ask_advisor: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            respond_within_default_min: 60,
            respond_within_expedited_min: respond_within_expedited_min(),
            rate_cap: Money::usd(300_000),
            approval_within_min: 120,
            interchange_id: "SIGNALBOX".to_owned(),
            tms: None,
            notice_reply_to: None,
            notices_unattended: false,
            ask_advisor: false,
        }
    }
}

/// Until a tenant sets another.
fn respond_within_expedited_min() -> u32 {
    15
}

/// A bearer key of a person or system. The key itself is shown once; the directory keeps its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// SHA-256 of the key, hex.
    pub sha256: String,
    pub name: String,
    pub roles: Vec<Role>,
    /// For carriers and customers: whose eyes this key has.
    #[serde(default)]
    pub partner: Option<PartnerId>,
    pub expires_at: jiff::Timestamp,
}
