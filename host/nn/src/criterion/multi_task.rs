//! `MultiTaskLoss`: one loss for each of several predictions, added with given or with learned weights.

use anyhow::{Context, Result, anyhow, ensure};
use phasebox_contract::printable;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tch::{Device, Tensor};
use torch_ext::Items;

use super::{Loss, Parsed, Parts, Row, class_weights};

/// `criterion_params` of `MultiTaskLoss`.
#[derive(Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Written {
    /// A loss for each part: its name, or `{name: parameters}`. Unless its `preds` and `target` say otherwise, a part
    /// compares the prediction and the target that have its name.
    parts: Map<String, Value>,
    /// How the parts are weighed; 1 each by default.
    weights: Weights,
}

/// The weights of the parts.
#[derive(Serialize, Deserialize, Default, Clone)]
#[serde(
    untagged,
    expecting = "`weights` is `learned`, or a number for each part"
)]
enum Weights {
    /// 1 for each part.
    #[default]
    Equal,
    /// `learned`: each part is weighed by a variance that is trained with the network (Kendall, Gal and Cipolla, CVPR
    /// 2018, with s = log σ²): Σ exp(−s)·L + s/2, where a loss of numbers is halved there and is not here.
    Learned(Learned),
    /// A number for each part.
    Fixed(Map<String, Value>),
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "snake_case")]
enum Learned {
    Learned,
}

/// A part with its loss.
struct Part {
    name: String,
    loss: Box<dyn Loss>,
    weight: f64,
}

/// The loss, read from its parameters.
#[derive(Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct MultiTask {
    parts: Vec<Part>,
    is_learned: bool,
    /// The parameters, defaults of the parts included.
    written: Written,
}

impl Serialize for MultiTask {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl TryFrom<Written> for MultiTask {
    type Error = String;

    /// As serde wants it: an error in one line.
    fn try_from(written: Written) -> Result<MultiTask, String> {
        MultiTask::new(written).map_err(|error| format!("{error:#}"))
    }
}

impl MultiTask {
    fn new(mut written: Written) -> Result<MultiTask> {
        ensure!(
            !written.parts.is_empty(),
            "`parts` is empty: write a loss for each prediction, such as `parts: {{class: CrossEntropyLoss}}`"
        );
        let mut parts = Vec::new();
        for (name, value) in &mut written.parts {
            printable::check_value_name(name).context("a name in `parts`")?;
            let (row, parsed) =
                read_part(name, value).with_context(|| format!("`parts.{name}`"))?;
            *value = Value::Object(Map::from_iter([(
                row.name.to_owned(),
                Value::Object(parsed.parameters),
            )]));
            parts.push(Part {
                weight: written.weights.of(name)?,
                name: name.clone(),
                loss: parsed.loss,
            });
        }
        written.weights.check(&written.parts)?;
        Ok(MultiTask {
            parts,
            is_learned: matches!(written.weights, Weights::Learned(_)),
            written,
        })
    }
}

impl Weights {
    /// The weight of a part; 1 where it is learned.
    fn of(&self, part: &str) -> Result<f64> {
        let Weights::Fixed(weights) = self else {
            return Ok(1.0);
        };
        let weight = weights.get(part).and_then(Value::as_f64);
        weight
            .filter(|weight| class_weights::is_sound(*weight))
            .ok_or_else(|| {
                anyhow!(
                    "`weights.{part}` must be a number from 0 to {:e}, the largest of float32",
                    f32::MAX
                )
            })
    }

    fn check(&self, parts: &Map<String, Value>) -> Result<()> {
        if let Weights::Fixed(weights) = self {
            let stranger = weights.keys().find(|name| !parts.contains_key(*name));
            ensure!(
                stranger.is_none(),
                "`weights`: no part is named `{}`",
                stranger.map_or("", String::as_str)
            );
            let is_any = weights.values().any(|weight| weight.as_f64() != Some(0.0));
            ensure!(
                is_any,
                "`weights` is 0 for every part, and nothing is trained: give one of them a number above 0"
            );
        }
        Ok(())
    }
}

/// A part's loss: a name, or `{name: parameters}`. It compares what has the part's name.
fn read_part(part: &str, value: &Value) -> Result<(&'static Row, Parsed)> {
    let (name, params) = match value {
        Value::String(name) => (name.as_str(), Map::new()),
        Value::Object(map) if map.len() == 1 => {
            let (name, params) = map.iter().next().context("a map of one has an entry")?;
            (name.as_str(), of_part(params)?)
        }
        other => {
            return Err(anyhow!(
                "a part is a loss or `Loss: {{parameters}}`, not {other}"
            ));
        }
    };
    let row = Row::find(name)?;
    ensure!(
        row.name != "MultiTaskLoss",
        "a part cannot have parts itself"
    );
    let mut params = params;
    for key in ["preds", "target"] {
        params.entry(key).or_insert_with(|| part.into());
    }
    let parsed = (row.read)(&format!("loss `{}`", row.name), &Value::Object(params))?;
    Ok((row, parsed))
}

/// The parameters of a part's loss; none if there is nothing behind its name.
fn of_part(params: &Value) -> Result<Map<String, Value>> {
    match params {
        Value::Null => Ok(Map::new()),
        Value::Object(params) => Ok(params.clone()),
        other => Err(anyhow!(
            "the parameters of a loss are a mapping, not {other}"
        )),
    }
}

impl Loss for MultiTask {
    fn prepare(&mut self, device: Device) -> Result<()> {
        let mut parts = self.parts.iter_mut();
        parts.try_for_each(|part| part.loss.prepare(device))
    }

    fn part_names(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.name.clone()).collect()
    }

    /// `log_variances`, one for each part, from 0 on.
    fn own_parameters(&self) -> Vec<(&'static str, Vec<f32>)> {
        let zeros = vec![0.0; self.parts.len()];
        self.is_learned
            .then_some(("log_variances", zeros))
            .into_iter()
            .collect()
    }

    fn look_at(&self, preds: &Items, target: &Items) -> Result<()> {
        for part in &self.parts {
            let looked = part.loss.look_at(preds, target);
            looked.with_context(|| format!("part `{}`", part.name))?;
        }
        Ok(())
    }

    fn forward(&self, own: &[(String, Tensor)], preds: &Items, target: &Items) -> Result<Parts> {
        let mut losses = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let loss = part.loss.forward(&[], preds, target);
            losses.push(loss.with_context(|| format!("part `{}`", part.name))?.whole);
        }
        let whole = match own {
            [(_, log_variances)] => with_variances(&losses, log_variances)?,
            _ => self.weighted(&losses)?,
        };
        Ok(Parts {
            whole,
            parts: losses,
        })
    }
}

impl MultiTask {
    fn weighted(&self, losses: &[Tensor]) -> Result<Tensor> {
        let mut terms = Vec::with_capacity(losses.len());
        for (part, loss) in self.parts.iter().zip(losses) {
            terms.push(loss.f_mul_scalar(part.weight)?);
        }
        Ok(Tensor::f_stack(&terms, 0)?.f_sum(None)?)
    }
}

/// Σ exp(−s)·L + s/2
fn with_variances(losses: &[Tensor], log_variances: &Tensor) -> Result<Tensor> {
    let losses = Tensor::f_stack(losses, 0)?;
    let weighted = log_variances.f_neg()?.f_exp()?.f_mul(&losses)?;
    let penalty = log_variances.f_mul_scalar(0.5)?;
    Ok(weighted.f_add(&penalty)?.f_sum(None)?)
}
