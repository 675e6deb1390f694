//! The data set `image_folder`: image files, one folder a class, decoded when they are asked for. Keeps no pixels.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::{excerpt, path};
use serde::{Deserialize, Serialize};

use super::augment::{Image, Renderer};
use super::data_file::with_hint;
use super::fingerprint::Fingerprint;
use super::image_file::{self, Noted};
use super::transforms::{Augmentation, Normalize};
use super::{Batch, Dataset, Epoch, OnePass, Sample, Splits};

/// Files whose names end otherwise are passed over and counted; torchvision passes them over too.
const EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "bmp", "gif", "webp"];

/// Recipe keys of `image_folder`: `root/train/<class>/<any name>.png` and so on, also in folders within a class's. Classes
/// are the folders below `train`, sorted by name. Samples are float32 `[channels, height, width]`, normalized with the statistics of ImageNet (0.5 and 0.5
/// for gray) unless the recipe says otherwise. Images of many sizes need a `resize: [height, width]` or a crop.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFolderConfig {
    /// Folder of the parts.
    pub root: PathBuf,
    /// 3 decodes to color, 1 to gray.
    #[serde(default = "color")]
    pub channels: usize,
    /// Name of the training part's folder.
    #[serde(default = "train")]
    pub train: String,
    /// Name of the validation part's folder.
    #[serde(default = "val")]
    pub validation: String,
    /// Name of the test part's folder, if there is one.
    #[serde(default)]
    pub test: Option<String>,
}

fn color() -> usize {
    3
}

fn train() -> String {
    "train".to_owned()
}

fn val() -> String {
    "val".to_owned()
}

impl ImageFolderConfig {
    pub(super) fn load(&self, base: &Path) -> Result<Splits> {
        let channels = self.channels;
        ensure!(
            channels == 1 || channels == 3,
            "image_folder: `channels` is 1 (gray) or 3 (color), not {channels}"
        );
        let folder = base.join(&self.root).join(&self.train);
        let folders = visible(&folder, &mut 0)?;
        let folders = folders.iter().filter(|path| path.is_dir());
        let classes = folders
            .map(|path| class(path))
            .collect::<Result<Vec<_>>>()?;
        let train = self.part(&folder, &classes)?;
        self.load_without_train(base, &train)
    }

    /// The other parts; `train` has the classes.
    pub(super) fn load_without_train(
        &self,
        base: &Path,
        train: &Arc<dyn Dataset>,
    ) -> Result<Splits> {
        let root = base.join(&self.root);
        let classes = train.class_names().unwrap_or_default();
        let part = |name: &String| self.part(&root.join(name), classes);
        Ok(Splits {
            validation: part(&self.validation)?,
            test: self.test.as_ref().map(part).transpose()?,
            train: Arc::clone(train),
        })
    }

    fn part(&self, folder: &Path, classes: &[String]) -> Result<Arc<dyn Dataset>> {
        let images = ImageFolder::scan(folder, classes, self.channels)?;
        Ok(Arc::new(images))
    }
}

/// Image files with a class each.
#[derive(Debug)]
pub struct ImageFolder {
    folder: PathBuf,
    /// Ordered by class, then by name.
    files: Vec<(PathBuf, i64)>,
    classes: Vec<String>,
    /// Files that are no images, and hidden ones.
    passed_over: usize,
    /// `[channels, height, width]` of the first image.
    shape: [usize; 3],
    normalize: Normalize,
}

