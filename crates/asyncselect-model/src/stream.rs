//! The simulated network: TCP connections as two ordered streams of segments each.
//!
//! Where it lies:
//! * It is no TCP implementation. A direction delivers its segments reliably and in order, in their
//!   own good time; there are no sequence numbers, no acknowledgements, no retransmissions.
//! * A direction has one buffer, counted from the send call to the receive call; there is no
//!   separate send buffer and window. Programs cannot tell: neither size is documented, and
//!   AS-WR-10 leaves open how much space is enough.
//! * An urgent byte travels in its place in the stream; there is no urgent pointer to argue about
//!   (AS-OOB-13).
//! * Space comes back to a sender that ran out of it only when the receiver has read half of the
//!   buffer empty, by a segment that travels as any other.
//! * Loss is total: nothing arrives at an end until a time-out ends the connection for both.
//! * Of a connection between two machines one of which lost its network, see `host`.

use asyncselect_abi::{HostId, LiteralId};

use crate::knob::InlineUrgent;
use crate::list::List;
use crate::socket::SocketIx;

/// The bytes that one direction holds before a send has to wait: SO_SNDBUF of the one end and
/// SO_RCVBUF of the other, half of it each if nobody sets them.
pub const CAPACITY: u32 = 32 * 1024;

/// How long a connect goes on without an answer, in milliseconds: what Windows is told to take,
/// three attempts. Programs only learn that it is long.
pub const CONNECT_TIMEOUT_MS: u16 = 21_000;

/// How long a connection goes on when what it sends is not confirmed, in milliseconds.
pub const RETRANSMIT_TIMEOUT_MS: u16 = 20_000;

/// The segments that may be under way or unread in all; calls that would add to more are not
/// modelled. One may become two on arrival, and a direction counts its own in 16 bits.
const SEGMENTS_MAX: usize = 30_000;

/// Number of a connection among those that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct LinkIx(pub(crate) u8);

impl LinkIx {
    #[inline]
    pub(crate) fn at(self) -> usize {
        usize::from(self.0)
    }
}

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Side {
    /// The end that called connect.
    #[default]
    Connector,
    /// The end that was accepted.
    Acceptor,
}

impl Side {
    /// Both, connector first.
    pub const ALL: [Self; 2] = [Self::Connector, Self::Acceptor];

    /// The other end.
    #[inline]
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Connector => Self::Acceptor,
            Self::Acceptor => Self::Connector,
        }
    }

    pub(crate) const fn at(self) -> usize {
        match self {
            Self::Connector => 0,
            Self::Acceptor => 1,
        }
    }
}

/// What travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Asks the listener on a port for a connection.
    Syn {
        /// The port.
        port: u16,
    },
    /// The listener's side has room.
    SynAck,
    /// The connector knows; the connection can be accepted.
    Ack,
    /// A piece of a payload; the bytes stand in the script's table.
    Data(Piece),
    /// The same with its last byte urgent; what was received of it is that byte alone.
    Urgent(Piece),
    /// No more data will follow.
    Fin,
    /// The connection is gone.
    Rst,
    /// The receiver has read enough for the sender to go on.
    Window,
}

/// A piece of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// The payload in the script's table.
    pub literal: LiteralId,
    /// Where the piece begins, in bytes.
    pub offset: u32,
    /// How long it is, in bytes; at most 2^24 - 1.
    pub len: u32,
}

/// A segment in 64 bits: kind 3, literal 13, offset 24, length 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Packed(u64);

/// The number of literals that fit a packed segment.
pub const LITERALS_MAX: usize = 1 << 13;

impl Packed {
    const DATA: u64 = 3;
    const URGENT: u64 = 7;

    fn of_piece(kind: u64, piece: Piece) -> Self {
        let Piece { literal, offset, len } = piece;
        Self(kind << 61 | u64::from(literal.0) << 48 | u64::from(offset) << 24 | u64::from(len))
    }

    fn new(segment: Segment) -> Self {
        let bare = |kind: u64| Self(kind << 61);
        match segment {
            Segment::Syn { port } => Self(u64::from(port)),
            Segment::SynAck => bare(1),
            Segment::Ack => bare(2),
            Segment::Data(piece) => Self::of_piece(Self::DATA, piece),
            Segment::Urgent(piece) => Self::of_piece(Self::URGENT, piece),
            Segment::Fin => bare(4),
            Segment::Rst => bare(5),
            Segment::Window => bare(6),
        }
    }

