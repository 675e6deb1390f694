//! How libtorch's errors and tensors read in messages. Decides nothing and touches no device.

use tch::{Device, Tensor};

/// libtorch's own sentence from the text of its exception, or the exception of a TorchScript network: without the C++
/// stack that follows it and the traceback before it. The sentence may have several lines.
pub fn reason(exception: &str) -> &str {
    let message = exception
        .split("Exception raised from")
        .next()
        .unwrap_or(exception);
    match message.rsplit_once(TRACEBACK) {
        Some((_, frames)) => cause(frames),
        None => message.trim(),
    }
}

/// The beginning of the line after which the interpreter lists where it was.
const TRACEBACK: &str = "Traceback of TorchScript";

/// The text behind the frames of a traceback: the name of the exception, and its message if it has one. The name of
/// libtorch's own exceptions is left out, as it says nothing.
fn cause(frames: &str) -> &str {
    let mut start = 0;
    let raised = frames.split_inclusive('\n').find(|line| {
        let is_found = names_exception(line);
        start += if is_found { 0 } else { line.len() };
        is_found
    });
    let text = raised.map_or(frames, |_| &frames[start..]);
    let text = text.strip_prefix("builtins.").unwrap_or(text);
    let text = text.strip_prefix("RuntimeError: ").unwrap_or(text);
    text.trim().trim_end_matches(':')
}

/// `ValueError: …`, or `module.Error: …`. Frames begin with spaces or with a path.
fn names_exception(line: &str) -> bool {
    let is_of_name = |letter: char| letter.is_alphanumeric() || "._".contains(letter);
    let name = line.split_once(": ").map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(is_of_name))
}

/// Shape, kind and device of a tensor: "`[64, 10] float on the CPU`". No sync.
pub fn described(tensor: &Tensor) -> String {
    let kind = match tensor.f_kind() {
        Ok(kind) => format!("{kind:?}").to_lowercase(),
        Err(_) => "of an unknown dtype".to_owned(),
    };
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
        let check = |exception: &str, expected: &str| assert_eq!(reason(exception), expected);
        check(
            "bad shape\nException raised from add at /x.cpp:1\nframe #0",
            "bad shape",
        );
        check("bad shape Exception raised from add", "bad shape");
        check("one line\nand another\n", "one line\nand another");
        let traced = |raised: &str| {
            let frames = "  File \"a.py\", line 3, in forward\n    if x: y\n       ~ <--- HERE\n/b.py(7): f\n";
            let header = "failed in the TorchScript interpreter.\nTraceback of TorchScript";
            format!("{header}, serialized code\n{frames}{header}\n{frames}{raised}\n")
        };
        check(&traced("RuntimeError: bad shape"), "bad shape");
        check(&traced("RuntimeError: KeyError: b"), "KeyError: b");
        check(
            &traced("builtins.ValueError: two\nlines: here"),
            "ValueError: two\nlines: here",
        );
        check(
            &traced("builtins.RuntimeError: a\nRuntimeError: b"),
            "a\nRuntimeError: b",
        );
        check(
            &traced("builtins.NotImplementedError: "),
            "NotImplementedError",
        );
        check(&traced("__torch__.Mine: x"), "__torch__.Mine: x");
    }

    #[test]
    fn a_tensor_is_described_by_shape_kind_and_device() {
        let tensor = Tensor::zeros([2, 3], (Kind::Int64, Device::Cpu));
        assert_eq!(described(&tensor), "[2, 3] int64 on the CPU");
    }
}
