//! Names of SuperGradients, torchvision and PyTorch that a recipe may use and this crate lacks: networks, losses,
//! metrics, optimizers and schedules, with remedies. Owns the lists; a registry asks only for names that it lacks.

use phasebox_contract::missing::Missing;

const SCRIPT: &str = "save yours with `torch.jit.script` and use `torchscript`";
const WATCH_LOSS: &str = "remove it and watch `loss`, or publish it from a callback";
const OWN_LOSS: &str = "use one of the losses that are there, or set the loss in a callback";

/// Networks by family.
pub(crate) const NETWORKS: &[Missing] = &[
    Missing {
        names: "resnet50_3343 resnet101 resnet152 custom_resnet custom_resnet50 custom_resnet_cifar \
            custom_resnet50_cifar",
        remedy: "use `resnet18`, `resnet34` or `resnet50`, or save yours with `torch.jit.script` and use `torchscript`",
    },
    Missing {
        names: "resnext50 resnext101 custom_densenet densenet121 densenet161 densenet169 densenet201 \
            googlenet_v1 darknet53 csp_darknet53 mobilenet_v2 mobile_net_v2_135 \
            custom_mobilenet_v2 mobilenet_v3_large mobilenet_v3_small mobilenet_v3_custom \
            shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0 \
            shufflenet_v2_custom5 efficientnet_b0 efficientnet_b1 efficientnet_b2 \
            efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7 \
            efficientnet_b8 efficientnet_l2 CustomizedEfficientnet regnetY200 regnetY400 \
            regnetY600 regnetY800 custom_regnet custom_anynet nas_regnet repvgg_a0 repvgg_a1 \
            repvgg_a2 repvgg_b0 repvgg_b1 repvgg_b2 repvgg_b3 repvgg_d2se repvgg_custom \
            stdc1_classification stdc2_classification custom_stdc stdc_custom_cls \
            unet_custom_cls vit_base vit_large vit_huge beit_base_patch16_224 \
            beit_large_patch16_224",
        remedy: SCRIPT,
    },
    Missing {
        names: "shelfnet18_lw shelfnet34_lw shelfnet50_3343 shelfnet50 shelfnet101 ddrnet_23 \
            ddrnet_23_slim ddrnet_39 custom_ddrnet_23 stdc1_seg stdc1_seg50 stdc1_seg75 \
            stdc2_seg stdc2_seg50 stdc2_seg75 stdc_custom regseg48 pp_lite_t_seg pp_lite_t_seg50 \
            pp_lite_t_seg75 pp_lite_b_seg pp_lite_b_seg50 pp_lite_b_seg75 unet unet_custom \
            segformer_b0 segformer_b1 segformer_b2 segformer_b3 segformer_b4 segformer_b5",
        remedy: SCRIPT,
    },
    Missing {
        names: "ssd_mobilenet_v1 ssd_lite_mobilenet_v2 ppyoloe_s ppyoloe_m ppyoloe_l ppyoloe_x yolo_nas_s \
            yolo_nas_m yolo_nas_l",
        remedy: "use `yolox_s` or another `yolox_…`, or save yours with `torch.jit.script` and use `torchscript`",
    },
    Missing {
        names: "dekr_custom dekr_w32_no_dc pose_rescoring_custom pose_rescoring_coco yolo_nas_pose_n \
            yolo_nas_pose_s yolo_nas_pose_m yolo_nas_pose_l",
        remedy: SCRIPT,
    },
    Missing {
        names: "kd_module",
        remedy: "there is no distillation; train the student alone",
    },
];

