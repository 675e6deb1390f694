//! Batches onto the device: copied without waiting, laid out as the network wants them, bytes normalized there, into new
//! memory or into that of a recording. Owns nothing of what a batch is used for.

use anyhow::Result;
use phasebox_data::{Batch, ByteScale};
use tch::{Device, Kind, Tensor};
use torch_ext::Items;

/// The memory that a recording reads its batch from.
#[derive(Clone, Copy)]
pub(super) struct Landing<'a> {
    pub(super) inputs: &'a Items,
    pub(super) target: &'a Items,
}

/// The device that batches go to, and the memory format they have there.
pub(super) struct ToDevice {
    device: Device,
    channels_last: bool,
    /// The scale of the last batch that came as bytes: all batches of one loader have the same.
    scale: Option<DeviceScale>,
}

/// A [`ByteScale`] on the device, each part `[1, channels, 1, 1]`.
struct DeviceScale {
    on_host: ByteScale,
    factor: Tensor,
    offset: Tensor,
}

impl ToDevice {
    pub(super) fn new(device: Device, channels_last: bool) -> ToDevice {
        ToDevice {
            device,
            channels_last,
            scale: None,
        }
    }

    /// The batch on the device, its inputs float32; in `landing` where it fits. Does not sync.
    pub(super) fn upload(&mut self, batch: Batch, landing: Option<Landing<'_>>) -> Result<Batch> {
        match landing.filter(|landing| landing.fits(&batch)) {
            Some(landing) => self.land(batch, landing),
            None => self.place(batch),
        }
    }

    /// The batch in memory that is there, where small ones and bytes need no memory in between.
    fn land(&mut self, batch: Batch, landing: Landing<'_>) -> Result<Batch> {
        for (target, given) in landing.target.tensors().zip(batch.target.tensors()) {
            self.bring(target, given)?;
        }
        for (input, given) in landing.inputs.tensors().zip(batch.inputs.tensors()) {
            self.land_input(input, given, batch.byte_scale.as_ref())?;
        }
        let upload = |tensor: &Tensor| torch_ext::upload(tensor, self.device);
        Ok(Batch {
            size: batch.size,
            inputs: landing.inputs.shallow_clone(),
            byte_scale: None,
            target: landing.target.shallow_clone(),
            additional_items: batch.additional_items.try_map(upload)?,
        })
    }

    fn land_input(
        &mut self,
        input: &Tensor,
        given: &Tensor,
        scale: Option<&ByteScale>,
    ) -> Result<()> {
        let Some(scale) = scale.filter(|_| given.kind() == Kind::Uint8) else {
            return self.bring(input, given);
        };
        let bytes = self.beside(given)?;
        let known = self.scale_on_device(scale)?;
        let out = input.shallow_clone();
        let _ = known.offset.f_addcmul_out(&out, &bytes, &known.factor)?;
        Ok(())
    }

    /// Copies a host tensor into memory of the device.
    fn bring(&self, memory: &Tensor, given: &Tensor) -> Result<()> {
        let there = if self.is_filled_at_once(given) {
            given.shallow_clone()
        } else {
            torch_ext::upload(given, self.device)?
        };
        Ok(torch_ext::fill(memory, &there)?)
    }

    /// A host tensor in new memory of the device.
    fn beside(&self, given: &Tensor) -> Result<Tensor> {
        if self.device == Device::Cpu || !self.is_filled_at_once(given) {
            return Ok(torch_ext::upload(given, self.device)?);
        }
        let memory = Tensor::f_empty(given.size(), (given.f_kind()?, self.device))?;
        torch_ext::fill(&memory, given)?;
        Ok(memory)
    }

    fn is_filled_at_once(&self, given: &Tensor) -> bool {
        self.device == Device::Cpu || torch_ext::bytes(given) <= torch_ext::FILLED_AT_ONCE
    }

    fn place(&mut self, batch: Batch) -> Result<Batch> {
        let upload = |tensor: &Tensor| torch_ext::upload(tensor, self.device);
        let target = batch.target.try_map(upload)?;
        let additional_items = batch.additional_items.try_map(upload)?;
        let scale = batch.byte_scale.as_ref();
        Ok(Batch {
            size: batch.size,
            inputs: batch.inputs.try_map(|each| self.input(each, scale))?,
            byte_scale: None,
            target,
            additional_items,
        })
    }

