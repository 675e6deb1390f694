//! Copies to CUDA, where there is one; where there is none, what is said instead.

use tch::{Device, Kind, Tensor};

#[test]
fn a_copy_holds_the_same_values() {
    let host = Tensor::rand([64, 3, 32, 32], (Kind::Float, Device::Cpu));
    if !torch_ext::cuda_is_available() {
        let refused = torch_ext::upload(&host, Device::Cuda(0)).expect_err("there is no CUDA");
        assert!(
            refused.to_string().to_lowercase().contains("cuda"),
            "{refused}"
        );
        return;
    }
    let pinned = torch_ext::pin_memory(&host).expect("page-locked memory");
    assert!(pinned.is_pinned(Device::Cuda(0)));
    for source in [&host, &pinned] {
        let copy = torch_ext::upload(source, Device::Cuda(0)).expect("a copy");
        // Reads on the current stream, which has to wait for the copy by itself.
        let doubled = &copy * 2.0;
        assert_eq!(
            (copy.device(), doubled.to_device(Device::Cpu)),
            (Device::Cuda(0), &host * 2.0)
        );
    }
}
