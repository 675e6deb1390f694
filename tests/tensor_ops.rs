//! The table of operations (`tensor_ops/rows.json`) from inside the sandbox: the guest `tensor-ops` runs every row
//! through the contract and fails at the first that differs. The host's own functions run the same rows in
//! `plugin::table_test`, which also checks that the table is complete.

use std::path::Path;

use crate::harness::Place;

const ROWS: &str = include_str!("tensor_ops/rows.json");

/// The rows know the network (its group `bn1.*`), the callback's name, its limits and the seed.
const RECIPE: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 64}
val_dataloader_params: {batch_size: 360}
architecture: convnet
arch_params: {channels: [2]}
training_hyperparams:
  max_epochs: 1
  max_train_batches: 1
  seed: 42
  initial_lr: 0.01
  lr_mode: Constant
  loss: CrossEntropyLoss
  valid_metrics_list: [Accuracy]
phase_callbacks:
";

#[test]
fn a_guest_sees_what_the_table_says() {
    let component =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins/tests/tensor-ops.wasm");
    let entry = serde_json::json!([{
        "wasm": component, "params": { "table": ROWS }, "limits": { "tensors": "64MiB", "call_tensors": "64MiB", "handles": 2048, "launches": 100000, "syncs": 100000 },
        "grants": ["sync", "random"],
    }]);
    let place = Place::new();
    place.write("recipe.yaml", format!("{RECIPE}  {entry}\n"));
    let logged = place.trained(&[]).metrics();
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
