//! The data set `voc_detection`: image files, each with an XML file of its name in Pascal VOC's format. Owns the format.
//! Boxes are corners in pixels, taken as they are, as in SuperGradients.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::printable::excerpt;
use phasebox_files::regular_file;
use roxmltree::{Document, Node, ParsingOptions};
use serde::{Deserialize, Serialize};

use super::boxed_images::{Annotated, Annotations, Part, Selection};
use super::boxed_parts::Parts;
use super::class_name::check_class_name;
use super::file_pairs::{self, Pair};
use super::image_file::{self, Noted};
use super::left_out::{LeftOut, clipped};
use super::sample::Bounds;
use super::transforms::Size;

/// The most bytes of one XML file.
const MOST_BYTES: u64 = 16 << 20;

/// The most elements and texts of one XML file.
const MOST_NODES: u32 = 1 << 20;

/// Recipe keys of `voc_detection`.
pub type VocConfig = Parts<VocPart>;

/// One part, with the keys of SuperGradients' `PascalVOCFormatDetectionDataset`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VocPart {
    /// Folder that the other paths start at.
    pub data_dir: PathBuf,
    /// The folder of the images, in `data_dir`.
    pub images_dir: PathBuf,
    /// The folder of the XML files, in `data_dir`; it may be that of the images.
    pub labels_dir: PathBuf,
    /// The names of the classes, in the order of their numbers; without it those that occur in training, by name.
    pub all_classes_list: Option<Vec<String>>,
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

/// An object of an XML file.
struct Object {
    class: String,
    corners: [f32; 4],
}

