//! Safe Rust over the parts of libtorch that tch does not expose: work on whole lists of tensors, fused optimizer
//! steps, generator state, scalars that arrive without a sync, autocast, TorchScript modules with their buffers, work
//! that is recorded and replayed (tapes on the CPU, graphs on CUDA), freed memory that is kept, and loading CUDA at run
//! time.
//!
//! Owns all `unsafe` of the project that concerns libtorch, and the C++ below it: each `.cpp` stands beside the `.rs` of
//! its name. The C++ is one function for each libtorch call that tch lacks, and leaves to libtorch every check that
//! libtorch makes. No C++ exception crosses into Rust: each becomes an [`Error`].
//!
//! Decides nothing: the caller decides what to update, when to wait, and what to do about an error.

mod arithmetic;
mod autocast;
mod copy;
pub mod cuda;
mod deferred;
mod deferred_queue;
mod dynamic_library;
mod ffi;
mod foreach;
mod freed_memory;
mod fused;
mod gradient_mode;
mod items;
mod library;
mod list;
mod message;
mod norms;
mod ring;
mod rng;
mod script;
mod shape;
mod storage;
mod tape;
mod thread;
mod transfer;

pub use arithmetic::{add, add_, skipping_autograd};
pub use autocast::{Autocast, AutocastDevice};
pub use copy::{owned_copy, owned_copy_on};
pub use deferred::{Deferred, send_scalars};
pub use deferred_queue::DeferredQueue;
pub use freed_memory::keep_freed_memory;
pub use fused::{AdamState, AdamStep, LearningRate, SgdStep, fused_adam_, fused_sgd_};
pub use gradient_mode::GradientMode;
pub use items::{Items, check_item_name};
pub use library::{cuda_device_count, libtorch_version, load_cuda};
pub use list::TensorList;
pub use message::{described, reason};
pub use rng::{allow_tf32, manual_seed, rng_state, set_rng_state, use_deterministic_kernels};
pub use script::ScriptModule;
pub use shape::{Extent, Shape, bytes, numel};
pub use storage::{channels_last, is_same, shares_storage, storage_bytes};
pub use tape::Tape;
pub use thread::compute_alone;
pub use transfer::{FILLED_AT_ONCE, fill, pin_memory, upload};

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// libtorch refused the call; the message is the first line of its exception.
    #[error("{operation}: {message}")]
    Torch {
        /// The libtorch operation, by its name there.
        operation: &'static str,
        /// The first line of the exception.
        message: String,
    },
    /// Named tensors were asked for a name that they do not have, or for one tensor where there are several.
    #[error("{0}")]
    Items(String),
    /// libtorch's CUDA half could not be loaded.
    #[error("CUDA is not usable: {0}\nhint: run `cargo xtask setup --cuda`, or use `device: cpu`")]
    Cuda(String),
    /// The results of recorded work take more memory than they may.
    #[error("the results of its operations take more than {} MiB", most_result_bytes >> 20)]
    TapeFull {
        /// The bytes that they may take.
        most_result_bytes: usize,
    },
    /// A device that has no generator or no autocast here.
    #[error("device {0:?} is not supported here: use cpu or cuda")]
    Device(tch::Device),
    /// A dtype that autocast cannot cast to.
    #[error("autocast cannot use {0:?}: use bfloat16, or float16 on cuda")]
    AutocastKind(tch::Kind),
}

/// For code that calls libtorch through tch as well.
impl From<Error> for tch::TchError {
    fn from(error: Error) -> tch::TchError {
        match error {
            Error::Torch { message, .. } => tch::TchError::Torch(message),
            other => tch::TchError::Torch(other.to_string()),
        }
    }
}

/// The result of a call into libtorch.
pub type Result<T> = std::result::Result<T, Error>;
