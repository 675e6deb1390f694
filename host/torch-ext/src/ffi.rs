//! Declarations of this crate's C++ functions, in the order of its .cpp files, and the one place where their messages
//! become errors. Owns no safety: each caller states why its pointers are valid.

use std::ffi::{CStr, c_char, c_int, c_void};

use tch::{Device, Tensor};
use torch_sys::C_tensor;

use crate::{Error, Result};

/// `std::vector<at::Tensor>`.
#[repr(C)]
pub(crate) struct List {
    private: [u8; 0],
}

/// `Lane` in deferred.cpp: cells for scalars, on a device and in pinned memory.
#[repr(C)]
pub(crate) struct Lane {
    private: [u8; 0],
}

/// `c10::Event`.
#[repr(C)]
pub(crate) struct Event {
    private: [u8; 0],
}

/// `Tape` in tape.cpp.
#[repr(C)]
pub(crate) struct Tape {
    private: [u8; 0],
}

/// `torch::jit::Module`.
#[repr(C)]
pub(crate) struct Module {
    private: [u8; 0],
}

/// Reads the named tensors of a module: the tensors into a list, the names into a string from `malloc`, one a line.
pub(crate) type ReadNamed =
    unsafe extern "C" fn(*const Module, *mut List, *mut *mut c_char) -> Message;

/// Null, or a message from `malloc`.
pub(crate) type Message = *mut c_char;

