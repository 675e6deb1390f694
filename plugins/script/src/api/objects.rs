//! The objects of a run: network, optimizer, loss, loaders, metrics; numbers on their way; and the tensors that the host
//! keeps.

use std::rc::Rc;

use phasebox_sdk::prelude::*;

use super::context::as_json;
use super::requests::first_of_two;
use super::{Of, Row, context, own};
use crate::answers::{Answer, Awaited, IntoScript as _, give};
use crate::arguments::Arguments;
use crate::fault::Fault;
use crate::json;

pub(super) const ROWS: &[Row] = &[
    own(Of::Deferred, "poll", (0, 0), |a| match a.awaited()? {
        Awaited::Arrived(number) => Ok(number.into()),
        Awaited::OnItsWay(deferred) => give(deferred.poll()),
    }),
    own(Of::Deferred, "wait", (0, 0), |a| match a.awaited()? {
        Awaited::Arrived(number) => Ok(number.into()),
        Awaited::OnItsWay(deferred) => give(deferred.wait()),
    })
    .needs(&["sync"]),
    own(Of::Model, "architecture", (0, 0), |a| {
        Ok(model(a)?.architecture().into())
    }),
    own(Of::Model, "parameters", (0, 0), |a| {
        give(model(a)?.parameters())
    }),
    own(Of::Model, "gradients", (0, 0), |a| {
        give(model(a)?.gradients())
    }),
    own(Of::Model, "buffers", (0, 0), |a| give(model(a)?.buffers())),
    own(Of::Model, "freeze", (1, 1), |a| {
        give(model(a)?.freeze(&a.text()?))
    })
    .needs(&["parameters"]),
    own(Of::Model, "unfreeze", (1, 1), |a| {
        give(model(a)?.unfreeze(&a.text()?))
    })
    .needs(&["parameters"]),
    own(Of::Model, "requires_grad", (1, 1), |a| {
        give(model(a)?.requires_grad(&a.text()?))
    }),
    own(Of::Model, "forward", (1, 2), |a| {
        let (model, inputs) = (model(a)?, a.tensors()?);
        let inputs: Vec<&Tensor> = inputs.iter().map(|input| &**input).collect();
        give(model.forward(&inputs, &a.text_or("evaluation")?))
    })
    .needs(&["passes"]),
    own(Of::Optimizer, "name", (0, 0), |a| {
        Ok(optimizer(a)?.name().into())
    }),
    own(Of::Optimizer, "group_names", (0, 0), |a| {
        Ok(optimizer(a)?.group_names().into_script())
    }),
    own(Of::Optimizer, "learning_rate", (0, 1), |a| {
        give(optimizer(a)?.learning_rate(&a.text_or("")?))
    }),
    own(Of::Optimizer, "set_learning_rate", (1, 2), |a| {
        let (optimizer, group) = (optimizer(a)?, first_of_two(a, "")?);
        give(optimizer.set_learning_rate(&group, a.number()?))
    })
    .needs(&["optimizer"]),
    own(Of::Optimizer, "hyperparameter", (1, 2), |a| {
        let (optimizer, group) = (optimizer(a)?, first_of_two(a, "")?);
        give(optimizer.hyperparameter(&group, &a.text()?))
    }),
    own(Of::Optimizer, "set_hyperparameter", (2, 3), |a| {
        let optimizer = optimizer(a)?;
        let group = if a.left() == 3 { a.text()? } else { "".into() };
        let name = a.text()?;
        give(optimizer.set_hyperparameter(&group, &name, a.number()?))
    })
    .needs(&["optimizer"]),
    own(Of::Optimizer, "state", (1, 1), |a| {
        give(optimizer(a)?.state(&a.text()?))
    }),
    own(Of::Optimizer, "group_state", (2, 2), |a| {
        let (optimizer, group) = (optimizer(a)?, a.text()?);
        give(optimizer.group_state(&group, &a.text()?))
    }),
    own(Of::Optimizer, "state_names", (0, 0), |a| {
        Ok(optimizer(a)?.state_names().into_script())
    }),
    own(Of::Optimizer, "parameter_names", (0, 1), |a| {
        give(optimizer(a)?.parameter_names(&a.text_or("")?))
    }),
    own(Of::Criterion, "name", (0, 0), |a| {
        Ok(criterion(a)?.name().into())
    }),
    own(Of::Criterion, "parameters", (0, 0), |a| {
        Ok(criterion(a)?.parameters().into_script())
    }),
    own(Of::Criterion, "get", (1, 1), |a| {
        parsed(criterion(a)?.get(&a.text()?))
    }),
    own(Of::Criterion, "set", (2, 2), |a| {
        let (criterion, key) = (criterion(a)?, a.text()?);
        give(criterion.set(&key, &as_json(a)?))
    })
    .needs(&["criterion"]),
    own(Of::Loader, "name", (0, 0), |a| Ok(loader(a)?.name().into())),
    own(Of::Loader, "batches", (0, 0), |a| {
        Ok(loader(a)?.batches().into_script())
    }),
    own(Of::Loader, "samples", (0, 0), |a| {
        Ok(loader(a)?.samples().into_script())
    }),
    own(Of::Loader, "batch_size", (0, 0), |a| {
        Ok(loader(a)?.batch_size().into_script())
    }),
    own(Of::Loader, "parameters", (0, 0), |a| {
        Ok(loader(a)?.parameters().into_script())
    }),
    own(Of::Loader, "get", (1, 1), |a| {
        parsed(loader(a)?.get(&a.text()?))
    }),
    own(Of::Loader, "set", (2, 2), |a| {
        let (loader, key) = (loader(a)?, a.text()?);
        give(loader.set(&key, &as_json(a)?))
    })
    .needs(&["loaders"]),
    own(Of::Metrics, "names", (0, 0), |a| {
        Ok(metrics(a)?.names().into_script())
    }),
    own(Of::Metrics, "compute", (0, 0), |a| {
        give(metrics(a)?.compute())
    })
    .needs(&["sync"]),
    context("store_tensor", (2, 2), |_, a| {
        let name = a.text()?;
        give(storage::store_tensor(&name, &*a.tensor()?))
    }),
    context("load_tensor", (1, 1), |_, a| {
        give(storage::load_tensor(&a.text()?))
    }),
    context("store_group", (2, 2), |_, a| {
        let name = a.text()?;
        give(storage::store_group(&name, &*a.group()?))
    }),
    context("load_group", (1, 1), |_, a| {
        give(storage::load_group(&a.text()?))
    }),
    context("forget", (1, 1), |_, a| give(storage::forget(&a.text()?))),
    context("zeros", (1, 2), |_, a| {
        let shape = a.wholes()?;
        give(tensor::zeros(&shape, a.dtype_or(Dtype::Float32)?, ""))
    }),
    context("full", (2, 3), |_, a| {
        let (shape, value) = (a.wholes()?, a.number()?);
        give(tensor::full(&shape, value, a.dtype_or(Dtype::Float32)?, ""))
    }),
    context("arange", (3, 4), |_, a| {
        let (start, end, step) = (a.number()?, a.number()?, a.number()?);
        give(tensor::arange(
            start,
            end,
            step,
            a.dtype_or(Dtype::Float32)?,
            "",
        ))
    }),
    context("rand", (1, 1), |_, a| give(tensor::rand(&a.wholes()?, ""))).needs(&["random"]),
    context("randn", (1, 1), |_, a| {
        give(tensor::randn(&a.wholes()?, ""))
    })
    .needs(&["random"]),
    context("randperm", (1, 1), |_, a| {
        give(tensor::randperm(a.count()?, ""))
    })
    .needs(&["random"]),
    context("from_f32", (2, 2), |_, a| {
        let (shape, values) = (a.wholes()?, a.numbers()?);
        let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
        give(tensor::from_f32(&shape, &values, ""))
    }),
    context("from_s64", (2, 2), |_, a| {
        let (shape, values) = (a.wholes()?, a.wholes()?);
        give(tensor::from_s64(&shape, &values, ""))
    }),
    context("cat", (2, 2), |_, a| joined(a, tensor::cat)),
    context("stack", (2, 2), |_, a| joined(a, tensor::stack)),
];

