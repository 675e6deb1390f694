//! Asks, without any grant, for what would be given with it.

use phasebox_sdk::prelude::*;

use crate::tell;

fn number() -> Result<Tensor> {
    tensor::zeros(&[1], Dtype::Float32, "")
}

/// With values that would be taken.
pub(crate) fn all(ctx: &PhaseContext) -> Result<()> {
    let (net, optimizer) = (ctx.net()?, ctx.optimizer()?);
    tell("request-stop", ctx.request_stop("step", ""));
    tell("stop-epoch", ctx.stop_epoch(""));
    tell("stop-if-above", ctx.stop_if_above(&number()?, -1.0, ""));
    tell("stop-if-nonfinite", ctx.stop_if_nonfinite(&number()?, ""));
    tell("abort", ctx.abort(""));
    tell("skip-batch", ctx.skip_batch(""));
    tell("skip-backward", ctx.skip_backward(""));
    tell("skip-step", ctx.skip_step(""));
    tell("request-validation", ctx.request_validation());
    tell("request-checkpoint", ctx.request_checkpoint("mine"));
    tell("set-accumulation", ctx.set_accumulation(1));
    tell("set-learning-rate", optimizer.set_learning_rate("", 0.0));
    tell(
        "set-hyperparameter",
        optimizer.set_hyperparameter("", "beta1", 0.0),
    );
    tell(
        "criterion.set",
        ctx.criterion()?.set("label_smoothing", "0.5"),
    );
    tell(
        "data-loader.set",
        ctx.train_loader()?.set("batch_size", "1"),
    );
    tell("short set-learning-rate", ctx.set_learning_rate("", 0.0));
    tell("clip-gradients", ctx.clip_gradients(1e-3, 2.0));
    tell(
        "clip-and-log-gradients",
        ctx.clip_and_log_gradients(1e-3, 2.0, "norm"),
    );
    tell("freeze", net.freeze("*"));
    tell("unfreeze", net.unfreeze("*"));
    tell("set-inputs", ctx.set_inputs(&number()?));
    tell("set-inputs-item", ctx.set_inputs_item("inputs", &number()?));
    tell("set-target-item", ctx.set_target_item("target", &number()?));
    tell("set-target", ctx.set_target(&number()?));
    tell("set-loss", ctx.set_loss(&number()?));
    tell("model.forward", net.forward(&[&number()?], "evaluation"));
    tell("repeat-backward", ctx.repeat_backward());
    tell("gradient-penalty", ctx.gradient_penalty(&[&number()?], 1.0));
    tell("set-inputs-item", ctx.set_inputs_item("inputs", &number()?));
    tell("set-target-item", ctx.set_target_item("target", &number()?));
    tell("artifact", ctx.sg_logger()?.artifact("x", &[0]));
    tell(
        "image-file",
        ctx.sg_logger()?
            .image_file("x", &tensor::zeros(&[2, 2], Dtype::Uint8, "")?),
    );
    tell("item", number()?.item());
    tell("read-f32", number()?.read_f32(0, 1));
    tell("rand", tensor::rand(&[1], ""));
    tell("batch-metric", ctx.batch_metric(r#""Accuracy""#));
    syncs()
}

/// Operations that wait for the device to know the size of their result, or where to draw.
fn syncs() -> Result<()> {
    let zeros = |shape: &[i64]| tensor::zeros(shape, Dtype::Float32, "");
    let (image, boxes) = (zeros(&[3, 4, 4])?, zeros(&[2, 4])?);
    tell("nonzero", boxes.nonzero());
    tell("masked-select", boxes.masked_select(&boxes.eq_scalar(0.0)?));
    tell("nms", vision::nms(&boxes, &zeros(&[2])?, None, 0.5));
    tell(
        "draw-boxes",
        vision::draw_boxes(&image, &boxes, &[0], 1, &[], 1),
    );
    Ok(())
}
