//! Scenarios as text: one line a step, in a dispatcher's words. A line that is not understood is an error with its
//! number; no step is ever passed over.

use super::automation::{self, AutomationAction, AutomationCheck};
use super::capacity::{self, CapacityAction, CapacityCheck};
use super::mails::{self, MailAction, MailCheck};
use super::papers::{self, PaperAction, PaperCheck};
use super::trips::{self, SiteWords, TripAction, TripCheck};
use jiff::SignedDuration;
use signalbox_model::answer::Answer;
use std::path::Path;

#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub title: String,
    pub steps: Vec<Step>,
    /// The load's events by name, exactly and in order.
    pub trace: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub line: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Given(Given),
    /// More than one: they arrive at once.
    When(Vec<Action>),
    After(SignedDuration),
    Then(Check),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    Carriers {
        scacs: Vec<String>,
        lane: String,
        minors: Vec<i64>,
    },
    /// A carrier that no lane ranks.
    OffGuide(String),
    NoRoutingGuide,
    RateCap(i64),
    AnswerWithin(u32),
    ApprovalWithin(u32),
    /// Told of offers by webhook, and answers them over the API.
    ByWebhook(String),
    CannotBeReached(String),
    /// A customer is told of delays by mail.
    ByMail(String),
    NoticesUnattended,
    /// Mails go to a language model for a summary and a draft.
    AskAdvisor,
    Site(SiteWords),
    /// The customer's transport management system is told when a load can be invoiced.
    System(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Order {
        reference: String,
        customer: String,
        json: bool,
        expedited: bool,
        respond_within: Option<SignedDuration>,
    },
    /// The very same bytes once more.
    SameAgain,
    /// The same order in an interchange of its own.
    SentAnew,
    Cancel,
    Answer {
        scac: String,
        /// By its reference; the load ordered last where it is not named.
        load: Option<String>,
        answer: Answer,
    },
    Acknowledge {
        scac: String,
    },
    Decide {
        who: String,
        approve: bool,
        minor: Option<i64>,
        /// Of a notice, in the place of the draft's.
        words: Option<String>,
        reason: Option<String>,
    },
    Terms {
        who: String,
        take: bool,
    },
    Trip(TripAction),
    Mail(MailAction),
    Paper(PaperAction),
    Automation(AutomationAction),
    Capacity(CapacityAction),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    Load {
        status: String,
        by: Option<String>,
    },
    NoLoad,
    Sent {
        scac: String,
        made: bool,
    },
    NoOfferTo(String),
    Offer {
        scac: String,
        state: String,
    },
    RespondIn {
        scac: String,
        within: SignedDuration,
    },
    RateOf {
        scac: String,
        minor: i64,
    },
    Refused {
        who: String,
        code: String,
    },
    /// A dispatcher who comes second is told who decided.
    ToldWho {
        who: String,
        other: String,
    },
    Exception(String),
    ExceptionSettled(String),
    ApprovalRequested,
    NoApproval,
    NothingNew,
    Notice {
        to: String,
        state: String,
    },
    /// Letters that a partner has of us.
    Letters {
        to: String,
        count: usize,
    },
    /// What the last of them is about.
    LetterSays {
        to: String,
        words: String,
    },
    Trip(TripCheck),
    Mail(MailCheck),
    Paper(PaperCheck),
    Automation(AutomationCheck),
    Capacity(CapacityCheck),
}

/// Fewer files than this means that they were not found.
const FILES_MIN: usize = 24;

/// Every scenario of this checkout with its file's name, in order of names.
pub fn files() -> Result<Vec<(String, Scenario)>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut scenarios = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|it| format!("{}: {it}", folder.display()))? {
        let path = entry.map_err(|it| it.to_string())?.path();
        if path.extension().is_some_and(|it| it == "scenario") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).map_err(|it| format!("{name}: {it}"))?;
            let scenario = parse(&text).map_err(|it| format!("{name}: {it}"))?;
            scenarios.push((name, scenario));
        }
    }
    scenarios.sort_by(|one, other| one.0.cmp(&other.0));
    if scenarios.len() < FILES_MIN {
        return Err(format!("only {} scenarios in {}", scenarios.len(), folder.display()));
    }
    Ok(scenarios)
}

