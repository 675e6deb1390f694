//! Asks for what must be answered with an error, whatever the recipe grants. Nothing here may change the run: what would
//! need a grant has a value that makes no sense, or is asked without the grant.

use phasebox_sdk::prelude::*;

use crate::tell;

/// The longest name that anything here takes is shorter.
const LONG: usize = 300;

pub(crate) fn all(ctx: &PhaseContext) -> Result<()> {
    shapes(ctx)?;
    sizes(ctx)?;
    reads(ctx)?;
    numbers(ctx)?;
    names(ctx)?;
    images(ctx)?;
    verbs(ctx);
    groups(ctx)
}

/// A handle of the call before.
pub(crate) fn stale(handle: &Tensor) {
    tell("stale info", handle.info());
    tell("stale item", handle.sum_all());
    tell("stale write", handle.fill_in_place(0.0));
    tell("stale keep", handle.keep());
    tell("stale in a list", tensor::cat(&[handle, handle], 0));
}

fn floats(count: i64) -> Result<Tensor> {
    tensor::zeros(&[count], Dtype::Float32, "")
}

/// Lengths and places outside of every tensor.
fn shapes(ctx: &PhaseContext) -> Result<()> {
    let (x, nothing) = (floats(8)?, floats(0)?);
    // The products of these are 8 and 0 in 64 bits.
    tell("reshape around 2^64", x.reshape(&[2, (1 << 61) + 1, 4]));
    tell("reshape around 2^64 of two", x.reshape(&[(1 << 61) + 1, 8]));
    tell(
        "reshape nothing to 2^64",
        nothing.reshape(&[1 << 32, 1 << 32]),
    );
    tell(
        "reshape nothing wide",
        nothing.reshape(&[0, 1 << 20, 1 << 20]),
    );
    tell("reshape negative", x.reshape(&[-2, -4]));
    tell("reshape unknown twice", x.reshape(&[-1, -1]));
    tell("reshape nothing to unknown", nothing.reshape(&[0, -1]));
    tell(
        "reshape to 1000 dimensions",
        x.reshape(&[[8].as_slice(), &[1; 999]].concat()),
    );
    tell("zeros negative", tensor::zeros(&[-1], Dtype::Float32, ""));
    tell(
        "zeros 2^40",
        tensor::zeros(&[1 << 20, 1 << 20], Dtype::Uint8, ""),
    );
    tell(
        "zeros 2^64",
        tensor::zeros(&[1 << 32, 1 << 32], Dtype::Uint8, ""),
    );
    tell(
        "zeros of nothing, wide",
        tensor::zeros(&[0, 1 << 17, 1 << 17], Dtype::Float32, ""),
    );
    tell(
        "zeros of 65 dimensions",
        tensor::zeros(&[1; 65], Dtype::Float32, ""),
    );
    tell(
        "zeros of dtype other",
        tensor::zeros(&[1], Dtype::Other, ""),
    );
    tell(
        "zeros elsewhere",
        tensor::zeros(&[1], Dtype::Float32, "meta"),
    );
    tell("expand 2^40", floats(1)?.expand(&[1 << 20, 1 << 20]));
    tell("expand negative", x.expand(&[-3, 8]));
    tell("select far", x.select(0, i64::MIN));
    tell("select dimension far", x.select(i64::MAX, 0));
    tell("narrow negative", x.narrow(0, 0, -1));
    tell("narrow far", x.narrow(0, i64::MAX, 2));
    tell("transpose far", x.transpose(i64::MIN, i64::MAX));
    tell("permute twice", x.unsqueeze(0)?.permute(&[0, 0]));
    tell("permute too many", x.permute(&vec![0; 100_000]));
    tell("squeeze far", x.squeeze(i64::MAX));
    tell("flip far", x.flip(&[i64::MAX]));
    tell("roll far", x.roll(i64::MIN, i64::MAX));
    tell("softmax far", x.softmax(i64::MIN));
    tell("sum twice", x.sum(&[0, 0], false));
    tell("unsqueeze without end", deep(&x));
    tell(
        "sum to 2^34",
        tensor::zeros(&[0, 1 << 17, 1 << 17], Dtype::Float32, "").and_then(|x| x.sum(&[0], false)),
    );
    let rows = tensor::from_s64(&[1], &[8], "")?;
    tell("index outside", x.index_select(0, &rows));
    tell("index by floats", x.index_select(0, &x));
    tell("index of nothing", nothing.index_select(0, &rows));
    tell("index far", ctx.inputs()?.index_select(i64::MIN, &rows));
    Ok(())
}

fn deep(x: &Tensor) -> Result<Tensor> {
    (0..1000).try_fold(x.detach()?, |x, _| x.unsqueeze(0))
}

