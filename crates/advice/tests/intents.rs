//! The weights that ship are those that the mails under `data/` make, and they are as good as docs/advice.md says.

use signalbox_advice::intent::{Example, Model, report, train};
use std::path::Path;

const TEMPLATES: &str = include_str!("../data/templates.txt");
const MAILS: &str = include_str!("../data/mails.txt");
const HELD_OUT: &str = include_str!("../data/held_out.txt");
const SHIPPED: &[u8] = include_bytes!("../data/intents.bin");

fn read(lines: &str) -> Vec<Example> {
    Example::read(lines).unwrap()
}

#[test]
fn the_weights_are_made_again_byte_for_byte() {
    let made = train(&read(TEMPLATES), &read(MAILS)).write();
    assert!(
        made == SHIPPED,
        "run `cargo run -p signalbox-advice --example train_intents`"
    );
}

#[test]
fn what_it_says_of_mails_held_out_is_right_as_often_as_promised() {
    let model = Model::read(SHIPPED).unwrap();
    let report = report(&model, &read(HELD_OUT));
    assert_eq!(report.count, 60);
    assert!(report.accuracy >= 0.80, "{report:?}");
    assert!(report.coverage >= 0.60, "{report:?}");
    assert!(
        report.wrong * 10 <= (report.coverage * 60.0).round() as usize,
        "{report:?}"
    );
    assert!(report.calibration_error <= 0.10, "{report:?}");
}

#[test]
fn no_mail_held_out_was_trained_on() {
    let texts: Vec<String> = read(MAILS).into_iter().map(|it| it.text).collect();
    assert!(read(HELD_OUT).iter().all(|it| !texts.contains(&it.text)));
}

/// Questions to a bank are none of ours: it should say nothing, or that they are out of scope.
#[test]
fn what_is_of_another_trade_is_hardly_ever_taken_for_ours() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/ai/intent/banking77_train.csv");
    if !corpus.is_file() {
        return eprintln!("SKIPPED: no corpus at {}", corpus.display());
    }
    let text = std::fs::read_to_string(&corpus).unwrap();
    let model = Model::read(SHIPPED).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).step_by(20).collect();
    let ours = |it: &&&str| {
        let judged = model.judge(it).and_then(|it| it.intent);
        judged.is_some_and(|it| !matches!(it.name(), "out_of_scope" | "money"))
    };
    let taken = lines.iter().filter(ours).count();
    println!("{taken} of {} questions to a bank were taken for ours", lines.len());
    assert!(taken * 100 <= lines.len() * 15, "{taken} of {}", lines.len());
}
