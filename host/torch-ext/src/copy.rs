//! Copies of tensors that share no memory with their original. Owns no memory itself.

use tch::{Device, TchError, Tensor};

/// A copy of `tensor` on its device, in memory of its own and unknown to autograd. The layout
/// of dense tensors stays, so a copy of channels-last images is channels-last. No sync.
///
/// # Errors
/// libtorch's reason, such as too little memory.
pub fn owned_copy(tensor: &Tensor) -> Result<Tensor, TchError> {
    let detached = tensor.f_detach()?;
    copied(&detached, detached.device())
}

/// [`owned_copy`] on `device`; a copy even where `tensor` lies there already. Between a GPU and the
/// CPU it syncs.
///
/// # Errors
/// libtorch's reason, such as too little memory.
pub fn owned_copy_on(tensor: &Tensor, device: Device) -> Result<Tensor, TchError> {
    copied(&tensor.f_detach()?, device)
}

fn copied(detached: &Tensor, device: Device) -> Result<Tensor, TchError> {
    detached.f_to_device_(device, detached.f_kind()?, false, true)
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn a_copy_keeps_values_and_layout_and_shares_nothing() {
        let rows = Tensor::arange(24, (Kind::Float, Device::Cpu)).reshape([2, 3, 2, 2]);
        let original = crate::channels_last(&rows).expect("images");
        let original = original.set_requires_grad(true);
        let copy = owned_copy(&original).expect("memory");
        assert_eq!(copy, original);
        assert_eq!(copy.stride(), original.stride());
        assert!(!copy.requires_grad());
        assert!(!crate::shares_storage(&copy, &original));
    }

    #[test]
    fn a_copy_of_a_view_is_dense() {
        let view = Tensor::arange(12, (Kind::Int64, Device::Cpu)).reshape([3, 4]);
        let view = view.narrow(1, 1, 2);
        let copy = owned_copy(&view).expect("memory");
        assert_eq!(copy, view);
        assert_eq!(copy.stride(), [2, 1]);
    }
}
