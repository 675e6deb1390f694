//! Sizes worked out before libtorch is asked, so that no guest can start an operation whose result does
//! not fit. Shapes that do not go together are left to libtorch, which says why.

use tch::{Kind, Scalar, Tensor};
use torch_ext::{Extent, Shape};

use super::bindings::phasebox::train::types::{Dtype, ErrorCode};
use super::error::{HostResult, refuse};
use super::store::MAX_RESULT_ELEMENTS;

/// Refuses a result with too many elements.
pub(crate) fn check_elements(elements: Option<u64>) -> HostResult<()> {
    match elements {
        Some(count) if count <= MAX_RESULT_ELEMENTS => Ok(()),
        _ => {
            let count = elements.map_or("more than 2⁶⁴".to_owned(), |count| count.to_string());
            refuse(
                ErrorCode::TooLarge,
                format!(
                    "the result would have {count} elements; one operation may make {MAX_RESULT_ELEMENTS}"
                ),
            )
        }
    }
}

/// The same for a result of one operand's size.
pub(crate) fn check_same_size(operand: &Tensor) -> HostResult<()> {
    check_elements(Some(torch_ext::numel(operand) as u64))
}

/// The same for operands that broadcast together.
pub(crate) fn check_broadcast<const N: usize>(operands: [&Tensor; N]) -> HostResult<()> {
    check_elements(elements_of_broadcast(&operands.map(Shape::of)))
}

/// Whole numbers only, for operands that are all integers: a fraction would change their dtype.
pub(crate) fn check_whole(operands: &[&Tensor], numbers: &[f64]) -> HostResult<()> {
    // Not `fract`, which is a call on processors of twenty years ago, and so in what is built for all.
    match numbers
        .iter()
        .find(|number| **number as i64 as f64 != **number)
    {
        Some(number) if operands.iter().all(|operand| is_integer(operand.kind())) => refuse(
            ErrorCode::DtypeMismatch,
            format!("{number} does not go with integers: use a whole number, or `to-dtype` first"),
        ),
        _ => Ok(()),
    }
}

/// What libtorch's loops over elements can do with.
const MAX_DIMENSIONS: usize = 64;

/// A shape a guest asks for: no negative lengths, a bounded number of elements and dimensions. An empty one has to be
/// bounded, too: a sum over the length that is 0 makes the others.
pub(crate) fn check_shape(shape: &[i64]) -> HostResult<()> {
    if shape.len() > MAX_DIMENSIONS {
        return refuse(
            ErrorCode::InvalidArgument,
            format!(
                "a tensor may have {MAX_DIMENSIONS} dimensions, not {}",
                shape.len()
            ),
        );
    }
    if let Some(length) = shape.iter().find(|length| **length < 0) {
        return refuse(
            ErrorCode::InvalidArgument,
            format!("a length may not be negative: {length} in {shape:?}"),
        );
    }
    let lengths: Vec<i64> = shape
        .iter()
        .copied()
        .filter(|length| *length != 0)
        .collect();
    check_elements(product(&lengths))
}

/// A result or a view: nothing that could not have been asked for.
pub(crate) fn check_made(tensor: &Tensor) -> HostResult<()> {
    check_extent(tensor, Extent::of(tensor))
}

/// The same for one whose extent is known.
#[inline]
pub(crate) fn check_extent(tensor: &Tensor, extent: Extent) -> HostResult<()> {
    match extent.rank <= MAX_DIMENSIONS && extent.bytes > 0 {
        true => Ok(()),
        false => check_shape(&tensor.size()),
    }
}

/// Multiplications of one matrix product: a second or so of one core. Nothing else takes longer than its size.
const MAX_PRODUCTS: u64 = 1 << 35;

