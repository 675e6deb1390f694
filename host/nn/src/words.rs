//! How tensors, libtorch's errors and wrong names read in messages. Decides nothing and touches no device.
use phasebox_contract::suggest;
use tch::{Device, TchError, Tensor};

/// "`[64, 10] float on the CPU`": what a message needs to say about a tensor. No sync.
pub(crate) fn tensor(tensor: &Tensor) -> String {
    let place = match tensor.device() {
        Device::Cpu => "the CPU".to_owned(),
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    };
    format!(
        "{:?} {} on {place}",
        tensor.size(),
        format!("{:?}", tensor.kind()).to_lowercase()
    )
}

/// libtorch's own sentence, without the C++ stack and the TorchScript source that follow it.
pub(crate) fn reason(error: &anyhow::Error) -> String {
    let text = match error.downcast_ref::<TchError>() {
        Some(TchError::Torch(text)) => text.clone(),
        _ => format!("{error:#}"),
    };
    let sentence = text
        .split("\nException raised from")
        .next()
        .unwrap_or(&text);
    // TorchScript prints its own traceback first; the cause is its last line.
    match sentence.rsplit_once("RuntimeError: ") {
        Some((_, cause)) => cause.trim().to_owned(),
        None => sentence.trim().to_owned(),
    }
}

/// "unknown architecture `resnet81`; did you mean `resnet18`? known: …".
pub(crate) fn unknown(what: &str, name: &str, known: &[&str]) -> anyhow::Error {
    anyhow::anyhow!("unknown {what} `{name}`{}", suggest::hint(name, known))
}
