//! The named tensors of a network while it is built, how each gets its first values, and how many there may be.
//! Knows no layer. Once the network is built, `Model` owns the tensors.

use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};

/// The most values in the parameters and buffers of a network. They take 1 GiB, and a training ten times as much for
/// gradients, moments, averages and copies. The largest YOLOX by name has 99 million.
const MOST_VALUES: u64 = 1 << 28;
/// The most tensors of a network, which take time and memory by themselves. The deepest YOLOX has 9,000.
const MOST_TENSORS: usize = 1 << 14;

/// The first values of a tensor.
#[derive(Clone, Copy)]
pub(super) enum Init {
    Constant(f64),
    /// Uniform in ±bound.
    Uniform(f64),
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
}

/// The first values of random tensors.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Values {
    /// From torch's generator.
    Drawn,
    /// Zeros, because other values are copied in right after. Leaves torch's generator untouched, so that a copy of a
    /// model does not change the run.
    Blank,
    /// None: a network is counted before it is made, with tensors of no element.
    Counted,
}

/// Collects parameters and buffers by name, in the order the layers ask for them.
pub(super) struct Variables {
    device: Device,
    values: Values,
    pub(super) parameters: Vec<(String, Tensor)>,
    pub(super) buffers: Vec<(String, Tensor)>,
    counter_names: Vec<String>,
    /// The values in all tensors.
    count: u64,
}

impl Variables {
    pub(super) fn new(device: Device, values: Values) -> Variables {
        Variables {
            device,
            values,
            parameters: vec![],
            buffers: vec![],
            counter_names: vec![],
            count: 0,
        }
    }

    /// The values in all tensors so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Counts values that are not made here.
    pub(super) fn add_values(&mut self, values: u64) {
        self.count = self.count.saturating_add(values);
    }

    /// Counts a tensor before it is made.
    ///
    /// # Errors
    /// More values or tensors than a network may have.
    fn add(&mut self, name: &str, shape: &[i64]) -> Result<()> {
        let mut sides = shape.iter();
        let values = sides.try_fold(1u64, |all, side| {
            all.checked_mul(u64::try_from(*side).ok()?)
        });
        self.add_values(values.unwrap_or(u64::MAX));
        ensure!(
            self.count <= MOST_VALUES,
            "it would have more than {MOST_VALUES} parameters, with `{name}` of shape {shape:?}: make it smaller"
        );
        ensure!(
            self.parameters.len() + self.buffers.len() < MOST_TENSORS,
            "it would have more than {MOST_TENSORS} tensors, with `{name}`: give it fewer layers"
        );
        Ok(())
    }

    pub(super) fn device(&self) -> Device {
        self.device
    }

    /// A float32 tensor that is trained.
    pub(super) fn parameter(&mut self, name: String, shape: &[i64], init: Init) -> Result<Tensor> {
        self.add(&name, shape)?;
        let tensor = self.first_values(shape, init)?.f_set_requires_grad(true)?;
        self.parameters.push((name, tensor.shallow_clone()));
        Ok(tensor)
    }

    /// A float32 tensor that is state but not trained.
    pub(super) fn buffer(&mut self, name: String, shape: &[i64], value: f64) -> Result<Tensor> {
        self.add(&name, shape)?;
        let tensor = self.first_values(shape, Init::Constant(value))?;
        self.buffers.push((name, tensor.shallow_clone()));
        Ok(tensor)
    }

    /// An int64 count of training forwards; the caller of [`Variables::finish`] counts.
    pub(super) fn counter(&mut self, name: String) {
        self.counter_names.push(name);
    }

    /// All counters as one int64 tensor, so that one kernel counts them all; each is also a named 0-d buffer viewing it.
    pub(super) fn finish(&mut self) -> Result<Option<Tensor>> {
        if self.counter_names.is_empty() {
            return Ok(None);
        }
        let count = self.counter_names.len() as i64;
        let counters = Tensor::f_zeros([count], (Kind::Int64, self.device))?;
        for (index, name) in self.counter_names.drain(..).enumerate() {
            self.buffers
                .push((name, counters.f_select(0, index as i64)?));
        }
        Ok(Some(counters))
    }

    /// Draws on the CPU, then moves: one seed gives the same network on every device.
    fn first_values(&self, shape: &[i64], init: Init) -> Result<Tensor> {
        if self.values == Values::Counted {
            return Ok(Tensor::f_zeros([0], (Kind::Float, Device::Cpu))?);
        }
        let mut tensor = Tensor::f_zeros(shape, (Kind::Float, Device::Cpu))?;
        let _ = match init {
            Init::Constant(value) => tensor.f_fill_(value)?,
            _ if self.values == Values::Blank => tensor.shallow_clone(),
            Init::Uniform(bound) => tensor.f_uniform_(-bound, bound)?,
            Init::Normal(deviation) => tensor.f_normal_(0.0, deviation)?,
        };
        Ok(tensor.f_to_device(self.device)?)
    }
}
