//! Keys of SuperGradients for something that phasebox does not have. Owns the list; they are refused together with the
//! names that are not there.

use super::super::node::Node;
use super::said::Said;

const DISTILLATION: &str = "there is no distillation; train the student alone";
const REPEATS: &str = "an epoch is the data set once; remove the key, or train for more epochs";

const TOP: &[(&str, &str)] = &[
    ("teacher_architecture", DISTILLATION),
    ("teacher_arch_params", DISTILLATION),
    ("teacher_checkpoint_params", DISTILLATION),
    ("run_teacher_on_eval", DISTILLATION),
    (
        "student_architecture",
        "there is no distillation; name it `architecture`",
    ),
    (
        "student_arch_params",
        "there is no distillation; name them `arch_params`",
    ),
    (
        "student_checkpoint_params",
        "there is no distillation; name them `checkpoint_params`",
    ),
    (
        "pre_launch_callbacks_list",
        "a recipe is not changed behind its author's back; write `key=value` on the command line to try variants",
    ),
    (
        "quantization_params",
        "there is no quantization; remove the key",
    ),
];

const LOADER: &[(&str, &str)] = &[
    ("min_samples", REPEATS),
    (
        "sampler",
        "use `shuffle`; a sampler that repeats samples is not there: train for more epochs",
    ),
];

pub(super) fn has(key: &str) -> bool {
    TOP.iter().any(|(known, _)| *known == key)
}

pub(super) fn lower(recipe: &mut Node, said: &mut Said) {
    take_out(recipe, TOP, said);
    for loader in ["train", "val", "test"] {
        if let Some(params) = recipe.get_mut(&format!("{loader}_dataloader_params")) {
            take_out(params, LOADER, said);
        }
    }
}

fn take_out(mapping: &mut Node, table: &[(&str, &str)], said: &mut Said) {
    for (key, words) in table {
        if let Some(entry) = mapping.take(key) {
            said.miss(&entry, words);
        }
    }
}
