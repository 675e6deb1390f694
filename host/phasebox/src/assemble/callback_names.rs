//! Names of callbacks: those that recipes use for stock callbacks, and SuperGradients', which are others for some of
//! them, with other parameters; and those of SuperGradients that phasebox lacks. Owns the tables and the parameters; the
//! files are `stock`'s.

use anyhow::{Result, bail};
use phasebox_contract::missing::Missing;
use phasebox_recipe::{Content, Recipe};
use phasebox_train::split::Split;
use serde_json::{Value, json};

use super::build::Built;
use super::{detection_pictures, watched};

/// A name that recipes use for a stock callback.
pub(super) struct Name {
    pub(super) name: &'static str,
    /// The callback's file, without `.wasm`.
    pub(super) file: &'static str,
    pub(super) lower: Lower,
}

/// The parameters that a stock callback gets, from those that the recipe writes below the name: an object each.
pub(super) type Lower = fn(&Recipe, &Built, &Value) -> Result<Value>;

/// The first name of a file is its own, the others are SuperGradients'.
pub(super) const NAMES: &[Name] = &[
    Name::new(
        "DetectionVisualization",
        DRAWN,
        detection_pictures::of_batch,
    ),
    Name::new(
        "ExtremeBatchDetectionVisualization",
        EXTREME,
        detection_pictures::of_extreme,
    ),
    Name::new("EarlyStopping", "early-stopping", monitored),
    Name::new("EMA", "ema", as_written),
    Name::new("GradClip", "grad-clip", as_written),
    Name::new("GradNormMonitor", "grad-norm-monitor", as_written),
    Name::new("LrWarmupCosine", "lr-warmup-cosine", as_written),
    Name::new("SaveFirstBatch", "save-first-batch", as_written),
    Name::new("Script", "script", as_written),
    Name::new("Trace", "trace", as_written),
    Name::new("TrainingStageSwitch", SWITCH, as_written),
    Name::new("EarlyStop", "early-stopping", early_stop),
    Name::new("SaveFirstBatchCallback", "save-first-batch", logged),
    Name::new(
        "DetectionVisualizationCallback",
        DRAWN,
        detection_pictures::of_batch,
    ),
    Name::new(
        "ExtremeBatchDetectionVisualizationCallback",
        EXTREME,
        detection_pictures::of_extreme,
    ),
    Name::new("YoloXTrainingStageSwitchCallback", SWITCH, yolox_switch),
    Name::new("PPYoloETrainingStageSwitchCallback", SWITCH, ppyoloe_switch),
    Name::new("PhaseContextTestCallback", "trace", as_written),
];
const SWITCH: &str = "training-stage-switch";
const DRAWN: &str = "detection-visualization";
const EXTREME: &str = "extreme-batch-detection-visualization";

impl Name {
    const fn new(name: &'static str, file: &'static str, lower: Lower) -> Name {
        Name { name, file, lower }
    }
}

/// The name that recipes use for the stock callback in a file; the file's own if it is nobody's.
pub(super) fn name_of(file: &str) -> &str {
    let row = NAMES.iter().find(|row| row.file == file);
    row.map_or(file, |row| row.name)
}

/// The parameters as they are.
pub(super) fn as_written(_: &Recipe, _: &Built, params: &Value) -> Result<Value> {
    Ok(params.clone())
}

/// `monitor` as the metric is called here: `val_loss`, `valid/loss` and `Loss` are `loss`.
fn monitored(_: &Recipe, built: &Built, params: &Value) -> Result<Value> {
    let mut params = params.clone();
    let split = match params["phase"].as_str() {
        Some("on-train-loader-end") => Split::Train,
        _ => Split::Validation,
    };
    let names = built.metrics[split].names();
    let monitor = params["monitor"].as_str();
    if let Some(name) =
        monitor.and_then(|monitor| watched::name_of(monitor, split, &names, built.criterion.name()))
    {
        params["monitor"] = name.into();
    }
    Ok(params)
}

