//! The samples a run sees: data sets, their transforms, and the loader that makes batches of them.
//!
//! A batch comes about in four steps. The loader decides which samples make it up. The data set reads each as a [`Sample`],
//! image and target together. The transforms of the recipe change it, in order. The collation makes tensors of all. For
//! images of one size in memory, the usual transforms and no special collation all this is one pass ([`OnePass`]), with
//! the same draws and the same values.
//!
//! All chance comes from the seed, the epoch and the sample's index, or the batch's place for what a batch shares: numbers
//! depend neither on threads nor on where a run resumed.
//!
//! The crate ends at CPU tensors: the trainer moves a batch to the device and decides what it is used for.
//!
//! **To add a data set**: one file beside this one with its recipe keys (a struct with `deny_unknown_fields`) and a
//! `load`; in this file `mod`, `pub use` and one row of `datasets!`, whose name in snake case is the recipe key. For
//! images that fit in memory `load` fills an [`Images`], for rows of numbers a [`Table`]; anything else implements
//! [`Dataset`], which needs a length, a sample by index, a shape and the names of classes. **To add a transform**, see
//! `transforms`; **to add a collation**, see `collate`.

mod augment;
mod box_survey;
mod boxed_images;
mod boxed_parts;
mod chance;
mod cifar;
mod class_name;
mod coco;
mod collate;
mod csv;
mod data_file;
mod digits;
mod epoch;
mod excerpt;
mod file_pairs;
mod fingerprint;
mod hold_out;
mod image_file;
mod image_folder;
mod images;
mod kept_samples;
mod left_out;
mod linear_bytes;
mod loader;
mod mnist;
mod named;
mod names;
mod outline;
mod picture;
mod pipeline;
mod prefetch;
mod quotes;
mod random;
mod raster;
mod roboflow;
mod sample;
mod scattered_digits;
mod shard;
mod standardize;
mod survey;
mod table;
mod target_cells;
#[cfg(test)]
mod tests;
mod transforms;
mod voc;
mod yolo_text;

pub use box_survey::BoxSurvey;
pub use boxed_parts::Parts;
pub use cifar::CifarConfig;
pub use coco::{CocoConfig, CocoPart};
pub use collate::check_collation_name;
pub use csv::CsvConfig;
pub use digits::DigitsConfig;
pub use epoch::{Epoch, Stopped};
pub use excerpt::Extent;
pub use image_folder::{ImageFolder, ImageFolderConfig};
pub use images::Images;
pub use loader::{DataLoader, LoaderConfig};
pub use mnist::MnistConfig;
pub use outline::{Outline, StandIn};
pub use picture::{Picture, Place, png};
pub use prefetch::panic_text;
pub use random::{Random, mix};
pub use raster::{PixelValue, Raster};
pub use roboflow::{RoboflowConfig, RoboflowPart};
pub use sample::{Bounds, BoxFormat, BoxNumbers, Boxes, Keypoints, Mask, Pixels, Sample, Target};
pub use scattered_digits::ScatteredDigitsConfig;
pub use shard::Shard;
pub use survey::Survey;
pub use table::{Table, Task};
pub use transforms::{
    Augmentation, ByteScale, Idle, Normalize, RandomCrop, Resize, Scale, TransformList, Transforms,
    changed_transforms, check_transform_name,
};
pub use voc::{VocConfig, VocPart};
pub use yolo_text::{YoloConfig, YoloPart};

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use phasebox_contract::digest::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tch::Tensor;
use torch_ext::Items;

/// Some samples, stacked, on the CPU.
#[derive(Debug)]
pub struct Batch {
    /// The number of samples: the weight of the batch in every mean.
    pub size: usize,
    /// float32 `[N, …]` each; or uint8 `[N, channels, height, width]` that `byte_scale` makes float32.
    pub inputs: Items,
    /// The scale that makes inputs of bytes float32.
    pub byte_scale: Option<ByteScale>,
    /// int64 class indices `[N]`, or float32 `[N, 1]` for a regression; or, where samples have different numbers of
    /// things such as boxes, `[M, k]` with the sample's index in the first column and −1 there in rows that hold none.
    pub target: Items,
    /// Further tensors of the data set, by name.
    pub additional_items: Items,
}

impl Batch {
    /// `size` samples of one tensor each way, without additional items.
    pub fn new(size: usize, inputs: Tensor, target: Tensor) -> Self {
        Self {
            size,
            inputs: inputs.into(),
            byte_scale: None,
            target: target.into(),
            additional_items: Items::NONE,
        }
    }

    /// The batch in pinned memory, which CUDA reads by itself.
    fn pinned(mut self) -> Result<Self> {
        self.inputs = self.inputs.try_map(torch_ext::pin_memory)?;
        self.target = self.target.try_map(torch_ext::pin_memory)?;
        self.additional_items = self.additional_items.try_map(torch_ext::pin_memory)?;
        Ok(self)
    }
}

