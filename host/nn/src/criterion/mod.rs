//! Losses by name, and [`Criterion`]: one loss whose parameters callbacks can read and change while it trains.
//! Owns the checks of shapes and parameters, and the tensors of a loss that are trained; keeps no running average
//! (`metrics` does) and calls no backward.
//!
//! Every loss but that of boxes is a mean over its elements, computed in float32 at least: half precision predictions are widened.
//!
//! **To add a loss**: one file here with its `criterion_params` (a struct with `deny_unknown_fields`) that
//! implements [`TensorLoss`], or [`Loss`] if it has parts, parameters of its own or several predictions; one row in
//! [`LOSSES`]; rows in `tests/reference/losses.py`.

mod binary_cross_entropy;
mod class_weights;
mod cross_entropy;
mod in_range;
mod multi_task;
mod presence;
mod regression;
#[cfg(test)]
mod tests;
mod yolox;

use std::cell::Cell;

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::{missing, suggest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tch::{Device, Kind, Tensor};
use torch_ext::Items;

use binary_cross_entropy::BceWithLogits;
use multi_task::MultiTask;
use presence::Presence;
use regression::{Huber, L1, Mse};

use crate::align_target::align_target;
use crate::chosen::Chosen;
use crate::missing::LOSSES as NOT_THERE;
use crate::params;
use crate::refusal;
use crate::revision;

/// Every loss a recipe can name.
const LOSSES: &[Row] = &[
    Row {
        name: "CrossEntropyLoss",
        alias: Some("LabelSmoothingCrossEntropyLoss"),
        read: cross_entropy::read,
    },
    Row::new("BCEWithLogitsLoss", read::<BceWithLogits>),
    Row::new("MSELoss", read::<Mse>),
    Row::new("L1Loss", read::<L1>),
    Row::new("HuberLoss", read::<Huber>),
    Row::new("PresenceLoss", read::<Presence>),
    Row::new("MultiTaskLoss", read_whole::<MultiTask>),
    Row {
        name: "YoloXDetectionLoss",
        alias: Some("yolox_loss"),
        read: yolox::read,
    },
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
            anyhow!(missing::refusal("loss", name, &names, NOT_THERE))
        })
    }
}

/// Refuses a name that no loss has.
///
/// # Errors
/// The remedy for a loss of SuperGradients that is not there yet; "did you mean" for any other name.
pub fn check_name(name: &str) -> Result<()> {
    Row::find(name).map(drop)
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

/// A loss with its parameters. [`Criterion`] owns the tensors that it trains.
trait Loss {
    /// Moves constants, such as the weights of classes, to `device`.
    fn prepare(&mut self, device: Device) -> Result<()>;

    /// The names of the parts that the loss is made of, beside the whole.
    fn part_names(&self) -> Vec<String> {
        Vec::new()
    }

    /// The tensors of its own that are trained: the name and the first values of each.
    fn own_parameters(&self) -> Vec<(&'static str, Vec<f32>)> {
        Vec::new()
    }

    /// The parameters that say how the network is built, and stay as they are during a run.
    fn of_network(&self) -> &'static [&'static str] {
        &[]
    }

    /// Looks at the values of a batch for mistakes that no shape shows. Waits for the device.
    ///
    /// # Errors
    /// Values that the loss is not made for.
    fn look_at(&self, preds: &Items, target: &Items) -> Result<()>;

    /// The loss of a batch. `own` are the [`Loss::own_parameters`], in their order, on the device. No sync.
    fn forward(&self, own: &[(String, Tensor)], preds: &Items, target: &Items) -> Result<Parts>;
}

/// A loss of a batch, with gradient: the whole, and each of the [`Loss::part_names`], all 0-d.
struct Parts {
    whole: Tensor,
    parts: Vec<Tensor>,
}

/// A loss of one prediction and one target, without parts or parameters of its own.
trait TensorLoss {
    /// Refuses parameters out of range, with the name of the key.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The weights of the classes, if they differ; float32 `[classes]` on the device in [`TensorLoss::forward`].
    fn class_weights(&self) -> Option<&[f64]> {
        None
    }

    /// Looks at the values of a batch whose shapes fit for mistakes that no shape shows. Waits for the device.
    ///
    /// # Errors
    /// Values that the loss is not made for.
    fn look_at(&self, _preds: &Tensor, _target: &Tensor) -> Result<()> {
        Ok(())
    }

