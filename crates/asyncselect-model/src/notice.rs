//! Changes that nothing on a connection tells of: quality of service, routes, local addresses.
//!
//! Reading list: AS-QOS, AS-GQ, AS-RI, AS-AL; AS-EN-07, AS-EN-08, AS-EN-12, AS-EN-13; OQ-31, X-22;
//! W-096, W-097, C13.
//!
//! These events go by edge: a change is told once, and what is told of it is state only until then.
//!
//! Where it lies:
//! * A socket's flow specification is one number, the rate at which it may send. Nothing limits
//!   sends to it, and nothing negotiates it.
//! * A destination is a machine. Which interface leads there is no state: that it has changed is
//!   all there is to tell, since the queries are not modelled (AS-RI-05, AS-AL-04).
//! * A change reaches all its sockets at once, the first that was made first.

use asyncselect_abi::{HostId, NetworkEvent, WsaError};

use crate::arm::works;
use crate::chooser::Chooser;
use crate::knob::{
    ChangeBeforeRegistration, ChangeEvents, GroupQos, QosToldBefore, RouteDestination,
};
use crate::latch::{Absence, Condition, Latch, Trigger};
use crate::rule::Rule;
use crate::sink::Sink;
use crate::socket::SocketIx;
use crate::world::{Context, ModelError, PendingCall, World};

/// What a flow specification says where nobody has asked for a rate.
const RATE_NOT_SPECIFIED: u32 = u32::MAX;

/// A change of a flow specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Change {
    /// None since the program asked last.
    #[default]
    None,
    /// One that no message has told of.
    Untold,
    /// One that a message has told of.
    Told,
}

/// What a program wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The wildcard address: any route (AS-RI-02). Addresses have no destination either.
    Any,
    /// The route to a machine.
    Host(HostId),
}

/// One of the two change IOCTLs, from the call to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Watch {
    /// It was not issued, or what it asked for was told (AS-EN-13).
    #[default]
    Idle,
    /// It was issued, and nothing has changed since.
    Asked(Destination),
    /// Something has changed, and no message has told of it; this is the error word.
    Changed(WsaError),
}

/// What a socket's program has asked to hear of, and what it has not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Notice {
    socket: SocketIx,
    /// In bytes a second.
    token_rate: u32,
    qos: Change,
    group: Change,
    route: Watch,
    addresses: Watch,
}

/// Those of all sockets that are not as new ones are, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Notices(Vec<Notice>);

impl Change {
    fn packed(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Untold => 1,
            Self::Told => 2,
        }
    }

    fn tell(&mut self) {
        if *self == Self::Untold {
            *self = Self::Told;
        }
    }
}

impl Watch {
    fn packed(self) -> u64 {
        match self {
            Self::Idle => 0,
            Self::Asked(Destination::Any) => 1,
            Self::Asked(Destination::Host(host)) => 2 | u64::from(host.0) << 4,
            Self::Changed(error) => 3 | u64::from(error.0) << 4,
        }
    }

    fn tell(&mut self) {
        if let Self::Changed(_) = *self {
            *self = Self::Idle;
        }
    }

    /// The message is withdrawn, unless the IOCTL was issued again since.
    fn take_back(&mut self, error: WsaError) {
        if *self == Self::Idle {
            *self = Self::Changed(error);
        }
    }
}

impl Notice {
    const fn new(socket: SocketIx) -> Self {
        Self {
            socket,
            token_rate: RATE_NOT_SPECIFIED,
            qos: Change::None,
            group: Change::None,
            route: Watch::Idle,
            addresses: Watch::Idle,
        }
    }
}

impl Notices {
    pub(crate) const NONE: Self = Self(Vec::new());

    fn of(&self, socket: SocketIx) -> Notice {
        let found = self.0.iter().find(|notice| notice.socket == socket);
        found.copied().unwrap_or_else(|| Notice::new(socket))
    }

