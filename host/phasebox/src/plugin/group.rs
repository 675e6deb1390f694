//! Host side of the contract's `tensor-group`: many tensors in one crossing, on multi-tensor kernels.

use globset::Glob;
use tch::{Kind, Tensor};
use torch_ext::TensorList;
use wasmtime::component::Resource;

use super::bindings::phasebox::train::tensor::HostTensorGroup;
use super::bindings::phasebox::train::types::ErrorCode;
use super::error::{HostResult, refusal, refuse};
use super::handles::{GroupEntry, GroupHandle, Members, Owner, TensorHandle};
use super::store::{PluginState, clip};
use super::tensor::copy_of;

type Handle = Resource<GroupHandle>;

impl PluginState {
    /// A change of all members, if the recipe grants it.
    fn change(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&TensorList) -> Result<(), torch_ext::Error>,
    ) -> HostResult<()> {
        let group = self.group(this)?;
        group.owner.check_change(self.grants)?;
        // Multi-tensor kernels raise on no tensors; changing none of them is nothing to do.
        if !group.members.named.is_empty() {
            operation(&group.members.list)?;
            self.counters.launches += 1;
        }
        Ok(())
    }

    /// A change of all members by those of another group, one by one.
    fn change_by(
        &mut self,
        this: &Handle,
        other: &Handle,
        operation: impl FnOnce(&TensorList, &TensorList) -> Result<(), torch_ext::Error>,
    ) -> HostResult<()> {
        let other = self.group(other)?.members.clone();
        check_same_shapes(&self.group(this)?.members, &other)?;
        self.change(this, |list| operation(list, &other.list))
    }

    /// A number, or one a member.
    fn measure(
        &mut self,
        this: &Handle,
        operation: impl FnOnce(&TensorList) -> Result<Tensor, torch_ext::Error>,
    ) -> HostResult<Resource<TensorHandle>> {
        let members = &self.group(this)?.members;
        let result = if members.named.is_empty() {
            Tensor::f_zeros([], (Kind::Float, tch::Device::Cpu))?
        } else {
            operation(&members.list)?
        };
        self.counters.launches += 1;
        self.make(result)
    }
}

fn check_same_shapes(a: &Members, b: &Members) -> HostResult<()> {
    if a.named.len() != b.named.len() {
        let (a, b) = (a.named.len(), b.named.len());
        return refuse(
            ErrorCode::ShapeMismatch,
            format!("the groups have {a} and {b} members: they must be the same"),
        );
    }
    for ((name, x), (_, y)) in a.named.iter().zip(&b.named) {
        if x.size() != y.size() {
            return refuse(
                ErrorCode::ShapeMismatch,
                format!("`{name}` is {:?} here and {:?} there", x.size(), y.size()),
            );
        }
    }
    Ok(())
}

fn check_positive(what: &str, value: f64) -> HostResult<()> {
    if value > 0.0 {
        return Ok(());
    }
    refuse(ErrorCode::InvalidArgument, format!("{what} must be above 0, not {value}"))
}

impl HostTensorGroup for PluginState {
    fn names(&mut self, this: Handle) -> HostResult<Vec<String>> {
        Ok(self.group(&this)?.members.named.iter().map(|(name, _)| name.clone()).collect())
    }

    fn len(&mut self, this: Handle) -> HostResult<u32> {
        Ok(self.group(&this)?.members.named.len() as u32)
    }

    fn get(&mut self, this: Handle, name: String) -> HostResult<Resource<TensorHandle>> {
        let group = self.group(&this)?;
        let found = group.members.named.iter().find(|(known, _)| *known == name);
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
        let matcher = Glob::new(&glob)
            .map_err(|error| {
                refusal(ErrorCode::InvalidArgument, format!("`{}` is no glob: {error}", clip(&glob)))
            })?
            .compile_matcher();
        let group = self.group(&this)?;
        let chosen = group.members.named.iter().filter(|(name, _)| matcher.is_match(name));
        let members =
            Members::new(chosen.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect())?;
        let owner = group.owner;
        self.lend_group(members, owner)
    }

