//! Sizes worked out before libtorch is asked, so that no guest can start an operation whose result does
//! not fit. Shapes that do not go together are left to libtorch, which says why.

use tch::Tensor;
use torch_ext::{Extent, Shape};

use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, refuse};

/// The most elements of a result: 2 GiB of the widest dtypes.
const MAX_RESULT_ELEMENTS: u64 = 1 << 28;
/// The most dimensions of a tensor: libtorch's loops over elements take no more.
const MAX_DIMENSIONS: usize = 64;
/// The most multiplications of one matrix product: about a second of one core. No other operation takes
/// longer than its size lets expect.
const MAX_PRODUCTS: u64 = 1 << 35;
/// The most memory that one operation takes for its result and on its way to it, in bytes: that of the largest result.
const MAX_WORK_BYTES: u64 = MAX_RESULT_ELEMENTS * 8;

/// The bytes for each element that sorting takes: the values and their places twice, and time to go with it.
pub(super) const SORT_BYTES: u64 = 64;
/// The bytes for each element that a histogram takes: two masks, and three copies in float32.
pub(super) const HISTOGRAM_BYTES: u64 = 16;
/// The bytes for each element that a logged histogram takes: its finite ones, their places, and two copies in float64.
pub(super) const LOG_HISTOGRAM_BYTES: u64 = 48;
/// The bytes for each element that a selection by a mask takes: its places twice, and the result.
pub(super) const SELECT_BYTES: u64 = 24;

