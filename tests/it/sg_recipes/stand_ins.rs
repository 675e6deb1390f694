//! Stand-ins for the parts of a recipe that phasebox does not have: changes on the command line, and files.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::Scratch;

/// A network, data, a loss and metrics that are there; the rest of a recipe stays.
const ALL: &[&str] = &[
    "architecture=resnet18",
    "arch_params=null",
    "++arch_params.small_images=true",
    "train_dataloader=null",
    "val_dataloader=null",
    "++dataset=digits",
    "dataset_params.train_dataset_params=null",
    "dataset_params.val_dataset_params=null",
    "dataset_params.train_dataloader_params.batch_size=64",
    "++dataset_params.train_dataloader_params.collate_fn=null",
    "++dataset_params.train_dataloader_params.dataset=null",
    "++dataset_params.val_dataloader_params.collate_fn=null",
    "++dataset_params.val_dataloader_params.dataset=null",
    "training_hyperparams.loss=CrossEntropyLoss",
    "training_hyperparams.criterion_params=null",
    "training_hyperparams.train_metrics_list=[Accuracy]",
    "training_hyperparams.valid_metrics_list=[Accuracy]",
    "training_hyperparams.metric_to_watch=Accuracy",
    "training_hyperparams.phase_callbacks=[]",
];

/// Rates by the names of another network.
const RATE: &str = "training_hyperparams.initial_lr=0.1";
/// The parameters of another optimizer.
const OPTIMIZER: &[&str] = &[
    "training_hyperparams.optimizer=SGD",
    "training_hyperparams.optimizer_params=null",
];

/// The stand-ins of a recipe.
pub(super) fn of(recipe: &str) -> Vec<&'static str> {
    let mut changes = ALL.to_vec();
    let more: &[&str] = match recipe {
        "imagenet_efficientnet" | "imagenet_mobilenetv2" | "imagenet_regnetY" => OPTIMIZER,
        "imagenet_vit_base" | "imagenet_vit_large" => {
            &["checkpoint_params.pretrained_weights=null"]
        }
        "imagenet_resnet50_kd" => &[
            OPTIMIZER[0],
            OPTIMIZER[1],
            "dataset_params.train_dataloader_params.sampler=null",
            "~teacher_architecture",
            "~teacher_arch_params",
            "~teacher_checkpoint_params",
            "~student_architecture",
            "~student_arch_params",
            "~student_checkpoint_params",
            "~run_teacher_on_eval",
            "checkpoint_params.teacher_pretrained_weights=null",
        ],
        name if name.starts_with("roboflow") => &[
            "checkpoint_params.pretrained_weights=null",
            "checkpoint_params.checkpoint_path=null",
            "dataset_params.train_dataloader_params.min_samples=null",
            "++pre_launch_callbacks_list=[]",
            "++quantization_params=null",
        ],
        "coco2017_yolo_nas_pose_l" | "coco2017_yolo_nas_pose_m" | "coco2017_yolo_nas_pose_s" => {
            &["checkpoint_params.checkpoint_path=null"]
        }
        "coco2017_yolox" => &["++experiment_suffix=_small"],
        name if name.starts_with("cityscapes") => &[RATE],
        _ => &[],
    };
    changes.extend(more);
    changes
}

/// Files of the forms of CIFAR-10, of ImageNet and of COCO.
pub(super) struct Data {
    cifar10: PathBuf,
    imagenet: PathBuf,
    coco: PathBuf,
}

pub(super) fn data(scratch: &Scratch) -> Data {
    Data {
        cifar10: cifar10(scratch),
        imagenet: imagenet(scratch),
        coco: coco(scratch),
    }
}

