//! The multi-scale training of `pre_prediction_callback`, which becomes the collation of the training loader. Owns the two
//! names; the collation is `data`'s.

use serde_json::json;

use super::super::location::Result;
use super::super::node::{Content, Entry, Node};
use super::said::Said;

const NAME: &str = "DetectionMultiscalePrePredictionCallback";
const COLLATION: &str = "MultiScaleCollateFunction";
/// The collation whose batches are resized.
const BEFORE: &str = "DetectionCollateFN";

pub(super) fn lower(recipe: &mut Node, said: &mut Said) -> Result<()> {
    let training = recipe.get_mut("training_hyperparams");
    let key = "pre_prediction_callback";
    let asked = training.and_then(|training| training.take_if(key, is_named));
    let Some(asked) = asked else {
        return Ok(());
    };
    let location = &asked.location;
    let Some(loader) = recipe.section_mut("train_dataloader_params", location) else {
        return Ok(());
    };
    let before = loader.take("collate_fn");
    let written = before.as_ref().and_then(|before| before.value.as_str());
    if written != Some(BEFORE) {
        let place = before.map_or(location.clone(), |before| before.location);
        let message = format!(
            "`{NAME}` resizes batches of `{BEFORE}`; write that as `collate_fn` of the training loader"
        );
        return Err(place.error(message));
    }
    loader.put("collate_fn", collation(&asked));
    said.note(
        &asked,
        &format!("becomes `collate_fn: {COLLATION}` of the training loader"),
    );
    Ok(())
}

/// The callback by its name alone, or with parameters.
fn is_named(value: &Node) -> bool {
    let only = matches!(value.entries(), [only] if only.key == NAME);
    only || value.as_str() == Some(NAME)
}

/// The collation with the callback's parameters and its range.
fn collation(asked: &Entry) -> Node {
    let written = asked.value.get(NAME).filter(|written| !written.is_null());
    let none = || Node::new(Content::Map(Vec::new()), asked.location.clone());
    let parameters = written.cloned().unwrap_or_else(none);
    let entry = Entry {
        key: COLLATION.to_owned(),
        location: asked.location.clone(),
        value: parameters.with_default("multiscale_range", json!(5)),
    };
    Node::new(Content::Map(vec![entry]), asked.location.clone())
}
