//! `sg_logger_params`: the places to which SuperGradients' loggers send what they log. Owns which entries ask for nothing
//! here; each other one is refused by name.

use phasebox_contract::suggest;

use super::super::location::Result;
use super::super::node::{Entry, Node};
use super::inert::Harmless::{All, Off, Word};
use super::inert::{Table, take_out};
use super::said::{Said, is_empty};

const OWN_FOLDERS: &str = "each run has a folder of its own (`--runs-dir`)";

const ENTRIES: Table = &[
    ("tb_files_user_prompt", Off),
    ("launch_tensorboard", Off),
    ("tensorboard_port", All("")),
    ("save_checkpoints_remote", Off),
    ("save_tensorboard_remote", Off),
    ("save_logs_remote", Off),
    ("storage_location", Word("local")),
    ("project_name", All(OWN_FOLDERS)),
    (
        "monitor_system",
        All("the use of CPU and memory is not logged"),
    ),
];

const REMOTE: &str = "nothing is sent to another machine; write false, and copy the run's folder";

/// The remedies for entries that ask for something.
const REMEDIES: &[(&str, &str)] = &[
    (
        "tb_files_user_prompt",
        "no run removes files of another; write false",
    ),
    (
        "launch_tensorboard",
        "write false, and start `tensorboard --logdir` with the folder of runs",
    ),
    ("save_checkpoints_remote", REMOTE),
    ("save_tensorboard_remote", REMOTE),
    ("save_logs_remote", REMOTE),
    ("storage_location", REMOTE),
];

pub(super) fn lower(recipe: &mut Node, said: &mut Said) -> Result<()> {
    let Some(training) = recipe.get_mut("training_hyperparams") else {
        return Ok(());
    };
    if let Some(logger) = training.get_mut("sg_logger_params") {
        take_out(logger, ENTRIES, said);
        logger.entries().iter().try_for_each(refuse)?;
    }
    training.take_if("sg_logger_params", is_empty);
    Ok(())
}

fn refuse(entry: &Entry) -> Result<()> {
    let key = entry.key.as_str();
    let remedy = REMEDIES.iter().find(|(known, _)| *known == key);
    let known: Vec<&str> = ENTRIES.iter().map(|(known, _)| *known).collect();
    let message = match remedy {
        Some((_, remedy)) => format!("`{key}` of `sg_logger_params`: {remedy}"),
        None => format!(
            "unknown key `{key}` in `sg_logger_params`{}; remove it: every run writes metrics.jsonl and TensorBoard events to its folder",
            suggest::hint(key, &known)
        ),
    };
    Err(entry.location.error(message))
}
