//! `arch_params` of SuperGradients' YOLOX networks.

use serde_json::json;

use super::load;

/// The parameters that SuperGradients' files give every network.
const THEIRS: &str = "anchors: {_target_: super_gradients.training.utils.detection_utils.Anchors, anchors_list: [[], [], []], strides: [8, 16, 32]}, \
    num_classes: 80, channels_in: 3, skip_connections_list: [[12, [6]], [16, [4]], [19, [14]], [22, [10]], [24, [17, 20]]], \
    backbone_connection_channels: [1024, 512, 256], scaled_backbone_width: True, fuse_conv_and_bn: False, add_nms: False, \
    nms_conf: 0.25, nms_iou: 0.45, yolo_type: 'yoloX', stem_type: , depthwise: False, xhead_inter_channels: , xhead_groups: , _convert_: all";

/// The `arch_params` that are left, and the notes.
fn lowered(network: &str, params: &str) -> Result<(serde_json::Value, Vec<String>), String> {
    let text = format!(
        "experiment_name: x\narchitecture: {network}\ndataset: digits\ntraining_hyperparams: {{max_epochs: 2, loss: l1}}\narch_params: {{{params}}}\n"
    );
    let recipe = load(&[("recipe.yaml", &text)], &[])?;
    let notes = recipe.notes.iter().map(|note| note.text.clone());
    let params = recipe.to_json()["arch_params"].clone();
    Ok((params, notes.collect()))
}

#[test]
fn what_every_network_has_is_taken_out() {
    let factors = "depth_mult_factor: 0.33, width_mult_factor: 0.5";
    let (params, notes) = lowered("yolox_s", &format!("{THEIRS}, {factors}")).expect("a recipe");
    let left = json!({"num_classes": 80, "channels_in": 3, "stem_type": null, "depthwise": false, "xhead_inter_channels": null});
    assert_eq!((params, notes), (left, vec![]));
    let (params, notes) = lowered("custom_yolox", factors).expect("a recipe");
    let left = json!({"depth_mult_factor": 0.33, "width_mult_factor": 0.5});
    assert_eq!((params, notes), (left, vec![]));
}

#[test]
fn what_a_name_decides_is_noted() {
    for (network, params, expected) in [
        (
            "yolox_m",
            "depth_mult_factor: 0.33",
            "`depth_mult_factor`: `yolox_m` has 0.67 whatever is written here; `custom_yolox` obeys the key",
        ),
        (
            "YoloX_l",
            "width_mult_factor: 0.5",
            "`width_mult_factor`: `YoloX_l` has 1.0 whatever is written here; `custom_yolox` obeys the key",
        ),
        (
            "yolox_n",
            "depthwise: false",
            "`depthwise`: `yolox_n` has true whatever is written here; `custom_yolox` obeys the key",
        ),
    ] {
        let (params, notes) = lowered(network, params).expect("a recipe");
        assert_eq!((params, notes), (json!({}), vec![expected.to_owned()]));
    }
    let (params, notes) = lowered("yolox_l", "depth_mult_factor: 1").expect("a recipe");
    assert_eq!((params, notes), (json!({}), vec![]));
}

#[test]
fn other_values_are_refused() {
    for (params, expected) in [
        (
            "anchors: {strides: [4, 8, 16], anchors_list: []}",
            "its `strides` are 8, 16 and 32",
        ),
        ("yolo_type: yoloV5", "it is `yoloX`"),
        ("add_nms: true", "post_prediction_callback"),
        ("fuse_conv_and_bn: true", "as they are"),
        ("skip_connections_list: [[12, [5]]]", "of the paper"),
        ("scaled_backbone_width: false", "of all of the network"),
        ("xhead_groups: 2", "see `depthwise`"),
    ] {
        let refused = lowered("yolox_s", params).expect_err(expected);
        assert!(refused.starts_with("recipe.yaml:5: `"), "{refused}");
        assert!(refused.contains(expected), "{refused}");
    }
}
