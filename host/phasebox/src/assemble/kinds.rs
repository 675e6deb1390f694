//! Losses and metrics that do not go with the kind of target: an accuracy of prices, a distance between classes. Their
//! shapes fit, so nothing else would notice. Owns which kind each wants; names and parameters are `nn`'s.

use anyhow::{Result, anyhow};
use phasebox_data::Target;
use phasebox_recipe::{Content, Node, Recipe};

use super::build::Built;

/// The kind of a target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Class,
    Number,
    Boxes,
    Other,
}

/// The kind that a loss or a metric wants, by the letters of its name.
const WANTED: &[(&str, Kind)] = &[
    ("accuracy", Kind::Class),
    ("top", Kind::Class),
    ("f1", Kind::Class),
    ("precisionrecall", Kind::Class),
    ("auroc", Kind::Class),
    ("crossentropy", Kind::Class),
    ("labelsmoothingcrossentropy", Kind::Class),
    ("mae", Kind::Number),
    ("mse", Kind::Number),
    ("l1", Kind::Number),
    ("huber", Kind::Number),
    ("presence", Kind::Boxes),
    ("yoloxdetection", Kind::Boxes),
    ("yolox", Kind::Boxes),
    ("detectionmetrics", Kind::Boxes),
    ("detectionmetrics050", Kind::Boxes),
    ("detectionmetrics075", Kind::Boxes),
    ("detectionmetrics050095", Kind::Boxes),
    ("cocometrics", Kind::Boxes),
];

impl Kind {
    fn of(target: &Target) -> Kind {
        match target {
            Target::Class(_) => Kind::Class,
            Target::Numbers(_) => Kind::Number,
            Target::Boxes(_) => Kind::Boxes,
            Target::Mask(_) | Target::Keypoints(_) => Kind::Other,
        }
    }

    fn wanted_by(name: &str) -> Option<Kind> {
        let letters = letters(name);
        let row = WANTED.iter().find(|(known, _)| *known == letters);
        row.map(|(_, kind)| *kind)
    }

    fn words(self) -> &'static str {
        match self {
            Kind::Class => "classes",
            Kind::Number => "numbers",
            Kind::Boxes => "boxes",
            Kind::Other => "masks or keypoints",
        }
    }

    /// Losses and metrics for a target of this kind.
    fn remedy(self) -> &'static str {
        match self {
            Kind::Class => "use `CrossEntropyLoss`, and `Accuracy`, `F1` or `AUROC`",
            Kind::Number => "use `MSELoss`, `L1Loss` or `HuberLoss`, and `MAE` or `MSE`",
            Kind::Boxes => {
                "use `YoloXDetectionLoss` or `PresenceLoss`, and `DetectionMetrics` or `CocoMetrics`"
            }
            Kind::Other => "use `CrossEntropyLoss` for masks",
        }
    }
}

/// The letters of a name, without `Loss` at its end and the number of `Top5`.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let lower: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    let short = lower.strip_suffix("loss").unwrap_or(&lower);
    match short.strip_prefix("top") {
        Some(_) => "top".to_owned(),
        None => short.to_owned(),
    }
}

/// Refuses a loss or a metric for another kind of target than it gets.
pub(super) fn check(recipe: &Recipe, built: &Built) -> Result<()> {
    let training = &recipe.training_hyperparams;
    check_collations(recipe, built)?;
    let targets = Targets::of(built);
    targets.check_loss(&training.loss, &training.criterion_params)?;
    let lists = [&training.train_metrics_list, &training.valid_metrics_list];
    let mut metrics = lists.into_iter().flat_map(items);
    metrics.try_for_each(|metric| targets.check_entry("metric", metric))?;
    let sections = [&recipe.train_transforms, &recipe.val_transforms];
    let mut formats = sections
        .into_iter()
        .flat_map(items)
        .filter_map(format_of_boxes);
    if has_loss(built, "PresenceLoss") {
        formats.try_for_each(check_label_first)?;
    }
    if has_loss(built, "YoloXDetectionLoss") {
        for transforms in sections {
            check_columns(transforms, "YoloXDetectionLoss", IN_PIXELS)?;
        }
    }
    for metric in items(&training.valid_metrics_list) {
        check_columns_of_metric(&recipe.val_transforms, metric)?;
    }
    Ok(())
}

/// Collations for one target a sample.
const STACKING: [&str; 2] = ["default", "CollateMixup"];

/// The name of `name` or of `{name: parameters}`.
fn name_of(node: &Node) -> &str {
    let first = node.entries().first().map(|entry| entry.key.as_str());
    node.as_str().or(first).unwrap_or_default()
}

