//! A profile says what one stack does at each knob, and how we know.

use std::borrow::Cow;
use std::fmt;

use crate::knob::{
    AcceptExRearms, AcceptExWithConnection, AcceptInheritsMode, AcceptInheritsRegistration,
    AlreadyConnecting, AtMark, BadBufferRearms, BeforeStartup, CallWhileConnecting,
    CancelEventCheck, CancelHwndCheck, ChangeEvents, CleanupMessages, CloseAfterFailedConnect,
    CloseDiscarding, CloseWithUnread, CloseWithUnreadAfterShutdown, ClosedDatagramHandle,
    ClosedDescriptor, ClosedHandle, CollectingRearms, ConnectAfterRefusal, ConnectAgain,
    ConnectAndWrite, ConnectAtRegistration, ConnectErrorWord, ConnectExTells, ConnectFailsAtOnce,
    ConnectOnAccepted, DataAfterReceiveShutdown, DataOnReset, DatagramConnect,
    DatagramConnectWrite, DatagramFionread, DatagramOob, DeferredAccept, DestroyedWindow,
    Disconnect, EmptyDatagramRead, EventAfterMessages, EventArrival, EventBadBufferRearms,
    EventConnectOutcome, EventDatagramConnect, EventRecordKept, EventReregister,
    EventWriteOnUnbound, FailedAcceptRearms, FailedSelect, Fionread, GetQos, HandleReuse,
    HwndCheck, InlineChange, InlineOob, InlineUrgent, Knob, KnobId, LingeringClose,
    ListenAfterRefusal, OobAndRead, OobRearmedBy, OobReceiveRearmsRead, PeerChange,
    PendingOperation, PortUnreachable, PortUnreachableClose, QueueLimit, QueuedMessages,
    ReadAfterReceiveShutdown, ReadAndWrite, ReceiveAfterReset, ReceiveAtMark, ReceiveUnbound,
    RecordAfterAsyncSelect, RecordAfterCall, RefusedOobRearms, RegisterAfterBothEnded,
    RegisterAfterReset, RejectedPeer, Reregister, ResetAfterEnd, ResetError, RouteIoctl,
    SecondClose, SelectSetsEvent, SendUnconnected, SendWithoutPeer, SharedWparam, ShortSend,
    ShortSendRearms, ShutdownBoth, SoErrorAfterConnect, UndefinedBits, UpdateAcceptContext,
    UrgentBytes, UrgentPassed, WaitingCall, WithdrawnConnection, WriteAfterBind, WriteAfterOwnEnd,
    WriteAfterReset, WriteAndClose, WriteOnUnbound, WriteRearmedBy,
};

/// How we know a thing. The words are never used for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// A page of the public documentation says so.
    Documented,
    /// We ran it and saw it.
    Measured,
    /// Test suites or programs of others that ran on the stack say so.
    ObservedElsewhere,
    /// It follows from other things that are known.
    Inferred,
    /// Sources contradict one another, or there is none.
    Disputed,
}

impl Evidence {
    /// The word as reports and scripts spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Measured => "measured",
            Self::ObservedElsewhere => "observed elsewhere",
            Self::Inferred => "inferred",
            Self::Disputed => "disputed",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a profile holds at one knob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The number of the alternative; `None` is `any`: the stack may do either, and a run decides.
    pub value: Option<u8>,
    /// How we know.
    pub evidence: Evidence,
    /// Clause, fact or recording.
    pub source: Cow<'static, str>,
}

/// One stack's answers to every knob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    name: Cow<'static, str>,
    about: Cow<'static, str>,
    settings: Vec<Setting>,
}

impl Profile {
    /// A profile that leaves every knob open.
    #[must_use]
    pub fn open(name: impl Into<Cow<'static, str>>, about: impl Into<Cow<'static, str>>) -> Self {
        let setting =
            Setting { value: None, evidence: Evidence::Disputed, source: "silence".into() };
        let settings = vec![setting; KnobId::ALL.len()];
        Self { name: name.into(), about: about.into(), settings }
    }

