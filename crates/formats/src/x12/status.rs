//! 214, shipment status: a carrier's milestones read, and (for carriers we play) written.

use super::set::{self, Received};
use super::time::{self, Bad, Edge};
use super::token::Segment;
use super::write::{Envelope, Interchange, Unwritable};
use crate::findings::{Findings, quoted};
use signalbox_model::attempt::{MilestoneAttempt, StatusAttempt};
use signalbox_model::load::Location;
use signalbox_model::value::Moment;

const MILESTONES_MAX: usize = 1_000;

pub fn read(received: &Received<'_, '_>, findings: &mut Findings) -> Option<StatusAttempt> {
    let b10 = received.beginning("B10", findings)?;
    let reference = if b10.has(2) { b10.get(2) } else { b10.get(1) };
    if reference.is_empty() {
        let fix = "Ask the carrier which load it means.";
        findings.fatal("status.missing_reference", b10.at(2), "the status names no load", fix);
        findings.fault(set::fault(&b10, 2, "1"));
    }
    let carrier = if b10.has(3) { b10.get(3) } else { received.sender };
    let milestones = milestones(received, findings);
    if milestones.is_empty() {
        let fix = "Ask the carrier what happened.";
        findings.warning(
            "status.no_milestone",
            b10.place(),
            "the status says nothing that happened (no AT7)",
            fix,
        );
    }
    Some(StatusAttempt {
        carrier: carrier.to_owned(),
        reference: reference.to_owned(),
        milestones,
    })
}

/// One AT7 with the MS1 and the stop number that follow it.
struct Draft<'t, 'a> {
    at7: Segment<'t, 'a>,
    site: Location,
    stop_sequence: Option<u32>,
    equipment: Option<String>,
}

fn milestones(received: &Received<'_, '_>, findings: &mut Findings) -> Vec<MilestoneAttempt> {
    let mut drafts: Vec<Draft<'_, '_>> = Vec::new();
    // The stop number of the running LX, and where its milestones begin.
    let (mut stop_sequence, mut begun) = (None, 0);
    for segment in received.raw.segments() {
        match segment.id() {
            "LX" => (stop_sequence, begun) = (None, drafts.len()),
            "AT7" if drafts.len() < MILESTONES_MAX => {
                drafts.push(Draft {
                    at7: segment,
                    site: Location::default(),
                    stop_sequence,
                    equipment: None,
                });
            }
            "MS1" => {
                if let Some(draft) = drafts.last_mut() {
                    draft.site = site(&segment);
                }
            }
            "MS2" if segment.has(2) => {
                if let Some(draft) = drafts.last_mut() {
                    draft.equipment = Some(segment.get(2).to_owned());
                }
            }
            "L11" if segment.get(2) == "QN" => {
                stop_sequence = segment.get(1).parse().ok();
                drafts
                    .iter_mut()
                    .skip(begun)
                    .for_each(|it| it.stop_sequence = stop_sequence);
            }
            _ => {}
        }
    }
    drafts
        .iter()
        .filter_map(|it| milestone(it, received, findings))
        .collect()
}

fn site(ms1: &Segment<'_, '_>) -> Location {
    let region = ms1.get(2).to_owned();
    let country = crate::place::country(ms1.get(3), &region);
    Location {
        city: ms1.get(1).to_owned(),
        country,
        region,
        ..Location::default()
    }
}

fn milestone(draft: &Draft<'_, '_>, received: &Received<'_, '_>, findings: &mut Findings) -> Option<MilestoneAttempt> {
    let at7 = &draft.at7;
    // An AT7 tells either what happened (01, why 02) or an appointment (03, why 04).
    let (status, reason) = if at7.has(1) {
        (at7.get(1), at7.get(2))
    } else {
        (at7.get(3), at7.get(4))
    };
    if status.is_empty() {
        findings.warning(
            "status.no_code",
            at7.at(1),
            "the milestone has no status code",
            "Ask the carrier what happened.",
        );
        return None;
    }
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(MilestoneAttempt {
        status: status.to_owned(),
        reason: given(reason),
        occurred: occurred(draft, received, findings),
        city: given(&draft.site.city),
        region: given(&draft.site.region),
        stop_sequence: draft.stop_sequence,
        equipment: draft.equipment.clone(),
    })
}

