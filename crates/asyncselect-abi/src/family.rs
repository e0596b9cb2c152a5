//! The address families: a property of a run, never of a script.
//!
//! Scripts name addresses by role, so the same file runs on either. A stack hears of the family
//! when it is reset, makes its sockets of it, and gives and takes addresses of it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::handle::HostId;
use crate::text::{UnknownName, serde_as_text};

/// `AF_INET` or `AF_INET6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Family {
    /// `AF_INET`.
    #[doc(alias = "AF_INET")]
    #[default]
    Ipv4,
    /// `AF_INET6`.
    #[doc(alias = "AF_INET6")]
    Ipv6,
}

/// The port of addresses that cannot be reached; it does not matter which.
const DISCARD_PORT: u16 = 9;

impl Family {
    /// Both, the usual one first.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    const NAMES: [&'static str; 2] = ["ipv4", "ipv6"];

    /// The name on the command line, in the adapter protocol, in bundles and recordings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => Self::NAMES[0],
            Self::Ipv6 => Self::NAMES[1],
        }
    }

    /// Whether it is the one that is meant where nothing is said.
    #[must_use]
    pub const fn is_usual(&self) -> bool {
        matches!(self, Self::Ipv4)
    }

    /// The machine that everything is on if nothing else is said: `127.0.0.1` or `::1`.
    #[must_use]
    pub const fn loopback(self) -> IpAddr {
        match self {
            Self::Ipv4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Self::Ipv6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        }
    }

    /// An address in a network that does not exist (RFC 5737, RFC 3849).
    #[must_use]
    pub const fn unreachable(self) -> SocketAddr {
        let ip = match self {
            Self::Ipv4 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            Self::Ipv6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1)),
        };
        SocketAddr::new(ip, DISCARD_PORT)
    }

    /// The unspecified address with port 0: it stands for a structure of zeros.
    #[must_use]
    pub const fn zero(self) -> SocketAddr {
        let ip = match self {
            Self::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Self::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        SocketAddr::new(ip, 0)
    }

    /// The one address of a simulated machine; the others reach it there too.
    ///
    /// The first machine has the loopback address. The others have `127.0.0.2` to `127.0.0.4`, or
    /// `2001:db8::2` to `2001:db8::4`: IPv6 has one loopback address only, so these are of the
    /// range for documentation (RFC 3849), which no real network uses.
    #[must_use]
    pub fn of_host(self, HostId(host): HostId) -> IpAddr {
        match (self, host) {
            (_, 0) => self.loopback(),
            (Self::Ipv4, host) => {
                Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + u32::from(host)).into()
            }
            (Self::Ipv6, host) => {
                Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(host) + 1).into()
            }
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Family {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|family| family.as_str() == text);
        found.ok_or_else(|| UnknownName {
            kind: "address family",
            found: text.to_owned(),
            known: &Self::NAMES,
        })
    }
}

serde_as_text!(Family, "^ipv[46]$", "an address family");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_an_address_of_its_own_and_nobody_the_unreachable_one() {
        let all = Family::ALL.map(|family| {
            let hosts = (0..4).map(|host| family.of_host(HostId(host)));
            hosts.chain([family.unreachable().ip()]).map(|ip| ip.to_string()).collect::<Vec<_>>()
        });
        assert_eq!(all[0], ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "192.0.2.1"]);
        let documentation = ["2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8:ffff::1"];
        assert_eq!(all[1][0], "::1");
        assert_eq!(all[1][1..], documentation);
    }

    #[test]
    fn a_family_has_one_spelling() {
        for family in Family::ALL {
            assert_eq!(family.to_string().parse(), Ok(family));
        }
        assert!("IPv6".parse::<Family>().is_err());
    }
}
