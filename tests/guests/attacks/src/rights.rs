//! Attacks on what others own: changes without the grant, directly, through views, and by making one thing another.

use phasebox_sdk::prelude::*;

use crate::{Held, all_refused, attacks};

attacks! {
    Start: changes_what_it_was_not_given changes_parameters_through_views asks_for_what_it_may_not
        passes_parameters_off_as_inputs passes_inputs_off_as_a_target writes_over_itself
        does_integer_arithmetic sets_what_is_no_number_of_an_optimizer sets_what_is_no_loader;
    Loss: passes_predictions_off_as_a_loss;
    Gradients: changes_gradients_it_was_not_given clips_to_what_is_no_number;
}

const DENIED: &[ErrorCode] = &[ErrorCode::Denied];
const ANY: &[ErrorCode] = &[
    ErrorCode::InvalidArgument,
    ErrorCode::ShapeMismatch,
    ErrorCode::DtypeMismatch,
    ErrorCode::DeviceMismatch,
    ErrorCode::NotAvailable,
    ErrorCode::TooLarge,
];

/// Every function that changes a tensor in place.
fn changes(of: &Tensor) -> Result<Vec<(&'static str, Result<()>)>> {
    let all = tensor::zeros(&of.info()?.shape, Dtype::Float32, "")?;
    Ok(vec![
        ("copy", of.copy_in_place(&all)),
        ("add", of.add_in_place(&all, 2.0)),
        ("mul", of.mul_in_place(&all)),
        ("affine", of.affine_in_place(0.0, 1.0)),
        ("lerp", of.lerp_in_place(&all, 0.5)),
        ("clamp", of.clamp_in_place(Some(0.0), Some(0.0))),
        ("fill", of.fill_in_place(0.0)),
        (
            "masked-fill",
            of.masked_fill_in_place(&all.eq_scalar(0.0)?, 0.0),
        ),
    ])
}

fn changes_of_a_group(of: &TensorGroup) -> Result<Vec<(&'static str, Result<()>)>> {
    let own = of.duplicate()?;
    let half = tensor::full(&[], 0.5, Dtype::Float32, "")?;
    let answers = vec![
        ("clip-norm", of.clip_norm_in_place(1e-3, 2.0).map(drop)),
        ("clip-value", of.clip_value_in_place(1e-3)),
        ("affine", of.affine_in_place(0.0, 1.0)),
        ("mul", of.mul_in_place(&half)),
        ("add", of.add_in_place(&own, 1.0)),
        ("lerp", of.lerp_in_place(&own, 0.5)),
        ("copy", of.copy_in_place(&own)),
        ("swap", of.swap_in_place(&own)),
        ("swap the other way", own.swap_in_place(of)),
    ];
    Ok(answers)
}

fn changes_what_it_was_not_given(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let net = ctx.net()?;
    all_refused(DENIED, changes(&ctx.inputs()?)?)?;
    all_refused(DENIED, vec![("target", ctx.target()?.fill_in_place(0.0))])?;
    all_refused(DENIED, changes_of_a_group(&net.parameters()?)?)?;
    all_refused(
        DENIED,
        changes_of_a_group(&net.parameters()?.matching("*.weight")?)?,
    )
}

fn changes_gradients_it_was_not_given(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let gradients = ctx.net()?.gradients()?;
    all_refused(DENIED, changes_of_a_group(&gradients)?)?;
    all_refused(DENIED, changes(&gradients.get(&gradients.names()?[0])?)?)?;
    all_refused(
        DENIED,
        vec![
            ("loss", ctx.loss()?.fill_in_place(0.0)),
            ("preds", ctx.preds()?.fill_in_place(0.0)),
        ],
    )
}

/// A matrix of the network that is as long as a batch.
fn weight(ctx: &PhaseContext) -> Result<Tensor> {
    let parameters = ctx.net()?.parameters()?;
    for name in parameters.names()? {
        let member = parameters.get(&name)?;
        if let [16, _] = member.info()?.shape[..] {
            return Ok(member);
        }
    }
    Err(Error::other("no parameter has the length of a batch"))
}

