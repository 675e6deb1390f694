//! Sizes of networks before they are made: each counts what it has, and what no memory holds is refused at once.

use serde_json::{Value, json};
use tch::Device;

use super::super::plan;
use super::recipes;

/// An architecture, its parameters, the shape of a sample, and words of the refusal; none where it is built.
type Row = (&'static str, Value, &'static [i64], Option<&'static str>);

fn rows() -> Vec<Row> {
    const DIGIT: &[i64] = &[1, 8, 8];
    const IMAGE: &[i64] = &[3, 64, 64];
    let script = json!({"file": "data/torchscript/digits_mlp.pt"});
    vec![
        ("linear", json!({}), DIGIT, None),
        ("mlp", json!({"hidden": [16, 8]}), DIGIT, None),
        ("mlp", json!({"hidden": vec![1; 8_000]}), DIGIT, None),
        ("convnet", json!({}), DIGIT, None),
        (
            "multi_task_mlp",
            json!({"heads": {"a": 2, "b": 3}}),
            DIGIT,
            None,
        ),
        ("resnet18_cifar", json!({}), IMAGE, None),
        ("resnet50", json!({}), IMAGE, None),
        ("yolox_n", json!({}), IMAGE, None),
        (
            "custom_yolox",
            json!({"depth_mult_factor": 16, "width_mult_factor": 0.01}),
            IMAGE,
            None,
        ),
        ("torchscript", script, DIGIT, None),
        (
            "linear",
            json!({"num_classes": 20_000_000}),
            DIGIT,
            Some("`fc.weight` of shape [20000000, 64]"),
        ),
        (
            "mlp",
            json!({"hidden": vec![20_000; 16]}),
            DIGIT,
            Some("`hidden.1.weight`"),
        ),
        (
            "mlp",
            json!({"hidden": [i64::MAX, i64::MAX]}),
            DIGIT,
            Some("`hidden.0.weight`"),
        ),
        (
            "mlp",
            json!({"hidden": vec![1; 9_000]}),
            DIGIT,
            Some("more than 16384 tensors"),
        ),
        (
            "convnet",
            json!({"channels": [i64::MAX, 2]}),
            DIGIT,
            Some("`conv1.weight`"),
        ),
        (
            "convnet",
            json!({"channels": [40_000, 40_000]}),
            DIGIT,
            Some("`conv2.weight`"),
        ),
        (
            "multi_task_mlp",
            json!({"heads": {"a": i64::MAX}}),
            DIGIT,
            Some("`heads.a.weight`"),
        ),
        (
            "resnet34",
            json!({"num_classes": i64::MAX}),
            IMAGE,
            Some("`fc.weight`"),
        ),
        (
            "custom_yolox",
            json!({"width_mult_factor": 16}),
            IMAGE,
            Some("`backbone.backbone.dark3.1.m.2"),
        ),
        (
            "yolox_s",
            json!({"xhead_inter_channels": 65_536}),
            IMAGE,
            Some("`head.cls_convs.0.0.conv.weight`"),
        ),
        (
            "yolox_x",
            json!({"num_classes": i64::MAX}),
            IMAGE,
            Some("`head.cls_preds.0.weight`"),
        ),
    ]
}

fn check((architecture, params, sample, refused): &Row) {
    let inputs = [("inputs".to_owned(), sample.to_vec())];
    let planned = plan(architecture, params, &inputs, Some(10), &recipes());
    let words = match (planned, refused) {
        (Ok(plan), None) => {
            let values = plan.values;
            let model = plan.build(Device::Cpu).expect("it is small");
            let state = model.state().into_iter();
            let counted = state.filter(|(name, _)| !name.ends_with("num_batches_tracked"));
            let all: usize = counted.map(|(_, tensor)| tensor.numel()).sum();
            // A file has its code, too.
            let is_file = *architecture == "torchscript" && values >= all as u64;
            assert!(values == all as u64 || is_file, "{architecture}: {values}");
            return;
        }
        (planned, words) => (planned.err(), words),
    };
    let (Some(error), Some(words)) = words else {
        panic!("{architecture} {params}: {words:?}");
    };
    let said = format!("{error:#}");
    assert!(said.contains(words), "{architecture} {params}: {said}");
}

#[test]
fn networks_are_counted_before_they_are_made() {
    rows().iter().for_each(check);
}
