//! Winsock error codes (section 17 of the clause list), known ones by name, unknown ones kept.

use std::fmt;
use std::str::FromStr;

use crate::text::{UnknownName, serde_as_text};

/// A Winsock error code as `WSAGetLastError`, `lpErrno` or the high word of `lParam` holds it.
///
/// A newtype and not an enum: a stack under test may answer with any number, and what it answered
/// must survive. Match on [`WsaError::name`] where a match is to be exhaustive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct WsaError(pub u16);

macro_rules! errors {
    ($($name:ident = $code:literal, $about:literal;)*) => {
        impl WsaError {
            $(#[doc = $about] pub const $name: Self = Self($code);)*

            /// The name of a code that this crate knows.
            #[must_use]
            pub const fn name(self) -> Option<WsaErrorName> {
                match self.0 {
                    $($code => Some(WsaErrorName::$name),)*
                    _ => None,
                }
            }
        }

        /// The codes that have a name, for exhaustive matches.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(non_camel_case_types, reason = "Winsock's own spelling")]
        pub enum WsaErrorName {
            $(#[doc = $about] $name,)*
        }

        impl WsaErrorName {
            /// Every named code, in numeric order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code behind the name.
            #[must_use]
            pub const fn code(self) -> WsaError {
                match self { $(Self::$name => WsaError::$name,)* }
            }

            /// The name as Winsock2.h spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl FromStr for WsaError {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $(stringify!($name) => return Ok(Self::$name),)*
                    _ => {}
                }
                let number = text.strip_prefix("WsaError(").and_then(|rest| rest.strip_suffix(')'));
                number.and_then(|digits| digits.parse().ok()).map(Self).ok_or_else(|| UnknownName {
                    kind: "Winsock error",
                    found: text.to_owned(),
                    known: NAMES,
                })
            }
        }
    };
}

errors! {
    WSA_INVALID_HANDLE = 6, "Not an event object.";
    WSA_INVALID_PARAMETER = 87, "No event object to wait for, or too many.";
    WSA_OPERATION_ABORTED = 995, "The overlapped operation was cancelled.";
    WSA_IO_INCOMPLETE = 996, "The overlapped operation has not ended.";
    WSA_IO_PENDING = 997, "The overlapped operation has begun and will end later.";
    WSAEINTR = 10004, "A blocking call was cancelled.";
    WSAEACCES = 10013, "Permission denied.";
    WSAEFAULT = 10014, "Bad pointer or length.";
    WSAEINVAL = 10022, "Invalid argument or state.";
    WSAEMFILE = 10024, "No more sockets.";
    WSAEWOULDBLOCK = 10035, "The call would have to wait.";
    WSAEINPROGRESS = 10036, "A blocking call or a provider callback is in progress.";
    WSAEALREADY = 10037, "A non-blocking connect is pending.";
    WSAENOTSOCK = 10038, "Not a socket.";
    WSAEDESTADDRREQ = 10039, "A destination address is required.";
    WSAEMSGSIZE = 10040, "The datagram does not fit.";
    WSAENOPROTOOPT = 10042, "Unknown or unsupported option.";
    WSAEOPNOTSUPP = 10045, "Not supported for this kind of socket.";
    WSAEAFNOSUPPORT = 10047, "Address family not supported.";
    WSAEADDRINUSE = 10048, "The address is in use.";
    WSAEADDRNOTAVAIL = 10049, "The address is not available.";
    WSAENETDOWN = 10050, "The network subsystem failed.";
    WSAENETUNREACH = 10051, "The network cannot be reached.";
    WSAENETRESET = 10052, "The connection was broken by keep-alive, or a time to live expired.";
    WSAECONNABORTED = 10053, "The connection was aborted by this side.";
    WSAECONNRESET = 10054, "The connection was reset by the other side.";
    WSAENOBUFS = 10055, "No buffer space.";
    WSAEISCONN = 10056, "Already connected.";
    WSAENOTCONN = 10057, "Not connected.";
    WSAESHUTDOWN = 10058, "That direction was shut down.";
    WSAETIMEDOUT = 10060, "Timed out.";
    WSAECONNREFUSED = 10061, "Refused.";
    WSAEHOSTUNREACH = 10065, "The host cannot be reached.";
    WSAEPROCLIM = 10067, "Too many processes.";
    WSASYSNOTREADY = 10091, "The subsystem is not ready.";
    WSAVERNOTSUPPORTED = 10092, "That version is not supported.";
    WSANOTINITIALISED = 10093, "No successful WSAStartup.";
    WSAEDISCON = 10101, "Graceful shutdown in progress (message-oriented).";
    WSATRY_AGAIN = 11002, "Deferred by the condition function.";
}

