//! WSAJoinLeaf: its outcome is its root's to tell, and closing the root ends what it made.

use asyncselect_abi::{Call, NetworkEvent, SocketHandle};
use asyncselect_model::World;
use asyncselect_model::stream::Arrived;
use asyncselect_model::view::{SocketView, Stage};

use super::{Happened, Monitor, Watch, bit, connection_in, connection_of};
use crate::explore::properties::{Broken, Property};

impl Monitor {
    /// AS-CO-04: each WSAJoinLeaf that ends in this step makes FD_CONNECT of its root due.
    pub(super) fn joined(&mut self, happened: &Happened<'_>) {
        if !happened.after.has_sessions() {
            return;
        }
        for watch in &mut self.watches {
            if ended(happened, watch.socket()).next().is_some() {
                watch.must |= bit(NetworkEvent::Connect);
                watch.may |= bit(NetworkEvent::Connect);
                watch.connecting = true;
            }
        }
    }
}

impl Watch {
    /// AS-CO-04: while the outcome is to come, the new socket waits for no FD_CONNECT.
    pub(super) fn leave_to_root(&mut self, view: &SocketView, after: &World) {
        if view.stage == Stage::Connecting && after.root_of_leaf(view.handle).is_some() {
            self.connecting = false;
            self.must &= !bit(NetworkEvent::Connect);
            self.may &= !bit(NetworkEvent::Connect);
        }
    }
}

/// For each WSAJoinLeaf on a socket that ends in this step, whether it succeeded.
pub(super) fn ended<'h>(
    happened: &'h Happened<'_>,
    root: SocketHandle,
) -> impl Iterator<Item = bool> + 'h {
    let Happened { before, after, .. } = *happened;
    let sockets = after.has_sessions().then(|| after.sockets()).into_iter().flatten();
    let leaves = sockets.filter(move |leaf| after.root_of_leaf(leaf.handle) == Some(root));
    leaves.filter_map(move |leaf| {
        let was_open = before.root_of_leaf(leaf.handle) == Some(root);
        let waited =
            before.socket_of(leaf.handle).is_some_and(|was| was.stage == Stage::Connecting);
        match leaf.stage {
            Stage::Connecting => None,
            _ if was_open && !waited => None,
            stage => Some(matches!(stage, Stage::Connected(_))),
        }
    })
}

/// AS-CL-25: in the step that closes a root, its leaves' connections end, and nobody else's. That
/// those who are due then are told by FD_CLOSE is a property of all connections.
pub(super) fn root_closed(happened: &Happened<'_>, broken: &mut Broken<'_>) {
    let Happened { before, call, made, seen, .. } = *happened;
    let (true, Some((_, Call::CloseSocket { s } | Call::CloseHandle { s }))) = (made, call) else {
        return;
    };
    // A session has its end by the root, or by the last of its leaves, of which it is no matter.
    if !matches!(seen.result(), Some(Ok(_))) || !before.has_sessions() {
        return;
    }
    for view in before.sockets().filter(|view| view.handle != *s) {
        let holds = if before.root_of_leaf(view.handle) == Some(*s) {
            ends_both_ways(&view, happened.after)
        } else {
            let arrived = |world| connection_of(world, view.handle).map(|end| end.arrived);
            arrived(before) == arrived(happened.after)
        };
        broken.unless(holds, Property::RootEndsItsLeaves);
    }
}

/// Whether a connection that stood so has ended, or was over already: nothing more can be sent,
/// and the end of what was is on its way.
fn ends_both_ways(was: &SocketView, after: &World) -> bool {
    let Some(connection) = connection_in(was.stage) else { return true };
    if !matches!(connection.arrived, Arrived::Open | Arrived::End) {
        return true;
    }
    let Some(view) = after.socket_of(was.handle) else { return false };
    let arrived = connection_in(view.stage).map(|end| end.arrived);
    let told = was.send_shut || after.end_is_under_way(was.handle);
    arrived == Some(Arrived::End) && view.send_shut && told
}