    /// One of the inputs on the device, laid out as the network wants it. Bytes become floats there.
    fn input(&mut self, tensor: &Tensor, scale: Option<&ByteScale>) -> Result<Tensor> {
        let mut input = torch_ext::upload(tensor, self.device)?;
        if self.channels_last && input.dim() == 4 {
            // Before bytes become floats: a quarter to move.
            input = torch_ext::channels_last(&input)?;
        }
        match scale {
            Some(scale) if input.f_kind()? == Kind::Uint8 => self.normalize(&input, scale),
            _ => Ok(input),
        }
    }

    /// Floats from bytes, in one kernel.
    fn normalize(&mut self, bytes: &Tensor, scale: &ByteScale) -> Result<Tensor> {
        let known = self.scale_on_device(scale)?;
        Ok(known.offset.f_addcmul(bytes, &known.factor)?)
    }

    fn scale_on_device(&mut self, scale: &ByteScale) -> Result<&DeviceScale> {
        let known = self.scale.take().filter(|known| known.on_host == *scale);
        let known = match known {
            Some(known) => known,
            None => DeviceScale::new(scale, self.device)?,
        };
        Ok(self.scale.insert(known))
    }
}

impl Landing<'_> {
    /// True if the batch has the sizes and dtypes of this memory.
    fn fits(self, batch: &Batch) -> bool {
        let becomes_float = batch.byte_scale.is_some();
        fit(&batch.inputs, self.inputs, becomes_float) && fit(&batch.target, self.target, false)
    }
}

/// True if each tensor has the size and dtype of its memory. Bytes may become floats on their way.
fn fit(given: &Items, memory: &Items, becomes_float: bool) -> bool {
    let mut pairs = given.tensors().zip(memory.tensors());
    given.len() == memory.len()
        && pairs.all(|(given, memory)| {
            let kind = match given.kind() {
                Kind::Uint8 if becomes_float => Kind::Float,
                kind => kind,
            };
            given.size() == memory.size() && kind == memory.kind()
        })
}

impl DeviceScale {
    fn new(scale: &ByteScale, device: Device) -> Result<DeviceScale> {
        Ok(DeviceScale {
            on_host: scale.clone(),
            factor: by_channel(&scale.factor, device)?,
            offset: by_channel(&scale.offset, device)?,
        })
    }
}

