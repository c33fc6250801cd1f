//! Where webhooks may go: the check of the address as written, and of every address its name leads to.
//!
//! Invariant: a connection is only ever opened to an address this module has just checked. Names are resolved once, by
//! `Checked`, and the connection takes its answer; address literals, which no resolver sees, are checked in the URL.
//! What the operator allows is one scheme, host and port; no such line opens link-local or metadata addresses.

use super::addresses::{Denied, denied};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use url::{Host, Url};

/// Ports that need no permission.
pub const PORTS: &[u16] = &[443, 8443];
/// More answers than this for one name are not looked at, and not called.
const ADDRESSES_MAX: usize = 32;
const URL_BYTES_MAX: usize = 2_048;
/// Names that lead to a cloud's metadata or to this machine, whatever the answer is today.
const NAMES_NEVER: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Finds a name's addresses. Called on a thread that may block.
pub type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// The system's resolver.
pub fn system_lookup() -> Lookup {
    Arc::new(|name| Ok((name, 0).to_socket_addrs()?.map(|it| it.ip()).collect()))
}

/// What the operator allows beyond https to the public internet on the usual ports.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Vec<Allowance>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowance {
    scheme: String,
    host: Host<String>,
    /// Any port where absent.
    port: Option<u16>,
}

impl Allowed {
    /// Reads lines like `https://erp.example.com:9443`, `http://127.0.0.1:*` (any port) or `http://[::1]:8080`.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, Refusal> {
        lines.into_iter().map(allowance).collect::<Result<_, _>>().map(Self)
    }

    fn holds(&self, url: &Url, host: &Host<String>) -> bool {
        let fits = |it: &Allowance| {
            it.scheme == url.scheme()
                && it.host == *host
                && (it.port.is_none() || it.port == url.port_or_known_default())
        };
        self.0.iter().any(fits)
    }
}

fn allowance(line: &str) -> Result<Allowance, Refusal> {
    let bad = || Refusal::Allowance(line.to_owned());
    let any_port = line.strip_suffix(":*");
    let url = Url::parse(any_port.unwrap_or(line)).map_err(|_| bad())?;
    let is_plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    // A host is named whole: a star in it would look as if it opened many and open none.
    let is_one_host = url.host_str().is_some_and(|it| !it.contains('*'));
    if !is_plain || !is_one_host || has_userinfo(&url) || !matches!(url.scheme(), "http" | "https") {
        return Err(bad());
    }
    let port = if any_port.is_some() {
        None
    } else {
        url.port_or_known_default()
    };
    Ok(Allowance {
        scheme: url.scheme().to_owned(),
        host: plain_host(&url).ok_or_else(bad)?,
        port,
    })
}

/// Why an address is not called. The texts go to the people who can change it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the webhook address is no URL, or longer than {URL_BYTES_MAX} bytes. Correct it under Partners.")]
    NoUrl,
    #[error(
        "the webhook address does not start with https://. Correct it under Partners, or have the operator allow it."
    )]
    Scheme,
    #[error("the webhook address holds a user name or password. Remove it: messages are signed instead.")]
    UserInfo,
    #[error("port {0} is not open for webhooks. Use port 443, or have the operator allow it.")]
    Port(u16),
    #[error("{0} is not called: it names a metadata service or this machine.")]
    Name(String),
    #[error("{host} leads to {network}, which is not called. Use a public address, or have the operator allow it.")]
    Address { host: String, network: &'static str },
    #[error("{0} leads to more than {ADDRESSES_MAX} addresses")]
    TooManyAddresses(String),
    #[error("{0:?} allows nothing: write scheme, host and port as in https://erp.example.com:9443")]
    Allowance(String),
}

/// Whether own networks are open to this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Public,
    /// The operator allows this scheme, host and port.
    Own,
}

/// An address as written, found fit to be called; its name is still to be resolved by `Checked` of the same reach.
#[derive(Clone, Debug)]
pub struct Target {
    pub url: Url,
    pub reach: Reach,
}

/// Checks all that can be seen without asking for the name's addresses.
pub fn check(text: &str, allowed: &Allowed) -> Result<Target, Refusal> {
    if text.len() > URL_BYTES_MAX {
        return Err(Refusal::NoUrl);
    }
    let url = Url::parse(text).map_err(|_| Refusal::NoUrl)?;
    if has_userinfo(&url) {
        return Err(Refusal::UserInfo);
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Scheme);
    }
    let host = plain_host(&url).ok_or(Refusal::NoUrl)?;
    let reach = if allowed.holds(&url, &host) {
        Reach::Own
    } else {
        Reach::Public
    };
    if reach == Reach::Public {
        if url.scheme() != "https" {
            return Err(Refusal::Scheme);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if !PORTS.contains(&port) {
            return Err(Refusal::Port(port));
        }
    }
    let named = host.to_string();
    match host {
        Host::Domain(name) => check_name(&name, reach)?,
        Host::Ipv4(address) => check_addresses(&named, &[address.into()], reach)?,
        Host::Ipv6(address) => check_addresses(&named, &[address.into()], reach)?,
    }
    Ok(Target { url, reach })
}

fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The host without the full stop a name may end in.
fn plain_host(url: &Url) -> Option<Host<String>> {
    match url.host()? {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            (!name.is_empty()).then(|| Host::Domain(name.to_owned()))
        }
        Host::Ipv4(address) => Some(Host::Ipv4(address)),
        Host::Ipv6(address) => Some(Host::Ipv6(address)),
    }
}

fn check_name(name: &str, reach: Reach) -> Result<(), Refusal> {
    let is_this_machine = name == "localhost" || name.ends_with(".localhost");
    if NAMES_NEVER.contains(&name) || (is_this_machine && reach == Reach::Public) {
        return Err(Refusal::Name(name.to_owned()));
    }
    Ok(())
}

/// All of them must be fit to be called: one that is not spoils the answer.
fn check_addresses(host: &str, addresses: &[IpAddr], reach: Reach) -> Result<(), Refusal> {
    let is_closed = |it: &Denied| reach == Reach::Public || !it.may_be_allowed;
    match addresses.iter().filter_map(|it| denied(*it)).find(is_closed) {
        Some(Denied { network, .. }) => Err(Refusal::Address {
            host: host.to_owned(),
            network,
        }),
        None if addresses.len() > ADDRESSES_MAX => Err(Refusal::TooManyAddresses(host.to_owned())),
        None => Ok(()),
    }
}

/// The resolver a client is built with: what it answers has been checked, and is what gets connected to.
pub struct Checked {
    pub lookup: Lookup,
    pub reach: Reach,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, reach) = (Arc::clone(&self.lookup), self.reach);
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let looked_up = tokio::task::spawn_blocking(move || checked_lookup(&lookup, &name, reach));
            looked_up.await.unwrap_or_else(|error| Err(error.into()))
        })
    }
}

fn checked_lookup(lookup: &Lookup, name: &str, reach: Reach) -> Result<Addrs, Box<dyn Error + Send + Sync>> {
    let addresses = lookup(name)?;
    check_addresses(name, &addresses, reach)?;
    Ok(Box::new(addresses.into_iter().map(|it| SocketAddr::new(it, 0))))
}

/// The refusal at the root of a failed call, if there is one.
pub fn refusal_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Refusal> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(refusal);
        }
        at = error.source();
    }
    None
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
