//! Host side of the contract's `tensor-group`: many tensors in one crossing, on multi-tensor kernels.

use std::rc::Rc;

use phasebox_nn::tensor_group::TensorGroup;
use tch::{Kind, TchError, Tensor};
use torch_ext::TensorList;
use wasmtime::component::Resource;

use super::argument_checks::check_order;
use super::dtype::check_whole;
use crate::bindings::tensor::HostTensorGroup;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refusal, refuse};
use crate::markers::{GroupHandle, TensorHandle};
use crate::owner::{GroupEntry, Owner};
use crate::state::PluginState;
use crate::torch_call::torch_call;

type Handle = Resource<GroupHandle>;

impl PluginState {
    /// A change of all members, if the recipe grants it.
    fn change(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&TensorList) -> Result<(), torch_ext::Error>,
    ) -> HostResult<()> {
        self.launch(1)?;
        let group = self.group(this)?;
        group.owner.check_change(self.grants)?;
        // Multi-tensor kernels raise on no tensors; changing none of them is nothing to do.
        if group.members.is_empty() {
            Ok(())
        } else {
            Ok(operation(group.members.list())?)
        }
    }

    /// The same for arithmetic that only floating point members have.
    fn change_floats(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&TensorList) -> Result<(), torch_ext::Error>,
    ) -> HostResult<()> {
        check_floats(&self.group(this)?.members)?;
        self.change(this, operation)
    }

    /// A change of all members by those of another group, one by one. Members that are not floating point,
    /// such as the counts of a batch normalisation, have a rule of their own: `whole`.
    fn change_by(
        &mut self,
        this: &Handle,
        other: &Handle,
        floats: impl FnOnce(&TensorList, &TensorList) -> Result<(), torch_ext::Error>,
        whole: impl Fn(&mut Tensor, &Tensor) -> Result<(), TchError>,
    ) -> HostResult<()> {
        let (to, from) = (
            self.group(this)?.members.clone(),
            self.group(other)?.members.clone(),
        );
        check_alike(&to, &from)?;
        if check_floats(&to).is_ok() {
            return self.change(this, |list| floats(list, from.list()));
        }
        self.group(this)?.owner.check_change(self.grants)?;
        let others = to
            .named()
            .iter()
            .filter(|(_, x)| !x.is_floating_point())
            .count() as u64;
        self.launch(1 + others)?;
        let pairs = || {
            to.named()
                .iter()
                .zip(from.named())
                .map(|((_, x), (_, y))| (x, y))
        };
        for (x, y) in pairs().filter(|(x, _)| !x.is_floating_point()) {
            torch_call(|| whole(&mut x.shallow_clone(), y))?;
        }
        let list =
            TensorList::from_tensors(pairs().map(|(x, _)| x).filter(|x| x.is_floating_point()))?;
        let by =
            TensorList::from_tensors(pairs().map(|(_, y)| y).filter(|y| y.is_floating_point()))?;
        Ok(floats(&list, &by)?)
    }

    /// A number, or one a member; of no members it is zeros of `shape_of_none`.
    fn measure(
        &mut self,
        this: &Handle,
        shape_of_none: &[i64],
        kind_of_none: Kind,
        operation: impl FnOnce(&TensorList) -> Result<Tensor, torch_ext::Error>,
    ) -> HostResult<Resource<TensorHandle>> {
        self.launch(1)?;
        let members = &self.group(this)?.members;
        let result = if members.is_empty() {
            Tensor::f_zeros(shape_of_none, (kind_of_none, self.device("")?))?
        } else {
            operation(members.list())?
        };
        self.make(result)
    }
}

/// Refuses before anything has changed: multi-tensor kernels would stop at the first such member.
fn check_floats(members: &TensorGroup) -> HostResult<()> {
    match members.first_not_floating() {
        None => Ok(()),
        Some((name, tensor)) => refuse(
            ErrorCode::DtypeMismatch,
            format!(
                "`{name}` is {:?}, not floating point: leave it out with `matching`",
                tensor.kind()
            ),
        ),
    }
}

