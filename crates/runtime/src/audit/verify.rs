//! Offline verification of an export, against keys and checkpoints that its reader holds from elsewhere.
//!
//! Invariant: an export passes only if its entries, in this order and number, add up to a root that a trusted key
//! signed, and every held checkpoint of the same log is a prefix of it. Whoever holds the signing key can sign a
//! rewritten log; only a checkpoint held elsewhere shows that. Memory: one hash an entry that differs, no entries.

use super::base64;
use super::checkpoint::{self, Checkpoint};
use super::export::Export;
use super::note::VerifierKey;
use super::tree::{Hash, Head, Tree, leaf_hash, root_of};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Problems listed; the rest are counted.
const PROBLEMS_MAX: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub origin: String,
    /// Entries read.
    pub size: u64,
    /// Root over the entries read, base64.
    pub root: String,
    /// Witnesses whose keys were given, and when they saw the export's checkpoint, in seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
    /// Sizes of the held checkpoints that the export goes on from.
    pub held: Vec<u64>,
    pub problems: Vec<Problem>,
    /// Problems found beyond those listed.
    pub unlisted: u64,
}

impl Report {
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Place in the export where it shows, 0-based; for `Removed`, its place in the signed log.
    pub index: Option<u64>,
    pub what: What,
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The export, or a line of it, cannot be read.
    Unreadable,
    /// The checkpoint is not signed by a trusted key, or was altered.
    Untrusted,
    /// The entries do not add up to the signed root.
    RootDiffers,
    /// Fewer entries than signed, or than a checkpoint held elsewhere covers.
    Truncated,
    /// More entries than signed.
    Overlong,
    /// A checkpoint held elsewhere says that the log was different.
    Rewritten,
    /// A checkpoint held elsewhere cannot be used.
    HeldUnusable,
    Changed,
    Removed,
    Added,
    Moved,
    /// Entries of a stream do not follow one another.
    StreamGap,
    /// An entry of another tenant.
    OtherTenant,
}

/// Verifies a whole export in either form. `held` are checkpoint notes of the same log, kept outside of it.
pub fn verify(export: &[u8], keys: &[VerifierKey], held: &[&str]) -> Report {
    let end = export.iter().position(|it| *it == b'\n').unwrap_or(export.len());
    let first: Result<Export, _> = serde_json::from_slice(&export[..end]);
    let (header, lines) = match first {
        Ok(header) if header.entries.is_none() => (header, &export[(end + 1).min(export.len())..]),
        _ => match serde_json::from_slice(export) {
            Ok(document) => (document, &export[export.len()..]),
            Err(error) => {
                let why = format!("not an audit export: {error}");
                let problems = vec![Problem {
                    index: None,
                    what: What::Unreadable,
                    why,
                }];
                return Report {
                    problems,
                    ..Report::default()
                };
            }
        },
    };
    let mut verifier = Verifier::new(&header, keys, held);
    for entry in header.entries.iter().flatten() {
        verifier.entry(entry.as_bytes());
    }
    if !lines.is_empty() {
        let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
        lines.split(|it| *it == b'\n').for_each(|entry| verifier.entry(entry));
    }
    verifier.finish()
}

/// The same, fed an entry at a time.
pub struct Verifier {
    report: Report,
    tenant: String,
    tree: Tree,
    /// What the export claims, if a trusted key signed it.
    signed: Option<Head>,
    /// Heads held elsewhere, smallest first.
    held: Vec<Head>,
    /// Roots over as many entries as these heads cover.
    roots: BTreeMap<u64, Hash>,
    /// Leaf hashes that add up to the signed root.
    hashes: Option<Vec<Hash>>,
    /// Entries that are not what `hashes` has at their place.
    strays: Vec<(u64, Hash)>,
    streams: HashMap<String, Place>,
}

/// The last entry of a stream.
struct Place {
    index: u64,
    version: u64,
    part: u64,
    parts: u64,
}

/// What of an entry the order of its stream is told by.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    version: u64,
    after: u64,
    part: u64,
    parts: u64,
}