impl Data {
    /// The changes that lead a recipe to its files; none for one whose data set phasebox lacks.
    pub(super) fn roots(&self, recipe: &str) -> Vec<String> {
        let mut key = "root";
        let folders = match recipe {
            "coco2017_yolox" => {
                key = "data_dir";
                [self.coco.clone(), self.coco.clone()]
            }
            name if name.starts_with("cifar10") => [self.cifar10.clone(), self.cifar10.clone()],
            name if name.starts_with("imagenet") => {
                ["train", "val"].map(|split| self.imagenet.join(split))
            }
            _ => return Vec::new(),
        };
        let splits = ["train", "val"].into_iter().zip(folders);
        let roots = splits.map(|(split, folder)| {
            let folder = folder.display();
            format!("dataset_params.{split}_dataset_params.{key}={folder}")
        });
        roots.collect()
    }
}

/// Pictures with a box in each, of one of 80 categories; a crowd in validation.
fn coco(scratch: &Scratch) -> PathBuf {
    let root = scratch.path("coco");
    let categories = (1..=80).map(|id| json!({"id": id, "name": format!("thing{id}")}));
    let categories: Vec<Value> = categories.collect();
    fs::create_dir_all(root.join("annotations")).expect("the case's folder can be written");
    for (split, count) in [("train2017", 16), ("val2017", 2)] {
        let folder = root.join("images").join(split);
        fs::create_dir_all(&folder).expect("the case's folder can be written");
        let (mut images, mut annotations) = (Vec::new(), Vec::new());
        for id in 1..=count {
            let name = format!("{id}.bmp");
            fs::write(folder.join(&name), bmp(id * 10)).expect("the case's folder can be written");
            images.push(json!({"id": id, "file_name": name, "width": 64, "height": 64}));
            let is_crowd = i32::from(split == "val2017" && id == 2);
            annotations.push(json!({
                "id": id, "image_id": id, "category_id": id, "bbox": [8, 8, 40, 40], "iscrowd": is_crowd,
            }));
        }
        let all = json!({"images": images, "annotations": annotations, "categories": categories});
        let file = root.join(format!("annotations/instances_{split}.json"));
        fs::write(file, all.to_string()).expect("the case's folder can be written");
    }
    root
}

/// A picture of each of two classes in each part.
fn imagenet(scratch: &Scratch) -> PathBuf {
    let root = scratch.path("imagenet");
    for (folder, shade) in [
        ("train/a", 10),
        ("train/b", 200),
        ("val/a", 20),
        ("val/b", 190),
    ] {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).expect("the case's folder can be written");
        let picture = folder.join("1.bmp");
        fs::write(picture, bmp(shade)).expect("the case's folder can be written");
    }
    root
}

/// 64 by 64 pixels of one shade.
fn bmp(shade: u8) -> Vec<u8> {
    let pixels = vec![shade; 64 * 64 * 3];
    let size = 54 + pixels.len() as u32;
    let mut file = b"BM".to_vec();
    for number in [size, 0, 54, 40, 64, 64, 1 | 24 << 16, 0, 0, 0, 0, 0, 0] {
        file.extend(number.to_le_bytes());
    }
    file.extend(pixels);
    file
}

/// Five images of each class in each of the six files of CIFAR-10's binary version.
fn cifar10(scratch: &Scratch) -> PathBuf {
    let folder = scratch.path("cifar-10-batches-bin");
    fs::create_dir(&folder).expect("the case's folder can be written");
    let classes: Vec<String> = (0..10).map(|class| format!("class{class}\n")).collect();
    let write = |name: &str, content: &[u8]| {
        fs::write(folder.join(name), content).expect("the case's folder can be written");
    };
    write("batches.meta.txt", classes.concat().as_bytes());
    let records: Vec<u8> = (0..50u8).flat_map(record).collect();
    for number in 1..=5 {
        write(&format!("data_batch_{number}.bin"), &records);
    }
    write("test_batch.bin", &records);
    folder
}

/// A class and its image: stripes that tell it from the others.
fn record(index: u8) -> Vec<u8> {
    let class = index % 10;
    let stripe = |pixel: u32| (pixel % (u32::from(class) + 2) * 20 + u32::from(index)) as u8;
    let pixels = (0..3 * 32 * 32).map(stripe);
    std::iter::once(class).chain(pixels).collect()
}
