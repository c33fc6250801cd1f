//! The tenant's audit log: its signed head, and an export that anybody verifies offline with `signalbox audit verify`.

use super::Edge;
use super::auth::Caller;
use super::problem::{Problem, ProblemBody};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use signalbox_model::id::TenantId;
use signalbox_model::scope::{Role, TenantScope};
use signalbox_runtime::audit::checkpoint;
use signalbox_runtime::audit::export::{Export, each_entry, leaf_hashes};
use signalbox_runtime::audit::note::{Signer, Use, VerifierKey};
use signalbox_runtime::audit::sequencer::CHECKPOINT_BLOB;
use signalbox_runtime::audit::tile::Blobs;
use signalbox_runtime::ports::Store;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::error;

const AUDITORS: &[Role] = &[
    Role::Admin,
    Role::Manager,
    Role::Dispatcher,
    Role::Integrator,
    Role::Viewer,
];
/// The export leaves in pieces of about this size.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces made ahead of a slow reader.
const PIECES_MAX: usize = 4;

/// The signed head of the audit log (C2SP tlog-checkpoint). Keep it elsewhere: it proves later that nothing was changed.
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", tag = "audit",
    responses((status = 200, content_type = "text/plain", body = String), (status = "4XX", body = ProblemBody)))]
pub async fn checkpoint(State(edge): State<Edge>, caller: Caller) -> Result<Response, Problem> {
    caller.require(AUDITORS)?;
    edge.read(move |edge| {
        let note = stored(edge.store.as_ref(), &caller.scope)?;
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        let mut response = ([(header::CONTENT_TYPE, kind)], note).into_response();
        let key = verifier_key(edge, caller.scope.tenant())?.to_string();
        if let Ok(key) = HeaderValue::from_str(&key) {
            response.headers_mut().insert("x-signalbox-verifier-key", key);
        }
        Ok(response)
    })
    .await
}

/// The whole audit log as JSON lines: a header, then one entry a line.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit",
    responses((status = 200, content_type = "application/jsonl", body = String), (status = "4XX", body = ProblemBody)))]
pub async fn export(State(edge): State<Edge>, caller: Caller) -> Result<Response, Problem> {
    caller.require(AUDITORS)?;
    let (head, size) = edge
        .read({
            let caller = caller.clone();
            move |edge| head(edge, &caller)
        })
        .await?;
    let (pieces, receiver) = mpsc::channel(PIECES_MAX);
    let (store, scope) = (Arc::clone(&edge.store), caller.scope.clone());
    tokio::task::spawn_blocking(move || send(store.as_ref(), &scope, head, size, &pieces));
    let name = format!("attachment; filename=\"audit-{}.jsonl\"", caller.scope.tenant());
    let mut response = Body::from_stream(ReceiverStream::new(receiver)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// The export's first line and how many entries follow.
fn head(edge: &Edge, caller: &Caller) -> Result<(String, u64), Problem> {
    let note = stored(edge.store.as_ref(), &caller.scope)?;
    let key = verifier_key(edge, caller.scope.tenant())?;
    let signed = checkpoint::open(&note, std::slice::from_ref(&key)).map_err(Problem::internal)?;
    let size = signed.head.size;
    let hashes = leaf_hashes(size, &mut *blobs(edge.store.as_ref(), &caller.scope));
    let header = Export::header(caller.scope.tenant().as_str(), &key, &note, hashes.as_deref());
    Ok((header.first_line().map_err(Problem::internal)?, size))
}

/// Sends the entries in pieces. An export cut short fails its verification, so nothing is hidden by it.
fn send(
    store: &dyn Store,
    scope: &TenantScope,
    head: String,
    size: u64,
    pieces: &mpsc::Sender<std::io::Result<Bytes>>,
) {
    let mut piece = head.into_bytes();
    let mut gone = false;
    let whole = each_entry(size, &mut *blobs(store, scope), &mut |entry| {
        piece.extend_from_slice(entry);
        piece.push(b'\n');
        if piece.len() >= PIECE_BYTES && !gone {
            gone = pieces.blocking_send(Ok(std::mem::take(&mut piece).into())).is_err();
        } else if gone {
            piece.clear();
        }
    });
    if !whole {
        error!(
            "the audit export of {} is cut short: a tile cannot be read",
            scope.tenant()
        );
        let cut = std::io::Error::other("a tile of the audit log cannot be read");
        // Nobody listens any more only when the reader has gone.
        let _ = pieces.blocking_send(Err(cut));
        return;
    }
    let _ = pieces.blocking_send(Ok(piece.into()));
}

fn blobs<'a>(store: &'a dyn Store, scope: &'a TenantScope) -> Box<Blobs<'a>> {
    Box::new(move |name| match store.blob(scope, name) {
        Ok(found) => found,
        Err(why) => {
            error!("blob {name} cannot be read: {why}");
            None
        }
    })
}

fn stored(store: &dyn Store, scope: &TenantScope) -> Result<String, Problem> {
    let note = store.blob(scope, CHECKPOINT_BLOB).map_err(Problem::internal)?;
    let note = note.and_then(|it| String::from_utf8(it).ok());
    note.ok_or_else(|| Problem::new("not_found", "Nothing was decided yet, so there is no checkpoint."))
}

fn verifier_key(edge: &Edge, tenant: &TenantId) -> Result<VerifierKey, Problem> {
    let vault = edge.vault.tenant(tenant).map_err(Problem::internal)?;
    let signer = Signer::from_seed(&format!("signalbox/{tenant}"), Use::Log, vault.signing_seed());
    Ok(signer.map_err(Problem::internal)?.verifier_key().clone())
}
