//! Changes of small recipes of detection, each with the refusal or the note that follows. Owns the rows; how one is judged is
//! said above.

/// Texts of a recipe with those that take their places, the line of the refusal or of the note, and words of it.
pub(super) struct Row {
    pub(super) edits: &'static [(&'static str, &'static str)],
    pub(super) line: u64,
    pub(super) words: &'static [&'static str],
}

pub(super) const fn row(
    edits: &'static [(&'static str, &'static str)],
    line: u64,
    words: &'static [&'static str],
) -> Row {
    Row { edits, line, words }
}

pub(super) const COLLATION: &str = "collate_fn: DetectionCollateFN}\nval_";
pub(super) const VALIDATION: &str = "collate_fn: DetectionCollateFN}\ntrain_transforms";

pub(super) const REFUSED: &[Row] = &[
    // Fault 1: values of classes under the names of others.
    row(
        &[(
            "normalize_targets: true",
            "normalize_targets: true\n        include_classwise_ap: true\n        class_names: ['1', '0', '2', '3', '4', '5', '6', '7', '8', '9']",
        )],
        23,
        &["calls class 0 `1`, and the data call it `0`: write their names in their order"],
    ),
    // Fault 2: a size that only some batches have.
    row(
        &[(
            COLLATION,
            "collate_fn: {PPYoloECollateFN: {random_resize_sizes: [64, 100, 96]}}}\nval_",
        )],
        3,
        &[
            "`random_resize_sizes` gives images a size",
            "[100, 100]",
            "write other sizes",
        ],
    ),
    row(
        &[(
            COLLATION,
            "collate_fn: {MultiScaleCollateFunction: {multiscale_range: 1, image_size_steps: 16}}}\nval_",
        )],
        3,
        &[
            "`image_size_steps` gives images a size",
            "[48, 48]",
            "write a step",
        ],
    ),
    row(
        &[
            ("input_dim: 64", "input_dim: [32, 64]"),
            (
                COLLATION,
                "collate_fn: {MultiScaleCollateFunction: {multiscale_range: 1}}}\nval_",
            ),
        ],
        3,
        &[
            "`collate_fn` gives images a size",
            "[16, 32]",
            "make images square before",
        ],
    ),
    row(
        &[(
            "  loss:",
            "  pre_prediction_callback: {DetectionMultiscalePrePredictionCallback: {multiscale_range: 1, image_size_steps: 8}}\n  loss:",
        )],
        16,
        &["`image_size_steps` gives images a size"],
    ),
    row(
        &[(
            VALIDATION,
            "collate_fn: {PPYoloECollateFN: {random_resize_sizes: [33]}}}\ntrain_transforms",
        )],
        4,
        &["`random_resize_sizes` gives images a size", "[33, 33]"],
    ),
    row(
        &[
            (
                "architecture: custom_yolox\narch_params: {num_classes: 10, depth_mult_factor: 0.01, width_mult_factor: 0.0625}",
                "architecture: mlp",
            ),
            (
                COLLATION,
                "collate_fn: {PPYoloECollateFN: {random_resize_sizes: [64, 48]}}}\nval_",
            ),
            ("  criterion_params: {num_classes: 10}\n", ""),
            ("YoloXDetectionLoss", "PresenceLoss"),
        ],
        3,
        &["`random_resize_sizes` gives images a size", "`mlp`"],
    ),
    row(
        &[("input_dim: 64", "input_dim: 70")],
        6,
        &["32 divides", "[70, 70]", "pad or scale them"],
    ),
    row(
        &[(
            "val_transforms:\n  - DetectionPaddedRescale: {input_dim: 64}",
            "val_transforms:\n  - DetectionPaddedRescale: {input_dim: 60}",
        )],
        9,
        &["32 divides", "[60, 60]", "pad or scale them"],
    ),
    // Fault 4.
    row(
        &[(
            "{num_classes: 10}\n",
            "{num_classes: 10, iou_weight: 0, obj_weight: 0, cls_weight: 0.0}\n",
        )],
        17,
        &["`iou_weight`, `obj_weight` and `cls_weight` are 0, and nothing is trained"],
    ),
    row(
        &[(
            "{num_classes: 10}\n",
            "{num_classes: 10, center_sampling_radius: 0.1}\n",
        )],
        17,
        &["`center_sampling_radius` = 0.1: give 0.5 to 64"],
    ),
    row(
        &[("digits: [1, 2]", "digits: [0, 0]")],
        2,
        &["`digits` is [fewest, most]"],
    ),
    row(
        &[(
            "train_transforms:\n",
            "train_transforms:\n  - DetectionRandomAffine: {target_size: 64, filter_box_candidates: true, wh_thr: 1000}\n",
        )],
        6,
        &["`train_transforms` leave none of the", "`wh_thr`"],
    ),
    row(
        &[(
            "input_dim: 64}\n  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}\narch",
            "input_dim: 64}\n  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH, min_bbox_edge_size: 50}\narch",
        )],
        10,
        &["`val_transforms` leave none of the", "`min_bbox_edge_size`"],
    ),
    row(
        &[("metric_to_watch: mAP@0.50", "metric_to_watch: num_fg")],
        23,
        &[
            "does not say how good detections are",
            "greater_metric_to_watch_is_better",
        ],
    ),
    row(
        &[(
            "metric_to_watch: mAP@0.50",
            "metric_to_watch: Best_score_threshold",
        )],
        23,
        &["does not say how good detections are"],
    ),
    row(
        &[
            ("metric_to_watch: mAP@0.50", "metric_to_watch: AP_large"),
            ("DetectionMetrics_050", "CocoMetrics"),
        ],
        23,
        &[
            "`metric_to_watch: AP_large` is -1 throughout",
            "at least 96×96",
        ],
    ),
    row(
        &[("conf: 0.01", "conf: 1.0")],
        22,
        &["`conf` is 1, and no score is above it"],
    ),
    row(
        &[("conf: 0.01", "classes: [3, 10]")],
        22,
        &["`classes` has 10, and the last of 10 classes is 9"],
    ),
    row(
        &[("{input_dim: 64}", "{input_dim: 64, pad_value: 999}")],
        6,
        &["`pad_value` must be in 0 to 255"],
    ),
    row(
        &[(
            "train_transforms:\n",
            "train_transforms:\n  - DetectionMosaic: {input_dim: 32, border_value: -1}\n",
        )],
        6,
        &["`border_value` must be in 0 to 255"],
    ),
    // Two samples of one size by chance are no two of another.
    row(
        &[(
            "train_transforms:\n  - DetectionPaddedRescale: {input_dim: 64}",
            "train_transforms:\n  - DetectionMosaic: {input_dim: 64, prob: 0.5}",
        )],
        6,
        &["`DetectionMosaic` gives samples a size by chance, [128, 128] or [64, 64]"],
    ),
    row(
        &[
            (
                "DetectionPaddedRescale: {input_dim: 64}",
                "DetectionPaddedRescale: {input_dim: [64, 32]}",
            ),
            (
                "train_transforms:\n",
                "train_transforms:\n  - DetectionRescale: {output_shape: [64, 32]}\n",
            ),
            (
                "[64, 32]}\n  - DetectionTargets",
                "[64, 32]}\n  - DetectionRandomRotate90: {prob: 0.5}\n  - DetectionTargets",
            ),
        ],
        8,
        &["`DetectionRandomRotate90` gives samples a size by chance"],
    ),
    row(
        &[("metric_to_watch: mAP@0.50", "metric_to_watch: l1")],
        23,
        &["`metric_to_watch: l1`: it is 0 while `use_l1` is off"],
    ),
    // Values of a later stage.
    row(
        &[(
            "mAP@0.50\n",
            "mAP@0.50\nphase_callbacks:\n  - training-stage-switch: {next_stage_start_epoch: 1, set_loss: {strides: [16, 32]}}\n",
        )],
        25,
        &["`strides` says how the network is built, and cannot change during a run"],
    ),
    row(
        &[
            ("{size: 64", "{size: 32"),
            ("{input_dim: 64}", "{input_dim: 32}"),
            ("{input_dim: 64}", "{input_dim: 32}"),
            (
                "mAP@0.50\n",
                "mAP@0.50\nphase_callbacks:\n  - training-stage-switch: {next_stage_start_epoch: 1, set_dataset: {batch_size: 1}}\n",
            ),
        ],
        3,
        &["the last batch of an epoch has 1 sample"],
    ),
    // Fault 5.
    row(
        &[(
            "{num_classes: 10}\n",
            "{num_classes: 10, strides: [8, 16]}\n",
        )],
        17,
        &["the network has a level `p5`, and `strides` has none for it"],
    ),
    row(
        &[(
            "8, collate_fn: DetectionCollateFN}\nval_",
            "8, collate_fn: {CollateMixup: {mixup_alpha: 1}}}\nval_",
        )],
        3,
        &["cannot be stacked: write `collate_fn: DetectionCollateFN`"],
    ),
    row(
        &[(
            "{num_classes: 10}\n",
            "{num_classes: 10, obj_weight: 1.0e+39}\n",
        )],
        17,
        &["`obj_weight` = 1", "the largest of float32"],
    ),
    row(
        &[("{num_classes: 10}\n", "{num_classes: 12}\n")],
        17,
        &["the loss has 12 classes, and the network has 10: write `num_classes: 10`"],
    ),
    row(
        &[(
            "arch_params: {num_classes: 10",
            "arch_params: {num_classes: 12",
        )],
        12,
        &["the network has 12 classes, and the data have 10: write `num_classes: 10`"],
    ),
    row(
        &[
            (
                "arch_params: {num_classes: 10",
                "arch_params: {num_classes: 8",
            ),
            ("{num_classes: 10}\n", "{num_classes: 8}\n"),
            ("num_cls: 10", "num_cls: 8"),
        ],
        12,
        &["the network has 8 classes, and the data have 10: write `num_classes: 10`"],
    ),
    row(
        &[("num_cls: 10", "num_cls: 80")],
        20,
        &["the metric has 80 classes, and the network has 10: write `num_cls: 10`"],
    ),
    row(
        &[(
            "  metric_to_watch",
            "    - DetectionMetrics_075: {num_cls: 10, normalize_targets: true}\n  metric_to_watch",
        )],
        23,
        &[
            "gives `Best_score_threshold`, as `DetectionMetrics_050` does: set `calc_best_score_thresholds: false`",
        ],
    ),
    row(
        &[
            (
                "architecture: custom_yolox\narch_params: {num_classes: 10, depth_mult_factor: 0.01, width_mult_factor: 0.0625}",
                "architecture: linear\narch_params: {num_classes: 3}",
            ),
            ("  criterion_params: {num_classes: 10}\n", ""),
            ("YoloXDetectionLoss", "PresenceLoss"),
            (
                "valid_metrics_list:\n    - DetectionMetrics_050:\n        num_cls: 10\n        normalize_targets: true\n        post_prediction_callback: {YoloXPostPredictionCallback: {conf: 0.01, iou: 0.65}}\n  metric_to_watch: mAP@0.50",
                "metric_to_watch: loss",
            ),
        ],
        12,
        &["the network has 3 outputs, and the data have 10 classes"],
    ),
];

