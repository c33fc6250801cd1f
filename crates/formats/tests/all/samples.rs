//! What each sample reads as. `UPDATE_EXPECT=1 cargo test` rewrites; review reads the difference.

use crate::support::{read_sample, samples, summary};
use expect_test::{Expect, expect};

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
fn sample_204_expedited() {
    check(
        "204_expedited.edi",
        expect![[r#"
        from BRACKENRIDGE to SIGNALBOX #000000121
        order at interchange 000000121, group 121, 204 0001
          Original BRK-48299 of BRACKENRIDGE, 1875.00 USD, High
          Van Some("TF"), Some((18688006, "41200 L")) g, Some(24) pieces
          respond by 2026-11-24T23:00Z America/Chicago
          ids shipment_id=BRK-48299 purchase_order=PO-99120 x12_xe=TP-1 bill_of_lading=BOL-48211
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
fn sample_capacity_json() {
    check(
        "capacity.json",
        expect![[r#"
        capacity at /0
          LNHL 2 Van at Portland, ME Some(2026-11-25T11:00:00Z) to 2026-11-27T23:00:00Z America/New_York Some("1850.00 USD")
        capacity at /1
          LNHL 1 Reefer at Lakeshore Cold Storage None to 2026-11-26T18:00:00Z Etc/GMT+6 None
    "#]],
    );
}

#[test]
fn sample_proof_json() {
    check(
        "proof.json",
        expect![[r#"
        document at /
          proof_of_delivery Some("LNHL") Some("BRK-50010") Some((Some(Pdf), 24))
          Some(24) Some(Clean) Some("Sam Sample") Some(2026-11-27T14:40:00Z)
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
    let source = concat!(
        include_str!("samples.rs"),
        include_str!("bad_samples.rs"),
        include_str!("telematics.rs")
    );
    for folder in ["", "bad", "telematics", "telematics/bad"] {
        for entry in std::fs::read_dir(samples().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".edi") || name.ends_with(".json") {
                assert!(source.contains(&name), "{name}");
            }
        }
    }
}
