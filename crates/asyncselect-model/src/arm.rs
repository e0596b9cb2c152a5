//! Whether the arm of a rule works.
//!
//! It does. But a proof that scenarios hold a rule fast must see them fail without it: a build with
//! the feature `arms`, which is for that alone, can break one arm at a time, a thread. In all other
//! builds `works` is `true`, and nothing is left of it.
//!
//! What demands a message and what refuses a call is broken where all of them pass
//! ([`crate::latch::decide`], `Refusal::unless_broken`); every other arm asks for
//! itself.

use crate::rule::Rule;

#[cfg(not(feature = "arms"))]
#[inline(always)]
pub(crate) const fn works(_: Rule) -> bool {
    true
}

#[cfg(feature = "arms")]
pub(crate) fn works(rule: Rule) -> bool {
    switch::BROKEN.get() != Some(rule)
}

#[cfg(feature = "arms")]
pub use switch::without;

#[cfg(feature = "arms")]
mod switch {
    use std::cell::Cell;

    use crate::rule::Rule;

    thread_local! {
        pub(super) static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    /// Mends the arm, however the work ends.
    struct Broken;

    impl Drop for Broken {
        fn drop(&mut self) {
            BROKEN.set(None);
        }
    }

    /// Does some work, on this thread, with the arm of a rule broken.
    pub fn without<T>(rule: Rule, work: impl FnOnce() -> T) -> T {
        BROKEN.set(Some(rule));
        let _mended = Broken;
        work()
    }
}
