//! Names of devices, as recipes and the contract write them.

use anyhow::{Context as _, Result, bail, ensure};
use tch::Device;

/// "cpu", "cuda:0", …
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Cpu => "cpu".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Reads "cpu", "cuda" or "cuda:N". For CUDA, loads libtorch's CUDA half: that is the moment it starts,
/// so that a run on the CPU never pays for it.
///
/// # Errors
/// For any other name, and when CUDA or the device is not there.
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