/// `EarlyStop`: `mode` is `min` unless written, and `phase` has SuperGradients' names.
fn early_stop(recipe: &Recipe, built: &Built, params: &Value) -> Result<Value> {
    let mut params = params.clone();
    if params["mode"].is_null() {
        params["mode"] = "min".into();
    }
    let phase = match params["phase"].as_str() {
        Some("VALIDATION_EPOCH_END" | "Phase.VALIDATION_EPOCH_END") => "on-validation-loader-end",
        Some("TRAIN_EPOCH_END" | "Phase.TRAIN_EPOCH_END") => "on-train-loader-end",
        Some(other) => bail!(
            "parameter `phase`: use `VALIDATION_EPOCH_END` or `TRAIN_EPOCH_END`, not `{other}`"
        ),
        None => "on-validation-loader-end",
    };
    params["phase"] = phase.into();
    monitored(recipe, built, &params)
}

/// `SaveFirstBatchCallback`: images are logged, too.
fn logged(_: &Recipe, _: &Built, params: &Value) -> Result<Value> {
    let mut params = params.clone();
    if params["log"].is_null() {
        params["log"] = true.into();
    }
    Ok(params)
}

/// The transforms that YOLOX trains without in its last epochs.
const MOSAICS: [&str; 3] = ["DetectionMosaic", "DetectionRandomAffine", "DetectionMixup"];

/// `YoloXTrainingStageSwitchCallback`: no mosaic any more, and an L1 loss of boxes.
fn yolox_switch(recipe: &Recipe, _: &Built, params: &Value) -> Result<Value> {
    Ok(json!({
        "next_stage_start_epoch": only(params, "next_stage_start_epoch")?.unwrap_or(285.into()),
        "set_dataset": mosaics(recipe),
        "set_loss": { "use_l1": true },
    }))
}

/// `PPYoloETrainingStageSwitchCallback`: boxes are assigned by the task from now on.
fn ppyoloe_switch(_: &Recipe, _: &Built, params: &Value) -> Result<Value> {
    Ok(json!({
        "next_stage_start_epoch": only(params, "static_assigner_end_epoch")?.unwrap_or(30.into()),
        "set_loss": { "use_static_assigner": false },
    }))
}

/// The value of the one parameter there is.
fn only(params: &Value, key: &str) -> Result<Option<Value>> {
    let mut written = params
        .as_object()
        .into_iter()
        .flat_map(|params| params.keys());
    if let Some(other) = written.find(|written| *written != key) {
        bail!("unknown parameter `{other}`; there is `{key}` alone");
    }
    Ok(params.get(key).cloned())
}

/// The switches that turn the mosaics of the train loader off: the second of a kind has its number, as the loader has it.
fn mosaics(recipe: &Recipe) -> Value {
    let Content::List(items) = &recipe.train_transforms.content else {
        return json!({});
    };
    let mut counts = MOSAICS.map(|_| 0);
    let mut switches = json!({});
    for item in items {
        let first = item.entries().first().map(|entry| entry.key.as_str());
        let name = item.as_str().or(first);
        if let Some(kind) = MOSAICS.iter().position(|mosaic| Some(*mosaic) == name) {
            counts[kind] += 1;
            let key = match counts[kind] {
                1 => MOSAICS[kind].to_owned(),
                count => format!("{}_{count}", MOSAICS[kind]),
            };
            switches[key] = false.into();
        }
    }
    switches
}

const IMAGES: &str = "use `SaveFirstBatch`, which writes batches as images";
const SCHEDULE: &str = "set `lr_mode` and the keys beside it in `training_hyperparams`";
const WARMUP: &str = "set `warmup_mode` and `lr_warmup_epochs` in `training_hyperparams`";
const OWN: &str = "it is what callbacks are made of; name one of them, or a file of your own";

