//! `Outline`: all that a network and its transforms must know of the images that it was trained on. A checkpoint keeps it, so
//! that predictions need no data. Owns the stand-in for data that are not at hand, whose samples are blank; reads no file.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::raster::Raster;
use super::sample::{Boxes, Keypoints, Mask, Pixels, Sample, Target};
use super::transforms::Normalize;
use super::{DataLoader, Dataset};

/// The most pixels of a blank sample, which a damaged file may ask for.
const MOST_PIXELS: i64 = 1 << 27;

/// The form of a data set's images and targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    samples: usize,
    /// `[channels, height, width]` before transforms.
    shape: [i64; 3],
    /// The byte that becomes 1.0.
    white: f32,
    targets: Vec<(String, Form)>,
    num_classes: Option<usize>,
    normalize: Option<Normalize>,
    turns_images: bool,
    scaled_into: Option<[usize; 2]>,
    has_crowds: bool,
    /// The numbers that pixels of a trial become behind the transforms of training; empty where they are not finite.
    scale: Vec<f32>,
}

/// The form of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Class,
    Numbers(usize),
    Boxes,
    /// The class where nothing is known.
    Mask(u8),
    /// The point that each one is in a mirror.
    Keypoints(Vec<usize>),
}

impl Outline {
    /// The outline of a loader's data; none where they are no images, or the first cannot be read.
    pub fn of(loader: &DataLoader) -> Option<Outline> {
        let dataset = loader.dataset();
        let shape = dataset.input_shape().try_into().ok()?;
        let first = dataset.sample(0).ok()?;
        first.image.as_ref()?;
        let forms = first.target.into_iter();
        let scale = loader.scale().ok().flatten();
        let mut scale = scale.map_or(Vec::new(), |scale| scale.values().to_vec());
        if !scale.iter().all(|number| number.is_finite()) {
            scale.clear();
        }
        Some(Outline {
            samples: dataset.len(),
            shape,
            white: first.white,
            targets: forms
                .map(|(name, target)| (name, Form::of(&target)))
                .collect(),
            num_classes: dataset.num_classes(),
            normalize: dataset.normalize().cloned(),
            turns_images: dataset.turns_images(),
            scaled_into: dataset.scaled_into(),
            has_crowds: dataset.has_crowds(),
            scale,
        })
    }

    /// A data set of this form, with blank samples. `classes` are the names in the order of their indices.
    ///
    /// # Errors
    /// An outline that no data set has.
    pub fn stand_in(self, classes: Vec<String>) -> Result<StandIn> {
        let [channels, height, width] = self.shape;
        let are_sides = height > 0 && width > 0 && height.saturating_mul(width) <= MOST_PIXELS;
        ensure!(
            self.samples > 0 && [1, 3].contains(&channels) && are_sides,
            "the checkpoint's data are {} images of shape {:?}, which no data set has",
            self.samples,
            self.shape
        );
        Ok(StandIn {
            outline: self,
            classes,
        })
    }

    /// True if a loader's pixels are on the scale that the network was trained with, or nothing is known of it.
    ///
    /// # Errors
    /// As [`DataLoader::scale`].
    pub fn is_on_scale_of(&self, loader: &DataLoader) -> Result<bool> {
        let now = loader.scale()?;
        Ok(now.is_none_or(|now| self.scale.is_empty() || now.is_of(&self.scale)))
    }
}

impl Form {
    fn of(target: &Target) -> Form {
        match target {
            Target::Class(_) => Form::Class,
            Target::Numbers(numbers) => Form::Numbers(numbers.len()),
            Target::Boxes(_) => Form::Boxes,
            Target::Mask(mask) => Form::Mask(mask.ignore),
            Target::Keypoints(points) => Form::Keypoints(points.mirrored.clone()),
        }
    }

    /// A target that holds nothing, for an image of `size`.
    fn blank(&self, size: [usize; 2]) -> Result<Target> {
        Ok(match self {
            Form::Class => Target::Class(0),
            Form::Numbers(count) => Target::Numbers(vec![0.0; (*count).min(1 << 16)]),
            Form::Boxes => Target::Boxes(Boxes::default()),
            Form::Mask(ignore) => Target::Mask(Mask {
                classes: Raster::filled(1, size, &[f32::from(*ignore)])?,
                ignore: *ignore,
            }),
            Form::Keypoints(mirrored) => Target::Keypoints(Keypoints {
                things: Vec::new(),
                mirrored: mirrored.clone(),
            }),
        })
    }
}

/// A data set that is not at hand: what is known of it, with blank samples.
pub struct StandIn {
    outline: Outline,
    classes: Vec<String>,
}

impl Dataset for StandIn {
    fn len(&self) -> usize {
        self.outline.samples
    }

    fn sample(&self, _index: usize) -> Result<Sample> {
        let [channels, height, width] = self.outline.shape.map(|side| side as usize);
        let size = [height, width];
        let forms = self.outline.targets.iter();
        let target = forms.map(|(name, form)| Ok((name.clone(), form.blank(size)?)));
        Ok(Sample {
            image: Some(Pixels::Bytes(Raster::filled(channels, size, &[0.0])?)),
            white: self.outline.white,
            features: Vec::new(),
            target: target.collect::<Result<_>>()?,
            file: None,
        })
    }

    fn scaled_into(&self) -> Option<[usize; 2]> {
        self.outline.scaled_into
    }

    fn normalize(&self) -> Option<&Normalize> {
        self.outline.normalize.as_ref()
    }

    fn turns_images(&self) -> bool {
        self.outline.turns_images
    }

    fn has_crowds(&self) -> bool {
        self.outline.has_crowds
    }

    fn input_shape(&self) -> Vec<i64> {
        self.outline.shape.to_vec()
    }

    fn class_names(&self) -> Option<&[String]> {
        (!self.classes.is_empty()).then_some(&self.classes)
    }

    fn num_classes(&self) -> Option<usize> {
        self.outline.num_classes
    }

    fn description(&self) -> String {
        "data that are not read, as the checkpoint knows them".to_owned()
    }
}
