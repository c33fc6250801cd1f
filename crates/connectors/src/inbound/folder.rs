//! Watched folders: `<root>/<tenant>/<source>/`, where partners put files.
//!
//! Invariant: a file is taken once it has stopped growing, and leaves `.claimed` only after the runtime has it durably
//! or has said that it never will. What a crash leaves in `.claimed` is offered again; the runtime knows it by its
//! content. So no rename here needs to be durable.
//!
//! ```text
//! ten_a/edi/204.edi            put here by the partner
//! ten_a/edi/.claimed/204.edi   taken, not yet received
//! ten_a/edi/.done/204.edi      received; the operator decides how long it is kept
//! ten_a/edi/.failed/204.edi    never received, with 204.edi.reason.txt beside it
//! ```
//!
//! Empty files are left alone: an upload that has only begun looks the same. Links are not followed, wherever a partner
//! may have put them: a file of ours can be neither read nor overwritten through this folder.

use jiff::Timestamp;
use signalbox_model::id::TenantId;
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long to wait between two polls. A file is taken at the second poll that finds it unchanged.
pub const POLL_EVERY: Duration = Duration::from_secs(2);

/// The largest file taken.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Files looked at in one folder in one poll; the rest have their turn when these are gone.
const LISTED_MAX: usize = 10_000;
/// Files taken from one folder in one poll, so that one busy source holds up no other.
const TAKEN_MAX: usize = 256;
/// Files of one name settled in one instant.
const SAME_NAME_MAX: u32 = 1_000;

const CLAIMED: &str = ".claimed";
const DONE: &str = ".done";
const FAILED: &str = ".failed";
/// What uploaders call files that are not finished, in lower case.
const UNFINISHED: &[&str] = &[
    ".tmp",
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".uploading",
    "~",
];

/// A file taken from a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub tenant: TenantId,
    pub source: String,
    pub name: String,
    /// Where it lies now.
    pub path: PathBuf,
    pub size: u64,
    pub bytes: Vec<u8>,
}

/// Why the runtime did not receive a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// Not now: it stays claimed and is offered again. The rest of its folder waits behind it.
    Retry(String),
    /// Never: it goes to `.failed` with this reason.
    Refuse(String),
}

/// Takes a file in. `Ok` means: it is durable.
pub type Receive<'a> = dyn FnMut(&Found) -> Result<(), ReceiveError> + 'a;

/// What one poll came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    pub received: u32,
    pub failed: u32,
    /// Offered, and to be offered again.
    pub waiting: u32,
    /// Folders that could not be read or written, and why: for the log and for health. Others were polled all the same.
    pub troubles: Vec<String>,
}

/// What is remembered of a file between two polls.
type Look = (u64, Option<SystemTime>);

pub struct Watched {
    root: PathBuf,
    file_bytes_max: u64,
    /// How the files looked last time, by folder and name.
    before: BTreeMap<PathBuf, BTreeMap<PathBuf, Look>>,
}

impl Watched {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_limit(root, FILE_BYTES_MAX)
    }

    pub fn with_limit(root: impl Into<PathBuf>, file_bytes_max: u64) -> Self {
        Self {
            root: root.into(),
            file_bytes_max,
            before: BTreeMap::new(),
        }
    }

    /// Makes a source's folder, so that a partner finds where to put files.
    pub fn make_source(&self, tenant: &TenantId, source: &str) -> io::Result<PathBuf> {
        if !is_plain_name(tenant.as_str()) || !is_plain_name(source) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{source:?} is no name for a folder"),
            ));
        }
        let folder = self.root.join(tenant.as_str()).join(source);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Looks at every source's folder once and offers what is complete. Files left claimed by a crash come first.
    pub fn poll(&mut self, now: Timestamp, receive: &mut Receive<'_>) -> Polled {
        let mut polled = Polled::default();
        let sources = match sources(&self.root) {
            Ok(sources) => sources,
            Err(error) => {
                polled.troubles.push(trouble(&self.root, &error));
                return polled;
            }
        };
        self.before
            .retain(|folder, _| sources.iter().any(|it| it.folder == *folder));
        for source in &sources {
            let before = self.before.remove(&source.folder).unwrap_or_default();
            match take_source(source, &before, self.file_bytes_max, now, receive, &mut polled) {
                Ok(looks) => drop(self.before.insert(source.folder.clone(), looks)),
                Err(error) => {
                    self.before.insert(source.folder.clone(), before);
                    polled.troubles.push(trouble(&source.folder, &error));
                }
            }
        }
        polled
    }
}