unsafe extern "C" {
    pub(crate) fn ext_list_new() -> *mut List;
    pub(crate) fn ext_list_free(list: *mut List);
    pub(crate) fn ext_list_len(list: *const List) -> usize;
    pub(crate) fn ext_list_push(list: *mut List, tensor: *const C_tensor) -> Message;
    pub(crate) fn ext_list_get(list: *const List, index: usize, out: *mut *mut C_tensor)
    -> Message;
    pub(crate) fn ext_list_gradients(
        gradients: *mut List,
        parameters: *const List,
        present: *mut bool,
        changed: *mut bool,
    ) -> Message;
    pub(crate) fn ext_list_are_gradients(gradients: *const List, parameters: *const List) -> bool;
    pub(crate) fn ext_list_give_gradients(gradients: *const List, parameters: *const List);
    pub(crate) fn ext_list_drop_gradients(
        parameters: *const List,
        of_frozen_too: bool,
        had: *mut bool,
    );
    pub(crate) fn ext_list_fill_gradients(parameters: *const List, had: *const bool) -> Message;
    pub(crate) fn ext_list_zero_gradients(gradients: *mut List, parameters: *const List)
    -> Message;

    pub(crate) fn ext_foreach_mul_scalar(list: *const List, factor: f64) -> Message;
    pub(crate) fn ext_foreach_mul_tensor(list: *const List, factor: *const C_tensor) -> Message;
    pub(crate) fn ext_foreach_div_scalar(list: *const List, divisor: f64) -> Message;
    pub(crate) fn ext_foreach_div_tensor(list: *const List, divisor: *const C_tensor) -> Message;
    pub(crate) fn ext_foreach_add_scalar(list: *const List, value: f64) -> Message;
    pub(crate) fn ext_foreach_add(list: *const List, other: *const List, alpha: f64) -> Message;
    pub(crate) fn ext_foreach_lerp(list: *const List, end: *const List, weight: f64) -> Message;
    pub(crate) fn ext_foreach_copy(list: *const List, source: *const List) -> Message;
    pub(crate) fn ext_foreach_clamp_min(list: *const List, minimum: f64) -> Message;
    pub(crate) fn ext_foreach_clamp_max(list: *const List, maximum: f64) -> Message;
    pub(crate) fn ext_foreach_sqrt(list: *const List) -> Message;
    pub(crate) fn ext_foreach_addcmul(
        list: *const List,
        left: *const List,
        right: *const List,
        value: f64,
    ) -> Message;
    pub(crate) fn ext_foreach_addcdiv(
        list: *const List,
        numerator: *const List,
        denominator: *const List,
        value: f64,
    ) -> Message;
    pub(crate) fn ext_count_nonfinite(list: *const List, out: *mut *mut C_tensor) -> Message;

    pub(crate) fn ext_keep_freed_memory();
    pub(crate) fn ext_compute_alone();

    pub(crate) fn ext_norms(list: *const List, p: f64, out: *mut *mut C_tensor) -> Message;
    pub(crate) fn ext_norm(list: *const List, p: f64, out: *mut *mut C_tensor) -> Message;
    pub(crate) fn ext_relative_change(
        list: *const List,
        before: *const List,
        p: f64,
        out: *mut *mut C_tensor,
    ) -> Message;
    pub(crate) fn ext_clip_grad_norm(
        gradients: *const List,
        max_norm: f64,
        p: f64,
        out: *mut *mut C_tensor,
    ) -> Message;

    pub(crate) fn ext_add(
        left: *const C_tensor,
        right: *const C_tensor,
        alpha: f64,
        out: *mut *mut C_tensor,
    ) -> Message;
    pub(crate) fn ext_add_in_place(
        left: *mut C_tensor,
        right: *const C_tensor,
        alpha: f64,
    ) -> Message;
    pub(crate) fn ext_skip_autograd_begin() -> bool;
    pub(crate) fn ext_skip_autograd_end();

    pub(crate) fn ext_fused_sgd(
        parameters: *const List,
        gradients: *const List,
        momentum_buffers: *const List,
        weight_decay: f64,
        momentum: f64,
        lr: f64,
        device_lr: *const C_tensor,
        dampening: f64,
        nesterov: bool,
        first: bool,
    ) -> Message;
    pub(crate) fn ext_fused_adam(
        parameters: *const List,
        gradients: *const List,
        exp_avgs: *const List,
        exp_avg_sqs: *const List,
        max_exp_avg_sqs: *const List,
        steps: *const List,
        lr: f64,
        device_lr: *const C_tensor,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
        amsgrad: bool,
        decoupled: bool,
    ) -> Message;

    pub(crate) fn ext_rng_state(device: c_int, out: *mut *mut C_tensor) -> Message;
    pub(crate) fn ext_set_rng_state(device: c_int, state: *const C_tensor) -> Message;
    pub(crate) fn ext_manual_seed(seed: u64) -> Message;
    pub(crate) fn ext_use_deterministic_kernels(wanted: bool) -> Message;
    pub(crate) fn ext_allow_tf32(allowed: bool) -> Message;

    pub(crate) fn ext_scalar_value(tensor: *const C_tensor, out: *mut f64) -> Message;
    pub(crate) fn ext_lane_new(device: c_int, cells: usize, out: *mut *mut Lane) -> Message;
    pub(crate) fn ext_lane_store(lane: *mut Lane, cell: usize, value: *const C_tensor) -> Message;
    pub(crate) fn ext_lane_send(
        lane: *mut Lane,
        start: usize,
        end: usize,
        out: *mut *mut Event,
    ) -> Message;
    pub(crate) fn ext_lane_read(
        lane: *const Lane,
        start: usize,
        end: usize,
        out: *mut f64,
    ) -> Message;
    pub(crate) fn ext_event_query(event: *const Event, ready: *mut bool) -> Message;
    pub(crate) fn ext_event_wait(event: *const Event) -> Message;
    pub(crate) fn ext_event_free(event: *mut Event);

    pub(crate) fn ext_autocast_enter(
        cuda: bool,
        enabled: bool,
        dtype: c_int,
        previous_enabled: *mut bool,
        previous_dtype: *mut c_int,
    ) -> Message;
    pub(crate) fn ext_autocast_exit(
        cuda: bool,
        previous_enabled: bool,
        previous_dtype: c_int,
    ) -> Message;

    pub(crate) fn ext_pin_memory(source: *const C_tensor, out: *mut *mut C_tensor) -> Message;
    pub(crate) fn ext_upload(
        source: *const C_tensor,
        device: c_int,
        out: *mut *mut C_tensor,
    ) -> Message;

    pub(crate) fn ext_fill(target: *const C_tensor, source: *const C_tensor) -> Message;

    pub(crate) fn ext_channels_last(tensor: *const C_tensor, out: *mut *mut C_tensor) -> Message;
    pub(crate) fn ext_shares_storage(left: *const C_tensor, right: *const C_tensor) -> bool;
    pub(crate) fn ext_is_same(left: *const C_tensor, right: *const C_tensor) -> bool;

    pub(crate) fn ext_gradient_mode() -> bool;
    pub(crate) fn ext_set_gradient_mode(on: bool);

    pub(crate) fn ext_shape(tensor: *const C_tensor, out: *mut i64, capacity: usize) -> usize;
    pub(crate) fn ext_numel(tensor: *const C_tensor) -> usize;
    pub(crate) fn ext_extent(tensor: *const C_tensor, rank: *mut usize) -> usize;
    pub(crate) fn ext_bytes(tensor: *const C_tensor) -> usize;
    pub(crate) fn ext_storage_bytes(tensor: *const C_tensor, out: *mut usize) -> Message;

    pub(crate) fn ext_libtorch_version() -> *const c_char;
    pub(crate) fn ext_load_cuda() -> Message;
    pub(crate) fn ext_cuda_device_count(out: *mut i64) -> Message;

    pub(crate) fn ext_open_library(
        bytes: *const u8,
        length: usize,
        out: *mut *mut c_void,
    ) -> Message;
    pub(crate) fn ext_library_symbol(
        library: *mut c_void,
        name: *const c_char,
        out: *mut *mut c_void,
    ) -> Message;

    pub(crate) fn ext_tape_begin(most_result_bytes: usize, out: *mut *mut Tape) -> Message;
    pub(crate) fn ext_tape_end();
    pub(crate) fn ext_tape_replay(tape: *const Tape) -> Message;
    pub(crate) fn ext_tape_is_full(tape: *const Tape) -> bool;
    pub(crate) fn ext_tape_len(tape: *const Tape) -> usize;
    pub(crate) fn ext_tape_free(tape: *mut Tape);

    pub(crate) fn ext_script_load(
        path: *const c_char,
        device: c_int,
        out: *mut *mut Module,
    ) -> Message;
    pub(crate) fn ext_script_free(module: *mut Module);
    pub(crate) fn ext_script_set_train(module: *mut Module, train: bool) -> Message;
    pub(crate) fn ext_script_forward(
        module: *mut Module,
        inputs: *const List,
        names: *const c_char,
        outputs: *mut List,
        output_names: *mut *mut c_char,
    ) -> Message;
    pub(crate) fn ext_script_parameters(
        module: *const Module,
        tensors: *mut List,
        names: *mut *mut c_char,
    ) -> Message;
    pub(crate) fn ext_script_buffers(
        module: *const Module,
        tensors: *mut List,
        names: *mut *mut c_char,
    ) -> Message;

    fn free(pointer: *mut c_void);
}

