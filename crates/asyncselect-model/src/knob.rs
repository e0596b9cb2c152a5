//! The points where documentation, Windows and other stacks part: each is one knob.
//!
//! A knob is an enum whose variants are the alternatives; the first is canonical, that is, what a
//! simulation takes where a profile leaves the knob open. Which profile holds which value, and on
//! what evidence, is in [`crate::profile`].

use std::fmt;

/// A knob as a type: which one it is, and how its alternatives are numbered.
pub trait Knob: Copy + Eq + fmt::Debug {
    /// The knob's name as a value.
    const ID: KnobId;

    /// The alternative with this number, counted from 0.
    fn from_index(index: u8) -> Self;

    /// The number of this alternative.
    fn index(self) -> u8;
}

macro_rules! knobs {
    ($(
        $(#[doc = $about:literal])+
        $knob:ident = $name:literal [$($id:literal)+] {
            $($(#[doc = $value_about:literal])+ $value:ident = $value_name:literal,)+
        }
    )*) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            #[repr(u8)]
            pub enum $knob {
                $($(#[doc = $value_about])+ $value,)+
            }

            impl Knob for $knob {
                const ID: KnobId = KnobId::$knob;

                fn from_index(index: u8) -> Self {
                    [$(Self::$value),+][usize::from(index)]
                }

                #[expect(clippy::as_conversions, reason = "a fieldless enum of few variants")]
                fn index(self) -> u8 {
                    self as u8
                }
            }
        )*

        /// A knob by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum KnobId {
            $($(#[doc = $about])+ $knob,)*
        }

        impl KnobId {
            /// Every knob.
            pub const ALL: &'static [Self] = &[$(Self::$knob),*];

            /// The name in profiles and scripts.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$knob => $name,)* }
            }

            /// What is decided here.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$knob => concat!($($about),+).trim_ascii(),)* }
            }

            /// The clauses, facts and questions that meet here.
            #[must_use]
            pub const fn ids(self) -> &'static [&'static str] {
                match self { $(Self::$knob => &[$($id),+],)* }
            }

            /// The alternatives by name, the canonical one first.
            #[must_use]
            pub const fn values(self) -> &'static [&'static str] {
                match self { $(Self::$knob => &[$($value_name),+],)* }
            }

            /// What the alternatives mean, in the order of their names.
            #[must_use]
            pub const fn values_about(self) -> &'static [&'static str] {
                match self {
                    $(Self::$knob => const { &[$(concat!($($value_about),+).trim_ascii()),+] },)*
                }
            }
        }
    };
}

