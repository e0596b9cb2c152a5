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
    Reg03 = "AS-REG-03", "The message goes to the window that the call names.";
    Reg04 = "AS-REG-04", "The mask combines any of the ten events.";
    Reg05 = "AS-REG-05", "A registration that succeeds returns 0.";
    Reg06 = "AS-REG-06", "A registration that fails says so, and with which error.";
    Reg07 = "AS-REG-07", "Nothing works before a successful WSAStartup.";
    Reg09 = "AS-REG-09", "A window handle that names no window is an invalid parameter.";
    Reg10 = "AS-REG-10", "Registering fails with WSAEINPROGRESS while a callback is processed.";
    Reg11 = "AS-REG-11", "The handle is not a socket.";
    Reg08 = "AS-REG-08", "Registering fails with WSAENETDOWN when the network subsystem failed.";
    Reg14 = "AS-REG-14", "The error of an event is in its message, not in what the call returns.";
    Reg15 = "AS-REG-15", "A registration is for one socket, and leaves the others alone.";
    Reg16 = "AS-REG-16", "A condition that holds at registration is reported at once.";
    Reg18 = "AS-REG-18", "A provider checks its own parameters.";
    Nb02 = "AS-NB-02", "Blocking mode cannot be set while a registration is active.";
    Nb03 = "AS-NB-03", "Once cancelled, FIONBIO leads back to blocking mode.";
    Nb04 = "AS-NB-04", "Cancelling leaves the socket non-blocking.";
    Nb05 = "AS-NB-05", "A new socket is in blocking mode.";
    Nb06 = "AS-NB-06", "An overlapped operation goes on by itself, whatever the socket's mode.";
    Nb08 = "AS-NB-08", "WSAEventSelect makes the socket non-blocking, whatever the mask.";
    Nb09 = "AS-NB-09", "A non-blocking call that cannot finish fails with WSAEWOULDBLOCK.";
    Rep01 = "AS-REP-01", "A registration replaces the one before; masks are not merged.";
    Rep02 = "AS-REP-02", "One call can ask for several events.";
    Rep05 = "AS-REP-05", "WSAEventSelect empties the record of events.";
    Rep07 = "AS-REP-07", "What WSAAsyncSelect tells of is not recorded.";
    Rep09 = "AS-REP-09", "An event object is set, and what happened is remembered.";
    Nb01 = "AS-NB-01", "Registering makes the socket non-blocking, whatever the mask.";
    Inh01 = "AS-INH-01", "A socket that accept makes has the registration of its listener.";
    Can01 = "AS-CAN-01", "An lEvent of 0 cancels all notification of the socket.";
    Can05 = "AS-CAN-05", "closesocket ends the posting.";
    Can07 = "AS-CAN-07", "An lEvent of 0 empties the record of events.";
    Msg01 = "AS-MSG-01", "The message has the number that was registered.";
    Msg02 = "AS-MSG-02", "The high word of lParam is the error of the event.";
    Msg05 = "AS-MSG-05", "Each event has a message of its own.";
    Msg06 = "AS-MSG-06", "All events of a registration have the same number.";
    Msg08 = "AS-MSG-08", "An event may carry an error that no table lists.";
    Msg10 = "AS-MSG-10", "A recorded event has its error in iErrorCode.";
    Msg12 = "AS-MSG-12", "Each event has a meaning of its own.";
    Ord01 = "AS-ORD-01", "Messages come out of a queue as they were posted.";
    Ord02 = "AS-ORD-02", "A filter takes messages out of turn.";
    Ord03 = "AS-ORD-03", "The FD_CLOSE of a graceful end comes after the data.";
    Ord05 = "AS-ORD-05", "A message is for the thread that made the window.";
    En01 = "AS-EN-01", "An event that was posted is not posted again before its re-enabling call.";
    En06 = "AS-EN-06", "FD_CONNECT and FD_CLOSE have no re-enabling call.";
    En22 = "AS-EN-22", "While a deferred request is at the head, no connection is told of.";
    En12 = "AS-EN-12", "FD_QOS and FD_GROUP_QOS come once for a change, by edge.";
    En13 = "AS-EN-13", "Changes of routes and addresses are told once, after the IOCTL only.";
    Rd01 = "AS-RD-01", "FD_READ at registration, if data is waiting.";
    Rd02 = "AS-RD-02", "FD_READ when data arrives, unless it is posted already.";
    Rd03 = "AS-RD-03", "FD_READ after a receive call, if data is still there.";
    Rd05 = "AS-RD-05", "FD_READ never reports a closure.";
    Wr01 = "AS-WR-01", "FD_WRITE at registration, if a send is possible.";
    Wr02 = "AS-WR-02", "FD_WRITE when connect or accept has made a connection.";
    Wr03 = "AS-WR-03", "FD_WRITE when space comes back after a send failed for want of it.";
    Wr11 = "AS-WR-11", "FD_WRITE when AcceptEx or ConnectEx has made a connection, perhaps.";
    Oob02 = "AS-OOB-02", "FD_OOB at registration, if an urgent byte is waiting.";
    Oob03 = "AS-OOB-03", "FD_OOB when an urgent byte arrives, unless it is posted already.";
    Oob04 = "AS-OOB-04", "FD_OOB after a receive call, if an urgent byte is still there.";
    Oob06 = "AS-OOB-06", "With SO_OOBINLINE urgent data is ordinary data, never FD_OOB.";
    Oob07 = "AS-OOB-07", "With SO_OOBINLINE a receive with MSG_OOB fails with WSAEINVAL.";
    Ac01 = "AS-AC-01", "FD_ACCEPT at registration, if a connection waits.";
    Ac02 = "AS-AC-02", "FD_ACCEPT when a connection arrives, unless it is posted already.";
    Ac03 = "AS-AC-03", "FD_ACCEPT after accept, if another connection waits.";
    Ac06 = "AS-AC-06", "accept may fail because the peer withdrew its request.";
    Ac07 = "AS-AC-07", "accept without a connection would block, without listen it is invalid.";
    Ac08 = "AS-AC-08", "A condition function refuses or defers, and WSAAccept fails.";
    Ac09 = "AS-AC-09", "FD_ACCEPT is for sockets that listen.";
    Co01 = "AS-CO-01", "FD_CONNECT at registration, if a connection is established.";
    Co04 = "AS-CO-04", "FD_CONNECT on its root when WSAJoinLeaf has ended, well or not.";
    Co05 = "AS-CO-05", "FD_CONNECT when the outcome of a connect is known, good or bad.";
    Co07 = "AS-CO-07", "Errors of a connect that the tables list.";
    Co13 = "AS-CO-13", "A connect that failed may be tried again.";
    Co12 = "AS-CO-12", "A second connect fails while one is pending and after it succeeded.";
    Cl02 = "AS-CL-02", "FD_CLOSE at registration, if the connection was closed.";
    Cl03 = "AS-CL-03", "FD_CLOSE after a graceful close by the peer, once all data is read.";
    Cl04 = "AS-CL-04", "FD_CLOSE when the peer answers this side's shutdown with its own end.";
    Cl05 = "AS-CL-05", "FD_CLOSE when the peer aborts the connection.";
    Cl08 = "AS-CL-08", "FD_CLOSE with WSAECONNABORTED after a time-out or another failure.";
    Cl15 = "AS-CL-15", "After the end a receive gives 0, after a reset it fails.";
    Cl20 = "AS-CL-20", "A send after shutdown(SD_SEND) fails with WSAESHUTDOWN.";
    Cl21 = "AS-CL-21", "A receive after shutdown(SD_RECEIVE) fails with WSAESHUTDOWN.";
    Cl25 = "AS-CL-25", "FD_CLOSE on every leaf of a session whose root is closed.";
    Qos01 = "AS-QOS-01", "FD_QOS when a parameter of the flow specification changes.";
    Qos02 = "AS-QOS-02", "FD_QOS at registration, if the flow specification has changed.";
    Qos06 = "AS-QOS-06", "SIO_GET_QOS may be reserved, and fail.";
    Gq01 = "AS-GQ-01", "FD_GROUP_QOS is reserved: it may be posted as FD_QOS is, or never.";
    Ri01 = "AS-RI-01", "FD_ROUTING_INTERFACE_CHANGE when the way changes after the IOCTL.";
    Ri03 = "AS-RI-03", "SIO_ROUTING_INTERFACE_CHANGE would block on a non-blocking socket.";
    Ri04 = "AS-RI-04", "The error word says that the destination cannot be reached any more.";
    Al01 = "AS-AL-01", "FD_ADDRESS_LIST_CHANGE when the addresses change after the IOCTL.";
    Al02 = "AS-AL-02", "SIO_ADDRESS_LIST_CHANGE would block on a non-blocking socket.";
    Cls04 = "AS-CLS-04", "A non-blocking close that is to linger and cannot, would block.";
    Cls06 = "AS-CLS-06", "The last WSACleanup closes sockets, and posts nothing.";
    Hk01 = "AS-HK-01", "A 1.1 environment has one call a thread; a nested one fails.";
    Hk05 = "AS-HK-05", "A cancelled call ends with WSAEINTR; without one there is an error.";
    Spi11 = "AS-SPI-11", "WSPStartup returns its error itself.";
    Oq22 = "OQ-22", "Nobody says what AsyncSelect tells of AcceptEx and ConnectEx.";
    Oq31 = "OQ-31", "Nobody says whether a registration hears of a change before it.";
    Oq25 = "OQ-25", "Nobody says whether FD_CLOSE follows when a connect failed.";
    Q01 = "AS-Q-01", "A queue holds 10,000 messages; then posting fails.";
    Q06 = "AS-Q-06", "A post may fail, as one that UIPI blocks.";
    Q08 = "AS-Q-08", "Any wMsg will do.";
    Q09 = "AS-Q-09", "Any number of sockets may be registered.";
    Q07 = "AS-Q-07", "A registration may outlive its window; what it posts is lost.";
    Q03 = "AS-Q-03", "What becomes of an event whose message cannot be posted is left open.";
    W030 = "W-030", "A socket that is not connected has neither FD_WRITE nor FD_CLOSE to report.";
    W031 = "W-031", "FD_CONNECT does not come for a connection made before the registration.";
    W035 = "W-035", "connect without an address fails with WSAEFAULT.";
    W037 = "W-037", "What a socket can do after its connect was refused.";
    W038 = "W-038", "While a connect is pending, send and recv fail.";
    W063 = "W-063", "A receive call with a bad length fails with WSAEFAULT.";
    W075 = "W-075", "A receive with MSG_OOB fails with WSAEWOULDBLOCK if no urgent byte waits.";
    W08A = "W-08A", "After a reset by the peer, send and recv fail.";
    W083 = "W-083", "FD_CLOSE comes when the end arrives, unread data or not.";
    W08E = "W-08E", "CloseHandle on a registered socket posts FD_CLOSE on Windows.";
    W097 = "W-097", "Some stacks know nothing of QoS, routes and addresses that change.";
    W088 = "W-088", "What FD_CLOSE says of a reset differs between stacks.";
    Wr04 = "AS-WR-04", "FD_WRITE after bind on a connectionless socket is up to the stack.";
    Rd11 = "AS-RD-11", "What of a datagram does not fit the buffer is lost: WSAEMSGSIZE.";
    Oob08 = "AS-OOB-08", "MSG_OOB means nothing on a datagram socket: WSAEOPNOTSUPP.";
    Udp01 = "AS-UDP-01", "FD_CONNECT for a datagram connect, though it completes at once.";
    Udp04 = "AS-UDP-04", "A datagram socket has neither FD_CLOSE nor FD_ACCEPT.";
    Udp06 = "AS-UDP-06", "An empty datagram makes a receive call return 0; that is no close.";
    Udp07 = "AS-UDP-07", "A receive call tells that a port was unreachable: WSAECONNRESET.";
    Oq08 = "OQ-08", "Nobody says whether an unbound datagram socket can send.";
    Oq16 = "OQ-16", "Nobody says whether empty datagrams and errors are FD_READ.";
    W093 = "W-093", "What a datagram connect is told by differs between stacks.";
    W094 = "W-094", "What an unbound or unconnected datagram socket cannot do.";
    W095 = "W-095", "An unreachable port fails no send; it may look like a closure.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
