//! The weights of a network during a trial: a step that makes them useless shows there before it shows in a loss. Owns the
//! largest change that a trial lets pass.

use anyhow::{Error, Result};
use phasebox_recipe::{Content, Node, Recipe};
use phasebox_train::context::Context;
use tch::Tensor;
use torch_ext::TensorList;

/// A weight this many times as large as the largest at the beginning (1 at least) has left what any network computes with.
/// Batch normalization of two samples alone can make weights of 1e6.
const MOST_GROWTH: f64 = 1e8;

/// The largest magnitudes of the weights.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weights {
    before: Option<f64>,
    /// The rate of the step in progress; a callback may have set it.
    learning_rate: f64,
    broken: Option<Broken>,
}

/// The first moment at which the weights were useless.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "after a step at learning rate {learning_rate} the weights are as large as {largest:e}: give the optimizer other \
     parameters, or a smaller learning rate"
)]
pub(super) struct Broken {
    largest: f64,
    learning_rate: f64,
}

impl Weights {
    /// Notes the rate that a step begins with.
    pub(super) fn note_rate(&mut self, context: &Context) {
        let group = context.optimizer.groups().first();
        self.learning_rate = group.map_or(0.0, |group| group.learning_rate);
    }

    /// Looks at the weights: one reduction over all of them. Waits for the device. A step for a loss that is no number is
    /// not to blame.
    pub(super) fn look(&mut self, context: &Context) -> Result<()> {
        let parameters = context.net.parameters().iter();
        let parameters = parameters.map(|(_, tensor)| tensor);
        let list = TensorList::from_tensors(parameters)?;
        let norm = list.norm(f64::INFINITY)?;
        let largest = norm.f_double_value(&[])?;
        let before = *self.before.get_or_insert(largest);
        let is_sound = largest <= before.max(1.0) * MOST_GROWTH;
        if !is_sound && self.broken.is_none() && is_finite(context.loss.as_ref())? {
            let learning_rate = self.learning_rate;
            self.broken = Some(Broken {
                largest,
                learning_rate,
            });
        }
        Ok(())
    }

    /// Refuses a recipe whose steps make the weights useless.
    pub(super) fn check(&self, recipe: &Recipe) -> Result<()> {
        let Some(broken) = self.broken else {
            return Ok(());
        };
        let place = &place(recipe, broken.learning_rate).location;
        let message = match huge_of_loss(recipe) {
            Some(_) => {
                "a trial of the recipe failed in training, perhaps since the loss has a number so large"
            }
            None => "a trial of the recipe failed in training",
        };
        Err(Error::new(broken).context(place.error(message)))
    }
}

fn is_finite(loss: Option<&Tensor>) -> Result<bool> {
    let value = loss.map_or(Ok(0.0), |loss| loss.f_double_value(&[]))?;
    Ok(value.is_finite())
}

/// The rate where a callback has it written, or else the parameters of the optimizer, or its rate.
fn place(recipe: &Recipe, rate: f64) -> &Node {
    let training = &recipe.training_hyperparams;
    let mut entries = training.phase_callbacks.iter();
    if let Some(written) = entries.find_map(|entry| number_in(&entry.written, rate)) {
        return written;
    }
    if let Some(written) = huge_of_loss(recipe) {
        return written;
    }
    let params = &training.optimizer_params;
    match params.entries().is_empty() {
        true => training.schedule.get("initial_lr").unwrap_or(params),
        false => params,
    }
}

/// A number of the loss that makes gradients useless whatever the rate.
fn huge_of_loss(recipe: &Recipe) -> Option<&Node> {
    const HUGE: f64 = 1e6;
    let training = &recipe.training_hyperparams;
    let is_huge = |number: f64| number.abs() >= HUGE;
    let inline = training.loss.entries().first().map(|entry| &entry.value);
    let mut sections = inline.into_iter().chain([&training.criterion_params]);
    sections.find_map(|section| find_number(section, &is_huge))
}

fn number_in(node: &Node, number: f64) -> Option<&Node> {
    find_number(node, &|found| found == number)
}

/// The first number that is meant.
fn find_number<'a>(node: &'a Node, is_meant: &dyn Fn(f64) -> bool) -> Option<&'a Node> {
    match &node.content {
        Content::List(items) => items.iter().find_map(|item| find_number(item, is_meant)),
        Content::Map(entries) => {
            let mut values = entries.iter().map(|entry| &entry.value);
            values.find_map(|value| find_number(value, is_meant))
        }
        Content::Scalar(value) => value.as_f64().is_some_and(is_meant).then_some(node),
        Content::Unavailable(_) => None,
    }
}
