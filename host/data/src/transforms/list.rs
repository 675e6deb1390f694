//! The ordered transforms of a loader: read from a recipe, switched and changed by name, and lowered to the steps of one
//! epoch. Applies none of them.

use anyhow::{Context, Result, ensure};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::mapping::{Augmentation, Normalize};
use super::{Step, TransformConfig};
use crate::Dataset;
use crate::named::Named;

/// The transforms of a loader, in one of the two forms of a recipe.
#[derive(Debug, Clone, PartialEq)]
pub enum Transforms {
    /// Five keys in a fixed order.
    Mapping(Augmentation),
    /// Transforms by name, in the order of the recipe.
    List(TransformList),
}

/// The most transforms of a list: each passes over every sample.
const MOST: usize = 256;

/// Transforms by name, in order. Each can be switched off and on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TransformList(Vec<Stage>);

#[derive(Debug, Clone, PartialEq)]
struct Stage {
    /// The name of the transform; from the second of a kind on with its number.
    key: String,
    /// As the recipe has it.
    own: TransformConfig,
    /// As it is now; nothing while it is off.
    now: Option<TransformConfig>,
}

impl From<Augmentation> for Transforms {
    fn from(mapping: Augmentation) -> Self {
        Transforms::Mapping(mapping)
    }
}

impl From<TransformList> for Transforms {
    fn from(list: TransformList) -> Self {
        Transforms::List(list)
    }
}

impl<'de> Deserialize<'de> for TransformList {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let named = Vec::<Named<TransformConfig>>::deserialize(reader)?;
        if named.len() > MOST {
            let count = named.len();
            return Err(D::Error::custom(format!(
                "it lists {count} transforms, and at most {MOST} are applied"
            )));
        }
        let mut stages: Vec<Stage> = Vec::with_capacity(named.len());
        for Named(own) in named {
            let name = own.name();
            let before = stages.iter().filter(|stage| stage.own.name() == name);
            let key = match before.count() {
                0 => name.to_owned(),
                count => format!("{name}_{}", count + 1),
            };
            let now = Some(own.clone());
            stages.push(Stage { key, own, now });
        }
        Ok(Self(stages))
    }
}

/// The names that recipes may give the probability of a transform.
const PROBABILITY: [&str; 3] = ["p", "prob", "probability"];

impl Stage {
    /// The parameters; `null` while it is off.
    fn value(&self) -> Value {
        self.now.as_ref().map_or(Value::Null, parameters)
    }

    /// `null` and `false` switch off; `true` puts back what the recipe has; a mapping changes parameters.
    fn set(&mut self, value: &Value) -> Result<()> {
        self.now = match value {
            Value::Null | Value::Bool(false) => None,
            Value::Bool(true) => Some(self.own.clone()),
            Value::Object(changes) => Some(self.changed(changes)?),
            other => anyhow::bail!(
                "`{}` is switched by true, false or null, or gets parameters as a mapping, not {other}",
                self.key
            ),
        };
        Ok(())
    }

    fn changed(&self, changes: &Map<String, Value>) -> Result<TransformConfig> {
        let before = self.now.as_ref().unwrap_or(&self.own);
        let mut merged = match parameters(before) {
            Value::Object(parameters) => parameters,
            _ => Map::new(),
        };
        if PROBABILITY.iter().any(|name| changes.contains_key(*name)) {
            merged.retain(|key, _| !PROBABILITY.contains(&key.as_str()));
        }
        merged.extend(changes.clone());
        Ok(serde_json::from_value(json!({ before.name(): merged }))?)
    }
}

/// The keys of transforms that two lists of recipes have with different parameters, or that one of them lacks; nothing where
/// one is no list that can be read.
pub fn changed_transforms(old: &Value, new: &Value) -> Option<Vec<String>> {
    let values = |list: &Value| {
        let list = serde_json::from_value::<TransformList>(list.clone()).ok()?;
        Transforms::List(list).values().ok()
    };
    let (old, new) = (values(old)?, values(new)?);
    let names = old.keys().chain(new.keys());
    let differs = |name: &&String| old.get(*name) != new.get(*name);
    Some(names.filter(differs).cloned().collect())
}

/// The parameters of a transform, as a recipe would write all of them.
fn parameters(config: &TransformConfig) -> Value {
    let written = serde_json::to_value(config).unwrap_or_default();
    written.get(config.name()).cloned().unwrap_or_default()
}

