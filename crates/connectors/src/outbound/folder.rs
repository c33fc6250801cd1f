//! Files into a folder: `<base>/<tenant>/<folder>/<name>`.
//!
//! Invariant: a file is there whole under its final name and survives a power cut, or it is not there; a file of that
//! name with other content is never overwritten; no name leads out of the tenant's folder, and no symbolic link is
//! followed. A temporary name starts with a dot, so that whoever watches the folder passes it by.

use signalbox_runtime::ports::{CourierError, Delivery};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Folders within folders.
const DEPTH_MAX: usize = 8;
/// What common file systems take for one name.
const NAME_BYTES_MAX: usize = 255;
/// Temporary files of earlier attempts that a later one clears away.
const EARLIER_ATTEMPTS_MAX: u32 = 64;

pub struct Folder {
    base: PathBuf,
    /// Held from looking whether the final name is free until it is taken.
    naming: Mutex<()>,
}

impl Folder {
    /// `base` must exist; folders below it are made when a file first needs them.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self {
            base: base.into(),
            naming: Mutex::new(()),
        }
    }

    /// Writes the file and answers `folder/name`. One that is there with the same content was delivered before.
    pub fn deliver(&self, delivery: &Delivery, folder: &str, name: &str, body: &[u8]) -> Result<String, CourierError> {
        let folders = path_of(folder)?;
        check_name("file name", name)?;
        check_name("tenant", delivery.tenant.as_str())?;
        check_name("effect id", delivery.effect.as_str())?;
        let inside = make_folders(
            &self.base,
            std::iter::once(delivery.tenant.as_str()).chain(folders.iter().copied()),
        )?;
        let answer = format!("{}/{name}", folders.join("/"));
        let target = inside.join(name);
        if is_delivered(&target, body, &answer)? {
            sync_folder(&inside).map_err(|error| retry(&inside, &error))?;
            return Ok(answer);
        }
        let temporary = |attempt| inside.join(format!(".{}.{attempt}.tmp", delivery.effect));
        for earlier in delivery.attempt.saturating_sub(EARLIER_ATTEMPTS_MAX)..delivery.attempt {
            remove(&temporary(earlier)).map_err(|error| retry(&inside, &error))?;
        }
        let written = temporary(delivery.attempt);
        write_synced(&written, body).map_err(|error| retry(&written, &error))?;
        let named = self.take_name(&written, &target, body, &answer);
        if named.is_err() {
            // What is left of it is cleared by the next attempt, or passed by as a dot file.
            remove(&written).map_err(|error| retry(&written, &error))?;
        }
        named?;
        sync_folder(&inside).map_err(|error| retry(&inside, &error))?;
        Ok(answer)
    }

    fn take_name(&self, written: &Path, target: &Path, body: &[u8], answer: &str) -> Result<(), CourierError> {
        let _naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        if is_delivered(target, body, answer)? {
            return remove(written).map_err(|error| retry(written, &error));
        }
        fs::rename(written, target).map_err(|error| retry(target, &error))
    }
}

/// The parts of a relative folder, each of them a plain name.
fn path_of(folder: &str) -> Result<Vec<&str>, CourierError> {
    let parts: Vec<&str> = folder.split('/').collect();
    if parts.len() > DEPTH_MAX {
        return Err(CourierError::Refused(format!(
            "folder {folder:?} is more than {DEPTH_MAX} deep"
        )));
    }
    for part in &parts {
        check_name("folder", part)?;
    }
    Ok(parts)
}

/// One plain name: no separator, no way up, nothing hidden, nothing a terminal or another system reads otherwise.
fn check_name(what: &str, name: &str) -> Result<(), CourierError> {
    let is_plain = |it: char| !it.is_control() && !matches!(it, '/' | '\\' | ':');
    let is_fine = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('.')
        && !name.ends_with(['.', ' '])
        && name.chars().all(is_plain);
    if is_fine {
        return Ok(());
    }
    Err(CourierError::Refused(format!(
        "{what} {name:?} is not a plain name within the outbound folder: no separators, no leading dot. \
         Correct it under Partners."
    )))
}

/// Goes down from `base`, making what is missing. A part that is a link or a file is refused.
fn make_folders<'a>(base: &Path, parts: impl Iterator<Item = &'a str>) -> Result<PathBuf, CourierError> {
    let mut at = base.to_owned();
    for part in parts {
        let next = at.join(part);
        match fs::symlink_metadata(&next) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                let reason = format!("{part:?} is there and is no folder: remove it from the outbound folder");
                return Err(CourierError::Refused(reason));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_folder(&at, &next).map_err(|error| retry(&next, &error))?;
            }
            Err(error) => return Err(retry(&next, &error)),
        }
        at = next;
    }
    Ok(at)
}

fn make_folder(parent: &Path, folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        // Another delivery was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(parent),
    }
}

/// Whether the file is there with this content. With other content it is refused.
fn is_delivered(target: &Path, body: &[u8], answer: &str) -> Result<bool, CourierError> {
    let found = match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(retry(target, &error)),
        Ok(found) => found,
    };
    let same_length = u64::try_from(body.len()).is_ok_and(|it| it == found.len());
    if found.is_file() && same_length && holds(target, body).map_err(|error| retry(target, &error))? {
        return Ok(true);
    }
    let reason =
        format!("{answer} is there already with other content: it stays as it is. Move it away to send this one.");
    Err(CourierError::Refused(reason))
}

fn holds(file: &Path, body: &[u8]) -> io::Result<bool> {
    let open = File::open(file)?;
    let mut held = Vec::with_capacity(body.len());
    (&open).take(body.len() as u64 + 1).read_to_end(&mut held)?;
    if held != body {
        return Ok(false);
    }
    // Whoever wrote it may have died before it was durable.
    open.sync_all()?;
    Ok(true)
}

fn write_synced(file: &Path, body: &[u8]) -> io::Result<()> {
    // Made anew each time: whatever lies there, a link included, is removed and not written through.
    remove(file)?;
    let mut open = OpenOptions::new().write(true).create_new(true).open(file)?;
    open.write_all(body)?;
    open.sync_all()
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn retry(at: &Path, error: &io::Error) -> CourierError {
    CourierError::Retry(format!("{}: {error}", at.display()))
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
