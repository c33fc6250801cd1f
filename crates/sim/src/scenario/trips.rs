//! The words of trips: sites, trucks that report, carriers' status messages, and what is seen of them.

use super::{Runner, Sent, command, same, word};
use crate::messages;
use crate::setup::TELEMATICS_SOURCE;
use crate::setup::X12_SOURCE;
use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_engine::command::Command;
use signalbox_model::directory::Site;
use signalbox_model::event::Event;
use signalbox_model::position::Coordinates;
use signalbox_model::trip::VisitPart;

#[derive(Clone, Debug, PartialEq)]
pub struct SiteWords {
    name: String,
    city: String,
    region: String,
    at: Coordinates,
}

/// Day 0 is the day on which the scenario begins; times of day are UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    day: i64,
    time: Time,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TripAction {
    Assign {
        who: String,
        truck: String,
    },
    Report {
        truck: String,
        at: (f64, f64),
        when: When,
        standing: bool,
        provider: Provider,
    },
    Status {
        scac: String,
        code: String,
        stop: u32,
        when: When,
        truck: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Plain,
    Samsara,
    Traccar,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TripCheck {
    Stop {
        stop: u32,
        what: String,
        when: Option<When>,
    },
    /// `stop 2 delivered by mail approved by dana`
    Source {
        stop: u32,
        what: String,
        source: String,
        approved_by: Option<String>,
    },
    Truck {
        truck: String,
        hauls: bool,
    },
    NoException,
    OneException,
    Told(String),
}

/// `site Invented Mill in Milltown, ME lies at 44.80,-68.77`
pub fn site(text: &str) -> Result<SiteWords, String> {
    let wanted = "site Invented Mill in Milltown, ME lies at 44.80,-68.77";
    let rest = text.strip_prefix("site ").ok_or(wanted)?;
    let (name, rest) = rest.split_once(" in ").ok_or(wanted)?;
    let (town, at) = rest.split_once(" lies at ").ok_or(wanted)?;
    let (city, region) = town.split_once(", ").ok_or(wanted)?;
    let (latitude, longitude) = degrees(at)?;
    Ok(SiteWords {
        name: name.to_owned(),
        city: city.to_owned(),
        region: region.to_owned(),
        at: Coordinates::new(latitude, longitude).ok_or(wanted)?,
    })
}

impl SiteWords {
    pub fn site(&self) -> Site {
        Site {
            id: self.name.to_lowercase().replace(' ', "-"),
            name: self.name.clone(),
            codes: Vec::new(),
            city: self.city.clone(),
            region: self.region.clone(),
            postal_code: String::new(),
            coordinates: self.at,
            radius_m: 500,
            zone: None,
        }
    }
}

fn degrees(text: &str) -> Result<(f64, f64), String> {
    let wrong = || format!("{text:?} is not a place like 41.2,-87.6");
    let (latitude, longitude) = text.split_once(',').ok_or_else(wrong)?;
    let degrees = |it: &str| it.parse::<f64>().map_err(|_| wrong());
    Ok((degrees(latitude)?, degrees(longitude)?))
}

/// `on day 4 at 14:05`
pub(super) fn when(words: &[&str]) -> Result<When, String> {
    let wanted = "a time is `on day 4 at 14:05`";
    let ["on", "day", day, "at", time] = words else {
        return Err(wanted.to_owned());
    };
    Ok(When {
        day: day.parse().map_err(|_| wanted)?,
        time: format!("{time}:00").parse().map_err(|_| wanted)?,
    })
}

pub fn action(text: &str) -> Result<TripAction, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [_, who, "assigns", "truck", truck] => Ok(TripAction::Assign {
            who: (*who).to_owned(),
            truck: (*truck).to_owned(),
        }),
        ["truck", truck, "reports", at, rest @ ..] => {
            let (rest, provider) = match rest {
                [rest @ .., "by", "Samsara"] => (rest, Provider::Samsara),
                [rest @ .., "by", "Traccar"] => (rest, Provider::Traccar),
                rest => (rest, Provider::Plain),
            };
            let (rest, standing) = match rest {
                ["standing", rest @ ..] => (rest, true),
                rest => (rest, false),
            };
            Ok(TripAction::Report {
                truck: (*truck).to_owned(),
                at: degrees(at)?,
                when: when(rest)?,
                standing,
                provider,
            })
        }
        [scac, "reports", code, "for", "stop", stop, rest @ ..] => {
            let (rest, truck) = match rest {
                [rest @ .., "with", "truck", truck] => (rest, Some((*truck).to_owned())),
                rest => (rest, None),
            };
            Ok(TripAction::Status {
                scac: (*scac).to_owned(),
                code: (*code).to_owned(),
                stop: stop.parse().map_err(|_| "a stop is a number".to_owned())?,
                when: when(rest)?,
                truck,
            })
        }
        _ => Err("nobody on the road can do this".to_owned()),
    }
}

