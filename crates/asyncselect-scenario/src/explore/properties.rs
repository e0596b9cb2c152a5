//! What must hold of every state and step, and what should be met somewhere, by name.
//!
//! Where a stack is known to part from a clause, the property names the knob. What the alternative
//! that a run holds there stands for is that stack's known deviation, and is reported as such; an
//! alternative excuses nothing else. `monitor` works out what holds, and what explains it if not.

use asyncselect_model::{KnobId, World};

use super::search::Marks;

/// What a property demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// That it is never broken.
    Always,
    /// That the situation is reached at least once.
    Sometimes,
}

macro_rules! properties {
    ($($(#[doc = $doc:literal])+ $property:ident = $kind:ident $name:literal
        [$($clause:literal)*] {$($knob:ident: $value:literal)*},)*) => {
        /// A property; its place is its bit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Property {
            $($(#[doc = $doc])+ $property,)*
        }

        impl Property {
            /// Every property.
            pub const ALL: &'static [Self] = &[$(Self::$property),*];

            /// Its sentence.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$property => $name,)* }
            }

            /// What it demands.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$property => Kind::$kind,)* }
            }

            /// The clauses that it restates.
            #[must_use]
            pub const fn clauses(self) -> &'static [&'static str] {
                match self { $(Self::$property => &[$($clause),*],)* }
            }

            /// The alternatives of knobs that break it by intent, where they stand for just that.
            #[must_use]
            pub const fn excuses(self) -> &'static [(KnobId, &'static str)] {
                match self { $(Self::$property => &[$((KnobId::$knob, $value)),*],)* }
            }
        }
    };
}

