//! What the mistakes partners make read as. `UPDATE_EXPECT=1 cargo test` rewrites; review reads the difference.

use crate::support::{read_sample, summary};
use expect_test::{Expect, expect};

fn check(name: &str, expected: Expect) {
    expected.assert_eq(&summary(&read_sample(name)));
}

#[test]
fn sample_bad_truncated() {
    check(
        "bad/truncated.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000110
            ! Warning x12.ge_missing at group 110: the group has no trailer (GE)
            ! Warning x12.iea_missing at interchange 000000110: the interchange has no trailer (IEA)
            order at interchange 000000110, group 110, 204 0001
              Original BRK-48211 of BRACKENRIDGE, 1875.00 USD, Normal
              Van Some("TF"), Some((18688006, "41200 L")) g, Some(24) pieces
              respond by 2026-11-24T23:00Z America/Chicago
              ids shipment_id=BRK-48211 purchase_order=PO-99120 bill_of_lading=BOL-48211
              bill to BRACKENRIDGE PAPER [BRKBT] ["1 INVENTED WAY"] PORTLAND, ME 04101 US (America/New_York)
              1 Pickup BRACKENRIDGE MILL [MILL1] ["14 RIVERSIDE ROW"] BANGOR, ME 04401 US (America/New_York)
                2026-11-25T13:00Z America/New_York to 2026-11-25T17:00Z America/New_York
                Some("41200 L") Some(24) pieces; pickup_number=PU-7741
                contact PAT EXAMPLE 2075550101 PAT@EXAMPLE.COM
              2 Delivery LAKESHORE PRINT [LSP] ["900 HARBOR DR"] MILWAUKEE, WI 53202 US (America/Chicago)
                2026-11-27T13:00Z America/Chicago to 2026-11-27T21:00Z America/Chicago
                Some("41200 L") Some(24) pieces; delivery_order=DO-5512
                contact SAM SAMPLE 4145550102
              goods "ROLLED PAPER" Some(24) Some("41200 L")
              note Some("DRIVER MUST WEAR A VEST")
            unread at interchange 000000110, group 110, 204 0002
              ! Fatal x12.truncated at segment 56 of the file: the transaction set ends without its trailer (SE)
        "#]],
    );
}

#[test]
fn sample_bad_miscounted() {
    check(
        "bad/miscounted.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000111
            ! Forgiven x12.ge01_count at GE-01 of group 111: the trailer counts `4` transactions, the group has 1
            ! Forgiven x12.ge02_control at GE-02 of group 111: the trailer names group `112`, the header 111
            ! Forgiven x12.iea01_count at IEA-01 of interchange 000000111: the trailer counts `2` groups, the interchange has 1
            order at interchange 000000111, group 111, 204 0001
              Original BRK-48211 of BRACKENRIDGE, 1875.00 USD, Normal
              Van Some("TF"), Some((18688006, "41200 L")) g, Some(24) pieces
              respond by 2026-11-24T23:00Z America/Chicago
              ids shipment_id=BRK-48211 purchase_order=PO-99120 bill_of_lading=BOL-48211
              bill to BRACKENRIDGE PAPER [BRKBT] ["1 INVENTED WAY"] PORTLAND, ME 04101 US (America/New_York)
              1 Pickup BRACKENRIDGE MILL [MILL1] ["14 RIVERSIDE ROW"] BANGOR, ME 04401 US (America/New_York)
                2026-11-25T13:00Z America/New_York to 2026-11-25T17:00Z America/New_York
                Some("41200 L") Some(24) pieces; pickup_number=PU-7741
                contact PAT EXAMPLE 2075550101 PAT@EXAMPLE.COM
              2 Delivery LAKESHORE PRINT [LSP] ["900 HARBOR DR"] MILWAUKEE, WI 53202 US (America/Chicago)
                2026-11-27T13:00Z America/Chicago to 2026-11-27T21:00Z America/Chicago
                Some("41200 L") Some(24) pieces; delivery_order=DO-5512
                contact SAM SAMPLE 4145550102
              goods "ROLLED PAPER" Some(24) Some("41200 L")
              note Some("DRIVER MUST WEAR A VEST")
              ! Forgiven x12.se01_count at SE-01 segment 34: the trailer counts `99` segments, the set has 34
              ! Forgiven x12.se02_control at SE-02 segment 34: the trailer names set `0009`, the header `0001`
        "#]],
    );
}