    /// The name under which `--profile` finds it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same settings under another name.
    #[must_use]
    pub fn renamed(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// What the profile stands for.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// What it holds at a knob.
    #[must_use]
    pub fn setting(&self, knob: KnobId) -> &Setting {
        &self.settings[knob.position()]
    }

    /// Changes one knob. The value must be one of the knob's.
    pub fn set(&mut self, knob: KnobId, setting: Setting) {
        let values = knob.values().len();
        assert!(setting.value.is_none_or(|value| usize::from(value) < values), "{knob} has it");
        self.settings[knob.position()] = setting;
    }

    /// Whether a run on this stack may behave as `value` says.
    #[must_use]
    pub fn admits(&self, knob: KnobId, value: u8) -> bool {
        self.setting(knob).value.is_none_or(|held| held == value)
    }

    /// The three profiles that come with the tool.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        vec![Self::documented(), Self::windows(), Self::wine_8_0()]
    }

    fn fix<K: Knob>(mut self, value: K, evidence: Evidence, source: &'static str) -> Self {
        let value = Some(value.index());
        self.set(K::ID, Setting { value, evidence, source: source.into() });
        self
    }

    /// The Microsoft pages, contradictions read as section 15 of the clause list proposes. Every
    /// `may` and every open question stays open.
    #[must_use]
    pub fn documented() -> Self {
        use Evidence::{Documented, Inferred};
        Self::open("documented", "the public documentation, its contradictions resolved")
            .fix(CloseWithUnread::AfterDrain, Documented, "AS-CL-03, X-19")
            .fix(CloseWithUnreadAfterShutdown::AfterDrain, Documented, "AS-CL-04")
            .fix(ResetError::ConnReset, Documented, "AS-CL-05")
            .fix(RegisterAfterReset::Posts, Documented, "AS-CL-02")
            .fix(RegisterAfterBothEnded::Posts, Documented, "AS-CL-02")
            .fix(ShutdownBoth::KeepsRegistration, Inferred, "AS-CL-04, AS-CAN-01")
            .fix(SecondClose::Never, Inferred, "AS-CL-14")
            .fix(ReceiveAfterReset::ConnReset, Documented, "AS-CL-15")
            .fix(ResetAfterEnd::ConnReset, Inferred, "AS-CL-15")
            .fix(WriteRearmedBy::WouldBlock, Inferred, "AS-WR-07, X-09")
            .fix(HwndCheck::Einval, Documented, "AS-REG-09")
            .fix(SendUnconnected::NotConn, Inferred, "W-038, of a pending connect")
            .fix(ConnectAfterRefusal::Allowed, Documented, "AS-CO-13")
            .fix(ConnectAtRegistration::Posts, Documented, "AS-CO-01")
            .fix(AlreadyConnecting::Einval, Documented, "AS-CO-12")
            .fix(ConnectErrorWord::Code, Documented, "AS-CO-05")
            .fix(ConnectAndWrite::ConnectFirst, Documented, "AS-WR-05")
            .fix(CallWhileConnecting::NotConn, Inferred, "AS-CO-12, as unconnected")
            .fix(AcceptInheritsRegistration::Inherits, Documented, "AS-INH-01")
            .fix(FailedAcceptRearms::Rearms, Documented, "AS-EN-09")
            .fix(RefusedOobRearms::Rearms, Documented, "AS-EN-09")
            .fix(UrgentPassed::Kept, Documented, "AS-OOB-09")
            .fix(ReceiveAtMark::Stops, Documented, "AS-OOB-10")
            .fix(InlineUrgent::Alone, Documented, "AS-OOB-10, X-11")
            .fix(OobRearmedBy::AnyReceive, Documented, "AS-OOB-04, X-10")
            .fix(InlineOob::Silent, Documented, "AS-OOB-06")
            .fix(DataAfterReceiveShutdown::Resets, Documented, "AS-CL-21")
            .fix(QueueLimit::TenThousand, Documented, "AS-Q-01")
            .fix(LingeringClose::WouldBlock, Documented, "AS-CLS-04")
            .fix(DeferredAccept::Silences, Documented, "AS-EN-05, AS-EN-22")
            .fix(CollectingRearms::Ignored, Inferred, "AS-EN-02, which does not list it")
            .fix(UpdateAcceptContext::Inherits, Documented, "AS-INH-07")
            .fix(EventRecordKept::Cleared, Documented, "AS-REP-05")
            .fix(EventArrival::Once, Documented, "AS-EN-01, AS-REP-09")
            .fix(CancelEventCheck::Ignored, Documented, "AS-CAN-06, X-05")
            .fix(EventConnectOutcome::WhileConnected, Documented, "AS-CO-01")
            .fix(EventAfterMessages::TellsAgain, Inferred, "AS-REP-01, AS-RD-01")
            .fix(SelectSetsEvent::Never, Inferred, "AS-EN-23")
            // Datagrams.
            .fix(EventDatagramConnect::Records, Documented, "AS-UDP-01, AS-REP-09")
            .fix(DatagramConnect::Posts, Documented, "AS-UDP-01, AS-CO-02")
            .fix(DatagramConnectWrite::Posts, Inferred, "AS-WR-02, of connections")
            .fix(PeerChange::Discarded, Documented, "AS-UDP-05")
            .fix(Disconnect::Dissolves, Documented, "AS-UDP-05")
            .fix(PortUnreachableClose::Silent, Documented, "AS-UDP-04, AS-CL-01")
            .fix(DatagramOob::OpNotSupp, Documented, "AS-OOB-08")
            .fix(ClosedDatagramHandle::Silent, Documented, "AS-UDP-04, AS-CL-01")
            .fix(ChangeEvents::Reported, Documented, "AS-QOS-01, AS-RI-01, AS-AL-01")
            .fix(RouteIoctl::Waits, Documented, "AS-RI-03")
    }

