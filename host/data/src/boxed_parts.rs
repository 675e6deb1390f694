//! The parts of image files with boxes, as a recipe names them: training's has the classes of all. Owns their order; what a
//! part holds is `boxed_images`'.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::boxed_images::{BoxedImages, Part};
use super::{Dataset, Splits};

/// Recipe keys of image files with boxes: a section for each part, in the words of its format.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts<P> {
    /// Samples to train on; its classes are those of all parts.
    pub train: P,
    /// Samples to choose the best epoch with.
    pub validation: P,
    /// Samples kept for the end, where there are any.
    pub test: Option<P>,
}

/// Reads all parts; paths start at `base`.
///
/// # Errors
/// The name of the part, and those of its annotations.
pub(super) fn load<P: Part>(parts: &Parts<P>, format: &'static str, base: &Path) -> Result<Splits> {
    let train = read_part(&parts.train, "train", format, base, None)?;
    let train: Arc<dyn Dataset> = Arc::new(train);
    beside(&train, parts, format, base)
}

/// Reads the parts beside training's, in whose place `train` stands; none if that knows no classes.
///
/// # Errors
/// As [`load`].
pub(super) fn without_train<P: Part>(
    parts: &Parts<P>,
    format: &'static str,
    base: &Path,
    train: &Arc<dyn Dataset>,
) -> Result<Option<Splits>> {
    let is_known = train.class_names().is_some();
    is_known
        .then(|| beside(train, parts, format, base))
        .transpose()
}

/// The parts beside `train`, which has the classes.
fn beside<P: Part>(
    train: &Arc<dyn Dataset>,
    parts: &Parts<P>,
    format: &'static str,
    base: &Path,
) -> Result<Splits> {
    let classes = train.class_names();
    let read = |part: &P, key: &str| -> Result<Arc<dyn Dataset>> {
        Ok(Arc::new(read_part(part, key, format, base, classes)?))
    };
    let test = parts.test.as_ref();
    Ok(Splits {
        validation: read(&parts.validation, "validation")?,
        test: test.map(|test| read(test, "test")).transpose()?,
        train: Arc::clone(train),
    })
}

fn read_part(
    part: &impl Part,
    key: &str,
    format: &'static str,
    base: &Path,
    classes: Option<&[String]>,
) -> Result<BoxedImages> {
    let read = BoxedImages::read(part, format, base, classes);
    read.with_context(|| format!("{format}: `{key}`"))
}
