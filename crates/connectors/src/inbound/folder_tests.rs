//! When a file is taken, where it goes, and what a crash leaves. Time is an argument: nothing here waits.

use super::*;
use tempfile::TempDir;

struct Place {
    root: TempDir,
    watched: Watched,
}

fn place() -> Place {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("ten_a/edi")).unwrap();
    let watched = Watched::with_limit(root.path(), 100);
    Place { root, watched }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

impl Place {
    fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    fn put(&self, relative: &str, content: &[u8]) {
        fs::write(self.path(relative), content).unwrap();
    }

    /// One poll whose receiver takes everything. Answers what it was offered.
    fn poll(&mut self) -> Vec<String> {
        self.poll_with(|_| Ok(())).0
    }

    fn poll_with(&mut self, mut answer: impl FnMut(&Found) -> Result<(), ReceiveError>) -> (Vec<String>, Polled) {
        let mut offered = Vec::new();
        let mut receive = |found: &Found| {
            assert_eq!(found.size as usize, found.bytes.len());
            assert_eq!(fs::read(&found.path).unwrap(), found.bytes);
            let text = String::from_utf8_lossy(&found.bytes);
            offered.push(format!("{}/{}/{}={text}", found.tenant, found.source, found.name));
            answer(found)
        };
        let polled = self.watched.poll(now(), &mut receive);
        (offered, polled)
    }

    /// The files of a source's folder.
    fn tree(&self, relative: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.path(relative)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if fs::symlink_metadata(&path).unwrap().is_dir() {
                    open.push(path);
                } else {
                    found.push(
                        path.strip_prefix(self.path(relative))
                            .unwrap()
                            .to_str()
                            .unwrap()
                            .to_owned(),
                    );
                }
            }
        }
        found.sort();
        found
    }
}

#[test]
fn a_file_is_taken_once_it_has_stopped_growing() {
    let mut place = place();
    place.put("ten_a/edi/204.edi", b"ISA");
    assert!(place.poll().is_empty());
    place.put("ten_a/edi/204.edi", b"ISA*00*");
    assert!(place.poll().is_empty());
    place.put("ten_a/edi/204.edi", b"ISA*00*~IEA");
    assert!(place.poll().is_empty());
    assert_eq!(place.poll(), ["ten_a/edi/204.edi=ISA*00*~IEA"]);
    assert_eq!(place.tree("ten_a/edi"), [".done/204.edi"]);
    assert!(place.poll().is_empty());
}

#[test]
fn a_file_rewritten_at_the_same_size_waits_too() {
    let mut place = place();
    place.put("ten_a/edi/a", b"one");
    place.poll();
    let later = SystemTime::now() + Duration::from_secs(7);
    place.put("ten_a/edi/a", b"two");
    File::options()
        .write(true)
        .open(place.path("ten_a/edi/a"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    assert!(place.poll().is_empty());
    assert_eq!(place.poll(), ["ten_a/edi/a=two"]);
}

#[test]
fn a_file_that_changes_between_look_and_claim_is_put_back() {
    let place = place();
    place.put("ten_a/edi/a", b"short");
    let expected = look(&fs::symlink_metadata(place.path("ten_a/edi/a")).unwrap());
    place.put("ten_a/edi/a", b"longer by now");
    fs::create_dir(place.path("ten_a/edi/.claimed")).unwrap();
    let claimed = claim(&place.path("ten_a/edi/a"), &expected, &place.path("ten_a/edi/.claimed")).unwrap();
    assert_eq!(claimed, None);
    assert_eq!(place.tree("ten_a/edi"), ["a"]);
    assert_eq!(
        claim(
            &place.path("ten_a/edi/gone"),
            &expected,
            &place.path("ten_a/edi/.claimed")
        )
        .unwrap(),
        None
    );
}

#[test]
fn what_is_unfinished_hidden_empty_or_no_file_is_passed_by() {
    let mut place = place();
    let left = [
        ".hidden",
        "a.PART",
        "a.crdownload",
        "a.edi.filepart",
        "a.edi~",
        "a.tmp",
        "b.partial",
        "c.uploading",
    ];
    for name in left {
        place.put(&format!("ten_a/edi/{name}"), b"x");
    }
    place.put("ten_a/edi/empty", b"");
    fs::create_dir(place.path("ten_a/edi/folder")).unwrap();
    place.put("ten_a/stray", b"x");
    place.put("stray", b"x");
    for _ in 0..3 {
        assert!(place.poll().is_empty());
    }
    assert_eq!(place.tree("ten_a/edi").len(), left.len() + 1);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let mut place = place();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), b"precious").unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), place.path("ten_a/edi/a")).unwrap();
    std::os::unix::fs::symlink(outside.path(), place.path("ten_a/linked")).unwrap();
    for _ in 0..3 {
        assert!(place.poll().is_empty());
    }
}