properties! {
    /// Whatever else happened on the socket.
    InMask = Always "no message of an event outside the mask"
        ["AS-REP-01" "AS-REP-03"] {},
    /// Of the registration that holds, not of an earlier one.
    ToItsWindow = Always "a message goes to the window, with the number, of its registration"
        ["AS-REP-01" "AS-MSG-01" "AS-MSG-06"] {},
    /// What was queued before may still come.
    OnlyRegistered = Always "nothing is posted after a cancellation"
        ["AS-CAN-01" "AS-CAN-02"] {},
    /// What was queued before may still come.
    NothingAfterClose = Always "nothing is posted after closesocket"
        ["AS-CAN-05" "AS-CL-06" "AS-CLS-01"] {ClosedHandle: "posts" ClosedDatagramHandle: "posts"},
    /// The low word has one bit.
    OneEvent = Always "a message carries one event"
        ["AS-MSG-05"] {},
    /// FD_READ, FD_WRITE, FD_OOB and FD_ACCEPT.
    OnceUntilEnabled = Always "no second message before the re-enabling call or a registration"
        ["AS-EN-01" "AS-EN-02" "AS-EN-03" "AS-EN-04" "AS-EN-05"] {},
    /// One connect, one outcome.
    ConnectOnce = Always "FD_CONNECT once for a connect in a registration"
        ["AS-CO-11" "AS-EN-06"] {},
    /// Refused, for example, is not connected.
    ConnectSaysHow = Always "FD_CONNECT says 0 for a connection, and an error where there is none"
        ["AS-CO-05" "AS-CO-07"] {ConnectErrorWord: "zero"},
    /// Whatever is called in between.
    CloseOnce = Always "FD_CLOSE once in a registration"
        ["AS-CL-14" "AS-EN-06"] {},
    /// The one case in which some stacks do.
    CloseOnceThoughReset = Always "FD_CLOSE no second time for a reset after the end"
        ["AS-CL-14"] {SecondClose: "on_reset"},
    /// The tables of both pages.
    ListedErrors = Always "error words are those that the tables list"
        ["AS-RD-07" "AS-WR-08" "AS-OOB-16" "AS-AC-05" "AS-CO-07" "AS-CL-08"]
        {CloseAfterFailedConnect: "posts" PortUnreachableClose: "posts"
         PortUnreachableRead: "posts_error"},
    /// 0 for FIN.
    GracefulIsZero = Always "the error word of a graceful FD_CLOSE is 0"
        ["AS-CL-07"] {},
    /// WSAECONNRESET for RST.
    ResetIsTold = Always "the error word of FD_CLOSE after a reset is WSAECONNRESET"
        ["AS-CL-05" "AS-CL-07"] {ResetError: "WSAECONNABORTED" ResetError: "zero"},
    /// The end waits for the reader.
    CloseAfterData = Always "FD_CLOSE of a graceful close waits until all data is read"
        ["AS-CL-03" "AS-ORD-03"] {CloseWithUnread: "immediate"},
    /// The same once this side has sent its own end.
    CloseAfterDataToo = Always "FD_CLOSE waits for the reader after shutdown by this side too"
        ["AS-CL-04"] {CloseWithUnreadAfterShutdown: "immediate"},
    /// An open connection.
    CloseForClosure = Always "FD_CLOSE is for closed connections"
        ["AS-CL-09"] {CloseAfterFailedConnect: "posts"},
    /// Closure, for example.
    ReadForData = Always "FD_READ is for data, not for closure"
        ["AS-RD-05" "AS-CL-13"] {PendingOperation: "tells"},
    /// While sends are possible at all.
    WriteForSpace = Always "FD_WRITE is for space to send into"
        ["AS-WR-12" "AS-WR-03"] {PendingOperation: "tells"},
    /// Neither after a reset nor after shutdown by this side.
    WriteForSenders = Always "FD_WRITE is for those who can send"
        ["AS-WR-12" "AS-WR-03"]
        {WriteAfterReset: "posts" WriteAfterReset: "when_noticed" WriteAfterOwnEnd: "posts"},
    /// Inline it is data.
    OobForUrgent = Always "FD_OOB is for urgent bytes that are not inline"
        ["AS-OOB-01" "AS-OOB-06"] {InlineOob: "posts"},
    /// The last one may have been taken.
    AcceptForRequest = Always "FD_ACCEPT is for a connection that waits"
        ["AS-AC-02" "AS-AC-03"] {PendingOperation: "tells"},
    /// A condition function deferred it.
    DeferredIsQuiet = Always "no FD_ACCEPT while a deferred connection is the first"
        ["AS-EN-22" "AS-EN-05"] {DeferredAccept: "tells_of_others"},
    /// When both are asked for.
    ConnectBeforeWrite = Always "FD_CONNECT comes before FD_WRITE"
        ["AS-WR-05" "AS-ORD-03"]
        {ConnectAndWrite: "write_first" ConnectExTells: "write_only"},
    /// By nothing but cancellation, replacement and closesocket.
    RegistrationStays = Always "a registration is what was asked for last, or inherited"
        ["AS-REP-01" "AS-CAN-01" "AS-INH-01" "AS-INH-07"]
        {ShutdownBoth: "forgets_registration" AcceptInheritsRegistration: "nothing"
         UpdateAcceptContext: "nothing"
         DestroyedWindow: "cancels_registration" FailedSelect: "cancels_registration"},
    /// And FIONBIO cannot change it.
    NonBlocking = Always "a registered socket is non-blocking, and stays so"
        ["AS-NB-01" "AS-NB-02"] {},
    /// Old messages are neither overtaken nor lost.
    FirstInFirstOut = Always "the queue gives what it got, in its order"
        ["AS-ORD-01" "AS-EN-19"] {QueuedMessages: "withdrawn"},
    /// Whatever happens.
    QueueBound = Always "a queue holds at most 10,000 messages"
        ["AS-Q-01"] {QueueLimit: "none"},
    /// No lost wake-up.
    ReadIsTold = Always "unread data is told by FD_READ while it is enabled"
        ["AS-RD-01" "AS-RD-02" "AS-RD-03" "AS-EN-11"]
        {Reregister: "keeps_latch"},
    /// Of what survived.
    ReadIsToldAfterReset = Always "data that survived a reset is told by FD_READ"
        ["AS-RD-01" "AS-RD-02"] {DataOnReset: "readable_silently" Reregister: "keeps_latch"},
    /// No lost wake-up.
    WriteIsTold = Always "space is told by FD_WRITE at registration and after WSAEWOULDBLOCK"
        ["AS-WR-01" "AS-WR-02" "AS-WR-03"]
        {Reregister: "keeps_latch" ConnectExTells: "nothing" AcceptExWrite: "silent"},
    /// No lost wake-up.
    OobIsTold = Always "an unread urgent byte is told by FD_OOB while it is enabled"
        ["AS-OOB-02" "AS-OOB-03" "AS-OOB-04"] {Reregister: "keeps_latch"},
    /// No lost wake-up.
    AcceptIsTold = Always "a waiting connection is told by FD_ACCEPT while it is enabled"
        ["AS-AC-01" "AS-AC-02" "AS-AC-03" "AS-EN-09"]
        {Reregister: "keeps_latch" FailedAcceptRearms: "ignored"},
    /// Success or failure.
    ConnectIsTold = Always "the outcome of a connect is told by FD_CONNECT"
        ["AS-CO-02" "AS-CO-05"]
        {Reregister: "keeps_latch" ConnectExTells: "write_only" ConnectExTells: "nothing"},
    /// Again: the first outcome was told in the same registration.
    ConnectIsToldAgain = Always "the outcome of another connect is told too"
        ["OQ-11" "AS-CO-13"] {ConnectAgain: "silent" ConnectAgain: "on_success"},
    /// Established before the registration.
    ConnectIsToldLate = Always "a registration is told of an established connection"
        ["AS-CO-01"] {ConnectAtRegistration: "silent" Reregister: "keeps_latch"},
    /// No lost wake-up.
    CloseIsTold = Always "a closed connection is told by FD_CLOSE"
        ["AS-CL-03" "AS-CL-04" "AS-CL-05"] {},
    /// Closed before the registration.
    CloseIsToldLate = Always "a registration is told of a connection that was closed before"
        ["AS-CL-02"]
        {RegisterAfterReset: "silent" RegisterAfterBothEnded: "silent" Reregister: "keeps_latch"},
    /// At both ends, unless they had ended by themselves.
    RootEndsItsLeaves = Always "closing a root ends the connections of its leaves and no others"
        ["AS-CL-25"] {},
    /// Though it completes at once.
    DatagramConnectIsTold = Always "a datagram connect is told by FD_CONNECT"
        ["AS-UDP-01" "AS-CO-02"] {DatagramConnect: "silent"},
    /// There is nothing that could be closed.
    DatagramsAreNotClosed = Always "a datagram socket gets no FD_CLOSE"
        ["AS-UDP-04" "AS-CL-01"] {PortUnreachableClose: "posts"},
    /// Connections, bytes, space or messages.
    NoStarvation = Always "at rest no call waits for what is there"
        ["AS-NB-05" "AS-NB-06"] {},

    /// After a cancellation or replacement.
    StaleRetrieved = Sometimes "a message outlives its registration"
        ["AS-CAN-03" "AS-CAN-04"] {},
    /// After closesocket.
    OrphanRetrieved = Sometimes "a message outlives its socket"
        ["AS-CLS-02"] {},
    /// Data and RST.
    ResetWithUnread = Sometimes "a reset arrives while data is unread"
        ["AS-CL-12"] {},
    /// The buffers were full.
    WriteAfterSpace = Sometimes "FD_WRITE comes again because space came back"
        ["AS-WR-03"] {},
    /// A send.
    WouldBlock = Sometimes "a send fails for want of space"
        ["AS-WR-03" "AS-NB-09"] {},
    /// It was there when the socket was made.
    DataBeforeAccept = Sometimes "an accepted socket is told of data at once"
        ["AS-INH-06" "AS-RD-01"] {},
    /// FIN behind data.
    CloseWaits = Sometimes "an end arrived behind unread data"
        ["AS-CL-03"] {},
    /// The last byte was read.
    CloseByReader = Sometimes "a receive call makes FD_CLOSE come"
        ["AS-CL-03"] {},
    /// Data is left.
    ReadAgain = Sometimes "a receive call makes FD_READ come again"
        ["AS-EN-11" "AS-EN-15"] {},
    /// With MSG_PEEK.
    ReadAgainByPeek = Sometimes "a peek makes FD_READ come again"
        ["AS-EN-10"] {},
    /// Two requests.
    AcceptAgain = Sometimes "accept makes FD_ACCEPT come again"
        ["AS-AC-03"] {},
    /// The data was read before.
    Spurious = Sometimes "an FD_READ is retrieved when its data is gone"
        ["AS-EN-18" "AS-EN-19"] {},
    /// Told, and sending.
    HalfClosed = Sometimes "a send succeeds after the peer's end"
        ["AS-CL-18"] {},
    /// Two posts in one step.
    Several = Sometimes "several events come at once"
        ["AS-MSG-05" "AS-ORD-04"] {},
    /// Nobody listens.
    Refused = Sometimes "FD_CONNECT tells of a failure"
        ["AS-CO-05" "AS-CO-07"] {},
    /// By an abort.
    CloseWithError = Sometimes "FD_CLOSE carries an error"
        ["AS-CL-05"] {},
    /// One window after the other.
    TwoWindows = Sometimes "messages for two windows are queued"
        ["AS-REP-01" "AS-CAN-04"] {},
    /// 10,000.
    QueueFull = Sometimes "the queue is full"
        ["AS-Q-01"] {},
    /// A receive call.
    CutOff = Sometimes "a datagram is longer than the buffer"
        ["AS-RD-11"] {},
    /// A call of a blocking socket.
    Waits = Sometimes "a call waits"
        ["AS-NB-05"] {},
}

