//! SuperGradients' names of callbacks that phasebox lacks, with remedies. Loading those that are there is `callbacks`'.

use phasebox_contract::missing::Missing;

const IMAGES: &str = "use `SaveFirstBatch`, which writes batches as images";
const SCHEDULE: &str = "set `lr_mode` and the keys beside it in `training_hyperparams`";
const WARMUP: &str = "set `warmup_mode` and `lr_warmup_epochs` in `training_hyperparams`";
const OWN: &str = "it is what callbacks are made of; name one of them, or a file of your own";

pub(super) const MISSING: &[Missing] = &[
    Missing {
        names: "DetectionVisualizationCallback BinarySegmentationVisualizationCallback \
            DEKRVisualizationCallback ExtremeBatchCaseVisualizationCallback \
            ExtremeBatchDetectionVisualizationCallback \
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
        names: "PhaseContextTestCallback",
        remedy: "use `Trace`",
    },
    Missing {
        names: "MultiscalePrePredictionCallback DetectionMultiscalePrePredictionCallback",
        remedy: "use `collate_fn: PPYoloECollateFN`, which draws a size for each batch",
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