    #[inline]
    fn segment(self) -> Segment {
        let field = |shift: u32, bits: u32| (self.0 >> shift) & ((1 << bits) - 1);
        let small = |value: u64| u16::try_from(value).expect("the field has 16 bits or fewer");
        let large = |value: u64| u32::try_from(value).expect("the field has 24 bits");
        let piece = || Piece {
            literal: LiteralId(small(field(48, 13))),
            offset: large(field(24, 24)),
            len: large(field(0, 24)),
        };
        match self.0 >> 61 {
            0 => Segment::Syn { port: small(field(0, 16)) },
            1 => Segment::SynAck,
            2 => Segment::Ack,
            Self::DATA => Segment::Data(piece()),
            Self::URGENT => Segment::Urgent(piece()),
            4 => Segment::Fin,
            5 => Segment::Rst,
            6 => Segment::Window,
            kind => unreachable!("no segment is of kind {kind}"),
        }
    }
}

/// Who holds an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nobody yet: the SYN has not arrived at that machine.
    Nobody(HostId),
    /// A listener that answered; the connector does not know yet, or its Ack is under way.
    HalfOpen(SocketIx),
    /// A listener's queue; `rank` counts from 0, which accept takes next.
    Waiting { listener: SocketIx, rank: u8 },
    /// The head of a listener's queue, rank 0, put off by a condition function (AS-EN-22).
    Deferred { listener: SocketIx },
    /// A socket.
    Socket(SocketIx),
    /// It was closed on that machine, or its connect failed.
    Gone(HostId),
}

impl Default for End {
    fn default() -> Self {
        Self::Nobody(HostId(0))
    }
}

impl End {
    #[inline]
    pub(crate) fn is_gone(self) -> bool {
        match self {
            Self::Gone(_) => true,
            Self::Nobody(_)
            | Self::HalfOpen(_)
            | Self::Waiting { .. }
            | Self::Deferred { .. }
            | Self::Socket(_) => false,
        }
    }
}

/// What has arrived of the other side's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Arrived {
    /// Nothing: it is open.
    #[default]
    Open,
    /// Its graceful end (FIN).
    End,
    /// A reset (RST).
    Reset,
    /// A reset after its graceful end.
    EndThenReset,
    /// Nothing: this side has reset the connection.
    OwnReset,
    /// Nothing any more: the connection timed out.
    TimedOut,
}

impl Arrived {
    /// Whether the connection is gone, by whomever.
    #[inline]
    pub(crate) fn is_aborted(self) -> bool {
        match self {
            Self::Reset | Self::EndThenReset | Self::OwnReset | Self::TimedOut => true,
            Self::Open | Self::End => false,
        }
    }
}

/// Whether the sender of a direction may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Space {
    /// It may.
    #[default]
    Free,
    /// The buffer is full.
    Full,
    /// There is space again, and the segment that tells so is under way.
    Returning,
}

/// What keeps segments from arriving at a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Hold {
    pub(crate) socket: SocketIx,
    pub(crate) kind: HoldKind,
    /// Milliseconds that are left.
    pub(crate) left_ms: u16,
}

/// What a [`Hold`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum HoldKind {
    /// The time after which segments arrive.
    #[default]
    Delay,
    /// Something to be sent: it will be lost, but nothing has been yet.
    LossUnnoticed,
    /// The time-out that ends the connection.
    Loss,
}

/// How a receive call reads.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// The length of its buffer, in bytes.
    pub(crate) len: u32,
    /// Whether what it reads stays.
    pub(crate) peek: bool,
    /// What it makes of an urgent byte on its way.
    pub(crate) at_urgent: AtUrgent,
}

/// What reading does at an urgent byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtUrgent {
    /// It stops before it, unless it begins there; then the byte stays behind, or is lost.
    Passes { stops: bool, loses: bool },
    /// SO_OOBINLINE: it reads the byte, together with these.
    Inline(InlineUrgent),
}

/// The stream toward one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Direction {
    /// Segments that arrived and are unread: data, urgent bytes and what is left of those.
    received: u16,
    /// Segments under way.
    flying: u16,
    /// How many of those received are urgent bytes, read or not.
    urgent: u16,
    pub(crate) space: Space,
    pub(crate) arrived: Arrived,
}