/// Losses, with the names that SuperGradients had for them before.
pub(crate) const LOSSES: &[Missing] = &[
    Missing {
        names: "RSquaredLoss r_squared_loss",
        remedy: "use `MSELoss`, which differs by the variance of the batch's targets",
    },
    Missing {
        names: "FocalLoss",
        remedy: "use `CrossEntropyLoss` with `weight`",
    },
    Missing {
        names: "BCEDiceLoss bce_dice_loss DiceCEEdgeLoss dice_ce_edge_loss STDCLoss stdc_loss \
            ShelfNetOHEMLoss shelfnet_ohem_loss ShelfNetSemanticEncodingLoss shelfnet_se_loss",
        remedy: "use `CrossEntropyLoss`, which takes masks",
    },
    Missing {
        names: "YoloXFastDetectionLoss yolox_fast_loss",
        remedy: "it matches by other rules and divides by all cells; use `YoloXDetectionLoss`, which is dense here too",
    },
    Missing {
        names: "PPYoloELoss ppyoloe_loss SSDLoss ssd_loss DEKRLoss dekr_loss RescoringLoss rescoring_loss \
            YoloNASPoseLoss yolo_nas_pose_loss",
        remedy: OWN_LOSS,
    },
    Missing {
        names: "KDLogitsLoss kd_loss SegKDLoss",
        remedy: "there is no distillation; use the loss of the student",
    },
];

/// Metrics by the kind of target that they are about.
pub(crate) const METRICS: &[Missing] = &[
    Missing {
        names: "IoU BinaryIOU Dice BinaryDice PixelAccuracy",
        remedy: WATCH_LOSS,
    },
    Missing {
        names: "DetectionMetricsDistanceBased",
        remedy: "use `DetectionMetrics`, which goes by overlap",
    },
    Missing {
        names: "PoseEstimationMetrics",
        remedy: WATCH_LOSS,
    },
    Missing {
        names: "DeltaMetric Delta1 Delta2 Delta3 DepthMAE DepthMAPE DepthMSE DepthRMSE DepthMSLE",
        remedy: "use `MAE` or `MSE`",
    },
];

/// Optimizers of SuperGradients and `torch.optim`.
pub(crate) const OPTIMIZERS: &[Missing] = &[
    Missing {
        names: "RMSpropTF",
        remedy: "use `RMSprop`, which adds its `eps` outside of the root",
    },
    Missing {
        names: "Lamb Lion NAdam RAdam Adamax",
        remedy: "use `AdamW`",
    },
    Missing {
        names: "Adagrad Adadelta ASGD Rprop LBFGS SparseAdam Adafactor",
        remedy: "use `Adam`",
    },
];

/// Schedules of SuperGradients and `torch.optim.lr_scheduler`, which `lr_mode` names.
pub(crate) const SCHEDULES: &[Missing] = &[
    Missing {
        names: "FunctionLRScheduler function LambdaLR",
        remedy: "a recipe holds no code; write a callback that sets the learning rate",
    },
    Missing {
        names: "StepLR",
        remedy: "use `StepLRScheduler` with `step_lr_update_freq` and `lr_decay_factor`",
    },
    Missing {
        names: "ExponentialLR",
        remedy: "use `ExponentialLRScheduler` with `lr_decay_factor`",
    },
    Missing {
        names: "CosineAnnealingLR CosineAnnealingWarmRestarts",
        remedy: "use `CosineLRScheduler` with `cosine_final_lr_ratio`",
    },
    Missing {
        names: "yoloxwarmcos yoloxsemiwarmcos warmcos",
        remedy: "use `FlatCosineLRScheduler` with `warmup_mode: QuadraticBatchLRWarmup`",
    },
    Missing {
        names: "CyclicLR",
        remedy: "use `OneCycleLR`",
    },
    Missing {
        names: "LinearLR PolynomialLR",
        remedy: "use `PolyLRScheduler`, or `lr_warmup_epochs` for a warm-up",
    },
    Missing {
        names: "ConstantLR",
        remedy: "use `Constant`",
    },
    Missing {
        names: "ReduceLROnPlateau",
        remedy: "use `StepLRScheduler`, or write a callback that sets the learning rate",
    },
];

#[cfg(test)]
#[path = "../../contract/src/missing_test.rs"]
mod missing_test;

#[cfg(test)]
mod tests {
    use super::missing_test::check;
    use super::*;
    use crate::{criterion, metrics, model, optim, schedule};

    #[test]
    fn every_name_of_supergradients_is_there_or_has_a_remedy() {
        check("networks", model::check_name, NETWORKS);
        check("losses", criterion::check_name, LOSSES);
        check("metrics", metrics::check_name, METRICS);
        check("optimizers", optim::check_name, OPTIMIZERS);
        check("schedules", schedule::check_name, SCHEDULES);
    }
}
