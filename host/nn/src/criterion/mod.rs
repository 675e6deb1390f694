//! Losses by name, and [`Criterion`]: one loss whose parameters callbacks can read and change while it trains.
//! Owns the checks of shapes and parameters; keeps no running average (`metrics` does) and calls no backward.
//!
//! Every loss is a mean over its elements, computed in float32 at least: half precision predictions are widened.
//!
//! **To add a loss**: one file here with its `criterion_params` (a struct with `deny_unknown_fields`) that
//! implements [`Loss`]; one row in [`LOSSES`]; rows in `tests/reference/losses.py`.

mod binary_cross_entropy;
mod class_weights;
mod cross_entropy;
mod regression;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::suggest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tch::{Device, Kind, Tensor};

use binary_cross_entropy::BceWithLogits;
use cross_entropy::CrossEntropy;
use regression::{Huber, L1, Mse};

use crate::align_target::align_target;
use crate::params;
use crate::refusal;
use crate::revision;

/// Every loss a recipe can name.
const LOSSES: &[Row] = &[
    Row {
        name: "CrossEntropyLoss",
        alias: Some("LabelSmoothingCrossEntropyLoss"),
        read: read::<CrossEntropy>,
    },
    Row::new("BCEWithLogitsLoss", read::<BceWithLogits>),
    Row::new("MSELoss", read::<Mse>),
    Row::new("L1Loss", read::<L1>),
    Row::new("HuberLoss", read::<Huber>),
];

/// One loss of the registry.
struct Row {
    /// The name as PyTorch writes it.
    name: &'static str,
    /// Another name that recipes may use, SuperGradients'.
    alias: Option<&'static str>,
    read: Read,
}

/// Reads the `criterion_params` of a loss; the text is what an error names.
type Read = fn(&str, &Value) -> Result<Parsed>;

impl Row {
    const fn new(name: &'static str, read: Read) -> Row {
        Row {
            name,
            alias: None,
            read,
        }
    }

    /// The loss that a recipe calls `name`. Case, `_` and a final `Loss` do not matter.
    fn find(name: &str) -> Result<&'static Row> {
        let wanted = letters(name);
        let found = LOSSES.iter().find(|row| {
            let alias = row.alias.map(letters);
            letters(row.name) == wanted || alias.as_ref() == Some(&wanted)
        });
        found.ok_or_else(|| {
            let names: Vec<&str> = LOSSES.iter().map(|row| row.name).collect();
            anyhow!(suggest::unknown("loss", name, &names))
        })
    }
}

/// `CrossEntropyLoss`, `cross_entropy_loss` and `cross_entropy` have the same letters.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let lower: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    match lower.strip_suffix("loss") {
        Some(short) => short.to_owned(),
        None => lower,
    }
}

/// A loss with its parameters. It owns no tensor.
trait Loss {
    /// Refuses parameters out of range, with the name of the key.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The weights of the classes, if they differ; [`Criterion`] keeps them on the device for [`Loss::forward`].
    fn class_weights(&self) -> Option<&[f64]> {
        None
    }

    /// The loss of a batch, 0-d, with gradient; `weights` are the [`Loss::class_weights`], float32 `[classes]`.
    fn forward(&self, weights: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor>;
}

/// A loss and the parameters it was read from, those with default values included.
struct Parsed {
    loss: Box<dyn Loss>,
    parameters: Map<String, Value>,
}

fn read<L>(owner: &str, block: &Value) -> Result<Parsed>
where
    L: Loss + DeserializeOwned + Serialize + 'static,
{
    let loss: L = params::read(owner, block)?;
    loss.check()
        .with_context(|| format!("parameters of {owner}"))?;
    let Value::Object(parameters) = serde_json::to_value(&loss)? else {
        bail!("{owner} has parameters that are no mapping");
    };
    Ok(Parsed {
        loss: Box::new(loss),
        parameters,
    })
}

/// One batch's loss.
pub struct LossOutput {
    /// 0-d, with gradient: backward starts from it.
    pub loss: Tensor,
    /// 1-d, detached, one number for each of [`Criterion::item_names`]; shares memory with `loss`.
    pub items: Tensor,
}

/// A loss in use. Its parameters may change between batches.
pub struct Criterion {
    row: &'static Row,
    loss: Box<dyn Loss>,
    parameters: Map<String, Value>,
    /// The weights of the classes on the device, float32 `[classes]`.
    weights: Option<Tensor>,
    device: Device,
    version: u64,
}

impl Criterion {
    /// The loss `name` with the `criterion_params` in `block`, for predictions on `device`.
    ///
    /// # Errors
    /// An unknown loss (with the list and the nearest name); an unknown, mistyped or out-of-range parameter;
    /// class weights that cannot be moved to `device`.
    pub fn new(name: &str, block: &Value, device: Device) -> Result<Criterion> {
        let row = Row::find(name)?;
        let Parsed { loss, parameters } = (row.read)(&format!("loss `{name}`"), block)?;
        let weights = class_weights::on_device(loss.class_weights(), device)?;
        Ok(Criterion {
            row,
            loss,
            parameters,
            weights,
            device,
            version: revision::fresh(),
        })
    }

