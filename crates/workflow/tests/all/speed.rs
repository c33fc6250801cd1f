//! What an advance costs. Run with `cargo test --release -p signalbox-workflow --test speed -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use crate::support::definition;
use serde_json::json;
use signalbox_workflow::{Definition, Instance, Stimulus, advance, open_calls};

const TENDER: &str = "
do:
  - accept: { call: 'accept-load:1.0.0@signalbox', with: { load: '${ .load }' }, timeout: { after: PT5M } }
  - rank: { call: 'rank-carriers:1.0.0@signalbox', with: { lane: '${ .lane }' } }
  - offer:
      call: make-offer:1.0.0@signalbox
      with: { carrier: '${ .carriers[0] }', note: '${ \"load for \\(.carriers[0])\" }' }
      export: { as: { offered: '${ .offer }' } }
  - answer:
      listen:
        to: { one: { with: { type: offer.answered }, correlate: { offer: { from: .data.offer, expect: '${ $context.offered }' } } } }
      timeout: { after: PT1H }
  - judge: { switch: [ { yes: { when: '.[0].accepted', then: end } } ] }
  - no: { raise: { error: { type: 'urn:declined', status: 409 } } }
";

fn timed(name: &str, times: u32, mut work: impl FnMut()) {
    work();
    let started = Instant::now();
    for _ in 0..times {
        work();
    }
    println!(
        "{name}: {:.2} µs",
        started.elapsed().as_secs_f64() * 1e6 / f64::from(times)
    );
}

#[test]
#[ignore = "prints timings; meant for a release build"]
fn timings() {
    let text = definition(TENDER);
    timed("parse a definition of 6 tasks", 50, || {
        drop(black_box(Definition::parse(&text).unwrap()))
    });
    let definition = Definition::parse(&text).unwrap();
    let now = "2026-03-01T08:00:00Z".parse().unwrap();
    let load =
        json!({"load": "L1", "lane": {"from": "RNO", "to": "SLC"}, "stops": [{"city": "Reno"}, {"city": "Salt Lake"}]});
    let run = |store: bool| {
        let mut instance = Instance::new("i1", &definition);
        let take = |instance: &mut Instance, stimulus| {
            if store {
                let text = serde_json::to_vec(instance).unwrap();
                *instance = serde_json::from_slice(&text).unwrap();
            }
            black_box(advance(&definition, instance, stimulus, now));
        };
        take(&mut instance, Stimulus::Start { input: load.clone() });
        for answer in [load.clone(), json!({"carriers": ["A", "B"]}), json!({"offer": "O1"})] {
            let call = open_calls(&instance).remove(0);
            take(
                &mut instance,
                Stimulus::CallReturned {
                    call,
                    result: Ok(answer),
                },
            );
        }
        let event = json!({"type": "offer.answered", "data": {"offer": "O1", "accepted": true}});
        take(&mut instance, Stimulus::Event(event));
        assert!(instance.is_over());
    };
    timed("a whole tender: 5 advances", 2000, || run(false));
    timed("the same, stored and read back at each advance", 2000, || run(true));
}