    /// Current Windows, as far as suites that run there and users tell. Nothing was run by us.
    #[must_use]
    pub fn windows() -> Self {
        use Evidence::{Documented, Inferred, ObservedElsewhere};
        Self::open("windows", "current Windows, from what others observed there")
            .fix(CloseWithUnread::Immediate, ObservedElsewhere, "W-083")
            .fix(CloseWithUnreadAfterShutdown::Immediate, Inferred, "W-083")
            .fix(ResetError::ConnAborted, ObservedElsewhere, "W-088")
            .fix(RegisterAfterReset::Posts, ObservedElsewhere, "W-088")
            .fix(RegisterAfterBothEnded::Posts, Inferred, "W-006")
            .fix(WriteAfterReset::Posts, Inferred, "W-089 of event mode, W-006")
            .fix(ReceiveAfterReset::ConnReset, ObservedElsewhere, "W-08A")
            .fix(ResetAfterEnd::ConnAborted, ObservedElsewhere, "W-08C")
            .fix(WriteRearmedBy::WouldBlock, ObservedElsewhere, "W-042")
            .fix(ShortSend::Whole, ObservedElsewhere, "W-046")
            .fix(SendUnconnected::NotConn, Inferred, "W-038, of a pending connect")
            .fix(ConnectAfterRefusal::Allowed, ObservedElsewhere, "W-037")
            .fix(Reregister::PostsAgain, ObservedElsewhere, "W-006")
            .fix(QueuedMessages::Delivered, Inferred, "FB-24, of closesocket")
            .fix(BadBufferRearms::Rearms, ObservedElsewhere, "W-063")
            .fix(ShutdownBoth::KeepsRegistration, ObservedElsewhere, "W-085")
            .fix(ReadAndWrite::ReadFirst, ObservedElsewhere, "W-064")
            .fix(ConnectAtRegistration::Silent, ObservedElsewhere, "W-031, W-032")
            .fix(ConnectOnAccepted::Silent, ObservedElsewhere, "W-034")
            .fix(ConnectErrorWord::Code, Inferred, "W-036, of event mode")
            .fix(ConnectFailsAtOnce::Silent, Inferred, "W-035, of a null address")
            .fix(ConnectAndWrite::ConnectFirst, ObservedElsewhere, "W-030")
            .fix(CloseAfterFailedConnect::Silent, Inferred, "W-036, FB-43")
            .fix(CallWhileConnecting::NotConn, ObservedElsewhere, "W-038")
            .fix(ListenAfterRefusal::Works, ObservedElsewhere, "W-037")
            .fix(SoErrorAfterConnect::Zero, ObservedElsewhere, "W-037")
            .fix(AcceptInheritsRegistration::Inherits, ObservedElsewhere, "W-019")
            .fix(UrgentBytes::Queued, ObservedElsewhere, "W-073")
            .fix(UrgentPassed::Kept, ObservedElsewhere, "W-076")
            .fix(AtMark::NoUrgent, ObservedElsewhere, "W-076")
            .fix(Fionread::Whole, ObservedElsewhere, "W-076")
            .fix(WaitingCall::Absorbs, Inferred, "W-067, of overlapped calls")
            .fix(QueueLimit::TenThousand, Documented, "AS-Q-01")
            .fix(PendingOperation::Absorbs, ObservedElsewhere, "W-067, W-020")
            .fix(EventReregister::KeepsLatch, ObservedElsewhere, "W-007")
            .fix(EventRecordKept::Kept, ObservedElsewhere, "W-009, W-016")
            .fix(EventArrival::Each, ObservedElsewhere, "W-012, W-062, W-072")
            .fix(EventBadBufferRearms::Ignored, ObservedElsewhere, "W-063, W-070")
            .fix(RecordAfterCall::Withdrawn, Inferred, "W-018, W-066")
            .fix(EventConnectOutcome::UntilTold, Inferred, "W-032, W-089")
            .fix(SelectSetsEvent::Never, ObservedElsewhere, "W-010")
            .fix(ClosedHandle::Posts, ObservedElsewhere, "W-08E")
            // Datagrams.
            .fix(EventDatagramConnect::Records, ObservedElsewhere, "W-093")
            .fix(EventWriteOnUnbound::Silent, ObservedElsewhere, "W-091")
            .fix(DatagramConnect::Silent, ObservedElsewhere, "W-093")
            .fix(DatagramConnectWrite::Posts, ObservedElsewhere, "W-093")
            .fix(WriteOnUnbound::Posts, ObservedElsewhere, "W-091")
            .fix(PortUnreachableClose::Silent, Inferred, "W-095")
            .fix(ReceiveUnbound::Einval, ObservedElsewhere, "W-094")
            .fix(SendWithoutPeer::NotConn, ObservedElsewhere, "W-094")
            .fix(ChangeEvents::Reported, Inferred, "W-096, of addresses in event mode")
            .fix(RouteIoctl::Waits, Documented, "AS-RI-03")
    }

