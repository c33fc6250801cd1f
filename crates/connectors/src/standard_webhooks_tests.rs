//! Known answers of the specification's own libraries, refusals by name, and the round trip as a property.

use super::*;
use proptest::prelude::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT_S: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn keys(text: &str) -> Keys {
    Keys::parse(text).unwrap()
}

/// Verifies the known message with some headers changed.
fn check(change: impl Fn(&mut Headers<'static>)) -> Result<(), Unverified> {
    let mut headers = Headers {
        id: ID,
        timestamp: "1614265330",
        signature: SIGNATURE,
    };
    change(&mut headers);
    verify(&keys(SECRET), &headers, BODY, at(SENT_S))
}

#[test]
fn signs_as_the_reference_libraries_do() {
    let signed = sign(&keys(SECRET), ID, at(SENT_S), BODY).unwrap();
    let expected = [
        (HEADER_ID, ID),
        (HEADER_TIMESTAMP, "1614265330"),
        (HEADER_SIGNATURE, SIGNATURE),
    ];
    assert_eq!(signed.headers(), expected);
}

#[test]
fn verifies_the_known_message() {
    assert_eq!(check(|_| ()), Ok(()));
}

#[test]
fn the_time_may_be_off_by_five_minutes_and_no_more() {
    let verify_at = |now| {
        let headers = Headers {
            id: ID,
            timestamp: "1614265330",
            signature: SIGNATURE,
        };
        verify(&keys(SECRET), &headers, BODY, at(now))
    };
    assert_eq!(verify_at(SENT_S + 300), Ok(()));
    assert_eq!(verify_at(SENT_S - 300), Ok(()));
    assert_eq!(verify_at(SENT_S + 301), Err(Unverified::TimestampTooOld));
    assert_eq!(verify_at(SENT_S - 301), Err(Unverified::TimestampTooNew));
}

#[test]
fn malformed_times_are_refused_by_name() {
    for text in [
        "",
        "hello",
        "-1614265330",
        "+1614265330",
        " 1614265330",
        "01614265330",
        "1614265330.5",
        "1e9",
        "९",
    ] {
        let refused = check(|it| it.timestamp = text);
        assert_eq!(refused, Err(Unverified::TimestampMalformed), "{text:?}");
    }
    assert_eq!(
        check(|it| it.timestamp = "99999999999999999999"),
        Err(Unverified::TimestampMalformed)
    );
    assert_eq!(
        check(|it| it.timestamp = "9223372036854775807"),
        Err(Unverified::TimestampTooNew)
    );
    assert_eq!(check(|it| it.timestamp = "0"), Err(Unverified::TimestampTooOld));
}

#[test]
fn wrong_and_partial_signatures_are_refused() {
    let wrong = [
        "",
        "v1",
        "v1,",
        "v1,g0hM9",
        "v1,dawfeoifkpqwoekfpqoekf",
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=",
    ];
    for signature in wrong {
        assert_eq!(
            check(|it| it.signature = signature),
            Err(Unverified::NoSignatureFits),
            "{signature:?}"
        );
    }
}

#[test]
fn one_of_several_signatures_is_enough() {
    let several = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5 \
                   v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,hnO3";
    assert_eq!(check(|it| it.signature = several), Ok(()));
}

#[test]
fn a_header_of_very_many_signatures_is_refused() {
    let many: &'static str = Box::leak(format!("{}{SIGNATURE}", "v1,AAAA ".repeat(SIGNATURES_MAX)).into_boxed_str());
    assert_eq!(check(|it| it.signature = many), Err(Unverified::TooManySignatures));
}

#[test]
fn a_missing_header_is_named() {
    for missing in [HEADER_ID, HEADER_TIMESTAMP, HEADER_SIGNATURE] {
        let found = Headers::find(|name| (name != missing).then_some("1"));
        assert_eq!(found.unwrap_err(), Unverified::HeaderMissing(missing));
    }
}

#[test]
fn the_line_between_id_time_and_body_cannot_be_moved() {
    // `a` at 1614265330 with the body `5.x` signs the same bytes as `a.1614265330` at 5 with the body `x`.
    let signed = sign(&keys(SECRET), "a", at(SENT_S), b"5.x").unwrap();
    let moved = Headers {
        id: "a.1614265330",
        timestamp: "5",
        signature: &signed.signature,
    };
    assert_eq!(verify(&keys(SECRET), &moved, b"x", at(5)), Err(Unverified::IdMalformed));
    for id in ["", "a b", "a\n", "ä", "a.b", &"x".repeat(256)] {
        assert_eq!(
            sign(&keys(SECRET), id, at(SENT_S), b""),
            Err(Unverified::IdMalformed),
            "{id:?}"
        );
    }
}

#[test]
fn keys_change_without_a_gap() {
    let (old, new, both) = (keys(SECRET), keys(OTHER), keys(&format!("{OTHER} {SECRET}")));
    let accepts = |keys: &Keys, signed: &Signed| {
        let headers = Headers {
            id: &signed.id,
            timestamp: &signed.timestamp,
            signature: &signed.signature,
        };
        verify(keys, &headers, BODY, at(SENT_S)).is_ok()
    };
    let signed = |keys: &Keys| sign(keys, ID, at(SENT_S), BODY).unwrap();
    assert!(accepts(&old, &signed(&both)) && accepts(&new, &signed(&both)));
    assert!(accepts(&both, &signed(&old)) && accepts(&both, &signed(&new)));
    assert!(!accepts(&old, &signed(&new)) && !accepts(&new, &signed(&old)));
    assert_eq!(signed(&both).signature.split(' ').count(), 2);
}

#[test]
fn secrets_that_are_none_are_refused_by_name() {
    let long = format!("whsec_{}", STANDARD.encode([7; 65]));
    let many = [SECRET; KEYS_MAX + 1].join(" ");
    let table = [
        ("", KeyError::None),
        ("  ", KeyError::None),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", KeyError::NoPrefix),
        ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", KeyError::NoPrefix),
        ("whsec_", KeyError::Length(0)),
        ("whsec_***", KeyError::NotBase64),
        ("whsec_c2hvcnQ=", KeyError::Length(5)),
        (&long, KeyError::Length(65)),
        (&many, KeyError::TooMany),
    ];
    for (text, expected) in table {
        assert_eq!(Keys::parse(text).unwrap_err(), expected, "{text:?}");
    }
}

#[test]
fn keys_show_in_no_print() {
    assert_eq!(format!("{:?}", keys(SECRET)), "Keys(1 …)");
}

proptest! {
    #[test]
    fn what_we_sign_verifies_and_what_is_changed_does_not(
        key in proptest::collection::vec(any::<u8>(), KEY_BYTES_MIN..=KEY_BYTES_MAX),
        id in "[!-\\-/-~]{1,64}",
        second in 0_i64..4_000_000_000,
        body in proptest::collection::vec(any::<u8>(), 0..2_000),
        flip in any::<prop::sample::Index>(),
    ) {
        let keys = Keys::parse(&format!("whsec_{}", STANDARD.encode(&key))).unwrap();
        let signed = sign(&keys, &id, at(second), &body).unwrap();
        let headers = Headers { id: &signed.id, timestamp: &signed.timestamp, signature: &signed.signature };
        prop_assert_eq!(verify(&keys, &headers, &body, at(second)), Ok(()));

        let mut changed = body.clone();
        changed.push(0);
        prop_assert_eq!(verify(&keys, &headers, &changed, at(second)), Err(Unverified::NoSignatureFits));
        changed.pop();
        if !changed.is_empty() {
            let place = flip.index(changed.len());
            changed[place] ^= 1;
            prop_assert_eq!(verify(&keys, &headers, &changed, at(second)), Err(Unverified::NoSignatureFits));
        }
        let later = (second + 1).to_string();
        let moved = Headers { timestamp: &later, ..headers };
        prop_assert_eq!(verify(&keys, &moved, &body, at(second)), Err(Unverified::NoSignatureFits));
        let named = format!("{id}x");
        let renamed = Headers { id: &named, ..headers };
        prop_assert_eq!(verify(&keys, &renamed, &body, at(second)), Err(Unverified::NoSignatureFits));
    }

    #[test]
    fn no_stranger_s_headers_verify_or_break_us(id in ".{0,40}", time in ".{0,20}", signature in ".{0,80}") {
        let headers = Headers { id: &id, timestamp: &time, signature: &signature };
        prop_assert!(verify(&keys(SECRET), &headers, BODY, at(SENT_S)).is_err());
    }
}
