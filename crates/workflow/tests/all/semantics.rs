//! What each task does: a small definition, what happens to it, and what it orders.

use crate::support::{Run, definition, fault};
use serde_json::{Value, json};

/// What happens from outside.
enum Do {
    Start(Value),
    Event(Value),
    Ring,
    Returns(&'static str, Value),
    Fails(&'static str, &'static str, u16),
    Cancel,
}
use Do::{Cancel, Event, Fails, Returns, Ring, Start};

#[track_caller]
fn check(tasks: &str, steps: Vec<(Do, &str)>) -> Run {
    let mut run = Run::new(&definition(tasks));
    for (at, (step, expected)) in steps.into_iter().enumerate() {
        let told = match step {
            Start(input) => run.start(input),
            Event(event) => run.event(event),
            Ring => run.ring(),
            Returns(function, value) => run.returns(function, Ok(value)),
            Fails(function, kind, status) => run.returns(function, Err(fault(kind, status))),
            Cancel => run.told(signalbox_workflow::Stimulus::Cancel {
                reason: "load cancelled".into(),
            }),
        };
        assert_eq!(told, expected, "step {at}");
    }
    run
}

fn answered(offer: &str, accepted: bool) -> Value {
    json!({"type": "offer.answered", "data": {"offer": offer, "accepted": accepted}})
}

#[test]
fn set_switch_and_flow() {
    let tasks = "
do:
  - judge:
      switch:
        - heavy: { when: .weight_kg > 1000, then: reject }
        - known: { when: '${ .customer == \"ACME\" }', then: accept }
  - reject:
      set: { verdict: no, because: '${ $input.weight_kg }' }
      then: end
  - accept:
      set: { verdict: yes }
      then: exit
  - never:
      set: { verdict: wrong }
";
    check(
        tasks,
        vec![(
            Start(json!({"weight_kg": 2000})),
            r#"completed {"because":2000,"verdict":"no"}"#,
        )],
    );
    check(
        tasks,
        vec![(Start(json!({"customer": "ACME"})), r#"completed {"verdict":"yes"}"#)],
    );
    let fallthrough = check(
        tasks,
        vec![(
            Start(json!({"customer": "other"})),
            r#"completed {"because":null,"verdict":"no"}"#,
        )],
    );
    assert_eq!(fallthrough.entered, ["", "/do/0/judge", "/do/1/reject"]);
}

#[test]
fn data_flows_through_input_output_and_context() {
    let tasks = "
input: { from: .load }
output: { as: '{ result: ., seen: $context.seen }' }
do:
  - first:
      if: .id == \"L1\"
      input: { from: '{ id, n: 1 }' }
      set: { id: '${ .id }', n: '${ .n + 1 }' }
      output: { as: '. + { from: $input.n }' }
      export: { as: { seen: '${ .id }' } }
  - skipped:
      if: $context.seen != \"L1\"
      set: { id: wrong }
      then: end
  - last:
      do:
        - inner: { set: '${ . + { name: $task.name, by: $runtime.name, of: $workflow.definition.document.name } }' }
";
    check(
        tasks,
        vec![(
            Start(json!({"load": {"id": "L1", "rest": 9}})),
            r#"completed {"result":{"by":"signalbox","from":1,"id":"L1","n":2,"name":"inner","of":"example"},"seen":"L1"}"#,
        )],
    );
}

#[test]
fn a_call_waits_and_comes_back() {
    let tasks = "
do:
  - offer:
      call: make-offer:1.0.0@signalbox
      with: { carrier: '${ .carrier }', key: '${ $secrets.api }' }
      output: { as: .offer }
  - done: { set: { offer: '${ . }' } }
use: { secrets: [api] }
";
    let run = check(
        tasks,
        vec![
            (
                Start(json!({"carrier": "SWFT"})),
                r#"call make-offer:1.0.0@signalbox {"carrier":"SWFT","key":{"$secret":"api"}}"#,
            ),
            (
                Returns("make-offer:1.0.0@signalbox", json!({"offer": "O1"})),
                r#"completed {"offer":"O1"}"#,
            ),
            (Cancel, "ignored: instance i1 is over"),
        ],
    );
    assert_eq!(run.calls[0].0, "i1/do/0/offer#1");
}

#[test]
fn addresses_are_filled_from_the_input() {
    let tasks = "
do:
  - get:
      call: http
      with: { method: get, endpoint: 'https://x.test/loads/{id}?s={s}', body: '${ \"{id}\" }' }
";
    check(
        tasks,
        vec![(
            Start(json!({"id": "a/../b", "s": 7})),
            r#"call http {"body":"{id}","endpoint":"https://x.test/loads/a%2F..%2Fb?s=7","method":"get"}"#,
        )],
    );
    check(
        tasks,
        vec![(Start(json!({"id": "a"})), "faulted expression 400 at /do/0/get")],
    );
}

#[test]
fn waits_and_timeouts() {
    check(
        "
do:
  - pause: { wait: { minutes: 15 } }
  - done: { set: '${ { after: . } }' }
",
        vec![(Start(json!(1)), "timer 15m"), (Ring, r#"completed {"after":1}"#)],
    );
    check(
        "
do:
  - pause: { wait: '${ .delay }' }
",
        vec![
            (Start(json!({"delay": "PT90S"})), "timer 1m 30s"),
            (Ring, r#"completed {"delay":"PT90S"}"#),
        ],
    );
    check(
        "
timeout: { after: PT1H }
do:
  - ask:
      call: ask:1.0.0@signalbox
      timeout: { after: PT5M }
",
        vec![
            (Start(json!({})), "call ask:1.0.0@signalbox {}; timer 5m; timer 1h"),
            (
                Ring,
                "cancel call ask:1.0.0@signalbox; cancel timer; faulted timeout 408 at /do/0/ask",
            ),
        ],
    );
    check(
        "
timeout: hour
use: { timeouts: { hour: { after: PT1H } } }
do:
  - guarded:
      try:
        - ask: { call: 'ask:1.0.0@signalbox', timeout: { after: { seconds: 5 } } }
      catch:
        errors: { with: { type: 'https://open-workflow-specification.org/dsl/errors/types/timeout' } }
        as: why
        do:
          - note: { set: { late: '${ $why.instance }' } }
",
        vec![
            (Start(json!({})), "call ask:1.0.0@signalbox {}; timer 5s; timer 1h"),
            (
                Ring,
                r#"cancel call ask:1.0.0@signalbox; cancel timer; completed {"late":"/do/0/guarded/try/0/ask"}"#,
            ),
        ],
    );
}

#[test]
fn loops() {
    check(
        "
do:
  - each:
      for: { each: stop, in: .stops, at: n }
      while: '. != \"stop\"'
      do:
        - visit: { call: 'visit:1.0.0@signalbox', with: { stop: '${ $stop }', n: '${ $n }' } }
",
        vec![
            (
                Start(json!({"stops": ["a", "b", "c"]})),
                r#"call visit:1.0.0@signalbox {"n":0,"stop":"a"}"#,
            ),
            (
                Returns("visit:1.0.0@signalbox", json!("go")),
                r#"call visit:1.0.0@signalbox {"n":1,"stop":"b"}"#,
            ),
            (Returns("visit:1.0.0@signalbox", json!("stop")), r#"completed "stop""#),
        ],
    );
    let spin = "
do:
  - a: { set: { n: 1 } }
  - b: { set: { n: 2 }, then: a }
";
    check(spin, vec![(Start(json!({})), "faulted runtime 500 at /do/1/b")]);
    check(
        "
do:
  - each: { for: { in: .x }, do: [ { n: { set: { a: 1 } } } ] }
",
        vec![(Start(json!({})), "faulted expression 400 at /do/0/each")],
    );
}

#[test]
fn forks_join_or_compete() {
    let branches = "
        branches:
          - ask: { call: 'ask:1.0.0@signalbox' }
          - sla: { wait: PT10M }
          - now: { set: { n: 1 } }
";
    check(
        &format!(
            "
do:
  - both:
      fork:{branches}"
        ),
        vec![
            (Start(json!(0)), "call ask:1.0.0@signalbox {}; timer 10m"),
            (Ring, "waits"),
            (
                Returns("ask:1.0.0@signalbox", json!("yes")),
                r#"completed ["yes",0,{"n":1}]"#,
            ),
        ],
    );
    check(
        "
do:
  - race:
      fork:
        compete: true
        branches:
          - ask: { call: 'ask:1.0.0@signalbox' }
          - sla:
              do:
                - ten: { wait: PT10M }
                - late: { set: { late: true } }
",
        vec![
            (Start(json!(0)), "call ask:1.0.0@signalbox {}; timer 10m"),
            (Ring, r#"cancel call ask:1.0.0@signalbox; completed {"late":true}"#),
        ],
    );
    check(
        "
do:
  - both:
      fork:
        branches:
          - ask: { call: 'ask:1.0.0@signalbox' }
          - sla: { wait: PT10M }
",
        vec![
            (Start(json!(0)), "call ask:1.0.0@signalbox {}; timer 10m"),
            (
                Fails("ask:1.0.0@signalbox", "communication", 503),
                "cancel timer; faulted communication 503 at /do/0/both/fork/branches/0/ask",
            ),
        ],
    );
}

#[test]
fn retries_back_off_and_give_up() {
    let tasks = |retry: &str, handler: &str| {
        format!(
            "
do:
  - careful:
      try:
        - ask: {{ call: 'ask:1.0.0@signalbox' }}
      catch:
        errors: {{ with: {{ status: 503 }} }}
        {handler}
        retry: {retry}
"
        )
    };
    let (again, fail) = ("call ask:1.0.0@signalbox {}", || {
        Fails("ask:1.0.0@signalbox", "communication", 503)
    });
    check(
        &tasks(
            "{ delay: PT2S, backoff: { exponential: {} }, limit: { attempt: { count: 3 } } }",
            "",
        ),
        vec![
            (Start(json!(1)), again),
            (fail(), "timer 2s"),
            (Ring, again),
            (fail(), "timer 4s"),
            (Ring, again),
            (fail(), "timer 8s"),
            (Ring, again),
            (fail(), "faulted communication 503 at /do/0/careful/try/0/ask"),
        ],
    );
    check(
        &tasks(
            "{ delay: PT2S, backoff: { linear: {} }, limit: { attempt: { count: 2 } } }",
            "do: [ { note: { set: { failed: '${ $error.status }' } } } ]",
        ),
        vec![
            (Start(json!(1)), again),
            (fail(), "timer 2s"),
            (Ring, again),
            (fail(), "timer 4s"),
            (Ring, again),
            (fail(), r#"completed {"failed":503}"#),
        ],
    );
    check(
        &tasks("{ delay: PT2S, limit: { duration: PT3S } }", ""),
        vec![
            (Start(json!(1)), again),
            (fail(), "timer 2s"),
            (Ring, again),
            (fail(), "faulted communication 503 at /do/0/careful/try/0/ask"),
        ],
    );
    check(
        &tasks(
            "{ delay: PT2S, limit: { attempt: { count: 1, duration: PT9S } } }",
            "when: $error.status != 408",
        ),
        vec![
            (Start(json!(1)), "call ask:1.0.0@signalbox {}; timer 9s"),
            (fail(), "cancel timer; timer 2s"),
            (Ring, "call ask:1.0.0@signalbox {}; timer 9s"),
            (
                Ring,
                "cancel call ask:1.0.0@signalbox; faulted timeout 408 at /do/0/careful",
            ),
        ],
    );
    check(
        &tasks("{ when: '$error.status == 500' }", ""),
        vec![
            (Start(json!(1)), again),
            (fail(), "faulted communication 503 at /do/0/careful/try/0/ask"),
        ],
    );
    check(
        &tasks("{}", ""),
        vec![
            (Start(json!(1)), again),
            (
                Fails("ask:1.0.0@signalbox", "communication", 404),
                "faulted communication 404 at /do/0/careful/try/0/ask",
            ),
        ],
    );
}

#[test]
fn raise_is_caught_and_then_goes_elsewhere() {
    check(
        "
use:
  errors:
    late: { type: 'https://example.test/late', status: 409, title: Late, detail: '${ \"load \\(.id)\" }' }
do:
  - careful:
      try: [ { fail: { raise: { error: late } } } ]
      catch:
        exceptWhen: $e.status == 500
        as: e
        then: after
  - never: { set: { wrong: true } }
  - after: { set: '${ { id: .id } }' }
",
        vec![(Start(json!({"id": "L9"})), r#"completed {"id":"L9"}"#)],
    );
    check(
        "
do:
  - fail: { raise: { error: { type: 'https://example.test/late', status: 409 } } }
",
        vec![(Start(json!({})), "faulted late 409 at /do/0/fail")],
    );
}

#[test]
fn listen_to_one_by_correlation() {
    let tasks = "
do:
  - answer:
      listen:
        to:
          one:
            with: { type: offer.answered, data: '${ .offer != null }' }
            correlate: { offer: { from: .data.offer, expect: '${ .offer }' } }
  - done: { set: '${ .[0].accepted }' }
";
    let run = check(
        tasks,
        vec![
            (Start(json!({"offer": "O1"})), "waits"),
            (
                Event(answered("O2", true)),
                "ignored: nothing listens for this event (offer.answered)",
            ),
            (
                Event(json!({"type": "else"})),
                "ignored: nothing listens for this event (else)",
            ),
            (Event(answered("O1", true)), "completed true"),
        ],
    );
    let mut fresh = crate::support::Run::new(&definition(tasks));
    fresh.start(json!({"offer": "O1"}));
    let open = signalbox_workflow::listens(&fresh.definition, &fresh.instance);
    assert_eq!(
        serde_json::to_value(open).unwrap(),
        json!([{
            "path": "/do/0/answer",
            "with": {"type": "offer.answered"},
            "correlate": {"offer": {"from": ".data.offer", "value": "O1"}},
        }])
    );
    assert!(signalbox_workflow::listens(&run.definition, &run.instance).is_empty());
}

#[test]
fn listen_to_all_and_any() {
    let reading = |kind: &str, room: i64| json!({"type": kind, "room": room, "data": {"of": kind}});
    check(
        "
do:
  - both:
      listen:
        to:
          all:
            - with: { type: t }
              correlate: { room: { from: .room } }
            - with: { type: h }
              correlate: { room: { from: .room } }
        read: envelope
      output: { as: 'map(.data.of)' }
",
        vec![
            (Start(json!({})), "waits"),
            (Event(reading("t", 1)), "waits"),
            (Event(reading("t", 1)), "ignored: nothing listens for this event (t)"),
            (Event(reading("h", 2)), "ignored: nothing listens for this event (h)"),
            (Event(reading("h", 1)), r#"completed ["t","h"]"#),
        ],
    );
    check(
        "
do:
  - any: { listen: { to: { any: [ { with: { type: a } }, { with: { type: '${ \"b\" }' } } ] } } }
",
        vec![
            (Start(json!({})), "waits"),
            (Event(json!({"type": "b", "data": 2})), "completed [2]"),
        ],
    );
    check(
        "
do:
  - three: { listen: { to: { any: [], until: '( . | length ) >= 3' } } }
",
        vec![
            (Start(json!({})), "waits"),
            (Event(json!({"type": "x", "data": 1})), "waits"),
            (Event(json!({"type": "y", "data": 2})), "waits"),
            (Event(json!({"type": "x", "data": 3})), "completed [1,2,3]"),
        ],
    );
    check(
        "
do:
  - until:
      listen: { to: { any: [ { with: { type: ping } } ], until: { one: { with: { type: arrived } } } } }
",
        vec![
            (Start(json!({})), "waits"),
            (Event(json!({"type": "ping", "data": 1})), "waits"),
            (Event(json!({"type": "arrived"})), "completed [1]"),
        ],
    );
}

#[test]
fn listen_foreach_works_through_a_queue() {
    check(
        "
do:
  - pings:
      listen: { to: { any: [ { with: { type: ping } } ], until: 'length == 2' } }
      foreach:
        item: ping
        at: n
        do:
          - store: { call: 'store:1.0.0@signalbox', with: { ping: '${ $ping }', n: '${ $n }' } }
        output: { as: '. + $n' }
",
        vec![
            (Start(json!({})), "waits"),
            (
                Event(json!({"type": "ping", "data": 5})),
                r#"call store:1.0.0@signalbox {"n":0,"ping":5}"#,
            ),
            (Event(json!({"type": "ping", "data": 6})), "waits"),
            (
                Returns("store:1.0.0@signalbox", json!(50)),
                r#"call store:1.0.0@signalbox {"n":1,"ping":6}"#,
            ),
            (Returns("store:1.0.0@signalbox", json!(60)), "completed [50,61]"),
        ],
    );
}

#[test]
fn emit_run_and_functions() {
    let run = check(
        "
use:
  functions:
    greet:
      do:
        - say: { emit: { event: { with: { type: greeted, source: 'urn:x', data: { name: '${ .name }' } } } } }
        - back: { set: { said: '${ $input.data.name }' } }
do:
  - hello: { call: greet, with: { name: '${ .who }' } }
  - sub: { run: { workflow: { namespace: test, name: billing, version: '1.0.0', input: { of: '${ .said }' } } } }
  - fire: { run: { await: false, workflow: { namespace: test, name: note, version: '1.0.0' } } }
",
        vec![
            (
                Start(json!({"who": "Ada"})),
                r#"emit greeted {"name":"Ada"}; run billing 1.0.0 {"of":"Ada"}"#,
            ),
            (
                Returns("billing", json!({"paid": true})),
                r#"run note 1.0.0 {}; completed {"paid":true}"#,
            ),
        ],
    );
    let event = &run.emitted[0];
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["time"], "2026-03-01T08:00:00Z");
    assert_eq!(event["id"], "i1/use/functions/greet/do/0/say!1");
}

#[test]
fn stimuli_out_of_turn_change_nothing() {
    let tasks = "
do:
  - ask: { call: 'ask:1.0.0@signalbox', timeout: { after: PT1M } }
  - again: { call: 'ask:1.0.0@signalbox' }
";
    let mut run = check(
        tasks,
        vec![
            (Start(json!({})), "call ask:1.0.0@signalbox {}; timer 1m"),
            (Start(json!({})), "ignored: instance i1 has already started"),
            (
                Returns("ask:1.0.0@signalbox", json!(1)),
                "cancel timer; call ask:1.0.0@signalbox {}",
            ),
        ],
    );
    use signalbox_workflow::Stimulus;
    let late = run.told(Stimulus::CallReturned {
        call: "i1/do/0/ask#1".into(),
        result: Ok(json!(2)),
    });
    assert_eq!(late, "ignored: nothing waits for call i1/do/0/ask#1");
    let late = run.told(Stimulus::Timer {
        timer: "i1/do/0/ask~2".into(),
    });
    assert_eq!(late, "ignored: nothing waits for timer i1/do/0/ask~2");
    check(
        tasks,
        vec![
            (Event(json!({})), "ignored: instance i1 has not started"),
            (Start(json!({})), "call ask:1.0.0@signalbox {}; timer 1m"),
            (Cancel, "cancel timer; cancel call ask:1.0.0@signalbox"),
        ],
    );
    let other = signalbox_workflow::Definition::parse(&definition("do: [ { a: { set: { b: 1 } } } ]")).unwrap();
    let advanced = signalbox_workflow::advance(&other, &mut run.instance, Stimulus::Event(json!({})), run.now);
    assert_eq!(
        advanced.ignored.as_deref(),
        Some("instance i1 runs example 1.0.0, not this definition")
    );
}

#[test]
fn a_schedule_starts_on_an_event() {
    let run = Run::new(&definition(
        "
schedule:
  on: { any: [ { with: { type: load.created, data: '${ .weight_kg > 0 }' } } ] }
do: [ { a: { set: '${ $workflow.input[0] }' } } ]
",
    ));
    let starts = signalbox_workflow::start_events(&run.definition);
    assert_eq!(starts[0].with["type"], "load.created");
    let event = |kg| json!({"type": "load.created", "data": {"weight_kg": kg}});
    assert_eq!(
        signalbox_workflow::start_input(&run.definition, &event(5), run.now),
        Some(json!([{"weight_kg": 5}]))
    );
    assert_eq!(
        signalbox_workflow::start_input(&run.definition, &event(0), run.now),
        None
    );
}

#[test]
fn the_hash_knows_content_not_layout() {
    let parse = |text: &str| signalbox_workflow::Definition::parse(text).unwrap().hash;
    let one = parse(&definition("do: [ { a: { set: { x: 1, y: 2 } } } ]"));
    assert_eq!(
        one,
        parse(&definition("do:\n  - a:\n      set:\n        y: 2\n        x: 1\n"))
    );
    assert_ne!(one, parse(&definition("do: [ { a: { set: { x: 1, y: 3 } } } ]")));
}

#[test]
fn heavy_expressions_end_the_advance() {
    check(
        "
do:
  - each:
      for: { in: '[range(500)]' }
      do: [ { a: { set: { x: '${ [range(20000)] | length }' } } } ]
",
        vec![(Start(json!({})), "faulted runtime 500 at /do/0/each/do/0/a")],
    );
}
