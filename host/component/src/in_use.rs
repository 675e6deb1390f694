//! The code that callbacks of one engine hold: loaded once, however many share it. What wasmtime keeps of a component beside
//! its memory takes megabytes for an interpreter. Keeps nothing alive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use phasebox_contract::digest::Digest;
use wasmtime::component::Component;

/// Codes by the digests of their files; those that nobody holds any more are forgotten.
#[derive(Default)]
pub(crate) struct InUse(Mutex<HashMap<Digest, Weak<Component>>>);

impl InUse {
    /// The code of the file with this digest, if somebody holds it.
    pub(crate) fn find(&self, sha256: Digest) -> Option<Arc<Component>> {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.get(&sha256)?.upgrade()
    }

    /// Lets others find the code for as long as somebody holds it.
    pub(crate) fn share(&self, sha256: Digest, code: Component) -> Arc<Component> {
        let code = Arc::new(code);
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, held| held.strong_count() > 0);
        codes.insert(sha256, Arc::downgrade(&code));
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_found_while_it_is_held() {
        let empty = b"\0asm\x0d\0\x01\0";
        let code = Component::new(&wasmtime::Engine::default(), empty).expect("it compiles");
        let (in_use, sha256) = (InUse::default(), Digest::of(b"one"));
        assert!(in_use.find(sha256).is_none());
        let held = in_use.share(sha256, code);
        let found = in_use.find(sha256).expect("somebody holds it");
        assert!(Arc::ptr_eq(&held, &found));
        assert!(in_use.find(Digest::of(b"two")).is_none());
        drop((held, found));
        assert!(in_use.find(sha256).is_none());
    }
}
