//! Names that lead elsewhere, files that are there already, and what a crash leaves behind.

use super::*;
use signalbox_model::id::{EffectId, TenantId};
use signalbox_runtime::ports::Payload;
use tempfile::TempDir;

struct Place {
    base: TempDir,
    courier: Folder,
}

fn place() -> Place {
    let base = tempfile::tempdir().unwrap();
    let courier = Folder::new(base.path());
    Place { base, courier }
}

impl Place {
    fn send(&self, attempt: u32, folder: &str, name: &str, body: &[u8]) -> Result<String, CourierError> {
        self.send_for("ten_a", attempt, folder, name, body)
    }

    fn send_for(
        &self,
        tenant: &str,
        attempt: u32,
        folder: &str,
        name: &str,
        body: &[u8],
    ) -> Result<String, CourierError> {
        let payload = Payload::File {
            folder: folder.to_owned(),
            name: name.to_owned(),
            body: body.to_vec(),
        };
        let (tenant, effect) = (TenantId::from(tenant), EffectId::from("eff_1"));
        let delivery = Delivery {
            tenant,
            effect,
            attempt,
            unsure: 0,
            payload,
            traceparent: None,
        };
        self.courier.deliver(&delivery, folder, name, body)
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.base.path().join("ten_a").join(relative)
    }

    /// Everything below the base, sorted, folders with a slash.
    fn tree(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.base.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path
                    .strip_prefix(self.base.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                if fs::symlink_metadata(&path).unwrap().is_dir() {
                    open.push(path);
                } else {
                    found.push(name);
                }
            }
        }
        found.sort();
        found
    }
}

fn refused(result: &Result<String, CourierError>) -> bool {
    matches!(result, Err(CourierError::Refused(_)))
}

#[test]
fn a_file_is_there_whole_and_nothing_else() {
    let place = place();
    assert_eq!(place.send(1, "swft", "204_1.edi", b"ISA*00").unwrap(), "swft/204_1.edi");
    assert_eq!(place.send(1, "swft/in", "empty.edi", b"").unwrap(), "swft/in/empty.edi");
    assert_eq!(place.tree(), ["ten_a/swft/204_1.edi", "ten_a/swft/in/empty.edi"]);
    assert_eq!(fs::read(place.path("swft/204_1.edi")).unwrap(), b"ISA*00");
}

#[test]
fn a_second_delivery_of_the_same_is_no_second_file() {
    let place = place();
    for attempt in 1..4 {
        assert_eq!(place.send(attempt, "swft", "a.edi", b"same").unwrap(), "swft/a.edi");
    }
    assert_eq!(place.tree(), ["ten_a/swft/a.edi"]);
}

#[test]
fn other_content_under_the_name_is_refused_and_stays() {
    let place = place();
    place.send(1, "swft", "a.edi", b"first").unwrap();
    for other in [&b"other"[..], b"first and more", b"", b"fir"] {
        assert!(refused(&place.send(1, "swft", "a.edi", other)));
    }
    assert_eq!(fs::read(place.path("swft/a.edi")).unwrap(), b"first");
    assert_eq!(place.tree(), ["ten_a/swft/a.edi"]);
}