    /// The loss of a batch, 0-d, with gradient.
    fn forward(&self, weights: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor>;
}

/// A [`TensorLoss`], and the tensors of the batch that it compares.
struct OfTensors<L> {
    loss: L,
    chosen: Chosen,
    weights: Option<Tensor>,
}

impl<L: TensorLoss> Loss for OfTensors<L> {
    fn prepare(&mut self, device: Device) -> Result<()> {
        self.weights = class_weights::on_device(self.loss.class_weights(), device)?;
        Ok(())
    }

    fn look_at(&self, preds: &Items, target: &Items) -> Result<()> {
        let (preds, target) = self.chosen.of(preds, target)?;
        let looked = self.loss.look_at(preds, target);
        looked.map_err(|error| refusal::of_pair(preds, target, &error))
    }

    fn forward(&self, _: &[(String, Tensor)], preds: &Items, target: &Items) -> Result<Parts> {
        let (preds, target) = self.chosen.of(preds, target)?;
        let loss = self.loss.forward(self.weights.as_ref(), preds, target);
        Ok(Parts {
            whole: loss.map_err(|error| refusal::of_pair(preds, target, &error))?,
            parts: Vec::new(),
        })
    }
}

/// A loss and the parameters it was read from, those with default values included.
struct Parsed {
    loss: Box<dyn Loss>,
    parameters: Map<String, Value>,
}

/// Reads a loss of one prediction and one target. Beside its own parameters it has `preds` and `target`.
fn read<L>(owner: &str, block: &Value) -> Result<Parsed>
where
    L: TensorLoss + DeserializeOwned + Serialize + 'static,
{
    let (chosen, own) = Chosen::take(owner, block)?;
    let loss: L = params::read(owner, &own)?;
    loss.check()
        .with_context(|| format!("parameters of {owner}"))?;
    let mut parameters = written(owner, &loss)?;
    chosen.write(&mut parameters);
    let loss = Box::new(OfTensors {
        loss,
        chosen,
        weights: None,
    });
    Ok(Parsed { loss, parameters })
}

/// Reads a loss that looks at all predictions and targets itself.
fn read_whole<L>(owner: &str, block: &Value) -> Result<Parsed>
where
    L: Loss + DeserializeOwned + Serialize + 'static,
{
    let loss: L = params::read(owner, block)?;
    let parameters = written(owner, &loss)?;
    let loss = Box::new(loss);
    Ok(Parsed { loss, parameters })
}

/// The parameters of a loss as a recipe would write them.
fn written(owner: &str, loss: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(loss)? {
        Value::Object(parameters) => Ok(parameters),
        _ => bail!("{owner} has parameters that are no mapping"),
    }
}

/// One batch's loss.
pub struct LossOutput {
    /// 0-d, with gradient: backward starts from it.
    pub loss: Tensor,
    /// 1-d, detached, one number for each of [`Criterion::item_names`]; may share memory with `loss`.
    pub items: Tensor,
}

/// A loss in use. Its parameters may change between batches.
pub struct Criterion {
    row: &'static Row,
    loss: Box<dyn Loss>,
    parameters: Map<String, Value>,
    /// The tensors of the loss that are trained, by name.
    trained: Vec<(String, Tensor)>,
    item_names: Vec<String>,
    device: Device,
    version: u64,
    /// The values of a batch have been looked at.
    has_looked: Cell<bool>,
}

/// The loss `name` with its parameters on `device`.
fn parse(row: &'static Row, block: &Value, device: Device) -> Result<Parsed> {
    let mut parsed = (row.read)(&format!("loss `{}`", row.name), block)?;
    parsed.loss.prepare(device)?;
    Ok(parsed)
}

impl Criterion {
    /// The loss `name` with the `criterion_params` in `block`, for predictions on `device`.
    ///
    /// # Errors
    /// An unknown loss (with the list and the nearest name); an unknown, mistyped or out-of-range parameter;
    /// class weights that cannot be moved to `device`.
    pub fn new(name: &str, block: &Value, device: Device) -> Result<Criterion> {
        let row = Row::find(name)?;
        let Parsed { loss, parameters } = parse(row, block, device)?;
        let mut item_names = vec!["loss".to_owned()];
        item_names.extend(loss.part_names());
        Ok(Criterion {
            row,
            trained: first_values(loss.as_ref(), device)?,
            loss,
            parameters,
            item_names,
            device,
            version: revision::fresh(),
            has_looked: Cell::new(false),
        })
    }

