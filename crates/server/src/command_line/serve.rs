//! `signalbox serve`: an installation until it is told to stop, or must.

use super::{Place, Serve, interrupted};
use crate::server::Server;
use crate::wiring::Setup;
use crate::{bootstrap, telemetry};
use anyhow::Context as _;
use signalbox_connectors::outbound::advisor::Endpoint;
use signalbox_connectors::secret::Secret;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tracing::{error, info};

/// The store is broken or another server has taken over: a supervisor should not hide that in restarts.
const DIED: u8 = 70;

impl Place {
    /// The language model as it is set, if one is.
    fn advisor(&self) -> anyhow::Result<Option<Endpoint>> {
        let (Some(base), Some(model)) = (&self.advisor_url, &self.advisor_model) else {
            return Ok(None);
        };
        let read = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the advisor's key in {}", file.display()))
        };
        let key = self.advisor_key_file.as_ref().map(read).transpose()?;
        Ok(Some(Endpoint {
            base: base.clone(),
            model: model.clone(),
            key: key.map(|it| Secret::new(it.trim().to_owned())),
        }))
    }

    pub fn setup(&self) -> anyhow::Result<Setup> {
        Ok(Setup {
            database_url: self.database_url.clone(),
            master_key_file: self.master_key_file.clone(),
            egress_allowed: self.allow_egress.clone(),
            mail_server: self.smtp.server()?,
            advisor: self.advisor()?,
            ..Setup::new(&self.data_dir)
        })
    }
}

pub async fn run(arguments: Serve) -> anyhow::Result<ExitCode> {
    let _telemetry = telemetry::start()?;
    let server = Server::start(arguments.place.setup()?, &arguments.listen).await?;
    let installation = Arc::clone(&server.installation);
    let first_key = tokio::task::spawn_blocking(move || bootstrap::first_tenant(&installation)).await??;
    info!("serving at {}", server.base());
    if let Some(token) = first_key {
        eprintln!("\nThis is a new installation. Your administrator's key, shown this once:\n\n  {token}\n");
        eprintln!("Sign in at {}/#token={token}\n", server.base());
    }
    let code = tokio::select! {
        () = interrupted() => {
            info!("stopping: what is under way ends first");
            ExitCode::SUCCESS
        }
        why = server.died() => {
            error!("stopping, nothing more is acknowledged: {why}");
            ExitCode::from(DIED)
        }
    };
    server.stop().await;
    Ok(code)
}
