//! The server as its users meet it: over HTTP, on SQLite in a temporary directory, on a port of its own.

mod access;
mod advisor;
mod audit;
mod automation;
mod capacity;
mod contract;
mod documents;
mod inbound;
mod kpis;
mod late;
mod live;
mod notices;
mod operate;
mod orders;
mod stage;
mod work;
