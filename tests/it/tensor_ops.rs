//! The table of operations (`tensor_ops/rows.json`) from inside the sandbox: the guest `tensor-ops` runs every row
//! through the contract and fails at the first that differs. The host's own functions run the same rows in
//! `host/plugin/src/tensor_ops_test.rs`, which also checks that the table is complete.

use serde_json::Value as Json;
use tch::Device;

use crate::device::test_device;
use crate::harness::recipes::TENSOR_OPS;
use crate::harness::{Scratch, repository};

const ROWS: &str = include_str!("../tensor_ops/rows.json");

#[test]
fn a_guest_sees_what_the_table_says() {
    let component = repository("target/plugins/tests/tensor-ops.wasm");
    let rows = rows_for(test_device());
    let entry = serde_json::json!([{
        "wasm": component, "params": { "table": rows.to_string() }, "limits": { "tensors": "64MiB", "call_tensors": "64MiB", "handles": 2048, "launches": 100000, "syncs": 100000 },
        "grants": ["sync", "random"],
    }]);
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", format!("{TENSOR_OPS}  {entry}\n"));
    let logged = scratch.trained(&[]).metrics();
    let value = |name: &str| {
        logged
            .iter()
            .find(|line| line["name"] == name)
            .map(|line| line["value"].clone())
    };
    assert!(
        value("tensor-ops/rows")
            .and_then(|rows| rows.as_f64())
            .is_some_and(|rows| rows > 400.0),
        "{logged:?}"
    );
    assert!(
        value("tensor-ops/rows_over_phases")
            .and_then(|rows| rows.as_f64())
            .is_some_and(|rows| rows > 5.0)
    );
}

/// The table for a device. On a GPU tensors say where they are; an index out of range is wrapped, since to look at it would
/// cost a wait; a value arrives later; and a copy to the CPU is no view.
fn rows_for(device: Device) -> Json {
    let mut rows: Json =
        serde_json::from_str(ROWS).expect("tests/reference/tensor_ops.py writes JSON");
    if device == Device::Cpu {
        return rows;
    }
    let list = rows.as_array_mut().expect("a list");
    list.retain(|row| {
        let name = row["name"].as_str().unwrap_or_default();
        let is_late = name == "tensor.defer" || name.ends_with("view by to-device");
        !is_late && !name.contains("refuses indices [")
    });
    for row in list {
        if row["expected"]["result"]["device"] == "cpu" {
            row["expected"]["result"]["device"] = "cuda:0".into();
        }
    }
    rows
}
