//! Changes of a small recipe of detection with the note that follows, and those that no note is about. Owns the rows.

use super::rows::{COLLATION, Row, VALIDATION, row};

pub(super) const NOTED: &[Row] = &[
    row(
        &[(
            "{num_classes: 10}\n",
            "{num_classes: 10, cls_pos_weight: 1}\n",
        )],
        17,
        &[
            "note:",
            "cls_pos_weight` has no effect: a weight of 1 changes nothing",
        ],
    ),
    row(
        &[(
            "normalize_targets: true\n",
            "normalize_targets: true\n        score_thres: 1.0\n",
        )],
        22,
        &[
            "note:",
            "`score_thres` is 1: precision, recall and F1 are of no detection",
        ],
    ),
    row(
        &[(
            "normalize_targets: true\n",
            "normalize_targets: true\n        top_k_predictions: 1\n",
        )],
        22,
        &["note:", "`top_k_predictions` is 1: other detections"],
    ),
    row(
        &[(
            "val_transforms:\n  - DetectionPaddedRescale: {input_dim: 64}",
            "val_transforms:\n  - DetectionPaddedRescale: {input_dim: 128}",
        )],
        8,
        &[
            "note:",
            "images of validation are 128×128, and the network is trained on 64×64",
        ],
    ),
    row(
        &[(
            "mAP@0.50\n",
            "mAP@0.50\nphase_callbacks:\n  - YoloXTrainingStageSwitchCallback: {next_stage_start_epoch: 0}\n",
        )],
        25,
        &[
            "note:",
            "next_stage_start_epoch` has no effect: at 0 there is no first stage",
        ],
    ),
    row(
        &[("{num_classes: 10}\n", "{num_classes: 10, obj_weight: 0}\n")],
        17,
        &[
            "note:",
            "`obj_weight` is 0: the probability of an object is not trained",
        ],
    ),
    row(
        &[("conf: 0.01", "conf: 0.5")],
        22,
        &[
            "note:",
            "`conf` is 0.5: what has a lower score counts as missed",
        ],
    ),
    row(
        &[("iou: 0.65", "iou: 1")],
        22,
        &["note:", "`iou` is 1: nothing is left out"],
    ),
    row(
        &[("iou: 0.65", "classes: [1, 2]")],
        22,
        &["note:", "`classes` finds 2 of 10 classes"],
    ),
    row(
        &[("iou: 0.65", "max_predictions: 5")],
        22,
        &["note:", "`max_predictions` is 5: metrics compare 100"],
    ),
    row(
        &[(
            VALIDATION,
            "collate_fn: {PPYoloECollateFN: {random_resize_sizes: [64, 96]}}}\ntrain_transforms",
        )],
        4,
        &["note:", "`PPYoloECollateFN` changes validation by chance"],
    ),
    row(
        &[("val_transforms:\n", "val_transforms:\n  - DetectionHSV\n")],
        9,
        &["note:", "`DetectionHSV` changes validation by chance"],
    ),
    row(
        &[
            (
                "arch_params: {num_classes: 10",
                "arch_params: {num_classes: 12",
            ),
            ("{num_classes: 10}\n", "{num_classes: 12}\n"),
            ("num_cls: 10", "num_cls: 12"),
        ],
        12,
        &[
            "note:",
            "the network has 12 classes, and the data have 10: the others are never right",
        ],
    ),
    row(
        &[(
            "mAP@0.50\n",
            "mAP@0.50\nphase_callbacks:\n  - detection-visualization: {last_img_idx_in_batch: 9}\n",
        )],
        25,
        &[
            "note:",
            "last_img_idx_in_batch` has no effect: a batch has 8 images",
        ],
    ),
    row(
        &[(
            "mAP@0.50\n",
            "mAP@0.50\nphase_callbacks:\n  - extreme-batch-detection-visualization: {loss_to_monitor: l1}\n",
        )],
        25,
        &["note:", "loss_to_monitor` has no effect: `use_l1` is off"],
    ),
    row(
        &[(
            COLLATION,
            "collate_fn: {PPYoloECollateFN: {random_resize_sizes: [64]}}}\nval_",
        )],
        3,
        &[
            "note:",
            "`PPYoloECollateFN` has no effect: it draws one size alone",
        ],
    ),
];

/// Changes of the recipe whose data are files.
pub(super) const NOTED_OF_FILES: &[Row] = &[row(
    &[("valid.json,", "valid.json, max_num_samples: 99,")],
    5,
    &[
        "note:",
        "validation.max_num_samples` has no effect: the part has no more images",
    ],
)];

/// Changes that look like mistakes and are none: nothing is said.
pub(super) const ACCEPTED: &[Row] = &[
    row(&[], 0, &[]),
    row(
        &[(
            "normalize_targets: true",
            "normalize_targets: true\n        include_classwise_ap: true\n        class_names: [zero, one, two, three, four, five, six, seven, eight, nine]",
        )],
        0,
        &[],
    ),
    row(
        &[(
            COLLATION,
            "collate_fn: {MultiScaleCollateFunction: {multiscale_range: 1}}}\nval_",
        )],
        0,
        &[],
    ),
    row(
        &[(
            VALIDATION,
            "collate_fn: {PPYoloECollateFN: {random_resize_sizes: [96]}}}\ntrain_transforms",
        )],
        0,
        &[],
    ),
    row(
        &[(
            "metric_to_watch: mAP@0.50",
            "metric_to_watch: num_fg\n  greater_metric_to_watch_is_better: true",
        )],
        0,
        &[],
    ),
];
