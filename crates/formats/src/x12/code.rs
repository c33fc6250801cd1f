//! X12 code lists as far as they mean something to us. Facts of the standard, by data element.

use signalbox_model::load::{EquipmentKind, StopKind};
use signalbox_model::value::Weight;

/// Data element 163, stop reason. None: not a code of the list.
pub fn stop_kind(code: &str) -> Option<StopKind> {
    Some(match code {
        "CL" | "LD" | "PL" | "PA" | "AL" | "SL" | "RT" => StopKind::Pickup,
        "CU" | "UL" | "PU" | "DT" | "SU" | "TL" => StopKind::Delivery,
        "CN" | "DR" | "HT" | "IN" | "LE" | "WL" => StopKind::Other,
        _ => return None,
    })
}

/// Data element 128, reference qualifier, in our words. Others keep their code: `x12_zz`.
pub fn reference_kind(qualifier: &str) -> String {
    let known = match qualifier {
        "PO" => "purchase_order",
        "BM" => "bill_of_lading",
        "MB" => "master_bill_of_lading",
        "SI" => "shipment_id",
        "CR" => "customer_reference",
        "CN" => "carrier_reference",
        "LO" => "load_plan",
        "OQ" | "CO" | "ON" | "SO" | "VN" => "order_number",
        "DO" => "delivery_order",
        "P8" => "pickup_number",
        "AO" => "appointment_number",
        "BN" => "booking",
        "QN" => "stop_sequence",
        "SCA" => "scac",
        "Q1" => "quote",
        "SN" => "seal",
        "EQ" => "equipment",
        "11" => "account",
        "" => "unspecified",
        other => return format!("x12_{}", other.to_ascii_lowercase()),
    };
    known.to_owned()
}

/// The qualifier for one of our kinds of reference, the reverse of `reference_kind`.
pub fn reference_qualifier(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "purchase_order" => "PO",
        "bill_of_lading" => "BM",
        "master_bill_of_lading" => "MB",
        "shipment_id" => "SI",
        "carrier_reference" => "CN",
        "load_plan" => "LO",
        "order_number" => "OQ",
        "delivery_order" => "DO",
        "pickup_number" => "P8",
        "appointment_number" => "AO",
        "booking" => "BN",
        "quote" => "Q1",
        "seal" => "SN",
        "account" => "11",
        _ => return None,
    })
}

/// Data element 40, equipment description. None: not one we know.
pub fn equipment_kind(code: &str) -> Option<EquipmentKind> {
    Some(match code {
        "TF" | "TV" | "TL" | "VA" | "TH" | "DF" => EquipmentKind::Van,
        "RT" | "TW" | "CZ" | "RF" => EquipmentKind::Reefer,
        "FT" | "FR" | "FH" | "TJ" | "FP" => EquipmentKind::Flatbed,
        "CN" | "CH" | "CV" | "CC" | "CX" => EquipmentKind::Container,
        "TN" | "TA" | "TG" => EquipmentKind::Tanker,
        _ => return None,
    })
}

/// The code sent for a kind of equipment whose partner's code is not known.
pub fn equipment_code(kind: EquipmentKind) -> &'static str {
    match kind {
        EquipmentKind::Van => "TF",
        EquipmentKind::Reefer => "RT",
        EquipmentKind::Flatbed => "FT",
        EquipmentKind::Container => "CN",
        EquipmentKind::Tanker => "TN",
        EquipmentKind::Other => "TL",
    }
}

/// Data element 355: a number and its unit of weight. No unit is pounds, as the trade has it.
pub fn weight(number: &str, unit: &str) -> Option<Weight> {
    const MICROGRAMS: i128 = 1_000_000;
    let micrograms_each: i128 = match unit {
        "" | "L" | "LB" => 453_592_370,
        "K" | "KG" => 1_000 * MICROGRAMS,
        "E" | "M" => 1_000_000 * MICROGRAMS,
        "S" | "T" => 907_184_740_000,
        "G" | "GR" => MICROGRAMS,
        "O" | "OZ" => 28_349_523,
        _ => return None,
    };
    let thousandths = decimal(number, 3)?;
    let grams = i128::from(thousandths) * micrograms_each / 1_000 + MICROGRAMS / 2;
    let original = if unit.is_empty() {
        number.to_owned()
    } else {
        [number, unit].join(" ")
    };
    Some(Weight {
        grams: i64::try_from(grams / MICROGRAMS).ok()?,
        original,
    })
}

/// A decimal number as an integer of `10^-places`. More decimals than that are cut off.
pub fn decimal(text: &str, places: u32) -> Option<i64> {
    const DIGITS_MAX: usize = 15;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || whole.len() > DIGITS_MAX || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let mut value: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut decimals = fraction.bytes().map(|byte| i64::from(byte - b'0'));
    for _ in 0..places {
        value = value.checked_mul(10)?.checked_add(decimals.next().unwrap_or(0))?;
    }
    Some(if negative { -value } else { value })
}

/// Data element type N2: cents without a point. Partners that write the point mean it; the flag says so.
pub fn cents(text: &str) -> Option<(i64, bool)> {
    let pointed = text.contains('.');
    Some((decimal(text, if pointed { 2 } else { 0 })?, pointed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_implied_decimals_and_their_sign() {
        assert_eq!(cents("55721"), Some((55_721, false)));
        assert_eq!(cents("557.21"), Some((55_721, true)));
        assert_eq!(cents("-301791"), Some((-301_791, false)));
        assert_eq!(cents("12A"), None);
        assert_eq!(cents(""), None);
        assert_eq!(cents("99999999999999999999"), None);
    }

    #[test]
    fn pounds_become_grams_and_keep_what_was_written() {
        let weight = weight("5472.0", "L").unwrap();
        assert_eq!((weight.grams, weight.original.as_str()), (2_482_057, "5472.0 L"));
        assert_eq!(super::weight("1", "XX"), None);
        assert_eq!(super::weight("1.5", "K").unwrap().grams, 1_500);
    }

    #[test]
    fn our_words_for_references_go_out_as_the_code_they_came_by() {
        for code in [
            "PO", "BM", "MB", "SI", "CN", "LO", "OQ", "DO", "P8", "AO", "BN", "Q1", "SN", "11",
        ] {
            assert_eq!(reference_qualifier(&reference_kind(code)), Some(code));
        }
    }
}
