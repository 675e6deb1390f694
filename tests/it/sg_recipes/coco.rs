//! `recipes/coco2017_yolox.yaml`: SuperGradients' recipe in one file, checked against a folder of COCO's form that is made
//! of the pictures in `recipes/data/trees`.

use std::fs;
use std::path::PathBuf;

use phasebox_recipe::Recipe;
use serde_json::{Value, json};

use super::package;
use crate::harness::{Scratch, repository};

const OURS: &str = "recipes/coco2017_yolox.yaml";
/// The ids below 91 that no category of COCO has.
const HOLES: [u64; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// COCO's folder. Trees stand for persons.
fn folder(scratch: &Scratch) -> PathBuf {
    let root = scratch.path("coco");
    let ids = (1..=90u64).filter(|id| !HOLES.contains(id));
    let categories = ids.map(|id| json!({"id": id, "name": format!("thing {id}")}));
    let categories: Vec<Value> = categories.collect();
    assert_eq!(categories.len(), 80);
    fs::create_dir_all(root.join("annotations")).expect("ours");
    for (part, split) in [("train", "train2017"), ("validation", "val2017")] {
        let trees = repository("recipes/data/trees");
        let images = root.join("images").join(split);
        fs::create_dir_all(&images).expect("ours");
        for picture in fs::read_dir(trees.join(part)).expect("pictures") {
            let picture = picture.expect("a picture");
            fs::copy(picture.path(), images.join(picture.file_name())).expect("ours");
        }
        let text = fs::read_to_string(trees.join(part).with_extension("json"));
        let mut all: Value = serde_json::from_str(&text.expect("a file")).expect("JSON");
        all["categories"] = categories.clone().into();
        let file = root.join(format!("annotations/instances_{split}.json"));
        fs::write(file, all.to_string()).expect("ours");
    }
    root
}

fn check(scratch: &Scratch, changes: &[String]) -> crate::harness::Finished {
    let recipe = repository(OURS);
    let recipe = recipe.to_str().expect("a path in UTF-8");
    let changes = changes.iter().map(String::as_str);
    let arguments: Vec<&str> = ["check", recipe].into_iter().chain(changes).collect();
    scratch.phasebox(&arguments)
}

#[test]
fn our_coco_recipe_is_accepted_with_cocos_folder_and_refused_without() {
    let scratch = Scratch::new();
    let root = format!("dataset_params.data_dir={}", folder(&scratch).display());
    // No more than the trees have.
    let few = "dataset_params.val_dataloader_params.batch_size=12".to_owned();
    for (architecture, parameters) in [("yolox_s", "8968255"), ("yolox_n", "")] {
        let named = format!("architecture={architecture}");
        let checked = check(&scratch, &[root.clone(), few.clone(), named]);
        assert_eq!(checked.code, Some(0), "{}", checked.stderr);
        let shown = format!("network: {architecture}, {parameters}");
        assert!(checked.stdout.contains(&shown), "{}", checked.stdout);
        let said = checked.stdout + &checked.stderr;
        assert!(!said.contains("has no effect"), "{said}");
        assert!(said.contains("YoloXTrainingStageSwitchCallback"), "{said}");
    }
    let nowhere = format!("dataset_params.data_dir={}", scratch.path("no").display());
    let refused = check(&scratch, &[nowhere]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let missing = "annotations/instances_train2017.json";
    assert!(refused.stderr.contains(missing), "{}", refused.stderr);
}

/// Keys that say where files are.
const PLACES: [&str; 3] = ["experiment_name", "data_dir", "base_folder"];

/// Lists the values of `ours` that `theirs` does not have.
fn others(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(own), Value::Object(_)) => {
            for (key, value) in own
                .iter()
                .filter(|(key, _)| !PLACES.contains(&key.as_str()))
            {
                others(&format!("{path}.{key}"), value, &theirs[key], found);
            }
        }
        (Value::Array(own), Value::Array(list)) if own.len() == list.len() => {
            let pairs = own.iter().zip(list);
            pairs.for_each(|(own, other)| others(path, own, other, found));
        }
        (Value::Number(own), Value::Number(other)) if own.as_f64() == other.as_f64() => {}
        _ if ours == theirs => {}
        _ => found.push(format!("{path}: {ours}, {theirs}")),
    }
}

#[test]
fn our_coco_recipe_has_the_values_of_supergradients() {
    let recipe = |path: PathBuf| {
        let recipe = Recipe::load(&path, &[]).expect("a recipe");
        recipe.resolved.to_json()
    };
    let ours = recipe(repository(OURS));
    let theirs = recipe(package::recipes().join("coco2017_yolox.yaml"));
    let mut found = Vec::new();
    others("", &ours, &theirs, &mut found);
    assert!(found.is_empty(), "{found:#?}");
    let keys = ours["training_hyperparams"].as_object();
    assert!(keys.is_some_and(|keys| keys.len() > 15), "{ours}");
}
