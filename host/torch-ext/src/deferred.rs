//! Scalars that arrive later: the value of a one-element tensor without waiting for the device. Owns the pinned cell
//! and the event of one copy; who polls, and when, is the caller's.

use crate::cuda::is_recording;
use crate::ffi::{self, check};
use crate::{Error, Result};
use std::ptr::NonNull;
use tch::{Device, Tensor};

/// A number on its way from a device. On the CPU it is there at once; on CUDA a copy into pinned memory has been
/// queued behind the work so far, and an event behind the copy. Cells and events are pooled.
#[derive(Debug)]
pub struct Deferred {
    state: State,
}

#[derive(Debug)]
enum State {
    Arrived(f64),
    Pending(Arrival),
}

/// The owner of a cell of the shim's pool.
#[derive(Debug)]
struct Arrival(NonNull<ffi::Arrival>);

// SAFETY: a cell has one owner at a time, and neither pinned memory nor events belong to a thread.
unsafe impl Send for Arrival {}

impl Drop for Arrival {
    fn drop(&mut self) {
        // SAFETY: the only owner gives it back once. An error means a broken CUDA context, and the cell is freed anyway.
        drop(ffi::take(unsafe { ffi::ext_arrival_release(self.0.as_ptr()) }));
    }
}

impl Deferred {
    /// Starts the copy of `tensor`'s only element, of any real dtype or bool. Never syncs CUDA. An error while this
    /// thread records a graph: each replay would copy into the same place.
    pub fn new(tensor: &Tensor) -> Result<Self> {
        if is_recording() {
            let message = "a value cannot be asked for while a graph is recorded".to_owned();
            return Err(Error::Torch { operation: "deferred copy", message });
        }
        let state = match tensor.device() {
            Device::Cuda(_) => State::Pending(Arrival::start(tensor)?),
            Device::Cpu | Device::Mps | Device::Vulkan => State::Arrived(value_of(tensor)?),
        };
        Ok(Self { state })
    }

    /// The value if it has arrived. Never syncs.
    pub fn poll(&mut self) -> Result<Option<f64>> {
        if let State::Pending(arrival) = &self.state
            && let Some(value) = arrival.poll()?
        {
            self.state = State::Arrived(value);
        }
        Ok(match self.state {
            State::Arrived(value) => Some(value),
            State::Pending(_) => None,
        })
    }

    /// The value; waits for the copy, not for work queued after it.
    pub fn wait(&mut self) -> Result<f64> {
        let value = match &self.state {
            State::Arrived(value) => *value,
            State::Pending(arrival) => arrival.wait()?,
        };
        self.state = State::Arrived(value);
        Ok(value)
    }
}

impl Arrival {
    fn start(tensor: &Tensor) -> Result<Self> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: the tensor is borrowed for the call; on success `raw` is a cell that is ours alone.
        check("deferred copy", unsafe { ffi::ext_arrival_start(tensor.as_ptr(), &mut raw) })?;
        match NonNull::new(raw) {
            Some(raw) => Ok(Self(raw)),
            None => unreachable!("a started copy has a cell"),
        }
    }

    fn poll(&self) -> Result<Option<f64>> {
        let (mut ready, mut value) = (false, 0.0);
        // SAFETY: the cell is valid as long as `self`.
        check("deferred poll", unsafe { ffi::ext_arrival_poll(self.0.as_ptr(), &mut ready, &mut value) })?;
        Ok(ready.then_some(value))
    }

    fn wait(&self) -> Result<f64> {
        let mut value = 0.0;
        // SAFETY: the cell is valid as long as `self`.
        check("deferred wait", unsafe { ffi::ext_arrival_wait(self.0.as_ptr(), &mut value) })?;
        Ok(value)
    }
}

fn value_of(tensor: &Tensor) -> Result<f64> {
    let mut value = 0.0;
    // SAFETY: the tensor is borrowed for the call.
    check("item", unsafe { ffi::ext_scalar_value(tensor.as_ptr(), &mut value) })?;
    Ok(value)
}