/// Reads a scenario file.
pub fn parse(text: &str) -> Result<Scenario, String> {
    let mut scenario = Scenario {
        title: String::new(),
        steps: Vec::new(),
        trace: Vec::new(),
    };
    for (place, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        read_line(&mut scenario, place + 1, line).map_err(|why| format!("line {}: {why}: {line:?}", place + 1))?;
    }
    if scenario.title.is_empty() || scenario.steps.is_empty() || scenario.trace.is_empty() {
        return Err("a scenario has a title, steps and a trace".to_owned());
    }
    Ok(scenario)
}

fn read_line(scenario: &mut Scenario, line: usize, text: &str) -> Result<(), String> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let previous = scenario.steps.last().map(|it| &it.what);
    // `and` goes on as the step before it began.
    let word = match (first, previous) {
        ("and", Some(What::Given(_))) => "given",
        ("and", Some(What::When(_) | What::After(_))) => "when",
        ("and", Some(What::Then(_))) => "then",
        (other, _) => other,
    };
    let what = match word {
        "scenario" if scenario.title.is_empty() => {
            rest.clone_into(&mut scenario.title);
            return Ok(());
        }
        "trace" => {
            scenario.trace.extend(rest.split_whitespace().map(str::to_owned));
            return Ok(());
        }
        "given" => What::Given(given(rest)?),
        "when" => What::When(actions(rest)?),
        "after" => What::After(duration(rest)?),
        "then" => What::Then(check(rest)?),
        _ => return Err("a line begins with scenario, given, when, after, then, and or trace".to_owned()),
    };
    scenario.steps.push(Step { line, what });
    Ok(())
}

fn given(text: &str) -> Result<Given, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match words.as_slice() {
        ["carriers", ..] => carriers(text)?,
        ["carrier", scac, "off", "the", "guide"] => Given::OffGuide((*scac).to_owned()),
        ["no", "routing", "guide"] => Given::NoRoutingGuide,
        ["a", "rate", "cap", "of", rate, "USD"] => Given::RateCap(money(rate)?),
        ["approvals", "wait", time] => Given::ApprovalWithin(minutes(time)?),
        [scac, "is", "told", "by", "webhook"] => Given::ByWebhook((*scac).to_owned()),
        ["the", "system", "of", customer, "is", "told"] => Given::System((*customer).to_owned()),
        ["site", ..] => Given::Site(trips::site(text)?),
        [customer, "is", "told", "of", "delays", "by", "mail"] => Given::ByMail((*customer).to_owned()),
        ["a", "language", "model", "is", "asked"] => Given::AskAdvisor,
        ["notices", "leave", "unattended"] => Given::NoticesUnattended,
        [scac, "cannot", "be", "reached"] => Given::CannotBeReached((*scac).to_owned()),
        _ => return Err("this is nothing that can be given".to_owned()),
    })
}

/// `carriers A, B on lane ME>WI at 2000.00, 2100.00 USD` or `carriers answer within 15m`.
fn carriers(text: &str) -> Result<Given, String> {
    if let Some(time) = text.strip_prefix("carriers answer within ") {
        return Ok(Given::AnswerWithin(minutes(time)?));
    }
    let wanted = "carriers A, B on lane ME>WI at 2000.00, 2100.00 USD";
    let parts = text.strip_prefix("carriers ").and_then(|it| it.strip_suffix(" USD"));
    let (names, rest) = parts.and_then(|it| it.split_once(" on lane ")).ok_or(wanted)?;
    let (lane, rates) = rest.split_once(" at ").ok_or(wanted)?;
    let scacs: Vec<String> = names.split(',').map(|it| it.trim().to_owned()).collect();
    let minors = rates
        .split(',')
        .map(|it| money(it.trim()))
        .collect::<Result<Vec<i64>, String>>()?;
    if scacs.len() != minors.len() {
        return Err("there are not as many rates as carriers".to_owned());
    }
    Ok(Given::Carriers {
        scacs,
        lane: lane.to_owned(),
        minors,
    })
}

fn actions(text: &str) -> Result<Vec<Action>, String> {
    match text.strip_suffix(" at once") {
        Some(both) => both.split(" and ").map(action).collect(),
        None => Ok(vec![action(text)?]),
    }
}

