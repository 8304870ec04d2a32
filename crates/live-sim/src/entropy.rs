//! Finite bytes as the only source of chance: whoever chooses the bytes chooses the world.
//!
//! When they have run out every choice is the calmest one, so a shorter input is a calmer world. That is what lets a fuzzer
//! search and a shrinker shrink.

use std::time::Duration;

/// Bytes that choices are drawn from.
#[derive(Debug)]
pub(crate) struct Entropy<'a> {
    rest: &'a [u8],
}

impl<'a> Entropy<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether every further choice is the calmest.
    pub(crate) fn is_spent(&self) -> bool {
        self.rest.is_empty()
    }

    /// Forgets what is left: from here on all is calm.
    pub(crate) fn spend(&mut self) {
        self.rest = &[];
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// A number below `count`; 0 is the calmest.
    pub(crate) fn below(&mut self, count: u8) -> u8 {
        self.byte() % count
    }

    /// True once in `count` times, and never when all is calm.
    pub(crate) fn one_in(&mut self, count: u8) -> bool {
        self.below(count) == count - 1
    }

    /// One of several, the calmest first.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let count = u8::try_from(choices.len()).expect("a byte chooses among fewer than 256");
        choices[usize::from(self.below(count))]
    }

    /// One of several spans of milliseconds, the calmest first.
    pub(crate) fn millis(&mut self, choices: &[u64]) -> Duration {
        Duration::from_millis(self.pick(choices))
    }
}

/// The bytes that a seed stands for: from 40 to some 900 of them, so that worlds come in all sizes.
pub fn bytes_of_seed(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let length = 40 + (split_mix(&mut state) % 30 * (split_mix(&mut state) % 30)) as usize;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&split_mix(&mut state).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// SplitMix64: every seed runs through all 2^64 states.
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_bytes_every_choice_is_the_calmest() {
        let mut entropy = Entropy::new(&[255, 255]);
        assert!(entropy.one_in(2) && !entropy.is_spent());
        assert_eq!(entropy.pick(&[10, 20, 30]), 10, "255 is a multiple of three");
        assert!(entropy.is_spent());
        assert_eq!((entropy.byte(), entropy.below(7), entropy.one_in(2), entropy.pick(&[4, 5])), (0, 0, false, 4));
    }

    #[test]
    fn a_seed_always_stands_for_the_same_bytes() {
        assert_eq!(bytes_of_seed(7), bytes_of_seed(7));
        assert_ne!(bytes_of_seed(7), bytes_of_seed(8));
        assert!((0..200).all(|seed| (40..=40 + 29 * 29).contains(&bytes_of_seed(seed).len())));
    }
}