    /// Keeps one form: what is as it was for a new socket is not there.
    fn set(&mut self, notice: Notice) {
        let at = self.0.partition_point(|other| other.socket.0 < notice.socket.0);
        if self.0.get(at).is_some_and(|other| other.socket == notice.socket) {
            self.0.remove(at);
        }
        if notice != Notice::new(notice.socket) {
            self.0.insert(at, notice);
        }
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self(all) = self;
        out(u64::try_from(all.len()).expect("fits"));
        for Notice { socket, token_rate, qos, group, route, addresses } in all {
            let changes = qos.packed() | group.packed() << 2;
            out(u64::from(socket.0) | changes << 8 | u64::from(*token_rate) << 32);
            out(route.packed() | addresses.packed() << 32);
        }
    }

    /// The sockets that are not as new ones are.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketIx> + '_ {
        self.0.iter().map(|notice| notice.socket)
    }
}

impl World {
    fn notice(&self, socket: SocketIx) -> Notice {
        self.more.notices.of(socket)
    }

    /// Whether the flow specification of a socket has changed since it was asked for.
    pub(crate) fn has_untold_qos(&self, socket: SocketIx) -> bool {
        self.notice(socket).qos != Change::None
    }

    /// Forgets what a socket that is closed has asked for.
    pub(crate) fn forget_notices(&mut self, socket: SocketIx) {
        if self.notice(socket) != Notice::new(socket) {
            self.more.get_mut().notices.set(Notice::new(socket));
        }
    }

    /// The program asks for the flow specification, and has it as it is now (AS-QOS-04).
    pub(crate) fn fetch_qos(&mut self, socket: SocketIx, event: NetworkEvent) -> u32 {
        let before = self.notice(socket);
        let (after, token_rate) = if event == NetworkEvent::Qos {
            (Notice { qos: Change::None, ..before }, before.token_rate)
        } else {
            // Nobody says what is in that of a group.
            (Notice { group: Change::None, ..before }, RATE_NOT_SPECIFIED)
        };
        if after != before {
            self.more.get_mut().notices.set(after);
        }
        token_rate
    }

    /// The program asks to be told of the next change. AS-EN-13: not of one before.
    pub(crate) fn watch(&mut self, socket: SocketIx, event: NetworkEvent, to: Destination) {
        let again = self.socket(socket).latch(event) == Latch::Spent;
        let mut notice = self.notice(socket);
        let (watch, rule) = if event == NetworkEvent::AddressListChange {
            (&mut notice.addresses, Rule::Al04)
        } else {
            (&mut notice.route, Rule::Ri05)
        };
        // AS-AL-04, AS-RI-05: after each event again.
        if works(rule) || !again {
            *watch = Watch::Asked(to);
        }
        self.more.get_mut().notices.set(notice);
    }

    /// Whether a call that waits for a change can return.
    pub(crate) fn has_changed(&self, socket: SocketIx, event: NetworkEvent) -> bool {
        let notice = self.notice(socket);
        let watch =
            if event == NetworkEvent::AddressListChange { notice.addresses } else { notice.route };
        !matches!(watch, Watch::Asked(_))
    }

    /// A call that waited has told its program of the change, or a message a program of it: no
    /// other one does (AS-EN-12, AS-EN-13).
    #[cold]
    pub(crate) fn told(&mut self, socket: SocketIx, event: NetworkEvent) {
        let mut notice = self.notice(socket);
        match event {
            NetworkEvent::Qos => notice.qos.tell(),
            NetworkEvent::GroupQos => notice.group.tell(),
            NetworkEvent::RoutingInterfaceChange => notice.route.tell(),
            NetworkEvent::AddressListChange => notice.addresses.tell(),
            NetworkEvent::Read
            | NetworkEvent::Write
            | NetworkEvent::Oob
            | NetworkEvent::Accept
            | NetworkEvent::Connect
            | NetworkEvent::Close => return,
        }
        self.more.get_mut().notices.set(notice);
    }