impl ImageFolder {
    /// Lists the images of one part, and reads the size of the first.
    fn scan(folder: &Path, classes: &[String], channels: usize) -> Result<Self> {
        let (mut files, mut passed_over) = (Vec::new(), 0);
        for class_folder in visible(folder, &mut passed_over)? {
            if !class_folder.is_dir() {
                passed_over += 1;
                continue;
            }
            let name = class(&class_folder)?;
            let class = classes.iter().position(|class| *class == name);
            let class = class.with_context(|| unknown_class(&class_folder, classes))?;
            let mut found = Found::default();
            found.seen.insert(folder.canonicalize()?);
            found.walk(&class_folder, class_folder.canonicalize()?)?;
            ensure!(
                !found.images.is_empty(),
                "{}: no image in it\nhint: add some ({}), or remove the folder",
                class_folder.display(),
                EXTENSIONS.join(", ")
            );
            passed_over += found.passed_over;
            files.extend(found.images.into_iter().map(|path| (path, class as i64)));
        }
        let Some((first, _)) = files.first() else {
            bail!(
                "{}: no class in it\nhint: it must have a folder for each class",
                folder.display()
            );
        };
        let [width, height] = image_file::dimensions(first, Noted::Ignored)?;
        let (mean, std) = match channels {
            3 => (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]),
            _ => (vec![0.5], vec![0.5]),
        };
        let shape = [channels, height, width];
        let normalize = Normalize { mean, std };
        Ok(Self {
            folder: folder.to_owned(),
            files,
            classes: classes.to_vec(),
            passed_over,
            shape,
            normalize,
        })
    }

    fn decode(&self, index: usize) -> Result<Image<'_>> {
        let (path, label) = self
            .files
            .get(index)
            .with_context(|| format!("no sample {index}"))?;
        let (shape, bytes) = image_file::decoded(path, self.shape[0], Noted::Ignored)?;
        Ok(Image {
            shape,
            bytes: bytes.into(),
            label: *label,
            path: Some(path),
        })
    }
}

impl Dataset for ImageFolder {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        Ok(self.decode(index)?.sample(255.0))
    }

    fn header(&self, index: usize) -> Result<Option<[usize; 2]>> {
        let (path, _) = self
            .files
            .get(index)
            .with_context(|| format!("no sample {index}"))?;
        let [width, height] = image_file::dimensions(path, Noted::Ignored)?;
        Ok(Some([height, width]))
    }

    fn in_one_pass(&self) -> Option<&dyn OnePass> {
        Some(self)
    }

    fn fingerprint(&self) -> Option<Digest> {
        let mut fingerprint = Fingerprint::default();
        for (path, class) in &self.files {
            let name = path.strip_prefix(&self.folder).unwrap_or(path);
            fingerprint.text(&name.to_string_lossy());
            fingerprint.count(*class as usize);
        }
        Some(fingerprint.finish())
    }

    fn normalize(&self) -> Option<&Normalize> {
        Some(&self.normalize)
    }

    fn decodes(&self) -> bool {
        true
    }

    fn input_shape(&self) -> Vec<i64> {
        self.shape.map(|length| length as i64).to_vec()
    }

    fn class_names(&self) -> Option<&[String]> {
        Some(&self.classes)
    }

    fn description(&self) -> String {
        let passed_over = match self.passed_over {
            0 => String::new(),
            1 => "; 1 file that is no image passed over".to_owned(),
            several => format!("; {several} files that are no images passed over"),
        };
        format!(
            "image_folder ({}, {} images, {} classes{passed_over})",
            self.folder.display(),
            self.files.len(),
            self.classes.len()
        )
    }
}

impl OnePass for ImageFolder {
    fn batch(
        &self,
        indices: &[usize],
        augmentation: &Augmentation,
        epoch: &Epoch,
    ) -> Result<Batch> {
        let renderer = Renderer::new(augmentation, self.shape, 255.0, &self.normalize)?;
        renderer.batch(indices, epoch, |index| self.decode(index))
    }

    fn byte_batch(
        &self,
        indices: &[usize],
        augmentation: &Augmentation,
        epoch: &Epoch,
    ) -> Result<Batch> {
        let normalize = augmentation.normalize.as_ref().unwrap_or(&self.normalize);
        let byte_scale = Some(normalize.of_bytes(self.shape[0], 255.0)?);
        let renderer = Renderer::of_bytes(augmentation, self.shape)?;
        let batch = renderer.batch(indices, epoch, |index| self.decode(index))?;
        Ok(Batch {
            byte_scale,
            ..batch
        })
    }
}

/// The most folders and files that are no images, but for ten with each image.
const MOST_OTHERS: usize = 100_000;

