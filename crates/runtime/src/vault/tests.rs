//! What opens, what does not, and what stays erased.

use super::*;
use signalbox_model::answer::{Answer, AnswerAttempt};
use signalbox_model::attempt::Attempt;
use std::collections::BTreeMap;

fn vault(tenant: &str) -> TenantVault {
    Vault::new(MasterKey::new([7; 32]))
        .tenant(&TenantId::from(tenant))
        .unwrap()
}

/// Chance that can be repeated, and never twice the same.
fn chance() -> impl FnMut(&mut [u8]) {
    let mut count = 0_u64;
    move |bytes| {
        count += 1;
        bytes.copy_from_slice(&Sha256::digest(count.to_be_bytes())[..bytes.len()]);
    }
}

fn key(vault: &TenantVault, text: &str) -> SubjectKey {
    vault.new_key(&vault.subject(text), &mut chance()).unwrap()
}

#[test]
fn what_is_sealed_opens_and_sealing_again_gives_the_same_bytes() {
    let vault = vault("ten_a");
    for text in ["Ada Lovelace", "", "+1 555 010 0199", "ключ", &"x".repeat(70_000)] {
        let key = key(&vault, text);
        let sealed = vault.seal(text, Taint::Public, &key).unwrap();
        assert_eq!(vault.open(&sealed, Some(&key)).unwrap(), text);
        assert_eq!(vault.seal(text, Taint::Public, &key).unwrap(), sealed);
        assert_eq!(sealed.taint, Taint::Public);
    }
}

#[test]
fn another_tenant_opens_nothing() {
    let (ours, theirs) = (vault("ten_a"), vault("ten_b"));
    let key = key(&ours, "Ada");
    let sealed = ours.seal("Ada", Taint::System, &key).unwrap();
    assert!(matches!(theirs.open(&sealed, Some(&key)), Err(Error::Altered)));
    assert!(matches!(theirs.seal("Ada", Taint::System, &key), Err(Error::Altered)));
    assert_ne!(ours.subject("Ada"), theirs.subject("Ada"));
    assert_ne!(ours.signing_seed(), theirs.signing_seed());
    let message = MessageId::from("msg_1");
    let raw = ours.seal_bytes(&message, b"ISA*00").unwrap();
    assert!(matches!(theirs.open_bytes(&message, &raw), Err(Error::Altered)));
}

#[test]
fn another_master_key_opens_nothing() {
    let ours = vault("ten_a");
    let key = key(&ours, "Ada");
    let sealed = ours.seal("Ada", Taint::System, &key).unwrap();
    let other = Vault::new(MasterKey::new([8; 32]))
        .tenant(&TenantId::from("ten_a"))
        .unwrap();
    assert!(matches!(other.open(&sealed, Some(&key)), Err(Error::Altered)));
}

#[test]
fn a_key_serves_its_own_subject_only() {
    let vault = vault("ten_a");
    let (ada, bob) = (key(&vault, "Ada"), key(&vault, "Bob"));
    let sealed = vault.seal("Ada", Taint::System, &ada).unwrap();
    assert!(matches!(vault.open(&sealed, Some(&bob)), Err(Error::WrongSubject(_))));
    let renamed = SubjectKey {
        subject: bob.subject.clone(),
        wrapped: ada.wrapped.clone(),
    };
    let claimed = Sealed {
        subject: bob.subject.clone(),
        ..sealed
    };
    assert!(matches!(vault.open(&claimed, Some(&renamed)), Err(Error::Altered)));
}

#[test]
fn one_person_is_one_subject_however_written() {
    let vault = vault("ten_a");
    for (one, other) in [
        ("Ada  Lovelace", " ada lovelace\n"),
        ("ADA@Example.com", "ada@example.com"),
        ("+1 (207) 555-0100", "207.555.0100"),
        ("1-207-555-0100", "2075550100"),
        ("", "  "),
    ] {
        assert_eq!(vault.subject(one), vault.subject(other), "{one} and {other}");
    }
    for (one, other) in [
        ("Ada", "Bob"),
        ("2075550100", "2075550101"),
        ("ref 12", "12"),
        ("12-34", "1234"),
    ] {
        assert_ne!(vault.subject(one), vault.subject(other), "{one} and {other}");
    }
}