    /// The loss of a batch, a mean over its elements. No sync.
    ///
    /// `CrossEntropyLoss` takes `preds` `[N, C, …]` with class indices `[N, …]` (any integer kind) or class
    /// probabilities `[N, C, …]`; the other losses take a target shaped as `preds`, where `[N]` also fits `[N, 1]`.
    ///
    /// # Errors
    /// Shapes and kinds that do not go together, in words. A class index out of range is an error on the CPU; on
    /// CUDA it is a device assert, after which the process cannot use the device. Nothing here prevents that: to
    /// look at the target's values would cost a sync.
    pub fn forward(&self, preds: &Tensor, target: &Tensor) -> Result<LossOutput> {
        let loss = self
            .loss
            .forward(self.weights.as_ref(), preds, target)
            .map_err(|error| refusal::of_pair(self.name(), preds, target, &error))?;
        let items = loss.f_detach()?.f_reshape([1])?;
        Ok(LossOutput { loss, items })
    }

    /// The name as PyTorch writes it.
    pub fn name(&self) -> &'static str {
        self.row.name
    }

    /// A number that differs after each change of a parameter.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The names of the numbers in [`LossOutput::items`].
    pub fn item_names(&self) -> &'static [&'static str] {
        &["loss"]
    }

    /// All parameters with their present values.
    pub fn parameters(&self) -> &Map<String, Value> {
        &self.parameters
    }

    /// The present value of one parameter.
    ///
    /// # Errors
    /// An unknown key, with the list of those that exist.
    pub fn get(&self, key: &str) -> Result<&Value> {
        let value = self.parameters.get(key);
        value.ok_or_else(|| self.unknown_key(key))
    }

    /// Changes one parameter from the next batch on, with the checks that a recipe's value gets. No sync.
    ///
    /// # Errors
    /// An unknown key, a wrong type, a value out of range; the criterion stays as it was.
    pub fn set(&mut self, key: &str, value: Value) -> Result<()> {
        let mut parameters = self.parameters.clone();
        ensure!(parameters.contains_key(key), self.unknown_key(key));
        parameters.insert(key.to_owned(), value);
        self.replace(&Value::Object(parameters))
    }

    fn unknown_key(&self, key: &str) -> anyhow::Error {
        let known: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
        let what = format!("parameter of loss `{}`", self.name());
        anyhow!(suggest::unknown(&what, key, &known))
    }

    /// Name and parameters, for a checkpoint.
    pub fn state(&self) -> Value {
        json!({"name": self.name(), "parameters": self.parameters})
    }

    /// Takes the parameters of a [`Criterion::state`].
    ///
    /// # Errors
    /// The state of another loss, or parameters that are refused now; the criterion stays as it was.
    pub fn restore(&mut self, state: &Value) -> Result<()> {
        if state["name"] != self.name() {
            bail!(
                "this state is of loss {}, the recipe trains with `{}`",
                state["name"],
                self.name()
            );
        }
        self.replace(&state["parameters"])
    }

    fn replace(&mut self, parameters: &Value) -> Result<()> {
        *self = Criterion::new(self.name(), parameters, self.device)?;
        Ok(())
    }
}

/// Predictions in at least float32: a mean over half precision loses the digits that matter.
fn full_precision(preds: &Tensor) -> Result<Tensor> {
    ensure!(preds.is_floating_point(), "preds must be a float tensor");
    match preds.kind() {
        Kind::Half | Kind::BFloat16 => Ok(preds.f_to_kind(Kind::Float)?),
        _ => Ok(preds.shallow_clone()),
    }
}

/// `target` in the shape and kind of `preds`.
fn comparable(preds: &Tensor, target: &Tensor) -> Result<Tensor> {
    Ok(align_target(preds, target)?.f_to_kind(preds.kind())?)
}