#[test]
fn a_crash_before_the_rename_leaves_nothing_that_stays() {
    let place = place();
    place.send(1, "swft", "a.edi", b"x").unwrap();
    for attempt in 1..4 {
        fs::write(place.path(&format!("swft/.eff_1.{attempt}.tmp")), b"half a fi").unwrap();
    }
    assert_eq!(place.send(3, "swft", "b.edi", b"whole file").unwrap(), "swft/b.edi");
    assert_eq!(place.tree(), ["ten_a/swft/a.edi", "ten_a/swft/b.edi"]);
    assert_eq!(fs::read(place.path("swft/b.edi")).unwrap(), b"whole file");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let place = place();
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    let names = [
        "",
        ".",
        "..",
        "../a",
        "a/b",
        "/a",
        "/etc/passwd",
        "a/",
        "a\\b",
        "..\\a",
        "C:\\a",
        "C:a",
        "a:stream",
        "a\0b",
        "\0",
        "a\nb",
        "a\x1b[2Jb",
        ".hidden",
        "..a",
        "a.",
        "a ",
        "a\u{7f}b",
        long.as_str(),
    ];
    for name in names {
        assert!(refused(&place.send(1, "swft", name, b"x")), "name {name:?}");
        assert!(refused(&place.send_for(name, 1, "swft", "a", b"x")), "tenant {name:?}");
    }
    let deep = ["d"; DEPTH_MAX + 1].join("/");
    let folders = [
        "",
        "/",
        "/etc",
        "..",
        "../other",
        "a/../..",
        "a/..",
        "a/../b",
        "./a",
        "a/.",
        "a//b",
        "a/",
        "\\etc",
        "a\\..\\b",
        "C:/a",
        "a\0",
        ".claimed",
        "a/.git",
        "~/../a",
        "//host/share",
        deep.as_str(),
        long.as_str(),
    ];
    for folder in folders {
        assert!(refused(&place.send(1, folder, "a.edi", b"x")), "folder {folder:?}");
    }
    assert_eq!(place.tree(), Vec::<String>::new());
}

#[test]
fn two_tenants_with_one_folder_name_do_not_meet() {
    let place = place();
    place.send_for("ten_a", 1, "swft", "a.edi", b"of a").unwrap();
    place.send_for("ten_b", 1, "swft", "a.edi", b"of b").unwrap();
    assert_eq!(place.tree(), ["ten_a/swft/a.edi", "ten_b/swft/a.edi"]);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let (place, outside) = (place(), tempfile::tempdir().unwrap());
    place.send(1, "swft", "a.edi", b"x").unwrap();

    symlink(outside.path(), place.path("linked")).unwrap();
    assert!(refused(&place.send(1, "linked", "b.edi", b"x")));
    assert!(refused(&place.send(1, "linked/sub", "b.edi", b"x")));

    let victim = outside.path().join("victim");
    fs::write(&victim, b"precious").unwrap();
    symlink(&victim, place.path("swft/c.edi")).unwrap();
    assert!(refused(&place.send(1, "swft", "c.edi", b"precious")));

    symlink(&victim, place.path("swft/.eff_1.1.tmp")).unwrap();
    assert_eq!(place.send(1, "swft", "d.edi", b"new").unwrap(), "swft/d.edi");
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(!fs::symlink_metadata(place.path("swft/d.edi")).unwrap().is_symlink());
}

#[test]
fn a_file_where_a_folder_should_be_is_refused_and_a_missing_base_is_tried_again() {
    let place = place();
    place.send(1, "swft", "a.edi", b"x").unwrap();
    assert!(refused(&place.send(1, "swft/a.edi", "b.edi", b"x")));
    fs::create_dir(place.path("swft/folder.edi")).unwrap();
    assert!(refused(&place.send(1, "swft", "folder.edi", b"x")));

    let gone = Place {
        courier: Folder::new(place.base.path().join("not mounted")),
        base: place.base,
    };
    assert!(matches!(
        gone.send(1, "swft", "a.edi", b"x"),
        Err(CourierError::Retry(_))
    ));
}

#[test]
fn of_many_that_want_one_name_one_has_it() {
    let place = place();
    let won: usize = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..8_u8)
            .map(|number| {
                let place = &place;
                let deliver = move || {
                    let (tenant, effect) = (TenantId::from("ten_a"), EffectId(format!("eff_{number}")));
                    let payload = Payload::File {
                        folder: String::new(),
                        name: String::new(),
                        body: Vec::new(),
                    };
                    let delivery = Delivery {
                        tenant,
                        effect,
                        attempt: 1,
                        unsure: 0,
                        payload,
                        traceparent: None,
                    };
                    place
                        .courier
                        .deliver(&delivery, "swft", "a.edi", &[number; 100])
                        .is_ok()
                };
                scope.spawn(deliver)
            })
            .collect();
        attempts.into_iter().map(|it| usize::from(it.join().unwrap())).sum()
    });
    assert_eq!(won, 1);
    assert_eq!(place.tree(), ["ten_a/swft/a.edi"]);
}
