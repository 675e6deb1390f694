//! The samples a run sees: data sets, their transforms, and the loader that makes batches of them.
//!
//! It ends at CPU tensors: moving a batch to the device is the trainer's, and so is what a batch is used for.
//!
//! **To add a data set**: one file here with its recipe keys (a struct with `deny_unknown_fields`) and a `load`; one
//! variant of [`DatasetConfig`], whose name is the recipe key; one arm in [`DatasetConfig::load`]. Images that fit in
//! memory need no more than filling an [`Images`]; rows of numbers a [`Table`]; anything else implements [`Dataset`].

mod cifar;
mod csv;
mod digits;
mod files;
mod image_folder;
mod images;
mod loader;
mod mnist;
mod prefetch;
mod random;
mod render;
mod split;
mod table;
#[cfg(test)]
mod tests;
mod transforms;

pub use cifar::CifarConfig;
pub use csv::{CsvConfig, Task};
pub use digits::DigitsConfig;
pub use image_folder::{ImageFolder, ImageFolderConfig};
pub use images::Images;
pub use loader::{DataLoader, LoaderConfig};
pub use mnist::MnistConfig;
pub use prefetch::panic_text;
pub use random::{Random, mix};
pub use table::Table;
pub use transforms::{Augmentation, ByteScale, Normalize, RandomCrop, Resize};

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// Some samples, stacked, on the CPU.
#[derive(Debug)]
pub struct Batch {
    /// float32 `[N, …]`; or uint8 `[N, channels, height, width]` that `byte_scale` makes float32.
    pub inputs: Tensor,
    /// What is left to be done to inputs that are bytes.
    pub byte_scale: Option<ByteScale>,
    /// int64 class indices `[N]`, or float32 `[N, 1]` for a regression.
    pub target: Tensor,
    /// Whatever else a data set gives along, by name; first dimension `N`.
    pub additional_items: Vec<(String, Tensor)>,
}

impl Batch {
    /// A batch without additional items.
    pub fn new(inputs: Tensor, target: Tensor) -> Self {
        Self {
            inputs,
            byte_scale: None,
            target,
            additional_items: Vec::new(),
        }
    }

    /// The number of samples; 0 for inputs without dimensions.
    pub fn len(&self) -> usize {
        self.inputs.size().first().copied().unwrap_or(0) as usize
    }

    /// Whether it holds no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same in memory that CUDA reads by itself.
    fn pinned(mut self) -> Result<Self> {
        self.inputs = torch_ext::pin_memory(&self.inputs)?;
        self.target = torch_ext::pin_memory(&self.target)?;
        Ok(self)
    }
}

/// A finite collection of samples that can be read in any order, from several threads at once.
pub trait Dataset: Send + Sync {
    /// The number of samples.
    fn len(&self) -> usize;

    /// Whether it has no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples `indices`, in that order. `seed` is one number per epoch: with a sample's index it decides what is
    /// random about that sample, so that neither the batch it is in nor the thread that makes it matters.
    ///
    /// # Errors
    /// When a sample cannot be read, or a transform does not fit it.
    fn batch(&self, indices: &[usize], augmentation: &Augmentation, seed: u64) -> Result<Batch>;

    /// As [`batch`](Self::batch), for a device that normalizes by itself: images as the bytes they are made of, a
    /// quarter of what has to be copied there otherwise. Samples that are not made of bytes come as ever.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    fn byte_batch(
        &self,
        indices: &[usize],
        augmentation: &Augmentation,
        seed: u64,
    ) -> Result<Batch> {
        self.batch(indices, augmentation, seed)
    }

    /// Whether a sample is opened and decoded each time, so that threads that do it ahead of time are worth it.
    fn decodes(&self) -> bool {
        false
    }

    /// The shape of a sample before transforms, without the batch dimension; `[channels, height, width]` for images.
    /// Where images differ in size, that of the first.
    fn input_shape(&self) -> Vec<i64>;

    /// The classes in the order of their indices, or nothing for a regression.
    fn class_names(&self) -> Option<&[String]>;

    /// The number of classes, or nothing for a regression.
    fn num_classes(&self) -> Option<usize> {
        self.class_names().map(<[String]>::len)
    }

    /// One line for people: what it is and where it came from.
    fn description(&self) -> String;
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

/// The registry of data sets: a variant's name is the key that a recipe uses, and its fields are the keys below.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DatasetConfig {
    /// 1,797 hand-written digits of 8×8 pixels, inside the binary.
    Digits(DigitsConfig),
    /// Hand-written digits of 28×28 pixels, from IDX files.
    Mnist(MnistConfig),
    /// Pictures of clothes of 28×28 pixels, from IDX files.
    FashionMnist(MnistConfig),
    /// Small photographs in 10 classes, from the binary version.
    Cifar10(CifarConfig),
    /// Small photographs in 100 classes, from the binary version.
    Cifar100(CifarConfig),
    /// Image files in a folder for each class.
    ImageFolder(ImageFolderConfig),
    /// Rows of numbers, to classify or to predict a number from.
    Csv(CsvConfig),
}

impl DatasetConfig {
    /// Reads the data set. Relative paths start at `base`, the folder of the recipe.
    ///
    /// # Errors
    /// When a file is missing or is not what its format says; the message names the file, the fault and a remedy.
    pub fn load(&self, base: &Path) -> Result<Splits> {
        match self {
            Self::Digits(config) => config.load(),
            Self::Mnist(config) => config.load(base, &mnist::MNIST),
            Self::FashionMnist(config) => config.load(base, &mnist::FASHION_MNIST),
            Self::Cifar10(config) => config.load(base, &cifar::CIFAR10),
            Self::Cifar100(config) => config.load(base, &cifar::CIFAR100),
            Self::ImageFolder(config) => config.load(base),
            Self::Csv(config) => config.load(base),
        }
    }
}

/// Classes that have no better names than their numbers.
fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}
