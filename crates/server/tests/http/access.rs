//! Who sees what: no token, a wrong one, a run-out one, one of another tenant, one of an outsider.

use crate::stage::{ACME, OTHER, Stage, problem, told};
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::json;
use signalbox_model::scope::Role;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_there_is_no_answer() {
    let (stage, hand) = Stage::by_hand().await;
    let bare = stage.client.get(stage.url("/api/v1/me")).send().await.unwrap();
    assert!(
        bare.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Bearer")
    );
    assert_eq!(problem(bare).await, (401, "unauthenticated".to_owned()));
    let good = stage.token(ACME, "dispatcher");
    let moved = good.replacen("sbx_acme_", "sbx_other_", 1);
    for token in [
        "x",
        "sbx_acme_",
        moved.as_str(),
        &format!("{good}x"),
        &good[..good.len() - 1],
    ] {
        let response = stage.ask(Method::GET, "/api/v1/me", token).send().await.unwrap();
        assert_eq!(problem(response).await, (401, "unauthenticated".to_owned()), "{token}");
    }
    let run_out = stage
        .issue(ACME, Role::Dispatcher, None, SignedDuration::from_mins(30))
        .await;
    let with_it = || stage.ask(Method::GET, "/api/v1/me", &run_out).send();
    assert_eq!(with_it().await.unwrap().status(), StatusCode::OK);
    hand.pass(SignedDuration::from_mins(30)).await.unwrap();
    assert_eq!(
        problem(with_it().await.unwrap()).await,
        (401, "token_expired".to_owned())
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_is_slowed_down() {
    let (stage, hand) = Stage::by_hand().await;
    let guess = || async {
        let guess = stage.ask(Method::GET, "/api/v1/me", "sbx_acme_guess").send();
        guess.await.unwrap()
    };
    for place in 0..30 {
        assert_eq!(guess().await.status(), StatusCode::UNAUTHORIZED, "guess {place}");
    }
    for _ in 0..2 {
        let held_up = guess().await;
        assert_eq!(held_up.headers()["retry-after"], "2");
        assert_eq!(problem(held_up).await, (429, "too_many_failed_sign_ins".to_owned()));
        // One more is let through each time this has passed.
        hand.pass(SignedDuration::from_secs(2)).await.unwrap();
        assert_eq!(guess().await.status(), StatusCode::UNAUTHORIZED);
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_token_sees_and_changes_nothing() {
    let stage = Stage::set().await;
    let load = stage.order("BRK-1").await;
    let offer = stage.open_offer(&load).await;
    let stranger = |method: Method, path: &str| stage.ask(method, path, stage.token(OTHER, "admin"));
    for view in ["board", "inbox", "quarantine"] {
        let page = told(stranger(Method::GET, &format!("/api/v1/{view}")).send().await.unwrap())
            .await
            .1;
        assert_eq!(page["total"], 0, "{view}");
    }
    for path in [
        format!("/api/v1/loads/{load}"),
        format!("/api/v1/loads/{load}/timeline"),
    ] {
        let response = stranger(Method::GET, &path).send().await.unwrap();
        assert_eq!(problem(response).await, (404, "load_unknown".to_owned()), "{path}");
    }
    let answer = stranger(
        Method::POST,
        &format!("/api/v1/offers/{}/answer", offer["id"].as_str().unwrap()),
    );
    let response = answer
        .json(&json!({"answer": "accept", "carrier": "LNHL"}))
        .send()
        .await
        .unwrap();
    assert_eq!(problem(response).await, (404, "offer_unknown".to_owned()));
    let partners = told(stranger(Method::GET, "/api/v1/partners").send().await.unwrap())
        .await
        .1;
    assert_eq!(partners["partners"], json!([]));
    assert_eq!(stage.open_offer(&load).await["id"], offer["id"]);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outsiders_do_not_see_the_tenants_boards() {
    let stage = Stage::set().await;
    let load = stage.order("BRK-1").await;
    for role in ["carrier", "customer", "driver"] {
        for path in [
            "/api/v1/board",
            "/api/v1/inbox",
            "/api/v1/quarantine",
            "/api/v1/live",
            "/api/v1/partners",
            "/api/v1/settings",
        ] {
            assert_eq!(
                problem(stage.get(role, path).await).await,
                (403, "role_missing".to_owned()),
                "{role} {path}"
            );
        }
        for path in [format!("/api/v1/loads/{load}"), "/api/v1/audit/export".to_owned()] {
            assert_eq!(
                problem(stage.get(role, &path).await).await,
                (403, "role_missing".to_owned()),
                "{role} {path}"
            );
        }
        assert_eq!(stage.get(role, "/api/v1/me").await.status(), StatusCode::OK);
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_issued_by_administrators_and_work_at_once() {
    let stage = Stage::set().await;
    let wish = json!({"name": "night shift", "roles": ["dispatcher"], "expires_in_days": 30});
    assert_eq!(
        problem(stage.post("integrator", "/api/v1/keys", &wish).await).await,
        (403, "role_missing".to_owned())
    );
    let (status, key) = told(stage.post("admin", "/api/v1/keys", &wish).await).await;
    assert_eq!(status, 201, "{key}");
    let response = stage
        .ask(Method::GET, "/api/v1/me", key["token"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    let me = told(response).await.1;
    assert_eq!(me["actor"], json!({"name": "night shift", "roles": ["dispatcher"]}));
    for wrong in [
        json!({"name": "x", "roles": ["emperor"]}),
        json!({"name": "x", "roles": []}),
        json!({"name": "x", "roles": ["carrier"]}),
        json!({"name": "x", "roles": ["carrier"], "partner": "par_nobody"}),
        json!({"name": "x", "roles": ["viewer"], "expires_in_days": 0}),
    ] {
        let response = stage.post("admin", "/api/v1/keys", &wrong).await;
        assert_eq!(problem(response).await, (422, "body_unreadable".to_owned()), "{wrong}");
    }
    stage.end().await;
}

#[tokio::test]
async fn a_server_has_none_of_the_demos_pages() {
    let stage = Stage::set().await;
    for path in ["/demo/sign-in", "/demo/stories/late"] {
        let asked = stage.client.post(stage.url(path)).header("x-signalbox-demo", "1");
        assert_eq!(
            asked
                .json(&json!({"tenant": ACME, "role": "admin"}))
                .send()
                .await
                .unwrap()
                .status(),
            404
        );
    }
    let page = stage.client.get(stage.url("/demo/page.js")).send().await.unwrap();
    assert_eq!(page.status(), 404);
}
