//! Sizes of tensors without an allocation. tch allocates a `Vec` for each shape, which costs more than the rest of the
//! overhead of a small operation. All are read on the host; none syncs. An undefined tensor has no elements.

use std::ops::Deref;

use tch::Tensor;

use crate::ffi;

/// The number of dimensions up to which a shape needs no allocation.
const INLINE: usize = 8;

/// The lengths of a tensor's dimensions.
pub struct Shape {
    inline: [i64; INLINE],
    rank: usize,
    /// The lengths of a tensor that has more dimensions than `inline` takes; else empty.
    many: Vec<i64>,
}

impl Shape {
    /// The shape that `tensor` has now.
    pub fn of(tensor: &Tensor) -> Shape {
        let mut inline = [0; INLINE];
        // SAFETY: the tensor is borrowed for the call, and C++ writes at most `INLINE` numbers.
        let rank = unsafe { ffi::ext_shape(tensor.as_ptr(), inline.as_mut_ptr(), INLINE) };
        let many = if rank > INLINE {
            tensor.size()
        } else {
            Vec::new()
        };
        Shape { inline, rank, many }
    }
}

impl Deref for Shape {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        if self.rank > INLINE {
            &self.many
        } else {
            &self.inline[..self.rank]
        }
    }
}

impl AsRef<[i64]> for Shape {
    fn as_ref(&self) -> &[i64] {
        self
    }
}

/// The size of a tensor, read in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The number of dimensions.
    pub rank: usize,
    /// The bytes of all elements.
    pub bytes: u64,
}

impl Extent {
    /// The size that `tensor` has now.
    #[inline]
    pub fn of(tensor: &Tensor) -> Extent {
        let mut rank = 0;
        // SAFETY: borrowed for the call, and the out pointer is to a local.
        let bytes = unsafe { ffi::ext_extent(tensor.as_ptr(), &mut rank) } as u64;
        Extent { rank, bytes }
    }
}

/// The number of elements of `tensor`.
pub fn numel(tensor: &Tensor) -> usize {
    // SAFETY: borrowed for the call, and C++ handles undefined tensors.
    unsafe { ffi::ext_numel(tensor.as_ptr()) }
}

/// The bytes of all elements of `tensor`.
pub fn bytes(tensor: &Tensor) -> u64 {
    // SAFETY: borrowed for the call, and C++ handles undefined tensors.
    unsafe { ffi::ext_bytes(tensor.as_ptr()) as u64 }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    fn check(shape: &[i64], kind: Kind, bytes_each: u64) {
        let tensor = Tensor::zeros(shape, (kind, Device::Cpu));
        assert_eq!(&*Shape::of(&tensor), shape);
        assert_eq!(numel(&tensor), tensor.numel(), "{shape:?}");
        assert_eq!(
            bytes(&tensor),
            tensor.numel() as u64 * bytes_each,
            "{shape:?}"
        );
        assert_eq!(
            Extent::of(&tensor),
            Extent {
                rank: shape.len(),
                bytes: bytes(&tensor)
            }
        );
    }

    #[test]
    fn sizes_are_those_of_the_tensor() {
        check(&[], Kind::Double, 8);
        check(&[3, 0, 2], Kind::Float, 4);
        check(&[1, 2, 1, 2, 1, 2, 1, 2], Kind::Bool, 1);
        check(&[1, 2, 1, 2, 1, 2, 1, 2, 1], Kind::Half, 2);
        assert_eq!(
            (
                numel(&Tensor::new()),
                bytes(&Tensor::new()),
                Shape::of(&Tensor::new()).len()
            ),
            (0, 0, 0)
        );
    }
}
