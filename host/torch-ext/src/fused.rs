//! libtorch's fused optimizer steps: one kernel reads parameters, gradients and state and writes them back, on the CPU
//! and on CUDA alike. Owns no state: the lists are the optimizer's. Runs without autograd and does not sync.

use tch::{Device, Kind, Tensor};

use crate::Result;
use crate::ffi::{self, check};
use crate::list::TensorList;

/// The learning rate of a fused step, or where the kernel finds it.
#[derive(Clone, Copy, Debug)]
pub enum LearningRate<'a> {
    /// A number. A recorded step keeps the number of its recording.
    Host(f64),
    /// A 0-d tensor on the parameters' device, of the dtype [`LearningRate::kind_on`] that device. The kernel reads it
    /// when it runs, so the replay of a recorded step sees a new value.
    Device(&'a Tensor),
}

impl LearningRate<'_> {
    /// The dtype that fused kernels read: float32 on CUDA; float64 on the CPU, as exact as a number.
    pub fn kind_on(device: Device) -> Kind {
        if device == Device::Cpu {
            Kind::Double
        } else {
            Kind::Float
        }
    }

    /// The number and the pointer that C++ takes; the number does not matter where there is a pointer.
    fn number_and_pointer(self) -> (f64, *const torch_sys::C_tensor) {
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
    /// Nesterov's momentum in place of the plain one.
    pub nesterov: bool,
    /// True for the first step of these parameters: the buffer then becomes the gradient, without dampening.
    pub first: bool,
}

/// One SGD step over lists of equal length; `momentum_buffers` may be empty where the momentum is zero.
pub fn fused_sgd_(
    parameters: &TensorList,
    gradients: &TensorList,
    momentum_buffers: &TensorList,
    step: &SgdStep<'_>,
) -> Result<()> {
    let (lr, device_lr) = step.learning_rate.number_and_pointer();
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
    /// Divides by the largest second moment so far in place of the present one.
    pub amsgrad: bool,
    /// AdamW: weights decay directly, not through the gradient.
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
    let (lr, device_lr) = step.learning_rate.number_and_pointer();
    let operation = if step.decoupled {
        "_fused_adamw_"
    } else {
        "_fused_adam_"
    };
    // SAFETY: all lists and the learning rate are borrowed for the call; libtorch checks lengths, dtypes and devices.
    check(operation, unsafe {
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
    })
}
