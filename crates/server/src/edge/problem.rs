//! Refusals on the wire: RFC 9457 problems with a stable code. Every code has a page, `docs/errors/<code>.md`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use signalbox_model::id::Seq;
use signalbox_model::issue::Issue;
use signalbox_model::rejection::Rejection;
use utoipa::ToSchema;

/// What happened, for a program (`code`, `status`) and for a person (`title`, `detail`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    pub title: &'static str,
    #[serde(serialize_with = "number")]
    pub status: StatusCode,
    pub code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Places in the request that cannot be used, each with the fix.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Issue>,
    /// The record that holds this refusal, where it was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    #[serde(skip)]
    pub retry_after_s: Option<u32>,
}

/// The shape of `Problem` in the contract.
#[derive(ToSchema, Serialize)]
#[schema(title = "Problem")]
pub struct ProblemBody {
    /// Page that explains the code.
    #[serde(rename = "type")]
    pub page: String,
    pub title: String,
    pub status: u16,
    /// Stable; programs decide by it.
    pub code: String,
    pub detail: Option<String>,
    pub issues: Option<Vec<super::shapes::IssueBody>>,
    pub seq: Option<u64>,
}

/// Codes of the edge itself, with their status and title. Those of the trade are `Rejection`s.
pub const CODES: &[(&str, u16, &str)] = &[
    ("unauthenticated", 401, "Sign in first."),
    ("token_expired", 401, "The token has run out."),
    ("signature_invalid", 401, "The message's signature cannot be verified."),
    ("role_missing", 403, "Your role may not do this."),
    (
        "too_many_failed_sign_ins",
        429,
        "Too many failed sign-ins from this address.",
    ),
    ("not_found", 404, "There is no such thing here."),
    ("source_unknown", 404, "There is no such source."),
    ("method_not_allowed", 405, "This path does not take this method."),
    ("body_too_large", 413, "The body is too large."),
    ("body_unreadable", 422, "The body cannot be read."),
    ("query_unusable", 400, "The query cannot be used."),
    (
        "idempotency_key_reused",
        422,
        "This Idempotency-Key was used for something else.",
    ),
    ("idempotency_key_unusable", 400, "The Idempotency-Key cannot be used."),
    ("view_behind", 503, "The view has not come that far yet."),
    ("queue_full", 503, "The server has more to do than it can take."),
    ("too_many_followers", 503, "Too many clients follow live changes."),
    ("store_unavailable", 503, "The store cannot be written just now."),
    ("store_full", 503, "The store is full."),
    ("outcome_unknown", 503, "Whether this was written is not known."),
    ("writer_stopped", 503, "The server has stopped writing."),
    ("internal", 500, "The server failed."),
];

impl Problem {
    /// `code` is one of `CODES`; any other reads as `internal`.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        let found = CODES.iter().find(|it| it.0 == code).or(CODES.last());
        let (code, status, title) = found.copied().unwrap_or(("internal", 500, "The server failed."));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_s = matches!(status.as_u16(), 429 | 503).then_some(1);
        Self {
            title,
            status,
            code,
            detail: detail.into(),
            issues: Vec::new(),
            seq: None,
            retry_after_s,
        }
    }

    pub fn with_issues(mut self, issues: Vec<Issue>) -> Self {
        self.issues = issues;
        self
    }

    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    pub fn rejected(rejection: Rejection, detail: &str, issues: Vec<Issue>, seq: Seq) -> Self {
        let (code, status) = of_rejection(rejection);
        let explained = rejection.explain();
        let detail = if detail.is_empty() {
            explained.to_owned()
        } else {
            detail.to_owned()
        };
        Self {
            title: explained,
            status,
            code,
            detail,
            issues,
            seq: Some(seq),
            retry_after_s: None,
        }
    }

    /// A refusal by name of something that only reads, and so leaves no record.
    pub fn unrecorded(rejection: Rejection, detail: &str) -> Self {
        Self {
            seq: None,
            ..Self::rejected(rejection, detail, Vec::new(), 0)
        }
    }

    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!("a request failed: {error}");
        Self::new("internal", "Look at the server's log; the request can be sent again.")
    }
}

/// A problem with the page that explains its code.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(rename = "type")]
    page: String,
    #[serde(flatten)]
    problem: &'a Problem,
}