fn changes_parameters_through_views(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let weight = weight(ctx)?;
    let shape = weight.info()?.shape;
    let views = [
        ("detach", weight.detach()?),
        ("reshape", weight.reshape(&[-1])?),
        ("reshape to itself", weight.reshape(&shape)?),
        ("permute", weight.permute(&[1, 0])?),
        ("transpose", weight.transpose(0, 1)?),
        ("squeeze", weight.squeeze(0)?),
        ("unsqueeze", weight.unsqueeze(0)?),
        ("expand", weight.expand(&shape)?),
        ("narrow", weight.narrow(0, 0, 1)?),
        ("select", weight.select(0, 0)?),
        ("to-dtype", weight.to_dtype(Dtype::Float32)?),
        ("to-device", weight.to_device("")?),
        ("contiguous", weight.contiguous()?),
        (
            "a view of a view",
            weight
                .transpose(0, 1)?
                .transpose(0, 1)?
                .contiguous()?
                .reshape(&[-1])?,
        ),
    ];
    for (name, view) in &views {
        all_refused(DENIED, changes(view)?)
            .map_err(|error| Error::other(format!("{name}: {}", error.message)))?;
    }
    changes_of_copies(ctx, &weight)
}

/// Copies may be changed; that nothing else did is seen in the network.
fn changes_of_copies(ctx: &PhaseContext, weight: &Tensor) -> Result<()> {
    let parameters = ctx.net()?.parameters()?;
    storage::store_tensor("copy", weight)?;
    storage::store_group("copies", &parameters)?;
    let copy = storage::load_tensor("copy")?.ok_or("the copy is gone")?;
    let copies = storage::load_group("copies")?.ok_or("the copies are gone")?;
    for own in [
        copy,
        weight.keep()?,
        weight.duplicate()?,
        weight.transpose(0, 1)?.contiguous()?,
        weight.detach()?.keep()?,
    ] {
        own.fill_in_place(7.0)?;
    }
    copies.affine_in_place(0.0, 7.0)?;
    parameters.duplicate()?.affine_in_place(0.0, 7.0)?;
    storage::forget("copy")?;
    storage::forget("copies").map(drop)
}

fn asks_for_what_it_may_not(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let one = tensor::zeros(&[1], Dtype::Float32, "")?;
    let (net, inputs, target) = (ctx.net()?, ctx.inputs()?, ctx.target()?);
    all_refused(
        DENIED,
        vec![
            ("request-stop", ctx.request_stop("batch", "")),
            ("stop-if-above", ctx.stop_if_above(&one, -1.0, "")),
            ("stop-if-nonfinite", ctx.stop_if_nonfinite(&one, "")),
            ("stop-epoch", ctx.stop_epoch("")),
            ("abort", ctx.abort("")),
            ("skip-batch", ctx.skip_batch("")),
            ("skip-backward", ctx.skip_backward("")),
            ("skip-step", ctx.skip_step("")),
            ("request-validation", ctx.request_validation()),
            ("request-checkpoint", ctx.request_checkpoint("mine")),
            ("set-accumulation", ctx.set_accumulation(u32::MAX)),
            ("set-inputs", ctx.set_inputs(&inputs)),
            ("set-target", ctx.set_target(&target)),
            ("freeze", net.freeze("*").map(drop)),
            ("unfreeze", net.unfreeze("*").map(drop)),
            (
                "set-learning-rate",
                ctx.optimizer()?.set_learning_rate("", 1.0),
            ),
            (
                "set-hyperparameter",
                ctx.optimizer()?.set_hyperparameter("", "weight_decay", 1.0),
            ),
            (
                "criterion.set",
                ctx.criterion()?.set("label_smoothing", "0.5"),
            ),
            (
                "data-loader.set",
                ctx.train_loader()?.set("batch_size", "1"),
            ),
            ("artifact", ctx.sg_logger()?.artifact("mine.txt", b"mine")),
            (
                "image-file",
                ctx.sg_logger()?.image_file("mine.png", &inputs),
            ),
            ("item", one.item().map(drop)),
            ("read-f32", one.read_f32(0, 1).map(drop)),
            ("rand", tensor::rand(&[1], "").map(drop)),
            ("normal", one.normal_in_place(0.0, 1.0)),
        ],
    )
}

