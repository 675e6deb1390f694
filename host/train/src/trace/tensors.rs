//! Bytes of tensors for a trace, and tensors of such bytes. Sizes are checked before memory is taken.

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_contract::printable::excerpt;
use tch::{Device, Kind, Tensor};

use super::event::StoredTensor;

/// The element types that a trace keeps, by the contract's names.
const KINDS: [(Kind, &str); 10] = [
    (Kind::Float, "float32"),
    (Kind::Double, "float64"),
    (Kind::Half, "float16"),
    (Kind::BFloat16, "bfloat16"),
    (Kind::Int64, "int64"),
    (Kind::Int, "int32"),
    (Kind::Int16, "int16"),
    (Kind::Int8, "int8"),
    (Kind::Uint8, "uint8"),
    (Kind::Bool, "bool"),
];
/// The most dimensions of a tensor: as many as libtorch's kernels take.
const MOST_DIMENSIONS: usize = 25;
/// The most bytes of a tensor, as of a checkpoint's file: a forged file may be long and empty.
const MOST_BYTES: u64 = 16 << 30;

/// A tensor's values, apart from libtorch.
#[derive(PartialEq)]
pub(super) struct Copy {
    pub(super) name: String,
    kind: Kind,
    shape: Vec<i64>,
    pub(super) bytes: Vec<u8>,
}

impl Copy {
    /// Copies a tensor of any device. Syncs.
    pub(super) fn of(name: &str, tensor: &Tensor) -> Result<Copy> {
        let host = tensor.f_detach()?.f_to_device(Device::Cpu)?;
        let host = host.f_contiguous()?;
        let kind = host.f_kind()?;
        let mut bytes = vec![0; host.numel() * kind.elt_size_in_bytes()];
        host.f_copy_data_u8(&mut bytes, host.numel())?;
        Ok(Copy {
            name: name.to_owned(),
            kind,
            shape: host.size(),
            bytes,
        })
    }

    /// Bytes, as a tensor of them.
    pub(super) fn of_bytes(bytes: &[u8]) -> Copy {
        Copy {
            name: String::new(),
            kind: Kind::Uint8,
            shape: vec![bytes.len() as i64],
            bytes: bytes.to_vec(),
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == 0)
    }

    pub(super) fn clear(&mut self) {
        self.bytes.fill(0);
    }

    /// Its place in `tensors.bin`.
    pub(super) fn stored(&self, at: u64) -> Result<StoredTensor> {
        let known = KINDS.iter().find(|(kind, _)| *kind == self.kind);
        let Some((_, dtype)) = known else {
            bail!(
                "`{}` has element type {:?}, which a trace cannot hold",
                self.name,
                self.kind
            );
        };
        Ok(StoredTensor {
            name: self.name.clone(),
            dtype: (*dtype).to_owned(),
            shape: self.shape.clone(),
            at,
        })
    }
}

impl StoredTensor {
    fn kind(&self) -> Result<Kind> {
        let found = KINDS.iter().find(|(_, name)| *name == self.dtype);
        let (kind, _) = found
            .with_context(|| format!("a trace has no element type `{}`", excerpt(&self.dtype)))?;
        Ok(*kind)
    }

    /// The bytes it takes.
    ///
    /// # Errors
    /// An unknown element type, or a shape that no tensor has.
    pub(super) fn bytes(&self) -> Result<u64> {
        let size = self.kind()?.elt_size_in_bytes() as u64;
        ensure!(
            self.shape.len() <= MOST_DIMENSIONS,
            "a tensor has {} dimensions: {MOST_DIMENSIONS} are the most",
            self.shape.len()
        );
        let mut bytes = Some(size);
        // With sizes of 0 counted as 1: a tensor without elements must not have strides beyond all numbers.
        for length in &self.shape {
            let length = u64::try_from(*length).context("a size is negative")?;
            bytes = bytes.and_then(|bytes| bytes.checked_mul(length.max(1)));
        }
        let bytes = bytes.filter(|bytes| *bytes <= MOST_BYTES);
        let bytes = bytes.context("a tensor has more than 16 GiB")?;
        Ok(if self.shape.contains(&0) { 0 } else { bytes })
    }

    /// The tensor of its bytes, on the CPU.
    pub(super) fn tensor(&self, bytes: &[u8]) -> Result<Tensor> {
        let kind = self.kind()?;
        if kind == Kind::Bool {
            // Bytes other than 0 and 1 are no booleans.
            return Ok(Tensor::f_from_data_size(bytes, &self.shape, Kind::Uint8)?.f_ne(0)?);
        }
        Ok(Tensor::f_from_data_size(bytes, &self.shape, kind)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(dtype: &str, shape: &[i64]) -> StoredTensor {
        StoredTensor {
            name: String::new(),
            dtype: dtype.to_owned(),
            shape: shape.to_vec(),
            at: 0,
        }
    }

    #[test]
    fn shapes_that_no_tensor_has_are_refused() {
        for (dtype, shape, expected) in [
            ("float32", &[2, 3][..], Ok(24)),
            ("bool", &[], Ok(1)),
            ("int64", &[0, 5], Ok(0)),
            ("int64", &[0, i64::MAX], Err("more than 16 GiB")),
            ("uint8", &[16 << 30], Ok(16 << 30)),
            ("uint8", &[(16 << 30) + 1], Err("more than 16 GiB")),
            ("int64", &[-1], Err("negative")),
            ("uint8", &[i64::MAX, i64::MAX], Err("more than 16 GiB")),
            ("uint8", &[1; 26], Err("26 dimensions")),
            ("float8", &[1], Err("no element type `float8`")),
        ] {
            match (stored(dtype, shape).bytes(), expected) {
                (Ok(bytes), Ok(expected)) => assert_eq!(bytes, expected, "{dtype} {shape:?}"),
                (Err(error), Err(expected)) => {
                    let error = format!("{error:#}");
                    assert!(error.contains(expected), "{dtype} {shape:?}: {error}");
                }
                (found, _) => panic!("{dtype} {shape:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn bytes_come_back_as_they_were() -> Result<()> {
        let check = |tensor: Tensor| -> Result<()> {
            let copy = Copy::of("a", &tensor)?;
            let stored = copy.stored(0)?;
            assert_eq!(stored.bytes()?, copy.bytes.len() as u64);
            let back = Copy::of("a", &stored.tensor(&copy.bytes)?)?;
            assert!(back == copy, "{stored:?}");
            Ok(())
        };
        check(Tensor::from_slice(&[0.1_f32, f32::NAN, -0.0]).f_reshape([3, 1])?)?;
        check(Tensor::from_slice(&[1_i64, -7]))?;
        check(Tensor::from_slice(&[true, false]))?;
        check(Tensor::from_slice(&[1.5_f64]).f_squeeze()?)
    }
}
