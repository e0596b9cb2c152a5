//! What exploring a suite on a profile has shown.

use asyncselect_model::Profile;

use super::bounded::{Bounded, Cut, Happening, Open};
use super::properties::Property;
use super::search::{Explored, Limits, Sighting, Work, breadth_first};
use super::standing::{Standing, standings};
use crate::runner::Ending;
use crate::script::suite::Suite;

/// How long a way through a suite is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Its letters.
    pub letters: usize,
    /// Letters, arrivals and returns.
    pub steps: usize,
}

/// What exploring a suite on a profile has shown.
#[derive(Debug)]
pub struct SuiteReport<'s> {
    /// The space.
    pub space: Bounded<'s>,
    /// Everything that was found.
    pub explored: Explored<Cut>,
    /// Every property, in order.
    pub properties: Vec<(Property, Standing)>,
}

impl<'s> SuiteReport<'s> {
    /// Explores a suite on a profile.
    ///
    /// # Errors
    ///
    /// If the situation at its start does not come about.
    pub fn explore(
        suite: &'s Suite,
        profile: &Profile,
        open: Open,
        work: Work,
        limits: Limits,
    ) -> Result<Self, Ending> {
        let space = Bounded::new(suite, profile, open)?;
        let explored = breadth_first(&space, work, limits);
        let properties = standings(&space, &explored);
        Ok(Self { space, explored, properties })
    }

    /// Whether an invariant is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        let mut standings = self.properties.iter().map(|(_, standing)| standing);
        standings.any(|standing| matches!(standing, Standing::Broken(_)))
    }

    /// A scenario that shows a property at its first sighting.
    #[must_use]
    pub fn scenario(&self, property: Property, sighting: Sighting) -> String {
        let path = self.explored.path(sighting);
        self.space.scenario(property.name(), property.clauses(), &path)
    }

    /// How long the way to a sighting is.
    #[must_use]
    pub fn length(&self, sighting: Sighting) -> Length {
        let path = self.explored.path(sighting);
        let letters = path.iter().filter(|label| Happening::of(**label).is_letter()).count();
        Length { letters, steps: path.len() }
    }
}