/// One value a channel, as `[1, channels, 1, 1]`.
fn by_channel(values: &[f32], device: Device) -> Result<Tensor> {
    let values = Tensor::f_from_slice(values)?.f_view([1, -1, 1, 1])?;
    Ok(torch_ext::upload(&values, device)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use phasebox_data::{Augmentation, DatasetConfig};
    use serde_json::json;

    fn only(items: &torch_ext::Items) -> &Tensor {
        items.single("they").expect("one tensor")
    }

    /// The normalization of bytes after the copy is that of floats before it, in both memory formats.
    #[test]
    fn bytes_become_the_floats_that_the_data_set_makes() {
        let config: DatasetConfig =
            serde_json::from_value(json!({"digits": {}})).expect("a data set");
        let data = config
            .load(std::path::Path::new(""))
            .expect("it is built in")
            .train;
        let indices: Vec<usize> = (0..100).collect();
        for transforms in [
            json!({}),
            json!({"normalize": {"mean": [0.3], "std": [0.5]}}),
            json!({"random_crop": {"size": 8, "padding": 2}, "horizontal_flip": 0.5}),
            json!({"resize": 16}),
        ] {
            let augmentation: Augmentation =
                serde_json::from_value(transforms.clone()).expect("transforms");
            let stacked = data.in_one_pass().expect("images");
            let floats = stacked
                .batch(&indices, &augmentation, &7.into())
                .expect("floats");
            for channels_last in [false, true] {
                let bytes = stacked
                    .byte_batch(&indices, &augmentation, &7.into())
                    .expect("bytes");
                assert_eq!(only(&bytes.inputs).kind(), Kind::Uint8, "{transforms}");
                let mut to_device = ToDevice::new(Device::Cpu, channels_last);
                let placed = to_device.upload(bytes, None).expect("it fits");
                let difference = (only(&placed.inputs) - only(&floats.inputs))
                    .abs()
                    .max()
                    .double_value(&[]);
                assert!(difference < 1e-6, "{transforms}: off by {difference}");
                assert_eq!(
                    (only(&placed.inputs).kind(), only(&placed.target)),
                    (Kind::Float, only(&floats.target))
                );
            }
        }
    }

    /// A batch in the memory of a recording is the batch in memory of its own; one that does not fit gets its own.
    #[test]
    fn a_batch_lands_where_it_fits() {
        let bytes = Tensor::randint(256, [4, 3, 8, 8], (Kind::Uint8, Device::Cpu));
        let scale = ByteScale {
            factor: vec![1.0, 0.5, 0.25],
            offset: vec![0.0, 1.0, 2.0],
        };
        let batch = |inputs: &Tensor, scale: Option<&ByteScale>| {
            let mut batch =
                Batch::new(4, inputs.shallow_clone(), Tensor::from_slice(&[0, 1, 2, 3]));
            batch.byte_scale = scale.cloned();
            batch
        };
        let floats = bytes.to_kind(Kind::Float);
        let doubles = bytes.to_kind(Kind::Double);
        for (inputs, scale, lands) in [
            (&bytes, Some(&scale), true),
            (&floats, None, true),
            (&floats, Some(&scale), true),
            (&bytes, None, false),
            (&doubles, None, false),
            (&floats.narrow(0, 0, 3), None, false),
        ] {
            for channels_last in [false, true] {
                let mut to_device = ToDevice::new(Device::Cpu, channels_last);
                let own = to_device
                    .upload(batch(&floats, None), None)
                    .expect("it fits");
                let memory = Batch {
                    inputs: own
                        .inputs
                        .try_map(|each| each.f_empty_like())
                        .expect("memory"),
                    ..own
                };
                let landing = Landing {
                    inputs: &memory.inputs,
                    target: &memory.target,
                };
                let expected = to_device
                    .upload(batch(inputs, scale), None)
                    .expect("it fits");
                let placed = to_device
                    .upload(batch(inputs, scale), Some(landing))
                    .expect("it fits");
                let (expected, placed) = (only(&expected.inputs), only(&placed.inputs));
                assert_eq!(placed, expected, "{:?}", inputs.kind());
                assert_eq!(placed.stride(), expected.stride());
                let landed = torch_ext::is_same(placed, only(&memory.inputs));
                assert_eq!(landed, lands, "{:?} {:?}", inputs.kind(), inputs.size());
            }
        }
    }

    #[test]
    fn inputs_lie_in_memory_as_the_recipe_says() {
        let images =
            |kind| Tensor::randint(256, [2, 3, 4, 5], (Kind::Uint8, Device::Cpu)).to_kind(kind);
        let scale = ByteScale {
            factor: vec![1.0, 0.5, 0.25],
            offset: vec![0.0, 1.0, 2.0],
        };
        for (byte_scale, inputs) in [
            (None, images(Kind::Float)),
            (Some(scale), images(Kind::Uint8)),
        ] {
            for (channels_last, strides) in [(false, [60, 20, 5, 1]), (true, [60, 1, 15, 3])] {
                let mut batch = Batch::new(2, inputs.shallow_clone(), Tensor::from(0));
                batch.byte_scale = byte_scale.clone();
                let placed = ToDevice::new(Device::Cpu, channels_last)
                    .upload(batch, None)
                    .expect("it fits");
                assert_eq!(
                    only(&placed.inputs).stride(),
                    strides,
                    "{:?}",
                    inputs.kind()
                );
            }
        }
        let row = Tensor::rand([4, 7], (Kind::Float, Device::Cpu));
        let batch = Batch::new(4, row.shallow_clone(), Tensor::from(0));
        let placed = ToDevice::new(Device::Cpu, true).upload(batch, None);
        assert_eq!(only(&placed.expect("no image").inputs), &row);
    }
}
