//! A model's tensors as groups for multi-tensor kernels: made when first asked for, then kept. Decides nothing about
//! who may change them.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use anyhow::Result;

use super::Model;
use crate::tensor_group::TensorGroup;

/// The groups that have been asked for so far.
#[derive(Default)]
pub(super) struct Groups {
    parameters: OnceCell<Rc<TensorGroup>>,
    buffers: OnceCell<Rc<TensorGroup>>,
    /// The gradients of the parameters that had one; once other parameters have one, the group is made anew.
    gradients: RefCell<Option<Rc<TensorGroup>>>,
}

impl Model {
    /// All parameters, frozen or not, as one group.
    ///
    /// # Errors
    /// libtorch's reason.
    pub fn parameter_group(&self) -> Result<Rc<TensorGroup>> {
        kept(&self.groups.parameters, &self.parameters)
    }

    /// All buffers as one group.
    ///
    /// # Errors
    /// libtorch's reason.
    pub fn buffer_group(&self) -> Result<Rc<TensorGroup>> {
        kept(&self.groups.buffers, &self.buffers)
    }

    /// The gradients that exist, by the names of their parameters. As long as they are the same tensors, which one
    /// look at each finds out, the group stays the same.
    ///
    /// # Errors
    /// libtorch's reason.
    pub fn gradient_group(&self) -> Result<Rc<TensorGroup>> {
        let parameters = self.parameter_group()?;
        let mut known = self.groups.gradients.borrow_mut();
        if let Some(group) = known.as_ref()
            && group.list().are_gradients_of(parameters.list())
        {
            return Ok(group.clone());
        }
        let mut gradients = Vec::new();
        for (name, parameter) in &self.parameters {
            let gradient = parameter.grad();
            if gradient.defined() {
                gradients.push((name.clone(), gradient));
            }
        }
        let group = TensorGroup::new(gradients)?;
        *known = Some(group.clone());
        Ok(group)
    }
}

fn kept(
    cell: &OnceCell<Rc<TensorGroup>>,
    named: &[(String, tch::Tensor)],
) -> Result<Rc<TensorGroup>> {
    if let Some(group) = cell.get() {
        return Ok(group.clone());
    }
    let shared = named
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
        .collect();
    let group = TensorGroup::new(shared)?;
    Ok(cell.get_or_init(|| group).clone())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn gradients_are_one_group_until_their_set_changes() -> Result<()> {
        let params = json!({"hidden": [4]});
        let inputs = [("inputs".to_owned(), vec![3])];
        let here = Path::new(".");
        let model = crate::model::build("mlp", &params, &inputs, Some(2), here, Device::Cpu)?;
        let learn = || -> Result<Rc<TensorGroup>> {
            let inputs = Tensor::ones([5, 3], (Kind::Float, Device::Cpu));
            let preds = model.forward(&inputs.into(), true)?;
            preds.single("preds")?.sum(Kind::Float).backward();
            model.gradient_group()
        };
        assert!(model.gradient_group()?.is_empty());
        let all = learn()?;
        assert_eq!(all.named().len(), model.parameters().len());
        assert!(Rc::ptr_eq(&all, &learn()?), "accumulated in place");
        model.freeze(&model.parameters()[0].0)?;
        assert!(
            Rc::ptr_eq(&all, &model.gradient_group()?),
            "a frozen parameter keeps its zeroed gradient"
        );
        Ok(())
    }
}
