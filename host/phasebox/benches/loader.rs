//! The images a second that a loader makes of files with boxes, with the augmentations of YOLOX, beside the same in Python
//! with OpenCV where `cargo xtask bench --peers` asks for it. docs/benchmarks.md lists the rows.

mod measure;
mod peers;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use measure::{Row, is_measured, is_wanted, median, repository};
use peers::Peers;
use phasebox_data::{DataLoader, Dataset, DatasetConfig};
use serde_json::{Value, json};

const ROUNDS: usize = 7;

fn main() -> Result<()> {
    let mut peer = Peers::start("loader.py")?;
    for size in [416, 640] {
        let name = format!("loader/mosaic, affine, mixup and HSV at {size}, 2 threads");
        if is_wanted(&name) {
            measure(&name, size, peer.as_mut())?;
        }
    }
    Ok(())
}

fn measure(name: &str, size: usize, mut peer: Option<&mut Peers>) -> Result<()> {
    let trees = trees(size)?;
    let mut loader = loader(&trees, size)?;
    let rounds = if is_measured() { ROUNDS } else { 1 };
    // The first epoch decodes the files; a run has many more.
    let _ = images_a_second(&mut loader, 0)?;
    let images = if is_measured() { 200 } else { 24 };
    let folder = repository("recipes/data/trees");
    let request = json!({"folder": folder, "size": size, "images": images});
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        ours.push(images_a_second(&mut loader, 1 + round as u32)?);
        if let Some(peer) = &mut peer {
            theirs.push(peer.ask(&request)?);
        }
    }
    let value = median(ours);
    let ratio = value / median(theirs);
    Row {
        name,
        value,
        unit: "images/s",
        against: ratio.is_finite().then_some(("Python with OpenCV", ratio)),
        bar: "at least 2 ×",
    }
    .print();
    Ok(())
}

fn trees(size: usize) -> Result<Arc<dyn Dataset>> {
    let part = |name: &str| {
        json!({
            "data_dir": ".", "images_dir": name, "input_dim": size,
            "json_annotation_file": format!("{name}.json"),
        })
    };
    let parts = json!({"train": part("train"), "validation": part("validation")});
    let config = DatasetConfig::named("coco_detection", parts)?;
    Ok(config.load(&repository("recipes/data/trees"))?.train)
}

/// A loader of two threads with the transforms of SuperGradients' recipe for YOLOX.
fn loader(trees: &Arc<dyn Dataset>, size: usize) -> Result<DataLoader> {
    let config = json!({"batch_size": 8, "num_workers": 2, "collate_fn": "DetectionCollateFN"});
    let transforms: Value = json!([
        {"DetectionMosaic": {"input_dim": size}},
        {"DetectionRandomAffine": {
            "degrees": 10, "translate": 0.1, "scales": [0.1, 2], "shear": 2, "target_size": size,
            "filter_box_candidates": true,
        }},
        {"DetectionMixup": {"input_dim": size, "mixup_scale": [0.5, 1.5]}},
        {"DetectionHSV": {"prob": 1, "hgain": 5, "sgain": 30, "vgain": 30}},
        {"DetectionHorizontalFlip": {"prob": 0.5}},
        {"DetectionPaddedRescale": {"input_dim": size}},
        "DetectionTargetsFormatTransform",
    ]);
    let transforms: phasebox_data::TransformList = serde_json::from_value(transforms)?;
    let config = serde_json::from_value(config)?;
    DataLoader::new("train", Arc::clone(trees), config, transforms, 0)
}

/// The speed of one epoch, without its first batch, before which the threads start.
fn images_a_second(loader: &mut DataLoader, epoch: u32) -> Result<f64> {
    loader.start(epoch, 0)?;
    loader.next().context("an epoch has a batch")??;
    let (begun, mut images) = (Instant::now(), 0);
    for batch in loader {
        images += batch?.size;
    }
    Ok(images as f64 / begun.elapsed().as_secs_f64())
}
