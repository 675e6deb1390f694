//! Folders in COCO's format: what is read, what is left out with a count, and what is refused.

use std::fs;
use std::path::Path;

use image::RgbImage;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{Bounds, DataLoader, Dataset, Pixels, Raster, TransformList};
use super::{check_refused, load, said};

/// Pictures of 20×10 pixels whose red is their column and green their row, and a file of annotations for both parts.
pub(super) fn folder(annotations: &Value) -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("images")).unwrap();
    for number in 1..=3 {
        let image = RgbImage::from_fn(20, 10, |x, y| image::Rgb([x as u8, y as u8, number]));
        image.save(path(&format!("images/{number}.png"))).unwrap();
    }
    fs::write(path("boxes.json"), annotations.to_string()).unwrap();
    folder
}

/// Three images, categories with a hole, a crowd, and an image without boxes.
pub(super) fn annotations() -> Value {
    let image = |id: i64, name: &str| json!({"id": id, "file_name": name, "width": 20, "height": 10, "license": 4});
    json!({
        "info": {"year": 2026},
        "images": [image(139, "1.png"), image(7, "2.png"), image(8, "3.png")],
        "categories": [
            {"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}, {"id": 18, "name": "dog"},
        ],
        "annotations": [
            {"id": 5, "image_id": 139, "category_id": 18, "bbox": [1, 2, 3, 4], "iscrowd": 0, "area": 12},
            {"id": 6, "image_id": 139, "category_id": 90, "bbox": [-2.5, 5, 10, 100], "iscrowd": 0},
            {"id": 9, "image_id": 8, "category_id": 1, "bbox": [0, 0, 20, 10], "iscrowd": 1},
            {"id": 10, "image_id": 8, "category_id": 1, "bbox": [19.5, 9.5, 0.25, 0.5]},
        ],
    })
}

fn part(changes: Value) -> Value {
    let mut part =
        json!({"data_dir": ".", "json_annotation_file": "boxes.json", "images_dir": "images"});
    let (keys, changes) = (part.as_object_mut().unwrap(), changes);
    keys.extend(changes.as_object().unwrap().clone());
    part
}

pub(super) fn recipe(changes: Value) -> Value {
    json!({"coco_detection": {"train": part(changes.clone()), "validation": part(changes)}})
}

fn boxes(dataset: &dyn Dataset, index: usize) -> Vec<Bounds> {
    let mut sample = dataset.sample(index).unwrap();
    let boxes = sample.boxes_mut().next().unwrap();
    boxes.list.clone()
}

fn bounds(class: i64, corners: [f32; 4], is_crowd: bool) -> Bounds {
    Bounds {
        class,
        corners,
        is_crowd,
    }
}

#[test]
fn boxes_classes_and_pixels_are_those_of_the_files() {
    let folder = folder(&annotations());
    let data = load(recipe(json!({})), folder.path()).unwrap().train;
    assert_eq!(data.class_names().unwrap(), ["person", "dog", "toothbrush"]);
    assert_eq!(data.len(), 2);
    assert!(data.has_crowds());
    let of_first = [
        bounds(1, [1.0, 2.0, 4.0, 6.0], false),
        bounds(2, [0.0, 5.0, 7.5, 10.0], false),
    ];
    assert_eq!(boxes(&*data, 0), of_first);
    let of_last = [
        bounds(0, [0.0, 0.0, 20.0, 10.0], true),
        bounds(0, [19.5, 9.5, 19.75, 10.0], false),
    ];
    assert_eq!(boxes(&*data, 1), of_last);
    let sample = data.sample(1).unwrap();
    let image = RgbImage::from_fn(20, 10, |x, y| image::Rgb([x as u8, y as u8, 3]));
    let raster = Raster {
        shape: [3, 10, 20],
        values: image.into_raw(),
    };
    assert_eq!(sample.image, Some(Pixels::Bytes(raster)));
    let said = said(&*data);
    assert!(
        said.ends_with("2 images with 4 boxes, 3 classes); left out: images without boxes (1)"),
        "{said}"
    );
}

#[test]
fn keys_choose_images_and_boxes() {
    let folder = folder(&annotations());
    let check =
        |changes: Value, classes: &[&str], images: usize, all: &[Bounds], expected: &str| {
            let data = load(recipe(changes.clone()), folder.path()).unwrap().train;
            assert_eq!(data.class_names().unwrap(), classes, "{changes}");
            assert_eq!(data.len(), images, "{changes}");
            let found: Vec<Bounds> = (0..images).flat_map(|index| boxes(&*data, index)).collect();
            assert_eq!(found, all, "{changes}");
            let words = said(&*data);
            assert!(words.contains(expected), "{changes}: {words}");
        };
    let classes = ["person", "dog", "toothbrush"];
    let dog = |class| bounds(class, [1.0, 2.0, 4.0, 6.0], false);
    let brush = |class| bounds(class, [0.0, 5.0, 7.5, 10.0], false);
    let crowd = bounds(0, [0.0, 0.0, 20.0, 10.0], true);
    let small = bounds(0, [19.5, 9.5, 19.75, 10.0], false);
    let everything = [dog(1), brush(2), crowd, small];
    check(
        json!({"ignore_empty_annotations": false}),
        &classes,
        3,
        &everything,
        "3 classes)",
    );
    check(
        json!({"with_crowd": false}),
        &classes,
        2,
        &[dog(1), brush(2), small],
        "boxes of crowds (1)",
    );
    check(
        json!({"max_num_samples": 2}),
        &classes,
        1,
        &[dog(1), brush(2)],
        "images beyond `max_num_samples` (1)",
    );
    let list = json!({"class_inclusion_list": ["toothbrush", "dog"]});
    check(
        list,
        &["toothbrush", "dog"],
        1,
        &[dog(1), brush(0)],
        "boxes of other classes (2)",
    );
    let ignored = json!({"class_ids_to_ignore": [1, 90]});
    check(
        ignored,
        &["dog"],
        1,
        &[dog(0)],
        "boxes of `class_ids_to_ignore` (3), images without boxes (2)",
    );
    let halved = [0.5, 1.0, 2.0, 3.0];
    let small_images =
        json!({"input_dim": [5, 100], "max_num_samples": 1, "class_inclusion_list": ["dog"]});
    check(
        small_images,
        &["dog"],
        1,
        &[bounds(0, halved, false)],
        "1 images",
    );
}

#[test]
fn an_image_is_scaled_into_input_dim() {
    let folder = folder(&annotations());
    let data = load(recipe(json!({"input_dim": [5, 100]})), folder.path())
        .unwrap()
        .train;
    assert_eq!(data.input_shape(), [3, 5, 10]);
    assert_eq!(data.sample(0).unwrap().size().unwrap(), [5, 10]);
    assert_eq!(data.header(0).unwrap(), Some([5, 10]));
}

#[test]
fn classes_of_the_other_parts_are_those_of_training() {
    let folder = folder(&annotations());
    let mut other = annotations();
    other["categories"] = json!([{"id": 1, "name": "dog"}, {"id": 2, "name": "person"}]);
    other["annotations"] =
        json!([{"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 1, 1, 1]}]);
    fs::write(folder.path().join("other.json"), other.to_string()).unwrap();
    let parts = |train: &str, validation: &str| {
        let named = |file: &str| part(json!({"json_annotation_file": file}));
        json!({"coco_detection": {"train": named(train), "validation": named(validation)}})
    };
    let splits = load(parts("boxes.json", "other.json"), folder.path()).unwrap();
    assert_eq!(splits.validation.class_names(), splits.train.class_names());
    assert_eq!(
        boxes(&*splits.validation, 0),
        [bounds(1, [1.0, 1.0, 2.0, 2.0], false)]
    );
    let expected = [
        "`validation`: ",
        "boxes.json: boxes of class `toothbrush`, which the training part does not have",
    ];
    check_refused(parts("other.json", "boxes.json"), folder.path(), &expected);
}

/// The annotations with one place changed.
pub(super) fn changed(pointer: &str, value: Value) -> Value {
    let mut all = annotations();
    *all.pointer_mut(pointer).unwrap() = value;
    all
}

#[test]
fn bad_boxes_are_left_out_with_a_count() {
    let check = |bbox: Value, expected: &str| {
        let folder = folder(&changed("/annotations/0/bbox", bbox.clone()));
        let data = load(recipe(json!({})), folder.path()).unwrap().train;
        let words = said(&*data);
        assert!(
            words.contains("with 3 boxes") && words.contains(expected),
            "{bbox}: {words}"
        );
    };
    check(json!([1, 2, 0, 4]), "boxes without an area (1)");
    check(json!([1, 2, 3, -4]), "boxes without an area (1)");
    check(json!([1e300, 2, 1e-300, 4]), "boxes without an area (1)");
    check(json!([20, 2, 3, 4]), "boxes outside of their image (1)");
    check(
        json!([-30, -30, 10, 10]),
        "boxes outside of their image (1)",
    );
    check(
        json!([19.9999999999, 2, 3, 4]),
        "boxes outside of their image (1)",
    );
}

#[test]
fn annotations_that_are_wrong_are_refused_with_their_place() {
    let check = |annotations: Value, expected: &str| {
        let folder = folder(&annotations);
        check_refused(
            recipe(json!({})),
            folder.path(),
            &["coco_detection: `train`: ", "boxes.json: ", expected],
        );
    };
    check(
        changed("/annotations/0/bbox", json!([1, 2, 3])),
        "annotation 5: its `bbox` has 3 numbers, not 4",
    );
    check(
        changed("/annotations/0/bbox", json!([1, 2, 3, 4, 5])),
        "annotation 5: its `bbox` has 5 numbers",
    );
    check(
        changed("/annotations/0/bbox/1", Value::Null),
        "`annotations[0].bbox[1]`: invalid type: null",
    );
    check(
        changed("/annotations/0/bbox", json!("1 2 3 4")),
        "`annotations[0].bbox`: invalid type: string",
    );
    check(
        changed("/annotations/0/category_id", json!(2)),
        "annotation 5: there is no category with id 2",
    );
    check(
        changed("/annotations/0/image_id", json!(2)),
        "annotation 5: there is no image with id 2",
    );
    check(
        changed("/annotations/0/id", json!(9)),
        "annotation id 9 stands there twice",
    );
    check(
        changed("/annotations/0/iscrowd", json!(2)),
        "`annotations[0].iscrowd`: invalid value: integer `2`, expected 0 or 1",
    );
    check(
        changed("/images/0/id", json!(7)),
        "image id 7 stands there twice",
    );
    check(
        changed("/images/0/id", json!("7")),
        "`images[0].id`: invalid type: string",
    );
    check(
        changed("/images/0/file_name", json!("../1.png")),
        "image 139: file name `../1.png` is no path below",
    );
    check(
        changed("/images/0/file_name", json!("/etc/passwd")),
        "is no path below the folder",
    );
    check(
        changed("/images/0/width", json!(-20)),
        "`images[0].width`: invalid value",
    );
    check(changed("/images/0/file_name", json!("4.png")), "4.png");
    check(
        changed("/images/0/file_name", Value::Null),
        "000000000139.jpg",
    );
    check(
        changed("/categories/0/id", json!(1)),
        "category id 1 stands there twice",
    );
    check(
        changed("/categories/0/name", json!("dog")),
        "two classes are called `dog`",
    );
    check(
        changed("/categories", json!([])),
        "annotation 5: there is no category",
    );
    check(
        changed("/annotations", json!([])),
        "no image is left; left out: images without boxes (3)",
    );
    check(
        json!({"images": [], "annotations": [], "categories": []}),
        "no classes",
    );
    check(
        json!({"images": [], "categories": []}),
        "missing field `annotations`",
    );
    check(json!([1, 2]), "boxes.json: ");
}

#[test]
fn files_that_are_no_whole_json_are_refused() {
    let whole = annotations().to_string();
    let check = |text: &str, expected: &str| {
        let folder = folder(&json!({}));
        fs::write(folder.path().join("boxes.json"), text).unwrap();
        check_refused(
            recipe(json!({})),
            folder.path(),
            &["boxes.json: ", expected, "hint: the file is cut off"],
        );
    };
    check(&whole[..whole.len() / 2], "EOF while parsing");
    check(&whole[..whole.len() - 1], "EOF while parsing");
    check("", "EOF while parsing");
    check(&format!("{whole} {{}}"), "trailing characters");
    check(
        &whole.replace("[1,2,3,4]", "[1,2,NaN,4]"),
        "`annotations[0].bbox[2]`: expected value at line 1 column",
    );
    check(
        &whole.replace("[1,2,3,4]", "[1,2,1e999,4]"),
        "number out of range at line 1 column",
    );
    check(&"[".repeat(100_000), "boxes.json: ");
    check(
        &format!("{{\"info\": {}", "[".repeat(1_000_000)),
        "EOF while parsing",
    );
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let folder = folder(&annotations());
    let check =
        |changes: Value, expected: &str| check_refused(recipe(changes), folder.path(), &[expected]);
    check(
        json!({"json_annotation_file": "missing.json"}),
        "missing.json: cannot be opened",
    );
    check(json!({"json_annotation_file": "images"}), "it is a folder");
    check(
        json!({"json_annotation_file": "../boxes.json"}),
        "`json_annotation_file`: ../boxes.json leaves `data_dir`",
    );
    check(json!({"json_annotation_file": null}), "one of `json_file`");
    check(json!({"json_file": "boxes.json"}), "one of `json_file`");
    check(
        json!({"json_file": "boxes.json", "json_annotation_file": null}),
        "write `json_annotation_file: boxes.json` in place of `json_file`",
    );
    check(json!({"images_dir": "pictures"}), "pictures/1.png: ");
    check(json!({"images_dir": "images/.."}), "leaves `data_dir`");
    check(
        json!({"class_inclusion_list": ["persn"]}),
        "has no class `persn`; did you mean `person`?",
    );
    check(
        json!({"class_inclusion_list": ["dog", "dog"]}),
        "two classes are called `dog`",
    );
    check(json!({"class_inclusion_list": []}), "no classes");
    check(json!({"class_ids_to_ignore": [2]}), "no category with id 2");
    check(
        json!({"max_num_samples": 0}),
        "`max_num_samples` is 0, and no image is kept",
    );
    check(
        json!({"class_ids_to_ignore": [18], "class_inclusion_list": ["dog"]}),
        "`class_inclusion_list` keeps `dog`, and `class_ids_to_ignore` leaves it out",
    );
    check(json!({"input_dim": 0}), "`input_dim` must be given");
    let unknown =
        serde_json::from_value::<super::super::DatasetConfig>(recipe(json!({"tight": 1})));
    assert!(
        unknown
            .unwrap_err()
            .to_string()
            .contains("unknown field `tight`")
    );
}

#[test]
fn an_image_of_another_size_is_refused() {
    let folder = folder(&changed("/images/0/width", json!(21)));
    let data = load(recipe(json!({})), folder.path()).unwrap().train;
    for error in [data.sample(0).err(), data.header(0).err()] {
        let message = error.expect("the wrong size").to_string();
        assert!(
            message.contains("1.png: 20×10 pixels, but 21×10 in "),
            "{message}"
        );
    }
    for wrong in [0, 1] {
        let folder = self::folder(&changed("/images/0/width", json!(wrong)));
        let expected = format!("1.png: 20×10 pixels, but {wrong}×10 in ");
        check_refused(recipe(json!({})), folder.path(), &[&expected]);
    }
    fs::write(folder.path().join("images/3.png"), "no picture").unwrap();
    let message = data.sample(1).unwrap_err().to_string();
    assert!(
        message.contains("3.png: not an image that can be read"),
        "{message}"
    );
}

fn loader(folder: &Path, collate: &str) -> anyhow::Result<DataLoader> {
    let config = json!({"batch_size": 2, "collate_fn": collate});
    let list: TransformList =
        serde_json::from_value(json!([{"DetectionPaddedRescale": {"input_dim": 32}}]))?;
    let data = load(recipe(json!({})), folder)?.train;
    DataLoader::new("train", data, serde_json::from_value(config)?, list, 0)
}

#[test]
fn crowds_need_a_collation_that_knows_them() {
    let folder = folder(&annotations());
    let mut fits = loader(folder.path(), "CrowdDetectionCollateFN").unwrap();
    fits.start(0, 0).unwrap();
    let batch = fits.next().unwrap().unwrap();
    assert_eq!(
        batch.inputs.single("inputs").unwrap().size(),
        [2, 3, 32, 32]
    );
    let error = loader(folder.path(), "DetectionCollateFN").err();
    let message = format!("{:#}", error.expect("crowds are refused"));
    assert!(
        message.contains("boxes of crowds would be taken"),
        "{message}"
    );
}

#[test]
fn the_trees_of_the_recipes_are_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/data/trees");
    let part = |name: &str| json!({"data_dir": ".", "images_dir": name, "json_annotation_file": format!("{name}.json")});
    let parts = json!({"train": part("train"), "validation": part("validation")});
    let splits = load(json!({"coco_detection": parts}), &folder).unwrap();
    for (data, images, boxes_of_all) in [(&splits.train, 50, 591), (&splits.validation, 12, 289)] {
        assert_eq!(data.class_names().unwrap(), ["tree"]);
        let counts = (0..data.len()).map(|index| boxes(&**data, index).len());
        assert_eq!((data.len(), counts.sum::<usize>()), (images, boxes_of_all));
    }
}
