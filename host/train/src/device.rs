//! Names of devices, as recipes and the contract write them. Owns the opening of CUDA.

use anyhow::{Context as _, Result, bail, ensure};
use tch::Device;

/// The name of a device: "cpu", "cuda:0", …
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Cpu => "cpu".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The device of a name: "cpu", "cuda" or "cuda:N". Loads libtorch's CUDA half if the name is CUDA's, so that a run on the
/// CPU never pays for it.
///
/// # Errors
/// If the name is another, or CUDA or the device is not there.
pub fn open(text: &str) -> Result<Device> {
    let index = match text {
        "cpu" => return Ok(Device::Cpu),
        "cuda" => 0,
        _ => match text.strip_prefix("cuda:").map(str::parse::<usize>) {
            Some(Ok(index)) => index,
            _ => bail!("unknown device `{text}`: use cpu, cuda or cuda:N"),
        },
    };
    torch_ext::load_cuda().context("device `cuda` was asked for")?;
    let count = torch_ext::cuda_device_count()?;
    ensure!(
        index < count as usize,
        "device `cuda:{index}` was asked for, but there are {count}: use cuda:N below that, or cpu"
    );
    Ok(Device::Cuda(index))
}