knobs! {
    /// When FD_CLOSE is posted for a graceful close while received data is unread.
    CloseWithUnread = "close_with_unread" ["AS-CL-03" "X-19" "W-083" "FB-02" "C6" "D3" "AS-CL-11"] {
        /// When the last byte was read.
        AfterDrain = "after_drain",
        /// When the peer's end arrives.
        Immediate = "immediate",
    }

    /// The same after this side had ended its own sending.
    CloseWithUnreadAfterShutdown = "close_with_unread_after_shutdown" ["AS-CL-04" "W-083"] {
        /// When the last byte was read.
        AfterDrain = "after_drain",
        /// When the peer's end arrives.
        Immediate = "immediate",
    }

    /// The error word of FD_CLOSE after a reset by the peer.
    ResetError = "reset_error" ["AS-CL-05" "W-088" "C9"] {
        /// `WSAECONNRESET`.
        ConnReset = "WSAECONNRESET",
        /// `WSAECONNABORTED`.
        ConnAborted = "WSAECONNABORTED",
        /// 0, as for a graceful close.
        Zero = "zero",
    }

    /// Whether registering on a connection that was reset posts FD_CLOSE.
    RegisterAfterReset = "register_after_reset" ["AS-CL-02" "OQ-23" "W-088" "C8"] {
        /// It does, as for any condition that holds.
        Posts = "posts",
        /// It does not.
        Silent = "silent",
    }

    /// Whether registering on a connection that both sides ended gracefully posts FD_CLOSE.
    RegisterAfterBothEnded = "register_after_both_ended" ["AS-CL-02" "OQ-23" "W-006"] {
        /// It does, as for any condition that holds.
        Posts = "posts",
        /// It does not.
        Silent = "silent",
    }

    /// Whether a reset posts FD_CLOSE once more after the peer's graceful end was posted.
    SecondClose = "second_close" ["AS-CL-14" "W-08C"] {
        /// It does not.
        Never = "never",
        /// It does.
        OnReset = "on_reset",
    }

    /// Whether FD_WRITE is posted when this side has ended its sending.
    WriteAfterOwnEnd = "write_after_own_end" ["OQ-10" "AS-CL-20"] {
        /// It is not: no send is possible.
        Silent = "silent",
        /// It is: a send would not have to wait.
        Posts = "posts",
    }

    /// Whether FD_WRITE is posted for a connection that was reset.
    WriteAfterReset = "write_after_reset" ["AS-WR-01" "W-089" "W-006"] {
        /// It is not: no send is possible.
        Silent = "silent",
        /// It is: a send would not have to wait.
        Posts = "posts",
        /// It is when the reset is noticed, as it arrives or when accept hands a registration down,
        /// and not later.
        WhenNoticed = "when_noticed",
    }

    /// What a reset does to received data that is unread.
    DataOnReset = "data_on_reset" ["OQ-24" "W-08A"] {
        /// It is gone; the next receive call tells of the reset.
        Discarded = "discarded",
        /// It can still be read, and FD_READ tells of what remains.
        Readable = "readable",
        /// It can still be read, but FD_READ is posted no more.
        ReadableSilently = "readable_silently",
    }

    /// What a receive call answers on a connection that was reset.
    ReceiveAfterReset = "receive_after_reset" ["AS-CL-15" "W-08A"] {
        /// `WSAECONNRESET`.
        ConnReset = "WSAECONNRESET",
        /// 0, as after a graceful end.
        Zero = "zero",
    }

    /// What a receive call answers when a reset came after the peer's graceful end.
    ResetAfterEnd = "reset_after_end" ["AS-CL-15" "W-08C" "C14"] {
        /// `WSAECONNRESET`.
        ConnReset = "WSAECONNRESET",
        /// `WSAECONNABORTED`.
        ConnAborted = "WSAECONNABORTED",
        /// 0 as before: the end was seen first.
        Zero = "zero",
    }

    /// What closesocket sends when received data was never read.
    CloseDiscarding = "close_discarding" ["AS-CL-22" "OQ-24"] {
        /// A reset: the peer must learn that its data was lost.
        Reset = "reset",
        /// A graceful end.
        Graceful = "graceful",
    }

    /// Which send calls arm FD_WRITE again.
    WriteRearmedBy = "write_rearmed_by" ["X-09" "AS-WR-07" "W-042" "FB-32" "D1"] {
        /// Those that failed with WSAEWOULDBLOCK.
        WouldBlock = "would_block",
        /// All of them.
        AnySend = "any_send",
        /// All that failed, but for those that tell of a reset.
        FailedSend = "failed_send",
    }

    /// Whether a send that took less than it was given arms FD_WRITE again.
    ShortSendRearms = "short_send_rearms" ["OQ-09" "AS-WR-09" "FB-35" "D1"] {
        /// It does not: it has not failed.
        Ignored = "ignored",
        /// It does.
        Rearms = "rearms",
    }

    /// How much of its data a non-blocking send takes when there is some space, but too little.
    ShortSend = "short_send" ["AS-WR-09" "W-046" "C17"] {
        /// All of it.
        Whole = "whole",
        /// What fits.
        Partial = "partial",
    }

    /// Whether a registration checks that the window exists.
    HwndCheck = "hwnd_check" ["AS-REG-09" "AS-Q-05" "OQ-03"] {
        /// It fails with WSAEINVAL.
        Einval = "WSAEINVAL",
        /// It succeeds; messages go nowhere.
        Accepted = "accepted",
    }

    /// Whether a cancellation (`lEvent` 0) checks that the window exists.
    CancelHwndCheck = "cancel_hwnd_check" ["OQ-02" "X-05"] {
        /// The window is not looked at.
        Ignored = "ignored",
        /// It fails with WSAEINVAL.
        Einval = "WSAEINVAL",
    }

    /// What a call on a socket handle answers before any WSAStartup.
    BeforeStartup = "before_startup" ["AS-REG-07" "OQ-01"] {
        /// `WSANOTINITIALISED`.
        NotInitialised = "WSANOTINITIALISED",
        /// `WSAENOTSOCK`: there cannot be a socket yet.
        NotSock = "WSAENOTSOCK",
    }

    /// What send answers on a stream socket that is not connected.
    SendUnconnected = "send_unconnected" ["W-038" "C15"] {
        /// `WSAENOTCONN`.
        NotConn = "WSAENOTCONN",
        /// `WSAECONNRESET`.
        ConnReset = "WSAECONNRESET",
    }

    /// Whether connect may be called again after it was refused.
    ConnectAfterRefusal = "connect_after_refusal" ["AS-CO-13" "W-037"] {
        /// It may.
        Allowed = "allowed",
        /// The first time it fails with WSAECONNABORTED.
        AbortedOnce = "aborted_once",
    }

    /// What is checked first when both the socket and the window are bad.
    ValidationOrder = "validation_order" ["OQ-01" "AS-REG-13"] {
        /// The socket.
        SocketFirst = "socket_first",
        /// The other parameters.
        ParametersFirst = "parameters_first",
    }

    /// What becomes of mask bits that no event has.
    UndefinedBits = "undefined_bits" ["OQ-04"] {
        /// They are ignored.
        Ignored = "ignored",
        /// The call fails with WSAEINVAL.
        Einval = "WSAEINVAL",
    }

    /// What a failing registration does to the one before.
    FailedSelect = "failed_select" ["OQ-06"] {
        /// Nothing.
        KeepsRegistration = "keeps_registration",
        /// It cancels it.
        CancelsRegistration = "cancels_registration",
    }

    /// Whether registering anew, with the same window and number, posts an event again that was
    /// posted and not re-enabled.
    Reregister = "reregister" ["OQ-07" "OQ-23" "W-006" "OQ-13" "D2" "D5"] {
        /// It does, if the condition holds.
        PostsAgain = "posts_again",
        /// It does not.
        KeepsLatch = "keeps_latch",
    }

    /// What becomes of queued messages when a registration is cancelled or replaced or the socket
    /// closed.
    QueuedMessages = "queued_messages" ["AS-CAN-03" "AS-CAN-04" "AS-CLS-02" "FB-24" "OQ-05"] {
        /// They are delivered all the same.
        Delivered = "delivered",
        /// They are withdrawn.
        Withdrawn = "withdrawn",
    }

    /// Whether a receive call whose buffer is refused (WSAEFAULT) arms again.
    BadBufferRearms = "bad_buffer_rearms" ["AS-EN-09" "OQ-35" "W-063" "C5" "D8"] {
        /// It does, as any failing call.
        Rearms = "rearms",
        /// It does not.
        Ignored = "ignored",
    }

    /// Whether a receive call with MSG_OOB that is invalid (SO_OOBINLINE, datagrams) arms again.
    RefusedOobRearms = "refused_oob_rearms" ["AS-EN-09" "AS-OOB-07" "AS-OOB-08" "OQ-35"] {
        /// It does, as any failing call.
        Rearms = "rearms",
        /// It does not.
        Ignored = "ignored",
    }

    /// What shutdown(SD_BOTH) does to the registration.
    ShutdownBoth = "shutdown_both" ["W-085" "C7"] {
        /// Nothing: FD_CLOSE still comes.
        KeepsRegistration = "keeps_registration",
        /// It forgets it.
        ForgetsRegistration = "forgets_registration",
    }

    /// What becomes of data that is unread at shutdown(SD_RECEIVE), or arrives after it.
    DataAfterReceiveShutdown = "data_after_receive_shutdown" ["AS-CL-21" "OQ-15"] {
        /// It resets the connection.
        Resets = "resets",
        /// It stays, and FD_READ tells of it, though no receive call can take it.
        Kept = "kept",
    }

    /// Whether a stack that aborts a connection by itself, because data met a receive side that was
    /// shut down, tells its own side with FD_CLOSE.
    CloseAfterOwnReset = "close_after_own_reset" ["OQ-15" "AS-CL-08"] {
        /// It does not.
        Silent = "silent",
        /// It does, with WSAECONNABORTED.
        Posts = "posts",
    }

    /// Whether FD_CONNECT is posted when a socket is registered that connect has connected before.
    ConnectAtRegistration = "connect_at_registration"
        ["AS-CO-01" "W-006" "W-031" "W-032" "FB-41" "D2" "D4"] {
        /// It is, as any condition that holds.
        Posts = "posts",
        /// It is not: FD_CONNECT tells of the moment only.
        Silent = "silent",
    }

    /// The same of a socket that accept made, registered or inheriting.
    ConnectOnAccepted = "connect_on_accepted" ["AS-CO-16" "OQ-12" "W-034" "D5"] {
        /// It is not.
        Silent = "silent",
        /// It is.
        Posts = "posts",
    }

    /// Whether a second connect on a socket posts FD_CONNECT without a new registration.
    ConnectAgain = "connect_again" ["OQ-11" "AS-CO-11" "AS-CO-13"] {
        /// It does: a new attempt has its own outcome.
        Posts = "posts",
        /// It does not.
        Silent = "silent",
        /// It does if it succeeds; that it failed again is not told.
        OnSuccess = "on_success",
    }

    /// What FD_CONNECT says of a connect that failed.
    ConnectErrorWord = "connect_error_word" ["AS-CO-05" "AS-CO-07" "W-036"] {
        /// The error.
        Code = "code",
        /// 0.
        Zero = "zero",
    }

    /// Whether an attempt to connect that fails before the call returns posts FD_CONNECT too. (A
    /// connect on a socket that connects or is connected is no attempt.)
    ConnectFailsAtOnce = "connect_fails_at_once" ["AS-CO-03" "X-14" "W-035"] {
        /// It does not: the program knows.
        Silent = "silent",
        /// It does.
        Posts = "posts",
    }

    /// The order of FD_CONNECT and FD_WRITE when a connect succeeds.
    ConnectAndWrite = "connect_and_write" ["AS-WR-05" "W-030" "D4"] {
        /// FD_CONNECT first.
        ConnectFirst = "connect_first",
        /// FD_WRITE first.
        WriteFirst = "write_first",
    }

    /// Whether FD_CLOSE follows when a connect failed.
    CloseAfterFailedConnect = "close_after_failed_connect" ["OQ-25" "FB-43"] {
        /// It does not: nothing was closed.
        Silent = "silent",
        /// It does, with the error of the connect.
        Posts = "posts",
    }

    /// What send and recv answer while a connect is pending.
    CallWhileConnecting = "call_while_connecting" ["W-038" "C15"] {
        /// `WSAENOTCONN`.
        NotConn = "WSAENOTCONN",
        /// `WSAEWOULDBLOCK`.
        WouldBlock = "WSAEWOULDBLOCK",
    }

    /// What a second connect answers while one is pending, in a 1.1 environment.
    AlreadyConnecting = "already_connecting_1_1" ["AS-CO-12" "AS-HK-01"] {
        /// `WSAEINVAL`, since 1.1 had no other code for it.
        Einval = "WSAEINVAL",
        /// `WSAEALREADY`, as in any other.
        Already = "WSAEALREADY",
    }

    /// Whether listen works on a socket whose connect was refused.
    ListenAfterRefusal = "listen_after_refusal" ["W-037" "C16"] {
        /// It does: the socket is bound.
        Works = "works",
        /// It fails with WSAEINVAL.
        Einval = "WSAEINVAL",
    }

    /// What SO_ERROR says after a connect that waited for its outcome and failed.
    SoErrorAfterConnect = "so_error_after_connect" ["W-037" "C16"] {
        /// 0: connect has told it.
        Zero = "zero",
        /// The error, as after a connect that did not wait.
        Kept = "kept",
    }

    /// Whether an accepted socket gets its listener's registration.
    AcceptInheritsRegistration = "accept_inherits_registration" ["AS-INH-01" "W-019" "FB-51"] {
        /// It does.
        Inherits = "inherits",
        /// It does not.
        Nothing = "nothing",
    }

    /// Whether an accept that fails arms FD_ACCEPT again.
    FailedAcceptRearms = "failed_accept_rearms" ["AS-EN-09" "FB-49" "D8"] {
        /// It does, as any failing call.
        Rearms = "rearms",
        /// It does not.
        Ignored = "ignored",
    }

    /// What accept makes of a connection that its peer reset before.
    WithdrawnConnection = "withdrawn_connection" ["AS-AC-06" "FB-49"] {
        /// It never sees it.
        Disappears = "disappears",
        /// It returns a socket that was reset.
        Accepted = "accepted",
        /// It fails with WSAECONNRESET.
        Fails = "WSAECONNRESET",
    }

    /// What becomes of urgent bytes that are unread when another arrives.
    UrgentBytes = "urgent_bytes" ["AS-OOB-12" "W-073" "C4"] {
        /// They are queued.
        Queued = "queued",
        /// They are lost.
        LastOnly = "last_only",
    }

    /// What becomes of an urgent byte when receive calls have read past its place.
    UrgentPassed = "urgent_passed" ["AS-OOB-09" "W-076"] {
        /// It can still be read with MSG_OOB.
        Kept = "kept",
        /// It is lost.
        Lost = "lost",
    }

    /// Whether a receive call stops where an urgent byte was sent, SO_OOBINLINE being off.
    ReceiveAtMark = "receive_at_mark" ["AS-OOB-10"] {
        /// It does.
        Stops = "stops",
        /// It goes on behind it.
        Spans = "spans",
    }

    /// With which bytes a receive call reads an urgent byte that SO_OOBINLINE made ordinary data.
    InlineUrgent = "inline_urgent" ["AS-OOB-10" "AS-OOB-11" "X-11"] {
        /// With none.
        Alone = "alone",
        /// With those behind it.
        WithNext = "with_next",
        /// With those before and behind it.
        WithAll = "with_all",
    }

    /// What FIONREAD counts when an urgent byte stands among the data.
    Fionread = "fionread" ["AS-Q-10" "W-076"] {
        /// All ordinary data.
        Whole = "whole",
        /// What stands before the urgent byte.
        ToMark = "to_mark",
    }

    /// What SIOCATMARK asks.
    AtMark = "at_mark" ["X-12" "AS-OOB-14" "W-076"] {
        /// TRUE if no urgent byte is waiting.
        NoUrgent = "no_urgent",
        /// FALSE if the next byte is the urgent one or was, TRUE otherwise.
        NotNext = "not_next",
    }

    /// Which receive calls arm FD_OOB again.
    OobRearmedBy = "oob_rearmed_by" ["X-10" "AS-OOB-04" "AS-OOB-05" "AS-EN-04" "W-073"] {
        /// All of them.
        AnyReceive = "any_receive",
        /// Those with MSG_OOB.
        OobReceive = "oob_receive",
    }

    /// Whether a receive call with MSG_OOB arms FD_READ again.
    OobReceiveRearmsRead = "oob_receive_rearms_read" ["OQ-32" "AS-EN-02"] {
        /// It does.
        Rearms = "rearms",
        /// It does not.
        Ignored = "ignored",
    }

    /// Whether urgent data posts FD_OOB although SO_OOBINLINE makes it ordinary data.
    InlineOob = "inline_oob" ["AS-OOB-06" "W-075"] {
        /// It does not.
        Silent = "silent",
        /// It does, beside FD_READ.
        Posts = "posts",
    }

    /// Whether setting SO_OOBINLINE while an urgent byte waits makes the stack look again.
    InlineChange = "inline_change" ["OQ-30"] {
        /// It does not.
        Silent = "silent",
        /// It does: FD_READ may take the place of FD_OOB, or the other way round.
        Looks = "looks",
    }

    /// Whether a receive call that waits takes what arrives before FD_READ can tell of it; the same
    /// of accept and FD_ACCEPT.
    WaitingCall = "waiting_call" ["OQ-21" "W-067" "W-020"] {
        /// It does: only what it leaves is told.
        Absorbs = "absorbs",
        /// It does not: the arrival is told first.
        Tells = "tells",
    }

    /// Whether a registration that fails has made the socket non-blocking all the same.
    FailedSelectMode = "failed_select_mode" ["OQ-06" "AS-NB-01"] {
        /// It has not.
        Unchanged = "unchanged",
        /// It has.
        NonBlocking = "nonblocking",
    }

    /// What becomes of a registration when its window is destroyed.
    DestroyedWindow = "destroyed_window" ["OQ-18" "AS-Q-07" "D6"] {
        /// It stays; what it posts is lost.
        KeepsRegistration = "keeps_registration",
        /// It ends.
        CancelsRegistration = "cancels_registration",
    }

    /// What becomes of an event when its message cannot be posted. (FD_CONNECT tells of a moment,
    /// and is lost with it either way.)
    FailedPost = "failed_post" ["OQ-17" "AS-Q-03" "FB-67" "D6"] {
        /// It stays armed: the next look at the socket posts it.
        StaysArmed = "stays_armed",
        /// It is lost until its re-enabling call.
        Lost = "lost",
    }

    /// How many posted messages a thread's queue holds.
    QueueLimit = "queue_limit" ["AS-Q-01" "FB-67"] {
        /// 10,000; posting more fails.
        TenThousand = "10000",
        /// Any number.
        Unlimited = "none",
    }

    /// What the last WSACleanup does to messages that are queued.
    CleanupMessages = "cleanup_messages" ["AS-CLS-05" "X-21"] {
        /// They are delivered all the same.
        Delivered = "delivered",
        /// They are withdrawn.
        Withdrawn = "withdrawn",
    }

    /// Which value the next new socket gets.
    HandleReuse = "handle_reuse" ["AS-CLS-02" "AS-CLS-03" "X-20" "FB-24"] {
        /// One that no socket had before.
        Never = "never",
        /// That of the socket that was closed last.
        Lifo = "lifo",
        /// That of the socket that was closed first.
        Fifo = "fifo",
        /// The lowest that is free. (On Wine 8.0 that is so for socket; accept takes the next.)
        Lowest = "lowest",
    }

    /// What closesocket does on a non-blocking socket that is to linger (SO_LINGER with a time-out)
    /// while data is under way.
    LingeringClose = "lingering_close" ["AS-CLS-04" "OQ-28"] {
        /// It fails with WSAEWOULDBLOCK; the socket stays as it is.
        WouldBlock = "WSAEWOULDBLOCK",
        /// It closes.
        Closes = "closes",
    }

    /// Whether an accepted socket is non-blocking when its listener is.
    AcceptInheritsMode = "accept_inherits_mode" ["OQ-37" "AS-INH-01"] {
        /// It is.
        Inherits = "inherits",
        /// It is blocking, unless it inherits a registration.
        Blocking = "blocking",
    }

    /// What WSPAsyncSelect leaves in `*lpErrno` when it succeeds.
    LpErrnoOnSuccess = "lperrno_on_success" ["OQ-20" "AS-SPI-10"] {
        /// What was there before.
        Untouched = "untouched",
        /// Zero.
        Zero = "zero",
    }

    /// The order of FD_WRITE and FD_CLOSE when both come to hold at once.
    WriteAndClose = "write_and_close" ["OQ-14" "AS-ORD-04" "W-002"] {
        /// FD_WRITE first.
        WriteFirst = "write_first",
        /// FD_CLOSE first.
        CloseFirst = "close_first",
    }

    /// The order of FD_OOB and FD_READ when both come to hold at once.
    OobAndRead = "oob_and_read" ["OQ-14" "AS-ORD-04" "W-002"] {
        /// FD_OOB first.
        OobFirst = "oob_first",
        /// FD_READ first.
        ReadFirst = "read_first",
    }

    /// The order of FD_READ and FD_WRITE when both come to hold at once.
    ReadAndWrite = "read_and_write" ["OQ-14" "AS-ORD-04" "W-064" "D4"] {
        /// FD_READ first.
        ReadFirst = "read_first",
        /// FD_WRITE first.
        WriteFirst = "write_first",
    }

    // Datagrams.

    /// Whether connect on a datagram socket, which completes at once, posts FD_CONNECT.
    DatagramConnect = "datagram_connect" ["AS-UDP-01" "AS-CO-02" "W-093" "C11"] {
        /// It does.
        Posts = "posts",
        /// It does not.
        Silent = "silent",
    }

    /// Whether connect on a datagram socket posts FD_WRITE, posted before or not.
    DatagramConnectWrite = "write_after_datagram_connect" ["AS-WR-02" "W-093" "C11"] {
        /// It does.
        Posts = "posts",
        /// It does not.
        Silent = "silent",
    }

    /// Whether FD_WRITE is posted when a datagram socket is registered that is not bound.
    WriteOnUnbound = "write_on_unbound" ["OQ-08" "AS-UDP-03" "W-091" "D7"] {
        /// It is: sendto would bind the socket.
        Posts = "posts",
        /// It is not.
        Silent = "silent",
    }

    /// Whether bind on a datagram socket posts FD_WRITE, posted before or not.
    WriteAfterBind = "write_after_bind" ["AS-WR-04" "AS-UDP-02" "D7"] {
        /// It does not.
        Silent = "silent",
        /// It does.
        Posts = "posts",
    }

    /// What becomes of unread datagrams when connect gives a datagram socket another peer.
    PeerChange = "datagrams_on_peer_change" ["AS-UDP-05"] {
        /// They are discarded.
        Discarded = "discarded",
        /// They stay, whoever sent them.
        Kept = "kept",
    }

    /// What connect with an address of zeros makes of a datagram socket that has a peer.
    Disconnect = "datagram_disconnect" ["AS-UDP-05"] {
        /// One without a peer.
        Dissolves = "dissolves",
        /// One without a peer and without its port, unless bind named it.
        Unbinds = "unbinds",
    }

    /// How a socket is told that nobody is bound where it sent a datagram.
    PortUnreachable = "port_unreachable" ["AS-UDP-07" "W-095"] {
        /// The next receive call fails with `WSAECONNRESET`.
        ConnReset = "WSAECONNRESET",
        /// It is not.
        Ignored = "ignored",
    }

    /// Whether that posts FD_CLOSE to a socket that is connected there, with `WSAECONNREFUSED`, and
    /// nothing from then on.
    PortUnreachableClose = "port_unreachable_close" ["AS-UDP-04" "AS-CL-01" "W-095"] {
        /// It does not.
        Silent = "silent",
        /// It does, and overlapped receives that wait fail with that error.
        Posts = "posts",
    }

    /// Whether it posts FD_READ, where a receive call would tell of it.
    PortUnreachableRead = "port_unreachable_read" ["OQ-16" "AS-UDP-07"] {
        /// It does not: there is no data.
        Silent = "silent",
        /// It does.
        Posts = "posts",
        /// It does, with `WSAECONNRESET` as the error word.
        PostsError = "posts_error",
    }

    /// Whether an empty datagram posts FD_READ.
    EmptyDatagramRead = "empty_datagram_read" ["OQ-16" "AS-UDP-06" "D7"] {
        /// It does: a receive call would return.
        Posts = "posts",
        /// It does not: it holds no data.
        Silent = "silent",
    }

    /// Whether unread datagrams post FD_READ after shutdown(SD_RECEIVE), which keeps them.
    ReadAfterReceiveShutdown = "read_after_receive_shutdown" ["OQ-15" "AS-CL-21" "D7"] {
        /// They do.
        Posts = "posts",
        /// They do not: no receive call can have them.
        Silent = "silent",
    }

    /// What FIONREAD counts on a datagram socket.
    DatagramFionread = "fionread_datagrams" ["X-25" "AS-Q-10"] {
        /// The bytes of all unread datagrams.
        Total = "total",
        /// Those of the first.
        First = "first",
    }

    /// What a receive call answers on a datagram socket that is not bound.
    ReceiveUnbound = "receive_unbound" ["W-094"] {
        /// `WSAEINVAL`.
        Einval = "WSAEINVAL",
        /// It waits, or fails with `WSAEWOULDBLOCK`.
        Waits = "waits",
    }

    /// What send answers on a datagram socket without a peer.
    SendWithoutPeer = "send_without_peer" ["W-094"] {
        /// `WSAENOTCONN`.
        NotConn = "WSAENOTCONN",
        /// `WSAEINVAL`.
        Einval = "WSAEINVAL",
    }

    /// What a receive call with MSG_OOB answers on a datagram socket.
    DatagramOob = "datagram_oob_receive" ["AS-OOB-08"] {
        /// `WSAEOPNOTSUPP`.
        OpNotSupp = "WSAEOPNOTSUPP",
        /// What it answers without MSG_OOB.
        Ignored = "ignored",
    }
    // Overlapped and extended calls.

    /// What a connection that a condition function deferred (CF_DEFER) does to FD_ACCEPT.
    DeferredAccept = "deferred_accept" ["AS-EN-05" "AS-EN-22" "W-022"] {
        /// The call does not arm it, and while the connection is at the head none is told.
        Silences = "silences",
        /// The call arms it as any other, and all others that wait are told.
        TellsOfOthers = "tells_of_others",
    }

    /// What the peer of a connection sees that a condition function refused (CF_REJECT).
    RejectedPeer = "rejected_peer" ["AS-AC-08"] {
        /// A reset.
        Reset = "reset",
        /// What closesocket sends: a graceful end, unless data was unread.
        Closed = "closed",
    }

    /// Whether an overlapped receive that waits takes what arrives before FD_READ can tell of it;
    /// the same of AcceptEx and FD_ACCEPT, and of a send and FD_WRITE.
    PendingOperation = "pending_operation" ["OQ-21" "W-067" "W-020"] {
        /// It does: only what it leaves is told.
        Absorbs = "absorbs",
        /// It does not: the arrival is told first.
        Tells = "tells",
    }

    /// Whether asking for the result of an overlapped receive arms FD_READ.
    CollectingRearms = "collecting_rearms" ["OQ-21" "AS-EN-02"] {
        /// It does not: the receive call has.
        Ignored = "ignored",
        /// It does, each time.
        Rearms = "rearms",
    }

    /// Whether AcceptEx arms FD_ACCEPT.
    AcceptExRearms = "accept_ex_rearms" ["AS-EN-21" "X-07" "OQ-22"] {
        /// It does not.
        Ignored = "ignored",
        /// It does, as accept.
        Rearms = "rearms",
    }

    /// Whether FD_WRITE is posted when AcceptEx has connected a socket that is registered itself.
    AcceptExWrite = "accept_ex_write" ["AS-WR-11" "OQ-22"] {
        /// It is.
        Posts = "posts",
        /// It is not.
        Silent = "silent",
    }

    /// What is posted when ConnectEx has its outcome.
    ConnectExTells = "connect_ex_tells" ["AS-WR-11" "OQ-22"] {
        /// What connect posts: FD_CONNECT, and FD_WRITE if it succeeded.
        Both = "both",
        /// FD_WRITE, if it succeeded.
        WriteOnly = "write_only",
        /// Nothing: the end of the operation tells.
        Nothing = "nothing",
    }

    /// Whether SO_UPDATE_ACCEPT_CONTEXT gives a socket what its listener has, and its registration.
    UpdateAcceptContext = "update_accept_context" ["AS-INH-07"] {
        /// It does.
        Inherits = "inherits",
        /// It does nothing: options are the listener's at once, its registration never is.
        Nothing = "nothing",
    }

    /// What AcceptEx answers when a connection waits.
    AcceptExWithConnection = "accept_ex_with_connection" ["OQ-22"] {
        /// That it is over.
        Ends = "ends",
        /// `WSA_IO_PENDING`, and it ends by itself.
        Pends = "pends",
    }

    // Event mode: WSAEventSelect and WSAEnumNetworkEvents.

    /// Whether WSAEventSelect tells again of an event that was told and not re-enabled, while its
    /// condition holds.
    EventReregister = "event_reregister" ["OQ-07" "AS-REP-09" "W-007"] {
        /// It does, as for a new registration.
        TellsAgain = "tells_again",
        /// It does not, whatever mask or event object came between.
        KeepsLatch = "keeps_latch",
    }

    /// What WSAEventSelect does to the events that are recorded and not enumerated.
    EventRecordKept = "event_record" ["AS-REP-05" "W-009" "W-016"] {
        /// They are cleared.
        Cleared = "cleared",
        /// They stay; those that the new mask holds set the new event object at once.
        Kept = "kept",
    }

    /// Whether what arrives is recorded although its event was told and not re-enabled.
    EventArrival = "event_arrival" ["AS-EN-01" "AS-REP-09" "W-012" "W-062" "W-072" "C1" "C2" "C3"] {
        /// It is not.
        Once = "once",
        /// Each arrival is.
        Each = "each",
    }

    /// Whether a receive call whose buffer is refused (WSAEFAULT) re-enables FD_READ in event mode.
    EventBadBufferRearms = "event_bad_buffer_rearms" ["AS-EN-09" "OQ-35" "W-063" "W-070"] {
        /// It does.
        Rearms = "rearms",
        /// It does not.
        Ignored = "ignored",
    }

    /// How long the outcome of a connect that nobody was told of is told to a registration with an
    /// event object.
    EventConnectOutcome = "event_connect_outcome" ["AS-CO-01" "W-032" "W-036" "W-089"] {
        /// As long as the connection is established; a failure not at all.
        WhileConnected = "while_connected",
        /// Until it is told.
        UntilTold = "until_told",
    }

    /// What becomes of a recorded event that was not enumerated when its re-enabling call leaves
    /// nothing of its condition.
    RecordAfterCall = "record_after_call" ["AS-EN-19" "W-018" "W-066"] {
        /// It stays recorded: it tells of what once was.
        Kept = "kept",
        /// It is taken back.
        Withdrawn = "withdrawn",
    }

    /// What a WSAAsyncSelect with a mask does to what WSAEventSelect has recorded.
    RecordAfterAsyncSelect = "record_after_async_select" ["OQ-29" "AS-REP-06" "AS-CAN-07"] {
        /// It is cleared.
        Cleared = "cleared",
        /// It stays until it is enumerated.
        Kept = "kept",
    }

    /// Whether an event that a message told of, and that was not re-enabled, is recorded for a
    /// WSAEventSelect that takes over.
    EventAfterMessages = "event_after_messages" ["AS-REP-01" "AS-REP-09"] {
        /// It is, as for any new registration.
        TellsAgain = "tells_again",
        /// It is not.
        KeepsLatch = "keeps_latch",
    }

    /// Whether select sets the event object of a socket of which an event is recorded.
    SelectSetsEvent = "select_sets_event" ["AS-EN-23" "W-010"] {
        /// It does not.
        Never = "never",
        /// It does, in whatever list the socket is.
        Sets = "sets",
    }

    /// Whether FD_WRITE is recorded when WSAEventSelect is called on a datagram socket that is not
    /// bound.
    EventWriteOnUnbound = "event_write_on_unbound" ["OQ-08" "AS-UDP-03" "W-091" "C10"] {
        /// It is: sendto would bind the socket.
        Records = "records",
        /// It is not.
        Silent = "silent",
    }

    /// Whether connect on a datagram socket, which completes at once, records FD_CONNECT.
    EventDatagramConnect = "event_datagram_connect" ["AS-UDP-01" "AS-REP-09" "W-093" "C11"] {
        /// It does.
        Records = "records",
        /// It does not.
        Silent = "silent",
    }

    /// Whether WSAEventSelect looks at its event object when its mask is 0.
    CancelEventCheck = "cancel_event_check" ["X-05" "AS-CAN-06"] {
        /// It does not.
        Ignored = "ignored",
        /// One that does not exist is WSAEINVAL; NULL is none.
        Einval = "WSAEINVAL",
    }

    // Descriptors and processes.

    /// Which descriptor of a shared socket `wParam` names.
    SharedWparam = "shared_wparam" ["OQ-19" "AS-DUP-01"] {
        /// The one that registered.
        Registering = "registering",
        /// The first.
        First = "first",
    }

    /// What becomes of a registration when the descriptor that made it is closed while the socket
    /// has others.
    ClosedDescriptor = "closed_descriptor" ["OQ-19" "AS-DUP-01" "AS-DUP-04" "AS-CLS-01"] {
        /// It stays, as the socket does.
        KeepsRegistration = "keeps_registration",
        /// It ends.
        CancelsRegistration = "cancels_registration",
    }

    /// Whether calls of another process on a shared socket arm events of the process that
    /// registered.
    OtherProcessRearms = "other_process_rearms" ["OQ-33" "AS-DUP-01"] {
        /// They do: the socket's state is common.
        Rearms = "rearms",
        /// They do not.
        Ignored = "ignored",
    }

    /// What CloseHandle on the last handle of a registered stream socket does, FD_CLOSE being asked
    /// for.
    ClosedHandle = "closed_handle" ["W-08E" "W-08F" "C12"] {
        /// It is silent, as closesocket.
        Silent = "silent",
        /// It posts FD_CLOSE, error word 0.
        Posts = "posts",
    }

    /// The same of a datagram socket, which FD_CLOSE is not for.
    ClosedDatagramHandle = "closed_datagram_handle" ["AS-UDP-04" "AS-CL-01" "W-08E" "W-08F"] {
        /// It is silent: there is no circuit that could be closed.
        Silent = "silent",
        /// It posts FD_CLOSE, error word 0.
        Posts = "posts",
    }

    /// What becomes of data that is under way from sockets that the last WSACleanup or WSPCleanup
    /// closes.
    CleanupData = "cleanup_data" ["X-30" "AS-CLS-06"] {
        /// It arrives, and the end behind it.
        Sent = "sent",
        /// It is lost, and the connection reset.
        Lost = "lost",
    }

    // Quality of service, routes and addresses.

    /// Whether changes of quality of service, routes and addresses are ever reported.
    ChangeEvents = "change_events" ["AS-QOS-01" "AS-RI-01" "AS-AL-01" "W-096" "W-097" "C13"] {
        /// They are.
        Reported = "reported",
        /// They are not: the four bits do nothing.
        Ignored = "ignored",
    }

    /// Whether FD_GROUP_QOS, which is reserved, is posted when the quality of a group changes.
    GroupQos = "group_qos" ["AS-GQ-01"] {
        /// It is, as FD_QOS.
        Posts = "posts",
        /// It is not.
        Silent = "silent",
    }

    /// Whether a registration is told of a route or an address that changed before it, after its
    /// IOCTL.
    ChangeBeforeRegistration = "change_before_registration" ["OQ-31"] {
        /// It is, as of any condition that holds.
        Posts = "posts",
        /// It is not.
        Silent = "silent",
    }

    /// Whether a registration is told of a change of quality of service that an earlier one was
    /// told of and that nobody has asked about since.
    QosToldBefore = "qos_told_before" ["AS-QOS-02" "AS-EN-12"] {
        /// It is not: a change has one message.
        Silent = "silent",
        /// It is: the quality of service has changed.
        Posts = "posts",
    }

    /// Whether the destination of SIO_ROUTING_INTERFACE_CHANGE matters.
    RouteDestination = "route_destination" ["AS-RI-02"] {
        /// It does: only changes of the way there are told.
        Matters = "matters",
        /// It does not: any change of a route is told.
        Ignored = "ignored",
    }

    /// What SIO_GET_QOS and SIO_GET_GROUP_QOS answer.
    GetQos = "sio_get_qos" ["AS-QOS-06" "X-22"] {
        /// The quality of service.
        Works = "works",
        /// `WSAENOPROTOOPT`: there is none.
        NoProtoOpt = "WSAENOPROTOOPT",
        /// `WSAEOPNOTSUPP`: the command is not known.
        OpNotSupp = "WSAEOPNOTSUPP",
    }

    /// What SIO_ROUTING_INTERFACE_CHANGE answers.
    RouteIoctl = "sio_routing_interface_change" ["AS-RI-03"] {
        /// It waits, or fails with WSAEWOULDBLOCK on a non-blocking socket.
        Waits = "waits",
        /// `WSAEOPNOTSUPP`: the command is not known.
        OpNotSupp = "WSAEOPNOTSUPP",
    }
}