impl Direction {
    /// How many urgent bytes, read or not, have their place among what was received.
    #[inline]
    pub(crate) fn urgent_count(&self) -> u16 {
        self.urgent
    }
}

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Link {
    pub(crate) ends: [End; 2],
    /// The direction at `side.at()` flows toward that side.
    toward: [Direction; 2],
}

impl Link {
    /// Its two directions.
    #[inline]
    pub(crate) fn toward(&self) -> &[Direction; 2] {
        &self.toward
    }
}

/// All connections.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) links: List<Link, 4>,
    pub(crate) holds: List<Hold, 1>,
    /// The segments of all directions, each direction's received ones first, then those under way.
    segments: List<Packed, 7>,
}

impl Clone for Streams {
    fn clone(&self) -> Self {
        let Self { links, holds, segments } = self;
        Self { links: links.clone(), holds: holds.clone(), segments: segments.clone() }
    }

    #[inline]
    fn clone_from(&mut self, source: &Self) {
        let Self { links, holds, segments } = source;
        self.links.clone_from(links);
        self.holds.clone_from(holds);
        self.segments.clone_from(segments);
    }
}

impl Streams {
    pub(crate) fn new() -> Self {
        Self { links: List::new(), holds: List::new(), segments: List::new() }
    }

    /// A new connection of `connector`, with its SYN under way to a machine.
    pub(crate) fn open(&mut self, connector: SocketIx, to: HostId, port: u16) -> Option<LinkIx> {
        // One number stays free, so that counting through them ends.
        let link = LinkIx(u8::try_from(self.links.len()).ok().filter(|link| *link < u8::MAX)?);
        self.links
            .push(Link { ends: [End::Socket(connector), End::Nobody(to)], ..Link::default() });
        self.push(link, Side::Acceptor, Segment::Syn { port });
        Some(link)
    }

    #[inline]
    pub(crate) fn end(&self, link: LinkIx, side: Side) -> End {
        self.links[link.at()].ends[side.at()]
    }

    #[inline]
    pub(crate) fn set_end(&mut self, link: LinkIx, side: Side, end: End) {
        self.links[link.at()].ends[side.at()] = end;
    }

    #[inline]
    pub(crate) fn toward(&self, link: LinkIx, side: Side) -> &Direction {
        &self.links[link.at()].toward[side.at()]
    }

    #[inline]
    pub(crate) fn toward_mut(&mut self, link: LinkIx, side: Side) -> &mut Direction {
        &mut self.links[link.at()].toward[side.at()]
    }

    #[inline]
    pub(crate) fn is_flying(&self, link: LinkIx, side: Side) -> bool {
        self.toward(link, side).flying > 0
    }

    /// The first segment on its way to `side`.
    pub(crate) fn next(&self, link: LinkIx, side: Side) -> Option<Segment> {
        let received = usize::from(self.toward(link, side).received);
        let head = self.start(link, side) + received;
        self.is_flying(link, side).then(|| self.segments[head].segment())
    }

    /// Whether a segment can arrive at an end of a connection now.
    #[inline]
    pub(crate) fn can_arrive(&self, link: &Link, side: Side) -> bool {
        link.toward[side.at()].flying > 0 && !self.is_held(link.ends[side.at()])
    }

    #[inline]
    fn is_held(&self, end: End) -> bool {
        match end {
            End::Socket(socket) => self.is_disturbed(socket),
            End::Nobody(_)
            | End::HalfOpen(_)
            | End::Waiting { .. }
            | End::Deferred { .. }
            | End::Gone(_) => false,
        }
    }

    /// Whether something delays or loses what is on its way to a socket.
    #[inline]
    pub(crate) fn is_disturbed(&self, socket: SocketIx) -> bool {
        self.holds.iter().any(|hold| hold.socket == socket)
    }

    /// Whether what is on its way to a datagram socket is lost.
    pub(crate) fn is_lost(&self, socket: SocketIx) -> bool {
        let loses = |hold: &Hold| match hold.kind {
            HoldKind::LossUnnoticed | HoldKind::Loss => hold.socket == socket,
            HoldKind::Delay => false,
        };
        self.holds.iter().any(loses)
    }

    /// Delays or loses what is and will be on its way to a socket.
    pub(crate) fn hold(&mut self, hold: Hold) {
        self.holds.push(hold);
        for link in (0..).take(self.links.len()).map(LinkIx) {
            if Side::ALL.into_iter().any(|side| self.is_flying(link, side)) {
                self.notice_loss(link);
            }
        }
    }

