//! The functions of the contract's `tensor` interface that make tensors: from a shape, from values, from
//! the callback's random numbers, and by joining others.

use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limit;
use tch::{Device, Kind, Tensor};

use super::dtype::kind_of;
use super::random::Random;
use super::size_checks::{check_count, check_elements, check_shape, product};
use super::tensor_steps::{Handle, Torch};
use crate::bindings::tensor::Host;
use crate::bindings::types::{Dtype, ErrorCode};
use crate::error::{HostResult, refuse};
use crate::owner::Owner;
use crate::state::PluginState;
use crate::torch_call::torch_call;

/// The most tensors that one call joins.
pub(crate) const MAX_JOINED: usize = 4096;

impl Host for PluginState {
    fn zeros(&mut self, shape: Vec<i64>, dtype: Dtype, device: String) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        self.create(&shape, kind, &device, |_, device| {
            Ok(Tensor::f_zeros(&shape, (kind, device))?)
        })
    }

    fn full(
        &mut self,
        shape: Vec<i64>,
        value: f64,
        dtype: Dtype,
        device: String,
    ) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        self.create(&shape, kind, &device, |_, device| {
            Ok(torch_call(|| {
                Tensor::f_full(&shape, value, (kind, device))
            })?)
        })
    }

    fn arange(
        &mut self,
        start: f64,
        end: f64,
        step: f64,
        dtype: Dtype,
        device: String,
    ) -> HostResult<Handle> {
        let kind = kind_of(dtype)?;
        let length = arange_length(start, end, step)?;
        self.create(&[length], kind, &device, |_, device| {
            let options = (Kind::Double, device);
            let range = torch_call(|| Tensor::f_arange_start_step(start, end, step, options))?;
            Ok(range.f_to_kind(kind)?)
        })
    }

    fn rand(&mut self, shape: Vec<i64>, device: String) -> HostResult<Handle> {
        self.create_random(&shape, &device, Random::uniform)
    }

    fn randn(&mut self, shape: Vec<i64>, device: String) -> HostResult<Handle> {
        self.create_random(&shape, &device, Random::normal)
    }

    fn randperm(&mut self, n: u32, device: String) -> HostResult<Handle> {
        self.require(Grant::Random)?;
        let shape = [i64::from(n)];
        self.create(&shape, Kind::Int64, &device, |state, device| {
            Ok(on_device(&state.random.permutation(n), &shape, device)?)
        })
    }

    fn from_f32(
        &mut self,
        shape: Vec<i64>,
        values: Vec<f32>,
        device: String,
    ) -> HostResult<Handle> {
        check_count(&shape, values.len())?;
        self.count_copied(4 * values.len() as u64)?;
        self.create(&shape, Kind::Float, &device, |_, device| {
            Ok(on_device(&values, &shape, device)?)
        })
    }

    fn from_s64(
        &mut self,
        shape: Vec<i64>,
        values: Vec<i64>,
        device: String,
    ) -> HostResult<Handle> {
        check_count(&shape, values.len())?;
        self.count_copied(8 * values.len() as u64)?;
        self.create(&shape, Kind::Int64, &device, |_, device| {
            Ok(on_device(&values, &shape, device)?)
        })
    }

    fn cat(&mut self, tensors: Vec<Handle>, dim: i64) -> HostResult<Handle> {
        self.join(&tensors, |tensors| Tensor::f_cat(tensors, dim))
    }

    fn stack(&mut self, tensors: Vec<Handle>, dim: i64) -> HostResult<Handle> {
        self.join(&tensors, |tensors| Tensor::f_stack(tensors, dim))
    }
}

impl PluginState {
    /// A new tensor of the callback, checked and charged before it is made.
    fn create(
        &mut self,
        shape: &[i64],
        kind: Kind,
        device: &str,
        make: impl FnOnce(&mut Self, Device) -> HostResult<Tensor>,
    ) -> HostResult<Handle> {
        check_shape(shape)?;
        let device = self.device(device)?;
        let elements = product(shape).unwrap_or(u64::MAX);
        let bytes = elements.saturating_mul(kind.elt_size_in_bytes() as u64);
        self.charge(Limit::CallTensors, bytes)?;
        self.launch(1)?;
        let tensor = make(self, device)?;
        self.lend(tensor, Owner::Callback)
    }

    /// A new float32 tensor of numbers that `draw` takes from the callback's generator.
    fn create_random(
        &mut self,
        shape: &[i64],
        device: &str,
        draw: impl Fn(&mut Random) -> f32,
    ) -> HostResult<Handle> {
        self.require(Grant::Random)?;
        self.create(shape, Kind::Float, device, |state, device| {
            let elements = product(shape).unwrap_or(0);
            let values: Vec<f32> = (0..elements).map(|_| draw(&mut state.random)).collect();
            Ok(on_device(&values, shape, device)?)
        })
    }

    fn all(&self, handles: &[Handle]) -> HostResult<Vec<&Tensor>> {
        let tensors = handles.iter().map(|handle| self.tensor(handle));
        tensors.collect()
    }

    /// One tensor of many.
    fn join(
        &mut self,
        handles: &[Handle],
        join: impl FnOnce(&[&Tensor]) -> Torch<Tensor>,
    ) -> HostResult<Handle> {
        check_joined(handles.len())?;
        self.launch(1)?;
        let elements = check_elements(total_elements(&self.all(handles)?))?;
        self.check_room(elements)?;
        let tensors = self.all(handles)?;
        let joined = join(&tensors)?;
        self.make(joined)
    }
}

/// Values as a tensor of this shape on a device.
fn on_device<T: tch::kind::Element>(values: &[T], shape: &[i64], device: Device) -> Torch<Tensor> {
    let on_cpu = Tensor::f_from_slice(values)?.f_reshape(shape)?;
    on_cpu.f_to_device(device)
}

/// The number of elements of a range.
fn arange_length(start: f64, end: f64, step: f64) -> HostResult<i64> {
    let length = ((end - start) / step).ceil();
    if start.is_finite() && end.is_finite() && length.is_finite() && length >= 0.0 {
        return Ok(length as i64);
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("no range leads from {start} to {end} by {step}"),
    )
}

fn check_joined(count: usize) -> HostResult<()> {
    if (1..=MAX_JOINED).contains(&count) {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("1 to {MAX_JOINED} tensors can be joined, not {count}"),
    )
}

/// None if the sum does not fit in 64 bits.
fn total_elements(tensors: &[&Tensor]) -> Option<u64> {
    let mut counts = tensors.iter().map(|tensor| tensor.numel() as u64);
    counts.try_fold(0, u64::checked_add)
}
