//! Folders with a text or an XML file for each image, and those of Roboflow: what is read, left out and refused.

use std::fs;

use image::RgbImage;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{Bounds, Dataset};
use super::{check_refused, load, said};

/// Pictures of 20×10 pixels.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["images", "labels"] {
        fs::create_dir(path(name)).unwrap();
    }
    for name in ["a.png", "b.JPG", "c.png"] {
        let image = RgbImage::new(20, 10);
        let format = image::ImageFormat::Png;
        image
            .save_with_format(path("images").join(name), format)
            .unwrap();
    }
    for (name, text) in files {
        fs::write(path("labels").join(name), text).unwrap();
    }
    folder
}

fn recipe(name: &str, changes: Value) -> Value {
    let mut part = json!({"data_dir": ".", "images_dir": "images", "labels_dir": "labels"});
    part.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    json!({ name: {"train": part.clone(), "validation": part} })
}

fn yolo(changes: Value) -> Value {
    let mut keys = json!({"classes": ["cat", "dog"]});
    keys.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    recipe("yolo_detection", keys)
}

fn boxes(dataset: &dyn Dataset) -> Vec<(i64, [f32; 4])> {
    let samples = (0..dataset.len()).map(|index| dataset.sample(index).unwrap());
    let lists = samples.map(|mut sample| {
        let list: Vec<Bounds> = sample.boxes_mut().next().unwrap().list.clone();
        list
    });
    lists
        .flatten()
        .map(|bounds| (bounds.class, bounds.corners))
        .collect()
}

fn check(folder: &TempDir, recipe: Value, all: &[(i64, [f32; 4])], expected: &str) {
    let data = load(recipe.clone(), folder.path()).unwrap().train;
    assert_eq!(boxes(&*data), all, "{recipe}");
    let words = said(&*data);
    assert!(words.contains(expected), "{recipe}: {words}");
}

#[test]
fn texts_of_yolo_are_read_in_fractions() {
    let files = [
        (
            "a.txt",
            "\u{feff}0 0.5 0.5 0.25 0.5\n\n  1 0.0 1.0 0.5 0.5  \r\n",
        ),
        ("b.txt", ""),
        ("d.txt", "0 0.5 0.5 1 1"),
        ("readme.md", "words"),
    ];
    let folder = folder(&files);
    let cat = (0, [7.5, 2.5, 12.5, 7.5]);
    let dog = |class| (class, [0.0, 7.5, 5.0, 10.0]);
    let words = "1 images with 2 boxes, 2 classes); left out: images without a file of annotations (1), \
        files of annotations without an image (1), images without boxes (1)";
    check(&folder, yolo(json!({})), &[cat, dog(1)], words);
    let empty = json!({"ignore_empty_annotations": false});
    check(
        &folder,
        yolo(empty),
        &[cat, dog(1)],
        "2 images with 2 boxes",
    );
    check(
        &folder,
        yolo(json!({"class_inclusion_list": ["dog"]})),
        &[dog(0)],
        "boxes of other classes (1)",
    );
    let ignored = yolo(json!({"class_ids_to_ignore": [1]}));
    check(
        &folder,
        ignored,
        &[cat],
        "boxes of `class_ids_to_ignore` (1)",
    );
    for (changes, expected) in [
        (
            json!({"class_ids_to_ignore": [2]}),
            "`class_ids_to_ignore` has 2, and `classes` are 2",
        ),
        (
            json!({"class_ids_to_ignore": [1], "class_inclusion_list": ["dog"]}),
            "`class_inclusion_list` keeps `dog`",
        ),
    ] {
        check_refused(yolo(changes), folder.path(), &[expected]);
    }
}