fn occurred(draft: &Draft<'_, '_>, received: &Received<'_, '_>, findings: &mut Findings) -> Option<Moment> {
    let at7 = &draft.at7;
    if !at7.has(5) {
        return None;
    }
    let written = (at7.get(5), at7.get(6), at7.get(7));
    match time::moment(written, Edge::Earliest, &draft.site, received.context.zone) {
        Ok(moment) => Some(moment),
        Err(bad) => {
            bad_time(bad, at7, 5, findings);
            None
        }
    }
}

/// Says which element of a date, time and code is wrong. `date_at` is the date's position.
pub fn bad_time(bad: Bad, segment: &Segment<'_, '_>, date_at: u32, findings: &mut Findings) {
    // In a G62 the time qualifier stands between the date and the time.
    let gap = u32::from(segment.id() == "G62");
    let (position, code, what) = match bad {
        Bad::Date => (date_at, "8", "a date (CCYYMMDD)"),
        Bad::Time => (date_at + 1 + gap, "9", "a time (HHMM)"),
        Bad::Code => (date_at + 2 + gap, "7", "a time code (LT, ET, UT ...)"),
    };
    let why = format!("{} is not {what}", quoted(segment.get(position as usize)));
    findings.warning(
        "x12.bad_time",
        segment.at(position),
        why,
        "This time was left out. Ask the partner for it.",
    );
    findings.fault(set::fault(segment, position, code));
}

/// A 214 to send.
#[derive(Clone, Copy, Debug)]
pub struct Status<'a> {
    /// The carrier's own number for the shipment (PRO); the reference where it has none.
    pub pro: Option<&'a str>,
    pub status: &'a StatusAttempt,
}

pub fn status(envelope: &Envelope<'_>, sent: &Status<'_>) -> Result<String, Unwritable> {
    let Status { pro, status } = sent;
    let mut out = Interchange::begin(envelope, "QM")?;
    out.begin_set("214");
    out.segment("B10")
        .exact("pro", pro.unwrap_or(&status.reference), 1, 30)?;
    out.exact("reference", &status.reference, 1, 30)?
        .exact("scac", &status.carrier, 2, 4)?;
    for (index, milestone) in status.milestones.iter().take(MILESTONES_MAX).enumerate() {
        out.segment("LX").text(&(index + 1).to_string());
        let is_appointment = matches!(
            milestone.status.as_str(),
            "AA" | "AB" | "AC" | "ED" | "EP" | "LD" | "LP" | "X9" | "XA"
        );
        // Normal status, normal appointment (X12 1651, 1653).
        let reason = milestone
            .reason
            .as_deref()
            .unwrap_or(if is_appointment { "NA" } else { "NS" });
        out.segment("AT7");
        if is_appointment {
            out.text("").text("");
        }
        out.exact("status", &milestone.status, 2, 2)?
            .exact("reason", reason, 2, 3)?;
        if !is_appointment {
            out.text("").text("");
        }
        if let Some(occurred) = &milestone.occurred {
            out.moment(occurred);
        }
        if let (Some(city), Some(region)) = (&milestone.city, &milestone.region) {
            out.segment("MS1").cut(city, 30).exact("region", region, 2, 2)?;
        }
        if let Some(equipment) = &milestone.equipment {
            out.segment("MS2")
                .exact("scac", &status.carrier, 2, 4)?
                .exact("equipment", equipment, 1, 10)?;
        }
        if let Some(sequence) = milestone.stop_sequence {
            out.segment("L11").text(&sequence.to_string()).text("QN");
        }
    }
    out.end_set();
    Ok(out.end())
}