/// More elements than one operation may make, from operands that exist.
fn sizes(ctx: &PhaseContext) -> Result<()> {
    let (column, row) = (floats(1 << 20)?.unsqueeze(1)?, floats(1 << 20)?);
    tell("broadcast 2^40", column.mul(&row));
    tell(
        "broadcast 2^40 by choose",
        column.eq(&column)?.choose(&row, &column),
    );
    tell("matmul 2^40", column.matmul(&row.unsqueeze(0)?));
    tell("pad around 2^64", row.pad(&[i64::MAX, 1], "constant", 0.0));
    let image = floats(16)?.reshape(&[1, 1, 4, 4])?;
    tell(
        "interpolate to 2^64",
        image.interpolate(u32::MAX, u32::MAX, "nearest"),
    );
    let boxes = row.unsqueeze(1)?.expand(&[1 << 20, 4])?;
    tell("overlaps 2^40", vision::box_iou(&boxes, &boxes));
    tell("nms 2^20", vision::nms(&boxes, &row, None, 0.5));
    tell(
        "masked-select of 2^40",
        column.masked_select(&row.eq_scalar(1.0)?),
    );
    let wide = floats(1)?.expand(&[1, 1 << 13, 1 << 13])?;
    tell(
        "draw on 2^26 pixels",
        vision::draw_text(&wide, "x", 0, 0, 0, 1),
    );
    tell(
        "text of a million letters",
        vision::draw_text(&image.select(0, 0)?, &"x".repeat(1 << 20), 0, 0, 0, 1),
    );
    tell("one hot of 2^32 classes", ctx.target()?.one_hot(u32::MAX));
    tell("one hot of no class", ctx.target()?.one_hot(0));
    tell("one hot of floats", row.one_hot(2));
    tell("histogram of 2^32 bins", row.histogram(u32::MAX, 0.0, 1.0));
    tell("histogram backwards", row.histogram(4, 1.0, 0.0));
    tell("histogram of nan", row.histogram(4, f64::NAN, 1.0));
    tell("topk of 2^32", row.topk(u32::MAX, 0));
    tell("randperm of 2^32", tensor::randperm(u32::MAX, ""));
    tell(
        "arange without end",
        tensor::arange(0.0, 1e300, 1.0, Dtype::Uint8, ""),
    );
    tell(
        "arange by nothing",
        tensor::arange(0.0, 1.0, 0.0, Dtype::Float32, ""),
    );
    tell(
        "arange of nothing by nothing",
        tensor::arange(0.0, 0.0, 0.0, Dtype::Float32, ""),
    );
    tell(
        "arange backwards",
        tensor::arange(0.0, 1.0, -1.0, Dtype::Float32, ""),
    );
    tell("cat of nothing", tensor::cat(&[], 0));
    tell(
        "cat of one a thousand times",
        tensor::cat(&[&floats(1)?; 1000], 0),
    );
    tell("cat of one too often", tensor::cat(&[&floats(1)?; 5000], 0));
    tell(
        "stack of nothing, wide",
        tensor::stack(
            &[&tensor::zeros(&[0, 1 << 20], Dtype::Float32, "")?; 4096],
            0,
        ),
    );
    tell(
        "values that do not fill",
        tensor::from_f32(&[1 << 20], &[1.0], ""),
    );
    Ok(())
}

fn reads(ctx: &PhaseContext) -> Result<()> {
    let x = ctx.inputs()?;
    tell("read 2^32 elements", x.read_f32(0, u32::MAX));
    tell("read from 2^64", x.read_f32(u64::MAX, 1));
    tell("read around 2^64", x.read_f32(u64::MAX - 3, 8));
    tell("read past the end", x.read_s64(0, 1 << 20));
    tell("read nothing at the end", floats(0)?.read_f32(0, 0));
    tell("read bf16", x.to_dtype(Dtype::Bfloat16)?.read_f32(0, 4));
    tell("item of many", x.item());
    tell("defer many", x.defer());
    tell(
        "integers by zero",
        tensor::from_s64(&[1], &[1], "")?.div(&tensor::from_s64(&[1], &[0], "")?),
    );
    tell(
        "least integer by -1",
        tensor::from_s64(&[1], &[i64::MIN], "")?.div(&tensor::from_s64(&[1], &[-1], "")?),
    );
    tell(
        "integers to -1",
        tensor::from_s64(&[1], &[0], "")?.pow(-1.0),
    );
    tell("largest of nothing", floats(0)?.max_all());
    tell("place of nothing", floats(0)?.argmax(0, false));
    tell("median of nothing", floats(0)?.quantile(0.5));
    tell("quantile 2", x.quantile(2.0));
    tell("quantile nan", x.quantile(f64::NAN));
    tell("norm nan", x.norm(f64::NAN, &[], false));
    tell("overlap", overlapping());
    tell(
        "spread over itself",
        floats(1)?.expand(&[4])?.add_in_place(&floats(4)?, 1.0),
    );
    tell("clamp by nan", x.clamp(Some(f64::NAN), None));
    tell(
        "another shape in place",
        floats(2)?.copy_in_place(&floats(3)?),
    );
    tell(
        "a fraction among integers",
        tensor::from_s64(&[1], &[1], "")?.affine_in_place(1.5, 0.0),
    );
    Ok(())
}