fn check_alike(a: &TensorGroup, b: &TensorGroup) -> HostResult<()> {
    if a.is_alike(b) {
        return Ok(());
    }
    if a.named().len() != b.named().len() {
        let (a, b) = (a.named().len(), b.named().len());
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("the groups have {a} and {b} members: they must be the same"),
        );
    }
    for ((name, x), (_, y)) in a.named().iter().zip(b.named()) {
        if x.size() != y.size() {
            return refuse(
                ErrorCode::ShapeMismatch,
                format!("`{name}` is {:?} here and {:?} there", x.size(), y.size()),
            );
        }
        if x.kind() != y.kind() {
            return refuse(
                ErrorCode::DtypeMismatch,
                format!("`{name}` is {:?} here and {:?} there", x.kind(), y.kind()),
            );
        }
    }
    Ok(())
}

fn check_positive(what: &str, value: f64) -> HostResult<()> {
    if value > 0.0 {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("{what} must be above 0, not {value}"),
    )
}

impl HostTensorGroup for PluginState {
    fn names(&mut self, this: Handle) -> HostResult<Vec<String>> {
        Ok(self
            .group(&this)?
            .members
            .named()
            .iter()
            .map(|(name, _)| name.clone())
            .collect())
    }

    fn len(&mut self, this: Handle) -> HostResult<u32> {
        Ok(self.group(&this)?.members.named().len() as u32)
    }

    fn get(&mut self, this: Handle, name: String) -> HostResult<Resource<TensorHandle>> {
        let group = self.group(&this)?;
        let found = group
            .members
            .named()
            .iter()
            .find(|(known, _)| *known == name);
        let Some((_, tensor)) = found else {
            return refuse(
                ErrorCode::NotAvailable,
                format!("no member is named `{}`; `names` lists them", clip(&name)),
            );
        };
        let (tensor, owner) = (tensor.shallow_clone(), group.owner);
        self.lend(tensor, owner)
    }

    fn matching(&mut self, this: Handle, glob: String) -> HostResult<Handle> {
        let group = self.group(&this)?;
        let members = group.members.matching(&glob).map_err(|error| {
            refusal(
                ErrorCode::InvalidArgument,
                format!("`{}` is no glob: {error}", clip(&glob)),
            )
        })?;
        let owner = group.owner;
        self.lend_group(members, owner)
    }

    fn duplicate(&mut self, this: Handle) -> HostResult<Handle> {
        let (members, charged_bytes) = self.copy_group(&this)?;
        let entry = GroupEntry {
            members,
            owner: Owner::Callback,
            charged_bytes,
        };
        let inserted = self.groups.insert_kept(entry);
        Ok(Resource::new_own(
            inserted.inspect_err(|_| self.release_kept(charged_bytes))?,
        ))
    }

    fn numel(&mut self, this: Handle) -> HostResult<u64> {
        Ok(self
            .group(&this)?
            .members
            .named()
            .iter()
            .map(|(_, tensor)| tensor.numel() as u64)
            .sum())
    }

    fn norm(&mut self, this: Handle, p: f64) -> HostResult<Resource<TensorHandle>> {
        self.check_norm(&this, p)?;
        self.measure(&this, &[], Kind::Float, |list| list.norm(p))
    }

    fn norms(&mut self, this: Handle, p: f64) -> HostResult<Resource<TensorHandle>> {
        self.check_norm(&this, p)?;
        self.measure(&this, &[0], Kind::Float, |list| list.norms(p))
    }

    fn count_nonfinite(&mut self, this: Handle) -> HostResult<Resource<TensorHandle>> {
        self.measure(&this, &[], Kind::Int64, TensorList::count_nonfinite)
    }

