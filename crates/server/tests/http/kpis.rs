//! KPIs over HTTP: each figure with its formula, and a list that holds exactly the loads that were counted.

use crate::stage::{Stage, problem, told};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn answer(stage: &Stage, load: &str, answer: &str) -> u64 {
    let offer = stage.open_offer(load).await;
    let id = offer["id"].as_str().unwrap();
    let path = format!("/api/v1/offers/{id}/answer");
    let said = json!({"answer": answer, "carrier": offer["scac"]});
    let (status, body) = told(stage.post("dispatcher", &path, &said).await).await;
    assert_eq!(status, 200, "{body}");
    let seq = body["seq"].as_u64().unwrap();
    stage
        .get_json("dispatcher", &format!("/api/v1/loads/{load}?wait_for={seq}"))
        .await;
    seq
}

fn kpi<'a>(kpis: &'a Value, name: &str) -> &'a Value {
    let found = kpis["kpis"].as_array().unwrap().iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {kpis}"))
}

async fn list(stage: &Stage, kpi: &Value, part: &str) -> BTreeSet<String> {
    let parts = kpi["parts"].as_array().unwrap();
    let part = parts.iter().find(|it| it["part"] == part).unwrap();
    let page = stage.get_json("dispatcher", part["board"].as_str().unwrap()).await;
    let rows = page["rows"].as_array().unwrap();
    assert_eq!(page["total"], rows.len());
    let keys = rows.iter().map(|it| it["key"].as_str().unwrap().to_owned());
    keys.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_behind_a_figure_holds_the_loads_that_were_counted() {
    let stage = Stage::set().await;
    let mut loads = Vec::new();
    for reference in ["KPI-1", "KPI-2", "KPI-3", "KPI-4"] {
        loads.push(stage.order(reference).await);
    }
    answer(&stage, &loads[0], "accept").await;
    answer(&stage, &loads[1], "decline").await;
    answer(&stage, &loads[1], "accept").await;
    answer(&stage, &loads[2], "decline").await;
    let seq = answer(&stage, &loads[2], "decline").await;
    let kpis = stage.get_json("viewer", &format!("/api/v1/kpis?wait_for={seq}")).await;
    assert_eq!(kpis["kpis"].as_array().unwrap().len(), 8);

    let first = kpi(&kpis, "first_tender_acceptance");
    assert_eq!(
        first["now"],
        json!({"value": 1.0 / 3.0, "numerator": 1.0, "denominator": 3})
    );
    assert_eq!(first["left_out"], 1);
    assert_eq!(first["before"]["value"], Value::Null);
    assert!(first["formula"].as_str().unwrap().contains("divided by"));
    let keys = |of: &[usize]| of.iter().map(|it| loads[*it].clone()).collect::<BTreeSet<_>>();
    assert_eq!(list(&stage, first, "counted").await, keys(&[0, 1, 2]));
    assert_eq!(list(&stage, first, "met").await, keys(&[0]));
    assert_eq!(list(&stage, first, "missed").await, keys(&[1, 2]));
    assert_eq!(list(&stage, first, "left_out").await, keys(&[3]));

    let cover = kpi(&kpis, "time_to_cover");
    assert_eq!(
        (&cover["now"]["denominator"], &cover["left_out"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(list(&stage, cover, "counted").await, keys(&[0, 1]));
    assert_eq!(list(&stage, cover, "left_out").await, keys(&[2, 3]));

    let open = kpi(&kpis, "open_exceptions");
    assert_eq!(
        (&open["now"]["value"], &open["now"]["denominator"]),
        (&json!(1.0), &Value::Null)
    );
    assert_eq!(list(&stage, open, "counted").await, keys(&[2]));

    // The figure of one carrier is of its loads alone; a name does as well as an id.
    let narrowed = stage.get_json("viewer", "/api/v1/kpis?carrier=hvyt").await;
    let cover = kpi(&narrowed, "time_to_cover");
    assert_eq!(cover["now"]["denominator"], 1);
    assert_eq!(list(&stage, cover, "counted").await, keys(&[1]));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_means_nothing_is_refused_with_what_to_ask() {
    let stage = Stage::set().await;
    for path in [
        "/api/v1/kpis?from=yesterday",
        "/api/v1/kpis?from=2026-11-25T08:00:00Z&to=2026-11-25T08:00:00Z",
        "/api/v1/kpis?hours=99999999",
        "/api/v1/kpis?from=0001-01-01T00:00:00Z",
        "/api/v1/board?kpi=speed",
        "/api/v1/board?kpi=open_exceptions&part=missed",
        "/api/v1/board?kpi=open_exceptions&status=covered",
    ] {
        let refused = problem(stage.get("dispatcher", path).await).await;
        assert_eq!(refused, (400, "query_unusable".to_owned()), "{path}");
    }
    let refused = problem(stage.get("carrier", "/api/v1/kpis").await).await;
    assert_eq!(refused.0, 403);
    stage.end().await;
}
