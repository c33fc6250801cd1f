//! The shapes of the contract that are folds or views rather than types of this crate. They are written down here for
//! `openapi.json` and for the clients made from it; the tests hold the answers against them.

use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct Me {
    pub tenant: TenantBody,
    pub actor: ActorBody,
    pub brand: Brand,
}

#[derive(Serialize, ToSchema)]
pub struct TenantBody {
    pub id: String,
    pub name: String,
}

#[derive(Serialize, ToSchema)]
pub struct ActorBody {
    pub name: String,
    pub roles: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Brand {
    pub name: String,
}

/// Integer minor units of an ISO 4217 currency.
#[derive(Serialize, ToSchema)]
pub struct MoneyBody {
    pub minor: i64,
    pub currency: String,
}

/// An instant with the zone it was written in, and whether that zone was stated or assumed.
#[derive(Serialize, ToSchema)]
pub struct MomentBody {
    pub at: String,
    pub zone: String,
    pub basis: String,
}

#[derive(Serialize, ToSchema)]
pub struct IssueBody {
    /// `forgiven`, `warning` or `fatal`.
    pub severity: String,
    pub code: String,
    /// Segment and element, JSON pointer, or line and column.
    pub at: String,
    pub why: String,
    pub fix: String,
}

#[derive(Serialize, ToSchema)]
pub struct EvidenceBody {
    pub what: String,
    pub value: serde_json::Value,
    pub source: String,
}

/// A page of a view. Changes after `position` come over `/api/v1/live`.
#[derive(Serialize, ToSchema)]
pub struct Page<Row> {
    pub position: u64,
    /// Rows that match the filter in all.
    pub total: u64,
    pub rows: Vec<KeyedRow<Row>>,
}

#[derive(Serialize, ToSchema)]
pub struct KeyedRow<Row> {
    pub key: String,
    pub row: Row,
}

#[derive(Serialize, ToSchema)]
pub struct BoardRow {
    pub load: String,
    pub reference: String,
    pub customer: Option<String>,
    /// `planned`, `tendering`, `held`, `awaiting_approval`, `covered`, `exception` or `cancelled`.
    pub status: String,
    pub lane: String,
    pub origin: Option<String>,
    pub destination: Option<String>,
    pub pickup: Option<MomentBody>,
    pub delivery: Option<MomentBody>,
    pub carrier: Option<String>,
    pub offer: Option<OpenOffer>,
    pub rate: Option<MoneyBody>,
    pub exceptions: u32,
    /// Things of it in the manual queue.
    pub held: u32,
    pub updated_at: String,
    pub playbook: Option<String>,
    pub trip: Option<TripRow>,
    pub invoice: Option<InvoiceReadiness>,
}

/// Whether a load can be invoiced, and what that lacks. None before it is delivered or a proof of delivery came.
#[derive(Serialize, ToSchema)]
pub struct InvoiceReadiness {
    pub ready: bool,
    pub missing: Vec<MissingBody>,
    /// How often the carrier was asked for a document.
    pub requests: u32,
}

#[derive(Serialize, ToSchema)]
pub struct MissingBody {
    /// `delivered`, `proof_of_delivery`, `proof_signer`, `proof_pieces`, `proof_time`, `agreed_rate`, `document_settled`,
    /// `discrepancy_settled` or `invoice_matched`.
    pub code: String,
    /// The same for a person.
    pub text: String,
}

#[derive(Serialize, ToSchema)]
pub struct DocumentsBody {
    pub documents: Vec<DocumentBody>,
    pub invoice: Option<InvoiceReadiness>,
}

#[derive(Serialize, ToSchema)]
pub struct DocumentBody {
    pub id: String,
    /// `proof_of_delivery`, `bill_of_lading`, `rate_confirmation`, `lumper_receipt`, `weight_ticket` or `other`.
    pub kind: String,
    /// By its first bytes: `pdf`, `jpeg`, `png`, `tiff`, `webp` or `heic`.
    pub media: Option<String>,
    pub bytes: u64,
    pub sha256: String,
    /// The partner whose own key brought it.
    pub from: Option<String>,
    pub carrier: Option<String>,
    pub reference: Option<String>,
    pub proof: Option<ProofBody>,
    pub received_at: String,
    /// `taken`, `in_question`, `accepted`, `set_aside` or `refused`.
    pub standing: String,
    /// Contradictions of one in question, else the reason.
    pub why: Option<serde_json::Value>,
    /// The problem code of one that was refused.
    pub rejection: Option<String>,
    /// Whether its bytes can be read back.
    pub kept: bool,
}

/// What a proof of delivery says. Names and notes read `•••` for those who may not see them.
#[derive(Serialize, ToSchema)]
pub struct ProofBody {
    pub stop: Option<u32>,
    pub pieces: Option<i64>,
    /// `clean` or `exception`.
    pub condition: Option<String>,
    pub signer: Option<String>,
    pub signed_at: Option<MomentBody>,
    pub note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct DocumentAttached {
    /// `received`, or `completed` where it was known and more was said of it.
    pub outcome: String,
    pub document: String,
    pub media: Option<String>,
    pub sha256: Option<String>,
    pub seq: u64,
}

/// A load's trip in a row: where it goes next and when it is expected.
#[derive(Serialize, ToSchema)]
pub struct TripRow {
    pub vehicle: Option<String>,
    pub next_stop: Option<String>,
    /// At the last delivery.
    pub eta: Option<String>,
    /// The instant of the position the estimate rests on.
    pub as_of: Option<String>,
    /// Expected past what was promised, or overdue with nobody having said that the vehicle arrived.
    pub late: bool,
    pub arrived: Option<String>,
    pub completed: bool,
}

/// A vehicle's latest position, at most one a minute.
#[derive(Serialize, ToSchema)]
pub struct VehicleRow {
    pub vehicle: String,
    pub at: String,
    pub coordinates: CoordinatesBody,
    pub speed_kmh: Option<u16>,
    /// The load it hauls; none where nobody has said.
    pub load: Option<String>,
    pub loads: Vec<String>,
    pub source: String,
    pub received_at: String,
    /// Positions of it that were not taken lately, and why the last was not.
    pub refused: u32,
    pub refused_last: Option<String>,
}

/// A trip: its vehicle and latest position, and per stop what is planned, estimated and actual.
#[derive(Serialize, ToSchema)]
pub struct TripBody {
    pub vehicle: Option<AssignmentBody>,
    pub position: Option<VehicleRow>,
    pub stops: Vec<TripStop>,
    /// Stops, by sequence, of which nobody knows where they lie.
    pub unplaced: Vec<u32>,
    pub doubts: DoubtsBody,
    pub completed: bool,
}

#[derive(Serialize, ToSchema)]
pub struct AssignmentBody {
    pub vehicle: String,
    /// `command`, `carrier_answer` or `status_equipment`.
    pub basis: String,
    /// Positions before this instant say nothing about the load.
    pub from: String,
}

#[derive(Serialize, ToSchema)]
pub struct TripStop {
    pub sequence: u32,
    /// `pickup`, `delivery` or `other`.
    pub kind: String,
    pub label: String,
    /// IANA zone of the place, where the order or its site names one.
    pub zone: Option<String>,
    pub planned: WindowBody,
    pub estimated: Option<EstimateBody>,
    pub actual: Option<ActualBody>,
    pub place: Option<PlaceBody>,
}

#[derive(Serialize, ToSchema)]
pub struct WindowBody {
    pub earliest: Option<MomentBody>,
    pub latest: Option<MomentBody>,
}

/// When the vehicle is expected at a stop: most likely, hardly before, hardly after.
#[derive(Serialize, ToSchema)]
pub struct EstimateBody {
    pub stop: u32,
    pub eta: String,
    pub earliest: String,
    pub latest: String,
    /// The instant of the position or of the carrier's word it rests on.
    pub as_of: String,
    /// None where a carrier stated the time.
    pub position: Option<CoordinatesBody>,
    pub distance_km: Option<u32>,
    pub driving_min: u32,
    pub other_min: u32,
    pub is_late: bool,
    /// The method and its inputs in words.
    pub method: String,
}

#[derive(Serialize, ToSchema)]
pub struct ActualBody {
    pub arrived: Option<VisitBody>,
    pub departed: Option<VisitBody>,
    pub delivered: Option<VisitBody>,
}

#[derive(Serialize, ToSchema)]
pub struct VisitBody {
    pub at: String,
    /// `geofence`, `status` or `mail`.
    pub source: String,
    /// Where a mail told it: that mail, and who let it count.
    pub by_mail: Option<ByMailBody>,
}

#[derive(Serialize, ToSchema)]
pub struct ByMailBody {
    pub message: String,
    pub approved_by: ActorBody,
}

/// Where a stop lies, and how that is known.
#[derive(Serialize, ToSchema)]
pub struct PlaceBody {
    pub stop: u32,
    pub coordinates: CoordinatesBody,
    /// Of the geofence; none where the place is not known well enough to have one.
    pub radius_m: Option<u32>,
    pub uncertainty_m: u32,
    /// `order`, `site lakeshore` or `city table`.
    pub source: String,
}

/// Positions of the vehicle that were kept and not used for this trip, and why the last was not.
#[derive(Serialize, ToSchema)]
pub struct DoubtsBody {
    pub jumps: u32,
    pub off_corridor: u32,
    pub last: Option<DoubtBody>,
}

#[derive(Serialize, ToSchema)]
pub struct DoubtBody {
    pub at: String,
    pub coordinates: CoordinatesBody,
    pub why: String,
}

#[derive(Serialize, ToSchema)]
pub struct CoordinatesBody {
    pub latitude_deg: f64,
    pub longitude_deg: f64,
}

#[derive(Serialize, ToSchema)]
pub struct OpenOffer {
    pub carrier: String,
    pub scac: String,
    pub rank: u32,
    pub rate: MoneyBody,
    pub respond_by: String,
}

#[derive(Serialize, ToSchema)]
pub struct InboxItem {
    /// `approval`, `exception`, or `held`: what automation was about to do.
    pub kind: String,
    /// Of its load, `normal` or `high`: high comes first.
    pub priority: String,
    /// Of something held: the mode that held it, `observe` or `stopped`.
    pub mode: Option<String>,
    pub playbook: Option<String>,
    pub action: Option<String>,
    /// Of an exception, which: `late_delivery_risk` or another.
    pub exception: Option<String>,
    pub id: String,
    pub load: String,
    pub reference: String,
    pub title: String,
    pub severity: String,
    pub requested_at: String,
    pub deadline: Option<String>,
    pub role: Option<String>,
    pub evidence: Vec<EvidenceBody>,
    pub proposal: Option<serde_json::Value>,
    pub rule: Option<serde_json::Value>,
    pub next_action: Option<String>,
    /// Mails that an exception rests on, without their texts: what was read of them, and by what means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mails: Option<Vec<serde_json::Value>>,
    pub allowed_actions: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct QuarantineRow {
    pub message: String,
    pub source: String,
    pub received_at: String,
    pub content_type: String,
    pub bytes: u64,
    pub issues: Vec<IssueBody>,
    /// Of a mail that fits several loads: those that a person may choose from, each with its `load`, `reference`, the
    /// number by which the mail `called` it, `customer` and `lane`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loads: Option<Vec<serde_json::Value>>,
}

#[derive(Serialize, ToSchema)]
pub struct Mails {
    /// Each with its `message`, the `sender_name` from the directory, the `mail`, the `exception` it lies with and what
    /// to do next, the `questions` about it that wait for a person, and the `advice` of a language model, if any.
    pub mails: Vec<serde_json::Value>,
}

#[derive(Serialize, ToSchema)]
pub struct LoadDetail {
    /// The load with its stops, equipment, rate and deadline.
    pub load: serde_json::Value,
    pub order: Option<serde_json::Value>,
    pub shipment: Option<serde_json::Value>,
    /// The tender with its offers in the order they were made.
    pub tender: Option<serde_json::Value>,
    pub status: String,
    pub exceptions: Vec<serde_json::Value>,
    pub approvals: Vec<serde_json::Value>,
    pub trip: Option<TripBody>,
    pub documents: Vec<DocumentBody>,
    pub invoice: Option<InvoiceReadiness>,
    /// What automation was about to do and did not, because it observes or is stopped.
    pub held: Vec<serde_json::Value>,
    /// What free capacity came to for an expedited load, or the expedited load that this one gave way to: the `search` with
    /// its `candidates` and what was `left_out`, the truck that is in `hold`, or why it is `refused`.
    pub expedite: Option<serde_json::Value>,
    pub allowed_actions: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Timeline {
    pub entries: Vec<TimelineEntry>,
}

#[derive(Serialize, ToSchema)]
pub struct TimelineEntry {
    /// The record it is of; several entries may share one.
    pub seq: u64,
    pub at: String,
    pub actor: TimelineActor,
    /// What caused it: a message's id with a place in it, a command, a timer or an effect.
    pub cause: String,
    /// `event`, `decision`, `effect` or `touch`.
    pub kind: String,
    pub name: String,
    /// One line for a person.
    pub summary: String,
    /// The thing itself. Personal values read `•••` for those who may not see them.
    pub data: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<serde_json::Value>,
    /// Of an effect: `pending`, `delivered`, `refused`, `gave_up` or `settled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TimelineActor {
    pub kind: String,
    pub name: String,
}

/// The outcome of a command. What else it holds depends on the command.
#[derive(Serialize, ToSchema)]
pub struct Outcome {
    pub outcome: String,
    /// The record that holds it; reads with `wait_for` this see it.
    pub seq: u64,
}

#[derive(Serialize, ToSchema)]
pub struct OrderCreated {
    /// The loads made from the order.
    pub loads: Vec<String>,
    pub seq: u64,
}

/// A message is durable.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    pub message: String,
    /// It was received before; nothing happens twice.
    pub duplicate: bool,
    pub seq: u64,
}

/// An order. See the samples for all fields.
#[derive(Serialize, ToSchema)]
pub struct OrderBody {
    /// The customer's partner id, name in its own system or interchange id. A customer's key may leave it out.
    pub customer: Option<String>,
    pub reference: String,
    /// Pickups and deliveries in order, each with `kind`, `name`, `city`, `region`, `country` and `window`.
    pub stops: Vec<serde_json::Value>,
    pub goods: Option<Vec<serde_json::Value>>,
    pub equipment: Option<serde_json::Value>,
    pub rate: Option<serde_json::Value>,
    pub respond_by: Option<serde_json::Value>,
    pub priority: Option<String>,
    pub notes: Option<serde_json::Value>,
}
