//! The memory store's faults: what the simulator relies on.

use crate::fixtures::*;
use signalbox_runtime::memory::{Memory, Torn};
use signalbox_runtime::ports::{Store, StoreError};

#[test]
fn a_torn_append_stops_writing_and_the_crash_decides_what_is_left() {
    for (torn, left) in [(Torn::BeforeSync, 1), (Torn::AfterSync, 2)] {
        let memory = Memory::new();
        let epoch = memory.acquire("one").unwrap();
        memory.append(epoch, &[turn(ACME, "a")]).unwrap();
        memory.tear_next_append(torn);
        let lost = meets(receives(turn(ACME, "b"), "k", "msg_1", b"raw"), "sub_1", b"key");
        assert!(matches!(memory.append(epoch, &[lost]), Err(StoreError::Broken(_))));
        assert!(matches!(
            memory.append(epoch, &[turn(ACME, "c")]),
            Err(StoreError::Broken(_))
        ));
        assert!(memory.health().is_err());
        memory.crash_losing_unsynced();
        assert_eq!(memory.positions().unwrap().head, left);
        assert_eq!(memory.raw(&scope(ACME), 2).unwrap().is_some(), left == 2);
        assert_eq!(
            memory.subject_key(&scope(ACME), &"sub_1".into()).unwrap().is_some(),
            left == 2
        );
        let epoch = memory.acquire("two").unwrap();
        assert_eq!(memory.append(epoch, &[turn(ACME, "c")]).unwrap(), left + 1);
    }
}

#[test]
fn an_append_told_to_fail_writes_nothing() {
    let memory = Memory::new();
    let epoch = memory.acquire("one").unwrap();
    memory.fail_next_append(StoreError::Full("no room".to_owned()));
    memory.busy_for_next_appends(1);
    assert!(matches!(
        memory.append(epoch, &[turn(ACME, "a")]),
        Err(StoreError::Full(_))
    ));
    assert!(matches!(
        memory.append(epoch, &[turn(ACME, "a")]),
        Err(StoreError::Retry(_))
    ));
    assert_eq!(memory.append(epoch, &[turn(ACME, "a")]).unwrap(), 1);
}
