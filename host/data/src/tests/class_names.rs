//! Names of classes come out as the data have them, whatever their characters; texts in their place are refused.

use std::fs;

use image::RgbImage;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{check_refused, load};

/// Two that look the same, one of them with what stands for the other's joiner in messages; one with a control character;
/// two whose beginnings are the same. Sorted.
fn names() -> Vec<String> {
    let long = "a".repeat(249);
    let short = ["x\ty", "x\\u{200c}y", "x\u{200c}y"].map(str::to_owned);
    let mut names = vec![format!("{long}b"), format!("{long}c")];
    names.extend(short);
    names
}

/// A picture for each name in the folder `images`, with its box in each of the formats.
fn folder(names: &[String]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("images")).unwrap();
    let (mut images, mut boxes, mut categories) = (Vec::new(), Vec::new(), Vec::new());
    for (id, name) in names.iter().enumerate() {
        let image = format!("{id}.png");
        RgbImage::new(20, 10)
            .save(path("images").join(&image))
            .unwrap();
        let text = format!("{id} 0.5 0.5 1 1");
        fs::write(path(&format!("images/{id}.txt")), text).unwrap();
        let text = format!(
            "<annotation><object><name>{name}</name><bndbox><xmin>0</xmin><ymin>0</ymin>\
             <xmax>20</xmax><ymax>10</ymax></bndbox></object></annotation>"
        );
        fs::write(path(&format!("images/{id}.xml")), text).unwrap();
        images.push(json!({"id": id, "file_name": image, "width": 20, "height": 10}));
        boxes.push(json!({"id": id, "image_id": id, "category_id": id, "bbox": [0, 0, 20, 10]}));
        categories.push(json!({"id": id, "name": name}));
    }
    let file = json!({"images": images, "annotations": boxes, "categories": categories});
    fs::write(path("boxes.json"), file.to_string()).unwrap();
    // A table has no tabs in its cells.
    let rows = names.iter().filter(|name| !name.contains('\t'));
    let rows = rows.map(|name| format!("1,{name}\n2,{name}\n"));
    let rows = rows.collect::<String>();
    fs::write(path("rows.csv"), format!("number,class\n{rows}")).unwrap();
    folder
}

fn parts(format: &str, keys: Value) -> Value {
    let mut part = json!({"data_dir": ".", "images_dir": "images"});
    let all = part.as_object_mut().unwrap();
    all.extend(keys.as_object().unwrap().clone());
    json!({ format: {"train": part.clone(), "validation": part} })
}

/// Recipes of the formats with boxes; `keys` are added to each.
fn boxed(names: &[String], keys: Value) -> [Value; 3] {
    let coco = json!({"json_annotation_file": "boxes.json"});
    let yolo = json!({"labels_dir": "images", "classes": names});
    let formats = [
        ("coco_detection", coco),
        ("yolo_detection", yolo),
        ("voc_detection", json!({"labels_dir": "images"})),
    ];
    formats.map(|(format, mut own)| {
        let all = own.as_object_mut().unwrap();
        all.extend(keys.as_object().unwrap().clone());
        parts(format, own)
    })
}

fn csv() -> Value {
    json!({"csv": {"file": "rows.csv", "target": "class"}})
}

fn check(recipe: Value, folder: &TempDir, names: &[String]) {
    let data = load(recipe.clone(), folder.path()).unwrap().train;
    assert_eq!(data.class_names().unwrap(), names, "{recipe}");
}

#[test]
fn names_are_kept_as_they_are() {
    let names = names();
    let folder = folder(&names);
    for recipe in boxed(&names, json!({})) {
        check(recipe, &folder, &names);
    }
    let in_table = [&names[..2], &names[3..]].concat();
    check(csv(), &folder, &in_table);
    let kept = &names[4..];
    for recipe in boxed(&names, json!({"class_inclusion_list": kept})) {
        check(recipe, &folder, kept);
    }
}

#[test]
fn folders_give_their_names_as_they_are() {
    let mut names = names();
    names.push("x\u{7f}\ny".to_owned());
    names.sort_unstable();
    let folder = TempDir::new().unwrap();
    for path in names
        .iter()
        .flat_map(|name| ["train", "val"].map(|part| folder.path().join(part).join(name)))
    {
        fs::create_dir_all(&path).unwrap();
        RgbImage::new(2, 2).save(path.join("0.png")).unwrap();
    }
    check(json!({"image_folder": {"root": "."}}), &folder, &names);
}

#[test]
fn texts_in_the_place_of_names_are_refused() {
    let names = ["a".repeat(4096), "b".repeat(4097)];
    let folder = folder(&names);
    let expected = ["a class has a name of 4097 bytes, and at most 4096 are taken: `bbb"];
    for recipe in boxed(&names, json!({})) {
        check_refused(recipe, folder.path(), &expected);
    }
    check_refused(csv(), folder.path(), &expected);
}
