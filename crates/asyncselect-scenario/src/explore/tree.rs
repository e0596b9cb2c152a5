//! How each visited state was reached first: a few bytes a state, instead of the state.

use super::search::{Label, Space};

/// Number of a visited state, in the order in which they were found; the start is 0.
pub type NodeId = u32;

/// The first way to every visited state. A child's number is above its parent's.
#[derive(Clone, Debug)]
pub struct Tree {
    parents: Vec<NodeId>,
    labels: Vec<Label>,
}

impl Tree {
    /// The start alone.
    pub(crate) fn new() -> Self {
        Self { parents: vec![0], labels: vec![Label(0)] }
    }

    pub(crate) fn push(&mut self, parent: NodeId, label: Label) {
        self.parents.push(parent);
        self.labels.push(label);
    }

    /// Adds a state and gives its number.
    pub(crate) fn add(&mut self, parent: NodeId, label: Label) -> NodeId {
        let node = NodeId::try_from(self.len()).expect("searches end long before");
        self.push(parent, label);
        node
    }

    /// How many states there are. A tree is never empty.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// What leads from the start to a state.
    #[must_use]
    pub fn path(&self, mut node: NodeId) -> Vec<Label> {
        let mut labels = Vec::new();
        while node != 0 {
            labels.push(self.labels[at(node)]);
            node = self.parents[at(node)];
        }
        labels.reverse();
        labels
    }

    /// The bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.parents.capacity() * size_of::<NodeId>() + self.labels.capacity() * size_of::<Label>()
    }
}

/// Makes states again from the tree. Those asked for in the order of their numbers share most of
/// their way, so that each costs one or two steps.
pub struct Walker<'w, S: Space> {
    space: &'w S,
    tree: &'w Tree,
    /// The states on the way to the last one, numbers ascending; the start is always there. Those
    /// from `len` on are places for others.
    way: Vec<(NodeId, S::State)>,
    len: usize,
    missing: Vec<NodeId>,
    scratch: S::Scratch,
}

impl<'w, S: Space> Walker<'w, S> {
    /// Stands at the start.
    pub fn new(space: &'w S, tree: &'w Tree) -> Self {
        let way = vec![(0, space.start())];
        Self { space, tree, way, len: 1, missing: Vec::new(), scratch: space.scratch() }
    }

    /// The state of this number.
    pub fn go(&mut self, node: NodeId) -> &S::State {
        let mut ancestor = node;
        loop {
            while self.last().0 > ancestor {
                self.len -= 1;
            }
            if self.last().0 == ancestor {
                break;
            }
            self.missing.push(ancestor);
            ancestor = self.tree.parents[at(ancestor)];
        }
        while let Some(next) = self.missing.pop() {
            self.step(next);
        }
        &self.last().1
    }

    fn step(&mut self, to: NodeId) {
        if self.len == self.way.len() {
            self.way.push((to, self.last().1.clone()));
        }
        let (way, places) = self.way.split_at_mut(self.len);
        let ((_, last), (node, next)) = (&way[self.len - 1], &mut places[0]);
        self.space.behind(last, self.tree.labels[at(to)], next, &mut self.scratch);
        *node = to;
        self.len += 1;
    }

    fn last(&self) -> &(NodeId, S::State) {
        &self.way[self.len - 1]
    }
}

fn at(node: NodeId) -> usize {
    node as usize
}
