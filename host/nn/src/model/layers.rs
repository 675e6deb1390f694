//! The layers our architectures are made of: PyTorch's parameter names, first values and arithmetic, with
//! fallible forwards. (The layers of `tch::nn` can only panic and start from other values.)
//!
//! First values are PyTorch's defaults: weights and biases of `Linear` and `Conv2d` uniform in ±1/√fan_in, which is
//! Kaiming uniform with a = √5; batch normalization starts at weight 1, bias 0, mean 0, variance 1.

use anyhow::{Result, bail};
use serde::Deserialize;
use tch::{Tensor, no_grad};
use torch_ext::Shape;

use super::variables::{Init, Variables};

/// `[N, inputs] → [N, outputs]`.
pub(super) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    pub(super) fn new(
        variables: &mut Variables,
        name: &str,
        inputs: i64,
        outputs: i64,
    ) -> Result<Linear> {
        let init = Init::Uniform(1.0 / (inputs as f64).sqrt());
        let weight = variables.parameter(format!("{name}.weight"), &[outputs, inputs], init)?;
        let bias = variables.parameter(format!("{name}.bias"), &[outputs], init)?;
        Ok(Linear { weight, bias })
    }

    pub(super) fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        Ok(inputs.f_linear(&self.weight, Some(&self.bias))?)
    }
}

/// Kernel size, stride and zero padding of a square convolution, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) size: i64,
    pub(super) stride: i64,
    pub(super) padding: i64,
}

/// `[N, inputs, H, W] → [N, outputs, H′, W′]`.
pub(super) struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    window: Window,
    groups: i64,
}

impl Conv2d {
    /// With a bias and PyTorch's default first values.
    pub(super) fn new(
        variables: &mut Variables,
        name: &str,
        inputs: i64,
        outputs: i64,
        window: Window,
    ) -> Result<Conv2d> {
        let init = Init::Uniform(1.0 / ((inputs * window.size * window.size) as f64).sqrt());
        let shape = [outputs, inputs, window.size, window.size];
        let weight = variables.parameter(format!("{name}.weight"), &shape, init)?;
        let bias = variables.parameter(format!("{name}.bias"), &[outputs], init)?;
        Ok(Conv2d {
            weight,
            bias: Some(bias),
            window,
            groups: 1,
        })
    }

    /// Without a bias (a normalization follows) and with torchvision's first values for ResNets: Kaiming normal over
    /// fan_out (He et al. 2015).
    pub(super) fn without_bias(
        variables: &mut Variables,
        name: &str,
        inputs: i64,
        outputs: i64,
        window: Window,
    ) -> Result<Conv2d> {
        let fan_out = (outputs * window.size * window.size) as f64;
        let shape = [outputs, inputs, window.size, window.size];
        let init = Init::Normal((2.0 / fan_out).sqrt());
        let weight = variables.parameter(format!("{name}.weight"), &shape, init)?;
        Ok(Conv2d {
            weight,
            bias: None,
            window,
            groups: 1,
        })
    }

    /// Without a bias and with PyTorch's default first values. With as many `groups` as `inputs` it is depthwise: each
    /// channel is convolved by itself.
    pub(super) fn grouped(
        variables: &mut Variables,
        name: &str,
        [inputs, outputs, groups]: [i64; 3],
        window: Window,
    ) -> Result<Conv2d> {
        let shape = [outputs, inputs / groups, window.size, window.size];
        let fan_in = shape[1..].iter().product::<i64>() as f64;
        let init = Init::Uniform(1.0 / fan_in.sqrt());
        let weight = variables.parameter(format!("{name}.weight"), &shape, init)?;
        Ok(Conv2d {
            weight,
            bias: None,
            window,
            groups,
        })
    }

    /// The bias starts at `value`.
    pub(super) fn fill_bias(&self, value: f64) -> Result<()> {
        if let Some(bias) = &self.bias {
            let _ = no_grad(|| bias.shallow_clone().f_fill_(value))?;
        }
        Ok(())
    }