#[cfg(unix)]
#[test]
fn links_among_our_own_folders_are_not_followed() {
    use std::os::unix::fs::symlink;
    let mut place = place();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, b"precious").unwrap();

    // A reason that would be written through a link.
    fs::create_dir(place.path("ten_a/edi/.failed")).unwrap();
    symlink(&victim, place.path("ten_a/edi/.failed/a.reason.txt")).unwrap();
    place.put("ten_a/edi/a", b"x");
    place.poll();
    place.poll_with(|_| Err(ReceiveError::Refuse("no".to_owned())));
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(fs::read(place.path("ten_a/edi/.failed/a.reason.txt")).unwrap(), b"no\n");

    // A claimed file exchanged for a link.
    let source = Source {
        tenant: TenantId::from("ten_a"),
        name: "edi".to_owned(),
        folder: place.path("ten_a/edi"),
    };
    symlink(&victim, place.path("ten_a/edi/.claimed/b")).unwrap();
    let read = read(&source, &place.path("ten_a/edi/.claimed/b"), 100).unwrap();
    assert!(matches!(read, Read::Unfit(_)));

    // A folder of ours that leads elsewhere.
    fs::remove_dir_all(place.path("ten_a/edi/.claimed")).unwrap();
    symlink(outside.path(), place.path("ten_a/edi/.claimed")).unwrap();
    place.put("ten_a/edi/c", b"x");
    place.poll();
    let (offered, polled) = place.poll_with(|_| Ok(()));
    assert_eq!((offered.len(), polled.troubles.len()), (0, 1));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn sources_and_tenants_are_told_apart_and_the_oldest_comes_first() {
    let mut place = place();
    for folder in ["ten_a/json", "ten_b/edi", ".lost/edi", "ten_b/.git"] {
        fs::create_dir_all(place.path(folder)).unwrap();
        place.put(&format!("{folder}/x"), folder.as_bytes());
    }
    for (name, age_s) in [("new", 10), ("old", 30), ("mid", 20)] {
        place.put(&format!("ten_a/edi/{name}"), name.as_bytes());
        let file = File::options()
            .write(true)
            .open(place.path(&format!("ten_a/edi/{name}")))
            .unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age_s))
            .unwrap();
    }
    place.poll();
    let expected = [
        "ten_a/edi/old=old",
        "ten_a/edi/mid=mid",
        "ten_a/edi/new=new",
        "ten_a/json/x=ten_a/json",
        "ten_b/edi/x=ten_b/edi",
    ];
    assert_eq!(place.poll(), expected);
}

#[test]
fn a_refused_file_rests_with_its_reason() {
    let mut place = place();
    place.put("ten_a/edi/a", b"x");
    place.poll();
    let (_, polled) = place.poll_with(|_| Err(ReceiveError::Refuse("no such source".to_owned())));
    assert_eq!(
        polled,
        Polled {
            failed: 1,
            ..Polled::default()
        }
    );
    assert_eq!(place.tree("ten_a/edi"), [".failed/a", ".failed/a.reason.txt"]);
    assert_eq!(
        fs::read_to_string(place.path("ten_a/edi/.failed/a.reason.txt")).unwrap(),
        "no such source\n"
    );
}

#[test]
fn a_file_that_is_too_large_is_never_offered() {
    let mut place = place();
    place.put("ten_a/edi/fits", &[b'x'; 100]);
    place.put("ten_a/edi/large", &[b'x'; 101]);
    place.poll();
    assert_eq!(place.poll().len(), 1);
    assert_eq!(
        place.tree("ten_a/edi"),
        [".done/fits", ".failed/large", ".failed/large.reason.txt"]
    );
    assert!(
        fs::read_to_string(place.path("ten_a/edi/.failed/large.reason.txt"))
            .unwrap()
            .starts_with("larger than 100")
    );
}

