//! libtorch's fused optimizer steps: one kernel reads parameters, gradients and state and writes them back, on CPU and
//! CUDA alike. Owns no state: the lists are the optimizer's. Runs without autograd and does not sync.

use tch::{Device, Kind, Tensor};

use crate::Result;
use crate::ffi::{self, check};
use crate::list::TensorList;

/// Where a fused step finds its learning rate.
#[derive(Clone, Copy, Debug)]
pub enum LearningRate<'a> {
    /// A number, frozen into a captured CUDA graph.
    Host(f64),
    /// A 0-d tensor on the parameters' device, of [`LearningRate::kind_on`] it, read when the kernel runs: what repeats
    /// a recorded step sees new values.
    Device(&'a Tensor),
}

impl LearningRate<'_> {
    /// The dtype that fused kernels read: CUDA's want float32; those of the CPU take a float64 as exactly as a number.
    pub fn kind_on(device: Device) -> Kind {
        if device == Device::Cpu {
            Kind::Double
        } else {
            Kind::Float
        }
    }

    /// The number and the pointer the shim takes; the number does not matter where there is a pointer.
    fn parts(self) -> (f64, *const torch_sys::C_tensor) {
        match self {
            Self::Host(value) => (value, std::ptr::null()),
            Self::Device(tensor) => (0.0, tensor.as_ptr()),
        }
    }
}

/// Settings of one [`fused_sgd_`] step, with the names of `torch.optim.SGD`.
#[derive(Clone, Copy, Debug)]
pub struct SgdStep<'a> {
    /// The learning rate.
    pub learning_rate: LearningRate<'a>,
    /// The L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// The momentum factor; at zero the buffers are not touched.
    pub momentum: f64,
    /// How much of the gradient the momentum leaves out.
    pub dampening: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// Whether these parameters step for the first time: the buffer then becomes the gradient, without dampening.
    pub first: bool,
}

/// One SGD step over lists of equal length; `momentum_buffers` may be empty where the momentum is zero.
pub fn fused_sgd_(
    parameters: &TensorList,
    gradients: &TensorList,
    momentum_buffers: &TensorList,
    step: &SgdStep<'_>,
) -> Result<()> {
    let (lr, device_lr) = step.learning_rate.parts();
    // SAFETY: all lists and the learning rate are borrowed for the call; libtorch checks lengths, dtypes and devices.
    check("_fused_sgd_", unsafe {
        ffi::ext_fused_sgd(
            parameters.raw(),
            gradients.raw(),
            momentum_buffers.raw(),
            step.weight_decay,
            step.momentum,
            lr,
            device_lr,
            step.dampening,
            step.nesterov,
            step.first,
        )
    })
}

/// Settings of one [`fused_adam_`] step, with the names of `torch.optim.Adam`.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep<'a> {
    /// The learning rate.
    pub learning_rate: LearningRate<'a>,
    /// The decay rates of the two moments.
    pub betas: (f64, f64),
    /// The L2 penalty, or the decoupled decay of AdamW.
    pub weight_decay: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Whether the largest second moment so far is used.
    pub amsgrad: bool,
    /// AdamW: weights decay by themselves, not through the gradient.
    pub decoupled: bool,
}

/// The state of Adam, one tensor per parameter in each list.
#[derive(Clone, Copy, Debug)]
pub struct AdamState<'a> {
    /// First moments, shaped as the parameters.
    pub exp_avgs: &'a TensorList,
    /// Second moments, shaped as the parameters.
    pub exp_avg_sqs: &'a TensorList,
    /// Largest second moments; empty without `amsgrad`.
    pub max_exp_avg_sqs: &'a TensorList,
    /// 0-d float32 step counts on the parameters' device, already counting this step.
    pub steps: &'a TensorList,
}

/// One Adam or AdamW step over lists of equal length.
pub fn fused_adam_(
    parameters: &TensorList,
    gradients: &TensorList,
    state: &AdamState<'_>,
    step: &AdamStep<'_>,
) -> Result<()> {
    let (lr, device_lr) = step.learning_rate.parts();
    // SAFETY: all lists and the learning rate are borrowed for the call; libtorch checks lengths, dtypes and devices.
    check(
        if step.decoupled {
            "_fused_adamw_"
        } else {
            "_fused_adam_"
        },
        unsafe {
            ffi::ext_fused_adam(
                parameters.raw(),
                gradients.raw(),
                state.exp_avgs.raw(),
                state.exp_avg_sqs.raw(),
                state.max_exp_avg_sqs.raw(),
                state.steps.raw(),
                lr,
                device_lr,
                step.betas.0,
                step.betas.1,
                step.weight_decay,
                step.eps,
                step.amsgrad,
                step.decoupled,
            )
        },
    )
}
