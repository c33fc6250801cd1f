//! What each sample reads as. `UPDATE_EXPECT=1 cargo test` rewrites; review reads the difference.

mod support;

use expect_test::{Expect, expect};
use support::{read_sample, samples, summary};

fn check(name: &str, expected: Expect) {
    expected.assert_eq(&summary(&read_sample(name)));
}

#[test]
fn sample_204() {
    check(
        "204.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000101
            order at interchange 000000101, group 101, 204 0001
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
fn sample_204_multi_stop_reefer() {
    check(
        "204_multi_stop_reefer.edi",
        expect![[r#"
            from COLDWATER to SIGNALBOX #000000103
            order at interchange 000000103, group 103, 204 0001
              Original BRK-48230 of COLDWATER, 3120.00 USD, Normal
              Reefer Some("RT"), Some((12628465, "27841 L")) g, Some(20) pieces
              respond by 2026-11-24T21:30Z UTC
              ids shipment_id=BRK-48230 master_bill_of_lading=MB-771
              1 Pickup COLDWATER DAIRY [CWD] ["5 CREAMERY LN"] SALINA, KS 67401 US (America/Chicago)
                2026-11-25T14:00Z America/Chicago to 2026-11-25T18:00Z America/Chicago
                Some("41200 L") Some(24) pieces;
                contact LEE EXAMPLE 7855550103
              2 Pickup HIGH PLAINS CREAMERY [HPC] ["77 PASTURE RD"] AMARILLO, TX 79101 US (America/Chicago)
                2026-11-25T21:00Z America/Chicago? to 2026-11-26T01:00Z America/Chicago?
                Some("8000 L") Some(8) pieces;
              3 Delivery DESERT FOODS [DSF] ["12 MESA BLVD"] PHOENIX, AZ 85001 US (America/Phoenix)
                2026-11-26T13:00Z America/Phoenix to 2026-11-26T18:00Z America/Phoenix
                Some("41200 L") Some(24) pieces;
              4 Delivery PACIFIC GROCERS [PGR] ["3 PIER ST"] OAKLAND, CA 94601 US (America/Los_Angeles)
                2026-11-27T17:30Z America/Los_Angeles to 2026-11-27T17:30Z America/Los_Angeles
                Some("41200 L") Some(24) pieces;
              goods "CHEESE" Some(12) Some("9000 K")
              goods "BUTTER" Some(8) Some("8000 L")
              note Some("KEEP AT 34 F")
        "#]],
    );
}

#[test]
fn sample_204_change() {
    check(
        "204_change.edi",
        expect![[r#"
            from BRACKENRIDGE to SIGNALBOX #000000104
            order at interchange 000000104, group 104, 204 0001
              Change BRK-48211 of BRACKENRIDGE, 1910.00 USD, Normal
              Van Some("TF"), Some((18688006, "41200 L")) g, Some(24) pieces
              respond by 2026-11-25T00:00Z America/Chicago
              ids shipment_id=BRK-48211 purchase_order=PO-99120
              1 Pickup BRACKENRIDGE MILL [MILL1] ["14 RIVERSIDE ROW"] BANGOR, ME 04401 US (America/New_York)
                2026-11-25T13:00Z America/New_York to 2026-11-25T17:00Z America/New_York
                Some("41200 L") Some(24) pieces; pickup_number=PU-7741
                contact PAT EXAMPLE 2075550101 PAT@EXAMPLE.COM
              2 Delivery LAKESHORE PRINT [LSP] ["900 HARBOR DR"] MILWAUKEE, WI 53202 US (America/Chicago)
                2026-11-28T13:00Z America/Chicago to 2026-11-28T21:00Z America/Chicago
                Some("41200 L") Some(24) pieces;
              goods "ROLLED PAPER" Some(24) Some("41200 L")
        "#]],
    );
}

#[test]
fn sample_204_cancel() {
    check(
        "204_cancel.edi",
        expect![[r#"
        from BRACKENRIDGE to SIGNALBOX #000000105
        order at interchange 000000105, group 105, 204 0001
          Cancel BRK-48211 of BRACKENRIDGE, no rate, Normal
          Van None, None g, None pieces
          respond by open
          ids shipment_id=BRK-48211
    "#]],
    );
}

#[test]
fn sample_990_accept() {
    check(
        "990_accept.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000201
        answer at interchange 000000201, group 201, 990 0001
          LNHL Accept BRK-48211 None None None
    "#]],
    );
}

#[test]
fn sample_990_decline() {
    check(
        "990_decline.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000202
        answer at interchange 000000202, group 202, 990 0001
          LNHL Decline BRK-48211 Some(OfferId("off_01kavxq3m00000000000000042")) Some("NO TRUCK IN THE AREA") Some("SORRY ASK US AGAIN")
    "#]],
    );
}

#[test]
fn sample_990_conditional() {
    check(
        "990_conditional.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000203
        answer at interchange 000000203, group 203, 990 0001
          LNHL Conditional BRK-48211 Some(OfferId("off_01kavxq3m00000000000000042")) None Some("1950 USD AND WE RUN IT")
    "#]],
    );
}

#[test]
fn sample_990_accept_with_offer() {
    check(
        "990_accept_with_offer.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000204
        answer at interchange 000000204, group 204, 990 0001
          LNHL Accept BRK-48211 Some(OfferId("off_01kavxq3m00000000000000042")) None None
    "#]],
    );
}

#[test]
fn sample_990_unknown_answer() {
    check(
        "990_unknown_answer.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000205
        unread at interchange 000000205, group 205, 990 0001
          ! Fatal answer.unknown_code at B1-04 segment 2: `U` is not an answer (A accept, D decline, B or C on terms)
    "#]],
    );
}

#[test]
fn sample_997() {
    check(
        "997.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000301
        acknowledgement at interchange 000000301, group 301, 997 0001
          LNHL SM #17 accepted: accepted; 204 0001; A
    "#]],
    );
}

#[test]
fn sample_997_rejected() {
    check(
        "997_rejected.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000302
        acknowledgement at interchange 000000302, group 302, 997 0001
          LNHL SM #18 not accepted: rejected; 204 0001; G62 segment 7; element 2 code 8 20261399; R 5
    "#]],
    );
}

#[test]
fn sample_ta1() {
    check(
        "ta1.edi",
        expect![[r#"
            from LNHL to SIGNALBOX #000000303
            acknowledgement at interchange 000000303
              LNHL TA1 #17 not accepted: interchange R; note 022
        "#]],
    );
}

#[test]
fn sample_214() {
    check(
        "214.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000401
        status at interchange 000000401, group 401, 214 0001
          LNHL BRK-48211
          X3 NS 2026-11-25T13:12Z America/New_York BANGOR, ME stop Some(1)
          AF NS 2026-11-25T15:02Z America/New_York BANGOR, ME stop Some(1)
          AB NA 2026-11-27T15:00Z America/Chicago MILWAUKEE, WI stop Some(2)
          SD BF 2026-11-26T20:30Z America/New_York ?, ? stop None
    "#]],
    );
}

#[test]
fn sample_210() {
    check(
        "210.edi",
        expect![[r#"
        from LNHL to SIGNALBOX #000000501
        invoice at interchange 000000501, group 501, 210 0001
          LNHL BRK-48211 INV-5501 1975.00 USD
    "#]],
    );
}

#[test]
fn sample_order_json() {
    check(
        "order.json",
        expect![[r#"
            order at /
              Original BRK-50010 of BRACKENRIDGE, 2400.00 USD, High
              Reefer None, Some((17236510, "38000 L")) g, Some(20) pieces
              respond by 2026-11-24T23:00Z Etc/GMT+6
              ids shipment_id=BRK-50010 purchase_order=PO-99200
              1 Pickup Coldwater Dairy [-] ["5 Creamery Ln"] Salina, KS 67401 US (America/Chicago)
                2026-11-25T14:00Z America/Chicago to 2026-11-25T18:00Z America/Chicago?
                Some("38000 L") Some(20) pieces; pickup_number=PU-31
                contact Lee Example +1 785 555 0103 lee@example.com
              2 Delivery Pacific Grocers [-] [] El Paso, TX  US (America/Denver)
                2026-11-27T14:00Z America/Denver to 2026-11-27T22:00Z America/Denver
                None None pieces;
              goods "Cheese" Some(20) Some("38000 L")
              note Some("Keep at 34 F")
        "#]],
    );
}

#[test]
fn sample_answer_json() {
    check(
        "answer.json",
        expect![[r#"
        answer at /
          LNHL Decline BRK-50010 Some(OfferId("off_01kavxq3m00000000000000042")) Some("no truck in the area") Some("Ask us again on Friday")
    "#]],
    );
}

#[test]
fn sample_answer_event_json() {
    check(
        "answer_event.json",
        expect![[r#"
        answer at /
          LNHL Accept  Some(OfferId("off_01kavxq3m00000000000000042")) None None
    "#]],
    );
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
          ! Fatal json.unknown_shape at /3: it is neither an order (`stops`) nor an answer to an offer (`answer`)
    "#]],
    );
}

#[test]
fn the_way_a_file_is_wrapped_changes_nothing_it_says() {
    let told = |name: &str| {
        let text = summary(&read_sample(name));
        let lines = text
            .lines()
            .filter(|it| !it.contains("from ") && !it.contains("interchange"));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(told("204.edi"), told("204_newline.edi"));
}

#[test]
fn every_sample_has_its_test() {
    let source = include_str!("samples.rs");
    for folder in ["", "bad"] {
        for entry in std::fs::read_dir(samples().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".edi") || name.ends_with(".json") {
                assert!(source.contains(&name), "{name}");
            }
        }
    }
}