#[test]
fn a_file_not_received_now_stays_claimed_and_keeps_its_place() {
    let mut place = place();
    for (name, age_s) in [("first", 20), ("second", 10)] {
        place.put(&format!("ten_a/edi/{name}"), name.as_bytes());
        let file = File::options()
            .write(true)
            .open(place.path(&format!("ten_a/edi/{name}")))
            .unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age_s))
            .unwrap();
    }
    place.poll();
    for _ in 0..2 {
        let (offered, polled) = place.poll_with(|_| Err(ReceiveError::Retry("the store is full".to_owned())));
        assert_eq!(offered, ["ten_a/edi/first=first"]);
        assert_eq!(
            polled,
            Polled {
                waiting: 1,
                ..Polled::default()
            }
        );
        assert_eq!(place.tree("ten_a/edi"), [".claimed/first", "second"]);
    }
    assert_eq!(place.poll(), ["ten_a/edi/first=first", "ten_a/edi/second=second"]);
    assert_eq!(place.tree("ten_a/edi"), [".done/first", ".done/second"]);
}

#[test]
fn what_a_crash_left_claimed_is_offered_again_at_once() {
    let mut place = place();
    place.put("ten_a/edi/a", b"x");
    place.poll();
    let crashed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        place.poll_with(|_| panic!("power cut"))
    }));
    assert!(crashed.is_err());
    assert_eq!(place.tree("ten_a/edi"), [".claimed/a"]);
    place.watched = Watched::with_limit(place.root.path(), 100);
    assert_eq!(place.poll(), ["ten_a/edi/a=x"]);
    assert_eq!(place.tree("ten_a/edi"), [".done/a"]);
}

#[test]
fn a_name_used_again_covers_nothing() {
    let mut place = place();
    for content in ["one", "two", "three"] {
        place.put("ten_a/edi/204.edi", content.as_bytes());
        place.poll();
        assert_eq!(place.poll(), [format!("ten_a/edi/204.edi={content}")]);
    }
    let kept = place.tree("ten_a/edi");
    assert_eq!(
        kept,
        [
            ".done/1700000000000-1-204.edi",
            ".done/1700000000000-2-204.edi",
            ".done/204.edi"
        ]
    );
}

#[test]
fn one_busy_source_is_taken_in_portions() {
    let mut place = place();
    for number in 0..=TAKEN_MAX {
        place.put(&format!("ten_a/edi/{number:04}"), b"x");
    }
    place.poll();
    assert_eq!(place.poll().len(), TAKEN_MAX);
    assert_eq!(place.poll().len(), 1);
}

#[test]
fn a_folder_in_trouble_is_named_and_the_others_go_on() {
    let mut place = place();
    fs::create_dir(place.path("ten_a/json")).unwrap();
    place.put("ten_a/edi/.claimed", b"a file where the folder belongs");
    place.put("ten_a/json/a", b"x");
    place.put("ten_a/edi/a", b"x");
    place.poll();
    let (offered, polled) = place.poll_with(|_| Ok(()));
    assert_eq!(offered, ["ten_a/json/a=x"]);
    assert!(
        polled.troubles.iter().all(|it| it.contains("ten_a/edi")) && polled.troubles.len() == 1,
        "{polled:?}"
    );

    let nowhere = Watched::new(place.path("missing")).poll(now(), &mut |_| Ok(()));
    assert_eq!(nowhere.troubles.len(), 1);
}

#[test]
fn a_source_is_made_under_its_tenant_only() {
    let place = place();
    let made = place.watched.make_source(&TenantId::from("ten_b"), "edi").unwrap();
    assert_eq!(made, place.path("ten_b/edi"));
    for (tenant, source) in [
        ("..", "edi"),
        ("ten_b", "../x"),
        ("ten_b", ""),
        ("a/b", "edi"),
        ("ten_b", ".claimed"),
    ] {
        assert!(
            place.watched.make_source(&TenantId::from(tenant), source).is_err(),
            "{tenant} {source}"
        );
    }
}
