//! Position is data: whatever comes, in whatever order, a stored instance goes on exactly like one kept in memory, and nothing panics.
//! (`Run::take` compares the two at every stimulus.)

use crate::support::{Run, definition, fault};
use proptest::prelude::*;
use serde_json::{Value, json};
use signalbox_workflow::{Definition, Stimulus, open_calls, open_timers};

/// A tender in small: every kind of waiting, nested.
const TENDER: &str = "
timeout: { after: PT48H }
do:
  - cover:
      try:
        - ask:
            for: { each: carrier, in: .carriers, at: rank }
            while: '.accepted != true'
            do:
              - offer:
                  call: make-offer:1.0.0@signalbox
                  with: { carrier: '${ $carrier }', rank: '${ $rank }' }
                  timeout: { after: PT1M }
              - wait:
                  fork:
                    compete: true
                    branches:
                      - answer:
                          listen:
                            to:
                              any:
                                - with: { type: offer.answered }
                                  correlate: { carrier: { from: .data.carrier, expect: '${ $carrier }' } }
                              until: 'any(.accepted)'
                      - sla: { wait: PT15M }
              - judge: { set: { accepted: '${ type == \"array\" and any(.accepted) }' } }
        - covered:
            switch:
              - yes: { when: .accepted == true, then: notify }
        - nobody: { raise: { error: { type: 'https://example.test/uncovered', status: 409 } } }
        - notify:
            fork:
              branches:
                - both: { listen: { to: { all: [ { with: { type: a } }, { with: { type: b } } ] } } }
                - tell: { emit: { event: { with: { type: load.covered, source: 'urn:t', data: '${ . }' } } } }
                - bill: { run: { workflow: { namespace: test, name: bill, version: '1.0.0' } } }
      catch:
        as: why
        retry:
          when: $why.status >= 500
          delay: PT1M
          backoff: { exponential: {} }
          jitter: { from: PT0S, to: PT10S }
          limit: { attempt: { count: 2, duration: PT24H } }
        do:
          - escalate:
              call: ask-person:1.0.0@signalbox
              with: { why: '${ $why }' }
              export: { as: { escalated: '${ $output }' } }
  - watch:
      listen: { to: { any: [ { with: { type: ping } } ], until: { one: { with: { type: done } } } } }
      foreach:
        item: ping
        do: [ { keep: { call: 'keep:1.0.0@signalbox', with: { ping: '${ $ping }' } } } ]
";

#[derive(Debug, Clone)]
enum Move {
    Event(Value),
    Ring(usize),
    Return(usize, Value),
    Fail(usize, u16),
    Strange(usize),
}

fn moves() -> impl Strategy<Value = Move> {
    let event = prop_oneof![
        (prop::sample::select(vec!["A", "B", "C"]), any::<bool>())
            .prop_map(|(it, yes)| json!({"type": "offer.answered", "data": {"carrier": it, "accepted": yes}})),
        prop::sample::select(vec!["a", "b", "ping", "done", "odd"]).prop_map(|it| json!({"type": it, "data": it})),
        Just(json!(null)),
        Just(json!({"type": ["not", "a", "text"]})),
    ];
    prop_oneof![
        4 => event.prop_map(Move::Event),
        2 => any::<usize>().prop_map(Move::Ring),
        4 => (any::<usize>(), Just(json!({"ok": 1}))).prop_map(|(at, it)| Move::Return(at, it)),
        1 => (any::<usize>(), prop::sample::select(vec![404, 503])).prop_map(|(at, it)| Move::Fail(at, it)),
        1 => any::<usize>().prop_map(Move::Strange),
    ]
}

fn stimulus(run: &mut Run, chosen: &Move) -> Option<Stimulus> {
    let calls = open_calls(&run.instance);
    let call = |at: usize| calls.get(at % calls.len().max(1)).cloned();
    Some(match chosen {
        Move::Event(event) => Stimulus::Event(event.clone()),
        Move::Ring(at) => {
            let timers = open_timers(&run.instance);
            let (timer, due) = timers.get(at % timers.len().max(1))?.clone();
            run.now = run.now.max(due);
            Stimulus::Timer { timer }
        }
        Move::Return(at, value) => Stimulus::CallReturned {
            call: call(*at)?,
            result: Ok(value.clone()),
        },
        Move::Fail(at, status) => Stimulus::CallReturned {
            call: call(*at)?,
            result: Err(fault("communication", *status)),
        },
        Move::Strange(at) => match at % 4 {
            0 => Stimulus::Timer {
                timer: "nobody's".into(),
            },
            1 => Stimulus::CallReturned {
                call: String::new(),
                result: Ok(Value::Null),
            },
            2 => Stimulus::Start { input: json!([]) },
            _ => Stimulus::Event(json!(3)),
        },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stored_instance_goes_on_the_same(moves in prop::collection::vec(moves(), 0..60)) {
        let mut run = Run::new(&definition(TENDER));
        run.take(Stimulus::Start { input: json!({"carriers": ["A", "B", "C"]}) });
        for chosen in &moves {
            if let Some(stimulus) = stimulus(&mut run, chosen) {
                run.take(stimulus);
            }
        }
        // Every open thing is one that was ordered; ids are never used twice.
        let mut ids: Vec<String> = run.calls.iter().map(|(id, _, _)| id.clone()).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), all);
        run.take(Stimulus::Cancel { reason: "test".into() });
        prop_assert!(run.instance.is_over());
    }

    #[test]
    fn any_text_parses_or_is_refused(text in "[a-z{}\\[\\]:,'\"$. \n|-]{0,80}") {
        let _ = Definition::parse(&definition(&text));
        let _ = Definition::parse(&text);
    }

    #[test]
    fn any_damage_to_a_definition_is_survived(at in 0..TENDER.len(), length in 0_usize..30, new in ".{0,8}") {
        let mut text: Vec<char> = definition(TENDER).chars().collect();
        let until = (at + length).min(text.len());
        text.splice(at.min(until)..until, new.chars());
        let text: String = text.into_iter().collect();
        if let Ok(definition) = Definition::parse(&text) {
            let mut instance = signalbox_workflow::Instance::new("i", &definition);
            let start = Stimulus::Start { input: json!({"carriers": ["A"]}) };
            signalbox_workflow::advance(&definition, &mut instance, start, jiff::Timestamp::UNIX_EPOCH);
        }
    }
}

#[test]
fn the_tender_runs_as_told() {
    let mut run = Run::new(&definition(TENDER));
    let mut told = vec![run.start(json!({"carriers": ["A", "B"]}))];
    told.push(run.returns("make-offer:1.0.0@signalbox", Ok(json!({}))));
    told.push(run.ring());
    told.push(run.returns("make-offer:1.0.0@signalbox", Ok(json!({}))));
    told.push(run.event(json!({"type": "offer.answered", "data": {"carrier": "A", "accepted": true}})));
    told.push(run.event(json!({"type": "offer.answered", "data": {"carrier": "B", "accepted": true}})));
    let expected = [
        "call make-offer:1.0.0@signalbox {\"carrier\":\"A\",\"rank\":0}; timer 1m; timer 24h; timer 48h",
        "cancel timer; timer 15m",
        "call make-offer:1.0.0@signalbox {\"carrier\":\"B\",\"rank\":1}; timer 1m",
        "cancel timer; timer 15m",
        "ignored: nothing listens for this event (offer.answered)",
        "cancel timer; emit load.covered {\"accepted\":true}; run bill 1.0.0 {}",
    ];
    assert_eq!(told, expected);
    let size = serde_json::to_string(&run.instance).unwrap().len();
    assert!(size < 1500, "{size} bytes");
}
