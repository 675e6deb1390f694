//! `_target_`: in Hydra the name of a thing of Python to make, here one of a closed list of names that become plain
//! data. Owns the list; nothing is ever run. `_convert_` says how Python is to see a section, which nobody here does.

use phasebox_contract::suggest;
use serde_json::{Number, Value};

use super::super::location::RecipeError;
use super::super::node::{Content, Entry, Node};

/// More numbers than this in one list are a slip.
const MAX_NUMBERS: f64 = 10_000.0;

/// The plain data that a target stands for.
#[derive(Clone, Copy)]
enum Meaning {
    /// An empty list.
    EmptyList,
    /// The value under one of its keys.
    ValueOf(&'static str),
    /// The numbers from `start` to `stop`, `step` apart.
    Range,
    /// Its name, with its parameters if it has any.
    Named,
}

/// Names without their modules; those of SuperGradients moved between modules from version to version.
const TARGETS: &[(&str, Meaning)] = &[
    ("empty_list", Meaning::EmptyList),
    ("StrictLoad", Meaning::ValueOf("value")),
    ("Phase", Meaning::ValueOf("value")),
    ("load_func", Meaning::ValueOf("dotpath")),
    ("arange", Meaning::Range),
    ("CollateMixup", Meaning::Named),
    ("Anchors", Meaning::Named),
    ("DefaultBoxes", Meaning::Named),
    ("PPYoloEPostPredictionCallback", Meaning::Named),
    ("YoloXPostPredictionCallback", Meaning::Named),
    ("YoloNASPosePostPredictionCallback", Meaning::Named),
    ("DEKRPoseEstimationDecodeCallback", Meaning::Named),
    ("RescoringPoseEstimationDecodeCallback", Meaning::Named),
    ("SSDPostPredictCallback", Meaning::Named),
    ("coco_sub_classes_inclusion_tuples_list", Meaning::Named),
    ("NormalizationAdapter", Meaning::Named),
    ("SegKDLoss", Meaning::Named),
    ("ChannelWiseKnowledgeDistillationLoss", Meaning::Named),
    ("CrossEntropyLoss", Meaning::Named),
];

/// The packages that these names are in.
const PACKAGES: &[&str] = &["super_gradients.", "numpy.", "torch.nn."];

/// Lowers every target of a tree, the innermost first.
pub(super) fn lower(node: &mut Node) {
    match &mut node.content {
        Content::Scalar(_) | Content::Unavailable(_) => {}
        Content::List(items) => items.iter_mut().for_each(lower),
        Content::Map(entries) => {
            let values = entries.iter_mut().map(|entry| &mut entry.value);
            values.for_each(lower);
            node.take("_convert_");
            node.take("_recursive_");
            if let Some(target) = node.take("_target_") {
                node.content = plain(node, &target)
                    .unwrap_or_else(|error| Content::Unavailable(Box::new(error)));
            }
        }
    }
}

fn plain(parameters: &Node, target: &Entry) -> Result<Content, RecipeError> {
    let path = target.value.as_str().unwrap_or_default();
    let name = path.rsplit('.').next().unwrap_or_default();
    let is_in_package = PACKAGES.iter().any(|package| path.starts_with(package));
    let row = TARGETS.iter().find(|(known, _)| *known == name);
    let is_called = parameters.get("_partial_").is_none() && parameters.get("_args_").is_none();
    match row {
        Some((name, meaning)) if is_in_package && is_called => {
            let plain = meaning.of(name, parameters);
            plain.map_err(|reason| target.location.error(format!("`{name}`: {reason}")))
        }
        _ => {
            let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            let hint = suggest::near(name, &known);
            let message = format!(
                "`_target_: {path}`{hint}: a recipe holds no code and can build nothing by name; write the parameters here, or remove the key"
            );
            Err(target.location.error(message))
        }
    }
}

impl Meaning {
    fn of(self, name: &str, parameters: &Node) -> Result<Content, String> {
        match self {
            Meaning::EmptyList => Ok(Content::List(Vec::new())),
            Meaning::Range => range(parameters),
            Meaning::ValueOf(key) => {
                let value = parameters.get(key).map(|value| value.content.clone());
                value.ok_or_else(|| format!("missing key `{key}`; add it"))
            }
            Meaning::Named if parameters.entries().is_empty() => Ok(Content::Scalar(name.into())),
            Meaning::Named => Ok(Content::Map(vec![Entry {
                key: name.to_owned(),
                location: parameters.location.clone(),
                value: parameters.clone(),
            }])),
        }
    }
}

/// As numpy: `stop` is left out, and each number is `start` and so many times the first difference.
fn range(parameters: &Node) -> Result<Content, String> {
    let number = |key, default: Option<f64>| {
        let written = parameters.get(key).and_then(Node::as_f64);
        let number = written.or(default).filter(|number| number.is_finite());
        number.ok_or_else(|| format!("`{key}` is no number; give one"))
    };
    let start = number("start", Some(0.0))?;
    let stop = number("stop", None)?;
    let step = number("step", Some(1.0))?;
    let count = ((stop - start) / step).ceil().max(0.0);
    if step == 0.0 || count > MAX_NUMBERS {
        return Err(format!(
            "more than {MAX_NUMBERS} numbers; give a larger `step`"
        ));
    }
    let is_whole = [start, stop, step].iter().all(|it| it.fract() == 0.0);
    let is_written_whole = parameters.entries().iter().all(|entry| {
        matches!(&entry.value.content, Content::Scalar(Value::Number(number)) if !number.is_f64())
    });
    let difference = (start + step) - start;
    let items = (0..count as u64).map(|index| {
        let number = start + index as f64 * difference;
        let value = match is_whole && is_written_whole {
            true => Some(Number::from(number as i64)),
            false => Number::from_f64(number),
        };
        let value = value.map_or(Value::Null, Value::Number);
        Node::new(Content::Scalar(value), parameters.location.clone())
    });
    Ok(Content::List(items.collect()))
}