pub fn check(text: &str) -> Result<TripCheck, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let own = |it: &str| it.to_owned();
    Ok(match words.as_slice() {
        [
            "stop",
            stop,
            what @ ("arrived" | "departed" | "delivered"),
            "by",
            source,
            rest @ ..,
        ] => TripCheck::Source {
            stop: stop.parse().map_err(|_| own("a stop is a number"))?,
            what: own(what),
            source: own(source),
            approved_by: match rest {
                [] => None,
                ["approved", "by", who] => Some(own(who)),
                _ => return Err(own("after the source comes `approved by dana` or nothing")),
            },
        },
        ["stop", stop, what @ ("arrived" | "departed" | "delivered"), rest @ ..] => TripCheck::Stop {
            stop: stop.parse().map_err(|_| own("a stop is a number"))?,
            what: own(what),
            when: Some(when(rest)?),
        },
        ["stop", stop, "not", what @ ("arrived" | "departed" | "delivered")] => TripCheck::Stop {
            stop: stop.parse().map_err(|_| own("a stop is a number"))?,
            what: own(what),
            when: None,
        },
        ["truck", truck, "is", "seen", "without", "a", "load"] => TripCheck::Truck {
            truck: own(truck),
            hauls: false,
        },
        ["truck", truck, "is", "seen", "with", "a", "load"] => TripCheck::Truck {
            truck: own(truck),
            hauls: true,
        },
        ["no", "exception"] => TripCheck::NoException,
        ["one", "exception"] => TripCheck::OneException,
        ["told:", code] => TripCheck::Told(own(code)),
        _ => return Err(own("this cannot be checked of a trip")),
    })
}

fn part(what: &str) -> VisitPart {
    match what {
        "arrived" => VisitPart::Arrived,
        "departed" => VisitPart::Departed,
        _ => VisitPart::Delivered, // `check` reads no other word.
    }
}

impl Runner<'_> {
    pub(super) fn instant(&self, when: When) -> Result<Timestamp, String> {
        let begin: Timestamp = super::BEGIN.parse().map_err(|it| format!("{it}"))?;
        let day = (begin + SignedDuration::from_hours(24 * when.day)).strftime("%Y-%m-%d");
        let text = format!("{day}T{}Z", when.time);
        text.parse().map_err(|it| format!("{text}: {it}"))
    }

    pub(super) fn trip_action(&mut self, action: &TripAction) -> Result<(String, Sent), String> {
        // Whoever runs the telematics speaks for the tenant itself, and so for no partner.
        let position = |body: Value| Sent::Message {
            from: TELEMATICS_SOURCE.to_owned(),
            source: TELEMATICS_SOURCE,
            bytes: body.to_string().into_bytes(),
        };
        Ok(match action {
            TripAction::Assign { who, truck } => {
                let events = self.boundary.events();
                let load = events.iter().find_map(|(_, event)| match event {
                    Event::LoadCreated { load } => Some(load.id.clone()),
                    _ => None, // Only its making names the load.
                });
                let assign = Command::AssignVehicle {
                    load: load.ok_or("there is no load yet")?,
                    vehicle: truck.clone(),
                    from: None,
                };
                (who.clone(), command(who, assign))
            }
            TripAction::Report {
                truck,
                at,
                when,
                standing,
                provider,
            } => {
                let at_time = self.instant(*when)?.to_string();
                let speed_kmh = if *standing { 0.0 } else { 90.0 };
                let body = match provider {
                    Provider::Plain => json!({"vehicle": truck, "at": at_time, "latitude": at.0, "longitude": at.1,
                        "speed_kmh": speed_kmh}),
                    Provider::Samsara => json!({"data": [{"id": format!("2814749{truck}"), "name": truck, "locations":
                        [{"time": at_time, "latitude": at.0, "longitude": at.1, "speed": speed_kmh / 1.609_344}]}]}),
                    Provider::Traccar => json!({
                        "position": {"fixTime": at_time, "valid": true, "latitude": at.0, "longitude": at.1,
                            "speed": speed_kmh / 1.852},
                        "device": {"uniqueId": format!("8675309{truck}"), "name": truck}}),
                };
                (truck.clone(), position(body))
            }
            TripAction::Status {
                scac,
                code,
                stop,
                when,
                truck,
            } => {
                let reference = self.order.as_ref().ok_or("there is no order yet")?.reference.clone();
                let status = messages::Status {
                    scac,
                    reference: &reference,
                    code,
                    stop: *stop,
                    at: self.instant(*when)?,
                    truck: truck.as_deref(),
                };
                let bytes = messages::status_214(&status, self.control_number, self.boundary.now());
                let source = X12_SOURCE;
                let from = scac.clone();
                (scac.clone(), Sent::Message { from, source, bytes })
            }
        })
    }

    pub(super) fn trip_check(&mut self, check: &TripCheck) -> Result<(), String> {
        match check {
            TripCheck::Stop { stop, what, when } => {
                let wanted = when.map(|it| self.instant(it)).transpose()?;
                let state = self.state();
                let seen = state.trip.visited(*stop, part(what));
                same(&format!("stop {stop} {what}"), &seen.map(|it| it.at), &wanted)
            }
            TripCheck::Source {
                stop,
                what,
                source,
                approved_by,
            } => {
                let state = self.state();
                let seen = state.trip.visited(*stop, part(what));
                let seen = seen.ok_or_else(|| format!("stop {stop} has not {what}"))?;
                same("the source", &word(&seen.source), source)?;
                let by = seen.by_mail.as_ref().map(|it| it.approved_by.name.as_str());
                same("who let it count", &by, &approved_by.as_deref())
            }
            TripCheck::Truck { truck, hauls } => {
                let vehicles = self.boundary.vehicles()?;
                let seen = vehicles.iter().find(|(name, _)| name == truck).map(|(_, hauls)| *hauls);
                same("the truck", &seen, &Some(*hauls))
            }
            TripCheck::NoException | TripCheck::OneException => {
                let wanted = usize::from(*check == TripCheck::OneException);
                same("the open exceptions", &self.state().open_exceptions().count(), &wanted)
            }
            TripCheck::Told(code) => {
                let told = self.boundary.position_issues()?;
                if told.contains(code) {
                    Ok(())
                } else {
                    Err(format!("told were {told:?}"))
                }
            }
        }
    }
}