/// Where the bits of excused violations begin.
const EXCUSED: u32 = Marks::BITS / 2;

const _: () = assert!(Property::ALL.len() <= EXCUSED as usize, "two bits each");

impl Property {
    /// Its bit among the marks of a search: reached, or broken without excuse.
    #[must_use]
    pub const fn mark(self) -> Marks {
        1 << self as u32
    }

    /// The bit of a violation that a knob excuses.
    #[must_use]
    pub const fn excused_mark(self) -> Marks {
        self.mark() << EXCUSED
    }

    /// The bit of its first excuse among those of all properties.
    const fn first_excuse(self) -> u32 {
        let mut first = 0;
        let mut at = 0;
        while at < self as usize {
            first += Self::ALL[at].excuses().len();
            at += 1;
        }
        first as u32
    }

    /// Its excuses of a set of all properties' excuses.
    pub(super) fn excuses_of(self, excuses: u64) -> Vec<(KnobId, &'static str)> {
        let numbered = (self.first_excuse()..).zip(self.excuses());
        numbered.filter(|(at, _)| excuses >> at & 1 == 1).map(|(_, excuse)| *excuse).collect()
    }
}

const _: () = {
    let last = Property::ALL[Property::ALL.len() - 1];
    let excuses = last.first_excuse() as usize + last.excuses().len();
    assert!(excuses <= u64::BITS as usize, "a bit for each excuse");
};