fn overlapping() -> Result<()> {
    let x = tensor::arange(0.0, 8.0, 1.0, Dtype::Float32, "")?;
    x.narrow(0, 0, 7)?.add_in_place(&x.narrow(0, 1, 7)?, 1.0)
}

fn numbers(ctx: &PhaseContext) -> Result<()> {
    let optimizer = ctx.optimizer()?;
    for (name, value) in [("nan", f64::NAN), ("infinite", f64::INFINITY), ("-1", -1.0)] {
        tell(
            &format!("learning rate {name}"),
            optimizer.set_learning_rate("", value),
        );
        tell(
            &format!("beta1 {name}"),
            optimizer.set_hyperparameter("", "beta1", value),
        );
    }
    tell(
        "learning rate of nobody",
        optimizer.set_learning_rate("nobody", 0.1),
    );
    tell(
        "a hyperparameter of no name",
        optimizer.set_hyperparameter("", "", 0.1),
    );
    tell(
        "optimizer state of no name",
        optimizer.state(&"x".repeat(LONG)),
    );
    tell("learning rate of nobody, read", ctx.learning_rate("nobody"));
    tell(
        "short learning rate nan",
        ctx.set_learning_rate("", f64::NAN),
    );
    tell(
        "group state of nobody",
        optimizer.group_state("nobody", "exp_avg"),
    );
    tell("group state of no name", optimizer.group_state("", ""));
    tell(
        "parameter names of nobody",
        optimizer.parameter_names("nobody"),
    );
    tell("clip gradients to 0", ctx.clip_gradients(0.0, 2.0));
    tell("clip gradients to nan", ctx.clip_gradients(f64::NAN, 2.0));
    tell(
        "clip gradients by norm nan",
        ctx.clip_gradients(1.0, f64::NAN),
    );
    tell(
        "log 2000 numbers",
        ctx.log_scalars(&vec![number("n"); 2000]),
    );
    tell("log numbers without a name", ctx.log_scalars(&[number("")]));
    tell("publish too early", ctx.publish_metric("score", 1.0));
    tell(
        "publish a tensor too early",
        ctx.publish_metric_tensor("score", &floats(1)?),
    );
    tell("metric of the batch", ctx.batch_metric(r#""Accuracy""#));
    tell("metric of nobody", ctx.batch_metric(r#""Akkuracy""#));
    tell("metric not json", ctx.batch_metric("Accuracy"));
    tell("metric nested", ctx.batch_metric(&"[".repeat(100_000)));
    tell(
        "metric of boxes of no boxes",
        ctx.batch_metric(r#"{"CocoMetrics": {"num_cls": 2}}"#),
    );
    let gradients = ctx.net()?.gradients()?;
    tell("clip to 0", gradients.clip_norm_in_place(0.0, 2.0));
    tell("clip to nan", gradients.clip_norm_in_place(f64::NAN, 2.0));
    tell(
        "clip by norm nan",
        gradients.clip_norm_in_place(1.0, f64::NAN),
    );
    tell("clip values to -1", gradients.clip_value_in_place(-1.0));
    tell("accumulation 0", ctx.set_accumulation(0));
    tell(
        "stop above nan",
        ctx.stop_if_above(&floats(1)?, f64::NAN, ""),
    );
    tell("stop above many", ctx.stop_if_above(&floats(2)?, 0.0, ""));
    tell(
        "normal noise nan",
        floats(1)?.normal_in_place(0.0, f64::NAN),
    );
    let criterion = ctx.criterion()?;
    let brackets = "[".repeat(100_000);
    tell(
        "criterion nested",
        criterion.set("label_smoothing", &brackets),
    );
    tell(
        "criterion not json",
        criterion.set("label_smoothing", "NaN"),
    );
    tell("criterion 2", criterion.set("label_smoothing", "2.0"));
    tell("criterion -1", criterion.set("label_smoothing", "-1"));
    tell(
        "criterion of no name",
        criterion.set(&"x".repeat(LONG), "1"),
    );
    let loader = ctx.train_loader()?;
    tell("loader nested", loader.set("batch_size", &brackets));
    for value in ["0", "-1", "1e300", "18446744073709551616", "null", "{}"] {
        tell(
            &format!("batch size {value}"),
            loader.set("batch_size", value),
        );
    }
    tell("loader of no name", loader.set("../batch_size", "1"));
    Ok(())
}

fn number(name: &str) -> ScalarEntry {
    ScalarEntry {
        name: name.to_owned(),
        value: 1.0,
    }
}

fn names(ctx: &PhaseContext) -> Result<()> {
    let (logger, long) = (ctx.sg_logger()?, "x".repeat(LONG));
    for (what, name) in [
        ("empty", ""),
        ("long", long.as_str()),
        ("with a line break", "a\nb"),
        ("with an escape", "a\u{1b}[2J"),
        ("with a nul", "a\0b"),
        ("reversed", "a\u{202e}b"),
    ] {
        tell(&format!("metric name {what}"), ctx.log(name, 1.0));
        tell(&format!("text name {what}"), logger.text(name, "text"));
        tell(&format!("file name {what}"), logger.artifact(name, &[0]));
        if what != "reversed" {
            tell(
                &format!("stored name {what}"),
                storage::store_tensor(name, &floats(1)?),
            );
        }
    }
    for name in [".", "..", "../x", "/etc/x", "a/b", "a\\b", ".hidden", "x."] {
        tell(&format!("file name {name}"), logger.artifact(name, &[0]));
        tell(
            &format!("picture name {name}"),
            logger.image_file(name, &tensor::zeros(&[2, 2], Dtype::Uint8, "")?),
        );
    }
    tell(
        "stored name a//b",
        storage::store_tensor("a//b", &floats(1)?),
    );
    for tag in ["", "..", "a/b", "a b", long.as_str()] {
        tell(
            &format!("checkpoint tag {tag:.8}"),
            ctx.request_checkpoint(tag),
        );
    }
    tell("an item of no name", ctx.additional_batch_item(&long));
    Ok(())
}

fn images(ctx: &PhaseContext) -> Result<()> {
    let logger = ctx.sg_logger()?;
    let image = |shape: &[i64]| {
        tensor::zeros(shape, Dtype::Uint8, "").and_then(|x| logger.image("image", &x))
    };
    tell("image of 25 million pixels", image(&[5000, 5000]));
    tell("image of no pixel", image(&[0, 4]));
    tell("image of one line", image(&[4]));
    tell("image of five dimensions", image(&[1, 1, 3, 4, 4]));
    tell("image of seven colors", image(&[7, 4, 4]));
    tell(
        "image of integers",
        tensor::zeros(&[4, 4], Dtype::Int64, "").and_then(|x| logger.image("image", &x)),
    );
    tell(
        "logged histogram of 2^32 bins",
        logger.histogram("h", &floats(4)?, u32::MAX),
    );
    tell(
        "logged histogram of no bins",
        logger.histogram("h", &floats(4)?, 0),
    );
    tell(
        "logged histogram of nothing",
        logger.histogram("h", &floats(0)?, 4),
    );
    Ok(())
}

/// Too late, or not a word that is known.
fn verbs(ctx: &PhaseContext) {
    tell("stop whenever", ctx.request_stop("now", ""));
    tell("skip batch too late", ctx.skip_batch(""));
    tell("skip backward too late", ctx.skip_backward(""));
    tell("skip step too late", ctx.skip_step(""));
    if let Ok(inputs) = ctx.inputs() {
        tell("set inputs too late", ctx.set_inputs(&inputs));
        tell("set target too late", ctx.set_target(&inputs));
        tell("set loss too late", ctx.set_loss(&inputs));
    }
}

fn groups(ctx: &PhaseContext) -> Result<()> {
    let net = ctx.net()?;
    let (parameters, gradients) = (net.parameters()?, net.gradients()?);
    tell("requires grad of nobody", net.requires_grad("../weight"));
    tell("no member", parameters.get("../weight"));
    tell("glob of braces", parameters.matching(&"{".repeat(10_000)));
    tell("glob unclosed", parameters.matching("[a"));
    tell("freeze by braces", net.freeze(&"{a,".repeat(10_000)));
    tell(
        "parameters by fewer",
        parameters.copy_in_place(&parameters.matching("*bias*")?),
    );
    tell("norm nan of a group", gradients.norm(f64::NAN));
    tell("norm of counts", net.buffers()?.norm(2.0));
    tell("factor of many", gradients.mul_in_place(&floats(2)?));
    Ok(())
}
