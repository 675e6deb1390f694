//! Runs whose batches, losses and metrics have several tensors: resumed from the middle of an epoch, they end with the
//! bytes of a run that was not interrupted.

use super::Outcome;
use crate::any_batch::{NATIVE, SCRIPT, scratch};
use crate::harness::wat_components::{CHECKPOINT, NOTHING, SAVE, component};

const ASKS: &str = "  - {wasm: asks.wasm, grants: [checkpoint], when: {every: 4, unit: batch}}\n";

#[test]
fn named_tensors_go_on_to_the_same_end() {
    for architecture in [NATIVE, SCRIPT] {
        let scratch = scratch(architecture, ASKS);
        scratch.write(
            "asks.wasm",
            component(&[
                ("on-train-batch-end", CHECKPOINT),
                ("save-state", SAVE),
                ("load-state", NOTHING),
            ]),
        );
        let run = scratch.trained(&[]);
        let expected = Outcome::of(&run, 8);
        let state = &run.json("ckpt_asked/checkpoint.json")["state"];
        assert_eq!(state["next_batch"], 13, "within an epoch");
        let from = "training_hyperparams.ckpt_name=ckpt_asked";
        scratch.trained(&["--resume", run.path(), from]);
        Outcome::of(&run, 8).assert_is(&expected, architecture);
    }
}