/// Whether a run has taken, or its profile holds, this alternative.
pub(super) fn holds_in(world: &World, knob: KnobId, name: &str) -> bool {
    world.decided(knob).is_some_and(|value| knob.values()[usize::from(value)] == name)
}

/// Collects what is broken in a world, which has decided its knobs one way or the other.
pub(super) struct Broken<'w> {
    /// What is broken, excused or not, and which situations were met.
    pub(super) marks: Marks,
    /// The excuses that explain something.
    pub(super) excuses: u64,
    world: &'w World,
}

impl<'w> Broken<'w> {
    /// Nothing yet.
    pub(super) fn new(world: &'w World) -> Self {
        Self { marks: 0, excuses: 0, world }
    }

    /// It is broken, and nothing explains that.
    pub(super) fn by(&mut self, property: Property) {
        self.unless(false, property);
    }

    /// It is broken unless this holds, and nothing explains that.
    pub(super) fn unless(&mut self, holds: bool, property: Property) {
        self.unless_as(holds, property, |_, _| false);
    }

    /// It is broken unless this holds. `explains` tells of an excusing alternative, if that is what
    /// the world holds, whether it stands for just what happened.
    pub(super) fn unless_as(
        &mut self,
        holds: bool,
        property: Property,
        explains: impl Fn(KnobId, &str) -> bool,
    ) {
        if holds {
            return;
        }
        let mut is_excused = false;
        for (at, (knob, name)) in (property.first_excuse()..).zip(property.excuses()) {
            if holds_in(self.world, *knob, name) && explains(*knob, name) {
                is_excused = true;
                self.excuses |= 1 << at;
            }
        }
        self.marks |= if is_excused { property.excused_mark() } else { property.mark() };
    }
}
