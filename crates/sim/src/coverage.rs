//! What the simulator has seen.

use signalbox_model::answer::Answer;
use signalbox_model::event::Event;
use signalbox_model::exception::ExceptionKind;
use signalbox_model::load::Priority;
use signalbox_model::rejection::Rejection;

/// How often the rare things happened: a simulator in which they never do is blind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub loads: u64,
    pub covered: u64,
    pub escalations: u64,
    pub late_accepts: u64,
    pub terms: u64,
    pub approvals: u64,
    pub second_deciders: u64,
    pub duplicates: u64,
    pub crashes: u64,
    pub append_failures: u64,
    pub delivered_again: u64,
    pub undeliverable: u64,
    pub cancelled: u64,
    pub notices_sent: u64,
    pub notices_withdrawn: u64,
    pub mailed_again: u64,
    pub proofs: u64,
    pub ready: u64,
    pub discrepancies: u64,
    pub faults: u64,
    pub switches: u64,
    pub held: u64,
    pub by_hand: u64,
    pub expedited: u64,
    pub trucks_held: u64,
    pub trucks_used: u64,
    pub holds_run_out: u64,
    pub displacements_proposed: u64,
    pub displaced: u64,
}

impl Coverage {
    pub fn add(&mut self, other: &Self) {
        let mine = self.cells_mut();
        mine.into_iter()
            .zip(other.cells())
            .for_each(|(to, (_, from))| *to += from);
    }

    pub fn cells(&self) -> [(&'static str, u64); 29] {
        [
            ("loads", self.loads),
            ("covered", self.covered),
            ("escalations", self.escalations),
            ("late accepts", self.late_accepts),
            ("terms", self.terms),
            ("approvals", self.approvals),
            ("second deciders", self.second_deciders),
            ("duplicates", self.duplicates),
            ("crashes", self.crashes),
            ("append failures", self.append_failures),
            ("delivered again", self.delivered_again),
            ("undeliverable", self.undeliverable),
            ("cancelled", self.cancelled),
            ("notices sent", self.notices_sent),
            ("notices withdrawn", self.notices_withdrawn),
            ("mailed again", self.mailed_again),
            ("proofs", self.proofs),
            ("ready", self.ready),
            ("discrepancies", self.discrepancies),
            ("faults", self.faults),
            ("switches", self.switches),
            ("held", self.held),
            ("covered by hand", self.by_hand),
            ("expedited", self.expedited),
            ("trucks held", self.trucks_held),
            ("trucks used", self.trucks_used),
            ("holds run out", self.holds_run_out),
            ("displacements proposed", self.displacements_proposed),
            ("displaced", self.displaced),
        ]
    }

    fn cells_mut(&mut self) -> [&mut u64; 29] {
        [
            &mut self.loads,
            &mut self.covered,
            &mut self.escalations,
            &mut self.late_accepts,
            &mut self.terms,
            &mut self.approvals,
            &mut self.second_deciders,
            &mut self.duplicates,
            &mut self.crashes,
            &mut self.append_failures,
            &mut self.delivered_again,
            &mut self.undeliverable,
            &mut self.cancelled,
            &mut self.notices_sent,
            &mut self.notices_withdrawn,
            &mut self.mailed_again,
            &mut self.proofs,
            &mut self.ready,
            &mut self.discrepancies,
            &mut self.faults,
            &mut self.switches,
            &mut self.held,
            &mut self.by_hand,
            &mut self.expedited,
            &mut self.trucks_held,
            &mut self.trucks_used,
            &mut self.holds_run_out,
            &mut self.displacements_proposed,
            &mut self.displaced,
        ]
    }

    /// Counts what an event shows.
    pub fn count(&mut self, event: &Event) {
        match event {
            Event::LoadCreated { load, .. } => {
                self.loads += 1;
                self.expedited += u64::from(load.priority == Priority::High);
            }
            Event::CapacityGranted { .. } => self.trucks_held += 1,
            Event::CapacityConsumed { .. } => self.trucks_used += 1,
            Event::CapacityRefused {
                displaceable: Some(_), ..
            } => self.displacements_proposed += 1,
            Event::CapacityLost { .. } => self.holds_run_out += 1,
            Event::LoadDisplaced { .. } => self.displaced += 1,
            Event::LoadCovered { .. } => self.covered += 1,
            Event::LoadCancelled { .. } => self.cancelled += 1,
            Event::ActionHeld { .. } => self.held += 1,
            Event::LoadCoveredByHand { .. } => self.by_hand += 1,
            Event::OfferExpired { .. } => self.escalations += 1,
            Event::DocumentReceived { .. } => self.proofs += 1,
            Event::InvoiceReadinessChanged { ready: true, .. } => self.ready += 1,
            Event::ExceptionRaised { exception } if exception.kind == ExceptionKind::DeliveryDiscrepancy => {
                self.discrepancies += 1;
            }
            Event::NoticeSent { .. } => self.notices_sent += 1,
            Event::NoticeWithdrawn { .. } => self.notices_withdrawn += 1,
            Event::OfferAnsweredConditionally { .. } => self.terms += 1,
            Event::ApprovalDecided { by: Some(_), .. } => self.approvals += 1,
            Event::AnswerRejected {
                answer: Answer::Accept,
                rejection: Rejection::OfferExpired | Rejection::LoadAlreadyCovered,
                ..
            } => self.late_accepts += 1,
            Event::AttemptRejected {
                rejection: Rejection::ApprovalAlreadyDecided,
                ..
            } => {
                self.second_deciders += 1;
            }
            _ => {} // Common enough not to be counted.
        }
    }
}
