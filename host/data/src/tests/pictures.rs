//! Image files from elsewhere, made into batches: the same pixels as a sample of the data set, and the way back of boxes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tch::{Kind, Tensor};

use super::super::{DataLoader, LoaderConfig, Place, png};
use super::load;
use super::targets::list;

/// A black image with a white rectangle from (30, 20) to (70, 50).
fn write_marked(path: &Path, size: [usize; 2]) {
    let places = (0..size[0]).flat_map(|y| (0..size[1]).map(move |x| [x, y]));
    let is_white = |[x, y]: [usize; 2]| (30..70).contains(&x) && (20..50).contains(&y);
    let colors = places.flat_map(|place| [if is_white(place) { 255u8 } else { 0 }; 3]);
    let colors: Vec<u8> = colors.collect();
    fs::write(path, png(size, &colors).unwrap()).unwrap();
}

fn loader(data: Value, transforms: Value, config: Value) -> DataLoader {
    let validation = load(data, Path::new("")).unwrap().validation;
    let config: LoaderConfig = serde_json::from_value(config).unwrap();
    DataLoader::new("validation", validation, config, list(transforms), 0).unwrap()
}

fn with_boxes(channels: usize, transforms: Value) -> DataLoader {
    let data = json!({"scattered_digits": {"targets": "boxes", "size": 96, "channels": channels}});
    let config = json!({"collate_fn": "DetectionCollateFN"});
    loader(data, transforms, config)
}

/// The hull of the bright pixels of an input [1, C, H, W].
fn bright(inputs: &Tensor) -> [f32; 4] {
    let most = inputs.max().double_value(&[]);
    let bright = inputs.select(0, 0).select(0, 0).gt(most / 2.0);
    let range = |axis: i64| {
        let found = bright.any_dim(1 - axis, false).nonzero();
        let [first, last] = [found.min(), found.max()].map(|at| at.int64_value(&[]));
        [first as f32, last as f32 + 1.0]
    };
    let [[left, right], [top, bottom]] = [range(1), range(0)];
    [left, top, right, bottom]
}

fn check(transforms: Value, size: [usize; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marked.png");
    write_marked(&path, size);
    for channels in [1, 3] {
        let loader = with_boxes(channels, transforms.clone());
        let (picture, batch) = loader.picture(&path).unwrap();
        assert_eq!((picture.size, batch.size), (size, 1));
        assert_eq!(picture.colors.len(), size[0] * size[1] * 3);
        let inputs = batch.inputs.one().unwrap();
        assert_eq!(
            (inputs.size()[1], inputs.kind()),
            (channels as i64, Kind::Float)
        );
        let place: Place = picture.place.expect("the whole image");
        let back = place.back(bright(inputs));
        for (found, expected) in back.iter().zip([30.0f32, 20.0, 70.0, 50.0]) {
            let off = (found - expected).abs();
            assert!(off <= 2.0, "{transforms} {size:?}: {back:?}");
        }
    }
}

#[test]
fn boxes_find_their_way_back() {
    let rescaled = json!([{"DetectionPaddedRescale": {"input_dim": [96, 96]}}]);
    check(rescaled.clone(), [60, 100]);
    check(rescaled.clone(), [150, 110]);
    check(rescaled, [96, 96]);
    check(
        json!([{"DetectionRescale": {"output_shape": [64, 96]}}]),
        [60, 100],
    );
    check(
        json!([
            {"DetectionHorizontalFlip": {"prob": 1.0}},
            {"DetectionPaddedRescale": {"input_dim": [80, 96]}},
            {"DetectionTargetsFormatTransform": {"output_format": "LABEL_CXCYWH"}},
        ]),
        [60, 100],
    );
}

/// A place in a part of an image would be told wrongly. Quarter turns are drawn, so no row can ask for one.
#[test]
fn images_that_are_cut_have_no_way_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marked.png");
    write_marked(&path, [60, 100]);
    let transforms = json!([{"CenterCrop": {"size": 48}}]);
    let (picture, _) = with_boxes(3, transforms).picture(&path).unwrap();
    assert_eq!(picture.place, None);
}

/// The pixels of a validation sample, written to a file, give the batch of that sample.
#[test]
fn a_file_of_a_sample_gives_the_batch_of_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digit.png");
    let data = json!({"digits": {}});
    for transforms in [json!([]), json!(["ToTensor"])] {
        let mut loader = loader(data.clone(), transforms, json!({}));
        let sample = loader.dataset().sample(0).unwrap();
        let Some(crate::Pixels::Bytes(image)) = &sample.image else {
            panic!("{sample:?}");
        };
        let brighter = |byte: &u8| (f32::from(*byte) * 255.0 / sample.white).round() as u8;
        let colors = image.values.iter().map(brighter);
        let colors: Vec<u8> = colors.flat_map(|byte| [byte; 3]).collect();
        fs::write(&path, png([8, 8], &colors).unwrap()).unwrap();
        loader.start(0, 0).unwrap();
        let expected = loader.next().unwrap().unwrap().inputs;
        let expected = expected.one().unwrap().narrow(0, 0, 1);
        let (picture, batch) = loader.picture(&path).unwrap();
        let off = (batch.inputs.one().unwrap() - expected).abs().max();
        assert!(off.double_value(&[]) < 1e-6);
        assert_eq!(picture.place, None);
    }
}

#[test]
fn files_that_are_no_images_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.png");
    let refused = |words: &str| {
        let message = format!("{:#}", DataLoader::check_picture(&path).unwrap_err());
        assert!(
            message.contains("odd.png") && message.contains(words),
            "{message}"
        );
    };
    refused("not an image");
    fs::write(&path, "text").unwrap();
    refused("not an image");
    fs::write(&path, png([1, 100_000], &vec![0; 300_000]).unwrap()).unwrap();
    refused("100000x1 pixels; at most 32768 a side");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("not an image");
}

#[test]
fn rows_of_numbers_have_no_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marked.png");
    write_marked(&path, [60, 100]);
    let rows = "x,y,class\n1,2,a\n2,3,b\n3,4,a\n4,5,b\n5,6,a\n6,7,b\n7,8,a\n8,9,b\n9,1,a\n1,3,b\n";
    fs::write(folder.path().join("rows.csv"), rows).unwrap();
    let splits = load(
        json!({"csv": {"file": "rows.csv", "target": "class", "validation_fraction": 0.4}}),
        folder.path(),
    );
    let validation = splits.unwrap().validation;
    let loader = DataLoader::new(
        "validation",
        validation,
        LoaderConfig::default(),
        list(json!([])),
        0,
    );
    let message = loader.unwrap().picture(&path).err().expect("no images");
    assert!(message.to_string().contains("no images"), "{message}");
}
