//! The outline of data that a checkpoint keeps: the stand-in has their form, and forged ones are refused.

use serde_json::{Value, json};

use super::digits;
use crate::{Augmentation, DataLoader, Dataset, LoaderConfig, Outline};

fn loader() -> DataLoader {
    let config = LoaderConfig::default();
    let data = digits().train;
    DataLoader::new("train", data, config, Augmentation::default(), 0).unwrap()
}

/// The outline as a checkpoint has it.
fn written() -> Value {
    let outline = Outline::of(&loader()).unwrap();
    serde_json::to_value(outline).unwrap()
}

#[test]
fn a_stand_in_has_the_form_of_the_data() {
    let (own, names) = (digits().train, vec!["0".to_owned(), "1".to_owned()]);
    let outline: Outline = serde_json::from_value(written()).unwrap();
    assert!(outline.is_on_scale_of(&loader()).unwrap());
    let stand_in = outline.stand_in(names.clone()).unwrap();
    assert_eq!(stand_in.len(), own.len());
    assert_eq!(stand_in.input_shape(), own.input_shape());
    assert_eq!(stand_in.normalize(), own.normalize());
    assert_eq!(stand_in.class_names(), Some(names.as_slice()));
    let [blank, first] = [stand_in.sample(0).unwrap(), own.sample(0).unwrap()];
    assert_eq!(blank.white, first.white);
    assert_eq!(blank.size().unwrap(), first.size().unwrap());
}

#[test]
fn forged_outlines_are_refused() {
    for (key, value) in [
        ("shape", json!([5, 8, 8])),
        ("shape", json!([1, 1 << 20, 1 << 20])),
        ("shape", json!([1, i64::MAX, i64::MAX])),
        ("shape", json!([1, 0, -8])),
        ("samples", json!(0)),
    ] {
        let mut forged = written();
        forged[key] = value.clone();
        let outline: Outline = serde_json::from_value(forged).unwrap();
        assert!(outline.stand_in(Vec::new()).is_err(), "{key}: {value}");
    }
}
