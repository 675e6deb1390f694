//! How libtorch's errors and tensors read in messages. Decides nothing and touches no device.

use tch::{Device, Tensor};

/// libtorch's own sentence from the text of its exception: without the C++ stack that follows it and
/// the TorchScript source before it. The sentence may have several lines.
pub fn reason(exception: &str) -> &str {
    let message = exception
        .split("Exception raised from")
        .next()
        .unwrap_or(exception);
    // TorchScript prints its own traceback first; the cause is its last line.
    match message.rsplit_once("RuntimeError: ") {
        Some((_, cause)) => cause.trim(),
        None => message.trim(),
    }
}

/// Shape, kind and device of a tensor: "`[64, 10] float on the CPU`". No sync.
pub fn described(tensor: &Tensor) -> String {
    let kind = format!("{:?}", tensor.kind()).to_lowercase();
    let device = match tensor.device() {
        Device::Cpu => "the CPU".to_owned(),
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    };
    format!("{:?} {kind} on {device}", tensor.size())
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn a_reason_has_neither_stack_nor_traceback() {
        let check = |exception, expected| assert_eq!(reason(exception), expected);
        check(
            "bad shape\nException raised from add at /x.cpp:1\nframe #0",
            "bad shape",
        );
        check("bad shape Exception raised from add", "bad shape");
        check("one line\nand another\n", "one line\nand another");
        check(
            "Traceback of TorchScript\nRuntimeError: bad shape\n",
            "bad shape",
        );
    }

    #[test]
    fn a_tensor_is_described_by_shape_kind_and_device() {
        let tensor = Tensor::zeros([2, 3], (Kind::Int64, Device::Cpu));
        assert_eq!(described(&tensor), "[2, 3] int64 on the CPU");
    }
}
