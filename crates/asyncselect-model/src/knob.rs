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
        }
    };
}

knobs! {
    /// When FD_CLOSE is posted for a graceful close while received data is unread.
    CloseWithUnread = "close_with_unread" ["AS-CL-03" "X-19" "W-083" "FB-02"] {
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
    ResetError = "reset_error" ["AS-CL-05" "W-088"] {
        /// `WSAECONNRESET`.
        ConnReset = "WSAECONNRESET",
        /// `WSAECONNABORTED`.
        ConnAborted = "WSAECONNABORTED",
        /// 0, as for a graceful close.
        Zero = "zero",
    }

    /// Whether registering on a connection that was reset posts FD_CLOSE.
    RegisterAfterReset = "register_after_reset" ["AS-CL-02" "OQ-23" "W-088"] {
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

    /// Whether a registration on a connection that was reset posts FD_WRITE.
    WriteAfterReset = "write_after_reset" ["AS-WR-01" "W-089" "W-006"] {
        /// It does not: no send is possible.
        Silent = "silent",
        /// It does: a send would not have to wait.
        Posts = "posts",
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
    ResetAfterEnd = "reset_after_end" ["AS-CL-15" "W-08C"] {
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
    WriteRearmedBy = "write_rearmed_by" ["X-09" "AS-WR-07" "W-042" "FB-32"] {
        /// Those that failed with WSAEWOULDBLOCK.
        WouldBlock = "would_block",
        /// All of them.
        AnySend = "any_send",
    }

    /// How much of its data a non-blocking send takes when there is some space, but too little.
    ShortSend = "short_send" ["AS-WR-09" "W-046"] {
        /// All of it.
        Whole = "whole",
        /// What fits.
        Partial = "partial",
    }

    /// Whether a registration checks that the window exists.
    HwndCheck = "hwnd_check" ["AS-REG-09"] {
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

    /// Whether registering anew posts an event again that was posted and not re-enabled.
    Reregister = "reregister" ["OQ-07" "OQ-23" "W-006"] {
        /// It does, if the condition holds.
        PostsAgain = "posts_again",
        /// It does not.
        KeepsLatch = "keeps_latch",
    }

    /// What becomes of queued messages when a registration is cancelled or replaced or the socket
    /// closed.
    QueuedMessages = "queued_messages" ["AS-CAN-03" "AS-CAN-04" "AS-CLS-02" "FB-24"] {
        /// They are delivered all the same.
        Delivered = "delivered",
        /// They are withdrawn.
        Withdrawn = "withdrawn",
    }

    /// Whether a receive call whose buffer is refused (WSAEFAULT) arms FD_READ again.
    BadBufferRearms = "bad_buffer_rearms" ["AS-EN-09" "OQ-35" "W-063"] {
        /// It does, as any failing call.
        Rearms = "rearms",
        /// It does not.
        Ignored = "ignored",
    }

    /// What shutdown(SD_BOTH) does to the registration.
    ShutdownBoth = "shutdown_both" ["W-085"] {
        /// Nothing: FD_CLOSE still comes.
        KeepsRegistration = "keeps_registration",
        /// It forgets it.
        ForgetsRegistration = "forgets_registration",
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

    /// The order of FD_READ and FD_WRITE when both come to hold at once.
    ReadAndWrite = "read_and_write" ["OQ-14" "AS-ORD-04" "W-064"] {
        /// FD_READ first.
        ReadFirst = "read_first",
        /// FD_WRITE first.
        WriteFirst = "write_first",
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