/// Refuses to stack boxes or points, of which each sample has its own number.
fn check_collations(recipe: &Recipe, built: &Built) -> Result<()> {
    let Ok(sample) = built.train_loader.dataset().sample(0) else {
        return Ok(());
    };
    let mut targets = sample.target.iter().map(|(_, target)| target);
    let has_things =
        targets.any(|target| matches!(target, Target::Boxes(_) | Target::Keypoints(_)));
    let sections = [
        Some(&recipe.train_dataloader_params),
        Some(&recipe.val_dataloader_params),
        built
            .test_loader
            .as_ref()
            .map(|_| &recipe.test_dataloader_params),
    ];
    let stacks = |params: &&Node| match params.get("collate_fn") {
        Some(collation) if collation.is_null() => true,
        Some(collation) => STACKING.contains(&name_of(collation)),
        None => true,
    };
    let found = sections.into_iter().flatten().find(stacks);
    let Some(params) = found.filter(|_| has_things) else {
        return Ok(());
    };
    let key = params.get("collate_fn").unwrap_or(params);
    let message = "samples have boxes or points, each its own number of them, which cannot be stacked: write \
                   `collate_fn: DetectionCollateFN`";
    Err(anyhow!(key.location.error(message)))
}

/// The columns of boxes by their centers, and the same as parts of the image.
const IN_PIXELS: &str = "LABEL_CXCYWH";
const NORMALIZED: &str = "LABEL_NORMALIZED_CXCYWH";

/// Refuses columns that a metric of detections would take for others.
fn check_columns_of_metric(transforms: &Node, metric: &Node) -> Result<()> {
    let entry = metric.entries().first();
    let written = entry.and_then(|entry| entry.value.get("normalize_targets"));
    let written = written.and_then(|written| match &written.content {
        Content::Scalar(value) => value.as_bool(),
        _ => None,
    });
    check_columns_read(transforms, name_of(metric), written)
}

/// As above, for a metric of that name; `normalize_targets` as it is written.
pub(super) fn check_columns_read(
    transforms: &Node,
    name: &str,
    normalize_targets: Option<bool>,
) -> Result<()> {
    let is_of_coco = letters(name) == "cocometrics";
    if !is_of_coco && !letters(name).starts_with("detectionmetrics") {
        return Ok(());
    }
    let in_pixels = normalize_targets.unwrap_or(is_of_coco);
    let (wanted, other) = match in_pixels {
        true => (IN_PIXELS, NORMALIZED),
        false => (NORMALIZED, IN_PIXELS),
    };
    let last = items(transforms)
        .iter()
        .filter_map(format_of_boxes)
        .next_back();
    let Some(format) = last.filter(|format| format.as_str() == Some(other)) else {
        return check_columns(transforms, name, wanted);
    };
    let message = format!(
        "boxes come as {other}, and `{name}` reads {wanted} with `normalize_targets: {in_pixels}`: write \
         `normalize_targets: {}` among its parameters",
        !in_pixels
    );
    Err(anyhow!(format.location.error(message)))
}

/// True if the transforms give boxes in pixels, false if as parts of the image.
///
/// # Errors
/// Other columns than a center and sizes after the class, which `reader` reads.
pub(super) fn are_in_pixels(transforms: &Node, reader: &str) -> Result<bool> {
    let mut formats = items(transforms).iter().filter_map(format_of_boxes);
    match formats.next_back().and_then(Node::as_str) {
        Some(NORMALIZED) => Ok(false),
        _ => check_columns(transforms, reader, IN_PIXELS).map(|()| true),
    }
}

/// Refuses columns of boxes other than those that `reader` reads: it could not tell them apart.
fn check_columns(transforms: &Node, reader: &str, wanted: &str) -> Result<()> {
    let mut formats = items(transforms).iter().filter_map(format_of_boxes);
    let last = formats.next_back();
    if last.and_then(Node::as_str) == Some(wanted) {
        return Ok(());
    }
    let found = last.and_then(Node::as_str);
    let message = format!(
        "boxes come as {}, and `{reader}` reads {wanted}: end the transforms with \
         `DetectionTargetsFormatTransform: {{output_format: {wanted}}}`",
        found.unwrap_or("LABEL_XYXY")
    );
    let place = last.unwrap_or(transforms);
    Err(anyhow!(place.location.error(message)))
}

/// True if the run's loss, or one of its parts, is the one of that name.
fn has_loss(built: &Built, name: &str) -> bool {
    let parts = built.criterion.parameters().get("parts");
    let parts = parts.map(ToString::to_string).unwrap_or_default();
    built.criterion.name() == name || parts.contains(name)
}

