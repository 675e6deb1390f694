//! Samples in COCO's format: what tells them from others, and files that are odd.

use std::fs;

use serde_json::{Value, json};

use super::coco::{annotations, changed, folder, recipe};
use super::load;

/// Notepad begins a file with a mark.
#[test]
fn a_byte_order_mark_is_passed_over() {
    let folder = folder(&json!({}));
    let text = format!("\u{feff}{}", annotations());
    fs::write(folder.path().join("boxes.json"), text).unwrap();
    assert_eq!(
        load(recipe(json!({})), folder.path()).unwrap().train.len(),
        2
    );
}

#[test]
fn a_fingerprint_tells_other_samples_and_none_that_were_moved() {
    let of = |annotations: &Value| {
        let folder = folder(annotations);
        let data = load(recipe(json!({})), folder.path()).unwrap().train;
        data.fingerprint().unwrap()
    };
    let own = of(&annotations());
    assert_eq!(own, of(&annotations()));
    for (pointer, value) in [
        ("/annotations/0/bbox/0", json!(2)),
        ("/annotations/0/category_id", json!(1)),
        ("/images/2/file_name", json!("2.png")),
    ] {
        assert_ne!(own, of(&changed(pointer, value)), "{pointer}");
    }
}