    /// A message that told of a change is withdrawn before anybody has seen it.
    #[cold]
    pub(crate) fn take_back(&mut self, socket: SocketIx, event: NetworkEvent, error: WsaError) {
        let mut notice = self.notice(socket);
        let untold = |change: Change| if change == Change::Told { Change::Untold } else { change };
        match event {
            NetworkEvent::Qos => notice.qos = untold(notice.qos),
            NetworkEvent::GroupQos => notice.group = untold(notice.group),
            NetworkEvent::RoutingInterfaceChange => notice.route.take_back(error),
            NetworkEvent::AddressListChange => notice.addresses.take_back(error),
            NetworkEvent::Read
            | NetworkEvent::Write
            | NetworkEvent::Oob
            | NetworkEvent::Accept
            | NetworkEvent::Connect
            | NetworkEvent::Close => return,
        }
        self.more.get_mut().notices.set(notice);
    }

    /// Whether there is a change to tell of.
    pub(crate) fn noticed<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        event: NetworkEvent,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let notice = self.notice(socket);
        let condition = match event {
            NetworkEvent::Qos => self.qos_changed(notice.qos, Condition::QosChanged, trigger, cx),
            NetworkEvent::GroupQos => {
                let told = self.qos_changed(notice.group, Condition::GroupQosChanged, trigger, cx);
                // AS-GQ-01.
                let reserved = !matches!(told, Condition::No(_))
                    && self.knob::<GroupQos>(cx) == GroupQos::Silent;
                if reserved { Condition::No(Absence::Reserved) } else { told }
            }
            NetworkEvent::RoutingInterfaceChange => {
                self.watched(notice.route, Condition::RouteChanged, socket, event, trigger, cx)
            }
            NetworkEvent::AddressListChange => {
                let changed = Condition::AddressesChanged;
                self.watched(notice.addresses, changed, socket, event, trigger, cx)
            }
            NetworkEvent::Read
            | NetworkEvent::Write
            | NetworkEvent::Oob
            | NetworkEvent::Accept
            | NetworkEvent::Connect
            | NetworkEvent::Close => unreachable!("condition has looked"),
        };
        // W-096, W-097, C13.
        if !matches!(condition, Condition::No(_))
            && self.knob::<ChangeEvents>(cx) == ChangeEvents::Ignored
        {
            return Condition::No(Absence::Unreported);
        }
        condition
    }

    fn qos_changed<C: Chooser, S: Sink>(
        &mut self,
        change: Change,
        condition: Condition,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        let holds = match change {
            // AS-EN-12: by edge; by level it would be told of again.
            Change::None => trigger == Trigger::IoctlCalled && !works(Rule::En12),
            Change::Untold => true,
            // AS-QOS-02 against AS-EN-12.
            Change::Told => {
                trigger == Trigger::Registered
                    && self.knob::<QosToldBefore>(cx) == QosToldBefore::Posts
            }
        };
        if holds { condition } else { Condition::No(Absence::Unchanged) }
    }

    fn watched<C: Chooser, S: Sink>(
        &mut self,
        watch: Watch,
        condition: fn(WsaError) -> Condition,
        socket: SocketIx,
        event: NetworkEvent,
        trigger: Trigger,
        cx: &mut Context<'_, C, S>,
    ) -> Condition {
        match watch {
            // AS-RI-01, AS-AL-01, W-096: only what comes after the IOCTL.
            Watch::Idle => Condition::No(Absence::NotAsked),
            // AS-EN-13, likewise.
            Watch::Asked(_) if trigger == Trigger::IoctlCalled && !works(Rule::En13) => {
                condition(WsaError(0))
            }
            Watch::Asked(_) => Condition::No(Absence::Unchanged),
            // OQ-31.
            Watch::Changed(_)
                if trigger == Trigger::Registered
                    && self.knob::<ChangeBeforeRegistration>(cx)
                        == ChangeBeforeRegistration::Silent =>
            {
                if cx.decides {
                    self.told(socket, event);
                }
                Condition::No(Absence::ChangedBefore)
            }
            Watch::Changed(error) => condition(error),
        }
    }

    /// The flow specification of a socket changes.
    pub(crate) fn change_qos<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        token_rate: u32,
        cx: &mut Context<'_, C, S>,
    ) {
        let mut notice = self.notice(socket);
        // AS-QOS-01: a change is one of a parameter.
        if notice.token_rate == token_rate {
            return;
        }
        // AS-QOS-04: SIO_GET_QOS shows it.
        if works(Rule::Qos04) {
            notice.token_rate = token_rate;
        }
        notice.qos = Change::Untold;
        self.more.get_mut().notices.set(notice);
        self.evaluate_one(socket, NetworkEvent::Qos, Trigger::Changed, cx);
    }

    /// The flow specification of a socket's group changes.
    pub(crate) fn change_group_qos<C: Chooser, S: Sink>(
        &mut self,
        socket: SocketIx,
        cx: &mut Context<'_, C, S>,
    ) {
        let notice = Notice { group: Change::Untold, ..self.notice(socket) };
        self.more.get_mut().notices.set(notice);
        self.evaluate_one(socket, NetworkEvent::GroupQos, Trigger::Changed, cx);
    }

    /// The local addresses of a machine change.
    pub(crate) fn change_addresses<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        cx: &mut Context<'_, C, S>,
    ) {
        for socket in (0..).map(SocketIx).take(self.sockets.len()) {
            if !self.is_open_on(host, socket) {
                continue;
            }
            let mut notice = self.notice(socket);
            if let Watch::Asked(_) = notice.addresses {
                notice.addresses = Watch::Changed(WsaError(0));
                self.more.get_mut().notices.set(notice);
            }
            self.evaluate_one(socket, NetworkEvent::AddressListChange, Trigger::Changed, cx);
        }
    }

    /// Another interface of a machine leads to a destination, or to all.
    pub(crate) fn change_route<C: Chooser, S: Sink>(
        &mut self,
        host: HostId,
        to: Option<HostId>,
        unreachable: bool,
        cx: &mut Context<'_, C, S>,
    ) -> Result<(), ModelError> {
        let event = NetworkEvent::RoutingInterfaceChange;
        for socket in (0..).map(SocketIx).take(self.sockets.len()) {
            if !self.is_open_on(host, socket) {
                continue;
            }
            let mut notice = self.notice(socket);
            if let Watch::Asked(destination) = notice.route {
                let (told, its_own) = match (destination, to) {
                    (Destination::Host(_), None) => (true, true),
                    (Destination::Any, _) => (true, false),
                    (Destination::Host(asked), Some(to)) if asked == to => (true, true),
                    // AS-RI-02: a provider may tell of any change.
                    (Destination::Host(_), Some(_)) => {
                        let any = self.knob::<RouteDestination>(cx) == RouteDestination::Ignored;
                        (any, false)
                    }
                };
                // AS-RI-04 speaks of the destination alone, and of messages.
                let error = match (unreachable, its_own) {
                    (false, _) => WsaError(0),
                    (true, true)
                        if !self.pending.contains(&PendingCall::Change { socket, event }) =>
                    {
                        WsaError::WSAENETUNREACH
                    }
                    (true, _) if told => {
                        let what = "that is lost, to who has not asked for just it or who waits";
                        return Err(ModelError::new("route_changes", what));
                    }
                    (true, _) => WsaError(0),
                };
                if told {
                    notice.route = Watch::Changed(error);
                    self.more.get_mut().notices.set(notice);
                }
            }
            self.evaluate_one(socket, event, Trigger::Changed, cx);
        }
        Ok(())
    }

    fn is_open_on(&self, host: HostId, socket: SocketIx) -> bool {
        let this = self.socket(socket);
        !this.is_closed() && self.machine_of(this.host) == host
    }
}