struct Source {
    tenant: TenantId,
    name: String,
    folder: PathBuf,
}

fn sources(root: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for (tenant, tenant_folder) in folders(root)? {
        for (name, folder) in folders(&tenant_folder)? {
            sources.push(Source {
                tenant: TenantId(tenant.clone()),
                name,
                folder,
            });
        }
    }
    Ok(sources)
}

/// Folders with plain names, links not followed, by name.
fn folders(parent: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().filter(|it| is_plain_name(it));
        if let Some(name) = name.filter(|_| entry.file_type().is_ok_and(|it| it.is_dir())) {
            folders.push((name, entry.path()));
        }
    }
    folders.sort();
    Ok(folders)
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

/// One source's turn: what is claimed already, then what has stopped growing. Answers how the folder looks now.
fn take_source(
    source: &Source,
    before: &BTreeMap<PathBuf, Look>,
    bytes_max: u64,
    now: Timestamp,
    receive: &mut Receive<'_>,
    polled: &mut Polled,
) -> io::Result<BTreeMap<PathBuf, Look>> {
    let claimed_folder = source.folder.join(CLAIMED);
    let mut claimed = if is_folder(&claimed_folder) {
        listed(&claimed_folder)?
    } else {
        Vec::new()
    };
    let candidates = scan(&source.folder, before)?;
    let mut looks = candidates.looks;
    if !claimed.is_empty() || !candidates.complete.is_empty() {
        for folder in [CLAIMED, DONE, FAILED] {
            make_folder(&source.folder.join(folder))?;
        }
    }
    claimed.truncate(TAKEN_MAX);
    let mut held = claimed.len();
    for (file, _) in &claimed {
        if !offer(source, file, bytes_max, now, receive, polled)? {
            return Ok(looks);
        }
    }
    for (file, look) in candidates.complete {
        if held == TAKEN_MAX {
            break;
        }
        held += 1;
        looks.remove(&file);
        let Some(claimed) = claim(&file, &look, &claimed_folder)? else {
            continue;
        };
        if !offer(source, &claimed, bytes_max, now, receive, polled)? {
            break;
        }
    }
    Ok(looks)
}

struct Scanned {
    /// Every candidate and how it looks now.
    looks: BTreeMap<PathBuf, Look>,
    /// Those that look as they did before, oldest first.
    complete: Vec<(PathBuf, Look)>,
}

fn scan(folder: &Path, before: &BTreeMap<PathBuf, Look>) -> io::Result<Scanned> {
    let found = listed(folder)?;
    let is_complete = |(file, look): &&(PathBuf, Look)| look.0 > 0 && before.get(file) == Some(look);
    let complete = found.iter().filter(is_complete).cloned().collect();
    Ok(Scanned {
        looks: found.into_iter().collect(),
        complete,
    })
}

/// The files of a folder that could be taken, oldest first. Links, folders, hidden and unfinished files are passed by.
fn listed(folder: &Path) -> io::Result<Vec<(PathBuf, Look)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if name.starts_with('.') || UNFINISHED.iter().any(|it| name.ends_with(it)) {
            continue;
        }
        // Gone since it was listed: the partner took it back.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            found.push((entry.path(), look(&metadata)));
        }
        if found.len() == LISTED_MAX {
            break;
        }
    }
    found.sort_by(|a, b| (a.1.1, &a.0).cmp(&(b.1.1, &b.0)));
    Ok(found)
}

fn look(metadata: &Metadata) -> Look {
    (metadata.len(), metadata.modified().ok())
}

/// Moves a file to `.claimed`. `None` where it has changed meanwhile, or an earlier one of its name is still there.
fn claim(file: &Path, expected: &Look, claimed_folder: &Path) -> io::Result<Option<PathBuf>> {
    let Some(name) = file.file_name() else { return Ok(None) };
    let claimed = claimed_folder.join(name);
    if fs::symlink_metadata(&claimed).is_ok() {
        return Ok(None);
    }
    match fs::rename(file, &claimed) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    }
    let metadata = fs::symlink_metadata(&claimed)?;
    if metadata.is_file() && look(&metadata) == *expected {
        return Ok(Some(claimed));
    }
    // Written to or exchanged at the last moment: it waits on, unless another has its name by now.
    if fs::symlink_metadata(file).is_err() {
        fs::rename(&claimed, file)?;
        return Ok(None);
    }
    Ok(metadata.is_file().then_some(claimed))
}