impl Verifier {
    /// `header` is an export's first line; its entries, if any, are not read here.
    pub fn new(header: &Export, keys: &[VerifierKey], held: &[&str]) -> Self {
        let mut verifier = Self {
            report: Report {
                origin: header.origin.clone(),
                ..Report::default()
            },
            tenant: header.tenant.clone(),
            tree: Tree::default(),
            signed: None,
            held: Vec::new(),
            roots: BTreeMap::new(),
            hashes: None,
            strays: Vec::new(),
            streams: HashMap::new(),
        };
        if let Some(checkpoint) = verifier.trusted(What::Untrusted, &header.checkpoint, keys) {
            verifier.signed = Some(checkpoint.head);
            verifier.report.witnesses = checkpoint.witnesses;
            verifier.take_hashes(header, &checkpoint.head);
        }
        for note in held {
            if let Some(checkpoint) = verifier.trusted(What::HeldUnusable, note, keys) {
                verifier.held.push(checkpoint.head);
            }
        }
        verifier.held.sort_by_key(|it| it.size);
        let sizes: Vec<u64> = verifier.heads().map(|it| it.size).collect();
        verifier.roots = sizes.into_iter().map(|size| (size, Tree::default().root())).collect();
        verifier
    }

    /// The next entry, byte for byte as it was logged.
    pub fn entry(&mut self, entry: &[u8]) {
        let index = self.tree.size();
        let hash = leaf_hash(entry);
        self.tree.push(hash);
        if let Some(root) = self.roots.get_mut(&(index + 1)) {
            *root = self.tree.root();
        }
        if let Some(hashes) = &self.hashes
            && hashes.get(index as usize) != Some(&hash)
        {
            self.strays.push((index, hash));
        }
        match serde_json::from_slice(entry) {
            Ok(fields) => self.follow(index, &fields),
            Err(error) => self.problem(Some(index), What::Unreadable, format!("not an audit entry: {error}")),
        }
    }

    pub fn finish(mut self) -> Report {
        self.report.size = self.tree.size();
        self.report.root = base64::encode(&self.tree.root());
        self.end_streams();
        self.check_signed();
        self.check_held();
        self.locate();
        self.report.problems.sort_by_key(|it| (it.index, it.what));
        self.report
    }

    fn heads(&self) -> impl Iterator<Item = &Head> {
        self.signed.iter().chain(&self.held)
    }