fn model(a: &mut Arguments<'_, '_>) -> Result<Rc<Model>, Fault> {
    a.handle("a network")
}

fn optimizer(a: &mut Arguments<'_, '_>) -> Result<Rc<Optimizer>, Fault> {
    a.handle("an optimizer")
}

fn criterion(a: &mut Arguments<'_, '_>) -> Result<Rc<Criterion>, Fault> {
    a.handle("a loss function")
}

fn loader(a: &mut Arguments<'_, '_>) -> Result<Rc<DataLoader>, Fault> {
    a.handle("a loader")
}

fn metrics(a: &mut Arguments<'_, '_>) -> Result<Rc<Metrics>, Fault> {
    a.handle("metrics")
}

/// A parameter's value.
fn parsed(answer: Result<String, Error>) -> Answer {
    let value = answer.map(|json| phasebox_sdk::serde_json::from_str(&json).unwrap_or_default());
    give(value.map(|value| json::to_script(&value)))
}

fn joined(a: &mut Arguments<'_, '_>, join: fn(&[&Tensor], i64) -> Result<Tensor, Error>) -> Answer {
    let tensors = a.tensors()?;
    let tensors: Vec<&Tensor> = tensors.iter().map(|tensor| &**tensor).collect();
    give(join(&tensors, a.whole()?))
}
