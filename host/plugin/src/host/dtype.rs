//! Element types: the contract's against libtorch's, and numbers as operands that keep a tensor's type.

use tch::{Kind, Scalar, Tensor};

use crate::bindings::types::{Dtype, ErrorCode};
use crate::error::{HostResult, refuse};

/// The libtorch type of a contract type. `other` has none.
pub(super) fn kind_of(dtype: Dtype) -> HostResult<Kind> {
    Ok(match dtype {
        Dtype::Uint8 => Kind::Uint8,
        Dtype::Int8 => Kind::Int8,
        Dtype::Int16 => Kind::Int16,
        Dtype::Int32 => Kind::Int,
        Dtype::Int64 => Kind::Int64,
        Dtype::Float16 => Kind::Half,
        Dtype::Bfloat16 => Kind::BFloat16,
        Dtype::Float32 => Kind::Float,
        Dtype::Float64 => Kind::Double,
        Dtype::Boolean => Kind::Bool,
        Dtype::Other => {
            return refuse(
                ErrorCode::DtypeMismatch,
                "dtype `other` cannot be made; it only describes",
            );
        }
    })
}

/// The contract type of a libtorch type; `other` for one that the contract does not name.
pub(super) fn dtype_of(kind: Kind) -> Dtype {
    match kind {
        Kind::Uint8 => Dtype::Uint8,
        Kind::Int8 => Dtype::Int8,
        Kind::Int16 => Dtype::Int16,
        Kind::Int => Dtype::Int32,
        Kind::Int64 => Dtype::Int64,
        Kind::Half => Dtype::Float16,
        Kind::BFloat16 => Dtype::Bfloat16,
        Kind::Float => Dtype::Float32,
        Kind::Double => Dtype::Float64,
        Kind::Bool => Dtype::Boolean,
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