/// With the grant `inputs` alone.
fn passes_parameters_off_as_inputs(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let (inputs, weight) = (ctx.inputs()?, weight(ctx)?);
    ctx.set_inputs(&weight)?;
    ctx.inputs()?.fill_in_place(7.0)?;
    ctx.set_inputs(&weight.detach()?)?;
    ctx.inputs()?.fill_in_place(7.0)?;
    ctx.set_inputs(&inputs)
}

/// With the grant `target` alone.
fn passes_inputs_off_as_a_target(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let target = ctx.target()?;
    ctx.set_target(&ctx.inputs()?)?;
    ctx.target()?.fill_in_place(7.0)?;
    ctx.set_target(&target)
}

/// With the grant `loss` alone, while gradients are recorded.
fn passes_predictions_off_as_a_loss(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let loss = ctx.loss()?;
    ctx.set_loss(&ctx.preds()?.select(0, 0)?.select(0, 0)?)?;
    ctx.loss()?.affine_in_place(0.0, 1000.0)?;
    let leaf = weight(ctx)?.select(0, 0)?.select(0, 0)?;
    ctx.set_loss(&leaf)?;
    ctx.loss()?.affine_in_place(0.0, 1000.0)?;
    ctx.set_loss(&loss)
}

fn writes_over_itself(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let own = tensor::zeros(&[4, 4], Dtype::Float32, "")?;
    let own_device = own.info()?.device;
    let others = [
        (
            "another shape",
            own.copy_in_place(&tensor::zeros(&[3], Dtype::Float32, "")?),
        ),
        (
            "overlapping rows",
            own.narrow(0, 0, 3)?.copy_in_place(&own.narrow(0, 1, 3)?),
        ),
        (
            "one element many times",
            own.select(0, 0)?
                .unsqueeze(0)?
                .expand(&[9, 4])?
                .affine_in_place(2.0, 1.0),
        ),
        (
            "fractions into integers",
            own.to_dtype(Dtype::Int64)?.add_in_place(&own, 0.5),
        ),
        ("no device", own.to_device("cuda:7").map(drop)),
        (
            "no member",
            ctx.net()?.parameters()?.get("../../etc/passwd").map(drop),
        ),
        (
            "no index",
            own.index_select(0, &tensor::from_s64(&[1], &[i64::MAX], "")?)
                .map(drop),
        ),
        (
            "an index below 0",
            own.index_select(0, &tensor::from_s64(&[1], &[i64::MIN], "")?)
                .map(drop),
        ),
        ("no dimension", own.sum(&[i64::MIN], false).map(drop)),
        ("a dimension twice", own.sum(&[0, 0], false).map(drop)),
        (
            "a part beyond the end",
            own.narrow(0, i64::MAX, i64::MAX).map(drop),
        ),
        ("a part of no length", own.narrow(0, 0, i64::MIN).map(drop)),
    ];
    // A GPU wraps indices: to look at them would cost a wait.
    let is_wrapped = |what: &str| own_device != "cpu" && what.contains("index");
    let others = others.into_iter().filter(|(what, _)| !is_wrapped(what));
    let others: Vec<_> = others.collect();
    let leaks = |text: &str| text.contains("Exception raised") || text.contains(".cpp");
    let leaking = others
        .iter()
        .find_map(|(_, answer)| answer.as_ref().err().filter(|error| leaks(&error.message)));
    match leaking {
        Some(error) => Err(Error::other(format!(
            "a path of the host: {}",
            error.message
        ))),
        None => all_refused(ANY, others),
    }
}