/// A finite collection of samples that can be read in any order, from several threads at once.
pub trait Dataset: Send + Sync {
    /// The number of samples.
    fn len(&self) -> usize;

    /// The data set has no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One sample, before any transform.
    ///
    /// # Errors
    /// When it cannot be read; the message names its file, if it has one.
    fn sample(&self, index: usize) -> Result<Sample>;

    /// The size `[height, width]` that images are scaled into when they are read, with their proportions.
    fn scaled_into(&self) -> Option<[usize; 2]> {
        None
    }

    /// The digest of what identifies the samples and their order, found without reading their files; none where nothing
    /// does. Data that were moved have it still.
    fn fingerprint(&self) -> Option<Digest> {
        None
    }

    /// Height and width of a sample from the header of its file alone; none where samples have no files of their own.
    ///
    /// # Errors
    /// When the file has no such header, or its content would take too much memory; the message names it.
    fn header(&self, _index: usize) -> Result<Option<[usize; 2]>> {
        Ok(None)
    }

    /// The data set as one that makes whole batches in one pass, if it is one.
    fn in_one_pass(&self) -> Option<&dyn OnePass> {
        None
    }

    /// The statistics of images that no transform normalizes; without them bytes become numbers in `[0, 1]`.
    fn normalize(&self) -> Option<&Normalize> {
        None
    }

    /// Each sample is opened and decoded whenever it is read, so threads that do it ahead of time are worth their cost.
    fn decodes(&self) -> bool {
        false
    }

    /// Image files are turned and mirrored as a camera noted in them (EXIF).
    fn turns_images(&self) -> bool {
        false
    }

    /// Some boxes are around crowds.
    fn has_crowds(&self) -> bool {
        false
    }

    /// The number of boxes of all samples but those of crowds, where it is known without reading them.
    fn box_count(&self) -> Option<usize> {
        None
    }

    /// The shape of a sample before transforms, without the batch dimension; `[channels, height, width]` for images.
    /// Where images differ in size, the shape of the first; of several inputs, all numbers in a row.
    fn input_shape(&self) -> Vec<i64>;

    /// The name and the shape of each input, in declared order, as [`input_shape`](Self::input_shape) has it.
    fn input_shapes(&self) -> Vec<(String, Vec<i64>)> {
        vec![("inputs".to_owned(), self.input_shape())]
    }

    /// The classes in the order of their indices, or nothing for a regression or for several targets.
    fn class_names(&self) -> Option<&[String]>;

    /// The number of classes, or nothing for a regression.
    fn num_classes(&self) -> Option<usize> {
        self.class_names().map(<[String]>::len)
    }

    /// Words about what of the source is not used, with numbers; empty where all is.
    fn left_out(&self) -> String {
        String::new()
    }

    /// One line for people: the data set and its source.
    fn description(&self) -> String;
}

/// A data set that makes whole batches, faster than sample by sample: the usual transforms are done while samples are
/// copied, with the draws and the values that the transforms themselves would give.
pub trait OnePass {
    /// The samples `indices`, in that order. A sample's augmentation is drawn from the epoch's seed and the sample's index
    /// alone, so it depends neither on the other samples of the batch nor on the thread.
    ///
    /// # Errors
    /// When a sample cannot be read, or a transform does not fit it; [`Stopped`] between two samples, once the epoch is.
    fn batch(&self, indices: &[usize], augmentation: &Augmentation, epoch: &Epoch)
    -> Result<Batch>;

    /// The batch for a device that normalizes by itself: images come as the bytes they are made of, which take a
    /// quarter of the copying. Samples that are not made of bytes come as from [`batch`](Self::batch).
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    fn byte_batch(
        &self,
        indices: &[usize],
        augmentation: &Augmentation,
        epoch: &Epoch,
    ) -> Result<Batch> {
        self.batch(indices, augmentation, epoch)
    }
}

/// The parts of a data set.
#[derive(Clone)]
pub struct Splits {
    /// Samples to train on.
    pub train: Arc<dyn Dataset>,
    /// Samples to choose the best epoch with.
    pub validation: Arc<dyn Dataset>,
    /// Samples kept for the end, where the data have any.
    pub test: Option<Arc<dyn Dataset>>,
}