impl fmt::Display for WsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name.as_str()),
            None => write!(f, "WsaError({})", self.0),
        }
    }
}

impl fmt::Debug for WsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

serde_as_text!(WsaError, "^(WSA[A-Z_]+|WsaError\\([0-9]{1,5}\\))$", "a Winsock error by name");

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::Networking::WinSock;

    #[test]
    fn names_round_trip() {
        for &name in WsaErrorName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name.code()));
            assert_eq!(name.code().name(), Some(name));
        }
        assert_eq!("WsaError(12345)".parse(), Ok(WsaError(12345)));
        assert!("WSAEWOULDBLOK".parse::<WsaError>().is_err());
    }

    #[test]
    fn codes_are_those_of_windows_sys() {
        let theirs = [
            (WinSock::WSA_INVALID_HANDLE, "WSA_INVALID_HANDLE"),
            (WinSock::WSA_INVALID_PARAMETER, "WSA_INVALID_PARAMETER"),
            (WinSock::WSA_OPERATION_ABORTED, "WSA_OPERATION_ABORTED"),
            (WinSock::WSA_IO_INCOMPLETE, "WSA_IO_INCOMPLETE"),
            (WinSock::WSA_IO_PENDING, "WSA_IO_PENDING"),
            (WinSock::WSAEINTR, "WSAEINTR"),
            (WinSock::WSAEACCES, "WSAEACCES"),
            (WinSock::WSAEFAULT, "WSAEFAULT"),
            (WinSock::WSAEINVAL, "WSAEINVAL"),
            (WinSock::WSAEMFILE, "WSAEMFILE"),
            (WinSock::WSAEWOULDBLOCK, "WSAEWOULDBLOCK"),
            (WinSock::WSAEINPROGRESS, "WSAEINPROGRESS"),
            (WinSock::WSAEALREADY, "WSAEALREADY"),
            (WinSock::WSAENOTSOCK, "WSAENOTSOCK"),
            (WinSock::WSAEDESTADDRREQ, "WSAEDESTADDRREQ"),
            (WinSock::WSAEMSGSIZE, "WSAEMSGSIZE"),
            (WinSock::WSAENOPROTOOPT, "WSAENOPROTOOPT"),
            (WinSock::WSAEOPNOTSUPP, "WSAEOPNOTSUPP"),
            (WinSock::WSAEAFNOSUPPORT, "WSAEAFNOSUPPORT"),
            (WinSock::WSAEADDRINUSE, "WSAEADDRINUSE"),
            (WinSock::WSAEADDRNOTAVAIL, "WSAEADDRNOTAVAIL"),
            (WinSock::WSAENETDOWN, "WSAENETDOWN"),
            (WinSock::WSAENETUNREACH, "WSAENETUNREACH"),
            (WinSock::WSAENETRESET, "WSAENETRESET"),
            (WinSock::WSAECONNABORTED, "WSAECONNABORTED"),
            (WinSock::WSAECONNRESET, "WSAECONNRESET"),
            (WinSock::WSAENOBUFS, "WSAENOBUFS"),
            (WinSock::WSAEISCONN, "WSAEISCONN"),
            (WinSock::WSAENOTCONN, "WSAENOTCONN"),
            (WinSock::WSAESHUTDOWN, "WSAESHUTDOWN"),
            (WinSock::WSAETIMEDOUT, "WSAETIMEDOUT"),
            (WinSock::WSAECONNREFUSED, "WSAECONNREFUSED"),
            (WinSock::WSAEHOSTUNREACH, "WSAEHOSTUNREACH"),
            (WinSock::WSAEPROCLIM, "WSAEPROCLIM"),
            (WinSock::WSASYSNOTREADY, "WSASYSNOTREADY"),
            (WinSock::WSAVERNOTSUPPORTED, "WSAVERNOTSUPPORTED"),
            (WinSock::WSANOTINITIALISED, "WSANOTINITIALISED"),
            (WinSock::WSAEDISCON, "WSAEDISCON"),
            (WinSock::WSATRY_AGAIN, "WSATRY_AGAIN"),
        ];
        assert_eq!(theirs.len(), WsaErrorName::ALL.len());
        for (code, name) in theirs {
            assert_eq!(i32::from(name.parse::<WsaError>().unwrap().0), code, "{name}");
        }
    }
}
