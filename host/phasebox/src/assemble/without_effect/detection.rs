//! Keys of detection, and of chance in validation, that are obeyed and seldom meant so. Owns the conditions; a note says what
//! follows from the value.

use anyhow::Result;
use phasebox_data::DataLoader;
use phasebox_recipe::{Content, Node, Note};

use super::Facts;

pub(super) fn notes(facts: &Facts<'_>) -> Result<Vec<Note>> {
    let mut notes = weights(facts);
    for metric in items(&facts.training().valid_metrics_list) {
        notes.extend(of_metric(metric));
    }
    notes.extend(chance(facts, &facts.built.valid_loader)?);
    notes.extend(other_size(facts)?);
    Ok(notes)
}

/// A weight of the loss, and what is not trained where it is 0.
const WEIGHTS: [(&str, &str); 3] = [
    (
        "iou_weight",
        "the places and sizes of boxes are not trained",
    ),
    (
        "obj_weight",
        "the probability of an object is not trained, and scores are chance",
    ),
    ("cls_weight", "the classes are not trained"),
];

fn weights(facts: &Facts<'_>) -> Vec<Note> {
    let training = facts.training();
    if facts.built.criterion.name() != "YoloXDetectionLoss" {
        return Vec::new();
    }
    let inline = training.loss.entries().first().map(|entry| &entry.value);
    let sections = [Some(&training.criterion_params), inline];
    let mut notes = Vec::new();
    for section in sections.into_iter().flatten() {
        let zero = WEIGHTS.iter().filter_map(|(key, words)| {
            let node = section.get(key).filter(|node| number(node) == Some(0.0))?;
            Some(note(node, format!("`{key}` is 0: {words}")))
        });
        notes.extend(zero);
    }
    notes
}

/// Detections that a metric compares an image, unless `top_k_predictions` says otherwise.
const COMPARED: f64 = 100.0;
/// A least score that is usual in pictures, and rare in metrics.
const HIGH_SCORE: f64 = 0.2;

/// The notes about the parameters of a metric of detections.
fn of_metric(metric: &Node) -> Vec<Note> {
    let Some(own) = metric.entries().first().map(|entry| &entry.value) else {
        return Vec::new();
    };
    let score = threshold(own, "score_thres", |score| {
        (score >= 1.0).then_some("precision, recall and F1 are of no detection; 0.1 is the default")
    });
    let first = threshold(own, "top_k_predictions", |most| {
        (most < FEW).then_some("other detections of an image count as missed; 100 is the default")
    });
    let mut notes: Vec<Note> = [score, first].into_iter().flatten().collect();
    notes.extend(of_post_prediction(own));
    notes
}

/// Fewer detections of an image than many have things.
const FEW: f64 = 10.0;

/// The notes about a metric's `post_prediction_callback`.
fn of_post_prediction(parameters: &Node) -> Vec<Note> {
    let callback = parameters.get("post_prediction_callback");
    let entries = callback.map(Node::entries).unwrap_or_default();
    let Some(own) = entries.first().map(|entry| &entry.value) else {
        return Vec::new();
    };
    let classes = parameters.get("num_cls").and_then(number);
    let conf = threshold(own, "conf", |conf| {
        (conf >= HIGH_SCORE)
            .then_some("what has a lower score counts as missed; 0.01 is usual in metrics")
    });
    let iou = threshold(own, "iou", |iou| match iou {
        0.0 => Some("boxes of a class that touch leave each other out; 0.65 is usual"),
        1.0 => Some("nothing is left out, and one thing is found many times; 0.65 is usual"),
        _ => None,
    });
    let most = threshold(own, "max_predictions", |most| {
        (most < COMPARED).then_some("metrics compare 100 detections of an image, and the others count as missed; 300 is usual")
    });
    let few = own.get("classes").zip(classes).and_then(|(list, classes)| {
        let some = items(list).len();
        let text = format!(
            "`classes` finds {some} of {classes} classes, and things of the others count as missed"
        );
        ((some as f64) < classes && some > 0).then(|| note(list, text))
    });
    [conf, iou, most, few].into_iter().flatten().collect()
}

/// A note about a number, if `words` has some for it.
fn threshold(own: &Node, key: &str, words: impl Fn(f64) -> Option<&'static str>) -> Option<Note> {
    let node = own.get(key)?;
    let value = number(node)?;
    let words = words(value)?;
    Some(note(node, format!("`{key}` is {value}: {words}")))
}

/// Transforms and collations of validation that draw: the metrics of two epochs are then about different samples.
fn chance(facts: &Facts<'_>, loader: &DataLoader) -> Result<Vec<Note>> {
    let drawing = loader.drawing()?.into_iter();
    let noted = drawing.map(|name| {
        let text = format!(
            "`{name}` changes validation by chance: two epochs judge different samples; it belongs to training"
        );
        note(drawn_at(facts, name), text)
    });
    Ok(noted.collect())
}

/// Images of validation of another size than those of training, for a network that takes both.
fn other_size(facts: &Facts<'_>) -> Result<Option<Note>> {
    let built = facts.built;
    let train = built.train_loader.input_shapes()?;
    let validation = built.valid_loader.input_shapes()?;
    let ([(_, train)], [(_, validation)]) = (train.as_slice(), validation.as_slice()) else {
        return Ok(None);
    };
    let is_drawn = !built.train_loader.drawn_shapes()?.is_empty();
    if is_drawn || train == validation || !built.net.takes(validation)? {
        return Ok(None);
    }
    let [own, other] = [validation, train].map(|shape| sides(shape));
    let text = format!(
        "images of validation are {own}, and the network is trained on {other}: write the same size in both, unless it is meant"
    );
    Ok(Some(note(&facts.recipe.val_transforms, text)))
}

/// Height and width of `[channels, height, width]`, in words.
fn sides(shape: &[i64]) -> String {
    let sides = shape.iter().skip(1).map(i64::to_string);
    sides.collect::<Vec<_>>().join("×")
}

/// The item of a transform's or a collation's name; the transforms of validation if it has another name there.
fn drawn_at<'a>(facts: &'a Facts<'_>, name: &str) -> &'a Node {
    let recipe = facts.recipe;
    let collation = recipe.val_dataloader_params.get("collate_fn");
    let mut all = items(&recipe.val_transforms).iter().chain(collation);
    let found = all.find(|item| item.as_str() == Some(name) || item.get(name).is_some());
    found.unwrap_or(&recipe.val_transforms)
}

fn items(list: &Node) -> &[Node] {
    match &list.content {
        Content::List(items) => items,
        _ => &[],
    }
}

fn number(node: &Node) -> Option<f64> {
    node.to_json().as_f64()
}

fn note(node: &Node, text: String) -> Note {
    Note {
        location: node.location.clone(),
        text,
    }
}
