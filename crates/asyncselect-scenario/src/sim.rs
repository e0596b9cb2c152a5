//! The model as a backend.

use std::hash::{Hash, Hasher};

use asyncselect_abi::call::BackendCall;
use asyncselect_abi::data::LEN_MAX;
use asyncselect_abi::{
    Backend, BackendError, Data, Fault, Literal, LiteralId, Outcome, PostedMessage, PumpFilter,
    Reply, SelectReply, SocketHandle, Start, ThreadId,
};
use asyncselect_model::stream::{LITERALS_MAX, Piece};
use asyncselect_model::world::THREADS_MAX;
use asyncselect_model::{
    Canonical, Chooser, Effect, KnobId, ModelError, Move, Profile, Sink, World,
};

use crate::script_file::Need;
use crate::stack::{Happening, Stack};

/// The most moves that one settle may take; more is a finding of its own, not a hang.
const MOVES_MAX: u32 = 1_000_000;

/// Is shown every move of a simulated run, and has no influence on it.
pub trait Watcher {
    /// A move is made in this world.
    fn begins(&mut self, _: &World) {}
    /// It does this.
    fn effect(&mut self, _: Effect) {}
    /// It has led to this world.
    fn ends(&mut self, _: &Move<'_>, _: &World) {}
}

/// Nobody watches.
impl Watcher for () {}

/// A simulated stack. With `RECORD` it keeps every effect for the trace.
#[derive(Clone, Debug)]
pub struct Sim<const RECORD: bool, C = Canonical, W = ()> {
    label: String,
    start: World,
    chooser: C,
    watcher: W,
    literals: Vec<Data>,
    /// Elsewhere, so that an explorer's moments are not copied when it puts them here.
    now: Box<Moment<RECORD>>,
}

/// Where a simulated run is: what an explorer keeps of it, and goes on from.
#[derive(Clone, Debug)]
pub struct Moment<const RECORD: bool> {
    world: World,
    sink: Recorder<RECORD>,
}

impl<const RECORD: bool> Moment<RECORD> {
    /// The state.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl<const RECORD: bool> Hash for Moment<RECORD> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.world.pack(&mut |word| state.write_u64(word));
        // What calls returned that waited, until somebody asks.
        for (reply, received) in self.sink.replies.iter().zip(&self.sink.received) {
            reply.hash(state);
            if reply.is_some() {
                received.hash(state);
            }
        }
    }
}

impl<const RECORD: bool, C: Chooser> Sim<RECORD, C> {
    /// A stack that behaves as the profile says; `chooser` decides where it leaves things open.
    pub fn new(profile: &Profile, chooser: C) -> Self {
        Self::watched(profile, chooser, ())
    }
}

impl<const RECORD: bool, C: Chooser, W: Watcher> Sim<RECORD, C, W> {
    /// The same, with somebody who is shown what happens.
    pub fn watched(profile: &Profile, chooser: C, watcher: W) -> Self {
        let start = World::new(profile);
        let now = Box::new(Moment { world: start.clone(), sink: Recorder::default() });
        let label = profile.name().to_owned();
        Self { label, start, chooser, watcher, literals: Vec::new(), now }
    }

    /// Who watches.
    pub fn watcher_mut(&mut self) -> &mut W {
        &mut self.watcher
    }

    /// Where the run is; an explorer puts another moment of a run of the same script there.
    pub fn now_mut(&mut self) -> &mut Box<Moment<RECORD>> {
        &mut self.now
    }

    /// Whether nothing happens by itself.
    pub fn is_at_rest(&self) -> bool {
        self.now.world.moves().next().is_none()
    }

    /// Who decides.
    pub fn chooser_mut(&mut self) -> &mut C {
        &mut self.chooser
    }

    /// The number of a payload, for those who hear of payloads only as calls come; `None` if it is
    /// too long or one too many. The same bytes get the same number again.
    pub fn literal(&mut self, data: &Data) -> Option<Literal> {
        let len = u32::try_from(data.len()).ok().filter(|len| *len <= LEN_MAX)?;
        let index = self.literals.iter().position(|other| other == data).unwrap_or_else(|| {
            self.literals.push(data.clone());
            self.literals.len() - 1
        });
        let id = u16::try_from(index).ok().filter(|_| index < LITERALS_MAX)?;
        Some(Literal { id: LiteralId(id), len })
    }

