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
    Inh03 = "AS-INH-03", "The whole mask is inherited, useless bits too.";
    Inh05 = "AS-INH-05", "Its window and number are the listener's.";
    Inh06 = "AS-INH-06", "An accepted socket may be told of before accept returns.";
    Inh07 = "AS-INH-07", "AcceptEx hands nothing down before SO_UPDATE_ACCEPT_CONTEXT.";
    Inh08 = "AS-INH-08", "A leaf has the registration of its root.";
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
    En02 = "AS-EN-02", "Receive calls re-enable FD_READ.";
    En03 = "AS-EN-03", "Send calls re-enable FD_WRITE.";
    En04 = "AS-EN-04", "Receive calls re-enable FD_OOB.";
    En05 = "AS-EN-05", "accept re-enables FD_ACCEPT, unless its connection is deferred.";
    En06 = "AS-EN-06", "FD_CONNECT and FD_CLOSE have no re-enabling call.";
    En07 = "AS-EN-07", "Asking for the QoS re-enables FD_QOS and FD_GROUP_QOS.";
    En08 = "AS-EN-08", "The change IOCTLs re-enable the event of the same name.";
    En09 = "AS-EN-09", "A re-enabling call that fails re-enables all the same.";
    En10 = "AS-EN-10", "Peeking re-enables FD_READ as reading does.";
    En11 = "AS-EN-11", "What still holds after a re-enabling call is posted again, by level.";
    En18 = "AS-EN-18", "A message stays, though what it tells of is gone.";
    En22 = "AS-EN-22", "While a deferred request is at the head, no connection is told of.";
    En12 = "AS-EN-12", "FD_QOS and FD_GROUP_QOS come once for a change, by edge.";
    En13 = "AS-EN-13", "Changes of routes and addresses are told once, after the IOCTL only.";
    En23 = "AS-EN-23", "select changes nothing about registered events.";
    En24 = "AS-EN-24", "FIONREAD re-enables nothing.";
    Rd01 = "AS-RD-01", "FD_READ at registration, if data is waiting.";
    Rd02 = "AS-RD-02", "FD_READ when data arrives, unless it is posted already.";
    Rd03 = "AS-RD-03", "FD_READ after a receive call, if data is still there.";
    Rd04 = "AS-RD-04", "With SO_OOBINLINE urgent data is data for FD_READ.";
    Rd05 = "AS-RD-05", "FD_READ never reports a closure.";
    Rd07 = "AS-RD-07", "FD_READ may carry WSAENETDOWN.";
    Rd08 = "AS-RD-08", "Kept apart, urgent data alone brings no FD_READ.";
    Rd09 = "AS-RD-09", "FD_READ is for stream and for datagram sockets.";
    Rd10 = "AS-RD-10", "Peeking leaves the data where it is.";
    Wr01 = "AS-WR-01", "FD_WRITE at registration, if a send is possible.";
    Wr02 = "AS-WR-02", "FD_WRITE when connect or accept has made a connection.";
    Wr03 = "AS-WR-03", "FD_WRITE when space comes back after a send failed for want of it.";
    Wr05 = "AS-WR-05", "FD_CONNECT comes first and FD_WRITE after it.";
    Wr07 = "AS-WR-07", "A send that succeeds brings no FD_WRITE.";
    Wr08 = "AS-WR-08", "FD_WRITE may carry WSAENETDOWN.";
    Wr11 = "AS-WR-11", "FD_WRITE when AcceptEx or ConnectEx has made a connection, perhaps.";
    Wr12 = "AS-WR-12", "FD_WRITE means that there is room in the buffers.";
    Oob01 = "AS-OOB-01", "Urgent data is kept apart at first, and FD_OOB is for that.";
    Oob02 = "AS-OOB-02", "FD_OOB at registration, if an urgent byte is waiting.";
    Oob03 = "AS-OOB-03", "FD_OOB when an urgent byte arrives, unless it is posted already.";
    Oob04 = "AS-OOB-04", "FD_OOB after a receive call, if an urgent byte is still there.";
    Oob06 = "AS-OOB-06", "With SO_OOBINLINE urgent data is ordinary data, never FD_OOB.";
    Oob07 = "AS-OOB-07", "With SO_OOBINLINE a receive with MSG_OOB fails with WSAEINVAL.";
    Oob09 = "AS-OOB-09", "Kept apart, an urgent byte is read with MSG_OOB only.";
    Oob10 = "AS-OOB-10", "A receive does not cross the mark.";
    Oob12 = "AS-OOB-12", "Inline no urgent byte is lost.";
    Oob16 = "AS-OOB-16", "FD_OOB may carry WSAENETDOWN.";
    Ac01 = "AS-AC-01", "FD_ACCEPT at registration, if a connection waits.";
    Ac02 = "AS-AC-02", "FD_ACCEPT when a connection arrives, unless it is posted already.";
    Ac03 = "AS-AC-03", "FD_ACCEPT after accept, if another connection waits.";
    Ac05 = "AS-AC-05", "FD_ACCEPT may carry WSAENETDOWN.";
    Ac06 = "AS-AC-06", "accept may fail because the peer withdrew its request.";
    Ac07 = "AS-AC-07", "accept without a connection would block, without listen it is invalid.";
    Ac08 = "AS-AC-08", "A condition function refuses or defers, and WSAAccept fails.";
    Ac09 = "AS-AC-09", "FD_ACCEPT is for sockets that listen.";
    Co01 = "AS-CO-01", "FD_CONNECT at registration, if a connection is established.";
    Co04 = "AS-CO-04", "FD_CONNECT on its root when WSAJoinLeaf has ended, well or not.";
    Co05 = "AS-CO-05", "FD_CONNECT when the outcome of a connect is known, good or bad.";
    Co06 = "AS-CO-06", "WSAJoinLeaf returns a socket at once, and not WSAEWOULDBLOCK.";
    Co07 = "AS-CO-07", "Errors of a connect that the tables list.";
    Co08 = "AS-CO-08", "Pages differ on the errors that FD_CONNECT may carry.";
    Co09 = "AS-CO-09", "WSAEINVAL of a connect is for sockets that listen; bound ones connect.";
    Co13 = "AS-CO-13", "A connect that failed may be tried again.";
    Co12 = "AS-CO-12", "A second connect fails while one is pending and after it succeeded.";
    Co15 = "AS-CO-15", "select has success among the writable, failure among the exceptional.";
    Cl02 = "AS-CL-02", "FD_CLOSE at registration, if the connection was closed.";
    Cl03 = "AS-CL-03", "FD_CLOSE after a graceful close by the peer, once all data is read.";
    Cl04 = "AS-CL-04", "FD_CLOSE when the peer answers this side's shutdown with its own end.";
    Cl05 = "AS-CL-05", "FD_CLOSE when the peer aborts the connection.";
    Cl07 = "AS-CL-07", "The error word tells a reset from a graceful end.";
    Cl08 = "AS-CL-08", "FD_CLOSE with WSAECONNABORTED after a time-out or another failure.";
    Cl10 = "AS-CL-10", "Pages differ on whether FD_CLOSE comes in FIN_WAIT.";
    Cl12 = "AS-CL-12", "What aborts a connection does not wait for the reader.";
    Cl15 = "AS-CL-15", "After the end a receive gives 0, after a reset it fails.";
    Cl17 = "AS-CL-17", "After the peer's end this side can send on.";
    Cl18 = "AS-CL-18", "After the peer's end FD_WRITE still comes.";
    Cl19 = "AS-CL-19", "The peer's last data is told of before its end.";
    Cl20 = "AS-CL-20", "A send after shutdown(SD_SEND) fails with WSAESHUTDOWN.";
    Cl21 = "AS-CL-21", "A receive after shutdown(SD_RECEIVE) fails with WSAESHUTDOWN.";
    Cl22 = "AS-CL-22", "Closing with a linger time of zero resets the connection.";
    Cl25 = "AS-CL-25", "FD_CLOSE on every leaf of a session whose root is closed.";
    Qos01 = "AS-QOS-01", "FD_QOS when a parameter of the flow specification changes.";
    Qos02 = "AS-QOS-02", "FD_QOS at registration, if the flow specification has changed.";
    Qos03 = "AS-QOS-03", "FD_QOS may carry WSAENETDOWN.";
    Qos04 = "AS-QOS-04", "SIO_GET_QOS shows the flow specification as it is now.";
    Qos05 = "AS-QOS-05", "select knows nothing of QoS.";
    Qos06 = "AS-QOS-06", "SIO_GET_QOS may be reserved, and fail.";
    Gq01 = "AS-GQ-01", "FD_GROUP_QOS is reserved: it may be posted as FD_QOS is, or never.";
    Gq02 = "AS-GQ-02", "FD_GROUP_QOS may carry WSAENETDOWN.";
    Ri01 = "AS-RI-01", "FD_ROUTING_INTERFACE_CHANGE when the way changes after the IOCTL.";
    Ri03 = "AS-RI-03", "SIO_ROUTING_INTERFACE_CHANGE would block on a non-blocking socket.";
    Ri04 = "AS-RI-04", "The error word says that the destination cannot be reached any more.";
    Ri05 = "AS-RI-05", "After its event the routing IOCTL is issued again, and counts.";
    Al01 = "AS-AL-01", "FD_ADDRESS_LIST_CHANGE when the addresses change after the IOCTL.";
    Al02 = "AS-AL-02", "SIO_ADDRESS_LIST_CHANGE would block on a non-blocking socket.";
    Al03 = "AS-AL-03", "FD_ADDRESS_LIST_CHANGE may carry WSAENETDOWN.";
    Al04 = "AS-AL-04", "After its event the address IOCTL is issued again, and counts.";
    Cls04 = "AS-CLS-04", "A non-blocking close that is to linger and cannot, would block.";
    Cls06 = "AS-CLS-06", "The last WSACleanup closes sockets, and posts nothing.";
    Dup01 = "AS-DUP-01", "What a socket has is common to all its descriptors.";
    Dup02 = "AS-DUP-02", "Registering through any descriptor replaces the one registration.";
    Dup04 = "AS-DUP-04", "A socket stays open until its last descriptor is closed.";
    Hk01 = "AS-HK-01", "A 1.1 environment has one call a thread; a nested one fails.";
    Hk02 = "AS-HK-02", "From version 2.0 on a call may be made inside a callback.";
    Hk03 = "AS-HK-03", "A call that need not wait does not run the blocking hook.";
    Hk04 = "AS-HK-04", "WSACancelBlockingCall is for programs of version 1.1.";
    Hk05 = "AS-HK-05", "A cancelled call ends with WSAEINTR; without one there is an error.";
    Hk06 = "AS-HK-06", "Without a blocking hook the provider waits by itself.";
    Spi02 = "AS-SPI-02", "Messages are posted through WPUPostMessage.";
    Spi03 = "AS-SPI-03", "Messages are posted, and wait in the queue for their turn.";
    Spi04 = "AS-SPI-04", "Upcalls are those of the table that WSPStartup was given.";
    Spi05 = "AS-SPI-05", "The table of upcalls supplied last is the one in use.";
    Spi09 = "AS-SPI-09", "A provider returns its error through lpErrno.";
    Spi11 = "AS-SPI-11", "WSPStartup returns its error itself.";
    Spi12 = "AS-SPI-12", "wParam is the handle that the client knows.";
    Spi13 = "AS-SPI-13", "closesocket gives a made handle back, and frees what is behind it.";
    Spi16 = "AS-SPI-16", "On a made handle ReadFile is WSPRecv and WriteFile is WSPSend.";
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
    Udp02 = "AS-UDP-02", "FD_WRITE at registration, if the socket can send datagrams.";
    Udp04 = "AS-UDP-04", "A datagram socket has neither FD_CLOSE nor FD_ACCEPT.";
    Udp05 = "AS-UDP-05", "A datagram socket with a peer hears nobody else.";
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
