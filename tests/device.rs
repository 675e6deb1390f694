//! The device that tests train on. Owns the variable that chooses it, which `cargo xtask test --cuda` sets.

use tch::Device;

/// The first CUDA device where `PHASEBOX_TEST_DEVICE` is `cuda`, and the CPU elsewhere.
pub(crate) fn test_device() -> Device {
    match std::env::var("PHASEBOX_TEST_DEVICE") {
        Err(_) => Device::Cpu,
        Ok(name) => {
            assert_eq!(name, "cuda", "PHASEBOX_TEST_DEVICE");
            torch_ext::load_cuda().expect("libtorch's CUDA half");
            Device::Cuda(0)
        }
    }
}