/// Changes of the recipe whose data are files.
pub(super) const OF_FILES: &[Row] = &[
    row(
        &[("train.json,", "train.json, max_num_samples: 0,")],
        4,
        &["`max_num_samples` is 0, and no image is kept"],
    ),
    // Both parts have the key.
    row(
        &[
            ("train.json,", "train.json, max_num_samples: 4,"),
            ("valid.json,", "valid.json, max_num_samples: 0,"),
        ],
        5,
        &["`max_num_samples` is 0, and no image is kept"],
    ),
    row(
        &[(
            "train.json,",
            "train.json, class_ids_to_ignore: [3], class_inclusion_list: ['3', '4'],",
        )],
        4,
        &["`class_inclusion_list` keeps `3`, and `class_ids_to_ignore` leaves it out"],
    ),
    row(
        &[("train.json,", "beside.json,")],
        4,
        &["`json_file`", "beside.json: cannot be opened"],
    ),
    row(
        &[("8, collate_fn: DetectionCollateFN}\nval_", "8}\nval_")],
        6,
        &["cannot be stacked: write `collate_fn: DetectionCollateFN`"],
    ),
    row(
        &[(
            "8, collate_fn: DetectionCollateFN}\ntrain_",
            "8, collate_fn: default}\ntrain_",
        )],
        7,
        &["cannot be stacked: write `collate_fn: DetectionCollateFN`"],
    ),
    row(
        &[("train.json,", "none.json, ignore_empty_annotations: false,")],
        2,
        &["the training data have no box, and nothing is learned"],
    ),
    row(
        &[("valid.json,", "none.json, ignore_empty_annotations: false,")],
        2,
        &[
            "the validation data have no box",
            "`mAP@0.50`",
            "is -1 throughout",
        ],
    ),
    row(
        &[
            ("valid.json,", "crowds.json,"),
            (
                "collate_fn: DetectionCollateFN}\ntrain_",
                "collate_fn: CrowdDetectionCollateFN}\ntrain_",
            ),
        ],
        2,
        &["the validation data have no box", "is -1 throughout"],
    ),
    // The first image alone has sides that 32 divides.
    row(
        &[
            ("batch_size: 8", "batch_size: 1"),
            (
                "train_transforms:\n  - DetectionPaddedRescale: {input_dim: 64}\n",
                "train_transforms:\n",
            ),
        ],
        8,
        &["32 divides", "[48, 64]", "pad or scale them"],
    ),
];