impl KnobId {
    /// The knob of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|knob| knob.name() == name)
    }

    /// The number of the alternative of this name.
    #[must_use]
    pub fn value_index(self, name: &str) -> Option<u8> {
        let found = self.values().iter().position(|value| *value == name)?;
        u8::try_from(found).ok()
    }

    /// The knobs at which a clause, fact or question matters.
    pub fn naming(id: &str) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |knob| knob.ids().contains(&id))
    }

    /// Whether it matters only to registrations with an event object.
    #[must_use]
    pub const fn is_of_event_mode(self) -> bool {
        matches!(
            self,
            Self::EventReregister
                | Self::EventRecordKept
                | Self::EventArrival
                | Self::EventBadBufferRearms
                | Self::EventConnectOutcome
                | Self::RecordAfterCall
                | Self::RecordAfterAsyncSelect
                | Self::EventAfterMessages
                | Self::SelectSetsEvent
                | Self::CancelEventCheck
                | Self::EventWriteOnUnbound
                | Self::EventDatagramConnect
        )
    }

    /// Whether it matters only to registrations with a window.
    #[must_use]
    pub const fn is_of_message_mode(self) -> bool {
        matches!(
            self,
            Self::HwndCheck
                | Self::CancelHwndCheck
                | Self::Reregister
                | Self::QueuedMessages
                | Self::BadBufferRearms
                | Self::ConnectAtRegistration
                | Self::DatagramConnect
                | Self::WriteOnUnbound
                | Self::RegisterAfterReset
                | Self::DestroyedWindow
                | Self::FailedPost
                | Self::QueueLimit
                | Self::CleanupMessages
                | Self::ConnectAndWrite
                | Self::WriteAndClose
                | Self::OobAndRead
                | Self::ReadAndWrite
        )
    }

    /// Position in [`KnobId::ALL`].
    #[must_use]
    #[expect(clippy::as_conversions, reason = "a fieldless enum of few variants")]
    pub const fn position(self) -> usize {
        self as usize
    }
}

impl fmt::Display for KnobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