    /// The loss of a batch, a mean over its elements. Waits for the device at the first batch, whose values are looked
    /// at; later batches do not sync.
    ///
    /// `CrossEntropyLoss` takes `preds` `[N, C, …]` with class indices `[N, …]` (any integer kind) or class
    /// probabilities `[N, C, …]`; `PresenceLoss` `[N, C]` with rows `[M, k]`; `YoloXDetectionLoss` raw levels with rows
    /// `[M, 6]`; `MultiTaskLoss` what its parts take; the other losses take a target shaped as
    /// `preds`, where `[N]` also fits `[N, 1]`.
    ///
    /// # Errors
    /// Names, shapes and kinds that do not go together, in words; targets of the first batch that the loss is not made
    /// for. A class index out of range is an error on the CPU and in the first batch; later it makes the loss of a GPU no
    /// number, since to look at the target's values would cost a sync.
    pub fn forward(&self, preds: &Items, target: &Items) -> Result<LossOutput> {
        let parts = self
            .parts(preds, target)
            .map_err(|error| anyhow!("{} {error:#}", self.name()))?;
        let mut items = vec![parts.whole.f_detach()?.f_reshape([1])?];
        for part in parts.parts {
            items.push(part.f_detach()?.f_reshape([1])?);
        }
        Ok(LossOutput {
            loss: parts.whole,
            items: match items.as_slice() {
                [whole] => whole.shallow_clone(),
                several => Tensor::f_cat(several, 0)?,
            },
        })
    }

    fn parts(&self, preds: &Items, target: &Items) -> Result<Parts> {
        let parts = self.loss.forward(&self.trained, preds, target)?;
        if !self.has_looked.replace(true) {
            self.loss.look_at(preds, target)?;
        }
        Ok(parts)
    }

    /// The tensors of the loss that are trained, by name. The network adopts them: there they are parameters like its
    /// own, under a prefix.
    pub fn trained(&self) -> &[(String, Tensor)] {
        &self.trained
    }

    /// The name as PyTorch writes it.
    pub fn name(&self) -> &'static str {
        self.row.name
    }

    /// A number that differs after each change of a parameter.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The names of the numbers in [`LossOutput::items`]: "loss" for the whole, then the parts.
    pub fn item_names(&self) -> &[String] {
        &self.item_names
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

    /// Takes parameters of a [`Criterion::state`] of this name; those that are left out stay.
    ///
    /// # Errors
    /// The state of another loss, or parameters that are refused now; the criterion stays as it was.
    pub fn restore(&mut self, name: &Value, parameters: &Map<String, Value>) -> Result<()> {
        if name != self.name() {
            bail!(
                "this state is of loss {name}, the recipe trains with `{}`",
                self.name()
            );
        }
        let mut all = self.parameters.clone();
        all.extend(parameters.clone());
        self.replace(&Value::Object(all))
    }

    /// Takes other parameters. What is trained stays; parameters that would need other tensors are refused.
    fn replace(&mut self, parameters: &Value) -> Result<()> {
        let new = Criterion::new(self.name(), parameters, self.device)?;
        for key in self.loss.of_network() {
            ensure!(
                new.parameters.get(*key) == self.parameters.get(*key),
                "loss `{}`: `{key}` says how the network is built, and cannot change during a run",
                self.name()
            );
        }
        ensure!(
            new.item_names == self.item_names && same_tensors(&new.trained, &self.trained),
            "loss `{}`: its parts and what it trains cannot change during a run",
            self.name()
        );
        self.loss = new.loss;
        self.parameters = new.parameters;
        self.version = new.version;
        Ok(())
    }
}

/// The tensors that a loss trains, with their first values: float32, 1-d, on `device`.
fn first_values(loss: &dyn Loss, device: Device) -> Result<Vec<(String, Tensor)>> {
    let mut trained = Vec::new();
    for (name, values) in loss.own_parameters() {
        let tensor = Tensor::f_from_slice(&values)?.f_to_device(device)?;
        trained.push((name.to_owned(), tensor.f_set_requires_grad(true)?));
    }
    Ok(trained)
}

fn same_tensors(left: &[(String, Tensor)], right: &[(String, Tensor)]) -> bool {
    let mut pairs = left.iter().zip(right);
    left.len() == right.len() && pairs.all(|(a, b)| a.0 == b.0 && a.1.size() == b.1.size())
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
