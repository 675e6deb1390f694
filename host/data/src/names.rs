//! Names of SuperGradients and torchvision: data sets that have another name here, and data sets, transforms and
//! collations that are not here, with remedies. A registry of what is here asks only for names that it lacks.

use anyhow::{Result, anyhow};
use phasebox_contract::missing::{Missing, remedy};
use phasebox_contract::suggest;

const NO_POSES: &str = "pose estimation is not there yet; remove it";
const IMAGE_FOLDER: &str = "put the images into a folder for each class and use `image_folder`";
const NO_LISTS: &str =
    "data with masks are not read from files yet; try your recipe on `scattered_digits`";

/// Other names of data sets, by their short form.
const ALIASES: &[(&str, &str)] = &[
    ("user_mnist", "mnist"),
    ("imagenet", "image_folder"),
    ("imagenet_efficientnet", "image_folder"),
    ("imagenet_mobilenetv2", "image_folder"),
    ("imagenet_mobilenetv3", "image_folder"),
    ("imagenet_regnetY", "image_folder"),
    ("imagenet_resnet50", "image_folder"),
    ("imagenet_resnet50_kd", "image_folder"),
    ("imagenet_vit_base", "image_folder"),
    ("coco_format_detection", "coco_detection"),
    ("coco2017", "coco_detection"),
    ("coco2017_ppyoloe", "coco_detection"),
    ("coco2017_ssd_lite_mobilenet_v2", "coco_detection"),
    ("coco2017_yolo_nas", "coco_detection"),
    ("coco2017_yolox", "coco_detection"),
    ("coco_detection_yolo_format", "yolo_detection"),
    ("pascal_voc_detection", "voc_detection"),
    ("pascal_voc_format_detection", "voc_detection"),
    ("roboflow_yolox", "roboflow_detection"),
    ("yolo_darknet_format_detection", "yolo_detection"),
];

