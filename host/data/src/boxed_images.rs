//! Image files with boxes: what of a part's annotations is kept, and the data set that comes of it. Knows no format; each is
//! a module beside it and gives [`Annotations`].

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::excerpt;
use phasebox_files::regular_file;

use super::Dataset;
use super::class_name::check_class_name;
use super::fingerprint::Fingerprint;
use super::image_file::{self, Noted};
use super::kept_samples::KeptSamples;
use super::left_out::LeftOut;
use super::raster::Raster;
use super::sample::{Bounds, Boxes, Sample, Target};
use super::transforms::{Size, fitted};

/// A part of the data in some format.
pub(super) trait Part {
    /// Reads the annotations; paths start at `base`.
    ///
    /// # Errors
    /// A file that is missing or not in the format, with its place and a remedy.
    fn annotations(&self, base: &Path) -> Result<Annotations>;

    /// Says what of them is kept.
    fn selection(&self) -> Selection<'_>;
}

/// The keys by which images and boxes are chosen, which all formats have.
pub(super) struct Selection<'a> {
    /// The size that images are scaled into when they are read, as SuperGradients does.
    pub(super) input_dim: Option<Size>,
    /// Images without boxes are left out.
    pub(super) ignore_empty_annotations: bool,
    /// Boxes of other classes are left out; classes are numbered by this list.
    pub(super) class_inclusion_list: Option<&'a [String]>,
    /// Images after the first so many are left out.
    pub(super) max_num_samples: Option<usize>,
}

/// The annotations of a part as its format has them.
#[derive(Debug, Default)]
pub(super) struct Annotations {
    /// The file or folder that they are from.
    pub(super) source: PathBuf,
    /// The folder of the images.
    pub(super) folder: PathBuf,
    pub(super) images: Vec<Annotated>,
    pub(super) classes: Vec<String>,
    /// Classes that the recipe leaves out by their ids.
    pub(super) ignored: Vec<String>,
    /// Corners are fractions of width and height, not pixels.
    pub(super) are_fractions: bool,
    pub(super) left_out: LeftOut,
}

impl Annotations {
    /// Refuses an image whose size is not that of its annotations, for which its boxes would be wrong.
    fn check_size(
        &self,
        image: &Annotated,
        path: &Path,
        [height, width]: [usize; 2],
    ) -> Result<()> {
        let said = image.size.unwrap_or([height, width]);
        if said == [height, width] {
            return Ok(());
        }
        let lying = image_file::dimensions(path, Noted::Ignored)?;
        let hint = match lying == [said[1], said[0]] {
            true => TURNED,
            false => OTHER_SIZE,
        };
        bail!(
            "{}: {width}×{height} pixels, but {}×{} in {}{hint}",
            path.display(),
            said[1],
            said[0],
            self.source.display()
        )
    }

    /// Compares the sizes by which boxes lie outside with those of the files, in the images that may be kept.
    fn check_doubtful(&self, selection: &Selection<'_>) -> Result<()> {
        let most = selection.max_num_samples.unwrap_or(usize::MAX);
        let images = self.images.iter().take(most);
        for image in images.filter(|image| image.lost_boxes) {
            let path = self.folder.join(&image.file);
            self.check_file(&path)?;
            let [width, height] = image_file::dimensions(&path, Noted::Followed)?;
            self.check_size(image, &path, [height, width])?;
        }
        Ok(())
    }

    /// Refuses annotations of an image that is not there.
    fn check_file(&self, path: &Path) -> Result<()> {
        regular_file::check(path).map_err(|error| {
            anyhow::anyhow!(
                "{}: image {}: {error}\nhint: put the image there, or remove its annotations",
                self.source.display(),
                path.display()
            )
        })
    }
}

/// An image file and its boxes.
#[derive(Debug, Default)]
pub(super) struct Annotated {
    /// The path below the folder.
    pub(super) file: String,
    /// Height and width in pixels, where the annotations say them.
    pub(super) size: Option<[usize; 2]>,
    pub(super) boxes: Vec<Bounds>,
    /// A box of it lies outside of that size, and is left out.
    pub(super) lost_boxes: bool,
}

/// The path of a part's file or folder: below `data_dir`, or absolute.
///
/// # Errors
/// A path that leaves the folder.
pub(super) fn below(data_dir: &Path, key: &str, path: &Path) -> Result<PathBuf> {
    let leaves = path.components().any(|part| part == Component::ParentDir);
    ensure!(
        !leaves,
        "`{key}`: {} leaves `data_dir`\nhint: write a path below it, or an absolute one",
        path.display()
    );
    Ok(data_dir.join(path))
}

/// Refuses a name in an annotation file that is no path below the folder of the images.
pub(super) fn check_file_name(name: &str) -> Result<()> {
    let mut parts = Path::new(name).components();
    let is_below = parts.all(|part| matches!(part, Component::Normal(_)));
    ensure!(
        is_below && !name.is_empty(),
        "file name `{}` is no path below the folder of the images",
        excerpt(name)
    );
    Ok(())
}