    /// Ends what holds up a socket.
    pub(crate) fn release(&mut self, socket: SocketIx) {
        self.holds.retain(|hold| hold.socket != socket);
    }

    /// Something was sent on a connection; if it will not be confirmed, the time-out begins.
    fn notice_loss(&mut self, link: LinkIx) {
        let ends = self.links[link.at()].ends;
        let left_ms = match ends[Side::Acceptor.at()] {
            End::Nobody(_) | End::HalfOpen(_) => CONNECT_TIMEOUT_MS,
            End::Waiting { .. } | End::Deferred { .. } | End::Socket(_) | End::Gone(_) => {
                RETRANSMIT_TIMEOUT_MS
            }
        };
        for hold in self.holds.iter_mut().filter(|hold| ends.contains(&End::Socket(hold.socket))) {
            match hold.kind {
                HoldKind::LossUnnoticed => {
                    hold.kind = HoldKind::Loss;
                    hold.left_ms = left_ms;
                }
                HoldKind::Loss | HoldKind::Delay => {}
            }
        }
    }

    /// Where the direction's segments begin in `segments`.
    #[inline]
    fn start(&self, link: LinkIx, side: Side) -> usize {
        let all =
            |direction: &Direction| usize::from(direction.received) + usize::from(direction.flying);
        let earlier: usize =
            self.links[..link.at()].iter().flat_map(|link| &link.toward).map(all).sum();
        let first = match side {
            Side::Connector => 0,
            Side::Acceptor => all(self.toward(link, Side::Connector)),
        };
        earlier + first
    }