/// The data set that a recipe calls `name`, as it is called here.
///
/// # Errors
/// The remedy for a data set of SuperGradients that is not there yet; "did you mean" for any other name.
pub(crate) fn data_set(name: &str, known: &[&'static str]) -> Result<&'static str> {
    let short = short(name);
    let mut aliases = ALIASES.iter();
    let alias = aliases.find(|(alias, _)| suggest::fuzzy(&short, &[alias]).is_some());
    let found = alias.map(|(_, known)| *known);
    let found = found.or_else(|| suggest::fuzzy(&short, known));
    found.ok_or_else(|| match remedy(&short, DATASETS) {
        Some(remedy) => anyhow!("there is no data set `{name}` yet: {remedy}"),
        None => anyhow!(suggest::unknown("data set", name, known)),
    })
}

/// The name without the split that is in a loader's, and without the kind at the end of a class's.
fn short(name: &str) -> String {
    let mut kinds = ["Dataset", "DataSet"].into_iter();
    let class = kinds.find_map(|kind| name.strip_suffix(kind));
    let short = class.unwrap_or(name);
    short.replacen("_train", "", 1).replacen("_val", "", 1)
}

/// Data sets, by their short names: without the `_train` or `_val` of a loader's, and without the `Dataset` of a
/// class's.
pub(crate) const DATASETS: &[Missing] = &[
    Missing {
        names: "tiny_imagenet",
        remedy: IMAGE_FOLDER,
    },
    Missing {
        names: "cityscapes cityscapes_concat cityscapes_stdc_seg50 cityscapes_stdc_seg75 \
            cityscapes_regseg48 cityscapes_ddrnet coco_segmentation mapillary segmentation \
            PascalAUG2012Segmentation PascalVOC2012Segmentation PascalVOCAndAUGUnified \
            pascal_aug_segmentation pascal_voc_segmentation supervisely_persons",
        remedy: NO_LISTS,
    },
    Missing {
        names: "detection",
        remedy: "use `coco_detection`, `yolo_detection` or `voc_detection`, by the format of your files",
    },
    Missing {
        names: "coco_keypoints coco_pose_estimation coco2017_pose coco2017_rescoring \
            train_rescoring val_train_rescoring",
        remedy: NO_POSES,
    },
    Missing {
        names: "nyuv2_depth_estimation",
        remedy: "depth estimation is not there yet; predict one number an image with `csv`",
    },
];

/// Transforms.
pub(crate) const TRANSFORMS: &[Missing] = &[
    Missing {
        names: "RandAugment AutoAugment TrivialAugmentWide",
        remedy: "use `RandAugmentTransform`",
    },
    Missing {
        names: "RandomRotation",
        remedy: "use `DetectionRandomAffine` with `scales: [1, 1]`, `shear: 0` and `translate: 0`",
    },
    Missing {
        names: "RandomAffine RandomPerspective",
        remedy: "use `DetectionRandomAffine`",
    },
    Missing {
        names: "Albumentations Compose",
        remedy: "list the transforms by the names of torchvision",
    },
    Missing {
        names: "DetectionImagePermute",
        remedy: "remove it: a batch always has the channels first",
    },
    Missing {
        names: "DetectionTransform",
        remedy: "name one of the transforms",
    },
    Missing {
        names: "DetectionPadIfNeeded",
        remedy: "use `DetectionPadToSize`",
    },
    Missing {
        names: "DetectionLongestMaxSize",
        remedy: "use `DetectionPaddedRescale`, which pads too",
    },
    Missing {
        names: "SegPadToDivisible",
        remedy: "use `SegPadShortToCropSize` and `SegCropImageAndMask`",
    },
    Missing {
        names: "SegRandomRotate",
        remedy: "remove it, or use `SegRandomRescale` and `SegRandomFlip`",
    },
    Missing {
        names: "SegToTensor",
        remedy: "use `SegConvertToTensor`",
    },
    Missing {
        names: "ToTensorV2 PILToTensor ConvertImageDtype",
        remedy: "use `ToTensor`",
    },
    Missing {
        names: "ToPILImage",
        remedy: "remove it: transforms take images as they are",
    },
    Missing {
        names: "HorizontalFlip",
        remedy: "use `RandomHorizontalFlip`",
    },
    Missing {
        names: "VerticalFlip",
        remedy: "use `RandomVerticalFlip`",
    },
    Missing {
        names: "Pad",
        remedy: "use `RandomCrop` with `padding`",
    },
    Missing {
        names: "Grayscale RandomGrayscale Lighting LinearTransformation RandomInvert RandomPosterize \
            RandomSolarize RandomAdjustSharpness RandomAutocontrast RandomEqualize",
        remedy: "use `ColorJitter` or `RandAugmentTransform`",
    },
    Missing {
        names: "Lambda RandomApply RandomChoice RandomOrder FiveCrop TenCrop InterpolationMode",
        remedy: "list the transforms one by one",
    },
    Missing {
        names: "SegRandomGaussianBlur GaussianBlur",
        remedy: "remove it",
    },
    Missing {
        names: "KeypointsRandomAffineTransform KeypointsImageNormalize KeypointsImageStandardize \
            KeypointsImageToTensor KeypointsPadIfNeeded KeypointsLongestMaxSize \
            KeypointsRandomVerticalFlip KeypointsRandomHorizontalFlip KeypointsRescale \
            KeypointsRandomRotate90 KeypointsRemoveSmallObjects KeypointsBrightnessContrast \
            KeypointsHSV KeypointsMixup KeypointsMosaic KeypointsReverseImageChannels",
        remedy: NO_POSES,
    },
];

/// Collations.
pub(crate) const COLLATIONS: &[Missing] = &[
    Missing {
        names: "default_collate",
        remedy: "use `default`, or remove `collate_fn`",
    },
    Missing {
        names: "ComposedCollateFunction ClassificationDatasetAdapterCollateFN \
            DetectionDatasetAdapterCollateFN SegmentationDatasetAdapterCollateFN",
        remedy: "use `default` or `DetectionCollateFN`",
    },
    Missing {
        names: "KeypointsCollate YoloNASPoseCollateFN",
        remedy: NO_POSES,
    },
];

#[cfg(test)]
#[path = "../../contract/src/missing_test.rs"]
mod missing_test;

#[cfg(test)]
mod tests {
    use super::missing_test::check;
    use super::*;
    use crate::{DatasetConfig, check_collation_name, check_transform_name};

    #[test]
    fn every_name_of_supergradients_is_there_or_has_a_remedy() {
        check("data_sets", DatasetConfig::check_name, DATASETS);
        check("transforms", check_transform_name, TRANSFORMS);
        check("collations", check_collation_name, COLLATIONS);
    }

    #[test]
    fn data_sets_have_supergradients_names_too() {
        let known = ["cifar10", "fashion_mnist", "image_folder", "mnist"];
        for (name, expected) in [
            ("cifar10", Ok("cifar10")),
            ("Cifar10", Ok("cifar10")),
            ("cifar10_val", Ok("cifar10")),
            ("MnistDataset", Ok("mnist")),
            ("FashionMNIST", Ok("fashion_mnist")),
            ("imagenet_resnet50_train", Ok("image_folder")),
            ("ImageNetDataset", Ok("image_folder")),
            (
                "cityscapes_train",
                Err(format!("there is no data set `cityscapes_train` yet: {NO_LISTS}")),
            ),
            (
                "minst",
                Err("unknown data set `minst`; did you mean `mnist`? known: cifar10, fashion_mnist, image_folder, mnist".to_owned()),
            ),
        ] {
            let found = data_set(name, &known).map_err(|error| error.to_string());
            assert_eq!(found, expected, "{name}");
        }
    }
}
