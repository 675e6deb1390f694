//! Scalars that arrive later: the value of a one-element tensor without waiting for the device. Owns a ring of cells for
//! each device. The caller decides when values are sent and who polls.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tch::{Device, Tensor};

use crate::cuda::is_recording;
use crate::ffi::{self, check};
use crate::ring::{Lane, Ring, Values};
use crate::{Error, Result};

/// The most scalars that may be on their way from one device.
const CELLS: usize = 4096;

/// A number on its way from a device. On the CPU it is there at once. On CUDA it is stored on the device, and copied to
/// pinned memory together with all others by [`send_scalars`], or when somebody looks for it.
#[derive(Debug)]
pub struct Deferred {
    state: State,
}

#[derive(Debug)]
enum State {
    Arrived(f64),
    Pending {
        device: usize,
        values: Arc<Values>,
        index: usize,
    },
}

impl Deferred {
    /// Takes the only element of `tensor`, of any real dtype or bool, as it is at this point of the device's work. Never
    /// syncs CUDA, unless 4096 others are on their way.
    ///
    /// # Errors
    /// A tensor of more or fewer elements. Also while this thread records a graph: each replay would write into the same
    /// cell.
    pub fn new(tensor: &Tensor) -> Result<Self> {
        let state = match tensor.device() {
            Device::Cuda(device) => {
                let (values, index) = with_ring(device, |ring| {
                    UNSENT.store(true, Ordering::Relaxed);
                    ring.ask(tensor)
                })?;
                State::Pending {
                    device,
                    values,
                    index,
                }
            }
            Device::Cpu | Device::Mps | Device::Vulkan => State::Arrived(value_of(tensor)?),
        };
        Ok(Self { state })
    }

    /// The value, if it has arrived. Never syncs.
    pub fn poll(&mut self) -> Result<Option<f64>> {
        self.look(|ring, _| {
            ring.send()?;
            ring.take_arrived()
        })
    }

    /// The value. Waits for the copy, not for work queued after it.
    pub fn wait(&mut self) -> Result<f64> {
        let value = self.look(|ring, values| ring.wait_for(values))?;
        value.ok_or_else(|| refusal("the value never arrived"))
    }

    /// The value; runs `search` first if it has not arrived.
    fn look(
        &mut self,
        search: impl FnOnce(&mut Ring<CudaLane>, &Arc<Values>) -> Result<()>,
    ) -> Result<Option<f64>> {
        let State::Pending {
            device,
            values,
            index,
        } = &self.state
        else {
            return Ok(self.arrived());
        };
        let mut value = values.get(*index)?;
        if value.is_none() {
            with_ring(*device, |ring| search(ring, values))?;
            value = values.get(*index)?;
        }
        if let Some(value) = value {
            self.state = State::Arrived(value);
        }
        Ok(value)
    }

    fn arrived(&self) -> Option<f64> {
        match self.state {
            State::Arrived(value) => Some(value),
            State::Pending { .. } => None,
        }
    }
}

/// True if a value was stored since the last [`send_scalars`].
static UNSENT: AtomicBool = AtomicBool::new(false);

/// Starts the copy of all scalars that were stored since the last call: one copy and one event for each device. Costs one
/// load where there are none. Does not sync.
#[inline]
pub fn send_scalars() -> Result<()> {
    if UNSENT.load(Ordering::Relaxed) {
        send_stored()
    } else {
        Ok(())
    }
}

#[cold]
fn send_stored() -> Result<()> {
    UNSENT.store(false, Ordering::Relaxed);
    rings().iter_mut().try_for_each(|(_, ring)| ring.send())
}

/// A ring for each device that was asked for a scalar. Never freed: when the process ends, the CUDA driver may be gone
/// before pinned memory and events are.
static RINGS: Mutex<Vec<(usize, Ring<CudaLane>)>> = Mutex::new(Vec::new());

