//! Pairs of an image file and an annotation file of its name, in two folders. Opens none of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::boxed_images::below;
use super::data_file::with_hint;
use super::image_folder::is_image;
use super::left_out::LeftOut;

/// The pairs of a part, by name.
pub(super) struct Pairs {
    /// The folder of the images.
    pub(super) images: PathBuf,
    /// The folder of the annotations.
    pub(super) labels: PathBuf,
    pub(super) list: Vec<Pair>,
}

/// An image and its annotations.
pub(super) struct Pair {
    /// The name of the image in its folder.
    pub(super) image: String,
    /// The path of the annotations.
    pub(super) label: PathBuf,
}

/// Pairs the images with the files of the same name and of this extension. Images and annotations that have no other are
/// left out and counted, as in SuperGradients.
///
/// # Errors
/// A folder that cannot be listed, a name that is not UTF-8, or no pair.
pub(super) fn find(
    data_dir: &Path,
    [images_dir, labels_dir]: [&PathBuf; 2],
    extension: &str,
    left_out: &mut LeftOut,
) -> Result<Pairs> {
    let images = below(data_dir, "images_dir", images_dir)?;
    let labels = below(data_dir, "labels_dir", labels_dir)?;
    let names = list(&labels)?;
    let names = names.into_iter().filter(|name| has(name, extension));
    let mut unused: BTreeMap<String, (String, bool)> =
        names.map(|name| (stem(&name), (name, false))).collect();
    let mut pairs = Vec::new();
    let (mut alone, mut others) = (0, 0);
    for image in list(&images)? {
        match unused.get_mut(&stem(&image)) {
            _ if !is_image(Path::new(&image)) => others += usize::from(!has(&image, extension)),
            Some((name, is_used)) => {
                *is_used = true;
                let label = labels.join(name);
                pairs.push(Pair { image, label });
            }
            None => alone += 1,
        }
    }
    let unused = unused.values().filter(|(_, is_used)| !is_used).count();
    left_out.add("images without a file of annotations", alone);
    left_out.add("files of annotations without an image", unused);
    left_out.add("files that are no images", others);
    ensure!(
        !pairs.is_empty(),
        "{}: no image with a file of its name that ends in `.{extension}` in {}",
        images.display(),
        labels.display()
    );
    Ok(Pairs {
        images,
        labels,
        list: pairs,
    })
}

/// The names in a folder, sorted so that a run does not depend on the file system; hidden ones are passed over.
fn list(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| {
        let fault = format!("{}: cannot be listed", folder.display());
        with_hint(fault, "hint: paths start at the recipe's folder", error)
    })?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_str().with_context(|| {
            format!(
                "{}: a name in it is not UTF-8: {name:?}\nhint: rename it",
                folder.display()
            )
        })?;
        if !name.starts_with('.') {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn stem(name: &str) -> String {
    let (stem, _) = name.rsplit_once('.').unwrap_or((name, ""));
    stem.to_owned()
}

fn has(name: &str, extension: &str) -> bool {
    let found = name.rsplit_once('.').map(|(_, found)| found);
    found.is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