const OTHER_SIZE: &str = "\nhint: its boxes would be wrong; mend the annotations, or put the image back that they are of";
const TURNED: &str = ": the file says (EXIF) that its picture is turned, and the annotations have the size before\n\
    hint: its boxes would be wrong; turn them too, or take the orientation out of the file";

/// Image files with their boxes, decoded when they are asked for.
pub(super) struct BoxedImages {
    format: &'static str,
    annotations: Annotations,
    input_dim: Option<[usize; 2]>,
    classes: Vec<String>,
    /// `[height, width]` of the first sample.
    size: [usize; 2],
    has_crowds: bool,
    kept: KeptSamples,
}

impl BoxedImages {
    pub(super) fn read(
        part: &impl Part,
        format: &'static str,
        base: &Path,
        classes: Option<&[String]>,
    ) -> Result<Self> {
        let mut annotations = part.annotations(base)?;
        let selection = part.selection();
        ensure!(
            selection.max_num_samples != Some(0),
            "`max_num_samples` is 0, and no image is kept: give at least 1, or leave the key out"
        );
        let input_dim = selection.input_dim.map(|size| size.sides("input_dim"));
        let input_dim = input_dim.transpose()?;
        annotations.check_doubtful(&selection)?;
        let classes = renumber(&mut annotations, &selection, classes)?;
        choose(&mut annotations, &selection);
        let Some(first) = annotations.images.first() else {
            bail!(
                "{}: no image is left; {}\nhint: `ignore_empty_annotations: false` keeps images without boxes",
                annotations.source.display(),
                annotations.left_out.words()
            );
        };
        check_files(&annotations)?;
        let [width, height] =
            image_file::dimensions(&annotations.folder.join(&first.file), Noted::Followed)?;
        let boxes = || annotations.images.iter().flat_map(|image| &image.boxes);
        Ok(Self {
            format,
            input_dim,
            classes,
            size: scaled([height, width], input_dim),
            has_crowds: boxes().any(|bounds| bounds.is_crowd),
            kept: KeptSamples::new(annotations.images.len()),
            annotations,
        })
    }

    fn image(&self, index: usize) -> Result<(&Annotated, PathBuf)> {
        let image = self.annotations.images.get(index);
        let image = image.with_context(|| format!("no sample {index}"))?;
        Ok((image, self.annotations.folder.join(&image.file)))
    }

    /// The sample from its file.
    fn decoded(&self, index: usize) -> Result<Sample> {
        let (image, path) = self.image(index)?;
        let (shape, values) = image_file::decoded(&path, 3, Noted::Followed)?;
        let size = [shape[1], shape[2]];
        self.annotations.check_size(image, &path, size)?;
        let boxes = Target::Boxes(self.boxes(image, size));
        let raster = Raster { shape, values };
        let mut sample = Sample::of_image(raster, 255.0, boxes);
        sample.file = Some(path);
        sample.scaled_into(self.input_dim)
    }

    fn boxes(&self, image: &Annotated, [height, width]: [usize; 2]) -> Boxes {
        let mut list = image.boxes.clone();
        if self.annotations.are_fractions {
            let sides = [width, height, width, height].map(|side| side as f32);
            for bounds in &mut list {
                bounds.corners = std::array::from_fn(|at| bounds.corners[at] * sides[at]);
            }
        }
        Boxes {
            list,
            ..Boxes::default()
        }
    }
}

/// The size of an image that is scaled into `input_dim`.
fn scaled(size: [usize; 2], input_dim: Option<[usize; 2]>) -> [usize; 2] {
    input_dim.map_or(size, |input_dim| fitted(size, input_dim))
}

/// Numbers the classes of boxes by the list that the recipe wants, or else by the classes of the training part.
fn renumber(
    annotations: &mut Annotations,
    selection: &Selection<'_>,
    trained: Option<&[String]>,
) -> Result<Vec<String>> {
    let source = annotations.source.display().to_string();
    let mut listed = selection.class_inclusion_list.iter().copied().flatten();
    if let Some(class) = listed.find(|class| annotations.ignored.contains(class)) {
        bail!(
            "`class_inclusion_list` keeps `{}`, and `class_ids_to_ignore` leaves it out: take it out of one of them",
            excerpt(class)
        );
    }
    check_classes(&annotations.classes, &source)?;
    let own = annotations.classes.as_slice();
    let wanted = match selection.class_inclusion_list {
        Some(list) => chosen(list, own, trained, &source)?,
        None => trained.unwrap_or(own),
    };
    let places: HashMap<&str, i64> = wanted.iter().map(String::as_str).zip(0..).collect();
    let numbers: Vec<Option<i64>> = own
        .iter()
        .map(|class| places.get(class.as_str()).copied())
        .collect();
    let is_choice = selection.class_inclusion_list.is_some();
    let mut others = 0;
    for image in &mut annotations.images {
        for bounds in &mut image.boxes {
            let class = bounds.class as usize;
            match numbers.get(class).copied().flatten() {
                Some(number) => bounds.class = number,
                None if is_choice => (others, bounds.class) = (others + 1, -1),
                None => bail!(
                    "{source}: boxes of class `{}`, which the training part does not have\nhint: choose classes of both with `class_inclusion_list`, or leave out the same ones",
                    own.get(class).map_or(String::new(), |class| excerpt(class))
                ),
            }
        }
        image.boxes.retain(|bounds| bounds.class >= 0);
    }
    let wanted = wanted.to_vec();
    annotations.left_out.add("boxes of other classes", others);
    Ok(wanted)
}

