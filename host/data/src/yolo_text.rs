//! The data set `yolo_detection`: image files, each with a text of its name whose lines are `class x y width height`, the
//! middle and the sizes as fractions of the image's. Owns the format of lines and the pairs of files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use phasebox_contract::printable::excerpt;
use phasebox_files::regular_file;
use serde::{Deserialize, Serialize};

use super::boxed_images::{Annotated, Annotations, Part, Selection};
use super::boxed_parts::Parts;
use super::file_pairs::{self, Pair};
use super::left_out::{LeftOut, clipped};
use super::sample::Bounds;
use super::transforms::Size;

/// The most bytes of one text.
const MOST_BYTES: u64 = 16 << 20;

/// Recipe keys of `yolo_detection`.
pub type YoloConfig = Parts<YoloPart>;

/// One part, with the keys of SuperGradients' `YoloDarknetFormatDetectionDataset`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YoloPart {
    /// Folder that the other paths start at.
    pub data_dir: PathBuf,
    /// The folder of the images, in `data_dir`.
    pub images_dir: PathBuf,
    /// The folder of the texts, in `data_dir`; it may be that of the images.
    pub labels_dir: PathBuf,
    /// The names of the classes, in the order of their numbers.
    pub classes: Vec<String>,
    /// Numbers of classes that are left out.
    pub class_ids_to_ignore: Option<Vec<usize>>,
    /// Leaves out lines that are wrong, instead of refusing the first.
    #[serde(default)]
    pub ignore_invalid_labels: bool,
    /// The size that images are scaled into when they are read.
    input_dim: Option<Size>,
    /// Leaves out images without boxes.
    #[serde(default = "yes")]
    pub ignore_empty_annotations: bool,
    /// Names of the classes that are kept, in the order of their numbers; all without it.
    pub class_inclusion_list: Option<Vec<String>>,
    /// Keeps the first so many images, by name.
    pub max_num_samples: Option<usize>,
}

fn yes() -> bool {
    true
}

impl Part for YoloPart {
    fn annotations(&self, base: &Path) -> Result<Annotations> {
        ensure!(
            !self.classes.is_empty(),
            "`classes` is empty\nhint: name the classes in the order of their numbers"
        );
        let data_dir = base.join(&self.data_dir);
        let folders = [&self.images_dir, &self.labels_dir];
        let mut left_out = LeftOut::default();
        let pairs = file_pairs::find(&data_dir, folders, "txt", &mut left_out)?;
        let ignored = self.ignored()?;
        let images = pairs
            .list
            .iter()
            .map(|pair| self.annotated(pair, &mut left_out));
        Ok(Annotations {
            images: images.collect::<Result<_>>()?,
            source: pairs.labels,
            folder: pairs.images,
            classes: self.classes.clone(),
            are_fractions: true,
            ignored,
            left_out,
        })
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

impl YoloPart {
    /// The names of the classes that are left out.
    fn ignored(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for id in self.class_ids_to_ignore.iter().flatten() {
            let name = self.classes.get(*id).with_context(|| {
                format!(
                    "`class_ids_to_ignore` has {id}, and `classes` are {}, from 0 on",
                    self.classes.len()
                )
            })?;
            names.push(name.clone());
        }
        Ok(names)
    }

    fn annotated(&self, pair: &Pair, left_out: &mut LeftOut) -> Result<Annotated> {
        let path = &pair.label;
        let text = regular_file::read_text(path, MOST_BYTES);
        let text = text.map_err(|error| {
            anyhow::anyhow!(
                "{}: {error}\nhint: write it again, or remove it",
                path.display()
            )
        })?;
        let mut boxes = Vec::new();
        let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            match self.bounds(line, left_out) {
                Ok(bounds) => boxes.extend(bounds),
                Err(_) if self.ignore_invalid_labels => left_out.add("lines that are wrong", 1),
                Err(error) => bail!(
                    "{}:{}: {error}\nhint: mend the line; `ignore_invalid_labels: true` leaves out such lines",
                    path.display(),
                    number + 1
                ),
            }
        }
        Ok(Annotated {
            file: pair.image.clone(),
            boxes,
            ..Annotated::default()
        })
    }

    /// The box of a line, in fractions; nothing for one that is left out.
    fn bounds(&self, line: &str, left_out: &mut LeftOut) -> Result<Option<Bounds>> {
        let columns: Vec<&str> = line.split_ascii_whitespace().take(6).collect();
        let &[class, x, y, width, height] = columns.as_slice() else {
            let count = line.split_ascii_whitespace().count();
            bail!("{count} columns; a line is `class x y width height`");
        };
        let class = self.class(class)?;
        let numbers = [number(x)?, number(y)?, number(width)?, number(height)?];
        let [x, y, width, height] = numbers;
        ensure!(
            numbers.iter().all(|number| (0.0..=1.0).contains(number)),
            "{numbers:?} are no fractions of the image's width and height, from 0 to 1: divide pixels by them"
        );
        if self
            .class_ids_to_ignore
            .iter()
            .flatten()
            .any(|ignored| *ignored == class)
        {
            left_out.add("boxes of `class_ids_to_ignore`", 1);
            return Ok(None);
        }
        let corners = [
            x - width / 2.0,
            y - height / 2.0,
            x + width / 2.0,
            y + height / 2.0,
        ];
        let corners = clipped(corners, [1.0; 2], left_out);
        Ok(corners.map(|corners| Bounds {
            class: class as i64,
            corners,
            is_crowd: false,
        }))
    }

    fn class(&self, text: &str) -> Result<usize> {
        let count = self.classes.len();
        let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
        ensure!(
            is_whole,
            "class `{}` is no whole number: `classes` are numbered from 0 on",
            excerpt(text)
        );
        let class = text.parse().ok().filter(|class| *class < count);
        class.with_context(|| {
            format!(
                "class {} is not below {count}, the number of `classes`",
                excerpt(text)
            )
        })
    }
}

fn number(text: &str) -> Result<f64> {
    let number: Option<f64> = text.parse().ok();
    let Some(number) = number.filter(|number| number.is_finite()) else {
        bail!("`{}` is no number", excerpt(text));
    };
    Ok(number)
}