#[test]
fn sample_bad_unknown_set() {
    check(
        "bad/unknown_set.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000112
            unread at interchange 000000112, group 112, 850 0001
              ! Fatal x12.unknown_set at ST-01 segment 1: transaction set `850` is not one that is read here
            order at interchange 000000112, group 112, 204 0002
              Original BRK-48211 of BRACKENRIDGE, 1875.00 USD, Normal
              Van Some("TF"), Some((18688006, "41200 L")) g, Some(24) pieces
              respond by 2026-11-24T23:00Z America/Chicago
              ids shipment_id=BRK-48211 purchase_order=PO-99120 bill_of_lading=BOL-48211
              bill to BRACKENRIDGE PAPER [BRKBT] ["1 INVENTED WAY"] PORTLAND, ME 04101 US (America/New_York)
              1 Pickup BRACKENRIDGE MILL [MILL1] ["14 RIVERSIDE ROW"] BANGOR, ME 04401 US (America/New_York)
                2026-11-25T13:00Z America/New_York to 2026-11-25T17:00Z America/New_York
                Some("41200 L") Some(24) pieces; pickup_number=PU-7741
                contact PAT EXAMPLE 2075550101 PAT@EXAMPLE.COM
              2 Delivery LAKESHORE PRINT [LSP] ["900 HARBOR DR"] MILWAUKEE, WI 53202 US (America/Chicago)
                2026-11-27T13:00Z America/Chicago to 2026-11-27T21:00Z America/Chicago
                Some("41200 L") Some(24) pieces; delivery_order=DO-5512
                contact SAM SAMPLE 4145550102
              goods "ROLLED PAPER" Some(24) Some("41200 L")
              note Some("DRIVER MUST WEAR A VEST")
        "#]],
    );
}

#[test]
fn sample_bad_two_interchanges() {
    check(
        "bad/two_interchanges.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000113
            from LNHL to SIGNALBOX #000000114
            ! Forgiven x12.filler at byte 777: the file is filled up with null or end-of-file characters
            order at interchange 000000113, group 113, 204 0001
              Original BRK-1 of BRACKENRIDGE, 1875.00 USD, Normal
              Van None, Some((18688006, "41200 L")) g, Some(24) pieces
              respond by open
              ids shipment_id=BRK-1
              1 Pickup BRACKENRIDGE MILL [MILL1] ["14 RIVERSIDE ROW"] BANGOR, ME 04401 US (America/New_York)
                2026-11-25T13:00Z America/New_York to 2026-11-25T17:00Z America/New_York
                Some("41200 L") Some(24) pieces; pickup_number=PU-7741
                contact PAT EXAMPLE 2075550101 PAT@EXAMPLE.COM
              2 Delivery LAKESHORE PRINT [LSP] ["900 HARBOR DR"] MILWAUKEE, WI 53202 US (America/Chicago)
                2026-11-27T13:00Z America/Chicago to 2026-11-27T21:00Z America/Chicago
                Some("41200 L") Some(24) pieces; delivery_order=DO-5512
                contact SAM SAMPLE 4145550102
              goods "ROLLED PAPER" Some(24) Some("41200 L")
            answer at interchange 000000114, group 114, 990 0001
              LNHL Accept BRK-1 None None None
        "#]],
    );
}

