//! Whether libtorch records operations for the backward pass, set for a scope. tch's own guard switches twice also where
//! nothing changes; a trainer mostly finds it as it should be. Knows nothing of what is recorded.

use std::marker::PhantomData;

use crate::ffi;

/// Gradient mode as [`GradientMode::set`] set it; dropping it restores what was there. Guards end in the reverse order of
/// their start, as scopes do.
#[derive(Debug)]
#[must_use = "what was set ends when the guard is dropped"]
pub struct GradientMode {
    /// What to restore, where that differs.
    previous: Option<bool>,
    /// The switch is thread-local, so the guard must end on the thread it began on.
    on_this_thread: PhantomData<*const ()>,
}

impl GradientMode {
    /// Records from here on, or does not.
    #[inline]
    pub fn set(on: bool) -> GradientMode {
        // SAFETY: takes nothing and reads a thread-local flag.
        let previous = unsafe { ffi::ext_is_recording() };
        if previous != on {
            switch(on);
        }
        GradientMode {
            previous: (previous != on).then_some(previous),
            on_this_thread: PhantomData,
        }
    }
}

impl Drop for GradientMode {
    #[inline]
    fn drop(&mut self) {
        if let Some(previous) = self.previous {
            switch(previous);
        }
    }
}

fn switch(on: bool) {
    // SAFETY: takes a flag and writes a thread-local one.
    unsafe { ffi::ext_set_recording(on) }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn scopes_nest_and_restore() {
        let weight = Tensor::ones([1], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let records = || (&weight * 2.0).requires_grad();
        assert!(records());
        {
            let _off = GradientMode::set(false);
            assert!(!records());
            {
                let _on = GradientMode::set(true);
                assert!(records());
                let _still = GradientMode::set(true);
            }
            assert!(!records());
        }
        assert!(records());
    }
}
