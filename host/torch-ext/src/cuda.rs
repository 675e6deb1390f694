//! Side streams and graphs, which only CUDA has. Owns the second C++ library, which this crate includes as bytes and
//! opens once libtorch_cuda is loaded. Decides nothing about what is recorded.
//!
//! The library is made for libtorch_cuda 2.11; `tests/cuda_library.rs` checks that each symbol it needs is there.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::OnceLock;

use tch::Device;

use crate::dynamic_library::symbol;
use crate::ffi::{self, Message, check, device_index};
use crate::{Error, Result, dynamic_library};

/// The library that build.rs made of cuda.cpp; empty where CUDA's headers were missing.
const LIBRARY: &[u8] = include_bytes!(env!("TORCH_EXT_CUDA_LIBRARY"));

/// The library's functions, with the types that cuda.cpp gives them.
macro_rules! functions {
    ($($name:ident = $symbol:literal: $kind:ty,)*) => {
        struct Functions { $($name: $kind,)* }

        impl Functions {
            fn find(library: *mut c_void) -> Result<Functions> {
                Ok(Functions {
                    $($name: {
                        let found = symbol(library, $symbol)?;
                        // SAFETY: the type is that of the function's definition in cuda.cpp.
                        unsafe { std::mem::transmute::<*mut c_void, $kind>(found) }
                    },)*
                })
            }
        }
    };
}

functions! {
    stream_enter = c"ext_cuda_stream_enter": unsafe extern "C" fn(c_int, *mut *mut c_void) -> Message,
    stream_leave = c"ext_cuda_stream_leave": unsafe extern "C" fn(*mut c_void) -> Message,
    pool = c"ext_cuda_pool": unsafe extern "C" fn(*mut u64) -> Message,
    graph_new = c"ext_cuda_graph_new": unsafe extern "C" fn(*mut *mut c_void) -> Message,
    graph_begin = c"ext_cuda_graph_begin": unsafe extern "C" fn(*mut c_void, *const u64) -> Message,
    graph_end = c"ext_cuda_graph_end": unsafe extern "C" fn(*mut c_void, *const u64) -> Message,
    graph_replay = c"ext_cuda_graph_replay": unsafe extern "C" fn(*mut c_void) -> Message,
    graph_free = c"ext_cuda_graph_free": unsafe extern "C" fn(*mut c_void),
}

/// Opens the library, once.
fn functions() -> Result<&'static Functions> {
    static FUNCTIONS: OnceLock<std::result::Result<Functions, String>> = OnceLock::new();
    crate::load_cuda()?;
    let opened = FUNCTIONS.get_or_init(|| open().map_err(|error| error.to_string()));
    opened
        .as_ref()
        .map_err(|message| Error::Cuda(message.clone()))
}

fn open() -> Result<Functions> {
    if LIBRARY.is_empty() {
        return Err(Error::Cuda(
            "this was built without CUDA's headers (nvidia-cuda-runtime)".to_owned(),
        ));
    }
    Functions::find(dynamic_library::open(LIBRARY)?)
}

/// A stream beside the default one, current for this thread while this lives. Waits for the device when it begins, and for
/// the stream when it ends.
#[derive(Debug)]
#[must_use = "the stream is left when this is dropped"]
pub struct SideStream {
    previous: NonNull<c_void>,
    /// The current stream is a thread's own, so this must end on the thread it began on.
    on_this_thread: PhantomData<*const ()>,
}

impl SideStream {
    /// Makes a stream of `device` current.
    pub fn enter(device: Device) -> Result<SideStream> {
        let functions = functions()?;
        let mut previous = std::ptr::null_mut();
        // SAFETY: the out pointer is to a local.
        check("stream", unsafe {
            (functions.stream_enter)(device_index(device)?, &mut previous)
        })?;
        match NonNull::new(previous) {
            Some(previous) => Ok(SideStream {
                previous,
                on_this_thread: PhantomData,
            }),
            None => unreachable!("C++ `new` throws rather than return null"),
        }
    }
}

impl Drop for SideStream {
    fn drop(&mut self) {
        if let Ok(functions) = functions() {
            // SAFETY: `enter` made the pointer, and C++ frees it here once. An error means a broken CUDA context.
            drop(ffi::take(unsafe {
                (functions.stream_leave)(self.previous.as_ptr())
            }));
        }
    }
}

/// Memory that graphs share. They must be replayed in the order they were recorded in. Each keeps the pool, and once the
/// last is gone libtorch takes no more graphs for it.
#[derive(Debug)]
pub struct GraphPool([u64; 2]);

impl GraphPool {
    /// A new pool.
    pub fn new() -> Result<GraphPool> {
        let mut pool = [0; 2];
        // SAFETY: the out pointer is to two numbers.
        check("graph pool", unsafe {
            (functions()?.pool)(pool.as_mut_ptr())
        })?;
        Ok(GraphPool(pool))
    }
}

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(false) };
}

/// True while this thread records a graph: it must not wait for the device then, nor copy to the host.
pub(crate) fn is_recording() -> bool {
    RECORDING.get()
}

/// Queued work that is recorded once and launched as one. Its tensors lie in its pool; each replay writes them anew.
#[derive(Debug)]
pub struct Graph {
    raw: NonNull<c_void>,
    pool: Rc<GraphPool>,
}

impl Graph {
    /// An empty graph.
    pub fn new(pool: Rc<GraphPool>) -> Result<Graph> {
        let functions = functions()?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the out pointer is to a local.
        check("graph", unsafe { (functions.graph_new)(&mut raw) })?;
        match NonNull::new(raw) {
            Some(raw) => Ok(Graph { raw, pool }),
            None => unreachable!("C++ `new` throws rather than return null"),
        }
    }

    /// Begins the recording: from now on this thread's work is recorded and not run. Needs a [`SideStream`]. After an error
    /// nothing is recorded, and work runs as before.
    pub fn begin(&mut self) -> Result<()> {
        // SAFETY: the graph is valid as long as `self`, the pool's numbers for the call.
        check("graph begin", unsafe {
            (functions()?.graph_begin)(self.raw.as_ptr(), self.pool.0.as_ptr())
        })?;
        RECORDING.set(true);
        Ok(())
    }

    /// Ends the recording. Must be called even if work failed meanwhile, which then is an error here too.
    pub fn end(&mut self) -> Result<()> {
        RECORDING.set(false);
        // SAFETY: the graph is valid as long as `self`, the pool's numbers for the call.
        check("graph end", unsafe {
            (functions()?.graph_end)(self.raw.as_ptr(), self.pool.0.as_ptr())
        })
    }

    /// Queues the recorded work. Does not sync.
    pub fn replay(&self) -> Result<()> {
        // SAFETY: the graph is valid as long as `self`.
        check("graph replay", unsafe {
            (functions()?.graph_replay)(self.raw.as_ptr())
        })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if let Ok(functions) = functions() {
            // SAFETY: the only owner frees it once.
            unsafe { (functions.graph_free)(self.raw.as_ptr()) }
        }
    }
}