    /// What Debian 12 installs as Wine 8.0, measured there by the live backend. What stays open
    /// cannot be seen on Wine: it never refuses a window, has no provider entry to call, and tells
    /// no receive call of an unreachable port.
    #[must_use]
    pub fn wine_8_0() -> Self {
        use Evidence::{Measured, ObservedElsewhere};
        const HERE: &str = "Wine 8.0 (Debian 12)";
        Self::open("wine-8.0", "Wine 8.0 as Debian 12 installs it, measured")
            .fix(CloseWithUnread::AfterDrain, Measured, HERE)
            .fix(CloseWithUnreadAfterShutdown::Immediate, Measured, HERE)
            .fix(ResetError::Zero, Measured, HERE)
            .fix(RegisterAfterReset::Silent, Measured, HERE)
            .fix(RegisterAfterBothEnded::Silent, Measured, HERE)
            .fix(SecondClose::OnReset, Measured, HERE)
            .fix(WriteAfterOwnEnd::Silent, Measured, HERE)
            .fix(WriteAfterReset::WhenNoticed, Measured, HERE)
            .fix(DataOnReset::ReadableSilently, Measured, HERE)
            .fix(ReceiveAfterReset::Zero, Measured, HERE)
            .fix(ResetAfterEnd::Zero, Measured, HERE)
            .fix(CloseDiscarding::Reset, Measured, HERE)
            .fix(WriteRearmedBy::FailedSend, Measured, HERE)
            .fix(ShortSend::Partial, Measured, HERE)
            .fix(ShortSendRearms::Ignored, Measured, HERE)
            .fix(HwndCheck::Accepted, Measured, HERE)
            .fix(CancelHwndCheck::Ignored, Measured, HERE)
            .fix(BeforeStartup::NotSock, Measured, HERE)
            .fix(SendUnconnected::ConnReset, Measured, HERE)
            .fix(ConnectAfterRefusal::AbortedOnce, Measured, HERE)
            .fix(UndefinedBits::Ignored, Measured, HERE)
            .fix(Reregister::PostsAgain, Measured, HERE)
            .fix(QueuedMessages::Delivered, Measured, HERE)
            .fix(BadBufferRearms::Ignored, Measured, HERE)
            .fix(RefusedOobRearms::Ignored, Measured, HERE)
            .fix(ShutdownBoth::ForgetsRegistration, Measured, HERE)
            .fix(AcceptInheritsMode::Inherits, Measured, HERE)
            .fix(ReadAndWrite::ReadFirst, Measured, HERE)
            .fix(WriteAndClose::WriteFirst, Measured, HERE)
            .fix(OobAndRead::OobFirst, Measured, HERE)
            .fix(DataAfterReceiveShutdown::Kept, Measured, HERE)
            .fix(ConnectAtRegistration::Silent, Measured, HERE)
            .fix(ConnectOnAccepted::Silent, Measured, HERE)
            .fix(ConnectAgain::OnSuccess, Measured, HERE)
            .fix(ConnectErrorWord::Code, Measured, HERE)
            .fix(ConnectAndWrite::ConnectFirst, Measured, HERE)
            .fix(CloseAfterFailedConnect::Silent, Measured, HERE)
            .fix(SoErrorAfterConnect::Kept, Measured, HERE)
            .fix(CallWhileConnecting::WouldBlock, Measured, HERE)
            .fix(AlreadyConnecting::Already, Measured, HERE)
            .fix(ConnectFailsAtOnce::Silent, Measured, HERE)
            .fix(ListenAfterRefusal::Einval, Measured, HERE)
            .fix(DestroyedWindow::KeepsRegistration, Measured, HERE)
            .fix(QueueLimit::Unlimited, Measured, HERE)
            .fix(CleanupMessages::Delivered, Measured, HERE)
            .fix(HandleReuse::Lowest, Measured, HERE)
            .fix(LingeringClose::Closes, Measured, HERE)
            .fix(AcceptInheritsRegistration::Inherits, Measured, HERE)
            .fix(WithdrawnConnection::Accepted, Measured, HERE)
            .fix(UrgentBytes::LastOnly, Measured, HERE)
            .fix(UrgentPassed::Lost, Measured, HERE)
            .fix(ReceiveAtMark::Stops, Measured, HERE)
            .fix(InlineUrgent::WithNext, Measured, HERE)
            .fix(Fionread::ToMark, Measured, HERE)
            .fix(AtMark::NotNext, Measured, HERE)
            .fix(OobRearmedBy::OobReceive, Measured, HERE)
            .fix(OobReceiveRearmsRead::Ignored, Measured, HERE)
            .fix(InlineOob::Posts, Measured, HERE)
            .fix(InlineChange::Silent, Measured, HERE)
            .fix(WaitingCall::Absorbs, Measured, HERE)
            .fix(DeferredAccept::TellsOfOthers, Measured, HERE)
            .fix(PendingOperation::Absorbs, Measured, HERE)
            .fix(RejectedPeer::Closed, Measured, HERE)
            .fix(CollectingRearms::Ignored, Measured, HERE)
            .fix(AcceptExRearms::Rearms, Measured, HERE)
            .fix(ConnectExTells::Both, Measured, HERE)
            .fix(UpdateAcceptContext::Nothing, Measured, HERE)
            .fix(AcceptExWithConnection::Pends, Measured, HERE)
            .fix(EventReregister::KeepsLatch, Measured, HERE)
            .fix(EventArrival::Once, Measured, HERE)
            .fix(EventBadBufferRearms::Ignored, Measured, HERE)
            .fix(RecordAfterCall::Withdrawn, Measured, HERE)
            .fix(EventConnectOutcome::UntilTold, Measured, HERE)
            .fix(EventAfterMessages::KeepsLatch, Measured, HERE)
            .fix(SelectSetsEvent::Sets, Measured, HERE)
            .fix(CancelEventCheck::Einval, Measured, HERE)
            .fix(FailedSelect::KeepsRegistration, Measured, HERE)
            .fix(RecordAfterAsyncSelect::Cleared, Measured, HERE)
            .fix(EventRecordKept::Kept, Measured, HERE)
            .fix(SharedWparam::Registering, Measured, HERE)
            .fix(ClosedDescriptor::KeepsRegistration, Measured, HERE)
            .fix(ClosedHandle::Silent, Measured, HERE)
            // Datagrams.
            .fix(EventDatagramConnect::Silent, Measured, HERE)
            .fix(EventWriteOnUnbound::Records, Measured, HERE)
            .fix(DatagramConnect::Silent, Measured, HERE)
            .fix(DatagramConnectWrite::Silent, Measured, HERE)
            .fix(WriteOnUnbound::Posts, Measured, HERE)
            .fix(WriteAfterBind::Silent, Measured, HERE)
            .fix(PeerChange::Kept, Measured, HERE)
            .fix(Disconnect::Unbinds, Measured, HERE)
            .fix(PortUnreachable::Ignored, Measured, HERE)
            .fix(PortUnreachableClose::Posts, Measured, HERE)
            .fix(EmptyDatagramRead::Posts, Measured, HERE)
            .fix(ReadAfterReceiveShutdown::Posts, Measured, HERE)
            .fix(DatagramFionread::First, Measured, HERE)
            .fix(ReceiveUnbound::Waits, Measured, HERE)
            .fix(SendWithoutPeer::Einval, Measured, HERE)
            .fix(DatagramOob::Ignored, Measured, HERE)
            .fix(ClosedDatagramHandle::Silent, Measured, HERE)
            .fix(ChangeEvents::Ignored, ObservedElsewhere, "W-097, C13")
            .fix(GetQos::OpNotSupp, Measured, HERE)
            .fix(RouteIoctl::OpNotSupp, Measured, HERE)
    }
}