/// The list of classes, checked against those there are and those of the training part.
fn chosen<'a>(
    list: &'a [String],
    own: &[String],
    trained: Option<&[String]>,
    source: &str,
) -> Result<&'a [String]> {
    check_classes(list, "`class_inclusion_list`")?;
    let known: HashSet<&String> = own.iter().collect();
    if let Some(stranger) = list.iter().find(|class| !known.contains(class)) {
        let known: Vec<String> = own.iter().map(|class| excerpt(class)).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        bail!(
            "`class_inclusion_list`: {source} has no class `{}`{}",
            excerpt(stranger),
            phasebox_contract::suggest::hint(stranger, &known)
        );
    }
    ensure!(
        trained.is_none_or(|trained| trained == list),
        "`class_inclusion_list` must be that of the training part, in its order"
    );
    Ok(list)
}

fn check_classes(classes: &[String], source: &str) -> Result<()> {
    ensure!(!classes.is_empty(), "{source}: no classes");
    let mut all = classes.iter();
    let checked = all.try_for_each(|class| check_class_name(class));
    checked.with_context(|| source.to_owned())?;
    let mut seen = HashSet::with_capacity(classes.len());
    let twice = classes.iter().find(|class| !seen.insert(*class));
    if let Some(class) = twice {
        bail!(
            "{source}: two classes are called `{}`\nhint: rename one, or give both one number",
            excerpt(class)
        );
    }
    Ok(())
}

/// Leaves out the images that are not wanted, and counts them.
fn choose(annotations: &mut Annotations, selection: &Selection<'_>) {
    let Annotations {
        images, left_out, ..
    } = annotations;
    let most = selection.max_num_samples.unwrap_or(usize::MAX);
    let beyond = images.len().saturating_sub(most);
    left_out.add("images beyond `max_num_samples`", beyond);
    images.truncate(most);
    if selection.ignore_empty_annotations {
        let before = images.len();
        images.retain(|image| !image.boxes.is_empty());
        left_out.add("images without boxes", before - images.len());
    }
}

/// Refuses annotations of images that are not there, before a run comes to them in its third hour.
fn check_files(annotations: &Annotations) -> Result<()> {
    let images = annotations.images.iter();
    let mut paths = images.map(|image| annotations.folder.join(&image.file));
    paths.try_for_each(|path| annotations.check_file(&path))
}

impl Dataset for BoxedImages {
    fn len(&self) -> usize {
        self.annotations.images.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        if let Some(sample) = self.kept.get(index) {
            return Ok(sample);
        }
        let sample = self.decoded(index)?;
        self.kept.keep(index, &sample);
        Ok(sample)
    }

    fn scaled_into(&self) -> Option<[usize; 2]> {
        self.input_dim
    }

    fn fingerprint(&self) -> Option<Digest> {
        let mut fingerprint = Fingerprint::default();
        for image in &self.annotations.images {
            fingerprint.text(&image.file);
            fingerprint.count(image.boxes.len());
            for bounds in &image.boxes {
                fingerprint.list(&bounds.corners, f32::to_le_bytes);
                fingerprint.list(
                    &[bounds.class, i64::from(bounds.is_crowd)],
                    i64::to_le_bytes,
                );
            }
        }
        Some(fingerprint.finish())
    }

    fn header(&self, index: usize) -> Result<Option<[usize; 2]>> {
        let (image, path) = self.image(index)?;
        let [width, height] = image_file::dimensions(&path, Noted::Followed)?;
        let size = [height, width];
        self.annotations.check_size(image, &path, size)?;
        Ok(Some(scaled([height, width], self.input_dim)))
    }

    fn decodes(&self) -> bool {
        true
    }

    fn turns_images(&self) -> bool {
        true
    }

    fn has_crowds(&self) -> bool {
        self.has_crowds
    }

    fn box_count(&self) -> Option<usize> {
        let boxes = self
            .annotations
            .images
            .iter()
            .flat_map(|image| &image.boxes);
        Some(boxes.filter(|bounds| !bounds.is_crowd).count())
    }

    fn input_shape(&self) -> Vec<i64> {
        let [height, width] = self.size;
        [3, height, width].map(|side| side as i64).to_vec()
    }

    fn class_names(&self) -> Option<&[String]> {
        Some(&self.classes)
    }

    fn left_out(&self) -> String {
        self.annotations.left_out.words()
    }

    fn description(&self) -> String {
        let Annotations { source, images, .. } = &self.annotations;
        let boxes: usize = images.iter().map(|image| image.boxes.len()).sum();
        format!(
            "{} ({}, {} images with {boxes} boxes, {} classes)",
            self.format,
            source.display(),
            images.len(),
            self.classes.len()
        )
    }
}
