//! Restart: how long from opening the store to a machine that takes work, with many instances open.

use super::Figures;
use super::instances::{Driver, open_machine};
use super::measure::rss_mb;
use anyhow::{Context as _, bail};
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// Orders given at a time while the instances are made.
const CHUNK: u64 = 1_000;
const MAKING_MAX: Duration = Duration::from_secs(1_800);

pub fn measure(url: Option<&str>, instances: u32) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir().context("a temporary directory")?;
    let made = make(folder.path(), url, u64::from(instances))?;
    let started = Instant::now();
    let (mut machine, store) = open_machine(folder.path(), url)?;
    machine.step(Timestamp::now(), &mut |bytes| bytes.fill(1))?;
    let ready = started.elapsed();
    let head = store.positions()?.head;
    eprintln!("{made} open instances in {head} records");
    Ok(Figures::from([
        ("ready_s", ready.as_secs_f64()),
        ("open_instances", made as f64),
        ("rss_mb", rss_mb()),
    ]))
}

/// Makes open instances, each with an offer that nobody answers.
fn make(folder: &std::path::Path, url: Option<&str>, instances: u64) -> anyhow::Result<u64> {
    let mut driver = Driver::make(folder, url, false)?;
    let started = Instant::now();
    let mut ordered = 0;
    while driver.open < instances {
        if started.elapsed() > MAKING_MAX {
            bail!("making {instances} open instances took too long; ask for fewer with --instances");
        }
        while ordered < instances && ordered < driver.open + CHUNK {
            driver.order();
            ordered += 1;
        }
        driver.turn()?;
    }
    driver.machine.checkpoint(Timestamp::now())?;
    Ok(driver.open)
}
