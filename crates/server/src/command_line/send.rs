//! `signalbox send`: a file to a source, as a partner's system would send it.

use anyhow::{Context as _, bail};
use clap::Args;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Args)]
pub struct Send {
    /// The file; `-` reads stdin.
    file: PathBuf,
    /// Where to: http://HOST/in/SOURCE.
    #[arg(long, value_name = "URL")]
    to: String,
    /// A token with the role integrator, admin, carrier or customer.
    #[arg(long, env = "SIGNALBOX_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: String,
    /// The delivery's own id: the same one again is a duplicate.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The content type; told from the file's name without it.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
}

pub async fn run(arguments: Send) -> anyhow::Result<ExitCode> {
    let bytes = read(&arguments.file)?;
    let content_type = arguments
        .content_type
        .as_deref()
        .unwrap_or_else(|| content_type(&arguments.file));
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let mut request = client
        .post(&arguments.to)
        .bearer_auth(&arguments.token)
        .header("content-type", content_type);
    if let Some(key) = &arguments.key {
        request = request.header("idempotency-key", key);
    }
    let response = request.body(bytes).send().await.with_context(|| {
        format!(
            "{} did not answer. Is the server running? Check the address given with --to",
            arguments.to
        )
    })?;
    let status = response.status();
    let body = response.text().await?;
    if !status.is_success() {
        bail!("the server refused it ({status}): {}", detail(&body));
    }
    println!("{body}");
    Ok(ExitCode::SUCCESS)
}

fn detail(body: &str) -> String {
    let problem: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let field = |name: &str| problem.get(name).and_then(|it| it.as_str()).map(str::to_owned);
    field("detail")
        .or_else(|| field("title"))
        .unwrap_or_else(|| body.to_owned())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|it| it.to_str()).unwrap_or_default() {
        "json" => "application/json",
        "eml" => "message/rfc822",
        "edi" | "x12" | "txt" => "application/edi-x12",
        _ => "application/octet-stream",
    }
}
