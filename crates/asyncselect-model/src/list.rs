//! An ordered list that lives inside its owner until it grows past `N` items.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A list of small `Copy` items, inline up to `N`, on the heap beyond.
///
/// Worlds are cloned millions of times a second, so the usual one must not allocate; the unusual
/// one only has to work.
pub(crate) enum List<T, const N: usize> {
    /// The first `len` of `items`.
    Inline { len: u8, items: [T; N] },
    /// More than fitted once. Boxed so that the variant is as small as a pointer.
    Spilled(Box<Spill<T>>),
}

/// The items of a list that outgrew its place: those of `all` from `head` on. A message queue loses
/// its items at the front, ten thousand of them perhaps, and must not move the others each time.
#[derive(Clone)]
pub(crate) struct Spill<T> {
    all: Vec<T>,
    head: usize,
}

impl<T: Copy, const N: usize> Clone for List<T, N> {
    fn clone(&self) -> Self {
        match self {
            Self::Inline { len, items } => Self::Inline { len: *len, items: *items },
            Self::Spilled(spill) => Self::Spilled(spill.clone()),
        }
    }

    /// Straight into its place: the derived one makes a list elsewhere and moves it here.
    #[inline]
    fn clone_from(&mut self, source: &Self) {
        match (self, source) {
            (Self::Inline { len, items }, Self::Inline { len: from_len, items: from }) => {
                *len = *from_len;
                *items = *from;
            }
            (this, source) => *this = source.clone(),
        }
    }
}

impl<T: Copy + Default, const N: usize> List<T, N> {
    pub(crate) fn new() -> Self {
        Self::Inline { len: 0, items: [T::default(); N] }
    }

    pub(crate) fn push(&mut self, item: T) {
        let end = self.len();
        self.insert(end, item);
    }

    pub(crate) fn insert(&mut self, index: usize, item: T) {
        match self {
            Self::Inline { len, items } if usize::from(*len) < N => {
                let end = usize::from(*len);
                items.copy_within(index..end, index + 1);
                items[index] = item;
                *len += 1;
            }
            Self::Inline { items, .. } => {
                let mut all = items.to_vec();
                all.insert(index, item);
                *self = Self::Spilled(Box::new(Spill { all, head: 0 }));
            }
            Self::Spilled(spill) => spill.all.insert(spill.head + index, item),
        }
    }

    pub(crate) fn remove(&mut self, index: usize) -> T {
        match self {
            Self::Inline { len, items } => {
                let end = usize::from(*len);
                assert!(index < end, "index {index} is in a list of {end}");
                let item = items[index];
                items.copy_within(index + 1..end, index);
                *len -= 1;
                item
            }
            Self::Spilled(spill) if index == 0 => {
                let item = spill.all[spill.head];
                spill.head += 1;
                if spill.head * 2 > spill.all.len() {
                    spill.all.drain(..spill.head);
                    spill.head = 0;
                }
                item
            }
            Self::Spilled(spill) => spill.all.remove(spill.head + index),
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        if let Self::Spilled(spill) = self {
            spill.all.drain(..spill.head);
            spill.head = 0;
            spill.all.retain(keep);
            return;
        }
        let mut index = 0;
        while index < self.len() {
            if keep(&self[index]) {
                index += 1;
            } else {
                self.remove(index);
            }
        }
    }
}

impl<T, const N: usize> Deref for List<T, N> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match self {
            // It is no more; said so, nothing is left to check.
            Self::Inline { len, items } => &items[..usize::from(*len).min(N)],
            Self::Spilled(spill) => &spill.all[spill.head..],
        }
    }
}

impl<T, const N: usize> DerefMut for List<T, N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::Inline { len, items } => &mut items[..usize::from(*len).min(N)],
            Self::Spilled(spill) => &mut spill.all[spill.head..],
        }
    }
}

impl<T: PartialEq, const N: usize> PartialEq for List<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for List<T, N> {}

impl<T: fmt::Debug, const N: usize> fmt::Debug for List<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spilled_list_behaves_like_an_inline_one() {
        let mut small = List::<u8, 2>::new();
        let mut large = List::<u8, 16>::new();
        for item in 0..6 {
            let at = usize::from(item) / 2;
            small.insert(at, item);
            large.insert(at, item);
            assert_eq!(*small, *large);
        }
        assert!(matches!(small, List::Spilled(_)));
        assert_eq!(small.remove(1), large.remove(1));
        small.retain(|item| item % 2 == 0);
        large.retain(|item| item % 2 == 0);
        assert_eq!(*small, *large);
    }
}