impl Transforms {
    /// Refuses transforms that do not fit a data set.
    ///
    /// # Errors
    /// When a transform does not fit its samples, their targets or its own limits; the message names the transform. One that
    /// joins samples reads the first.
    pub fn check(&self, dataset: &dyn Dataset) -> Result<()> {
        self.output_shape(&dataset.input_shape())?;
        let steps = self.steps()?;
        match steps.iter().find(|step| step.transform().joins()) {
            Some(step) => {
                let joinable = dataset.sample(0)?.check_joinable();
                joinable.with_context(|| format!("`{}`", step.name()))
            }
            None => Ok(()),
        }
    }

    /// The shape of a sample after the transforms, without the batch dimension: `[channels, height, width]` for images.
    ///
    /// # Errors
    /// When a transform does not fit `input_shape` or its own limits; the message names the transform.
    pub(crate) fn output_shape(&self, input_shape: &[i64]) -> Result<Vec<i64>> {
        let list = match self {
            Transforms::Mapping(mapping) => return mapping.output_shape(input_shape),
            Transforms::List(list) => list,
        };
        let &[channels, height, width] = input_shape else {
            ensure!(
                list.0.is_empty(),
                "transforms need images, but a sample here has shape {input_shape:?}"
            );
            return Ok(input_shape.to_vec());
        };
        let mut shape = [channels, height, width].map(|side| side as usize);
        for Stage { key, now, .. } in &list.0 {
            if let Some(now) = now {
                let output = now.transform().output(shape);
                shape = output.with_context(|| format!("`{key}`"))?;
            }
        }
        Ok(shape.map(|side| side as i64).to_vec())
    }

    /// The transforms that are on, in order.
    pub(crate) fn steps(&self) -> Result<Vec<TransformConfig>> {
        match self {
            Transforms::Mapping(mapping) => mapping.lowered(),
            Transforms::List(list) => Ok(list
                .0
                .iter()
                .filter_map(|stage| stage.now.clone())
                .collect()),
        }
    }

    /// The transform that decides the format of boxes, with its parameters; none where it is the data's own.
    pub(crate) fn box_format(&self) -> Option<TransformConfig> {
        let steps = self.steps().unwrap_or_default();
        let mut last = steps.into_iter().rev();
        last.find(|step| step.name() == super::idle::OF_BOXES)
    }

    /// The parameters by key.
    pub(crate) fn values(&self) -> Result<Map<String, Value>> {
        match self {
            Transforms::Mapping(mapping) => crate::loader::fields(mapping),
            Transforms::List(list) => {
                let stages = list.0.iter();
                Ok(stages
                    .map(|stage| (stage.key.clone(), stage.value()))
                    .collect())
            }
        }
    }

    /// The transforms with one key changed, and the value by which a checkpoint brings the change back.
    ///
    /// # Errors
    /// A value that does not fit the key.
    pub(crate) fn with(&self, key: &str, value: &Value) -> Result<(Self, Value)> {
        match self {
            Transforms::Mapping(mapping) => {
                let mapping = crate::loader::replaced(crate::loader::fields(mapping)?, key, value)?;
                Ok((Transforms::Mapping(mapping), value.clone()))
            }
            Transforms::List(list) => {
                let mut list = list.clone();
                let mut saved = value.clone();
                for stage in list.0.iter_mut().filter(|stage| stage.key == key) {
                    stage.set(value)?;
                    saved = stage.value();
                }
                Ok((Transforms::List(list), saved))
            }
        }
    }
}

/// The transforms as the mapping that one pass over stacked images does, if it can: the same draws, the same values.
pub(crate) fn one_pass(steps: &[TransformConfig]) -> Option<Augmentation> {
    let mut mapping = Augmentation::default();
    let mut last = 0;
    for config in steps {
        let step = config.transform().step()?;
        let place = place(&step);
        if place <= last {
            return None;
        }
        last = place;
        match step {
            Step::Resize(size) => mapping.resize = Some(size),
            Step::CenterCrop(side) => mapping.center_crop = Some(side),
            Step::RandomCrop(crop) => mapping.random_crop = Some(crop),
            Step::Mirror(probability) => mapping.horizontal_flip = probability,
            Step::Scale => mapping.normalize = Some(Normalize::identity()),
            Step::Normalize(normalize) => mapping.normalize = Some(normalize),
        }
    }
    Some(mapping)
}

/// The place of a step in the pass; two crops exclude each other.
fn place(step: &Step) -> u8 {
    match step {
        Step::Resize(_) => 1,
        Step::CenterCrop(_) | Step::RandomCrop(_) => 2,
        Step::Mirror(_) => 3,
        Step::Scale => 4,
        Step::Normalize(_) => 5,
    }
}