#[test]
fn lines_of_yolo_that_are_wrong_are_refused_with_their_line() {
    let good = "0 0.5 0.5 0.25 0.5";
    let check_line = |line: &str, expected: &str| {
        let text = format!("{good}\n{line}\n");
        let folder = folder(&[("a.txt", &text)]);
        check_refused(
            yolo(json!({})),
            folder.path(),
            &["labels/a.txt:2: ", expected],
        );
        let lenient = yolo(json!({"ignore_invalid_labels": true}));
        check(
            &folder,
            lenient,
            &[(0, [7.5, 2.5, 12.5, 7.5])],
            "lines that are wrong (1)",
        );
    };
    check_line("0 0.5 0.5 0.25", "4 columns");
    check_line("0 0.5 0.5 0.25 0.5 0.9", "6 columns");
    check_line("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2", "9 columns");
    check_line(
        "2 0.5 0.5 0.25 0.5",
        "class 2 is not below 2, the number of `classes`",
    );
    let long = "9".repeat(400);
    check_line(
        &format!("{long} 0.5 0.5 0.25 0.5"),
        "99 … (cut) is not below 2",
    );
    check_line("-1 0.5 0.5 0.25 0.5", "class `-1` is no whole number");
    check_line("cat 0.5 0.5 0.25 0.5", "class `cat`");
    check_line("0 nan 0.5 0.25 0.5", "`nan` is no number");
    check_line("0 0.5 inf 0.25 0.5", "`inf` is no number");
    check_line("0 0,5 0.5 0.25 0.5", "`0,5` is no number");
    check_line("0 320 240 64 48", "are no fractions");
    check_line("0 0.5 0.5 -0.25 0.5", "are no fractions");
    check_line("0 0.5 0.5 30 30", "from 0 to 1: divide pixels by them");
    check_line("0 0.5 0.5 1.5 0.5", "[0.5, 0.5, 1.5, 0.5] are no fractions");
    check_line("0 0.5 0.5 0.25 1e308", "are no fractions");
    let folder = folder(&[("a.txt", &format!("{good}\n1 0.5 0.5 0 0.5"))]);
    check(
        &folder,
        yolo(json!({})),
        &[(0, [7.5, 2.5, 12.5, 7.5])],
        "boxes without an area (1)",
    );
}

#[test]
fn pairs_of_files_that_do_not_fit_are_refused() {
    let folder = folder(&[("a.txt", "0 0.5 0.5 1 1")]);
    let refused =
        |changes: Value, expected: &str| check_refused(yolo(changes), folder.path(), &[expected]);
    refused(
        json!({"images_dir": "nothing"}),
        "nothing: cannot be listed",
    );
    refused(
        json!({"labels_dir": "images"}),
        "images: no image with a file of its name that ends in `.txt`",
    );
    refused(
        json!({"images_dir": "../x"}),
        "`images_dir`: ../x leaves `data_dir`",
    );
    refused(
        json!({"classes": []}),
        "yolo_detection: `train`: `classes` is empty\nhint: name",
    );
    refused(
        json!({"classes": ["cat", "cat"]}),
        "two classes are called `cat`",
    );
    fs::write(folder.path().join("labels/b.txt"), [0xff]).unwrap();
    refused(json!({}), "labels/b.txt: it is not UTF-8");
    fs::write(folder.path().join("labels/b.txt"), "").unwrap();
    fs::write(folder.path().join("images/a.png"), "none").unwrap();
    refused(json!({}), "images/a.png: not an image");
}

/// A file of Pascal VOC with these objects.
fn voc_file(objects: &str) -> String {
    format!(
        "<annotation>\n<size><width>20</width><height>10</height></size>\n{objects}\n</annotation>"
    )
}

fn voc_object(name: &str, corners: [&str; 4]) -> String {
    let [left, top, right, bottom] = corners;
    format!(
        "<object><name>{name}</name><difficult>1</difficult><bndbox><ymin>{top}</ymin><xmin> {left} </xmin>\
         <xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox><part><name>head</name></part></object>"
    )
}

fn voc(changes: Value) -> Value {
    recipe("voc_detection", changes)
}

#[test]
fn files_of_pascal_voc_are_read() {
    let dog = voc_object("dog", ["1", "2", "3.5", "4"]);
    let cat = voc_object("cat", ["-5", "0", "30", "10"]);
    let a = voc_file(&format!("{dog}{cat}"));
    let without_size = a.replace("<size><width>20</width><height>10</height></size>", "");
    let commented = a
        .replace("<xmax>3.5", "<xmax>3<!-- x -->.5")
        .replace("cat", "<!-- x -->c<!-- y -->a<?z?>t");
    let of_label_img = a
        .replace(">20<", ">0<")
        .replace(">10</height>", ">0</height>");
    for a in [a, without_size, commented, of_label_img] {
        let flat = voc_file(&voc_object("bird", ["3", "3", "3", "4"]));
        let folder = folder(&[("a.xml", &a), ("c.xml", &flat)]);
        let all =
            |[dog, cat]: [i64; 2]| [(dog, [1.0, 2.0, 3.5, 4.0]), (cat, [0.0, 0.0, 20.0, 10.0])];
        check(
            &folder,
            voc(json!({})),
            &all([1, 0]),
            "2 classes); left out: images without a file of annotations (1), boxes without an area (1), images without boxes (1)",
        );
        let listed = voc(json!({"all_classes_list": ["bird", "dog", "cat"]}));
        check(&folder, listed, &all([1, 2]), "3 classes");
    }
}