#[test]
fn sample_bad_delivery_before_pickup() {
    check(
        "bad/delivery_before_pickup.edi",
        expect![[r#"
        from BRACKENRIDGE to SIGNALBOX #000000115
        unread at interchange 000000115, group 115, 204 0001
          ! Fatal order.delivery_before_pickup at S5 segment 16: must deliver by 2026-11-20 15:00 CST, before the first pickup at 2026-11-25 08:00 EST
    "#]],
    );
}

#[test]
fn sample_bad_missing_stop() {
    check(
        "bad/missing_stop.edi",
        expect![[r#"
        from BRACKENRIDGE to SIGNALBOX #000000116
        unread at interchange 000000116, group 116, 204 0001
          ! Fatal order.missing_delivery at S5: no stop delivers anything
    "#]],
    );
}

#[test]
fn sample_bad_no_reference() {
    check(
        "bad/no_reference.edi",
        expect![[r#"
        from BRACKENRIDGE to SIGNALBOX #000000117
        unread at interchange 000000117, group 117, 204 0001
          ! Fatal order.missing_reference at B2-04 segment 2: the order has no reference, so no answer could be matched to it
    "#]],
    );
}

#[test]
fn sample_bad_bad_dates() {
    check(
        "bad/bad_dates.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000118
            order at interchange 000000118, group 118, 204 0001
              Original BRK-4 of BRACKENRIDGE, no rate, Normal
              Van None, Some((18688006, "41200")) g, Some(24) pieces
              respond by open
              ids shipment_id=BRK-4
              1 Pickup MILL [M1] ["1 A ST"] BANGOR, ME 04401 US (America/New_York)
                open to open
                Some("41200 L") Some(24) pieces;
              2 Delivery LAKESHORE PRINT [LSP] ["900 HARBOR DR"] MILWAUKEE, WI 53202 US (America/Chicago)
                2026-11-27T13:00Z America/Chicago to 2026-11-27T21:00Z America/Chicago
                Some("41200 L") Some(24) pieces; delivery_order=DO-5512
                contact SAM SAMPLE 4145550102
              ! Warning x12.bad_time at G62-02 segment 4: `20261399` is not a date (CCYYMMDD)
              ! Warning x12.bad_time at G62-04 segment 6: `2590` is not a time (HHMM)
              ! Warning x12.bad_time at G62-05 segment 7: `QQ` is not a time code (LT, ET, UT ...)
              ! Warning order.stop_without_time at S5 segment 5: the stop has no date that could be used
              ! Warning x12.bad_amount at L3-05 segment 21: `12X5` is not an amount
        "#]],
    );
}

#[test]
fn sample_bad_byte_order_mark() {
    check(
        "bad/byte_order_mark.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000119
        ! Forgiven x12.byte_order_mark at byte 1: the file begins with a byte order mark
        answer at interchange 000000119, group 119, 990 0001
          LNHL Accept BRK-5 None None None
    "#]],
    );
}

#[test]
fn sample_bad_mixed_line_ends() {
    check(
        "bad/mixed_line_ends.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000120
            order at interchange 000000120, group 120, 204 0001
              Original BRK-6 of BRACKENRIDGE, 1875.00 USD, Normal
              Van None, Some((18688006, "41200 L")) g, Some(24) pieces
              respond by open
              ids shipment_id=BRK-6
              1 Pickup BRACKENRIDGE MILL [MILL1] ["14 RIVERSIDE ROW"] BANGOR, ME 04401 US (America/New_York)
                2026-11-25T13:00Z America/New_York to 2026-11-25T17:00Z America/New_York
                Some("41200 L") Some(24) pieces; pickup_number=PU-7741
                contact PAT EXAMPLE 2075550101 PAT@EXAMPLE.COM
              2 Delivery LAKESHORE PRINT [LSP] ["900 HARBOR DR"] MILWAUKEE, WI 53202 US (America/Chicago)
                2026-11-27T13:00Z America/Chicago to 2026-11-27T21:00Z America/Chicago
                Some("41200 L") Some(24) pieces; delivery_order=DO-5512
                contact SAM SAMPLE 4145550102
              goods "ROLLED PAPER" Some(24) Some("41200 L")
        "#]],
    );
}

#[test]
fn sample_bad_wrapped_at_80() {
    check(
        "bad/wrapped_at_80.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000121
            ! Forgiven x12.wrapped_lines at byte 1: line breaks inside segments were taken out
            order at interchange 000000121, group 121, 204 0001
              Original BRK-7 of BRACKENRIDGE, 1875.00 USD, Normal
              Van None, Some((18688006, "41200 L")) g, Some(24) pieces
              respond by open
              ids shipment_id=BRK-7
              1 Pickup BRACKENRIDGE MILL [MILL1] ["14 RIVERSIDE ROW"] BANGOR, ME 04401 US (America/New_York)
                2026-11-25T13:00Z America/New_York to 2026-11-25T17:00Z America/New_York
                Some("41200 L") Some(24) pieces; pickup_number=PU-7741
                contact PAT EXAMPLE 2075550101 PAT@EXAMPLE.COM
              2 Delivery LAKESHORE PRINT [LSP] ["900 HARBOR DR"] MILWAUKEE, WI 53202 US (America/Chicago)
                2026-11-27T13:00Z America/Chicago to 2026-11-27T21:00Z America/Chicago
                Some("41200 L") Some(24) pieces; delivery_order=DO-5512
                contact SAM SAMPLE 4145550102
              goods "ROLLED PAPER" Some(24) Some("41200 L")
        "#]],
    );
}

#[test]
fn sample_bad_unpadded_header() {
    check(
        "bad/unpadded_header.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000122
        ! Forgiven x12.isa_width at ISA of interchange 000000122: the interchange header is not padded to its fixed width; it was split by its separators
        answer at interchange 000000122, group 122, 990 0001
          LNHL Accept BRK-8 None None None
    "#]],
    );
}

#[test]
fn sample_bad_missing_trailers() {
    check(
        "bad/missing_trailers.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000123
        ! Warning x12.ge_missing at group 123: the group has no trailer (GE)
        ! Warning x12.iea_missing at interchange 000000123: the interchange has no trailer (IEA)
        answer at interchange 000000123, group 123, 990 0001
          LNHL Accept BRK-9 None None None
    "#]],
    );
}

#[test]
fn sample_bad_not_x12() {
    check(
        "bad/not_x12.edi",
        expect![[r#"
            ! Forgiven x12.not_utf8 at byte 1: the file is not UTF-8 and was read as Latin-1
            ! Fatal x12.no_interchange at byte 1: no interchange header (ISA) was found; the message begins ` T æ/xÁ S å.wÀ R ä-v¿ Q ã,u¾ P â+t½ O á*…`
        "#]],
    );
}

#[test]
fn sample_bad_cut_in_header() {
    check(
        "bad/cut_in_header.edi",
        expect![[r#"
        ! Fatal x12.isa_unreadable at byte 1: the file ends within the interchange header
    "#]],
    );
}

#[test]
fn sample_bad_order_json() {
    check(
        "bad/order.json",
        expect![[r#"
        unread at /0
          ! Forgiven json.unknown_field at /0/referense: the field is not one that is read
          ! Warning json.unknown_word at /0/priority: `urgent` is none of normal, high
          ! Warning json.bad_time at /0/stops/0/window/earliest: `tomorrow` is not a time such as 2026-11-24T08:00:00-05:00 or 2026-11-24T08:00
          ! Warning json.bad_weight at /0/stops/1/weight: 3 `STONE` is not a weight in `lb` or `kg`
          ! Warning json.wrong_type at /0/rate/minor: `12.5` is not a whole number
          ! Warning json.bad_rate at /0/rate: it is not an amount: `minor` (a whole number of cents) and `currency` (ISO 4217)
          ! Fatal order.missing_reference at /0/reference: the order has no reference, so no answer could be matched to it
          ! Fatal order.delivery_before_pickup at /0/stops/0/window: must deliver by 2026-11-20 23:59 PST, before the first pickup at 2026-11-25 08:00 UTC
        order at /1
          Cancel BRK-50012 of BRACKENRIDGE, no rate, Normal
          Van None, None g, None pieces
          respond by open
          ids shipment_id=BRK-50012
        unread at /2
          ! Fatal answer.unknown_word at /2/answer: `maybe` is none of accept, decline, conditional
          ! Fatal answer.missing_carrier at /2/carrier: nobody says who answers
          ! Fatal answer.missing_reference at /2/offer: it says not which offer it answers
        unread at /3
          ! Fatal json.unknown_shape at /3: it is no order (`stops`), no answer to an offer (`answer`), no document (`document`) and no free capacity (`trucks`)
    "#]],
    );
}

#[test]
fn sample_bad_capacity_json() {
    check(
        "bad/capacity.json",
        expect![[r#"
        unread at /0
          ! Fatal capacity.missing_carrier at /0/carrier: nobody says whose trucks they are
          ! Warning json.wrong_type at /0/trucks: `two` is not a whole number
          ! Fatal capacity.bad_trucks at /0/trucks: it says not how many trucks are free
        unread at /1
          ! Fatal capacity.unknown_equipment at /1/equipment: `sledge` is none of van, reefer, flatbed, container, tanker
        unread at /2
          ! Warning json.bad_time at /2/from: `soon` is not a time such as 2026-11-24T08:00:00-05:00 or 2026-11-24T08:00
          ! Fatal capacity.bad_time at /2/from: it is no time, and without it nobody knows when the trucks are free
          ! Warning json.bad_time at /2/until: `someday` is not a time such as 2026-11-24T08:00:00-05:00 or 2026-11-24T08:00
          ! Fatal capacity.bad_time at /2/until: it is no time, and without it nobody knows when the trucks are free
        unread at /3
          ! Fatal capacity.missing_until at /3/until: it says not until when they are free
    "#]],
    );
}
