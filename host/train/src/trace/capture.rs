//! The line of a phase: whatever a callback could read there without waiting, and the tensors that are kept. Owns the
//! comparison with the line before.

use std::collections::BTreeMap;

use anyhow::Result;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_data::DataLoader;
use phasebox_nn::optim::Optimizer;
use serde_json::{Map, Value};
use tch::Tensor;

use super::event::{Changes, Event, Numbers, SplitName};
use super::part::{Part, Parts};
use super::tensors::Copy;
use crate::context::Context;
use crate::number::Number;
use crate::split::Split;

/// Everything that the lines so far have said.
#[derive(Default)]
pub(super) struct Said {
    metrics: Vec<(String, Number)>,
    best: Option<(Number, u32)>,
    groups: BTreeMap<String, Numbers>,
    settings: BTreeMap<String, Map<String, Value>>,
    frozen: Vec<String>,
    tensors: BTreeMap<u8, Vec<Copy>>,
    /// There were gradients before: where they are freed, callbacks find zeros.
    has_gradients: bool,
}

impl Said {
    /// The line of a phase, without tensors.
    pub(super) fn event(&mut self, phase: Phase, context: &Context) -> Result<Event> {
        let new = self.changes(phase, context)?;
        Ok(Event {
            phase: phase.name().to_owned(),
            split: context.split.into(),
            epoch: context.epoch,
            batch: context.batch_idx,
            step: context.global_step,
            samples: context.samples_seen,
            batch_size: context.batch_size,
            is_last: context.is_last_batch,
            is_boundary: context.is_accumulation_boundary,
            accumulate: context.accumulation.planned(),
            is_stopping: context.control.stop.is_some(),
            elapsed: Number(context.elapsed().as_secs_f64()),
            outcome: context.outcome.as_ref().map(ToString::to_string),
            has: self.existing(context),
            new: (!new.is_empty()).then(|| Box::new(new)),
        })
    }

    fn changes(&mut self, phase: Phase, context: &Context) -> Result<Changes> {
        let metrics = context.metrics_dict.iter();
        let metrics = metrics.map(|(name, value)| (name.clone(), Number(*value)));
        let best = context.best_metric.map(Number).zip(context.best_epoch);
        let mut changes = Changes {
            metrics: renewed(&mut self.metrics, metrics.collect()),
            best: renewed(&mut self.best, best).flatten(),
            groups: renewed(&mut self.groups, groups(context.optimizer.as_ref())?),
            ..Changes::default()
        };
        // Within a batch, nobody reads these but who has set them.
        let begins = matches!(phase, Phase::TrainBatchStart);
        if begins || !PhaseSet::TRAIN_BATCH.contains(phase) && !phase.is_in_evaluation_batch() {
            changes.settings = renewed(&mut self.settings, settings(context)?);
            changes.frozen = renewed(&mut self.frozen, frozen(context));
        }
        Ok(changes)
    }

    /// The parts that exist now. The network's own always do.
    fn existing(&mut self, context: &Context) -> Vec<Part> {
        let gradients = context.net.parameters().iter();
        self.has_gradients |= gradients
            .take(1)
            .any(|(_, parameter)| parameter.grad().defined());
        let rows = [
            (Part::Inputs, context.inputs.is_some()),
            (Part::Target, context.target.is_some()),
            (Part::Preds, context.preds.is_some()),
            (Part::Loss, context.loss.is_some()),
            (Part::Additional, !context.additional_batch_items.is_empty()),
            (Part::Gradients, self.has_gradients),
        ];
        let there = rows.into_iter().filter(|(_, exists)| *exists);
        there.map(|(part, _)| part).collect()
    }

    /// Copies the kept tensors that exist. Answers the parts that differ from those of the line before. Syncs.
    pub(super) fn keep(&mut self, keeps: Parts, context: &Context) -> Result<Vec<Part>> {
        let mut renewed = Vec::new();
        for part in keeps.iter() {
            let tensors = tensors_of(part, context);
            let before = self.tensors.entry(part as u8).or_default();
            if tensors.is_empty() {
                // Callbacks find zeros where gradients were freed.
                let is_freed = part == Part::Gradients && !before.iter().all(Copy::is_zero);
                before.iter_mut().filter(|_| is_freed).for_each(Copy::clear);
                renewed.extend(is_freed.then_some(part));
                continue;
            }
            let copies: Result<Vec<Copy>> = tensors
                .iter()
                .map(|(name, tensor)| Copy::of(name, tensor))
                .collect();
            let copies = copies?;
            if *before != copies {
                *before = copies;
                renewed.push(part);
            }
        }
        Ok(renewed)
    }

    /// The tensors of a part, as the last line has them.
    pub(super) fn copies(&self, part: Part) -> &[Copy] {
        self.tensors.get(&(part as u8)).map_or(&[], Vec::as_slice)
    }
}