fn rings() -> MutexGuard<'static, Vec<(usize, Ring<CudaLane>)>> {
    RINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_ring<T>(device: usize, work: impl FnOnce(&mut Ring<CudaLane>) -> Result<T>) -> Result<T> {
    if is_recording() {
        return Err(refusal(
            "a value cannot be asked for while a graph is recorded",
        ));
    }
    let mut rings = rings();
    let known = rings.iter().position(|(known, _)| *known == device);
    let index = match known {
        Some(index) => index,
        None => {
            rings.push((device, Ring::new(CudaLane::new(device)?, CELLS)));
            rings.len() - 1
        }
    };
    work(&mut rings[index].1)
}

fn refusal(message: &str) -> Error {
    Error::Torch {
        operation: "deferred copy",
        message: message.to_owned(),
    }
}

/// The cells of a CUDA device, and their copies in pinned memory.
struct CudaLane(NonNull<ffi::Lane>);

// SAFETY: a lane has one owner at a time, and neither its tensors nor its events belong to a thread.
unsafe impl Send for CudaLane {}

/// The event behind a copy.
struct Sent(NonNull<ffi::Event>);

// SAFETY: an event has one owner and does not belong to a thread.
unsafe impl Send for Sent {}

impl Drop for Sent {
    fn drop(&mut self) {
        // SAFETY: the only owner frees it once.
        unsafe { ffi::ext_event_free(self.0.as_ptr()) }
    }
}

impl CudaLane {
    fn new(device: usize) -> Result<Self> {
        let mut raw = std::ptr::null_mut();
        let index = ffi::device_index(Device::Cuda(device))?;
        // SAFETY: the out pointer is to a local.
        check("deferred copy", unsafe {
            ffi::ext_lane_new(index, CELLS, &mut raw)
        })?;
        NonNull::new(raw)
            .map(Self)
            .ok_or_else(|| refusal("there is no lane"))
    }
}

// SAFETY (every block below): lane and event are valid as long as they are borrowed, cells are below CELLS, and out
// pointers are to locals.
impl Lane for CudaLane {
    type Sent = Sent;

    fn store(&mut self, cell: usize, value: &Tensor) -> Result<()> {
        // SAFETY: see above.
        check("deferred copy", unsafe {
            ffi::ext_lane_store(self.0.as_ptr(), cell, value.as_ptr())
        })
    }

    fn send(&mut self, cells: Range<usize>) -> Result<Sent> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: see above.
        check("deferred copy", unsafe {
            ffi::ext_lane_send(self.0.as_ptr(), cells.start, cells.end, &mut raw)
        })?;
        NonNull::new(raw)
            .map(Sent)
            .ok_or_else(|| refusal("there is no event"))
    }

    fn has_arrived(&self, sent: &Sent) -> Result<bool> {
        let mut ready = false;
        // SAFETY: see above.
        check("deferred poll", unsafe {
            ffi::ext_event_query(sent.0.as_ptr(), &mut ready)
        })?;
        Ok(ready)
    }

    fn wait(&self, sent: &Sent) -> Result<()> {
        // SAFETY: see above.
        check("deferred wait", unsafe {
            ffi::ext_event_wait(sent.0.as_ptr())
        })
    }

    fn read(&self, cells: Range<usize>) -> Result<Vec<f64>> {
        let mut values = vec![0.0; cells.len()];
        // SAFETY: see above; the buffer has room for the cells.
        check("deferred read", unsafe {
            ffi::ext_lane_read(self.0.as_ptr(), cells.start, cells.end, values.as_mut_ptr())
        })?;
        Ok(values)
    }
}

fn value_of(tensor: &Tensor) -> Result<f64> {
    let mut value = 0.0;
    // SAFETY: the tensor is borrowed for the call.
    check("item", unsafe {
        ffi::ext_scalar_value(tensor.as_ptr(), &mut value)
    })?;
    Ok(value)
}
