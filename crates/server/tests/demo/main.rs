//! The demo as people and scripts start it: the real binary.

use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes nearly as long, even on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(240);

fn signalbox(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    command
        .arg("demo")
        .args(arguments)
        .args(["--listen", "127.0.0.1:0"])
        .env("RUST_LOG", "warn");
    command.stderr(Stdio::null());
    command
}

fn outcome(scenario: &str) -> Value {
    let run = [
        "--headless",
        "--scenario",
        scenario,
        "--for",
        "2h",
        "--speed",
        "max",
        "--seed",
        "7",
        "--json",
    ];
    let output = signalbox(&run).output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn two_hours_of_storm_end_by_themselves_and_say_what_came_of_them() {
    let told = outcome("storm");
    let kpis = |place: usize, name: &str| told["tenants"][place]["kpis"][name].as_f64().unwrap();
    assert_eq!(
        (told["scenario"].as_str(), told["seed"].as_u64()),
        (Some("storm"), Some(7))
    );
    // Six orders an hour at the first tenant and three at the second, each on its way before the time is over.
    assert!((11.0..=13.0).contains(&kpis(0, "loads")), "{told}");
    assert!((5.0..=7.0).contains(&kpis(1, "loads")), "{told}");
    for tenant in 0..2 {
        let covered = kpis(tenant, "covered");
        assert!(covered >= 1.0 && covered <= kpis(tenant, "loads"), "{told}");
        assert!(kpis(tenant, "trips") <= covered, "{told}");
        assert_eq!(kpis(tenant, "quarantined"), 0.0, "{told}");
    }
}

/// A demo that runs until it is dropped.
struct Running {
    process: Child,
    base: String,
    tenant: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(folder: &Path, arguments: &[&str]) -> Running {
    let credentials = folder.join("credentials.json");
    let mut command = signalbox(arguments);
    command.arg("--credentials").arg(&credentials).stdout(Stdio::null());
    let process = command.spawn().unwrap();
    let mut running = Running {
        process,
        base: String::new(),
        tenant: String::new(),
    };
    let began = Instant::now();
    while !credentials.exists() {
        assert!(began.elapsed() < PATIENCE && running.process.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(50));
    }
    let told: Value = serde_json::from_slice(&std::fs::read(credentials).unwrap()).unwrap();
    running.base = told["base"].as_str().unwrap().to_owned();
    running.tenant = told["tenants"][0]["id"].as_str().unwrap().to_owned();
    running
}

#[tokio::test]
async fn the_demos_page_signs_in_by_a_click_and_answers_no_other_page() {
    let folder = tempfile::tempdir().unwrap();
    let demo = start(folder.path(), &["--headless", "--scenario", "empty", "--for", "10m"]);
    let client = reqwest::Client::new();
    let who = json!({"tenant": demo.tenant, "role": "dispatcher"});
    let ask = |path: &str| client.post(format!("{}{path}", demo.base)).json(&who);
    let signed_in = ask("/demo/sign-in")
        .header("x-signalbox-demo", "1")
        .send()
        .await
        .unwrap();
    let token = signed_in.json::<Value>().await.unwrap()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let me = client
        .get(format!("{}/api/v1/me", demo.base))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(
        me.json::<Value>().await.unwrap()["actor"]["roles"],
        json!(["dispatcher"])
    );
    // A page of another origin cannot send the header, and a name that is not this machine's own gets nothing.
    assert_eq!(ask("/demo/sign-in").send().await.unwrap().status(), 404);
    let renamed = ask("/demo/sign-in")
        .header("x-signalbox-demo", "1")
        .header("host", "evil.example");
    assert_eq!(renamed.send().await.unwrap().status(), 404);
    let page = client.get(format!("{}/demo", demo.base)).send().await.unwrap();
    assert!(page.status() == 200 && !page.text().await.unwrap().contains("sbx_"));
    // In a world without loads no truck can be caught.
    let story = |name: &str| {
        ask(&format!("/demo/stories/{name}"))
            .header("x-signalbox-demo", "1")
            .send()
    };
    assert_eq!(story("late").await.unwrap().status(), 404);
    assert_eq!(story("no-such").await.unwrap().status(), 404);
}