/// The only thing asked is that the trainer lives: each may be refused or answered.
fn does_integer_arithmetic(_: &mut Held, _: &PhaseContext) -> Result<()> {
    for kind in [
        Dtype::Boolean,
        Dtype::Uint8,
        Dtype::Int8,
        Dtype::Int32,
        Dtype::Int64,
        Dtype::Float16,
        Dtype::Bfloat16,
    ] {
        for shape in [&[] as &[i64], &[0], &[3], &[0, 3]] {
            let zero = tensor::zeros(shape, kind, "")?;
            let _ = (
                zero.div(&zero),
                zero.pow(-1.0),
                zero.pow(f64::NAN),
                zero.affine(1e300, -1.0),
                zero.neg(),
            );
            let _ = (
                zero.add(&zero, -1e300),
                zero.fill_in_place(f64::NAN),
                zero.fill_in_place(1e300),
                zero.affine_in_place(-1.0, 3.0),
            );
            let _ = (
                zero.clamp(Some(f64::INFINITY), Some(-1.0)),
                zero.amax(&[], false),
                zero.amin(&[0], true),
                zero.argmax(0, false),
            );
            let _ = (
                zero.mean(&[], false),
                zero.std(&[], true, false),
                zero.norm(f64::NAN, &[], false),
                zero.norm(0.0, &[], false),
            );
            let _ = (
                zero.softmax(0),
                zero.log_softmax(7),
                zero.cumsum(0),
                zero.quantile(0.5),
                zero.topk(1, 0),
                zero.histogram(3, 0.0, 1.0),
            );
            let _ = (
                zero.matmul(&zero),
                zero.one_hot(3),
                zero.flip(&[0]),
                zero.roll(i64::MIN, 0),
                zero.index_select(0, &zero),
                zero.count_nonfinite(),
            );
            let _ = (
                zero.sqrt(),
                zero.log(),
                zero.relu(),
                zero.sign(),
                zero.round(),
                zero.sigmoid(),
                zero.all(),
                zero.eq(&zero),
                zero.logical_not(),
            );
            let _ = (
                zero.lerp(&zero, f64::NAN),
                zero.lerp_in_place(&zero, 2.0),
                zero.masked_fill_in_place(&zero, 1.0),
                zero.to_dtype(Dtype::Other),
            );
        }
    }
    Ok(())
}

/// With the grant `gradients`.
fn clips_to_what_is_no_number(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let gradients = ctx.net()?.gradients()?;
    let clip = |to, p| gradients.clip_norm_in_place(to, p).map(drop);
    all_refused(
        &[ErrorCode::InvalidArgument],
        vec![
            ("0", clip(0.0, 2.0)),
            ("below 0", clip(-1.0, 2.0)),
            ("not a number", clip(f64::NAN, 2.0)),
            ("no order", clip(1.0, f64::NAN)),
            (
                "a value that is no number",
                gradients.clip_value_in_place(f64::NAN),
            ),
        ],
    )
}

/// With the grant `optimizer`.
fn sets_what_is_no_number_of_an_optimizer(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let optimizer = ctx.optimizer()?;
    all_refused(
        ANY,
        vec![
            (
                "a rate that is no number",
                optimizer.set_learning_rate("", f64::NAN),
            ),
            (
                "an endless rate",
                optimizer.set_learning_rate("", f64::INFINITY),
            ),
            ("a rate below 0", optimizer.set_learning_rate("", -1.0)),
            ("no group", optimizer.set_learning_rate("../default", 1.0)),
            (
                "a beta of 1",
                optimizer.set_hyperparameter("", "beta1", 1.0),
            ),
            (
                "no hyperparameter",
                optimizer.set_hyperparameter("", &"x".repeat(1 << 20), 1.0),
            ),
            ("no batches", ctx.set_accumulation(0)),
        ],
    )
}

/// With the grants `criterion` and `loaders`.
fn sets_what_is_no_loader(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let (loader, criterion) = (ctx.train_loader()?, ctx.criterion()?);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    all_refused(
        ANY,
        vec![
            ("no samples", loader.set("batch_size", "0")),
            ("samples below 0", loader.set("batch_size", "-1")),
            ("a fraction", loader.set("batch_size", "1.5")),
            ("lists in lists", loader.set("batch_size", &deep)),
            ("no JSON", loader.set("batch_size", "{\"a\":")),
            ("no key", loader.set(&"k".repeat(1 << 20), "1")),
            (
                "lists in lists for the loss",
                criterion.set("label_smoothing", &deep),
            ),
            ("too smooth", criterion.set("label_smoothing", "7")),
            ("a text", criterion.set("label_smoothing", "\"0.1\"")),
            ("no key of the loss", criterion.set("\u{1b}[2J", "1")),
        ],
    )
}