    pub(super) fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        let Window {
            stride, padding, ..
        } = self.window;
        Ok(inputs.f_conv2d(
            &self.weight,
            self.bias.as_ref(),
            [stride, stride],
            [padding, padding],
            [1, 1],
            self.groups,
        )?)
    }
}

/// The remedy for a batch normalization that has one value a channel in training.
pub(super) const ONE_VALUE: &str = "in training it needs more. The last batch of an epoch may have one sample: write \
     `train_dataloader_params: {drop_last: true}`, or choose another `batch_size` or larger images";

/// The constants of a batch normalization.
#[derive(Clone, Copy)]
pub(super) struct Smoothing {
    /// Added to the variance.
    pub(super) epsilon: f64,
    /// The share of a batch in the running statistics.
    pub(super) momentum: f64,
}

impl Smoothing {
    /// The defaults of PyTorch's `BatchNorm2d`.
    const PYTORCH: Smoothing = Smoothing {
        epsilon: 1e-5,
        momentum: 0.1,
    };
}

/// Batch normalization over `[N, C, H, W]`: batch statistics in training, running ones otherwise.
pub(super) struct BatchNorm2d {
    name: String,
    smoothing: Smoothing,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
}

impl BatchNorm2d {
    /// As PyTorch's `BatchNorm2d`.
    pub(super) fn new(variables: &mut Variables, name: &str, channels: i64) -> Result<BatchNorm2d> {
        BatchNorm2d::smoothed(variables, name, channels, Smoothing::PYTORCH)
    }

    /// With constants of its own.
    pub(super) fn smoothed(
        variables: &mut Variables,
        name: &str,
        channels: i64,
        smoothing: Smoothing,
    ) -> Result<BatchNorm2d> {
        let shape = [channels];
        let layer = BatchNorm2d {
            name: name.to_owned(),
            smoothing,
            weight: variables.parameter(format!("{name}.weight"), &shape, Init::Constant(1.0))?,
            bias: variables.parameter(format!("{name}.bias"), &shape, Init::Constant(0.0))?,
            running_mean: variables.buffer(format!("{name}.running_mean"), &shape, 0.0)?,
            running_var: variables.buffer(format!("{name}.running_var"), &shape, 1.0)?,
        };
        variables.counter(format!("{name}.num_batches_tracked"));
        Ok(layer)
    }

    /// # Errors
    /// One value a channel in training, as in PyTorch: it has no variance, and the running one would become NaN.
    pub(super) fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let shape = Shape::of(inputs);
        if let ([samples, _, height, width], true) = (&*shape, train)
            && samples * height * width == 1
        {
            bail!(
                "batch normalization `{}` has one value a channel: {ONE_VALUE}",
                self.name
            );
        }
        Ok(inputs.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            self.smoothing.momentum,
            self.smoothing.epsilon,
            true,
        )?)
    }
}

/// max(x, 0) in the memory of x, which nobody else may need. This is for the output of a batch normalization, whose
/// backward pass reads its input alone.
pub(super) fn relu_(mut features: Tensor) -> Result<Tensor> {
    let _ = features.f_relu_()?;
    Ok(features)
}

/// The non-linearity between two layers, by PyTorch's names in snake case.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Activation {
    /// max(x, 0)
    #[default]
    Relu,
    /// x·Φ(x) (Hendrycks & Gimpel 2016), exact form
    Gelu,
    /// x·σ(x), also called swish
    Silu,
    /// Hyperbolic tangent
    Tanh,
}

impl Activation {
    pub(super) fn forward(self, inputs: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Activation::Relu => inputs.f_relu(),
            Activation::Gelu => inputs.f_gelu("none"),
            Activation::Silu => inputs.f_silu(),
            Activation::Tanh => inputs.f_tanh(),
        }?)
    }
}
