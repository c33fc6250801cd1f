//! Which zone a site keeps, from its state or province. Facts, by majority of people where a state has two zones.

use std::borrow::Cow;

/// A region's zone and whether part of the region keeps another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionZone {
    pub zone: &'static str,
    pub split: bool,
}

const fn whole(zone: &'static str) -> RegionZone {
    RegionZone { zone, split: false }
}

const fn split(zone: &'static str) -> RegionZone {
    RegionZone { zone, split: true }
}

/// ISO 3166-1 alpha-2 of a country as partners write it; empty where it is unknown.
pub fn country(written: &str, region: &str) -> String {
    match upper(written).as_ref() {
        "US" | "USA" | "UNITED STATES" => "US".to_owned(),
        "CA" | "CAN" | "CANADA" => "CA".to_owned(),
        "MX" | "MEX" | "MEXICO" => "MX".to_owned(),
        "" if united_states(region).is_some() => "US".to_owned(),
        "" if canada(region).is_some() => "CA".to_owned(),
        other => other.to_owned(),
    }
}

/// The zone of a region. `country` is ISO alpha-2 as `country` gives it.
pub fn zone(country: &str, region: &str) -> Option<RegionZone> {
    match country {
        "US" | "" => united_states(region),
        "CA" => canada(region),
        "MX" => mexico(region),
        _ => None,
    }
}

/// Upper case, copied only where it is not so already.
fn upper(text: &str) -> Cow<'_, str> {
    let has_lower = text.bytes().any(|it| it.is_ascii_lowercase());
    if has_lower {
        Cow::Owned(text.to_ascii_uppercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn united_states(region: &str) -> Option<RegionZone> {
    Some(match upper(region).as_ref() {
        "CT" | "DC" | "DE" | "GA" | "MA" | "MD" | "ME" | "NC" | "NH" | "NJ" | "NY" | "OH" | "PA" | "RI" | "SC"
        | "VA" | "VT" | "WV" => whole("America/New_York"),
        "FL" | "KY" => split("America/New_York"),
        "MI" => split("America/Detroit"),
        "IN" => split("America/Indiana/Indianapolis"),
        "AL" | "AR" | "IA" | "IL" | "LA" | "MN" | "MO" | "MS" | "OK" | "WI" => whole("America/Chicago"),
        "KS" | "ND" | "NE" | "SD" | "TN" | "TX" => split("America/Chicago"),
        "CO" | "MT" | "NM" | "UT" | "WY" => whole("America/Denver"),
        "ID" => split("America/Boise"),
        "AZ" => whole("America/Phoenix"),
        "CA" | "WA" => whole("America/Los_Angeles"),
        "NV" | "OR" => split("America/Los_Angeles"),
        "AK" => split("America/Anchorage"),
        "HI" => whole("Pacific/Honolulu"),
        "PR" => whole("America/Puerto_Rico"),
        "VI" => whole("America/St_Thomas"),
        "GU" => whole("Pacific/Guam"),
        "AS" => whole("Pacific/Pago_Pago"),
        "MP" => whole("Pacific/Saipan"),
        _ => return None,
    })
}

fn canada(region: &str) -> Option<RegionZone> {
    Some(match upper(region).as_ref() {
        "ON" | "QC" | "PQ" => split("America/Toronto"),
        "MB" => whole("America/Winnipeg"),
        "SK" => split("America/Regina"),
        "AB" => whole("America/Edmonton"),
        "BC" => split("America/Vancouver"),
        "NS" | "PE" => whole("America/Halifax"),
        "NB" => whole("America/Moncton"),
        "NL" | "NF" => split("America/St_Johns"),
        "YT" => whole("America/Whitehorse"),
        "NT" => whole("America/Edmonton"),
        "NU" => split("America/Iqaluit"),
        _ => return None,
    })
}

fn mexico(region: &str) -> Option<RegionZone> {
    Some(match upper(region).as_ref() {
        "BC" | "BCN" => whole("America/Tijuana"),
        "BS" | "BCS" | "SI" | "SIN" => whole("America/Mazatlan"),
        "NA" | "NAY" => split("America/Mazatlan"),
        "SO" | "SON" => whole("America/Hermosillo"),
        "CH" | "CHH" => split("America/Chihuahua"),
        "CO" | "COA" | "NL" | "NLE" | "TM" | "TAM" => split("America/Monterrey"),
        "QR" | "ROO" => whole("America/Cancun"),
        "AG" | "AGU" | "CM" | "CAM" | "CS" | "CHP" | "CL" | "COL" | "DF" | "CMX" | "DG" | "DUR" | "GR" | "GRO"
        | "GT" | "GUA" | "HG" | "HID" | "JA" | "JAL" | "MI" | "MIC" | "MO" | "MOR" | "MX" | "MEX" | "OA" | "OAX"
        | "PU" | "PUE" | "QT" | "QE" | "QUE" | "SL" | "SLP" | "TB" | "TAB" | "TL" | "TLA" | "VE" | "VER" | "YU"
        | "YUC" | "ZA" | "ZAC" => whole("America/Mexico_City"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_of_the_table_has_rules() {
        let letters = || 'A'..='Z';
        let codes = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}")));
        let long = codes
            .clone()
            .flat_map(|two| letters().map(move |c| format!("{two}{c}")));
        let mut found = 0;
        for code in codes.chain(long) {
            for country in ["US", "CA", "MX"] {
                if let Some(region) = zone(country, &code) {
                    assert!(crate::moment::rules(region.zone).is_some(), "{code} {}", region.zone);
                    found += 1;
                }
            }
        }
        assert!(found > 120, "{found}");
    }

    #[test]
    fn a_country_is_worked_out_from_its_state_or_province() {
        assert_eq!(country("USA", "GA"), "US");
        assert_eq!(country("", "ON"), "CA");
        assert_eq!(country("", "ME"), "US");
        assert_eq!(zone("CA", "ON").map(|it| it.zone), Some("America/Toronto"));
        assert_eq!(zone("DE", "BY"), None);
    }
}
