//! Handles as numbers: what a stack hands out and takes back.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name(pub $number);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }
    };
}

handle! {
    /// A `SOCKET` value.
    #[doc(alias = "SOCKET")]
    SocketHandle(u64)
}

handle! {
    /// An `HWND` value.
    #[doc(alias = "HWND")]
    Hwnd(u64)
}

handle! {
    /// A `WSAEVENT` value.
    #[doc(alias = "WSAEVENT")]
    EventHandle(u64)
}

handle! {
    /// A script's thread by number; 0 is the one that runs steps which name none.
    ThreadId(u8)
}

handle! {
    /// A simulated machine by number; 0 is the one that everything is on if nothing else is said.
    HostId(u8)
}

handle! {
    /// A process of the simulated machine by number; 0 is the one that everything is in if nothing
    /// else is said.
    ProcessId(u8)
}
