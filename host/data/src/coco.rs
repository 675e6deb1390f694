//! The data set `coco_detection`: image files with the boxes of a JSON file in COCO's format. Owns the format, and what of
//! it is refused. Boxes are `[x, y, width, height]` in pixels; categories are numbered by their ids, which may have holes.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::printable::excerpt;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::boxed_images::{Annotated, Annotations, Part, Selection, below, check_file_name};
use super::boxed_parts::Parts;
use super::data_file::DataFile;
use super::left_out::{LeftOut, clipped};
use super::sample::Bounds;
use super::transforms::Size;

/// The bytes that are read from a file at once.
const BUFFER: usize = 1 << 16;

/// Recipe keys of `coco_detection`.
pub type CocoConfig = Parts<CocoPart>;

/// One part in COCO's format, with the keys of SuperGradients' `COCODetectionDataset` and `COCOFormatDetectionDataset`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CocoPart {
    /// Folder that the other paths start at.
    pub data_dir: PathBuf,
    /// The annotations, a file in `data_dir/annotations`.
    pub json_file: Option<PathBuf>,
    /// The annotations, a file in `data_dir`: instead of `json_file`.
    pub json_annotation_file: Option<PathBuf>,
    /// The folder of the images, in `data_dir`.
    #[serde(alias = "subdir")]
    pub images_dir: PathBuf,
    /// Keeps boxes of crowds, which the metrics know as such.
    #[serde(default = "yes")]
    pub with_crowd: bool,
    /// Ids of categories that are left out.
    pub class_ids_to_ignore: Option<Vec<i64>>,
    /// The size that images are scaled into when they are read.
    pub(super) input_dim: Option<Size>,
    /// Leaves out images without boxes.
    #[serde(default = "yes")]
    pub ignore_empty_annotations: bool,
    /// Names of the categories that are kept, in the order of their numbers; all without it.
    pub class_inclusion_list: Option<Vec<String>>,
    /// Keeps the first so many images.
    pub max_num_samples: Option<usize>,
}

fn yes() -> bool {
    true
}

impl CocoPart {
    fn json_path(&self, data_dir: &Path) -> Result<PathBuf> {
        match (&self.json_file, &self.json_annotation_file) {
            (Some(file), None) => below(&data_dir.join("annotations"), "json_file", file),
            (None, Some(file)) => below(data_dir, "json_annotation_file", file),
            _ => bail!(
                "one of `json_file`, in `data_dir/annotations`, and `json_annotation_file`, in `data_dir`, must be given"
            ),
        }
    }

    /// An error about the annotations' file with its key, and with the remedy where it lies elsewhere in `data_dir`.
    fn unreadable(&self, data_dir: &Path, source: &Path, error: &anyhow::Error) -> anyhow::Error {
        let (key, other, written) = match (&self.json_file, &self.json_annotation_file) {
            (Some(file), _) => ("json_file", "json_annotation_file", file),
            (None, file) => (
                "json_annotation_file",
                "json_file",
                file.as_ref().unwrap_or(&self.data_dir),
            ),
        };
        let name = written.file_name().map(Path::new).unwrap_or(written);
        let in_annotations = data_dir.join("annotations").join(name);
        let places = [
            ("json_file", in_annotations),
            ("json_annotation_file", data_dir.join(name)),
        ];
        let mut there = places.iter().filter(|(_, path)| path.is_file());
        let hint = match there.next().filter(|_| !source.exists()) {
            Some((found, path)) => format!(
                "\nhint: there is {}: write `{found}: {}`{}",
                path.display(),
                name.display(),
                if *found == other {
                    format!(" in place of `{key}`")
                } else {
                    String::new()
                }
            ),
            None => String::new(),
        };
        anyhow!("`{key}`: {error:#}{hint}")
    }
}

impl CocoPart {
    /// The annotations without the category `other`, which the file may have.
    ///
    /// # Errors
    /// As [`Part::annotations`].
    pub(super) fn annotations_without(&self, base: &Path, other: i64) -> Result<Annotations> {
        self.read(base, Some(other))
    }