/// Makes a message an error that names `operation`, and frees the message's memory.
pub(crate) fn check(operation: &'static str, message: Message) -> Result<()> {
    take(message).map_or(Ok(()), |message| Err(Error::Torch { operation, message }))
}

/// The message as a `String`, its C memory freed; `None` for success.
pub(crate) fn take(message: Message) -> Option<String> {
    if message.is_null() {
        return None;
    }
    // SAFETY: a message that is not null is a NUL-terminated string from `malloc` that only this call owns.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        free(message.cast());
        Some(text)
    }
}

/// Runs a C++ call that returns a tensor through an out pointer.
pub(crate) fn tensor_from(
    operation: &'static str,
    call: impl FnOnce(*mut *mut C_tensor) -> Message,
) -> Result<Tensor> {
    let mut out = std::ptr::null_mut();
    check(operation, call(&mut out))?;
    // SAFETY: on success C++ wrote a pointer to a new at::Tensor that nobody else owns.
    Ok(unsafe { Tensor::from_ptr(out) })
}

/// The number of a device in C++: -1 for the CPU, else the CUDA index (see device.h).
pub(crate) fn device_index(device: Device) -> Result<c_int> {
    match device {
        Device::Cpu => Ok(-1),
        Device::Cuda(index) => c_int::try_from(index).map_err(|_| Error::Device(device)),
        Device::Mps | Device::Vulkan => Err(Error::Device(device)),
    }
}
