//! The address guard: which IP addresses something that a document named must not lead to.
//!
//! A document from elsewhere must not make this server fetch from its own network: not the loopback interface, not
//! the cloud's metadata service, not a printer. Whatever the IANA special-purpose registries (RFC 6890 and its
//! successors) do not call globally reachable is refused, and so is every IPv6 address that carries such an IPv4
//! address inside. The connector asks for the very addresses it is about to connect to, after name resolution, so
//! that a name cannot lead elsewhere the second time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What `address` is, when a document must not lead there.
pub(crate) fn refused_range(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => refused_v4(address),
        IpAddr::V6(address) => refused_v6(address),
    }
}

fn refused_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        // Azure answers here with metadata, though the range is public.
        [168, 63, 129, 16] | [169, 254, 169, 254] | [100, 100, 100, 200] => {
            "a cloud's metadata service"
        }
        [0, ..] => "an unspecified address (RFC 1122 §3.2.1.3)",
        [127, ..] => "a loopback address (RFC 1122 §3.2.1.3)",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address (RFC 1918)",
        [100, 64..=127, ..] => "a carrier's shared address (RFC 6598)",
        [169, 254, ..] => "a link-local address (RFC 3927)",
        [192, 0, 0, _] => "a protocol assignment (RFC 6890)",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            "a documentation address (RFC 5737)"
        }
        [192, 88, 99, _] => "a 6to4 relay (RFC 7526)",
        [198, 18..=19, ..] => "a benchmarking address (RFC 2544)",
        [224..=239, ..] => "a multicast address (RFC 5771)",
        [240..=255, ..] => "a reserved address (RFC 1112)",
        _ => return None,
    })
}

fn refused_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    // The IPv4 address in two segments.
    let embedded = |at| Ipv4Addr::from(u32::from(segments[at]) << 16 | u32::from(segments[at + 1]));
    match (segments[0], segments[1]) {
        _ if address.is_unspecified() => return Some("an unspecified address (RFC 4291 §2.5.2)"),
        _ if address.is_loopback() => return Some("a loopback address (RFC 4291 §2.5.3)"),
        (0xfd00, 0x0ec2) => return Some("a cloud's metadata service"),
        (0xfc00..=0xfdff, _) => return Some("a unique local address (RFC 4193)"),
        (0xfe80..=0xfebf, _) => return Some("a link-local address (RFC 4291 §2.5.6)"),
        (0xfec0..=0xfeff, _) => return Some("a site-local address (RFC 3879)"),
        (0xff00..=0xffff, _) => return Some("a multicast address (RFC 4291 §2.7)"),
        (0x2001, 0x0db8) | (0x3fff, 0x0000..=0x0fff) => {
            return Some("a documentation address (RFC 3849, RFC 9637)");
        }
        // Teredo (RFC 4380 §4) carries its server's address, and its client's with every bit inverted.
        (0x2001, 0) => {
            let client = Ipv4Addr::from(!u32::from(embedded(6)));
            return refused_v4(embedded(2)).or_else(|| refused_v4(client));
        }
        (0x2001, 0..=0x01ff) => return Some("a protocol assignment (RFC 2928)"),
        // 6to4 (RFC 3056 §2).
        (0x2002, _) => return refused_v4(embedded(1)),
        _ => {}
    }
    match segments[..6] {
        // IPv4-compatible, IPv4-mapped (RFC 4291 §2.5.5), IPv4-translated (RFC 7915) and NAT64 (RFC 6052 §2.1).
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0, 0, 0, 0, 0xffff, 0] | [0x64, 0xff9b, 0, 0, 0, 0] => {
            refused_v4(embedded(6))
        }
        // ISATAP (RFC 5214 §6.1), in any network.
        [_, _, _, _, 0x0000 | 0x0200, 0x5efe] => refused_v4(embedded(6)),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("no global unicast address (RFC 4291 §2.4)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_global_addresses_pass() {
        for (address, expected) in [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.0.0.1", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "carrier"),
            ("100.127.255.255", "carrier"),
            ("100.100.100.200", "metadata"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("168.63.129.16", "metadata"),
            ("169.254.169.254", "metadata"),
            ("169.254.170.2", "link-local"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.192", "protocol"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4"),
            ("192.168.1.1", "private"),
            ("198.18.0.1", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.9", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::127.0.0.1", "loopback"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:10.0.0.1", "private"),
            ("::ffff:169.254.169.254", "metadata"),
            ("::ffff:0:192.168.0.1", "private"),
            ("64:ff9b::10.0.0.1", "private"),
            ("64:ff9b::a9fe:a9fe", "metadata"),
            ("64:ff9b:1::8.8.8.8", "no global"),
            ("100::1", "no global"),
            ("2001:0:a00:1::", "private"),
            ("2001:0:808:808::80ff:fffe", "loopback"),
            ("2001:2::1", "protocol"),
            ("2001:10::1", "protocol"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "loopback"),
            ("2002:c0a8:101::1", "private"),
            ("2606:4700::5efe:10.0.0.1", "private"),
            ("2606:4700::200:5efe:127.0.0.1", "loopback"),
            ("3fff:fff::1", "documentation"),
            ("4000::1", "no global"),
            ("5f00::1", "no global"),
            ("fc00::1", "unique local"),
            ("fd00:ec2::254", "metadata"),
            ("fdff::1", "unique local"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ] {
            let range = refused_range(address.parse().unwrap());
            assert!(
                range.is_some_and(|range| range.contains(expected)),
                "{address}: {range:?}, not {expected}"
            );
        }
    }

    #[test]
    fn global_addresses_pass() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450:4001::200e",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:0:808:808::f7f7:f7f7",
            "3fff:1000::1",
        ] {
            assert_eq!(refused_range(address.parse().unwrap()), None, "{address}");
        }
    }
}
