//! State that few worlds have.
//!
//! A world is copied and hashed millions of times a second, so what only some scripts use (event
//! objects, datagrams, overlapped operations, …) stands in a box that the others do not have. An
//! empty box and none are the same state.

use std::ops::Deref;

use crate::buffers::Buffers;
use crate::datagram::Datagrams;
use crate::event_object::EventObjects;
use crate::event_record::EventRecords;
use crate::injected::Injected;
use crate::multipoint::Multipoint;
use crate::notice::Notices;
use crate::overlapped::Overlapped;
use crate::provider::Provider;
use crate::sharing::Sharing;
use crate::shortage::Shortage;
use crate::world::THREADS_MAX;
/// The state in the box.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Parts {
    pub(crate) buffers: Buffers,
    /// How long the call of each thread still waits (select, and that for event objects), in
    /// milliseconds.
    pub(crate) select_left_ms: [u16; THREADS_MAX],
    pub(crate) datagrams: Datagrams,
    pub(crate) events: EventObjects,
    pub(crate) records: EventRecords,
    pub(crate) overlapped: Overlapped,
    pub(crate) sharing: Sharing,
    pub(crate) provider: Provider,
    pub(crate) injected: Injected,
    pub(crate) notices: Notices,
    pub(crate) shortage: Shortage,
    pub(crate) multipoint: Multipoint,
}

impl Parts {
    const NONE: Self = Self {
        buffers: Buffers::NONE,
        select_left_ms: [0; THREADS_MAX],
        datagrams: Datagrams::NONE,
        events: EventObjects::NONE,
        records: EventRecords::NONE,
        overlapped: Overlapped::NONE,
        sharing: Sharing::NONE,
        provider: Provider::NONE,
        injected: Injected::NONE,
        notices: Notices::NONE,
        shortage: Shortage::NONE,
        multipoint: Multipoint::NONE,
    };

    fn pack(&self, out: &mut impl FnMut(u64)) {
        let Self {
            select_left_ms,
            buffers,
            datagrams,
            events,
            records,
            overlapped,
            sharing,
            provider,
            injected,
            notices,
            shortage,
            multipoint,
        } = self;
        buffers.pack(out);
        out(select_left_ms.iter().fold(0, |word, left_ms| word << 16 | u64::from(*left_ms)));
        datagrams.pack(out);
        events.pack(out);
        records.pack(out);
        overlapped.pack(out);
        sharing.pack(out);
        provider.pack(out);
        injected.pack(out);
        notices.pack(out);
        shortage.pack(out);
        multipoint.pack(out);
    }
}

/// One for all: made at each use, it would be dropped there too.
const NONE: &Parts = &Parts::NONE;

/// The box, if there is anything to put into it.
#[derive(Debug, Default)]
pub(crate) struct More(Option<Box<Parts>>);

impl Clone for More {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    /// Two that have no box, mostly.
    #[inline]
    fn clone_from(&mut self, source: &Self) {
        if self.0.is_some() || source.0.is_some() {
            self.0.clone_from(&source.0);
        }
    }
}

impl More {
    /// What is in the box, if there is one: quicker to ask where much is asked and little is found.
    #[inline]
    pub(crate) fn held(&self) -> Option<&Parts> {
        self.0.as_deref()
    }

    /// To change it; this makes the box.
    pub(crate) fn get_mut(&mut self) -> &mut Parts {
        self.0.get_or_insert_default()
    }

    /// To change it if it is there.
    pub(crate) fn existing(&mut self) -> Option<&mut Parts> {
        self.0.as_deref_mut()
    }

    pub(crate) fn pack(&self, out: &mut impl FnMut(u64)) {
        // Without a box nothing need be compared.
        let parts = self.held().filter(|parts| **parts != *NONE);
        out(u64::from(parts.is_some()));
        if let Some(parts) = parts {
            parts.pack(out);
        }
    }
}

impl Deref for More {
    type Target = Parts;

    #[inline]
    fn deref(&self) -> &Parts {
        self.0.as_deref().unwrap_or(NONE)
    }
}

impl PartialEq for More {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for More {}
