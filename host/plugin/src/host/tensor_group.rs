//! The contract's `tensor-group`: many named tensors in one crossing, on multi-tensor kernels.

use std::rc::Rc;

use phasebox_contract::limits::Limit;
use phasebox_nn::tensor_group::TensorGroup;
use tch::{Kind, TchError, Tensor};
use torch_ext::TensorList;
use wasmtime::component::Resource;

use super::argument_checks::{check_order, check_word};
use super::dtype::check_whole;
use crate::bindings::tensor::HostTensorGroup;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refusal, refuse};
use crate::markers::{GroupHandle, TensorHandle};
use crate::owner::{GroupEntry, Owner};
use crate::state::PluginState;
use crate::torch_call::torch_call;

type Handle = Resource<GroupHandle>;

/// The steps that operations on groups are made of.
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
        // Multi-tensor kernels raise on no tensors, and changing none of them is nothing to do.
        if group.members.is_empty() {
            return Ok(());
        }
        Ok(operation(group.members.list())?)
    }

    /// A change of all members by arithmetic that only floating point has.
    fn change_floats(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&TensorList) -> Result<(), torch_ext::Error>,
    ) -> HostResult<()> {
        check_floats(&self.group(this)?.members)?;
        self.change(this, operation)
    }

    /// A change of all members by those of another group, one by one. Members that are not floating point,
    /// such as the counts of a batch normalization, have a rule of their own: `whole`.
    fn change_by(
        &mut self,
        this: &Handle,
        other: &Handle,
        floats: impl FnOnce(&TensorList, &TensorList) -> Result<(), torch_ext::Error>,
        whole: impl Fn(&mut Tensor, &Tensor) -> Result<(), TchError>,
    ) -> HostResult<()> {
        let to = self.group(this)?.members.clone();
        let from = self.group(other)?.members.clone();
        check_alike(&to, &from)?;
        if check_floats(&to).is_ok() {
            return self.change(this, |list| floats(list, from.list()));
        }
        self.group(this)?.owner.check_change(self.grants)?;
        self.launch(1 + whole_pairs(&to, &from).count() as u64)?;
        for (x, y) in whole_pairs(&to, &from) {
            torch_call(|| whole(&mut x.shallow_clone(), y))?;
        }
        let list = TensorList::from_tensors(float_pairs(&to, &from).map(|(x, _)| x))?;
        let by = TensorList::from_tensors(float_pairs(&to, &from).map(|(_, y)| y))?;
        Ok(floats(&list, &by)?)
    }

    /// One number, or one for each member. Of a group without members it is zeros of `empty_shape`.
    fn measure(
        &mut self,
        this: &Handle,
        empty_shape: &[i64],
        empty_kind: Kind,
        operation: impl FnOnce(&TensorList) -> Result<Tensor, torch_ext::Error>,
    ) -> HostResult<Resource<TensorHandle>> {
        self.check_room(1)?;
        self.launch(1)?;
        let members = &self.group(this)?.members;
        let result = match members.is_empty() {
            true => Tensor::f_zeros(empty_shape, (empty_kind, self.device("")?))?,
            false => operation(members.list())?,
        };
        self.make(result)
    }

    /// Limits the norm of all members together, which the caller may change. Answers the norm before.
    pub(super) fn clip_group(
        &mut self,
        members: &TensorGroup,
        max_norm: f64,
        p: f64,
    ) -> HostResult<Resource<TensorHandle>> {
        check_positive("max-norm", max_norm)?;
        check_order(p)?;
        check_floats(members)?;
        self.check_room(1)?;
        self.launch(1)?;
        let norm = match members.is_empty() {
            true => Tensor::f_zeros([], (Kind::Float, self.device("")?))?,
            false => members.list().clip_grad_norm_(max_norm, p)?,
        };
        self.make(norm)
    }

    fn check_norm(&self, this: &Handle, p: f64) -> HostResult<()> {
        check_order(p)?;
        check_floats(&self.group(this)?.members)
    }

    /// A copy that outlives the call, and the bytes that are charged for it.
    pub(super) fn copy_group(&mut self, handle: &Handle) -> HostResult<(Rc<TensorGroup>, u64)> {
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

/// The members of two groups side by side.
fn pairs<'a>(
    to: &'a TensorGroup,
    from: &'a TensorGroup,
) -> impl Iterator<Item = (&'a Tensor, &'a Tensor)> {
    let pairs = to.named().iter().zip(from.named());
    pairs.map(|((_, x), (_, y))| (x, y))
}

fn float_pairs<'a>(
    to: &'a TensorGroup,
    from: &'a TensorGroup,
) -> impl Iterator<Item = (&'a Tensor, &'a Tensor)> {
    pairs(to, from).filter(|(x, _)| x.is_floating_point())
}

fn whole_pairs<'a>(
    to: &'a TensorGroup,
    from: &'a TensorGroup,
) -> impl Iterator<Item = (&'a Tensor, &'a Tensor)> {
    pairs(to, from).filter(|(x, _)| !x.is_floating_point())
}

