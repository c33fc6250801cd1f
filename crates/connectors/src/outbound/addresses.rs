//! Which addresses an outbound call may reach. Pure.
//!
//! Invariant: an address is judged in its canonical form, and only addresses of the public internet pass. IPv6 passes
//! by a list of what is allowed (2000::/3) less what is special in it; forms that carry an IPv4 address inside (NAT64,
//! 6to4, Teredo, compatible, translated) never pass, whatever they carry.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What the network is.
    pub network: &'static str,
    /// Somebody's own network, which an operator may open by name. All else stays closed.
    pub may_be_allowed: bool,
}

/// Why not, or `None` for an address of the public internet.
pub fn denied(address: IpAddr) -> Option<Denied> {
    match address.to_canonical() {
        IpAddr::V4(address) => denied_v4(address),
        IpAddr::V6(address) => denied_v6(address),
    }
}

struct Network<A> {
    start: A,
    bits: u32,
    denied: Denied,
}

const fn closed(network: &'static str) -> Denied {
    Denied {
        network,
        may_be_allowed: false,
    }
}

const fn internal(network: &'static str) -> Denied {
    Denied {
        network,
        may_be_allowed: true,
    }
}

const fn v4(start: [u8; 4], bits: u32, denied: Denied) -> Network<u32> {
    Network {
        start: u32::from_be_bytes(start),
        bits,
        denied,
    }
}

/// The first that fits counts: single addresses stand before the networks that hold them.
const V4: &[Network<u32>] = &[
    v4([168, 63, 129, 16], 32, closed("a cloud's host service")),
    v4([100, 100, 100, 200], 32, closed("a cloud's metadata service")),
    v4([0, 0, 0, 0], 8, closed("this network")),
    v4([10, 0, 0, 0], 8, internal("a private network")),
    v4([100, 64, 0, 0], 10, internal("a carrier's shared network")),
    v4([127, 0, 0, 0], 8, internal("this machine")),
    v4([169, 254, 0, 0], 16, closed("link-local, metadata services included")),
    v4([172, 16, 0, 0], 12, internal("a private network")),
    v4([192, 0, 0, 0], 24, closed("protocol assignments")),
    v4([192, 0, 2, 0], 24, closed("documentation")),
    v4([192, 31, 196, 0], 24, closed("AS112")),
    v4([192, 52, 193, 0], 24, closed("automatic multicast tunnelling")),
    v4([192, 88, 99, 0], 24, closed("6to4 relays")),
    v4([192, 168, 0, 0], 16, internal("a private network")),
    v4([192, 175, 48, 0], 24, closed("AS112")),
    v4([198, 18, 0, 0], 15, closed("benchmarking")),
    v4([198, 51, 100, 0], 24, closed("documentation")),
    v4([203, 0, 113, 0], 24, closed("documentation")),
    v4([224, 0, 0, 0], 4, closed("multicast")),
    v4([240, 0, 0, 0], 4, closed("reserved and broadcast")),
];

fn denied_v4(address: Ipv4Addr) -> Option<Denied> {
    let bits = address.to_bits();
    let holds = |it: &&Network<u32>| (bits ^ it.start) >> (32 - it.bits) == 0;
    V4.iter().find(holds).map(|it| it.denied)
}

const fn v6(start: [u16; 8], bits: u32, denied: Denied) -> Network<u128> {
    let [a, b, c, d, e, f, g, h] = start;
    Network {
        start: Ipv6Addr::new(a, b, c, d, e, f, g, h).to_bits(),
        bits,
        denied,
    }
}

const V6: &[Network<u128>] = &[
    v6(
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
        128,
        closed("a cloud's metadata service"),
    ),
    v6(
        [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
        128,
        closed("a cloud's metadata service"),
    ),
    v6(
        [0xfd00, 0xc1, 0, 0, 0xa9fe, 0xa9fe, 0xa9fe, 0xa9fe],
        128,
        closed("a cloud's metadata service"),
    ),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, internal("this machine")),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, internal("a private network")),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, closed("Teredo")),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, closed("protocol assignments")),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, closed("documentation")),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, closed("6to4")),
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, closed("AS112")),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, closed("documentation")),
    v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, closed("NAT64")),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, closed("NAT64")),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, closed("link-local")),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, closed("multicast")),
];

const PUBLIC_V6: Network<u128> = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, closed("outside the public internet"));

fn denied_v6(address: Ipv6Addr) -> Option<Denied> {
    let bits = address.to_bits();
    let holds = |it: &Network<u128>| (bits ^ it.start) >> (128 - it.bits) == 0;
    let special = V6.iter().find(|it| holds(it)).map(|it| it.denied);
    special.or_else(|| (!holds(&PUBLIC_V6)).then_some(PUBLIC_V6.denied))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_edges_of_every_network_are_where_they_should_be() {
        // First and last inside, and the neighbours outside where those are public.
        let inside = [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "192.175.48.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "100.100.100.200",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "64:ff9b:1:ffff::1",
            "100::1",
            "2001::1",
            "2001:0:53aa:64c:0:7efd:f5ff:fffe",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ffff::1",
            "1fff::1",
        ];
        for text in inside {
            assert!(denied(address(text)).is_some(), "{text} passes");
        }
        let public = [
            "1.0.0.0",
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.114.0",
            "223.255.255.255",
            "168.63.129.17",
            "::ffff:8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "2a00:1450::1",
            "3ffe::1",
            "3fff:1000::1",
        ];
        for text in public {
            assert_eq!(denied(address(text)), None, "{text}");
        }
    }

    #[test]
    fn an_operator_may_open_own_networks_and_nothing_else() {
        for text in [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "fd12::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(denied(address(text)).unwrap().may_be_allowed, "{text}");
        }
        let never = [
            "169.254.169.254",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "64:ff9b::a00:1",
        ];
        for text in never {
            assert!(!denied(address(text)).unwrap().may_be_allowed, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_mapped_address_is_judged_as_what_it_maps(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            prop_assert_eq!(denied(IpAddr::V4(plain)), denied(IpAddr::V6(plain.to_ipv6_mapped())));
        }

        #[test]
        fn what_the_standard_library_calls_special_never_passes(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let special = plain.is_private() || plain.is_loopback() || plain.is_link_local() || plain.is_multicast()
                || plain.is_broadcast() || plain.is_documentation() || plain.is_unspecified();
            prop_assert!(!special || denied(IpAddr::V4(plain)).is_some());
        }
    }
}