    fn apply(&mut self, mv: Move<'_>) -> Result<(), BackendError> {
        let Self { chooser, watcher, now, .. } = self;
        let Moment { world, sink } = &mut **now;
        watcher.begins(world);
        world.apply(mv, chooser, &mut Shown { sink, watcher }).map_err(not_modelled)?;
        watcher.ends(&mv, world);
        Ok(())
    }

    fn outcome(&mut self, thread: ThreadId) -> Outcome {
        let place = &mut self.now.sink.replies[usize::from(thread.0)];
        let Some(reply) = place else { return Outcome::Pending };
        let outcome = Outcome::Returned(reply.copied());
        *place = None;
        outcome
    }
}

impl<const RECORD: bool, C: Chooser, W: Watcher> Backend for Sim<RECORD, C, W> {
    fn reset(&mut self, start: &Start<'_>) -> Result<(), BackendError> {
        let Start { literals, fresh: _, hosts, processes, family } = *start;
        self.now.world.clone_from(&self.start);
        self.now.world.place(hosts, processes, family).map_err(not_modelled)?;
        self.now.sink.clear();
        if self.literals != literals {
            self.literals = literals.to_vec();
        }
        Ok(())
    }

    fn call(&mut self, thread: ThreadId, call: &BackendCall) -> Result<Outcome, BackendError> {
        self.now.sink.begin(thread);
        self.apply(Move::Call { thread, call })?;
        Ok(self.outcome(thread))
    }

    fn settle(&mut self) -> Result<(), BackendError> {
        for _ in 0..MOVES_MAX {
            let Some(next) = self.now.world.moves().next() else { return Ok(()) };
            self.apply(next)?;
        }
        Err(BackendError::NotModelled(format!("no rest after {MOVES_MAX} moves")))
    }

    fn pump(&mut self, filter: &PumpFilter) -> Result<Option<PostedMessage>, BackendError> {
        self.now.sink.retrieved = None;
        self.apply(Move::Retrieve(*filter))?;
        Ok(self.now.sink.retrieved)
    }

    fn pending(&mut self, thread: ThreadId, _: u32) -> Result<Outcome, BackendError> {
        // The last reply may be that of a call from inside the one that waits (AS-HK-01).
        if self.now.world.is_pending(thread) {
            Ok(Outcome::Pending)
        } else {
            Ok(self.outcome(thread))
        }
    }

    fn received(&mut self, thread: ThreadId) -> Data {
        let pieces = &self.now.sink.received[usize::from(thread.0)];
        // Megabytes of one byte are not spelled out.
        if let [Piece { literal, len, .. }] = pieces[..]
            && let Data::Fill { byte, .. } = self.literals[usize::from(literal.0)]
        {
            return Data::Fill { byte, len }.described();
        }
        let mut bytes = Vec::new();
        for Piece { literal, offset, len } in pieces {
            match &self.literals[usize::from(literal.0)] {
                Data::Fill { byte, .. } => bytes.resize(bytes.len() + *len as usize, *byte),
                data => {
                    let (start, len) = (*offset as usize, *len as usize);
                    bytes.extend_from_slice(&data.to_bytes()[start..start + len]);
                }
            }
        }
        Data::describe(&bytes)
    }

    fn advance(&mut self, ms: u32) -> Result<(), BackendError> {
        // From timer to timer, so that what ends later also happens later.
        let mut left = ms;
        while let Some(next) = self.now.world.next_timer_ms().filter(|next| *next < left) {
            self.apply(Move::Tick { ms: next })?;
            self.settle()?;
            left -= next;
        }
        self.apply(Move::Tick { ms: left })
    }

    fn fault(&mut self, fault: &Fault<SocketHandle>) -> Result<(), BackendError> {
        self.apply(Move::Fault(*fault))
    }
}

impl<const RECORD: bool, C: Chooser, W: Watcher> Stack for Sim<RECORD, C, W> {
    fn label(&self) -> &str {
        &self.label
    }

