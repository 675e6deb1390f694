//! The tensors of a batch as handles: inputs, target and predictions, one alone or all by name, and what may take the
//! place of one. Owns neither rights nor the phases at which they may be replaced.

use phasebox_train::context::Context;
use phasebox_train::trace::Part;
use tch::{Device, Tensor};
use torch_ext::Items;
use wasmtime::component::Resource;

use super::argument_checks::check_word;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refusal, refuse};
use crate::markers::{GroupHandle, TensorHandle};
use crate::owner::Owner;
use crate::state::PluginState;
use phasebox_nn::tensor_group::TensorGroup;

/// A kind of tensors of the batch.
#[derive(Clone, Copy)]
pub(super) enum Batched {
    Inputs,
    Target,
    Preds,
}

impl Batched {
    fn owner(self) -> Owner {
        match self {
            Batched::Inputs => Owner::Inputs,
            Batched::Target => Owner::Target,
            Batched::Preds => Owner::Predictions,
        }
    }

    /// The name of its functions in the contract, and of a tensor that has none of its own.
    fn name(self) -> &'static str {
        match self {
            Batched::Inputs => "inputs",
            Batched::Target => "target",
            Batched::Preds => "preds",
        }
    }

    /// The part of a trace that its tensors are.
    pub(super) fn part(self) -> Part {
        match self {
            Batched::Inputs => Part::Inputs,
            Batched::Target => Part::Target,
            Batched::Preds => Part::Preds,
        }
    }

    /// The phases at which it is set, in words.
    pub(super) fn set_from(self) -> &'static str {
        match self {
            Batched::Inputs => "inputs exist during batch phases",
            Batched::Target => "the target exists during batch phases",
            Batched::Preds => {
                "predictions exist from on-train-batch-forward-end on, and at the end of evaluation batches"
            }
        }
    }

    fn of(self, context: &Context) -> Option<&Items> {
        match self {
            Batched::Inputs => context.inputs.as_ref(),
            Batched::Target => context.target.as_ref(),
            Batched::Preds => context.preds.as_ref(),
        }
    }

    fn of_mut(self, context: &mut Context) -> &mut Option<Items> {
        match self {
            Batched::Inputs => &mut context.inputs,
            Batched::Target => &mut context.target,
            Batched::Preds => &mut context.preds,
        }
    }
}

impl PluginState {
    /// A handle to a tensor of the batch. If it is not set, the refusal says when it is: `set_from`.
    pub(super) fn lend_of_batch(
        &mut self,
        (owner, part): (Owner, Part),
        set_from: &str,
        field: impl FnOnce(&Context) -> Option<&Tensor>,
    ) -> HostResult<Resource<TensorHandle>> {
        let context = self.context()?;
        let Some(tensor) = field(context).map(Tensor::shallow_clone) else {
            return not_set(context, part, set_from);
        };
        self.lend(tensor, owner)
    }

    /// A handle to the only tensor of a kind.
    pub(super) fn lend_single(&mut self, kind: Batched) -> HostResult<Resource<TensorHandle>> {
        let context = self.context()?;
        let tensor = match kind.of(context) {
            None => return not_set(context, kind.part(), kind.set_from()),
            Some(items) => match items.one() {
                Some(tensor) => tensor.shallow_clone(),
                None => return several(kind, items),
            },
        };
        self.lend(tensor, kind.owner())
    }

    /// A handle to all tensors of a kind, by name.
    pub(super) fn lend_all(&mut self, kind: Batched) -> HostResult<Resource<GroupHandle>> {
        let context = self.context()?;
        let Some(items) = kind.of(context) else {
            return not_set(context, kind.part(), kind.set_from());
        };
        let named = items.iter(kind.name());
        let named = named.map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()));
        let members = TensorGroup::new(named.collect())?;
        self.lend_group(members, kind.owner())
    }

    /// Puts a tensor in the place of the one called `name`, or of the only one.
    pub(super) fn replace_in_batch(
        &mut self,
        kind: Batched,
        name: Option<&str>,
        value: &Resource<TensorHandle>,
    ) -> HostResult<()> {
        check_word(name.unwrap_or_default())?;
        let value = self.become_part(value, kind.owner())?;
        let context = self.context()?;
        let (device, samples) = (context.device, context.batch_size as i64);
        let set_from = kind.set_from();
        let Some(items) = kind.of_mut(context) else {
            return not_set(context, kind.part(), set_from);
        };
        let old = match name {
            None => items.one().map_or_else(|| several(kind, items), Ok)?,
            Some(name) if name == kind.name() && items.names().is_empty() => items.single(name)?,
            Some(name) => named(kind, items, name)?,
        };
        check_replacement(&value, kind, device, old, samples)?;
        match name {
            Some(name) if !items.names().is_empty() => items.replace(name, value)?,
            _ => *items = value.into(),
        }
        Ok(())
    }
}

/// The refusal of a tensor of the batch that there is none of; `set_from` says when there is.
#[cold]
pub(super) fn not_set<T>(context: &Context, part: Part, set_from: &str) -> HostResult<T> {
    let phase = context.phase;
    let untraced = context.not_traced(part);
    let message = untraced.unwrap_or_else(|| format!("not set at {phase}: {set_from}"));
    refuse(ErrorCode::NotAvailable, message)
}

impl PluginState {
    /// Refuses a part of the network that a replayed trace did not keep.
    #[inline]
    pub(super) fn check_traced(&mut self, part: Part) -> HostResult<()> {
        let untraced = self.context()?.not_traced(part);
        untraced.map_or(Ok(()), |message| refuse(ErrorCode::NotAvailable, message))
    }

    /// Refuses what no trace keeps, in a replay.
    #[inline]
    pub(super) fn check_trains(&mut self, what: &str) -> HostResult<()> {
        let beyond = self.context()?.beyond_traces(what);
        beyond.map_or(Ok(()), |message| refuse(ErrorCode::NotAvailable, message))
    }
}

#[cold]
fn several<T>(kind: Batched, items: &Items) -> HostResult<T> {
    let name = kind.name();
    refuse(
        ErrorCode::NotAvailable,
        format!(
            "this batch has {} tensors as {name} ({}): use `{name}-group`",
            items.len(),
            items.names().join(", ")
        ),
    )
}

fn named<'a>(kind: Batched, items: &'a Items, name: &str) -> HostResult<&'a Tensor> {
    items.get(name).map_err(|_| {
        let known = items.names().join(", ");
        refusal(
            ErrorCode::InvalidArgument,
            format!("{} has no `{}`; it has {known}", kind.name(), clip(name)),
        )
    })
}

/// Refuses a tensor that is not on the run's device, or not of as many samples as the batch. Where rows are not samples,
/// as in a target of boxes, their number is free.
fn check_replacement(
    value: &Tensor,
    kind: Batched,
    device: Device,
    old: &Tensor,
    samples: i64,
) -> HostResult<()> {
    let what = kind.name();
    if value.device() != device {
        let device = phasebox_train::device::name(device);
        return refuse(
            ErrorCode::DeviceMismatch,
            format!("{what} must be on {device}"),
        );
    }
    let rows_are_samples = old.size().first() == Some(&samples);
    match value.size().first() {
        None => refuse(
            ErrorCode::ShapeMismatch,
            format!("{what} needs a first dimension, the samples"),
        ),
        Some(here) if rows_are_samples && *here != samples => refuse(
            ErrorCode::ShapeMismatch,
            format!("{what} has {here} samples, the batch has {samples}"),
        ),
        Some(_) => Ok(()),
    }
}
