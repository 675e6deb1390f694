//! Copies to CUDA; without a device, the error that says so.

use tch::{Device, Kind, Tensor};

#[test]
fn a_copy_holds_the_same_values() {
    let host = Tensor::rand([64, 3, 32, 32], (Kind::Float, Device::Cpu));
    if torch_ext::load_cuda().is_err() || torch_ext::cuda_device_count().expect("a count") == 0 {
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
