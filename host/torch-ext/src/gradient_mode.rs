//! Gradient mode, set for a scope: on, libtorch records operations for the backward pass. tch's own guard switches twice
//! even where nothing changes, and a trainer mostly finds the mode as it should be. Decides nothing about when it is on.

use std::marker::PhantomData;

use crate::ffi;

/// A guard of the gradient mode that [`GradientMode::set`] made; dropping it restores the mode from before. Guards end in
/// the reverse order of their start, as scopes do.
#[derive(Debug)]
#[must_use = "the mode ends when the guard is dropped"]
pub struct GradientMode {
    /// The mode to restore; none where nothing was switched.
    previous: Option<bool>,
    /// The mode is a thread's own, so the guard must end on the thread it began on.
    on_this_thread: PhantomData<*const ()>,
}

impl GradientMode {
    /// Switches the mode of this thread on or off, where it is not so already.
    #[inline]
    pub fn set(on: bool) -> GradientMode {
        // SAFETY: takes nothing and reads a flag of this thread.
        let previous = unsafe { ffi::ext_gradient_mode() };
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
    // SAFETY: takes a flag and writes one of this thread.
    unsafe { ffi::ext_set_gradient_mode(on) }
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
