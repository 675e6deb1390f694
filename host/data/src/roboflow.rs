//! The data set `roboflow_detection`: the folders of the Roboflow 100 benchmark, in COCO's format. Owns where its files
//! are; `coco` reads them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::boxed_images::{Annotations, Part, Selection};
use super::boxed_parts::Parts;
use super::coco::CocoPart;
use super::transforms::Size;

/// Recipe keys of `roboflow_detection`.
pub type RoboflowConfig = Parts<RoboflowPart>;

/// One part, with the keys of SuperGradients' `RoboflowDetectionDataset`: the images and `_annotations.coco.json` in
/// `data_dir/dataset_name/split`. Category 0, which stands for all others, is left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoboflowPart {
    /// Folder of all data sets.
    pub data_dir: PathBuf,
    /// Folder of this one in it.
    pub dataset_name: PathBuf,
    /// Folder of the part in that.
    pub split: Split,
    /// Keeps boxes of crowds, which the metrics know as such.
    #[serde(default = "yes")]
    pub with_crowd: bool,
    /// The size that images are scaled into when they are read.
    input_dim: Option<Size>,
    /// Leaves out images without boxes.
    #[serde(default = "yes")]
    pub ignore_empty_annotations: bool,
    /// Names of the categories that are kept, in the order of their numbers; all without it.
    pub class_inclusion_list: Option<Vec<String>>,
    /// Keeps the first so many images.
    pub max_num_samples: Option<usize>,
}

/// The folders of a data set.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// To train on.
    Train,
    /// To validate with.
    Valid,
    /// For the end.
    Test,
}

fn yes() -> bool {
    true
}

/// The category that stands for all others, where there is one.
const OTHERS: i64 = 0;

impl RoboflowPart {
    fn coco(&self) -> CocoPart {
        let split = match self.split {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        };
        let folder = self.dataset_name.join(split);
        CocoPart {
            data_dir: self.data_dir.clone(),
            json_file: None,
            json_annotation_file: Some(folder.join("_annotations.coco.json")),
            images_dir: folder,
            with_crowd: self.with_crowd,
            class_ids_to_ignore: None,
            input_dim: self.input_dim,
            ignore_empty_annotations: self.ignore_empty_annotations,
            class_inclusion_list: self.class_inclusion_list.clone(),
            max_num_samples: self.max_num_samples,
        }
    }
}

impl Part for RoboflowPart {
    fn annotations(&self, base: &Path) -> Result<Annotations> {
        self.coco().annotations_without(base, OTHERS)
    }

    fn selection(&self) -> Selection<'_> {
        Selection {
            input_dim: self.input_dim,
            ignore_empty_annotations: self.ignore_empty_annotations,
            class_inclusion_list: self.class_inclusion_list.as_deref(),
            max_num_samples: self.max_num_samples,
        }
    }
}