/// Refuses a group with a member that is not floating point, before anything has changed: multi-tensor
/// kernels would stop at the first such member.
fn check_floats(members: &TensorGroup) -> HostResult<()> {
    let Some((name, tensor)) = members.first_not_floating() else {
        return Ok(());
    };
    let kind = tensor.kind();
    refuse(
        ErrorCode::DtypeMismatch,
        format!("`{name}` is {kind:?}, not floating point: leave it out with `matching`"),
    )
}

/// Refuses groups whose members are not of the same number, shapes and dtypes.
fn check_alike(a: &TensorGroup, b: &TensorGroup) -> HostResult<()> {
    if a.is_alike(b) {
        return Ok(());
    }
    let here = a.named().len();
    let there = b.named().len();
    if here != there {
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("the groups have {here} and {there} members: they must be the same"),
        );
    }
    let mut members = a.named().iter().zip(b.named());
    members.try_for_each(|((name, x), (_, y))| check_alike_members(name, x, y))
}

fn check_alike_members(name: &str, x: &Tensor, y: &Tensor) -> HostResult<()> {
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
    Ok(())
}

/// Refuses a factor that is a fraction, if any member is an integer.
fn check_whole_factor(members: &TensorGroup, factor: f64) -> HostResult<()> {
    if members.first_not_floating().is_none() {
        return Ok(());
    }
    let mut members = members.named().iter();
    members.try_for_each(|(_, member)| check_whole(&[member], &[factor]))
}

/// Refuses a number that is not above 0; `what` is its name in the refusal.
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
        let members = self.group(&this)?.members.named().iter();
        Ok(members.map(|(name, _)| name.clone()).collect())
    }

    fn len(&mut self, this: Handle) -> HostResult<u32> {
        Ok(self.group(&this)?.members.named().len() as u32)
    }

    fn get(&mut self, this: Handle, name: String) -> HostResult<Resource<TensorHandle>> {
        check_word(&name)?;
        let group = self.group(&this)?;
        let mut members = group.members.named().iter();
        let Some((_, tensor)) = members.find(|(known, _)| *known == name) else {
            let name = clip(&name);
            return refuse(
                ErrorCode::NotAvailable,
                format!("no member is named `{name}`; `names` lists them"),
            );
        };
        let tensor = tensor.shallow_clone();
        let owner = group.owner;
        self.lend(tensor, owner)
    }

    fn matching(&mut self, this: Handle, glob: String) -> HostResult<Handle> {
        check_word(&glob)?;
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
        let inserted = self.groups.insert_kept(GroupEntry {
            members,
            owner: Owner::Callback,
            charged_bytes,
        });
        let index = inserted.inspect_err(|_| self.release_kept(charged_bytes))?;
        Ok(Resource::new_own(index))
    }

    fn numel(&mut self, this: Handle) -> HostResult<u64> {
        let members = self.group(&this)?.members.named().iter();
        Ok(members.map(|(_, tensor)| tensor.numel() as u64).sum())
    }

    fn norm(&mut self, this: Handle, p: f64) -> HostResult<Resource<TensorHandle>> {
        self.check_norm(&this, p)?;
        self.measure(&this, &[], Kind::Float, |list| list.norm(p))
    }

    fn norms(&mut self, this: Handle, p: f64) -> HostResult<Resource<TensorHandle>> {
        self.check_norm(&this, p)?;
        self.measure(&this, &[0], Kind::Float, |list| list.norms(p))
    }

    fn relative_change(
        &mut self,
        this: Handle,
        before: Handle,
        p: f64,
    ) -> HostResult<Resource<TensorHandle>> {
        self.check_norm(&this, p)?;
        let before = self.group(&before)?.members.clone();
        check_alike(&self.group(&this)?.members, &before)?;
        self.measure(&this, &[], Kind::Float, |list| {
            list.relative_change(before.list(), p)
        })
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
        let group = self.group(&this)?;
        group.owner.check_change(self.grants)?;
        let members = group.members.clone();
        self.clip_group(&members, max_norm, p)
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
            match shift {
                0.0 => Ok(()),
                _ => list.add_scalar_(shift),
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
        check_whole_factor(&self.group(&this)?.members, alpha)?;
        self.change_by(
            &this,
            &other,
            |list, other| list.add_(other, alpha),
            |x, y| Ok(torch_ext::add_(x, y, alpha)?),
        )
    }

    fn lerp_in_place(&mut self, this: Handle, end: Handle, weight: f64) -> HostResult<()> {
        // A count has no mean: an average of a whole state takes the newest.
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
        let members = self.group(&this)?.members.clone();
        check_alike(&members, &self.group(&other)?.members)?;
        self.charge(Limit::CallTensors, members.bytes())?;
        let aside = members.duplicate()?;
        self.change_by(&this, &other, TensorList::copy_, |x, y| x.f_copy_(y))?;
        self.change(&other, |list| list.copy_(aside.list()))
    }

    fn drop(&mut self, this: Handle) -> wasmtime::Result<()> {
        self.forget_group(&this);
        Ok(())
    }
}
