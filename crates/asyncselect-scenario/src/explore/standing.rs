//! What became of each property in a space that was searched.

use asyncselect_model::KnobId;

use super::properties::{Kind, Property};
use super::search::{Explored, Marks, Sighting, Space};
use super::tree::Tree;

/// What became of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It held everywhere.
    Holds,
    /// It is broken, but only as the profile is known to.
    Deviates {
        /// The knobs that say so, with the alternative.
        knobs: Vec<(KnobId, &'static str)>,
        /// Where, and how often.
        sighting: Sighting,
    },
    /// It is broken.
    Broken(Sighting),
    /// The situation was reached.
    Reached(Sighting),
    /// The situation was not reached.
    NotReached,
}

/// A space whose steps and states are judged.
pub(super) trait Judged: Space {
    /// The excuses that explain what is broken at a sighting.
    fn excuses(&self, tree: &Tree, sighting: Sighting) -> u64;
}

/// Every property, in order.
pub(super) fn standings<S: Judged>(
    space: &S,
    explored: &Explored<S::Cut>,
) -> Vec<(Property, Standing)> {
    let all = Property::ALL.iter();
    all.map(|property| (*property, standing(*property, space, explored))).collect()
}

fn standing<S: Judged>(property: Property, space: &S, explored: &Explored<S::Cut>) -> Standing {
    let seen = |mark: Marks| explored.marks[mark.trailing_zeros() as usize];
    match (property.kind(), seen(property.mark()), seen(property.excused_mark())) {
        (Kind::Always, Some(sighting), _) => Standing::Broken(sighting),
        (Kind::Always, None, Some(sighting)) => {
            let knobs = property.excuses_of(space.excuses(&explored.tree, sighting));
            Standing::Deviates { knobs, sighting }
        }
        (Kind::Always, None, None) => Standing::Holds,
        (Kind::Sometimes, Some(sighting), _) => Standing::Reached(sighting),
        (Kind::Sometimes, None, _) => Standing::NotReached,
    }
}
