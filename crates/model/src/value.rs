//! Values with their units and their doubts: money, weight, moments whose zone was stated or assumed, outside ids.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Integer minor units of an ISO 4217 currency ("USD", 2 decimals: 125000 is 1,250.00).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: String,
}

impl Money {
    pub fn usd(minor: i64) -> Self {
        Self {
            minor,
            currency: "USD".to_owned(),
        }
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", minor / 100, minor % 100, self.currency)
    }
}

/// Mass in grams, the original number and unit kept as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    pub grams: i64,
    /// As the partner wrote it, for example `5472.0 L` (X12 355: L is pounds, K kilograms).
    pub original: String,
}

/// An instant with the zone it was written in, and whether that zone was stated or assumed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    pub at: Timestamp,
    /// IANA zone name.
    pub zone: String,
    pub basis: TimeBasis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeBasis {
    Stated,
    Assumed,
}

/// Not before, not after. Either end may be open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeWindow {
    pub earliest: Option<Moment>,
    pub latest: Option<Moment>,
}

/// A wish, a plan and an actual are three fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    pub planned: Option<Moment>,
    pub estimated: Option<Moment>,
    pub actual: Option<Moment>,
}

/// What another system calls a thing of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExternalId {
    /// Whose name it is: a partner's interchange id, SCAC or system name.
    pub system: String,
    /// What kind of name: `shipment_id`, `bill_of_lading`, `purchase_order`, `offer` ...
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
}

impl ExternalId {
    pub fn new(system: &str, kind: &str, value: &str) -> Self {
        Self {
            system: system.to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_prints_with_its_sign_and_currency() {
        assert_eq!(Money::usd(-5).to_string(), "-0.05 USD");
        assert_eq!(Money::usd(125_000).to_string(), "1250.00 USD");
    }
}