    fn read(&self, base: &Path, other: Option<i64>) -> Result<Annotations> {
        let data_dir = base.join(&self.data_dir);
        let source = self.json_path(&data_dir)?;
        let folder = below(&data_dir, "images_dir", &self.images_dir)?;
        let document: Document =
            read(&source).map_err(|error| self.unreadable(&data_dir, &source, &error))?;
        let has = |id: &i64| document.categories.iter().any(|row| row.id == *id);
        let ignored = self.class_ids_to_ignore.iter().flatten().copied();
        let ignored = ignored.chain(other.filter(has)).collect();
        let annotations = document.annotations(&ignored, self.with_crowd);
        let annotations = annotations.with_context(|| source.display().to_string())?;
        Ok(Annotations {
            source,
            folder,
            ..annotations
        })
    }
}

impl Part for CocoPart {
    fn annotations(&self, base: &Path) -> Result<Annotations> {
        self.read(base, None)
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

/// The keys of a file that are read; it may have others.
#[derive(Deserialize)]
struct Document {
    images: Vec<ImageRow>,
    annotations: Vec<BoxRow>,
    categories: Vec<CategoryRow>,
}

#[derive(Deserialize)]
struct ImageRow {
    id: i64,
    file_name: Option<String>,
    width: usize,
    height: usize,
}

#[derive(Deserialize)]
struct BoxRow {
    id: i64,
    image_id: i64,
    category_id: i64,
    bbox: Numbers,
    #[serde(default)]
    iscrowd: Flag,
}

#[derive(Deserialize)]
struct CategoryRow {
    id: i64,
    name: String,
}

/// The first four numbers of a list, and how many it has.
struct Numbers {
    first: [f64; 4],
    count: usize,
}

/// 0, 1, false or true.
#[derive(Default)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Numbers;

            fn expecting(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                text.write_str("four numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Numbers, A::Error> {
                let (mut first, mut count) = ([0.0; 4], 0);
                while let Some(number) = list.next_element()? {
                    if let Some(place) = first.get_mut(count) {
                        *place = number;
                    }
                    count += 1;
                }
                Ok(Numbers { first, count })
            }
        }
        reader.deserialize_seq(List)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct ZeroOrOne;
        impl Visitor<'_> for ZeroOrOne {
            type Value = Flag;

            fn expecting(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                text.write_str("0 or 1")
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(flag))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Flag, E> {
                match number {
                    0 | 1 => Ok(Flag(number == 1)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(number), &self)),
                }
            }
        }
        reader.deserialize_any(ZeroOrOne)
    }
}

/// Reads a JSON file, packed if its name ends in `.gz`, without holding its text in memory.
fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = DataFile::open(path)?.into_reader();
    let mut text = BufReader::with_capacity(BUFFER, text);
    skip_byte_order_mark(&mut text)?;
    let mut reader = serde_json::Deserializer::from_reader(text);
    let read = serde_path_to_error::deserialize(&mut reader);
    let read = read.map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." {
            String::new()
        } else {
            format!("`{place}`: ")
        };
        anyhow!("{place}{}", error.into_inner())
    });
    let read = read.and_then(|read| Ok(reader.end().map(|()| read)?));
    read.map_err(|error| {
        anyhow!(
            "{}: {}\nhint: the file is cut off, damaged or not in COCO's format; fetch or write it again",
            path.display(),
            excerpt(&error.to_string())
        )
    })
}

/// Passes over the mark that some editors of Windows begin a file with.
fn skip_byte_order_mark(text: &mut impl BufRead) -> Result<()> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if text.fill_buf()?.starts_with(MARK) {
        text.consume(MARK.len());
    }
    Ok(())
}

