//! SuperGradients' recipes, read as they are. Its package is fetched once, into the user's cache; none of its files is
//! kept here. A recipe passes, or ends with exactly the names that phasebox does not have; with stand-ins for those,
//! everything else of it is accepted.

mod coco;
mod package;
mod stand_ins;

use std::fmt::Write as _;
use std::path::Path;

use crate::harness::{Finished, Scratch};

/// Those that train: the other files are parts of these, or scripts.
const TRAINABLE: &str = "cifar10_resnet cityscapes_al_ddrnet cityscapes_ddrnet cityscapes_pplite_seg50 \
    cityscapes_pplite_seg75 cityscapes_regseg48 cityscapes_segformer_b0 cityscapes_segformer_b1 \
    cityscapes_segformer_b2 cityscapes_segformer_b3 cityscapes_segformer_b4 cityscapes_segformer_b5 \
    cityscapes_stdc_seg50 cityscapes_stdc_seg75 coco2017_pose_dekr_rescoring \
    coco2017_pose_dekr_w32_no_dc coco2017_ppyoloe_l coco2017_ppyoloe_m coco2017_ppyoloe_s \
    coco2017_ppyoloe_x coco2017_ssd_lite_mobilenet_v2 coco2017_yolo_nas_pose_l \
    coco2017_yolo_nas_pose_m coco2017_yolo_nas_pose_n coco2017_yolo_nas_pose_s coco2017_yolo_nas_s \
    coco2017_yolox coco_segmentation_shelfnet_lw imagenet_efficientnet imagenet_mobilenetv2 \
    imagenet_mobilenetv3_base imagenet_mobilenetv3_large imagenet_mobilenetv3_small \
    imagenet_regnetY imagenet_repvgg imagenet_resnet50 imagenet_resnet50_kd imagenet_vit_base \
    imagenet_vit_large roboflow_ppyoloe roboflow_yolo_nas_m roboflow_yolo_nas_s \
    roboflow_yolo_nas_s_qat roboflow_yolox supervisely_unet \
    user_recipe_mnist_as_external_dataset_example user_recipe_mnist_example";

/// Values that a recipe asks its user for: without them SuperGradients does not start either.
fn asked_for(recipe: &str) -> &'static [&'static str] {
    match recipe.starts_with("roboflow_") {
        true => &["dataset_name=digits3", "num_classes=7"],
        false => &[],
    }
}

fn check(scratch: &Scratch, recipes: &Path, name: &str, changes: &[&str]) -> Finished {
    let recipe = recipes.join(name).with_extension("yaml");
    let recipe = recipe.to_str().expect("a path in UTF-8");
    let arguments = [&["check", recipe], asked_for(name), changes].concat();
    scratch.phasebox(&arguments)
}

/// The names that a refusal misses, each with its kind; keys, too.
fn missing(refusal: &str) -> Vec<String> {
    let refusal = refusal.strip_prefix("error: ").unwrap_or(refusal);
    let lines = refusal.lines().filter(|line| line.contains(".yaml:"));
    let mut found: Vec<String> = Vec::new();
    for name in lines.map(missing_in) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn missing_in(line: &str) -> String {
    if let Some((_, name)) = line.split_once("unknown parameter `") {
        let (name, _) = name.split_once('`').unwrap_or((name, ""));
        return format!("parameter {name}");
    }
    let (place, name) = line.split_once('`').unwrap_or((line, ""));
    let (name, _) = name.split_once('`').unwrap_or((name, ""));
    let kind = place.rsplit(": ").next().unwrap_or_default();
    let kind = kind.replace("there is no", "").replace("unknown", "");
    match kind.trim() {
        "" => format!("key {name}"),
        kind => format!("{kind} {name}"),
    }
}

#[test]
fn recipes_end_with_the_names_that_are_missing() {
    let recipes = package::recipes();
    let scratch = Scratch::new();
    let data = stand_ins::data(&scratch);
    let mut table = String::new();
    for name in TRAINABLE.split_whitespace() {
        let roots = data.roots(name);
        let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
        let finished = check(&scratch, &recipes, name, &roots);
        let missing = missing(&finished.stderr);
        let row = match finished.code {
            Some(0) => "passes".to_owned(),
            _ => missing.join(", "),
        };
        let _ = writeln!(table, "{name}: {row}");
    }
    println!("{table}");
    insta::assert_snapshot!(table);
}

#[test]
fn with_stand_ins_all_else_is_accepted() {
    let recipes = package::recipes();
    let scratch = Scratch::new();
    let mut refused = Vec::new();
    for name in TRAINABLE.split_whitespace() {
        let changes = stand_ins::of(name);
        let finished = check(&scratch, &recipes, name, &changes);
        if finished.code != Some(0) {
            refused.push(format!("{name}: {}", finished.stderr));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn cifar10_resnet_trains_on_files_of_its_form() {
    let recipes = package::recipes();
    let scratch = Scratch::new();
    let roots = stand_ins::data(&scratch).roots("cifar10_resnet");
    let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
    let finished = check(&scratch, &recipes, "cifar10_resnet", &roots);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let recipe = recipes.join("cifar10_resnet.yaml");
    let recipe = recipe.to_str().expect("a path in UTF-8");
    let short = [
        "batch_size=4",
        "val_batch_size=4",
        "epochs=1",
        "num_workers=0",
        "training_hyperparams.max_train_batches=2",
        "training_hyperparams.max_valid_batches=1",
    ];
    let arguments = [&["train", recipe], &roots[..], &short].concat();
    let finished = scratch.phasebox(&arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stderr.contains("note: "), "{}", finished.stderr);
    assert!(
        finished
            .stdout
            .contains("completed after 1 epochs, 2 steps")
    );
}
