//! Files of `torch.save`, whole, damaged, and with other things than weights in them (`reference/state_dicts.py`).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tch::Kind;

use super::super::{NamedTensors, load_weights, torch_file};

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference")
}

fn file(name: &str) -> PathBuf {
    reference().join("state_dicts").join(format!("{name}.pth"))
}

fn as_json(tensors: &NamedTensors) -> Value {
    let entries = tensors.iter().map(|(name, tensor)| {
        let flat = tensor.to_kind(Kind::Double).flatten(0, -1);
        let values = Vec::<f64>::try_from(flat).expect("numbers");
        let shape = tensor.size();
        (name.clone(), serde_json::json!([shape, values]))
    });
    Value::Object(entries.collect())
}

#[test]
fn state_dicts_of_pytorch_are_read_with_their_values() {
    let text = fs::read_to_string(reference().join("state_dicts.json")).expect("the reference");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    for (name, state) in expected.as_object().expect("a map") {
        let found = load_weights(&file(name), 0).expect("a state dict").tensors;
        assert_eq!(as_json(&found), *state, "{name}");
        let is_own = |tensor: &tch::Tensor| {
            torch_ext::storage_bytes(tensor)
                .is_ok_and(|bytes| bytes as u64 == torch_ext::bytes(tensor))
        };
        assert!(found.iter().all(|(_, tensor)| is_own(tensor)), "{name}");
    }
}

/// The state dict of a trainer's checkpoint is said.
#[test]
fn the_choice_of_a_state_dict_is_said() {
    for (name, expected) in [
        ("plain", None),
        ("lightning", Some("`state_dict` is taken")),
        (
            "trainer",
            Some("`net` is taken, of several: it has `ema_net` too"),
        ),
        ("composer", Some("`state.model` is taken")),
        ("protocol_5", Some("`model.state_dict` is taken")),
    ] {
        let found = load_weights(&file(name), 0).expect("a state dict").choice;
        let expected = expected.map(|words| format!("the state dict {words}"));
        assert_eq!(found, expected, "{name}");
    }
}

/// State dicts that cannot be read, and the words that say why.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "float8",
        &["`torch.float8_e4m3fn`", "save `tensor.float()`"],
    ),
    ("uint16", &["`torch.uint16`"]),
    ("complex", &["`torch.ComplexFloatStorage`"]),
    ("conjugate", &["turns the signs", "resolve_conj()"]),
    ("negative", &["turns the signs", "resolve_neg()"]),
    ("sparse", &["is sparse", "to_dense()"]),
    ("quantized", &["is quantized", "dequantize()"]),
    ("meta", &["has no numbers"]),
    (
        "expanded",
        &["more than the file holds", "tensor `a\\u{1b}[31m\\n`"],
    ),
    (
        "views_of_one",
        &["more than the file holds", "tensor `view"],
    ),
    ("other_keys", &["tensors under `backbone\\u{1b}`, `head`"]),
    ("protocol_0", &["protocol 0 of pickle"]),
];

#[test]
fn other_files_are_refused_with_the_way_to_convert_them() {
    let check = |path: &Path, expected: &[&str]| {
        let refused = load_weights(path, 0).expect_err("no weights");
        let message = format!("{refused:#}");
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        for part in expected.iter().chain(&[name, "hint: "]) {
            assert!(message.contains(part), "{message}");
        }
        let mut letters = message.chars().filter(|letter| *letter != '\n');
        assert!(!letters.any(char::is_control), "{message:?}");
    };
    for (name, expected) in REFUSED {
        check(&file(name), expected);
    }
    check(
        &file("module"),
        &["it holds no state dict", "network.state_dict()"],
    );
    check(&file("legacy"), &["by PyTorch before 1.6", "torch.save("]);
    let module = reference().join("modules/plain.pt");
    check(
        &module,
        &["it is a TorchScript module", "architecture: torchscript"],
    );
    check(
        &reference().join("models.py"),
        &["not a readable safetensors file"],
    );
}

/// Damage gives an error or other numbers, and never a panic.
#[test]
fn damaged_files_do_no_harm() {
    for name in ["views", "trainer"] {
        let mut bytes = fs::read(file(name)).expect("a file");
        for (at, change) in (0..bytes.len()).zip([0x01, 0x80, 0xff].into_iter().cycle()) {
            bytes[at] ^= change;
            let _ = torch_file::read(&bytes);
            bytes[at] ^= change;
        }
        for length in (0..bytes.len()).step_by(61) {
            let cut = torch_file::read(&bytes[..length]);
            assert!(cut.is_err(), "{name}: {length} bytes");
        }
    }
}