impl Document {
    fn annotations(self, ignored: &HashSet<i64>, with_crowd: bool) -> Result<Annotations> {
        let (classes, numbers) = self.classes(ignored)?;
        let names = self.categories.iter();
        let names = names.filter(|row| ignored.contains(&row.id));
        let names: Vec<String> = names.map(|row| row.name.clone()).collect();
        let mut places = HashMap::with_capacity(self.images.len());
        let mut images = Vec::with_capacity(self.images.len());
        for image in self.images {
            let is_new = places.insert(image.id, images.len()).is_none();
            ensure!(is_new, "image id {} stands there twice", image.id);
            images.push(image.annotated()?);
        }
        let mut ids = HashSet::with_capacity(self.annotations.len());
        let mut left_out = LeftOut::default();
        for row in self.annotations {
            let id = row.id;
            ensure!(ids.insert(id), "annotation id {id} stands there twice");
            let place = places.get(&row.image_id).copied();
            let image = place.and_then(|place| images.get_mut(place));
            let image = image.with_context(|| {
                format!(
                    "annotation {id}: there is no image with id {}",
                    row.image_id
                )
            })?;
            let outside = left_out.outside();
            let bounds = row.bounds(image.size, &numbers, with_crowd, &mut left_out)?;
            image.lost_boxes |= left_out.outside() > outside;
            image.boxes.extend(bounds);
        }
        Ok(Annotations {
            images,
            classes,
            ignored: names,
            left_out,
            ..Annotations::default()
        })
    }

    /// The names of the classes in the order of their ids, and the number of each id; none for one that is ignored.
    fn classes(&self, ignored: &HashSet<i64>) -> Result<(Vec<String>, ClassOfCategory)> {
        let mut rows: Vec<&CategoryRow> = self.categories.iter().collect();
        rows.sort_by_key(|row| row.id);
        let ids: HashSet<i64> = rows.iter().map(|row| row.id).collect();
        if let Some(stranger) = ignored.iter().find(|id| !ids.contains(id)) {
            bail!("`class_ids_to_ignore`: there is no category with id {stranger}");
        }
        let (mut names, mut numbers) = (Vec::new(), HashMap::new());
        for row in rows {
            let is_kept = !ignored.contains(&row.id);
            let number = is_kept.then_some(names.len() as i64);
            let before = numbers.insert(row.id, number);
            ensure!(
                before.is_none(),
                "category id {} stands there twice",
                row.id
            );
            if is_kept {
                names.push(row.name.clone());
            }
        }
        Ok((names, numbers))
    }
}

/// The number of the class of each category's id; none for one that is ignored.
type ClassOfCategory = HashMap<i64, Option<i64>>;

impl ImageRow {
    fn annotated(self) -> Result<Annotated> {
        let Self {
            id, width, height, ..
        } = self;
        let file = self.file_name.unwrap_or_else(|| format!("{id:012}.jpg"));
        check_file_name(&file).with_context(|| format!("image {id}"))?;
        Ok(Annotated {
            file,
            size: Some([height, width]),
            ..Annotated::default()
        })
    }
}

impl BoxRow {
    /// The box; nothing for one that is left out.
    fn bounds(
        &self,
        size: Option<[usize; 2]>,
        numbers: &HashMap<i64, Option<i64>>,
        with_crowd: bool,
        left_out: &mut LeftOut,
    ) -> Result<Option<Bounds>> {
        let Numbers {
            first: [x, y, width, height],
            count,
        } = self.bbox;
        ensure!(
            count == 4,
            "annotation {}: its `bbox` has {count} numbers, not 4",
            self.id
        );
        let number = numbers.get(&self.category_id).with_context(|| {
            format!(
                "annotation {}: there is no category with id {}",
                self.id, self.category_id
            )
        })?;
        let Some(class) = *number else {
            left_out.add("boxes of `class_ids_to_ignore`", 1);
            return Ok(None);
        };
        if self.iscrowd.0 && !with_crowd {
            left_out.add("boxes of crowds", 1);
            return Ok(None);
        }
        let limits = size.map_or([0.0; 2], |[height, width]| [width as f64, height as f64]);
        let corners = clipped([x, y, x + width, y + height], limits, left_out);
        Ok(corners.map(|corners| Bounds {
            class,
            corners,
            is_crowd: self.iscrowd.0,
        }))
    }
}
