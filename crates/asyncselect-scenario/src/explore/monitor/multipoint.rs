//! WSAJoinLeaf: its outcome is its root's to tell.

use asyncselect_abi::{NetworkEvent, SocketHandle};
use asyncselect_model::World;
use asyncselect_model::view::{SocketView, Stage};

use super::{Happened, Monitor, Watch, bit};

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