/// Offers a claimed file and settles it. False where it stays claimed.
fn offer(
    source: &Source,
    file: &Path,
    bytes_max: u64,
    now: Timestamp,
    receive: &mut Receive<'_>,
    polled: &mut Polled,
) -> io::Result<bool> {
    let found = match read(source, file, bytes_max)? {
        Read::Whole(found) => found,
        Read::Unfit(reason) => {
            polled.failed += 1;
            settle(source, file, Err(&reason), now)?;
            return Ok(true);
        }
    };
    match receive(&found) {
        Ok(()) => {
            polled.received += 1;
            settle(source, file, Ok(()), now)?;
        }
        Err(ReceiveError::Refuse(reason)) => {
            polled.failed += 1;
            settle(source, file, Err(&reason), now)?;
        }
        Err(ReceiveError::Retry(_)) => {
            polled.waiting += 1;
            return Ok(false);
        }
    }
    Ok(true)
}

enum Read {
    Whole(Found),
    /// It will not be read as it lies there: why.
    Unfit(String),
}

fn read(source: &Source, file: &Path, bytes_max: u64) -> io::Result<Read> {
    let open = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Ok(Read::Unfit(
                "we may not read it: give us the right to, and put it back".to_owned(),
            ));
        }
        other => other?,
    };
    if !is_what_lies_there(&open, file)? {
        return Ok(Read::Unfit("exchanged while it was taken".to_owned()));
    }
    let mut bytes = Vec::new();
    open.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    let size = bytes.len() as u64;
    if size > bytes_max {
        return Ok(Read::Unfit(format!(
            "larger than {bytes_max} bytes: split it, or send it another way"
        )));
    }
    Ok(Read::Whole(Found {
        tenant: source.tenant.clone(),
        source: source.name.clone(),
        name: file
            .file_name()
            .map(|it| it.to_string_lossy().into_owned())
            .unwrap_or_default(),
        path: file.to_owned(),
        size,
        bytes,
    }))
}

/// Whether what was opened is the plain file of that name, and not what a link in its place leads to.
fn is_what_lies_there(open: &File, file: &Path) -> io::Result<bool> {
    let (opened, lies) = (open.metadata()?, fs::symlink_metadata(file)?);
    Ok(opened.is_file() && lies.is_file() && is_same(&opened, &lies))
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    look(a) == look(b)
}

/// Moves a claimed file to where it rests, the reason of a failure beside it and before it.
fn settle(source: &Source, file: &Path, outcome: Result<(), &str>, now: Timestamp) -> io::Result<()> {
    let Some(name) = file.file_name() else { return Ok(()) };
    let folder = source.folder.join(if outcome.is_ok() { DONE } else { FAILED });
    let resting = free_name(&folder, Path::new(name), now);
    if let Err(reason) = outcome {
        let mut beside = resting.clone().into_os_string();
        beside.push(".reason.txt");
        write_anew(Path::new(&beside), format!("{reason}\n").as_bytes())?;
    }
    fs::rename(file, resting)
}

/// The name itself, or with the time and a number before it where files of that name rest there already.
fn free_name(folder: &Path, name: &Path, now: Timestamp) -> PathBuf {
    let plain = folder.join(name);
    let numbered = |number: u32| {
        let mut prefixed = std::ffi::OsString::from(format!("{}-{number}-", now.as_millisecond()));
        prefixed.push(name);
        folder.join(prefixed)
    };
    std::iter::once(plain.clone())
        .chain((1..SAME_NAME_MAX).map(numbered))
        .find(|it| fs::symlink_metadata(it).is_err())
        .unwrap_or_else(|| numbered(SAME_NAME_MAX))
}

/// Writes a new file: what lies there, a link included, is removed and not written through.
fn write_anew(file: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)?
        .write_all(content)
}

/// Makes one of our own folders. What else may lie there under its name is not used.
fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_folder(folder) => Ok(()),
        other => other,
    }
}

/// A folder itself, not a link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_dir())
}

fn trouble(at: &Path, error: &io::Error) -> String {
    format!("{}: {error}", at.display())
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
