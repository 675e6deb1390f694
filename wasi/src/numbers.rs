//! Random numbers that the run's seed and the callback's name decide.

use crate::bindings::exports::wasi::random::{insecure, insecure_seed, random};
use crate::bindings::{Nothing, phasebox::train::process};

/// The bytes of one draw each eight; `len` is the program's wish, and its memory is what bounds it.
fn bytes(len: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    let mut state = process::draw();
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&next(&mut state).to_le_bytes()[..chunk.len()]);
    }
    bytes
}

/// SplitMix64 (Steele, Lea and Flood, 2014): one draw of the host gives all bytes of a request.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl random::Guest for Nothing {
    fn get_random_bytes(len: u64) -> Vec<u8> {
        bytes(len)
    }

    fn get_random_u64() -> u64 {
        process::draw()
    }
}

impl insecure::Guest for Nothing {
    fn get_insecure_random_bytes(len: u64) -> Vec<u8> {
        bytes(len)
    }

    fn get_insecure_random_u64() -> u64 {
        process::draw()
    }
}

impl insecure_seed::Guest for Nothing {
    fn insecure_seed() -> (u64, u64) {
        (process::draw(), process::draw())
    }
}