#[test]
fn files_of_pascal_voc_that_are_wrong_are_refused_with_their_line() {
    let refused = |text: &str, expected: &str| {
        let folder = folder(&[("a.xml", text)]);
        let listed = voc(json!({"all_classes_list": ["dog"]}));
        check_refused(listed, folder.path(), &["labels/a.xml", expected]);
    };
    let object = |corners| voc_file(&voc_object("dog", corners));
    let good = object(["1", "2", "3", "4"]);
    refused(
        &object(["nan", "2", "3", "4"]),
        "a.xml:3: `xmin` is `nan`, no number",
    );
    refused(&object(["", "2", "3", "4"]), "a.xml:3: `xmin` is empty");
    refused(
        &object(["1e999", "2", "3", "4"]),
        "a.xml:3: `xmin` is `1e999`, no number",
    );
    refused(
        &good.replace("<ymin>2</ymin>", ""),
        "a.xml:3: one `ymin` is wanted in `bndbox`",
    );
    refused(
        &good.replace("<ymin>2</ymin>", "<ymin>2</ymin><ymin>3</ymin>"),
        "a.xml:3: one `ymin` is wanted",
    );
    refused(
        &good.replace("bndbox", "box"),
        "a.xml:3: one `bndbox` is wanted in `object`",
    );
    refused(
        &good.replace("<name>dog</name>", ""),
        "a.xml:3: one `name` is wanted in `object`",
    );
    refused(
        &voc_file(&voc_object("wolf", ["1", "2", "3", "4"])),
        "an object is called `wolf`",
    );
    refused(
        &good.replace(">20<", ">twenty<"),
        "`width` of `size` is `twenty`",
    );
    refused(
        &good.replace(">20<", ">2<!-- x -->x<"),
        "`width` of `size` is `2x`",
    );
    refused(
        &good.replace("<xmax>3", "<xmax>3<b>1</b>"),
        "a.xml:3: `xmax` has an element in it",
    );
    refused(
        "<html></html>",
        "a.xml: its root is `html`, and in Pascal VOC's format `annotation`\nhint: write",
    );
    refused(&good[..good.len() / 2], "the file is cut off");
    refused("", "the file is cut off");
    refused(&"<a>".repeat(1_000_000), "the file is cut off");
    refused(
        &format!("<a>{}</a>", "<b/>".repeat(1 << 20)),
        "the file is cut off",
    );
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
    refused(bomb, "hint: the file is cut off, damaged or no XML");
    for wrong in ["0", "1"] {
        let text = good.replace(">20<", &format!(">{wrong}<"));
        let expected = format!("images/a.png: 20×10 pixels, but {wrong}×10 in ");
        check_refused(
            voc(json!({})),
            folder(&[("a.xml", &text)]).path(),
            &[&expected],
        );
    }
    let folder = folder(&[("a.xml", &good.replace(">20<", ">21<"))]);
    let none = voc(json!({"all_classes_list": []}));
    check_refused(none, folder.path(), &["`all_classes_list` is empty"]);
    let data = load(voc(json!({})), folder.path()).unwrap().train;
    let message = data.header(0).unwrap_err().to_string();
    assert!(message.contains("20×10 pixels, but 21×10 in "), "{message}");
}

#[test]
fn folders_of_roboflow_are_read_without_category_0() {
    let folder = TempDir::new().unwrap();
    for split in ["train", "valid"] {
        let path = folder.path().join("digits-x").join(split);
        fs::create_dir_all(&path).unwrap();
        RgbImage::new(20, 10).save(path.join("1.png")).unwrap();
        let file = json!({
            "images": [{"id": 0, "file_name": "1.png", "width": 20, "height": 10}],
            "categories": [{"id": 0, "name": "digits"}, {"id": 1, "name": "four"}],
            "annotations": [
                {"id": 0, "image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0},
                {"id": 1, "image_id": 0, "category_id": 0, "bbox": [1, 2, 3, 4], "iscrowd": 0},
            ],
        });
        fs::write(path.join("_annotations.coco.json"), file.to_string()).unwrap();
    }
    let part = |split: &str| json!({"data_dir": ".", "dataset_name": "digits-x", "split": split});
    let recipe =
        json!({"roboflow_detection": {"train": part("train"), "validation": part("valid")}});
    check(
        &folder,
        recipe.clone(),
        &[(0, [1.0, 2.0, 4.0, 6.0])],
        "boxes of `class_ids_to_ignore` (1)",
    );
    // A file of which nobody has made the category of all others.
    for split in ["train", "valid"] {
        let path = folder.path().join("digits-x").join(split);
        let path = path.join("_annotations.coco.json");
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace(r#"{"id":0,"name":"digits"},"#, "");
        let text = text.replace(r#""category_id":0"#, r#""category_id":1"#);
        fs::write(path, text).unwrap();
    }
    let one = (0, [1.0, 2.0, 4.0, 6.0]);
    check(&folder, recipe, &[one, one], "");
}
