//! Addresses nobody may call, as they are written and as names lead to them.

use super::*;

fn refusal(text: &str, allowed: &Allowed) -> Option<Refusal> {
    check(text, allowed).err()
}

fn allowed(lines: &[&str]) -> Allowed {
    Allowed::parse(lines.iter().copied()).unwrap()
}

/// All of these are refused as they stand, before any name is asked for.
const NEVER: &[&str] = &[
    // This machine, in every spelling.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://127.255.255.254/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[::]/",
    "https://0/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://①②⑦.⓪.⓪.①/",
    "https://ⓛocalhost/",
    // Metadata services.
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://[::ffff:169.254.169.254]/",
    "https://[fd00:ec2::254]/",
    "https://[fd20:ce::254]/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    "https://169.254.170.2/v2/credentials",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://METADATA.google.internal./",
    "https://metadata/",
    "https://metadata.goog/",
    "https://instance-data/",
    "https://instance-data.ec2.internal/",
    // Networks of one's own.
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://192.168.257/",
    "https://100.64.0.1/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://169.254.1.1/",
    // IPv4 inside IPv6.
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:53aa:64c::1]/",
    "https://[::ffff:0:a00:1]/",
    // Nobody's.
    "https://0.1.2.3/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://198.18.0.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://239.1.1.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    "https://[5f00::1]/",
    "https://[ff02::1]/",
    // Not https, not the port, not without a name and password.
    "http://example.com/",
    "http://8.8.8.8/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "https:",
    "https://",
    "//example.com/",
    "example.com",
    "",
    " ",
    "https://example.com:22/",
    "https://example.com:80/",
    "https://example.com:6379/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://8.8.8.8:9200/",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com%00@127.0.0.1/",
    "https://127.0.0.1%2f@example.com/",
    "https://[::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://exa mple.com/",
    "https://./",
    "https://..../",
    "https://\\\\127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://127.0.0.1#@example.com/",
    "https://127.0.0.1?@example.com/",
    "https:127.0.0.1",
    "https:///127.0.0.1/",
    "ht\ntps://127.0.0.1/",
    "https://127.0.0.\t1/",
];

#[test]
fn the_addresses_nobody_may_call_are_refused_as_written() {
    assert!(NEVER.len() >= 100, "{}", NEVER.len());
    for text in NEVER {
        assert!(refusal(text, &Allowed::default()).is_some(), "{text:?} passes");
    }
    let long = format!("https://example.com/{}", "x".repeat(URL_BYTES_MAX));
    assert_eq!(refusal(&long, &Allowed::default()), Some(Refusal::NoUrl));
}

#[test]
fn public_addresses_pass() {
    let fine = [
        "https://example.com/",
        "https://example.com:443/hook?x=1#y",
        "https://hooks.example.com:8443/in",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/",
        "https://example.com./",
        "https://mylocalhost.example/",
        "https://metadata.example.com/",
        "HTTPS://EXAMPLE.COM/",
    ];
    for text in fine {
        assert_eq!(refusal(text, &Allowed::default()), None, "{text:?}");
    }
}

#[test]
fn a_permission_opens_one_scheme_host_and_port() {
    let opened = allowed(&[
        "http://127.0.0.1:9000",
        "https://erp.example.com:9443",
        "http://[::1]:*",
        "http://localhost:*",
    ]);
    for text in [
        "http://127.0.0.1:9000/x",
        "http://127.1:9000/",
        "https://erp.example.com:9443/",
        "http://[::1]:1/",
        "http://localhost:5/",
        "http://localhost/",
    ] {
        assert_eq!(check(text, &opened).map(|it| it.reach), Ok(Reach::Own), "{text:?}");
    }
    for text in [
        "https://127.0.0.1:9000/",
        "http://127.0.0.1:9001/",
        "http://127.0.0.1/",
        "http://127.0.0.2:9000/",
        "http://[::ffff:127.0.0.1]:9000/",
        "http://erp.example.com:9443/",
        "http://x.erp.example.com:9443/",
        "https://[::1]/",
        "http://a.localhost:5/",
        "http://user@127.0.0.1:9000/",
    ] {
        assert!(refusal(text, &opened).is_some(), "{text:?} passes");
    }
    // Elsewhere on an allowed host the usual rules stand.
    assert_eq!(
        check("https://erp.example.com/", &opened).map(|it| it.reach),
        Ok(Reach::Public)
    );
}

#[test]
fn no_permission_opens_metadata() {
    let opened = allowed(&[
        "http://169.254.169.254:*",
        "http://metadata.google.internal",
        "https://[fd00:ec2::254]",
        "http://0.0.0.0:*",
    ]);
    for text in [
        "http://169.254.169.254/",
        "http://metadata.google.internal/",
        "https://[fd00:ec2::254]/",
        "http://0.0.0.0:80/",
    ] {
        assert!(refusal(text, &opened).is_some(), "{text:?} passes");
    }
}

#[test]
fn a_line_that_allows_nothing_is_an_error() {
    for line in [
        "",
        "*",
        "127.0.0.1",
        "http://",
        "http://*",
        "ftp://a",
        "http://a/path",
        "http://u@a",
        "http://a?x",
        "https://a:99999",
    ] {
        assert!(Allowed::parse([line]).is_err(), "{line:?}");
    }
}

fn looked_up(addresses: &[&str], reach: Reach) -> Result<usize, String> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
    let lookup: Lookup = Arc::new(move |_| Ok(addresses.clone()));
    let answer = checked_lookup(&lookup, "erp.example.com", reach);
    answer
        .map(Iterator::count)
        .map_err(|error| refusal_in(error.as_ref()).unwrap().to_string())
}

#[test]
fn one_bad_address_among_a_name_s_answers_is_enough() {
    assert_eq!(looked_up(&["8.8.8.8", "2606:4700::1111"], Reach::Public), Ok(2));
    for bad in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::1",
        "fd00::1",
        "0.0.0.0",
    ] {
        assert!(looked_up(&[bad], Reach::Public).is_err(), "{bad}");
        assert!(looked_up(&["8.8.8.8", bad], Reach::Public).is_err(), "{bad}");
        assert!(looked_up(&[bad, "8.8.8.8"], Reach::Public).is_err(), "{bad}");
    }
    assert!(looked_up(&["8.8.8.8"; ADDRESSES_MAX + 1], Reach::Public).is_err());
}

#[test]
fn an_allowed_name_may_lead_to_an_own_network_and_never_to_metadata() {
    assert_eq!(looked_up(&["127.0.0.1", "10.0.0.1", "fd12::1"], Reach::Own), Ok(3));
    for bad in [
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "0.0.0.0",
        "64:ff9b::a00:1",
    ] {
        assert!(looked_up(&["10.0.0.1", bad], Reach::Own).is_err(), "{bad}");
    }
}