    /// Whether nothing is under way, nor unread.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether there are so many segments that more could not be counted.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.segments.len() > SEGMENTS_MAX
    }

    /// Puts a segment on its way to `side`.
    #[inline]
    pub(crate) fn push(&mut self, link: LinkIx, side: Side, segment: Segment) {
        let start = self.start(link, side);
        let direction = self.toward_mut(link, side);
        let end = start + usize::from(direction.received) + usize::from(direction.flying);
        direction.flying += 1;
        self.segments.insert(end, Packed::new(segment));
        if !self.holds.is_empty() {
            self.notice_loss(link);
        }
    }

    /// Takes the first segment under way. Data stays, as received.
    #[inline]
    pub(crate) fn arrive(&mut self, link: LinkIx, side: Side) -> Segment {
        let start = self.start(link, side);
        let direction = self.toward_mut(link, side);
        assert!(direction.flying > 0, "a segment is under way");
        direction.flying -= 1;
        let head = start + usize::from(direction.received);
        let segment = self.segments[head].segment();
        match segment {
            Segment::Data(_) => self.toward_mut(link, side).received += 1,
            Segment::Urgent(piece) => {
                let before = piece.len - 1;
                if before > 0 {
                    let ordinary = Segment::Data(Piece { len: before, ..piece });
                    self.segments.insert(head, Packed::new(ordinary));
                    self.toward_mut(link, side).received += 1;
                }
                let last = Piece { offset: piece.offset + before, len: 1, ..piece };
                self.segments[head + usize::from(before > 0)] = Packed::new(Segment::Urgent(last));
                let direction = self.toward_mut(link, side);
                direction.received += 1;
                direction.urgent += 1;
            }
            Segment::Syn { .. }
            | Segment::SynAck
            | Segment::Ack
            | Segment::Fin
            | Segment::Rst
            | Segment::Window => {
                self.segments.remove(head);
            }
        }
        segment
    }

    /// The segments that arrived at `side` and are unread.
    fn received(&self, link: LinkIx, side: Side) -> impl Iterator<Item = Segment> + '_ {
        let start = self.start(link, side);
        let end = start + usize::from(self.toward(link, side).received);
        self.segments[start..end].iter().map(|packed| packed.segment())
    }

    /// Whether data is on its way to `side`.
    pub(crate) fn has_data_flying(&self, link: LinkIx, side: Side) -> bool {
        let start = self.start(link, side) + usize::from(self.toward(link, side).received);
        let end = start + usize::from(self.toward(link, side).flying);
        let is_data =
            |packed: &Packed| matches!(packed.segment(), Segment::Data(_) | Segment::Urgent(_));
        self.segments[start..end].iter().any(is_data)
    }

    /// Whether received data is unread; with SO_OOBINLINE urgent bytes are data (AS-RD-04).
    #[inline]
    pub(crate) fn has_unread(&self, link: LinkIx, side: Side, oob_inline: bool) -> bool {
        let direction = self.toward(link, side);
        if direction.urgent == 0 {
            return direction.received > 0;
        }
        self.received(link, side).any(|segment| match segment {
            Segment::Data(_) => true,
            Segment::Urgent(piece) => oob_inline && piece.len > 0,
            Segment::Syn { .. }
            | Segment::SynAck
            | Segment::Ack
            | Segment::Fin
            | Segment::Rst
            | Segment::Window => unreachable!("only data is kept as received"),
        })
    }

    /// How many bytes of received data are unread; with `to_mark`, before an urgent byte's place.
    pub(crate) fn unread_len(&self, link: LinkIx, side: Side, inline: bool, to_mark: bool) -> u32 {
        let counts = |segment: &Segment| inline || !to_mark || matches!(segment, Segment::Data(_));
        let len = |segment| match segment {
            Segment::Data(piece) => piece.len,
            Segment::Urgent(piece) if inline => piece.len,
            Segment::Urgent(_)
            | Segment::Syn { .. }
            | Segment::SynAck
            | Segment::Ack
            | Segment::Fin
            | Segment::Rst
            | Segment::Window => 0,
        };
        self.received(link, side).take_while(counts).map(len).sum()
    }

    /// Whether an urgent byte arrived and is unread.
    pub(crate) fn has_urgent(&self, link: LinkIx, side: Side) -> bool {
        self.toward(link, side).urgent > 0
            && self
                .received(link, side)
                .any(|segment| matches!(segment, Segment::Urgent(Piece { len: 1, .. })))
    }

    /// Whether the next byte to be read is urgent, or the place where an urgent one was.
    pub(crate) fn is_at_mark(&self, link: LinkIx, side: Side) -> bool {
        self.toward(link, side).urgent > 0
            && matches!(self.received(link, side).next(), Some(Segment::Urgent(_)))
    }

    /// Takes the first unread urgent byte; what is left is its place (AS-OOB-10).
    pub(crate) fn read_urgent(&mut self, link: LinkIx, side: Side, peek: bool) -> Option<Piece> {
        let start = self.start(link, side);
        let is_unread = |segment| matches!(segment, Segment::Urgent(Piece { len: 1, .. }));
        let index = self.received(link, side).position(is_unread)?;
        let Segment::Urgent(piece) = self.segments[start + index].segment() else {
            unreachable!("just found")
        };
        if !peek {
            // Of which payload it was is no state any more.
            let place = Piece { literal: LiteralId(0), offset: 0, len: 0 };
            self.segments[start + index] = Packed::new(Segment::Urgent(place));
        }
        Some(piece)
    }

    /// Drops the urgent bytes, read or not, but for the last (AS-OOB-12).
    pub(crate) fn keep_last_urgent(&mut self, link: LinkIx, side: Side) {
        let is_urgent = |segment| matches!(segment, Segment::Urgent(_));
        while self.toward(link, side).urgent > 1 {
            let first = self.received(link, side).position(is_urgent).expect("they were counted");
            self.remove_received(link, side, self.start(link, side) + first);
        }
    }

    /// Takes one received segment away.
    fn remove_received(&mut self, link: LinkIx, side: Side, index: usize) {
        let urgent = matches!(self.segments.remove(index).segment(), Segment::Urgent(_));
        let direction = self.toward_mut(link, side);
        direction.received -= 1;
        direction.urgent -= u16::from(urgent);
    }

    /// Bytes between the send call and the receive call.
    #[inline]
    pub(crate) fn outstanding(&self, link: LinkIx, side: Side) -> u32 {
        let start = self.start(link, side);
        let direction = self.toward(link, side);
        let end = start + usize::from(direction.received) + usize::from(direction.flying);
        self.segments[start..end]
            .iter()
            .map(|packed| match packed.segment() {
                Segment::Data(piece) | Segment::Urgent(piece) => piece.len,
                Segment::Syn { .. }
                | Segment::SynAck
                | Segment::Ack
                | Segment::Fin
                | Segment::Rst
                | Segment::Window => 0,
            })
            .sum()
    }

    /// Takes received bytes, piece by piece; with `peek` they stay. Answers how many.
    pub(crate) fn read(
        &mut self,
        link: LinkIx,
        side: Side,
        reading: Reading,
        mut take: impl FnMut(Piece),
    ) -> u32 {
        let Reading { len, peek, at_urgent } = reading;
        let mut index = self.start(link, side);
        let mut end = index + usize::from(self.toward(link, side).received);
        let mut left = len;
        while left > 0 && index < end {
            let begun = left < len;
            let (piece, alone) = match (self.segments[index].segment(), at_urgent) {
                (Segment::Data(piece), _) => (piece, false),
                (
                    Segment::Urgent(_),
                    AtUrgent::Passes { stops: true, .. }
                    | AtUrgent::Inline(InlineUrgent::Alone | InlineUrgent::WithNext),
                ) if begun => break,
                // What was read with MSG_OOB, and where a call begins: nothing is left of it.
                (Segment::Urgent(Piece { len: 0, .. }), _)
                | (Segment::Urgent(_), AtUrgent::Passes { loses: true, .. }) => {
                    if peek {
                        index += 1;
                    } else {
                        self.remove_received(link, side, index);
                        end -= 1;
                    }
                    continue;
                }
                (Segment::Urgent(_), AtUrgent::Passes { loses: false, .. }) => {
                    index += 1;
                    continue;
                }
                (Segment::Urgent(piece), AtUrgent::Inline(with)) => {
                    (piece, with == InlineUrgent::Alone)
                }
                (
                    Segment::Syn { .. }
                    | Segment::SynAck
                    | Segment::Ack
                    | Segment::Fin
                    | Segment::Rst
                    | Segment::Window,
                    _,
                ) => unreachable!("only data is kept as received"),
            };
            let taken = piece.len.min(left);
            take(Piece { len: taken, ..piece });
            left -= taken;
            if peek {
                index += 1;
            } else if taken == piece.len {
                self.remove_received(link, side, index);
                end -= 1;
            } else {
                let rest = Piece { offset: piece.offset + taken, len: piece.len - taken, ..piece };
                self.segments[index] = Packed::new(Segment::Data(rest));
            }
            if alone {
                break;
            }
        }
        len - left
    }

    /// Drops everything that was received and is unread.
    pub(crate) fn discard_received(&mut self, link: LinkIx, side: Side) {
        let start = self.start(link, side);
        let direction = self.toward_mut(link, side);
        direction.urgent = 0;
        for _ in 0..std::mem::take(&mut direction.received) {
            self.segments.remove(start);
        }
    }

    /// Drops everything that is under way toward `side`.
    pub(crate) fn discard_flying(&mut self, link: LinkIx, side: Side) {
        let start = self.start(link, side);
        let first = start + usize::from(self.toward(link, side).received);
        for _ in 0..std::mem::take(&mut self.toward_mut(link, side).flying) {
            self.segments.remove(first);
        }
    }

    /// Forgets a connection; those behind it move up by one.
    pub(crate) fn remove(&mut self, link: LinkIx) {
        for side in Side::ALL {
            self.discard_received(link, side);
            self.discard_flying(link, side);
        }
        self.links.remove(link.at());
    }

    /// The queue of a listener: how many connections wait, half-open ones included.
    pub(crate) fn backlog(&self, listener: SocketIx) -> usize {
        let waits = |end: &End| match end {
            End::HalfOpen(owner)
            | End::Waiting { listener: owner, .. }
            | End::Deferred { listener: owner } => *owner == listener,
            End::Nobody(_) | End::Socket(_) | End::Gone(_) => false,
        };
        self.links.iter().filter(|link| waits(&link.ends[Side::Acceptor.at()])).count()
    }

    /// The connection that accept takes next.
    pub(crate) fn first_waiting(&self, listener: SocketIx) -> Option<LinkIx> {
        let first = [End::Waiting { listener, rank: 0 }, End::Deferred { listener }];
        let is_first = |link: &Link| first.contains(&link.ends[Side::Acceptor.at()]);
        let found = self.links.iter().position(is_first)?;
        u8::try_from(found).ok().map(LinkIx)
    }

    /// Whether the connection that accept takes next was put off (AS-EN-22).
    pub(crate) fn is_deferred(&self, listener: SocketIx) -> bool {
        let deferred = End::Deferred { listener };
        self.links.iter().any(|link| link.ends[Side::Acceptor.at()] == deferred)
    }

    /// How many connections can be accepted.
    #[inline]
    pub(crate) fn waiting(&self, listener: SocketIx) -> u8 {
        let waits = |end: End| match end {
            End::Waiting { listener: owner, .. } | End::Deferred { listener: owner } => {
                owner == listener
            }
            End::Nobody(_) | End::HalfOpen(_) | End::Socket(_) | End::Gone(_) => false,
        };
        let ends = self.links.iter().map(|link| link.ends[Side::Acceptor.at()]);
        u8::try_from(ends.filter(|end| waits(*end)).count()).expect("links are numbered by a byte")
    }

    /// Takes a connection out of its listener's queue; those behind it move up.
    pub(crate) fn leave_queue(&mut self, link: LinkIx, becomes: End) {
        let before = self.end(link, Side::Acceptor);
        self.set_end(link, Side::Acceptor, becomes);
        let (listener, left) = match before {
            End::Waiting { listener, rank } => (listener, rank),
            End::Deferred { listener } => (listener, 0),
            End::Nobody(_) | End::HalfOpen(_) | End::Socket(_) | End::Gone(_) => return,
        };
        for link in self.links.iter_mut() {
            if let End::Waiting { listener: owner, rank } = &mut link.ends[Side::Acceptor.at()]
                && *owner == listener
                && *rank > left
            {
                *rank -= 1;
            }
        }
    }

    /// The segments under way to `side`, in order.
    pub(crate) fn next_all(&self, link: LinkIx, side: Side) -> impl Iterator<Item = Segment> + '_ {
        let Direction { received, flying, .. } = *self.toward(link, side);
        let first = self.start(link, side) + usize::from(received);
        let flying = &self.segments[first..first + usize::from(flying)];
        flying.iter().map(|packed| packed.segment())
    }

    /// Panics if what is counted is not what is there.
    pub(crate) fn check_counts(&self) {
        let mut all = 0;
        for link in (0..).take(self.links.len()).map(LinkIx) {
            for side in Side::ALL {
                let Direction { received, flying, urgent, .. } = *self.toward(link, side);
                all += usize::from(received) + usize::from(flying);
                let is_urgent = |segment: &Segment| matches!(segment, Segment::Urgent(_));
                let there = self.received(link, side).filter(is_urgent).count();
                assert_eq!(there, usize::from(urgent), "urgent bytes are counted");
            }
        }
        assert_eq!(all, self.segments.len(), "each segment belongs to a direction");
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        let count = |len: usize| u64::try_from(len).expect("fits");
        out(count(self.links.len()) | count(self.holds.len()) << 32);
        for Link { ends, toward } in self.links.iter() {
            let end = |end: &End| match end {
                End::Nobody(host) => u64::from(host.0) << 8,
                End::HalfOpen(socket) => 1 | u64::from(socket.0) << 8,
                End::Waiting { listener, rank } => {
                    2 | u64::from(listener.0) << 8 | u64::from(*rank) << 16
                }
                End::Socket(socket) => 3 | u64::from(socket.0) << 8,
                End::Gone(host) => 4 | u64::from(host.0) << 8,
                End::Deferred { listener } => 5 | u64::from(listener.0) << 8,
            };
            out(end(&ends[0]) << 32 | end(&ends[1]));
            let direction = |direction: &Direction| {
                let Direction { received, flying, urgent, space, arrived } = direction;
                let space: u64 = match space {
                    Space::Free => 0,
                    Space::Full => 1,
                    Space::Returning => 2,
                };
                let arrived = match arrived {
                    Arrived::Open => 0,
                    Arrived::End => 1,
                    Arrived::Reset => 2,
                    Arrived::EndThenReset => 3,
                    Arrived::OwnReset => 4,
                    Arrived::TimedOut => 5,
                };
                let urgent = u64::from(*urgent) << 40;
                u64::from(*received)
                    | u64::from(*flying) << 16
                    | space << 32
                    | arrived << 34
                    | urgent
            };
            out(direction(&toward[0]));
            out(direction(&toward[1]));
        }
        for Packed(segment) in self.segments.iter() {
            out(*segment);
        }
        for Hold { socket, kind, left_ms } in self.holds.iter() {
            let kind: u64 = match kind {
                HoldKind::Delay => 0,
                HoldKind::LossUnnoticed => 1,
                HoldKind::Loss => 2,
            };
            out(u64::from(socket.0) | kind << 16 | u64::from(*left_ms) << 32);
        }
    }
}