fn action(text: &str) -> Result<Action, String> {
    let (head, because) = match text.split_once(" because ") {
        Some((head, why)) => (head, Some(why.trim_matches('"').to_owned())),
        None => (text, None),
    };
    let words: Vec<&str> = head.split_whitespace().collect();
    let answer = |scac: &str, answer| Action::Answer {
        scac: scac.to_owned(),
        load: None,
        answer,
    };
    let decide = |who: &str, approve, minor| Action::Decide {
        who: who.to_owned(),
        approve,
        minor,
        words: None,
        reason: because.clone(),
    };
    if let Some(action) = capacity::action(text)? {
        return Ok(Action::Capacity(action));
    }
    if let Some(action) = automation::action(&words, because.as_deref())? {
        return Ok(Action::Automation(action));
    }
    Ok(match words.as_slice() {
        ["order", reference, "arrives", "from", customer, "as", format, rest @ ..] => {
            let json = is_json(format)?;
            let (expedited, rest) = match rest {
                ["expedited", rest @ ..] => (true, rest),
                rest => (false, rest),
            };
            let respond_within = match rest {
                [] => None,
                ["to", "be", "answered", "within", time] => Some(duration(time)?),
                _ => return Err("after the format comes `to be answered within 40m` or nothing".to_owned()),
            };
            let (reference, customer) = ((*reference).to_owned(), (*customer).to_owned());
            Action::Order {
                reference,
                customer,
                json,
                expedited,
                respond_within,
            }
        }
        ["a", "mail", "from", ..] | ["the", "same", "mail", ..] | [_, _, "says", "the", "mail", ..] => {
            Action::Mail(mails::action(text)?)
        }
        ["the", "same", "message", "arrives", "again"] => Action::SameAgain,
        ["the", "same", "order", "is", "sent", "anew"] => Action::SentAnew,
        ["the", "customer", "cancels"] => Action::Cancel,
        ["dispatcher", who, "approves"] => decide(who, true, None),
        ["dispatcher", who, "approves", "at", rate] => decide(who, true, Some(money(rate)?)),
        ["dispatcher", who, "approves", "with", "the", "words", ..] => Action::Decide {
            who: (*who).to_owned(),
            approve: true,
            minor: None,
            words: Some(quoted(head)?),
            reason: because,
        },
        ["dispatcher", who, "rejects"] => decide(who, false, None),
        ["dispatcher", who, "takes", "the", "terms"] => Action::Terms {
            who: (*who).to_owned(),
            take: true,
        },
        ["dispatcher", who, "refuses", "the", "terms"] => Action::Terms {
            who: (*who).to_owned(),
            take: false,
        },
        [_, "uploads" | "sends", "proof", ..]
        | [_, _, "uploads", "proof", ..]
        | [_, _, "takes", "the", "document"]
        | [_, _, "sets", "the", "document", "aside"]
        | [_, _, "resolves", _]
        | [_, "invoices", ..] => Action::Paper(papers::action(head)?),
        ["truck", ..] | [_, _, "assigns", "truck", ..] | [_, "reports", ..] => Action::Trip(trips::action(head)?),
        [scac, "accepts"] => answer(scac, Answer::Accept),
        [scac, "declines"] => answer(scac, Answer::Decline),
        [scac, "accepts", "load", reference] => Action::Answer {
            scac: (*scac).to_owned(),
            load: Some((*reference).to_owned()),
            answer: Answer::Accept,
        },
        [scac, "accepts", "on", "terms"] => answer(scac, Answer::Conditional),
        [scac, "acknowledges", "the", "message"] => Action::Acknowledge {
            scac: (*scac).to_owned(),
        },
        _ => return Err("nobody can do this".to_owned()),
    })
}

/// What stands in quotation marks at the end of a line.
fn quoted(text: &str) -> Result<String, String> {
    let inside = text.split_once('"').and_then(|(_, rest)| rest.strip_suffix('"'));
    inside
        .map(str::to_owned)
        .ok_or_else(|| "words stand in quotation marks".to_owned())
}

fn is_json(format: &str) -> Result<bool, String> {
    match format {
        "X12" => Ok(false),
        "JSON" => Ok(true),
        _ => Err("an order comes as X12 or JSON".to_owned()),
    }
}

