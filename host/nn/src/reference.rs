//! Numbers that `tests/reference/yolox.py` computes too, so that its file of expected values stays small.

use serde_json::Value;
use tch::{Device, Kind, Tensor};

use crate::model::Model;
use crate::test_device::test_device;

/// The file of expected values.
pub(crate) fn yolox() -> Value {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/yolox.json"
    ));
    serde_json::from_str(text).expect("valid JSON")
}

/// The rows of a list in the file.
pub(crate) fn rows(key: &str) -> Vec<Value> {
    let rows: Vec<Value> = serde_json::from_value(yolox()[key].take()).expect("a list");
    assert!(!rows.is_empty());
    rows
}

/// Float64 numbers in 0–1 that look random.
pub(crate) fn noise(seed: i64, shape: &[i64]) -> Tensor {
    let count: i64 = shape.iter().product();
    let places = Tensor::arange_start(1, count + 1, (Kind::Double, Device::Cpu));
    let waves = (places * 12.9898 + seed as f64 * 78.233).sin() * 43_758.545_3;
    (&waves - waves.floor()).reshape(shape)
}

/// Puts noise into all weights of a model.
pub(crate) fn fill(model: &Model) {
    let mut state = model.state();
    state.retain(|(_, tensor)| tensor.is_floating_point());
    state.sort_by(|a, b| a.0.cmp(&b.0));
    for (seed, (name, tensor)) in state.into_iter().enumerate() {
        let shape = tensor.size();
        let centered = noise(seed as i64, &shape) * 2.0 - 1.0;
        let is_scale = name.ends_with("bn.weight") || name.ends_with("running_var");
        let values = if shape.len() == 4 {
            let inputs: i64 = shape[1..].iter().product();
            centered * 1.4 * (3.0 / inputs as f64).sqrt()
        } else {
            centered * 0.3 + f64::from(is_scale)
        };
        tch::no_grad(|| tensor.shallow_clone().copy_(&values));
    }
}

/// Compares a tensor of float32 with its digest: the norm, and the product with noise.
pub(crate) fn check_digest(name: &str, found: &Tensor, expected: &Value) {
    // Sums of a GPU's convolutions have another order.
    let tolerance = if test_device().is_cuda() { 2e-3 } else { 1e-4 };
    check_digest_within(tolerance, name, found, expected);
}

/// Compares a tensor with its digest, within a part of its norm.
pub(crate) fn check_digest_within(tolerance: f64, name: &str, found: &Tensor, expected: &Value) {
    let found = found.detach().to_kind(Kind::Double).contiguous();
    let found = found.to_device(Device::Cpu);
    let weights = noise(7, &found.size()) * 2.0 - 1.0;
    let product = (&found * weights).sum(Kind::Double).double_value(&[]);
    let norm = found.norm().double_value(&[]);
    let expected: [f64; 2] = serde_json::from_value(expected.clone()).expect("two numbers");
    for (found, wanted) in [norm, product].into_iter().zip(expected) {
        let difference = (found - wanted).abs();
        assert!(
            difference <= tolerance * expected[0] + 1e-12,
            "{name}: {found} is not {wanted}, of a norm of {}",
            expected[0]
        );
    }
}
