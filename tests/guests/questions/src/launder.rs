//! Tries to change what belongs to the trainer without its grant: through every view and every operation that could give
//! back the tensor it was given. Views must be `denied` like their source; results must have memory of their own.

use phasebox_sdk::prelude::*;

use crate::{code, tell};

type Route = (&'static str, fn(&Tensor) -> Result<Tensor>);

/// Operations whose result shares memory with its source.
const VIEWS: [Route; 14] = [
    ("itself", |x| x.detach()),
    ("narrow", |x| x.narrow(0, 0, 1)),
    ("select", |x| x.select(0, 0)),
    ("reshape", |x| x.reshape(&[-1])),
    ("reshape alike", |x| x.reshape(&x.shape()?)),
    ("transpose", |x| x.transpose(0, -1)),
    ("permute", |x| {
        x.permute(&(0..x.shape()?.len() as i64).collect::<Vec<_>>())
    }),
    ("squeeze", |x| x.unsqueeze(0)?.squeeze(0)),
    ("squeeze nothing", |x| x.squeeze(0)),
    ("expand", |x| x.expand(&x.shape()?)),
    ("same dtype", |x| x.to_dtype(x.info()?.dtype)),
    ("same device", |x| x.to_device("")),
    ("contiguous", |x| x.contiguous()),
    ("far away", |x| {
        x.unsqueeze(0)?
            .transpose(0, 1)?
            .reshape(&[-1])?
            .detach()?
            .contiguous()?
            .unsqueeze(0)?
            .select(0, 0)
    }),
];

/// Tensors of the callback's own, which must not be the source in disguise.
const RESULTS: [Route; 27] = [
    ("keep", |x| x.keep()),
    ("keep a view", |x| x.reshape(&[-1])?.keep()),
    ("duplicate", |x| x.duplicate()),
    ("affine by nothing", |x| x.affine(1.0, 0.0)),
    ("pow 1", |x| x.pow(1.0)),
    ("clamp by nothing", |x| {
        x.clamp(Some(f64::NEG_INFINITY), None)
    }),
    ("round", |x| x.round()),
    ("floor", |x| x.floor()),
    ("abs", |x| x.abs()),
    ("maximum of itself", |x| x.maximum(x)),
    ("choose itself", |x| x.eq(x)?.choose(x, x)),
    ("sum over nothing", |x| x.unsqueeze(0)?.sum(&[0], false)),
    ("amax over nothing", |x| x.unsqueeze(0)?.amax(&[0], false)),
    ("amin of one", |x| x.select(0, 0)?.amin(&[], false)),
    ("mean of one", |x| {
        x.to_dtype(Dtype::Float32)?.unsqueeze(0)?.mean(&[0], false)
    }),
    ("topk of all", |x| Ok(x.unsqueeze(0)?.topk(1, 0)?.0)),
    ("flip nothing", |x| x.flip(&[])),
    ("roll by nothing", |x| x.roll(0, 0)),
    ("cumsum of one", |x| x.unsqueeze(0)?.cumsum(0)),
    ("cat of one", |x| tensor::cat(&[x], 0)),
    ("stack of one", |x| tensor::stack(&[x], 0)),
    ("index all", |x| {
        let rows = tensor::arange(0.0, x.shape()?[0] as f64, 1.0, Dtype::Int64, "")?;
        x.index_select(0, &rows)
    }),
    ("dtype there and back", |x| {
        x.to_dtype(Dtype::Float64)?.to_dtype(x.info()?.dtype)
    }),
    ("a matrix times one", |x| {
        let shape = x.to_dtype(Dtype::Float32)?.reshape(&[-1, 1])?;
        shape.matmul(&tensor::full(&[1, 1], 1.0, Dtype::Float32, "")?)
    }),
    ("storage", |x| {
        storage::store_tensor("launder", x)?;
        storage::load_tensor("launder")?.ok_or_else(|| Error::other("nothing is there"))
    }),
    ("storage of a view", |x| {
        storage::store_tensor("launder", &x.reshape(&[-1])?)?;
        storage::load_tensor("launder")?.ok_or_else(|| Error::other("nothing is there"))
    }),
    ("what is not contiguous", |x| {
        x.transpose(0, -1)?.contiguous()?.keep()
    }),
];

type Write = fn(&Tensor) -> Result<()>;

/// All ways to write.
const WRITES: [(&str, Write); 8] = [
    ("fill", |x| x.fill_in_place(3.0)),
    ("copy", |x| x.copy_in_place(&x.duplicate()?)),
    ("add", |x| x.add_in_place(x, 1.0)),
    ("mul", |x| x.mul_in_place(x)),
    ("affine", |x| x.affine_in_place(2.0, 1.0)),
    ("lerp", |x| x.lerp_in_place(x, 0.5)),
    ("clamp", |x| x.clamp_in_place(Some(1.0), None)),
    ("masked fill", |x| x.masked_fill_in_place(&x.eq(x)?, 3.0)),
];

/// Inputs and target of a batch.
pub(crate) fn batch(ctx: &PhaseContext) -> Result<()> {
    tell("launder inputs", tensor_of(&ctx.inputs()?));
    tell("launder target", tensor_of(&ctx.target()?));
    Ok(())
}

/// Predictions and loss, while gradients are recorded.
pub(crate) fn loss(ctx: &PhaseContext) -> Result<()> {
    tell("launder preds", tensor_of(&ctx.preds()?));
    tell("launder loss", tensor_of(&ctx.loss()?.unsqueeze(0)?));
    tell("launder loss items", tensor_of(&ctx.loss_log_items()?));
    Ok(())
}

/// Tensors that the network and its optimizer are made of.
pub(crate) fn network(ctx: &PhaseContext) -> Result<()> {
    tell("launder mean loss", changed(&ctx.loss_avg_meter()?));
    let (net, ema) = (ctx.net()?, ctx.ema_model()?);
    for (what, group) in [
        ("parameters", net.parameters()?),
        ("gradients", net.gradients()?),
        ("buffers", net.buffers()?),
        ("optimizer state", ctx.optimizer()?.state("exp_avg")?),
        ("ema parameters", ema.parameters()?),
        ("ema buffers", ema.buffers()?),
    ] {
        tell(&format!("launder {what}"), group_of(&group));
    }
    Ok(())
}

fn group_of(group: &TensorGroup) -> Result<()> {
    for name in group.names()? {
        tensor_or_number(&group.get(&name)?)?;
        tensor_or_number(&group.matching("*")?.get(&name)?)?;
    }
    for part in [
        group,
        &group.matching("*")?,
        &group.matching("*")?.matching("*")?,
    ] {
        whole_group(part)?;
    }
    let copy = group.duplicate()?;
    changed(&copy.get(&copy.names()?[0])?)?;
    storage::store_group("launder", group)?;
    let stored = storage::load_group("launder")?.ok_or_else(|| Error::other("nothing is there"))?;
    changed(&stored.get(&stored.names()?[0])?)?;
    storage::forget("launder")?;
    Ok(())
}

fn whole_group(group: &TensorGroup) -> Result<()> {
    let copy = group.duplicate()?;
    let floats = group.matching("{*weight*,*bias*,*mean*,*var*}")?;
    must_deny("affine", floats.affine_in_place(0.5, 0.0))?;
    must_deny("clip norm", floats.clip_norm_in_place(1e-6, 2.0).map(drop))?;
    must_deny("clip value", floats.clip_value_in_place(1e-6))?;
    must_deny(
        "mul",
        floats.mul_in_place(&tensor::zeros(&[], Dtype::Float32, "")?),
    )?;
    must_deny("add", group.add_in_place(&copy, 1.0))?;
    must_deny("lerp", group.lerp_in_place(&copy, 1.0))?;
    must_deny("copy", group.copy_in_place(&copy))?;
    must_deny("swap", group.swap_in_place(&copy))?;
    must_deny("swap from the other side", copy.swap_in_place(group))
}

/// A count of batches has no dimension to take it apart by.
fn tensor_or_number(tensor: &Tensor) -> Result<()> {
    if tensor.shape()?.is_empty() {
        tensor_of(&tensor.unsqueeze(0)?)
    } else {
        tensor_of(tensor)
    }
}

fn tensor_of(tensor: &Tensor) -> Result<()> {
    for (route, view) in VIEWS {
        for (how, write) in WRITES {
            must_deny(&format!("{how} by {route}"), write(&view(tensor)?))?;
        }
    }
    for (route, result) in RESULTS {
        match result(tensor).and_then(|result| changed(&result)) {
            // A rounded float is asked of integers, too.
            Ok(())
            | Err(Error {
                code: ErrorCode::DtypeMismatch,
                ..
            }) => {}
            Err(error) => return Err(Error::other(format!("{route}: {}", error.message))),
        }
    }
    Ok(())
}

/// A result of the callback's own may be changed. That its source was not, the run's numbers show.
fn changed(result: &Tensor) -> Result<()> {
    result.detach()?.fill_in_place(3.0)
}

fn must_deny(what: &str, answer: Result<()>) -> Result<()> {
    match answer {
        Err(error) if error.code == ErrorCode::Denied => Ok(()),
        Err(error) => Err(Error::other(format!(
            "{what}: {}: {}",
            code(&error),
            error.message
        ))),
        Ok(()) => Err(Error::other(format!("{what} was let through"))),
    }
}