/// The bytes of the kept tensors that exist. Does not sync.
pub(super) fn bytes_of(keeps: Parts, context: &Context) -> u64 {
    let parts = keeps.iter();
    let tensors = parts.flat_map(|part| tensors_of(part, context));
    tensors.map(|(_, tensor)| torch_ext::bytes(&tensor)).sum()
}

/// The tensors of a part that exist now, by name.
pub(super) fn tensors_of(part: Part, context: &Context) -> Vec<(String, Tensor)> {
    let items = match part {
        Part::Inputs => context.inputs.as_ref(),
        Part::Target => context.target.as_ref(),
        Part::Preds => context.preds.as_ref(),
        Part::Additional => Some(&context.additional_batch_items),
        Part::Loss => return losses(context),
        Part::Gradients => return gradients(context),
        Part::Parameters => return shared(context.net.parameters()),
        Part::Buffers => return shared(context.net.buffers()),
    };
    let named = items.into_iter().flat_map(|items| items.iter(""));
    let named = named.map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()));
    named.collect()
}

/// The name of the loss among the tensors of its part; its parts are beside it.
pub(super) const LOSS: &str = "loss";
pub(super) const LOSS_ITEMS: &str = "items";

fn losses(context: &Context) -> Vec<(String, Tensor)> {
    let rows = [(LOSS, &context.loss), (LOSS_ITEMS, &context.loss_log_items)];
    let there = rows.into_iter();
    let there = there.filter_map(|(name, tensor)| Some((name.to_owned(), tensor.as_ref()?)));
    there
        .map(|(name, tensor)| (name, tensor.shallow_clone()))
        .collect()
}

fn gradients(context: &Context) -> Vec<(String, Tensor)> {
    let parameters = context.net.parameters().iter();
    let gradients = parameters.map(|(name, parameter)| (name.clone(), parameter.grad()));
    gradients
        .filter(|(_, gradient)| gradient.defined())
        .collect()
}

fn shared(named: &[(String, Tensor)]) -> Vec<(String, Tensor)> {
    let named = named.iter();
    named
        .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
        .collect()
}

/// The optimizer's hyperparameters by group, the learning rate among them.
pub(super) fn groups(optimizer: &dyn Optimizer) -> Result<BTreeMap<String, Numbers>> {
    let names = optimizer.hyperparameter_names();
    let mut groups = BTreeMap::new();
    for group in optimizer.groups() {
        let mut numbers = Numbers::new();
        for name in &names {
            let value = optimizer.hyperparameter(&group.name, name)?;
            numbers.insert((*name).to_owned(), Number(value));
        }
        groups.insert(group.name.clone(), numbers);
    }
    Ok(groups)
}

/// The name of the loss function among the settings; loaders have those of their splits.
pub(super) const CRITERION: &str = "criterion";

/// The parameters of the loss function and of the loaders.
pub(super) fn settings(context: &Context) -> Result<BTreeMap<String, Map<String, Value>>> {
    let test = context.test_loader.as_ref();
    let always = [
        ("train", &context.train_loader),
        ("validation", &context.valid_loader),
    ];
    let mut settings = BTreeMap::new();
    settings.insert(CRITERION.to_owned(), context.criterion.parameters().clone());
    for (name, loader) in always.into_iter().chain(test.map(|test| ("test", test))) {
        settings.insert(name.to_owned(), of_loader(loader)?);
    }
    Ok(settings)
}

fn of_loader(loader: &DataLoader) -> Result<Map<String, Value>> {
    let keys = loader.parameters().into_iter();
    keys.map(|key| loader.get(&key).map(|value| (key, value)))
        .collect()
}

/// The names of the parameters that do not learn.
pub(super) fn frozen(context: &Context) -> Vec<String> {
    let parameters = context.net.parameters().iter();
    let frozen = parameters.filter(|(_, parameter)| !parameter.requires_grad());
    frozen.map(|(name, _)| name.clone()).collect()
}

/// `now`, if it differs from `before`, whose place it takes.
fn renewed<T: PartialEq + Clone>(before: &mut T, now: T) -> Option<T> {
    if *before == now {
        return None;
    }
    before.clone_from(&now);
    Some(now)
}

impl From<Split> for SplitName {
    fn from(split: Split) -> SplitName {
        match split {
            Split::Train => SplitName::Train,
            Split::Validation => SplitName::Validation,
            Split::Test => SplitName::Test,
        }
    }
}

impl From<SplitName> for Split {
    fn from(split: SplitName) -> Split {
        match split {
            SplitName::Train => Split::Train,
            SplitName::Validation => Split::Validation,
            SplitName::Test => Split::Test,
        }
    }
}