/// The knobs of one run: what the profile fixes, and what the run decided so far. Each has a field
/// of as few bits as it takes: 0 for open, else the alternative's number and one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Knobs([u64; Self::WORDS]);

/// Where the field of a knob is.
#[derive(Clone, Copy)]
struct Field {
    word: usize,
    shift: u32,
    mask: u64,
}

/// One field after the other, none across two words.
const fn fields() -> [Field; KnobId::ALL.len()] {
    let mut fields = [Field { word: 0, shift: 0, mask: 0 }; KnobId::ALL.len()];
    let (mut word, mut shift, mut knob) = (0, 0, 0);
    while knob < fields.len() {
        let width = usize::BITS - KnobId::ALL[knob].values().len().leading_zeros();
        if shift + width > u64::BITS {
            word += 1;
            shift = 0;
        }
        fields[knob] = Field { word, shift, mask: (1 << width) - 1 };
        shift += width;
        knob += 1;
    }
    fields
}

impl Knobs {
    const FIELDS: [Field; KnobId::ALL.len()] = fields();
    const WORDS: usize = Self::FIELDS[KnobId::ALL.len() - 1].word + 1;

    pub(crate) fn new(profile: &Profile) -> Self {
        let mut knobs = Self(Default::default());
        for knob in KnobId::ALL {
            if let Some(value) = profile.setting(*knob).value {
                knobs.decide(*knob, value);
            }
        }
        knobs
    }

    /// The alternative that holds in this run, once it is fixed or decided.
    #[inline]
    pub(crate) fn value(&self, knob: KnobId) -> Option<u8> {
        let Field { word, shift, mask } = Self::FIELDS[knob.position()];
        let held = u8::try_from(self.0[word] >> shift & mask).expect("a field has few bits");
        held.checked_sub(1)
    }

    /// Decides an open knob.
    #[inline]
    pub(crate) fn decide(&mut self, knob: KnobId, value: u8) {
        let Field { word, shift, mask } = Self::FIELDS[knob.position()];
        let held = u64::from(value) + 1;
        assert!(held <= mask, "{knob} has it");
        self.0[word] |= held << shift;
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        self.0.iter().copied().for_each(out);
    }
}
