//! `checkpoint_params` as SuperGradients writes it. Owns which of its keys ask for something, and `strict_load` in its
//! three forms.

use serde_json::Value;

use super::super::location::Result;
use super::super::node::{Content, Entry, Node};
use super::said::{Said, is_off};

const NO_DOWNLOAD: &str =
    "phasebox downloads no weights; give a safetensors file as `checkpoint_params.checkpoint_path`";
const DISTILLATION: &str = "there is no distillation; train the student alone";

/// Keys that ask for nothing while they are empty or false.
const EMPTY: &[&str] = &[
    "load_checkpoint",
    "external_checkpoint_path",
    "source_ckpt_folder_name",
    "checkpoint_num_classes",
    "pretrained_weights",
    "load_backbone",
    "teacher_pretrained_weights",
];

pub(super) fn lower(recipe: &mut Node, said: &mut Said) -> Result<()> {
    let Some(params) = recipe.get_mut("checkpoint_params") else {
        return Ok(());
    };
    for key in EMPTY {
        params.take_if(key, is_off);
    }
    // Only weights are ever read from a file.
    params.take_if("load_weights_only", |value| {
        value.truth() == Some(true) || is_off(value)
    });
    for (key, words) in [
        ("pretrained_weights", NO_DOWNLOAD),
        ("teacher_pretrained_weights", DISTILLATION),
    ] {
        if let Some(entry) = params.take(key) {
            said.miss(&entry, words);
        }
    }
    let is_address = |path: &Node| path.as_str().is_some_and(|path| path.contains("://"));
    if let Some(entry) = params.take_if("checkpoint_path", is_address) {
        said.miss(&entry, NO_DOWNLOAD);
    }
    match params
        .get("checkpoint_path")
        .is_some_and(|path| !path.is_null())
    {
        true => strict_load(params),
        false => {
            nothing_to_load(params, said);
            Ok(())
        }
    }
}

/// Without a file the other keys ask for nothing.
fn nothing_to_load(params: &mut Node, said: &mut Said) {
    if let Some(entry) = params.take("load_backbone") {
        said.note(
            &entry,
            "there are no weights to load it from: give `checkpoint_params.checkpoint_path`",
        );
    }
    params.take_if("strict_load", |value| value.as_str().is_some());
}

/// The words of SuperGradients for what must fit.
fn strict_load(params: &mut Node) -> Result<()> {
    let Some(written) = params.get("strict_load").cloned() else {
        return Ok(());
    };
    let Some(word) = written.as_str() else {
        return Ok(());
    };
    let strict = match (word, written.truth()) {
        (_, Some(strict)) => strict,
        ("key_matching", _) => false,
        ("no_key_matching", _) => {
            return Err(written.location.error(
                "`strict_load: no_key_matching` fits weights by their order, which phasebox does not; write true (all must fit) or false (what fits by name and shape)",
            ));
        }
        _ => return Ok(()),
    };
    params.set(Entry {
        key: "strict_load".to_owned(),
        location: written.location.clone(),
        value: Node {
            content: Content::Scalar(Value::Bool(strict)),
            ..written
        },
    });
    Ok(())
}
