//! What a run costs. Run with `cargo test --release -p signalbox-expression --test speed -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use serde_json::json;
use signalbox_expression::Program;

#[test]
#[ignore = "prints timings; meant for a release build"]
fn timings() {
    let input = json!({
        "id": "L1", "weight_kg": 900, "customer": "ACME",
        "stops": [{"city": "Reno", "kind": "pickup"}, {"city": "Elko", "kind": "drop"}],
    });
    for source in [
        ".customer",
        ".weight_kg > 500 and .customer == \"ACME\"",
        "{ id, from: .stops[0].city }",
        ".stops | map(select(.kind == \"drop\")) | length",
        "\"load \\(.id) for \\(.customer)\"",
        "any(.stops[]; .city | test(\"^E\"))",
    ] {
        let times = 5000;
        let program = Program::compile(source, &[]).unwrap();
        let started = Instant::now();
        for _ in 0..times {
            black_box(program.run_with(&input, &[])).unwrap();
        }
        let run = started.elapsed().as_secs_f64() * 1e6 / f64::from(times);
        let started = Instant::now();
        black_box(Program::compile(source, &[]).unwrap());
        let compile = started.elapsed().as_secs_f64() * 1e6;
        println!("{run:>8.2} µs a run, {compile:>8.0} µs to compile: {source}");
    }
    for source in [
        "[range(1e12)]",
        "[repeat(1)]",
        "until(false; . + 1)",
        "[range(1e9) | tojson] | length",
    ] {
        let program = Program::compile(source, &[]).unwrap();
        let started = Instant::now();
        assert!(program.run_with(&json!(0), &[]).is_err());
        println!(
            "{:>8.0} µs until stopped: {source}",
            started.elapsed().as_secs_f64() * 1e6
        );
    }
}
