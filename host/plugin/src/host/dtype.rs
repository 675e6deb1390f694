//! Element types: the contract's against libtorch's, and numbers as operands that keep a tensor's type.

use tch::{Kind, Scalar, TchError, Tensor};

use crate::bindings::types::{Dtype, ErrorCode};
use crate::error::{HostResult, refuse};

/// Element types that tensors can be made of.
const MADE: [(Dtype, Kind); 10] = [
    (Dtype::Uint8, Kind::Uint8),
    (Dtype::Int8, Kind::Int8),
    (Dtype::Int16, Kind::Int16),
    (Dtype::Int32, Kind::Int),
    (Dtype::Int64, Kind::Int64),
    (Dtype::Float16, Kind::Half),
    (Dtype::Bfloat16, Kind::BFloat16),
    (Dtype::Float32, Kind::Float),
    (Dtype::Float64, Kind::Double),
    (Dtype::Boolean, Kind::Bool),
];

/// Element types that only describe a tensor of the trainer.
const DESCRIBED: [(Dtype, Kind); 7] = [
    (Dtype::Float8E4m3fn, Kind::Float8e4m3fn),
    (Dtype::Float8E5m2, Kind::Float8e5m2),
    (Dtype::Float8E4m3fnuz, Kind::Float8e4m3fnuz),
    (Dtype::Float8E5m2fnuz, Kind::Float8e5m2fnuz),
    (Dtype::Complex32, Kind::ComplexHalf),
    (Dtype::Complex64, Kind::ComplexFloat),
    (Dtype::Complex128, Kind::ComplexDouble),
];

/// The libtorch type of a contract type, for those that can be made.
pub(super) fn kind_of(dtype: Dtype) -> HostResult<Kind> {
    let made = MADE.iter().find(|(known, _)| *known == dtype);
    match made {
        Some((_, kind)) => Ok(*kind),
        None => refuse(
            ErrorCode::DtypeMismatch,
            format!("a tensor of {dtype:?} cannot be made; the dtype only describes"),
        ),
    }
}

/// The contract type of a tensor; `other` for one that the contract does not name.
pub(super) fn dtype_of(tensor: &Tensor) -> HostResult<Dtype> {
    match tensor.f_kind() {
        Ok(kind) => {
            let mut named = MADE.iter().chain(&DESCRIBED);
            let named = named.find(|(_, known)| *known == kind);
            Ok(named.map_or(Dtype::Other, |(dtype, _)| *dtype))
        }
        Err(TchError::UnknownKind(number)) => Ok(without_kind(number)),
        Err(error) => Err(error.into()),
    }
}

/// The contract type of a type that tch has no name for, by libtorch's number (c10/core/ScalarType.h).
fn without_kind(number: i32) -> Dtype {
    match number {
        27 => Dtype::Uint16,
        28 => Dtype::Uint32,
        29 => Dtype::Uint64,
        44 => Dtype::Float8E8m0fnu,
        45 => Dtype::Float4E2m1fnX2,
        _ => Dtype::Other,
    }
}

/// True for signed and unsigned integers, false for booleans.
pub(super) fn is_integer(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Uint8 | Kind::Int8 | Kind::Int16 | Kind::Int | Kind::Int64
    )
}

/// `value` as an operand for `tensor`. A whole number becomes an integer for integers, whose dtype a float
/// would change.
pub(super) fn scalar_for(tensor: &Tensor, value: f64) -> Scalar {
    match is_integer(tensor.kind()) && value.fract() == 0.0 {
        true => Scalar::int(value as i64),
        false => Scalar::float(value),
    }
}

/// Refuses a fraction where all operands are integers: it would change their dtype.
pub(super) fn check_whole(operands: &[&Tensor], numbers: &[f64]) -> HostResult<()> {
    match numbers.iter().find(|number| !is_whole(**number)) {
        Some(number) if operands.iter().all(|operand| is_integer(operand.kind())) => refuse(
            ErrorCode::DtypeMismatch,
            format!("{number} does not go with integers: use a whole number, or `to-dtype` first"),
        ),
        _ => Ok(()),
    }
}

/// Not by `fract`, which is a library call where the compiler must assume an old processor.
fn is_whole(number: f64) -> bool {
    number as i64 as f64 == number
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn every_dtype_describes_a_tensor_of_its_kind() {
        for (dtype, kind) in MADE.iter().chain(&DESCRIBED) {
            let tensor = Tensor::empty([1], (*kind, Device::Cpu));
            let described = dtype_of(&tensor).expect("a kind that tch knows");
            assert_eq!(described, *dtype, "{kind:?}");
        }
    }
}