/// Elements of a matrix product: batch dimensions broadcast, [m, k] × [k, n] gives [m, n].
pub(crate) fn check_matmul(a: &Tensor, b: &Tensor) -> HostResult<()> {
    let (a, b) = (Shape::of(a), Shape::of(b));
    let (batch_a, rows) = split_matrix(&a, 2);
    let (batch_b, columns) = split_matrix(&b, 1);
    let matrix = (rows as u64).checked_mul(columns as u64);
    let batch = elements_of_broadcast(&[batch_a, batch_b]);
    let elements = batch.and_then(|batch| batch.checked_mul(matrix?));
    check_elements(elements)?;
    let products =
        elements.and_then(|elements| elements.checked_mul(a.last().copied().unwrap_or(1) as u64));
    match products {
        Some(products) if products <= MAX_PRODUCTS => Ok(()),
        _ => refuse(
            ErrorCode::TooLarge,
            format!(
                "this matrix product takes more than {MAX_PRODUCTS} multiplications: multiply in pieces"
            ),
        ),
    }
}

/// The batch dimensions, and the length `from_end` places from the end; a vector counts as one row or column.
fn split_matrix(shape: &[i64], from_end: usize) -> (&[i64], i64) {
    match shape.len() {
        0 | 1 => (&[], 1),
        n => (&shape[..n - 2], shape[n - from_end]),
    }
}

fn elements_of_broadcast(shapes: &[impl AsRef<[i64]>]) -> Option<u64> {
    let aligned = |shape: &[i64], from_end: usize| {
        shape
            .len()
            .checked_sub(from_end + 1)
            .map_or(1, |place| shape[place] as u64)
    };
    let rank = shapes
        .iter()
        .map(|shape| shape.as_ref().len())
        .max()
        .unwrap_or(0);
    let mut lengths = (0..rank).map(|place| {
        let mut lengths = shapes.iter().map(|shape| aligned(shape.as_ref(), place));
        lengths
            .try_fold(1, |longest, length| {
                (length > 0).then_some(length.max(longest))
            })
            .unwrap_or(0)
    });
    if lengths.clone().any(|length| length == 0) {
        return Some(0);
    }
    lengths.try_fold(1u64, u64::checked_mul)
}

/// The number of elements of a shape.
pub(crate) fn product(shape: &[i64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |product, length| {
        product.checked_mul(u64::try_from(*length).ok()?)
    })
}

/// Signed and unsigned; not booleans.
pub(crate) fn is_integer(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Uint8 | Kind::Int8 | Kind::Int16 | Kind::Int | Kind::Int64
    )
}

/// `value` as an operand for `tensor`: whole numbers stay integers for integers, whose dtype a float would change.
pub(crate) fn scalar_for(tensor: &Tensor, value: f64) -> Scalar {
    match is_integer(tensor.kind()) && value.fract() == 0.0 {
        true => Scalar::int(value as i64),
        false => Scalar::float(value),
    }
}

/// The libtorch type of the contract's.
pub(crate) fn kind_of(dtype: Dtype) -> HostResult<Kind> {
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

/// The reverse.
pub(crate) fn dtype_of(kind: Kind) -> Dtype {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &[i64], b: &[i64], elements: Option<u64>) {
        assert_eq!(elements_of_broadcast(&[a, b]), elements, "{a:?} {b:?}");
    }

    #[test]
    fn broadcasts_are_sized_without_being_made() {
        check(&[2, 3], &[3], Some(6));
        check(&[4, 1], &[1, 5], Some(20));
        check(&[], &[7], Some(7));
        check(&[0, 3], &[1, 3], Some(0));
        check(&[1 << 40, 1], &[1, 1 << 40], None);
    }

    #[test]
    fn products_of_matrices_are_sized() {
        let sized = |a: &[i64], b: &[i64]| {
            let options = (Kind::Float, tch::Device::Cpu);
            // Expanded views: the elements are never allocated.
            let view = |shape: &[i64]| Tensor::zeros([1], options).expand(shape, false);
            check_matmul(&view(a), &view(b)).is_ok()
        };
        assert!(
            sized(&[64, 128], &[128, 10]) && sized(&[8, 64, 128], &[128, 10]) && sized(&[5], &[5])
        );
        assert!(!sized(&[1 << 20, 2], &[2, 1 << 20]), "2⁴⁰ elements");
    }
}