macro_rules! datasets {
    ($($(#[$doc:meta])* $name:ident($config:ty) as $written:literal = $load:expr,)*) => {
        /// The keys of a data set in a recipe: a variant's name is the data set's, its fields are the keys below.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub enum DatasetConfig { $($(#[$doc])* #[serde(rename = $written)] $name($config),)* }

        impl DatasetConfig {
            const NAMES: &[&str] = &[$($written,)*];

            /// Reads the data set. Relative paths start at `base`, the folder of the recipe.
            ///
            /// # Errors
            /// A file that is missing or that is not in its format; the message names the file, the fault and a remedy.
            pub fn load(&self, base: &Path) -> Result<Splits> {
                match self {
                    $(Self::$name(config) => {
                        let load: fn(&$config, &Path) -> Result<Splits> = $load;
                        load(config, base)
                    })*
                }
            }
        }
    };
}

datasets! {
    /// 1,797 hand-written digits of 8×8 pixels, inside the binary.
    Digits(DigitsConfig) as "digits" = |config, _| config.load(),
    /// Hand-written digits of 28×28 pixels, from IDX files.
    Mnist(MnistConfig) as "mnist" = |config, base| config.load(base, &mnist::MNIST),
    /// Pictures of clothes of 28×28 pixels, from IDX files.
    FashionMnist(MnistConfig) as "fashion_mnist" = |config, base| config.load(base, &mnist::FASHION_MNIST),
    /// Small photographs in 10 classes, from the binary version.
    Cifar10(CifarConfig) as "cifar10" = |config, base| config.load(base, &cifar::CIFAR10),
    /// Small photographs in 100 classes, from the binary version.
    Cifar100(CifarConfig) as "cifar100" = |config, base| config.load(base, &cifar::CIFAR100),
    /// Image files in a folder for each class.
    ImageFolder(ImageFolderConfig) as "image_folder" = ImageFolderConfig::load,
    /// Rows of numbers, to classify or to predict a number from.
    Csv(CsvConfig) as "csv" = CsvConfig::load,
    /// Image files with the boxes of a JSON file in COCO's format.
    CocoDetection(CocoConfig) as "coco_detection" = |config, base| boxed_parts::load(config, "coco_detection", base),
    /// Image files, each with a text of boxes in YOLO's format.
    YoloDetection(YoloConfig) as "yolo_detection" = |config, base| boxed_parts::load(config, "yolo_detection", base),
    /// Image files, each with an XML file of boxes in Pascal VOC's format.
    VocDetection(VocConfig) as "voc_detection" = |config, base| boxed_parts::load(config, "voc_detection", base),
    /// A data set of Roboflow 100: image files with the boxes of a JSON file in COCO's format.
    RoboflowDetection(RoboflowConfig) as "roboflow_detection" = |config, base| boxed_parts::load(config, "roboflow_detection", base),
    /// The built-in digits scattered on a canvas, with their boxes, masks or both.
    ScatteredDigits(ScatteredDigitsConfig) as "scattered_digits" = |config, _| config.load(),
}

impl DatasetConfig {
    /// Reads the keys of the data set that a recipe calls `name`. SuperGradients' names of data sets and of their loaders
    /// (`Cifar10`, `cifar10_train`, `imagenet_val`) are known, too.
    ///
    /// # Errors
    /// A name that no data set has; a key that the data set does not have.
    pub fn named(name: &str, keys: Value) -> Result<DatasetConfig> {
        let known = names::data_set(name, Self::NAMES)?;
        // serde would take a list for the fields in their order.
        ensure!(
            keys.is_object(),
            "parameters of data set `{known}`: a mapping is wanted, not {keys}"
        );
        serde_path_to_error::deserialize(json!({ known: keys })).map_err(|error| {
            let path = error.path().to_string();
            let key = path.strip_prefix(&format!("{known}."));
            let key = key.map_or(String::new(), |key| format!("`{key}`: "));
            anyhow!("data set `{known}`: {key}{}", error.inner())
        })
    }

    /// Reads validation and test, with `train` in the place of training samples. None where these are not apart.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_without_train(
        &self,
        base: &Path,
        train: &Arc<dyn Dataset>,
    ) -> Result<Option<Splits>> {
        match self {
            Self::CocoDetection(config) => {
                boxed_parts::without_train(config, "coco_detection", base, train)
            }
            Self::YoloDetection(config) => {
                boxed_parts::without_train(config, "yolo_detection", base, train)
            }
            Self::VocDetection(config) => {
                boxed_parts::without_train(config, "voc_detection", base, train)
            }
            Self::RoboflowDetection(config) => {
                boxed_parts::without_train(config, "roboflow_detection", base, train)
            }
            Self::ImageFolder(config) => config.load_without_train(base, train).map(Some),
            _ => Ok(None),
        }
    }

    /// Refuses a name that no data set has.
    ///
    /// # Errors
    /// The remedy for a data set of SuperGradients that is not there yet; "did you mean" for any other name.
    pub fn check_name(name: &str) -> Result<()> {
        names::data_set(name, Self::NAMES).map(drop)
    }
}

/// The names of classes that have none but their numbers.
fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}