    fn duplicate(&mut self, this: Handle) -> HostResult<Handle> {
        let (members, charged_bytes) = self.copy_group(&this)?;
        let entry = GroupEntry { members, owner: Owner::Callback, charged_bytes };
        Ok(Resource::new_own(self.groups.insert_kept(entry)?))
    }

    fn numel(&mut self, this: Handle) -> HostResult<u64> {
        Ok(self.group(&this)?.members.named.iter().map(|(_, tensor)| tensor.numel() as u64).sum())
    }

    fn norm(&mut self, this: Handle, p: f64) -> HostResult<Resource<TensorHandle>> {
        self.measure(&this, |list| list.norm(p))
    }

    fn norms(&mut self, this: Handle, p: f64) -> HostResult<Resource<TensorHandle>> {
        self.measure(&this, |list| list.norms(p))
    }

    fn count_nonfinite(&mut self, this: Handle) -> HostResult<Resource<TensorHandle>> {
        self.measure(&this, TensorList::count_nonfinite)
    }

    fn clip_norm_in_place(
        &mut self,
        this: Handle,
        max_norm: f64,
        p: f64,
    ) -> HostResult<Resource<TensorHandle>> {
        check_positive("max-norm", max_norm)?;
        self.group(&this)?.owner.check_change(self.grants)?;
        self.measure(&this, |list| list.clip_grad_norm_(max_norm, p))
    }

    fn clip_value_in_place(&mut self, this: Handle, limit: f64) -> HostResult<()> {
        check_positive("limit", limit)?;
        self.change(&this, |list| {
            list.clamp_min_(-limit)?;
            list.clamp_max_(limit)
        })
    }

    fn affine_in_place(&mut self, this: Handle, scale: f64, shift: f64) -> HostResult<()> {
        self.change(&this, |list| {
            list.mul_scalar_(scale)?;
            if shift == 0.0 { Ok(()) } else { list.add_scalar_(shift) }
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
        self.change(&this, |list| list.mul_tensor_(&factor))
    }

    fn add_in_place(&mut self, this: Handle, other: Handle, alpha: f64) -> HostResult<()> {
        self.change_by(&this, &other, |list, other| list.add_(other, alpha))
    }

    fn lerp_in_place(&mut self, this: Handle, end: Handle, weight: f64) -> HostResult<()> {
        self.change_by(&this, &end, |list, end| list.lerp_(end, weight))
    }

    fn copy_in_place(&mut self, this: Handle, source: Handle) -> HostResult<()> {
        self.change_by(&this, &source, TensorList::copy_)
    }

    fn swap_in_place(&mut self, this: Handle, other: Handle) -> HostResult<()> {
        self.group(&other)?.owner.check_change(self.grants)?;
        self.group(&this)?.owner.check_change(self.grants)?;
        let aside = copies(&self.group(&this)?.members)?;
        self.change_by(&this, &other, TensorList::copy_)?;
        self.change(&other, |list| list.copy_(&aside.list))
    }

    fn drop(&mut self, this: Handle) -> wasmtime::Result<()> {
        if let Some((entry, _)) = self.groups.remove(this.rep()) {
            self.release_kept(entry.charged_bytes);
        }
        Ok(())
    }
}

fn copies(members: &Members) -> HostResult<std::rc::Rc<Members>> {
    let named = members.named.iter().map(|(name, tensor)| Ok((name.clone(), copy_of(tensor)?)));
    Ok(Members::new(named.collect::<HostResult<Vec<_>>>()?)?)
}

impl PluginState {
    /// A copy that outlives the call, charged.
    pub(crate) fn copy_group(&mut self, handle: &Handle) -> HostResult<(std::rc::Rc<Members>, u64)> {
        let members = self.group(handle)?.members.clone();
        let bytes = members.bytes();
        self.charge_kept(bytes)?;
        Ok((copies(&members)?, bytes))
    }
}
