//! `arch_params` of SuperGradients' YOLOX networks: keys that stand there at the one value that these networks have. Owns
//! the table; what else a network takes is `nn`'s.

use serde_json::{Value, json};

use super::super::location::Result;
use super::super::node::{Entry, Node};
use super::said::{Said, is_off};

/// Networks, as letters and digits, with their depth and width; a custom one has what is written.
const NETWORKS: &[(&str, Option<[f64; 2]>)] = &[
    ("yoloxn", Some([0.33, 0.25])),
    ("yoloxt", Some([0.33, 0.375])),
    ("yoloxs", Some([0.33, 0.5])),
    ("yoloxm", Some([0.67, 0.75])),
    ("yoloxl", Some([1.0, 1.0])),
    ("yoloxx", Some([1.33, 1.25])),
    ("customyolox", None),
];

/// A key with one value, and why it has no other.
struct Fixed {
    key: &'static str,
    is_so: fn(&Node) -> bool,
    remedy: &'static str,
}

const FIXED: &[Fixed] = &[
    Fixed {
        key: "anchors",
        is_so: has_strides,
        remedy: "its `strides` are 8, 16 and 32, and it has no other anchors than its cells",
    },
    Fixed {
        key: "yolo_type",
        is_so: is_yolox,
        remedy: "it is `yoloX`",
    },
    Fixed {
        key: "skip_connections_list",
        is_so: |node| {
            is(
                node,
                json!([[12, [6]], [16, [4]], [19, [14]], [22, [10]], [24, [17, 20]]]),
            )
        },
        remedy: "its connections are those of the paper",
    },
    Fixed {
        key: "backbone_connection_channels",
        is_so: |node| is(node, json!([1024, 512, 256])),
        remedy: "its connections are those of the paper",
    },
    Fixed {
        key: "scaled_backbone_width",
        is_so: |node| node.truth() == Some(true),
        remedy: "the width is that of all of the network",
    },
    Fixed {
        key: "fuse_conv_and_bn",
        is_so: is_off,
        remedy: "layers are trained as they are",
    },
    Fixed {
        key: "add_nms",
        is_so: is_off,
        remedy: "a metric's `post_prediction_callback` suppresses boxes",
    },
    Fixed {
        key: "xhead_groups",
        is_so: is_off,
        remedy: "the kind of its convolutions decides: see `depthwise`",
    },
];

/// Read with `add_nms` alone, which is off.
const OF_NMS: [&str; 2] = ["nms_conf", "nms_iou"];

/// Takes out what a network always does.
///
/// # Errors
/// Another value of such a key, with the reason.
pub(super) fn lower(recipe: &mut Node, said: &mut Said) -> Result<()> {
    let name = recipe.get("architecture").and_then(Node::as_str);
    let name = name.unwrap_or_default().to_owned();
    let known = NETWORKS.iter().find(|(known, _)| *known == letters(&name));
    let (Some((_, sizes)), Some(params)) = (known, recipe.get_mut("arch_params")) else {
        return Ok(());
    };
    for fixed in FIXED {
        if let Some(entry) = params.take(fixed.key) {
            fixed.check(&name, &entry)?;
        }
    }
    for key in OF_NMS {
        params.take(key);
    }
    if let Some([depth, width]) = *sizes {
        of_name(params, "depth_mult_factor", &json!(depth), &name, said);
        of_name(params, "width_mult_factor", &json!(width), &name, said);
    }
    if letters(&name) == "yoloxn" {
        of_name(params, "depthwise", &json!(true), &name, said);
    }
    Ok(())
}

/// As SuperGradients has it, the network's name goes before a written value; a note says so where they differ.
fn of_name(params: &mut Node, key: &str, own: &Value, name: &str, said: &mut Said) {
    let Some(entry) = params.take(key) else {
        return;
    };
    if !entry.value.is_null() && !is(&entry.value, own.clone()) {
        let words =
            format!("`{name}` has {own} whatever is written here; `custom_yolox` obeys the key");
        said.note(&entry, &words);
    }
}

impl Fixed {
    fn check(&self, name: &str, entry: &Entry) -> Result<()> {
        if entry.value.is_null() || (self.is_so)(&entry.value) {
            return Ok(());
        }
        let message = format!(
            "`{}` of `{name}` cannot be {}: {}; remove the key",
            self.key,
            entry.value.describe(),
            self.remedy
        );
        Err(entry.location.error(message))
    }
}

/// Numbers are compared as numbers: 1 is 1.0.
fn is(node: &Node, expected: Value) -> bool {
    let found = node.to_json();
    found == expected || (found.is_number() && found.as_f64() == expected.as_f64())
}

fn is_yolox(node: &Node) -> bool {
    node.as_str().is_some_and(|name| letters(name) == "yolox")
}

fn has_strides(node: &Node) -> bool {
    let anchors = node.get("Anchors").unwrap_or(node);
    let strides = anchors.get("strides");
    strides.is_some_and(|strides| is(strides, json!([8, 16, 32])))
}

fn letters(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}