#[test]
fn an_erased_person_stays_erased_even_when_met_again() {
    let vault = vault("ten_a");
    let mut chance = chance();
    let subject = vault.subject("Ada");
    let first = vault.new_key(&subject, &mut chance).unwrap();
    let sealed = vault.seal("Ada", Taint::System, &first).unwrap();
    assert!(matches!(vault.open(&sealed, None), Err(Error::Erased(who)) if who == subject));
    let second = vault.new_key(&subject, &mut chance).unwrap();
    assert!(matches!(vault.open(&sealed, Some(&second)), Err(Error::Erased(_))));
    let again = vault.seal("Ada", Taint::System, &second).unwrap();
    assert_ne!(sealed.commitment, again.commitment);
    assert_eq!(vault.open(&again, Some(&second)).unwrap(), "Ada");
}

#[test]
fn every_changed_byte_is_found() {
    let vault = vault("ten_a");
    let key = key(&vault, "Ada");
    let sealed = vault.seal("Ada", Taint::System, &key).unwrap();
    let bytes = STANDARD.decode(&sealed.cipher).unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let changed = Sealed {
            cipher: STANDARD.encode(changed),
            ..sealed.clone()
        };
        assert!(vault.open(&changed, Some(&key)).is_err(), "byte {place}");
    }
    for cipher in ["", "AAAA", "not base64"] {
        let changed = Sealed {
            cipher: cipher.to_owned(),
            ..sealed.clone()
        };
        assert!(matches!(vault.open(&changed, Some(&key)), Err(Error::Altered)));
    }
    let changed = Sealed {
        commitment: hex::encode([0; 32]),
        ..sealed
    };
    assert!(matches!(vault.open(&changed, Some(&key)), Err(Error::Altered)));
}

#[test]
fn raw_bytes_open_under_their_own_message_only() {
    let vault = vault("ten_a");
    let (one, two) = (MessageId::from("msg_1"), MessageId::from("msg_2"));
    for bytes in [b"".as_slice(), b"ISA*00*", &[0; 100_000]] {
        let sealed = vault.seal_bytes(&one, bytes).unwrap();
        assert_eq!(vault.open_bytes(&one, &sealed).unwrap(), bytes);
        assert_eq!(vault.seal_bytes(&one, bytes).unwrap(), sealed);
        assert!(matches!(vault.open_bytes(&two, &sealed), Err(Error::Altered)));
        assert!(matches!(
            vault.open_bytes(&one, &sealed[..sealed.len() - 1]),
            Err(Error::Altered)
        ));
    }
    assert!(matches!(vault.open_bytes(&one, b"short"), Err(Error::Altered)));
}

#[test]
fn a_sealed_attempt_holds_no_plain_text_and_one_key_a_person() {
    let vault = vault("ten_a");
    let mut store: BTreeMap<SubjectId, SubjectKey> = BTreeMap::new();
    let answer = || {
        Attempt::Answer(AnswerAttempt {
            carrier: "SWFT".to_owned(),
            reference: "L1".to_owned(),
            offer: None,
            answer: Answer::Accept,
            reason: None,
            note: Some(Personal::plain("call Ada on 207-555-0100", Taint::Partner)),
            vehicle: None,
        })
    };
    let mut attempt = answer();
    assert!(serde_json::to_string(&attempt).is_err());
    let made = vault
        .seal_all(
            attempt.personal_mut(),
            &mut |it| Ok(store.get(it).cloned()),
            &mut chance(),
        )
        .unwrap();
    assert_eq!(made.len(), 1);
    let text = serde_json::to_string(&attempt).unwrap();
    assert!(!text.contains("Ada") && !text.contains("555"), "{text}");
    store.extend(made.into_iter().map(|it| (it.subject.clone(), it)));
    let mut again = answer();
    let made = vault
        .seal_all(
            again.personal_mut(),
            &mut |it| Ok(store.get(it).cloned()),
            &mut chance(),
        )
        .unwrap();
    assert!(made.is_empty());
    assert_eq!(attempt, again);
    let failed = vault.seal_all(
        answer().personal_mut(),
        &mut |_| Err(StoreError::Retry("busy".into())),
        &mut chance(),
    );
    assert!(matches!(failed, Err(Error::Store(StoreError::Retry(_)))));
}

#[test]
fn keys_are_not_printed_and_chance_must_come() {
    let vault = Vault::new(MasterKey::new([0x5a; 32]));
    let tenant = vault.tenant(&TenantId::from("ten_a")).unwrap();
    assert!(!format!("{vault:?}{tenant:?}").contains("90"));
    assert!(matches!(
        tenant.new_key(&tenant.subject("Ada"), &mut |_| {}),
        Err(Error::NoEntropy)
    ));
}