/// Refuses a result with too many elements; none stands for more than fit in 64 bits. Answers how many it has.
pub(super) fn check_elements(elements: Option<u64>) -> HostResult<u64> {
    match elements {
        Some(count) if count <= MAX_RESULT_ELEMENTS => Ok(count),
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

/// Refuses an operation that takes more memory on its way than the largest result: so many bytes for each element. An
/// operand may be a view that takes none, and have as many elements as a result. Answers how many it has.
pub(super) fn check_work(elements: Option<u64>, bytes_each: u64) -> HostResult<u64> {
    let most = MAX_WORK_BYTES / bytes_each;
    match elements {
        Some(elements) if elements <= most => Ok(elements),
        _ => refuse(
            ErrorCode::TooLarge,
            format!("this operation takes {most} elements at most: use it on pieces"),
        ),
    }
}

/// [`check_work`] for operands that broadcast.
pub(super) fn check_work_of<const N: usize>(
    operands: [&Tensor; N],
    bytes_each: u64,
) -> HostResult<u64> {
    check_work(elements_of_broadcast(&operands.map(Shape::of)), bytes_each)
}

/// Refuses a result of one operand's size that has too many elements.
pub(super) fn check_same_size(operand: &Tensor) -> HostResult<u64> {
    check_elements(Some(torch_ext::numel(operand) as u64))
}

/// Refuses operands that broadcast to a result with too many elements. Answers how many it has.
pub(super) fn check_broadcast<const N: usize>(operands: [&Tensor; N]) -> HostResult<u64> {
    check_elements(elements_of_broadcast(&operands.map(Shape::of)))
}

/// A shape that a guest asks for: no negative lengths, a bounded number of dimensions and elements. The
/// elements are counted without lengths of 0: a sum over such a dimension has a result of the others. Answers their number.
pub(super) fn check_shape(shape: &[i64]) -> HostResult<u64> {
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

/// Refuses a view whose shape could not have been asked for.
pub(super) fn check_made(tensor: &Tensor) -> HostResult<()> {
    check_extent(tensor, Extent::of(tensor))
}

/// Refuses a result whose shape could not have been asked for; `extent` is the tensor's own.
#[inline]
pub(crate) fn check_extent(tensor: &Tensor, extent: Extent) -> HostResult<()> {
    match extent.rank <= MAX_DIMENSIONS && extent.bytes > 0 {
        true => Ok(()),
        false => check_shape(&tensor.size()).map(drop),
    }
}

/// Refuses a matrix product that is too large or takes too long. Answers the elements of the product. Batch dimensions broadcast, and
/// [m, k] × [k, n] gives [m, n].
pub(super) fn check_matmul(a: &Tensor, b: &Tensor) -> HostResult<u64> {
    let a = Shape::of(a);
    let b = Shape::of(b);
    let elements = check_elements(elements_of_matmul(&a, &b))?;
    check_copies(&a, &b)?;
    let shared = a.last().copied().unwrap_or(1) as u64;
    match elements.checked_mul(shared) {
        Some(products) if products <= MAX_PRODUCTS => Ok(elements),
        _ => refuse(
            ErrorCode::TooLarge,
            format!(
                "this matrix product takes more than {MAX_PRODUCTS} multiplications: multiply in pieces"
            ),
        ),
    }
}

/// Refuses batches of matrices whose broadcast copies, which libtorch makes where both operands have a batch, are too large.
fn check_copies(a: &[i64], b: &[i64]) -> HostResult<()> {
    let [(batch_a, _), (batch_b, _)] = [split_matrix(a, 2), split_matrix(b, 2)];
    if batch_a.is_empty() || batch_b.is_empty() {
        return Ok(());
    }
    let batch = elements_of_broadcast(&[batch_a, batch_b]);
    [a, b].into_iter().try_for_each(|shape| {
        let matrix = product(&shape[shape.len() - 2..]);
        check_elements(batch.and_then(|batch| batch.checked_mul(matrix?))).map(drop)
    })
}

fn elements_of_matmul(a: &[i64], b: &[i64]) -> Option<u64> {
    let (batch_a, rows) = split_matrix(a, 2);
    let (batch_b, columns) = split_matrix(b, 1);
    let matrix = (rows as u64).checked_mul(columns as u64)?;
    elements_of_broadcast(&[batch_a, batch_b])?.checked_mul(matrix)
}

/// The batch dimensions, and the length `from_end` places from the end. A vector counts as one row or column.
fn split_matrix(shape: &[i64], from_end: usize) -> (&[i64], i64) {
    match shape.len() {
        0 | 1 => (&[], 1),
        n => (&shape[..n - 2], shape[n - from_end]),
    }
}

/// The number of elements that shapes broadcast to; none if it does not fit in 64 bits.
fn elements_of_broadcast<S: AsRef<[i64]>>(shapes: &[S]) -> Option<u64> {
    let ranks = shapes.iter().map(|shape| shape.as_ref().len());
    let mut lengths = (0..ranks.max().unwrap_or(0)).map(|place| broadcast_length(shapes, place));
    if lengths.clone().any(|length| length == 0) {
        return Some(0);
    }
    lengths.try_fold(1, u64::checked_mul)
}

/// The length of the broadcast `from_end` places from the end: the longest, or 0 if any is 0.
fn broadcast_length<S: AsRef<[i64]>>(shapes: &[S], from_end: usize) -> u64 {
    let lengths = shapes
        .iter()
        .map(|shape| length_from_end(shape.as_ref(), from_end));
    lengths.reduce(longer_or_zero).unwrap_or(1)
}

fn longer_or_zero(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 { 0 } else { a.max(b) }
}

/// A dimension that a shape does not have counts as length 1.
fn length_from_end(shape: &[i64], from_end: usize) -> u64 {
    let place = shape.len().checked_sub(from_end + 1);
    place.map_or(1, |place| shape[place] as u64)
}

/// The number of elements of a shape; none if it does not fit in 64 bits or a length is negative.
pub(super) fn product(shape: &[i64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |product, length| {
        product.checked_mul(u64::try_from(*length).ok()?)
    })
}

/// Refuses values that do not fill `shape` exactly.
pub(super) fn check_count(shape: &[i64], count: usize) -> HostResult<()> {
    check_shape(shape)?;
    match product(shape) {
        Some(elements) if elements == count as u64 => Ok(()),
        _ => refuse(
            ErrorCode::ShapeMismatch,
            format!("{count} values do not fill the shape {shape:?}"),
        ),
    }
}

/// A shape in which 1 stands for the −1 that is worked out.
pub(super) fn known_lengths(shape: &[i64]) -> Vec<i64> {
    let length = |length: &i64| if *length == -1 { 1 } else { *length };
    shape.iter().map(length).collect()
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
            let options = (tch::Kind::Float, tch::Device::Cpu);
            // Expanded views: the elements are never allocated.
            let view = |shape: &[i64]| Tensor::zeros([1], options).expand(shape, false);
            check_matmul(&view(a), &view(b)).is_ok()
        };
        assert!(
            sized(&[64, 128], &[128, 10]) && sized(&[8, 64, 128], &[128, 10]) && sized(&[5], &[5])
        );
        assert!(!sized(&[1 << 20, 2], &[2, 1 << 20]), "2⁴⁰ elements");
        let (many, more) = ([1 << 14, 1, 1, 8], [1, 1 << 14, 8, 1]);
        assert!(!sized(&many, &more), "two copies of 8 GiB");
        assert!(sized(&[1 << 14, 1, 1024], &[1024, 1024]), "no copy");
    }
}
