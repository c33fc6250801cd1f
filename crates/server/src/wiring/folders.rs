//! The thread that looks after watched folders and hands what it finds to the writer like any other message.

use super::clock::ServerClock;
use super::data_dir::DataDir;
use super::directories::Directories;
use super::pump::{Handle, Overflow};
use signalbox_connectors::inbound::folder::{Found, POLL_EVERY, ReceiveError, Watched};
use signalbox_model::directory::SourceFormat;
use signalbox_model::scope::{Actor, TenantScope};
use signalbox_runtime::ports::Clock;
use signalbox_runtime::request::{Receive, Reply, Request};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use tracing::warn;

/// Ends its thread when dropped.
pub struct Folders {
    _stop: Sender<()>,
}

impl Folders {
    pub fn watch(
        data_dir: &DataDir,
        pump: Handle,
        directories: Arc<Directories>,
        clock: Arc<ServerClock>,
    ) -> anyhow::Result<Self> {
        let mut watched = Watched::new(data_dir.inbound());
        let (stop, stopped) = channel::<()>();
        thread::Builder::new().name("folders".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(POLL_EVERY) {
                make_folders(&watched, &directories);
                let polled = watched.poll(clock.now(), &mut |found| receive(found, &pump, &directories));
                for trouble in polled.troubles {
                    warn!("a watched folder cannot be used: {trouble}");
                }
            }
        })?;
        Ok(Self { _stop: stop })
    }
}

/// Every source that takes files has its folder, so that a partner finds where to put them.
fn make_folders(watched: &Watched, directories: &Directories) {
    for (tenant, directory) in directories.tenants() {
        // A signed source takes nothing that is not signed, and a file is not.
        for source in directory.sources.values().filter(|it| it.secret.is_none()) {
            if let Err(error) = watched.make_source(&tenant, &source.name) {
                warn!("cannot make the folder of source {}: {error}", source.name);
            }
        }
    }
}

fn receive(found: &Found, pump: &Handle, directories: &Directories) -> Result<(), ReceiveError> {
    let directory = directories.of(&found.tenant);
    let Some(source) = directory.as_ref().and_then(|it| it.sources.get(&found.source)) else {
        return Err(ReceiveError::Refuse(format!(
            "there is no source named {}",
            found.source
        )));
    };
    if source.secret.is_some() {
        return Err(ReceiveError::Refuse(
            "this source takes signed messages only".to_owned(),
        ));
    }
    let content_type = match source.format {
        SourceFormat::X12 => "application/edi-x12",
        SourceFormat::Json | SourceFormat::Telematics => "application/json",
        SourceFormat::Email => "message/rfc822",
    };
    let request = Request::Receive(Receive {
        scope: TenantScope::new(found.tenant.clone(), Actor::source(&found.source)),
        source: found.source.clone(),
        content_type: content_type.to_owned(),
        bytes: found.bytes.clone(),
        key: None,
        traceparent: None,
        from: None,
    });
    match pump.ask_blocking(request) {
        Ok(Reply::Accepted { .. } | Reply::Done { .. }) => Ok(()),
        Ok(Reply::Rejected { detail, .. } | Reply::KeyConflict { detail }) => Err(ReceiveError::Refuse(detail)),
        Ok(Reply::Unavailable { detail, .. }) => Err(ReceiveError::Retry(detail)),
        Err(Overflow::Full) => Err(ReceiveError::Retry("the queue is full".to_owned())),
        Err(Overflow::Stopped | Overflow::Unknown) => Err(ReceiveError::Retry("the writer has stopped".to_owned())),
    }
}