    fn clip_norm_in_place(
        &mut self,
        this: Handle,
        max_norm: f64,
        p: f64,
    ) -> HostResult<Resource<TensorHandle>> {
        check_positive("max-norm", max_norm)?;
        self.check_norm(&this, p)?;
        self.group(&this)?.owner.check_change(self.grants)?;
        self.measure(&this, &[], Kind::Float, |list| {
            list.clip_grad_norm_(max_norm, p)
        })
    }

    fn clip_value_in_place(&mut self, this: Handle, limit: f64) -> HostResult<()> {
        check_positive("limit", limit)?;
        self.change_floats(&this, |list| {
            list.clamp_min_(-limit)?;
            list.clamp_max_(limit)
        })
    }

    fn affine_in_place(&mut self, this: Handle, scale: f64, shift: f64) -> HostResult<()> {
        self.change_floats(&this, |list| {
            list.mul_scalar_(scale)?;
            if shift == 0.0 {
                Ok(())
            } else {
                list.add_scalar_(shift)
            }
        })
    }

    fn mul_in_place(&mut self, this: Handle, factor: Resource<TensorHandle>) -> HostResult<()> {
        let factor = self.tensor(&factor)?.shallow_clone();
        if factor.numel() != 1 {
            return refuse(
                ErrorCode::ShapeMismatch,
                format!("the factor must be one number, not {:?}", factor.size()),
            );
        }
        let factor = factor.f_reshape(&[] as &[i64])?;
        self.change_floats(&this, |list| list.mul_tensor_(&factor))
    }

    fn add_in_place(&mut self, this: Handle, other: Handle, alpha: f64) -> HostResult<()> {
        let members = &self.group(&this)?.members;
        if members.first_not_floating().is_some() {
            members
                .named()
                .iter()
                .try_for_each(|(_, member)| check_whole(&[member], &[alpha]))?;
        }
        let whole = |x: &mut Tensor, y: &Tensor| Ok(torch_ext::add_(x, y, alpha)?);
        self.change_by(&this, &other, |list, other| list.add_(other, alpha), whole)
    }

    fn lerp_in_place(&mut self, this: Handle, end: Handle, weight: f64) -> HostResult<()> {
        // What counts has no mean: an average of a whole state takes the newest.
        self.change_by(
            &this,
            &end,
            |list, end| list.lerp_(end, weight),
            |x, y| x.f_copy_(y),
        )
    }

    fn copy_in_place(&mut self, this: Handle, source: Handle) -> HostResult<()> {
        self.change_by(&this, &source, TensorList::copy_, |x, y| x.f_copy_(y))
    }

    fn swap_in_place(&mut self, this: Handle, other: Handle) -> HostResult<()> {
        self.group(&other)?.owner.check_change(self.grants)?;
        self.group(&this)?.owner.check_change(self.grants)?;
        let aside = self.group(&this)?.members.duplicate()?;
        self.change_by(&this, &other, TensorList::copy_, |x, y| x.f_copy_(y))?;
        self.change(&other, |list| list.copy_(aside.list()))
    }

    fn drop(&mut self, this: Handle) -> wasmtime::Result<()> {
        if let Some((entry, _)) = self.groups.remove(this.rep()) {
            self.release_kept(entry.charged_bytes);
        }
        Ok(())
    }
}

impl PluginState {
    fn check_norm(&self, this: &Handle, p: f64) -> HostResult<()> {
        check_order(p)?;
        check_floats(&self.group(this)?.members)
    }

    /// A copy that outlives the call, charged.
    pub(crate) fn copy_group(&mut self, handle: &Handle) -> HostResult<(Rc<TensorGroup>, u64)> {
        let members = self.group(handle)?.members.clone();
        let bytes = members.bytes();
        self.launch(members.named().len() as u64)?;
        self.charge_kept(bytes)?;
        let copied = members
            .duplicate()
            .inspect_err(|_| self.release_kept(bytes))?;
        Ok((copied, bytes))
    }
}