impl Part for VocPart {
    fn annotations(&self, base: &Path) -> Result<Annotations> {
        ensure!(
            self.all_classes_list
                .as_ref()
                .is_none_or(|list| !list.is_empty()),
            "`all_classes_list` is empty\nhint: name the classes, or leave it out: those that occur are taken then"
        );
        let data_dir = base.join(&self.data_dir);
        let folders = [&self.images_dir, &self.labels_dir];
        let mut left_out = LeftOut::default();
        let pairs = file_pairs::find(&data_dir, folders, "xml", &mut left_out)?;
        let read = |pair: &Pair| read(pair, &pairs.images, &mut left_out);
        let read: Vec<Read> = pairs.list.iter().map(read).collect::<Result<_>>()?;
        let classes = self.classes(&read);
        let numbers: HashMap<&str, i64> = classes.iter().map(String::as_str).zip(0..).collect();
        let images = pairs.list.iter().zip(&read);
        let images = images.map(|(pair, read)| {
            let boxes = read.objects.iter().map(|object| object.bounds(&numbers));
            let boxes = boxes.collect::<Result<_>>();
            Ok(Annotated {
                file: pair.image.clone(),
                size: Some(read.size),
                boxes: boxes.with_context(|| pair.label.display().to_string())?,
                lost_boxes: read.lost_boxes,
            })
        });
        Ok(Annotations {
            images: images.collect::<Result<_>>()?,
            source: pairs.labels,
            folder: pairs.images,
            are_fractions: false,
            classes,
            ignored: Vec::new(),
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

impl VocPart {
    fn classes(&self, read: &[Read]) -> Vec<String> {
        if let Some(list) = &self.all_classes_list {
            return list.clone();
        }
        let objects = read.iter().flat_map(|read| &read.objects);
        let names: BTreeSet<&String> = objects.map(|object| &object.class).collect();
        names.into_iter().cloned().collect()
    }
}

impl Object {
    fn bounds(&self, numbers: &HashMap<&str, i64>) -> Result<Bounds> {
        let class = numbers.get(self.class.as_str());
        let class = class.with_context(|| {
            format!(
                "an object is called `{}`, which is not in `all_classes_list`",
                excerpt(&self.class)
            )
        })?;
        Ok(Bounds {
            class: *class,
            corners: self.corners,
            is_crowd: false,
        })
    }
}

/// Without document types, and so without entities that grow.
fn options<'a>() -> ParsingOptions<'a> {
    ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        entity_resolver: None,
    }
}

/// The content of an XML file.
struct Read {
    /// Height and width.
    size: [usize; 2],
    objects: Vec<Object>,
    /// An object lies outside of that size.
    lost_boxes: bool,
}

fn read(pair: &Pair, images: &Path, left_out: &mut LeftOut) -> Result<Read> {
    let path = pair.label.display();
    let text = regular_file::read_text(&pair.label, MOST_BYTES);
    let text =
        text.map_err(|error| anyhow!("{path}: {error}\nhint: write it again, or remove it"))?;
    let document = Document::parse_with_options(&text, options()).map_err(|error| {
        anyhow!("{path}: {error}\nhint: the file is cut off, damaged or no XML; write it again")
    })?;
    check_root(&document).with_context(|| path.to_string())?;
    let size = size(&document, &images.join(&pair.image));
    let size = size.with_context(|| path.to_string())?;
    let (mut objects, outside) = (Vec::new(), left_out.outside());
    for node in document
        .descendants()
        .filter(|node| node.has_tag_name("object"))
    {
        let object = object(node, size, left_out).map_err(|error| {
            let line = document.text_pos_at(node.range().start).row;
            anyhow!("{path}:{line}: {error}\nhint: mend the object")
        });
        objects.extend(object?);
    }
    Ok(Read {
        size,
        objects,
        lost_boxes: left_out.outside() > outside,
    })
}

/// Height and width: those of the image file where none are written, or 0 and 0 as labelImg does.
fn size(document: &Document<'_>, image: &Path) -> Result<[usize; 2]> {
    let mut nodes = document.descendants();
    let node = nodes.find(|node| node.has_tag_name("size"));
    let written = node.map(size_of).transpose()?;
    if let Some(size) = written.filter(|size| *size != [0, 0]) {
        return Ok(size);
    }
    let [width, height] = image_file::dimensions(image, Noted::Followed)?;
    Ok([height, width])
}

/// Height and width.
fn size_of(node: Node<'_, '_>) -> Result<[usize; 2]> {
    let side = |name: &str| -> Result<usize> {
        let text = text(node, name)?;
        let side = text.parse();
        side.map_err(|_| {
            anyhow!(
                "`{name}` of `size` is `{}`, no number of pixels",
                excerpt(&text)
            )
        })
    };
    Ok([side("height")?, side("width")?])
}

/// The object; nothing for a box that is left out.
fn object(
    node: Node<'_, '_>,
    [height, width]: [usize; 2],
    left_out: &mut LeftOut,
) -> Result<Option<Object>> {
    let class = text(node, "name")?;
    check_class_name(&class)?;
    let bounds = child(node, "bndbox")?;
    let mut corners = [0.0; 4];
    for (corner, name) in corners.iter_mut().zip(["xmin", "ymin", "xmax", "ymax"]) {
        let text = text(bounds, name)?;
        let number: Option<f64> = text.parse().ok();
        let number = number.filter(|number| number.is_finite());
        *corner = number.with_context(|| format!("`{name}` is `{}`, no number", excerpt(&text)))?;
    }
    let corners = clipped(corners, [width as f64, height as f64], left_out);
    Ok(corners.map(|corners| Object { class, corners }))
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Result<Node<'a, 'input>> {
    let mut found = node.children().filter(|child| child.has_tag_name(name));
    let (Some(child), None) = (found.next(), found.next()) else {
        bail!("one `{name}` is wanted in `{}`", node.tag_name().name());
    };
    Ok(child)
}

/// The text of a child, without the comments in it.
fn text(node: Node<'_, '_>, name: &str) -> Result<String> {
    let child = child(node, name)?;
    let is_flat = child.children().all(|part| !part.is_element());
    ensure!(
        is_flat,
        "`{name}` has an element in it where a text is wanted"
    );
    let parts = child.children().filter(Node::is_text);
    let text: String = parts.filter_map(|part| part.text()).collect();
    let text = text.trim();
    ensure!(!text.is_empty(), "`{name}` is empty");
    Ok(text.to_owned())
}

/// Refuses XML of another kind, in which no object would be found.
fn check_root(document: &Document<'_>) -> Result<()> {
    let name = document.root_element().tag_name().name();
    ensure!(
        name == "annotation",
        "its root is `{}`, and in Pascal VOC's format `annotation`\nhint: write it again, or remove it",
        excerpt(name)
    );
    Ok(())
}