/// The columns that a transform makes of boxes.
fn format_of_boxes(transform: &Node) -> Option<&Node> {
    let parameters = transform.get("DetectionTargetsFormatTransform")?;
    parameters.get("output_format")
}

fn check_label_first(format: &Node) -> Result<()> {
    let name = format.as_str().unwrap_or_default();
    if !name.ends_with("_LABEL") {
        return Ok(());
    }
    let message = format!(
        "`output_format: {name}` puts the class behind the box, and `PresenceLoss` reads it before: write `LABEL_…`"
    );
    Err(anyhow!(format.location.error(message)))
}

fn items(list: &Node) -> &[Node] {
    match &list.content {
        Content::List(items) => items,
        _ => &[],
    }
}

/// The kinds of a run's targets, by name. A single one has an empty name.
struct Targets {
    kinds: Vec<(String, Kind)>,
    /// Numbers are labels of 0 or 1.
    are_labels: bool,
    /// The number of classes, where the data have some.
    classes: Option<usize>,
}

impl Targets {
    /// Without kinds where no sample can be read: whoever reads the first batch says so.
    fn of(built: &Built) -> Targets {
        let dataset = built.train_loader.dataset();
        let sample = dataset.sample(0).map(|sample| sample.target);
        let targets = sample.unwrap_or_default().into_iter();
        Targets {
            kinds: targets
                .map(|(name, target)| (name, Kind::of(&target)))
                .collect(),
            are_labels: has_loss(built, "BCEWithLogitsLoss"),
            classes: dataset.num_classes(),
        }
    }

    fn check_loss(&self, loss: &Node, params: &Node) -> Result<()> {
        if let Some(name) = loss.as_str() {
            return self.check_use("loss", name, loss, params, None);
        }
        self.check_entry("loss", loss)
    }

    /// `name`, or `{name: parameters}`.
    fn check_entry(&self, what: &str, entry: &Node) -> Result<()> {
        if let Some(name) = entry.as_str() {
            return self.check_use(what, name, entry, entry, None);
        }
        let mut named = entry.entries().iter();
        named.try_for_each(|named| self.check_use(what, &named.key, entry, &named.value, None))
    }

    /// The target that `params` choose must be of the kind that `name` wants.
    fn check_use(
        &self,
        what: &str,
        name: &str,
        place: &Node,
        params: &Node,
        part: Option<&str>,
    ) -> Result<()> {
        for part in params.get("parts").map(Node::entries).unwrap_or_default() {
            let (own, params) = part_loss(&part.value);
            self.check_use("loss", own, &part.value, params, Some(&part.key))?;
        }
        let chosen = params.get("target").and_then(Node::as_str).or(part);
        self.check_binary(what, name, place, chosen)?;
        let (Some(wanted), Some(found)) = (Kind::wanted_by(name), self.kind(chosen)) else {
            return Ok(());
        };
        let is_label = found == Kind::Number && wanted == Kind::Class && self.are_labels;
        // A mask has a class for each pixel.
        let is_mask = found == Kind::Other && wanted == Kind::Class;
        if wanted == found || is_label || is_mask {
            return Ok(());
        }
        let message = format!(
            "{what} `{name}` is for {}, and the target is of {}: {}",
            wanted.words(),
            found.words(),
            found.remedy()
        );
        Err(anyhow!(place.location.error(message)))
    }

    /// Refuses a loss of 0 and 1 for one of many classes.
    fn check_binary(
        &self,
        what: &str,
        name: &str,
        place: &Node,
        chosen: Option<&str>,
    ) -> Result<()> {
        let classes = self.classes.unwrap_or_default();
        let is_binary = letters(name) == "bcewithlogits";
        if !is_binary || classes <= 2 || self.kind(chosen) != Some(Kind::Class) {
            return Ok(());
        }
        let message = format!(
            "{what} `{name}` is for labels of 0 and 1, and the data have {classes} classes: use `CrossEntropyLoss`"
        );
        Err(anyhow!(place.location.error(message)))
    }

    fn kind(&self, chosen: Option<&str>) -> Option<Kind> {
        let mut kinds = self.kinds.iter();
        let found = match (self.kinds.as_slice(), chosen) {
            ([only], _) => Some(only),
            (_, Some(name)) => kinds.find(|(known, _)| known == name),
            (_, None) => None,
        };
        found.map(|(_, kind)| *kind)
    }
}

/// The name and the parameters of a part's loss.
fn part_loss(part: &Node) -> (&str, &Node) {
    match part.entries().first() {
        Some(entry) => (&entry.key, &entry.value),
        None => (part.as_str().unwrap_or_default(), part),
    }
}