    fn lacks(&self, _: Need) -> bool {
        // What is not modelled is answered so, call by call.
        false
    }

    fn decided(&self, knob: KnobId) -> Option<u8> {
        self.now.world.decided(knob)
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.now.sink.effects)
    }

    fn next_timer_ms(&self) -> Option<u32> {
        self.now.world.next_timer_ms()
    }

    fn happen(&mut self, happening: Happening) -> Result<(), BackendError> {
        let found = self.now.world.moves().find(|mv| is_move(mv, happening));
        match found {
            Some(mv) => self.apply(mv),
            None => Err(BackendError::Unsupported(format!("{happening}, which cannot come now"))),
        }
    }
}

/// Whether a move is what happens.
fn is_move(mv: &Move<'_>, happening: Happening) -> bool {
    match (mv, happening) {
        (Move::Deliver { link, toward: side }, Happening::Deliver { connection, toward }) => {
            *link == connection && *side == toward
        }
        (Move::Land { number: lands }, Happening::Land { number }) => *lands == number,
        (Move::Return { thread: returns }, Happening::Return { thread }) => *returns == thread,
        (Move::Upcall, Happening::Upcall) => true,
        (
            Move::Deliver { .. }
            | Move::Upcall
            | Move::Land { .. }
            | Move::Return { .. }
            | Move::Call { .. }
            | Move::Retrieve(_)
            | Move::Tick { .. }
            | Move::Fault(_),
            _,
        ) => false,
    }
}

fn not_modelled(error: ModelError) -> BackendError {
    BackendError::NotModelled(error.to_string())
}

/// Gives every effect to the recorder, and shows it to who watches.
struct Shown<'s, const RECORD: bool, W> {
    sink: &'s mut Recorder<RECORD>,
    watcher: &'s mut W,
}

impl<const RECORD: bool, W: Watcher> Sink for Shown<'_, RECORD, W> {
    const WANTS_SILENCE: bool = Recorder::<RECORD>::WANTS_SILENCE;

    #[inline(always)]
    fn effect(&mut self, effect: Effect) {
        self.watcher.effect(effect);
        self.sink.effect(effect);
    }
}

/// Keeps what the runner asks for, and with `RECORD` everything.
#[derive(Clone, Debug, Default)]
struct Recorder<const RECORD: bool> {
    replies: [Option<Reply>; THREADS_MAX],
    received: [Vec<Piece>; THREADS_MAX],
    /// Pieces of the call under way; its thread is known when it returns.
    pieces: Vec<Piece>,
    retrieved: Option<PostedMessage>,
    effects: Vec<Effect>,
}

impl<const RECORD: bool> Recorder<RECORD> {
    fn begin(&mut self, thread: ThreadId) {
        self.replies[usize::from(thread.0)] = None;
        self.received[usize::from(thread.0)].clear();
        self.pieces.clear();
    }

    fn clear(&mut self) {
        self.replies = [None; THREADS_MAX];
        self.received.iter_mut().for_each(Vec::clear);
        self.pieces.clear();
        self.retrieved = None;
        self.effects.clear();
    }
}

impl<const RECORD: bool> Sink for Recorder<RECORD> {
    const WANTS_SILENCE: bool = RECORD;

    // Without `RECORD` most effects leave nothing here; where that is seen they are not even made.
    #[inline(always)]
    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Return { thread, reply, .. } => {
                self.replies[usize::from(thread.0)] = Some(reply);
                if !self.pieces.is_empty() {
                    self.received[usize::from(thread.0)].append(&mut self.pieces);
                }
            }
            Effect::Received(piece) => self.pieces.push(piece),
            Effect::Retrieve { message, .. } => {
                self.retrieved = Some(PostedMessage {
                    hwnd: message.hwnd,
                    message: message.message,
                    socket: message.socket,
                    reply: SelectReply::new(message.event, message.error),
                });
            }
            Effect::Post { .. }
            | Effect::Record { .. }
            | Effect::Silent { .. }
            | Effect::Deliver { .. }
            | Effect::Land { .. }
            | Effect::Withdrawn { .. } => {}
        }
        if RECORD {
            self.effects.push(effect);
        }
    }
}