/// SuperGradients' callbacks that are not there.
pub(super) const MISSING: &[Missing] = &[
    Missing {
        names: "BinarySegmentationVisualizationCallback \
            DEKRVisualizationCallback ExtremeBatchCaseVisualizationCallback \
            ExtremeBatchPoseEstimationVisualizationCallback ExtremeBatchSegVisualizationCallback \
            WandBDetectionValidationPredictionLoggerCallback",
        remedy: IMAGES,
    },
    Missing {
        names: "SlidingWindowValidationCallback",
        remedy: "remove it: validation is on whole images",
    },
    Missing {
        names: "RoboflowResultCallback",
        remedy: "remove it: results are in the run's `summary.json`",
    },
    Missing {
        names: "DeciLabUploadCallback",
        remedy: "remove it: nothing is uploaded",
    },
    Missing {
        names: "ModelConversionCheckCallback",
        remedy: "remove it: there is no export to ONNX",
    },
    Missing {
        names: "LRCallbackBase LRSchedulerCallback StepLRScheduler ExponentialLRScheduler \
            PolyLRScheduler CosineLRScheduler FunctionLRScheduler",
        remedy: SCHEDULE,
    },
    Missing {
        names: "LinearEpochLRWarmup LinearBatchLRWarmup",
        remedy: WARMUP,
    },
    Missing {
        names: "TestLRCallback",
        remedy: "remove it: learning rates are in the run's `metrics.jsonl`",
    },
    Missing {
        names: "TimerCallback",
        remedy: "remove it: times are in the run's `metrics.jsonl`",
    },
    Missing {
        names: "MetricsUpdateCallback KDModelMetricsUpdateCallback",
        remedy: "remove it: metrics are always updated",
    },
    Missing {
        names: "MultiscalePrePredictionCallback DetectionMultiscalePrePredictionCallback",
        remedy: "write it as `training_hyperparams.pre_prediction_callback`, or use `collate_fn: MultiScaleCollateFunction`",
    },
    Missing {
        names: "AutoTrainBatchSizeSelectionCallback QATRecipeModificationCallback",
        remedy: "remove it: a recipe is not changed before its run",
    },
    Missing {
        names: "Callback PhaseCallback CallbackHandler TrainingStageSwitchCallbackBase",
        remedy: OWN,
    },
];

#[cfg(test)]
mod tests {
    use std::fs;

    use phasebox_contract::{missing, suggest};

    use super::*;

    const RECIPE: &str = "\
experiment_name: switches
dataset: digits
architecture: linear
training_hyperparams: {max_epochs: 1, initial_lr: 0.1, loss: CrossEntropyLoss}
";

    #[test]
    fn yolox_trains_without_the_mosaics_that_a_recipe_has() {
        for (transforms, expected) in [
            (
                "[DetectionMosaic: {prob: 1}, DetectionHSV]",
                json!({ "DetectionMosaic": false }),
            ),
            (
                "[DetectionMixup, DetectionRandomAffine, DetectionMixup]",
                json!({ "DetectionMixup": false, "DetectionRandomAffine": false, "DetectionMixup_2": false }),
            ),
            ("{resize: 8}", json!({})),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("recipe.yaml");
            fs::write(&path, format!("{RECIPE}train_transforms: {transforms}\n")).expect("written");
            let recipe = Recipe::load(&path, &[]).expect("a recipe");
            assert_eq!(mosaics(&recipe), expected, "{transforms}");
        }
    }

    const SUPERGRADIENTS: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/supergradients_names.json"
    ));

    /// Each callback of SuperGradients is there or has a remedy, and none has both.
    #[test]
    fn every_callback_of_supergradients_is_there_or_has_a_remedy() {
        let names: Vec<&str> = NAMES.iter().map(|row| row.name).collect();
        let is_there = |name: &str| suggest::fuzzy(name, &names).is_some();
        let all: Value = serde_json::from_str(SUPERGRADIENTS).expect("the reference");
        let registered = all["callbacks"].as_array().expect("a list").iter();
        let registered = registered.map(|name| name.as_str().expect("a name"));
        let missing = MISSING.iter().flat_map(|row| row.names.split_whitespace());
        for name in registered.chain(missing) {
            let has_remedy = missing::remedy(name, MISSING).is_some();
            assert_ne!(is_there(name), has_remedy, "{name}");
        }
    }
}