    fn problem(&mut self, index: Option<u64>, what: What, why: String) {
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(Problem { index, what, why });
        } else {
            self.report.unlisted += 1;
        }
    }

    /// A checkpoint of this log that a trusted key signed; otherwise `what` is reported.
    fn trusted(&mut self, what: What, note: &str, keys: &[VerifierKey]) -> Option<Checkpoint> {
        match checkpoint::open(note, keys) {
            Ok(checkpoint) if checkpoint.origin == self.report.origin => return Some(checkpoint),
            Ok(other) => {
                let why = format!(
                    "a checkpoint of {} says nothing about {}",
                    other.origin, self.report.origin
                );
                self.problem(None, what, why);
            }
            Err(error) => self.problem(None, what, error.to_string()),
        }
        None
    }

    fn take_hashes(&mut self, header: &Export, signed: &Head) {
        if header.leaf_hashes.is_none() {
            return;
        }
        let hashes = header
            .hashes()
            .filter(|it| it.len() as u64 == signed.size && root_of(it) == signed.root);
        if hashes.is_none() {
            self.problem(
                None,
                What::RootDiffers,
                "the leaf hashes do not add up to the signed root".to_owned(),
            );
        }
        self.hashes = hashes;
    }

    /// Holds an entry against the one before it in its stream.
    fn follow(&mut self, index: u64, entry: &Fields<'_>) {
        if entry.tenant != self.tenant {
            let why = format!(
                "this entry is of tenant {}, the export of {}",
                entry.tenant, self.tenant
            );
            self.problem(Some(index), What::OtherTenant, why);
        }
        let place = Place {
            index,
            version: entry.version,
            part: entry.part,
            parts: entry.parts,
        };
        let last = match self.streams.get_mut(entry.stream.as_ref()) {
            Some(known) => std::mem::replace(known, place),
            None => {
                self.streams.insert(entry.stream.to_string(), place);
                Place {
                    index,
                    version: 0,
                    part: 0,
                    parts: 0,
                }
            }
        };
        if let Some(gap) = gap(&last, entry) {
            self.problem(Some(index), What::StreamGap, format!("{}: {gap}", entry.stream));
        }
    }

    fn end_streams(&mut self) {
        let cut = self.streams.iter().filter(|(_, last)| last.part < last.parts);
        let mut cut: Vec<(u64, String)> = cut
            .map(|(stream, last)| {
                let Place {
                    version, part, parts, ..
                } = last;
                (
                    last.index,
                    format!("{stream}: version {version} ends at its entry {part} of {parts}"),
                )
            })
            .collect();
        cut.sort();
        for (index, why) in cut {
            self.problem(Some(index), What::StreamGap, why);
        }
    }

    fn check_signed(&mut self) {
        let Some(signed) = self.signed else { return };
        let size = self.tree.size();
        if size < signed.size {
            let why = format!("the export has {size} entries, the signed log has {}", signed.size);
            return self.problem(Some(size), What::Truncated, why);
        }
        if size > signed.size {
            let why = format!("the export has {size} entries, and only {} are signed", signed.size);
            self.problem(Some(signed.size), What::Overlong, why);
        }
        if self.roots.get(&signed.size) != Some(&signed.root) {
            let why = "the entries do not add up to the signed root".to_owned();
            self.problem(None, What::RootDiffers, why);
        }
    }

    fn check_held(&mut self) {
        let size = self.tree.size();
        let mut agreed = 0;
        for held in std::mem::take(&mut self.held) {
            let covered = held.size;
            if covered > size {
                let why = format!("the export ends after {size} entries; a checkpoint held elsewhere covers {covered}");
                self.problem(Some(size), What::Truncated, why);
            } else if self.roots.get(&covered) == Some(&held.root) {
                self.report.held.push(covered);
                agreed = covered;
            } else {
                let why = format!(
                    "the first {covered} entries are not those a checkpoint held elsewhere was signed over; \
                     the first {agreed} are"
                );
                self.problem(Some(agreed), What::Rewritten, why);
            }
        }
    }

    /// Names the entries that are not what the signed leaf hashes say.
    fn locate(&mut self) {
        let Some(hashes) = self.hashes.take() else { return };
        let (size, strays) = (self.tree.size(), std::mem::take(&mut self.strays));
        let logged = hashes.len() as u64;
        let unmet = strays
            .iter()
            .map(|(index, _)| *index)
            .filter(|it| *it < logged)
            .chain(size..logged);
        let mut missing: BTreeSet<(Hash, u64)> = unmet.map(|it| (hashes[it as usize], it)).collect();
        let (mut unknown, mut furthest) = (Vec::new(), 0);
        for (index, hash) in strays {
            let Some((hash, place)) = missing.range((hash, 0)..=(hash, u64::MAX)).next().copied() else {
                unknown.push(index);
                continue;
            };
            missing.remove(&(hash, place));
            if place < furthest {
                let why = format!("this is entry {place} of the signed log, out of its order");
                self.problem(Some(index), What::Moved, why);
            }
            furthest = furthest.max(place);
        }
        let mut missing: BTreeSet<u64> = missing.into_iter().map(|(_, index)| index).collect();
        for index in unknown {
            if missing.remove(&index) {
                self.problem(
                    Some(index),
                    What::Changed,
                    "this entry is not the one that was signed here".to_owned(),
                );
            } else {
                self.problem(
                    Some(index),
                    What::Added,
                    "this entry is not in the signed log".to_owned(),
                );
            }
        }
        for index in missing {
            let why = format!("entry {index} of the signed log is not in the export");
            self.problem(Some(index), What::Removed, why);
        }
    }
}

/// Why an entry cannot follow the last one of its stream, if it cannot.
fn gap(last: &Place, entry: &Fields<'_>) -> Option<String> {
    let Fields {
        version,
        after,
        part,
        parts,
        ..
    } = *entry;
    if part == 0 || part > parts || after >= version {
        return Some(format!(
            "entry {part} of {parts} of version {version} after {after} makes no sense"
        ));
    }
    if version == last.version && parts == last.parts && part == last.part + 1 {
        return None;
    }
    if version == last.version {
        return Some(format!(
            "version {version} jumps from its entry {} to {part} of {parts}",
            last.part
        ));
    }
    if after != last.version {
        return Some(format!(
            "version jumps from {} to {version}, which follows {after}",
            last.version
        ));
    }
    if last.part < last.parts {
        return Some(format!(
            "version {after} ends at its entry {} of {}",
            last.part, last.parts
        ));
    }
    (part != 1).then(|| format!("version {version} starts at its entry {part} of {parts}"))
}