/// The code of a refusal by name, and its status.
pub fn of_rejection(rejection: Rejection) -> (&'static str, StatusCode) {
    use StatusCode as S;
    match rejection {
        Rejection::OrderAlreadyReceived => ("order_already_received", S::CONFLICT),
        Rejection::OrderUnknown => ("order_unknown", S::NOT_FOUND),
        Rejection::OrderNotChangeable => ("order_not_changeable", S::CONFLICT),
        Rejection::OrderImpossible => ("order_impossible", S::UNPROCESSABLE_ENTITY),
        Rejection::CustomerUnknown => ("customer_unknown", S::UNPROCESSABLE_ENTITY),
        Rejection::CarrierUnknown => ("carrier_unknown", S::UNPROCESSABLE_ENTITY),
        Rejection::LoadUnknown => ("load_unknown", S::NOT_FOUND),
        Rejection::LoadAmbiguous => ("load_ambiguous", S::CONFLICT),
        Rejection::MailAlreadyReceived => ("mail_already_received", S::CONFLICT),
        Rejection::OfferUnknown => ("offer_unknown", S::NOT_FOUND),
        Rejection::OfferNotOfThisCarrier => ("offer_not_of_this_carrier", S::FORBIDDEN),
        Rejection::OfferAlreadyAnswered => ("offer_already_answered", S::CONFLICT),
        Rejection::OfferExpired => ("offer_expired", S::CONFLICT),
        Rejection::OfferWithdrawn => ("offer_withdrawn", S::CONFLICT),
        Rejection::OfferNotSentYet => ("offer_not_sent_yet", S::CONFLICT),
        Rejection::LoadAlreadyCovered => ("load_already_covered", S::CONFLICT),
        Rejection::LoadCancelled => ("load_cancelled", S::CONFLICT),
        Rejection::ApprovalUnknown => ("approval_unknown", S::NOT_FOUND),
        Rejection::ApprovalAlreadyDecided => ("approval_already_decided", S::CONFLICT),
        Rejection::ApprovalNotYours => ("approval_not_yours", S::FORBIDDEN),
        Rejection::ApprovalEditInvalid => ("approval_edit_invalid", S::UNPROCESSABLE_ENTITY),
        Rejection::ExceptionUnknown => ("exception_unknown", S::NOT_FOUND),
        Rejection::ExceptionAlreadyResolved => ("exception_already_resolved", S::CONFLICT),
        Rejection::MessageUnknown => ("message_unknown", S::NOT_FOUND),
        Rejection::MessageNotQuarantined => ("message_not_quarantined", S::CONFLICT),
        Rejection::EffectUnknown => ("effect_unknown", S::NOT_FOUND),
        Rejection::EffectAlreadySettled => ("effect_already_settled", S::CONFLICT),
        Rejection::HeldUnknown => ("held_unknown", S::NOT_FOUND),
        Rejection::HeldAlreadySettled => ("held_already_settled", S::CONFLICT),
        Rejection::AutomationObserves => ("automation_observes", S::CONFLICT),
        Rejection::AutomationModeInvalid => ("automation_mode_invalid", S::UNPROCESSABLE_ENTITY),
        Rejection::RateInvalid => ("rate_invalid", S::UNPROCESSABLE_ENTITY),
        Rejection::VehicleInvalid => ("vehicle_invalid", S::UNPROCESSABLE_ENTITY),
        Rejection::DocumentEmpty => ("document_empty", S::UNPROCESSABLE_ENTITY),
        Rejection::DocumentTooLarge => ("document_too_large", S::PAYLOAD_TOO_LARGE),
        Rejection::DocumentUnreadable => ("document_unreadable", S::UNSUPPORTED_MEDIA_TYPE),
        Rejection::DocumentInvalid => ("document_invalid", S::UNPROCESSABLE_ENTITY),
        Rejection::DocumentAlreadyReceived => ("document_already_received", S::CONFLICT),
        Rejection::DocumentUnknown => ("document_unknown", S::NOT_FOUND),
        Rejection::LoadNotCovered => ("load_not_covered", S::CONFLICT),
        Rejection::LoadNotOfThisCarrier => ("load_not_of_this_carrier", S::FORBIDDEN),
        Rejection::CapacityInvalid => ("capacity_invalid", S::UNPROCESSABLE_ENTITY),
        Rejection::CapacityPlaceUnknown => ("capacity_place_unknown", S::UNPROCESSABLE_ENTITY),
        Rejection::NotAllowed => ("not_allowed", S::FORBIDDEN),
    }
}

fn number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let page = format!("/docs/errors/{}", self.code);
        let body = serde_json::to_vec(&Explained { page, problem: &self }).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"signalbox\""),
            );
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const REJECTIONS: &[Rejection] = &[
        Rejection::OrderAlreadyReceived,
        Rejection::OrderUnknown,
        Rejection::OrderNotChangeable,
        Rejection::OrderImpossible,
        Rejection::CustomerUnknown,
        Rejection::CarrierUnknown,
        Rejection::LoadUnknown,
        Rejection::LoadAmbiguous,
        Rejection::MailAlreadyReceived,
        Rejection::OfferUnknown,
        Rejection::OfferNotOfThisCarrier,
        Rejection::OfferAlreadyAnswered,
        Rejection::OfferExpired,
        Rejection::OfferWithdrawn,
        Rejection::OfferNotSentYet,
        Rejection::LoadAlreadyCovered,
        Rejection::LoadCancelled,
        Rejection::ApprovalUnknown,
        Rejection::ApprovalAlreadyDecided,
        Rejection::ApprovalNotYours,
        Rejection::ApprovalEditInvalid,
        Rejection::HeldUnknown,
        Rejection::HeldAlreadySettled,
        Rejection::AutomationObserves,
        Rejection::AutomationModeInvalid,
        Rejection::RateInvalid,
        Rejection::VehicleInvalid,
        Rejection::ExceptionUnknown,
        Rejection::ExceptionAlreadyResolved,
        Rejection::MessageUnknown,
        Rejection::MessageNotQuarantined,
        Rejection::EffectUnknown,
        Rejection::EffectAlreadySettled,
        Rejection::DocumentEmpty,
        Rejection::DocumentTooLarge,
        Rejection::DocumentUnreadable,
        Rejection::DocumentInvalid,
        Rejection::DocumentAlreadyReceived,
        Rejection::DocumentUnknown,
        Rejection::LoadNotCovered,
        Rejection::LoadNotOfThisCarrier,
        Rejection::NotAllowed,
    ];

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        let mut codes: Vec<String> = CODES.iter().map(|it| it.0.to_owned()).collect();
        codes.extend(REJECTIONS.iter().map(|it| of_rejection(*it).0.to_owned()));
        let pages = std::fs::read_dir(&folder)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut pages: Vec<String> = pages
            .filter_map(|it| it.strip_suffix(".md").map(str::to_owned))
            .collect();
        codes.sort();
        pages.retain(|it| it != "README");
        pages.sort();
        assert_eq!(pages, codes);
    }

    #[test]
    fn a_rejections_code_on_the_wire_is_its_name() {
        for rejection in REJECTIONS {
            assert_eq!(of_rejection(*rejection).0, rejection.code());
        }
    }
}
