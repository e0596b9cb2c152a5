//! The numbered facts that the model's arms rest on, as data: every effect carries one.

use std::fmt;

macro_rules! rules {
    ($($name:ident = $id:literal, $about:literal;)*) => {
        /// A clause (`AS-…`) or observed fact (`W-…`) that makes an effect happen or not happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule {
            $(#[doc = concat!($id, ": ", $about)] $name,)*
        }

        impl Rule {
            /// Every rule that the model can cite.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The id in the clause list or among the observed facts.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// One sentence, in our own words.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }
        }
    };
}

rules! {
    Reg07 = "AS-REG-07", "Nothing works before a successful WSAStartup.";
    Reg09 = "AS-REG-09", "A window handle that names no window is an invalid parameter.";
    Reg11 = "AS-REG-11", "The handle is not a socket.";
    Nb02 = "AS-NB-02", "Blocking mode cannot be set while a registration is active.";
    Nb09 = "AS-NB-09", "A non-blocking call that cannot finish fails with WSAEWOULDBLOCK.";
    Rep01 = "AS-REP-01", "A registration replaces the one before; masks are not merged.";
    Can01 = "AS-CAN-01", "An lEvent of 0 cancels all notification of the socket.";
    En01 = "AS-EN-01", "An event that was posted is not posted again before its re-enabling call.";
    En06 = "AS-EN-06", "FD_CLOSE has no re-enabling call.";
    Rd01 = "AS-RD-01", "FD_READ at registration, if data is waiting.";
    Rd02 = "AS-RD-02", "FD_READ when data arrives, unless it is posted already.";
    Rd03 = "AS-RD-03", "FD_READ after a receive call, if data is still there.";
    Rd05 = "AS-RD-05", "FD_READ never reports a closure.";
    Wr01 = "AS-WR-01", "FD_WRITE at registration, if a send is possible.";
    Wr02 = "AS-WR-02", "FD_WRITE when connect or accept has made a connection.";
    Wr03 = "AS-WR-03", "FD_WRITE when space comes back after a send failed for want of it.";
    Ac07 = "AS-AC-07", "accept without a connection would block, without listen it is invalid.";
    Co12 = "AS-CO-12", "A second connect fails while one is pending and after it succeeded.";
    Cl02 = "AS-CL-02", "FD_CLOSE at registration, if the connection was closed.";
    Cl03 = "AS-CL-03", "FD_CLOSE after a graceful close by the peer, once all data is read.";
    Cl04 = "AS-CL-04", "FD_CLOSE when the peer answers this side's shutdown with its own end.";
    Cl05 = "AS-CL-05", "FD_CLOSE when the peer aborts the connection.";
    Cl15 = "AS-CL-15", "After the end a receive gives 0, after a reset it fails.";
    Cl20 = "AS-CL-20", "A send after shutdown(SD_SEND) fails with WSAESHUTDOWN.";
    Cl21 = "AS-CL-21", "A receive after shutdown(SD_RECEIVE) fails with WSAESHUTDOWN.";
    W030 = "W-030", "A socket that is not connected has neither FD_WRITE nor FD_CLOSE to report.";
    W063 = "W-063", "A receive call with a bad length fails with WSAEFAULT.";
    W08A = "W-08A", "After a reset by the peer, send and recv fail.";
    W083 = "W-083", "FD_CLOSE comes when the end arrives, unread data or not.";
    W088 = "W-088", "What FD_CLOSE says of a reset differs between stacks.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