fn check(text: &str) -> Result<Check, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let own = |it: &str| it.to_owned();
    if let Some(check) = capacity::check(text) {
        return Ok(Check::Capacity(check));
    }
    if let Some(check) = automation::check(&words) {
        return Ok(Check::Automation(check));
    }
    Ok(match words.as_slice() {
        ["no", "load"] => Check::NoLoad,
        ["load", "is", "covered", "by", scac] => Check::Load {
            status: own("covered"),
            by: Some(own(scac)),
        },
        ["load", "is", status @ ..] if !status.is_empty() => Check::Load {
            status: status.join("_"),
            by: None,
        },
        ["offer", "sent", "to", scac] => Check::Sent {
            scac: own(scac),
            made: true,
        },
        ["offer", "withdrawn", "from", scac] => Check::Sent {
            scac: own(scac),
            made: false,
        },
        ["no", "offer", "to", scac] => Check::NoOfferTo(own(scac)),
        ["offer", "to", scac, "is", "at", rate, "USD"] => Check::RateOf {
            scac: own(scac),
            minor: money(rate)?,
        },
        ["offer", "to", scac, "runs", "out", "in", time] => Check::RespondIn {
            scac: own(scac),
            within: duration(time)?,
        },
        ["offer", "to", scac, state @ ..] if !state.is_empty() => Check::Offer {
            scac: own(scac),
            state: state.join("_"),
        },
        ["invoice" | "systems" | "documents", ..] | ["carrier", "asked", ..] => Check::Paper(papers::check(text)?),
        ["answer" | "document", "of", who, "is", "refused:", code] => Check::Refused {
            who: own(who),
            code: own(code),
        },
        ["dispatcher", who, "is", "told", "that", other, "decided"] => Check::ToldWho {
            who: own(who),
            other: own(other),
        },
        ["exception", kind] => Check::Exception(own(kind)),
        ["exception", kind, "settled"] => Check::ExceptionSettled(own(kind)),
        ["approval", "requested"] => Check::ApprovalRequested,
        ["no", "question", "waits"] => Check::NoApproval,
        ["nothing", "new"] => Check::NothingNew,
        ["mail" | "statement", "of", who, "is", "refused:", code] => Check::Refused {
            who: own(who),
            code: own(code),
        },
        ["mail", ..] | ["mails:", _] => Check::Mail(mails::check(text)?),
        ["notice", "to", to, "says", ..] => Check::LetterSays {
            to: own(to),
            words: quoted(text)?,
        },
        ["notice", "to", to, state @ ..] if !state.is_empty() => Check::Notice {
            to: own(to),
            state: state.join("_"),
        },
        ["no", "notice", "to", to] => Check::Letters { to: own(to), count: 0 },
        ["one", "letter", "to", to] => Check::Letters { to: own(to), count: 1 },
        ["two", "letters", "to", to] => Check::Letters { to: own(to), count: 2 },
        ["stop", ..] | ["truck", ..] | ["no", "exception"] | ["one", "exception"] | ["told:", _] => {
            Check::Trip(trips::check(text)?)
        }
        _ => return Err("this cannot be checked".to_owned()),
    })
}

/// `2000.00`
pub(super) fn money(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a rate like 2000.00");
    let (units, cents) = text.split_once('.').ok_or_else(wrong)?;
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(units) || !digits(cents) || cents.len() != 2 {
        return Err(wrong());
    }
    format!("{units}{cents}").parse().map_err(|_| wrong())
}

/// `15m`, `2h`, `30s`
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("{text:?} is not a duration like 15m, 2h or 30s");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "s" => Ok(SignedDuration::from_secs(number)),
        "m" => Ok(SignedDuration::from_mins(number)),
        "h" => Ok(SignedDuration::from_hours(number)),
        _ => Err(wrong()),
    }
}

fn minutes(text: &str) -> Result<u32, String> {
    u32::try_from(duration(text)?.as_mins()).map_err(|_| format!("{text:?} is not a time to wait"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_understood_is_an_error_with_its_number() {
        let text = "scenario One\ngiven no routing guide\nwhen JBHT sings\ntrace OrderReceived";
        assert_eq!(
            parse(text).unwrap_err(),
            "line 3: nobody can do this: \"when JBHT sings\""
        );
        assert!(
            parse("scenario One\nthen load is covered")
                .unwrap_err()
                .contains("trace")
        );
        assert!(parse("scenario One\ngiven a rate cap of 3000 USD\ntrace A").is_err());
        assert!(parse("scenario One\nafter 15\ntrace A").is_err());
    }

    #[test]
    fn words_become_steps() {
        let text = "scenario One\ngiven a rate cap of 3000.00 USD\nand approvals wait 30m\n\
                    when dispatcher dana approves and dispatcher eli rejects because \"too dear\" at once\ntrace A B";
        let scenario = parse(text).unwrap();
        assert_eq!(scenario.steps[0].what, What::Given(Given::RateCap(300_000)));
        assert_eq!(scenario.steps[1].what, What::Given(Given::ApprovalWithin(30)));
        let What::When(actions) = &scenario.steps[2].what else {
            panic!("a step")
        };
        assert_eq!(actions.len(), 2);
        assert_eq!(scenario.trace, ["A", "B"]);
    }
}