/// The images of a class, and the number of other files.
#[derive(Default)]
struct Found {
    images: Vec<PathBuf>,
    passed_over: usize,
    /// The folders that were walked, without links in their paths.
    seen: HashSet<PathBuf>,
}

impl Found {
    /// Collects what is in `folder` and the folders in it, links to folders followed. `real` is the path of the folder
    /// without links.
    ///
    /// # Errors
    /// A link to a folder that it lies in or that is read anyway, or to nothing; a folder of other things.
    fn walk(&mut self, folder: &Path, real: PathBuf) -> Result<()> {
        ensure!(
            self.seen.insert(real.clone()),
            "{}: a link to a folder that is read anyway\nhint: remove the link",
            folder.display()
        );
        for path in visible(folder, &mut self.passed_over)? {
            match (path.is_dir(), is_image(&path)) {
                (true, _) => {
                    let real = without_links(&path, &real)?;
                    self.walk(&path, real)?;
                }
                (false, false) => self.passed_over += 1,
                (false, true) if path.is_file() => self.images.push(path),
                (false, true) => bail!(
                    "{}: no file, or a link to none\nhint: remove it",
                    path.display()
                ),
            }
        }
        self.check_share(folder)
    }

    /// Refuses to walk a whole disk, to which a link may lead.
    fn check_share(&self, folder: &Path) -> Result<()> {
        let others = self.passed_over + self.seen.len();
        ensure!(
            others <= MOST_OTHERS + 10 * self.images.len(),
            "{}: {others} folders and other files beside {} images were found on the way here\nhint: is there a link to \
             another place? Keep images apart from other files",
            folder.display(),
            self.images.len()
        );
        Ok(())
    }
}

/// The path without links of a folder in one whose own is known: to look up a thousand folders inside each other from
/// the root on would take minutes.
fn without_links(folder: &Path, parent: &Path) -> io::Result<PathBuf> {
    match folder.file_name() {
        Some(name) if !folder.is_symlink() => Ok(parent.join(name)),
        _ => folder.canonicalize(),
    }
}

/// The entries of a folder that are not hidden, sorted by name so that a run does not depend on the file system. The
/// hidden ones are counted.
fn visible(folder: &Path, hidden: &mut usize) -> Result<Vec<PathBuf>> {
    let mut paths = list(folder).map_err(|error| {
        let fault = format!("{}: cannot be listed", folder.display());
        let hint = "hint: image_folder reads root/train/<class>/*.png and root/val/…";
        with_hint(fault, hint, error)
    })?;
    let all = paths.len();
    paths.retain(|path| !name(path).starts_with('.'));
    *hidden += all - paths.len();
    paths.sort_unstable();
    Ok(paths)
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// The name of the file ends as that of an image.
pub(super) fn is_image(path: &Path) -> bool {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let mut known = EXTENSIONS.iter();
    known.any(|known| known.eq_ignore_ascii_case(extension))
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The class that a folder is named after.
///
/// # Errors
/// A name that is not UTF-8: two of them may look the same.
fn class(folder: &Path) -> Result<String> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| {
        format!(
            "{}: the folder of a class has a name that is not UTF-8\nhint: rename it",
            path(folder)
        )
    })?;
    Ok(name.to_owned())
}

fn unknown_class(folder: &Path, classes: &[String]) -> String {
    format!(
        "{}: no such class in the training part\nhint: it has {}",
        path(folder),
        excerpt(&classes.join(", "))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk through a folder of other things ends; a few beside images do no harm.
    #[test]
    fn a_whole_disk_is_not_walked() {
        let check = |others: usize, images: usize, expected: bool| {
            let found = Found {
                images: vec![PathBuf::new(); images],
                passed_over: others,
                ..Found::default()
            };
            assert_eq!(found.check_share(Path::new("class")).is_ok(), expected);
        };
        check(MOST_OTHERS, 0, true);
        check(MOST_OTHERS + 1, 0, false);
        check(MOST_OTHERS + 100, 10, true);
    }
}
