//! The boxes of a batch's target, image by image. Owns the reading of rows; compares nothing.

use anyhow::{Result, bail, ensure};
use tch::{Device, Kind, Tensor};
use torch_ext::described;

use super::super::metric::Seen;

/// The name of the additional item with the boxes of crowds.
const CROWDS: &str = "crowd_targets";

/// The numbers of a row: the image's place in the batch, the class, the center and the sides.
const COLUMNS: usize = 6;

/// A box of the target, in pixels of the input.
#[derive(Clone, Copy)]
pub(super) struct Truth {
    pub(super) class: i64,
    /// Center x and y, width and height.
    pub(super) bounds: [f32; 4],
}

impl Truth {
    /// Left, top, right and bottom, with SuperGradients' order of sums.
    pub(super) fn corners(&self) -> [f32; 4] {
        let [x, y, width, height] = self.bounds;
        let (left, top) = (x - width * 0.5, y - height * 0.5);
        [left, top, width + left, height + top]
    }
}

/// The boxes of one image.
#[derive(Clone, Default)]
pub(super) struct Truths {
    pub(super) regular: Vec<Truth>,
    /// Crowds, which take any number of detections and count none.
    pub(super) crowds: Vec<Truth>,
}

/// The boxes of each of so many images. Waits for the device.
///
/// # Errors
/// Rows of another form; an image or a class that is not there; sizes that are not in the unit that was named.
pub(super) fn truths(
    seen: &Seen<'_>,
    images: usize,
    classes: usize,
    in_pixels: bool,
) -> Result<Vec<Truths>> {
    let scale = scale(seen, in_pixels)?;
    let mut all = vec![Truths::default(); images];
    for row in rows(seen.target, "target")? {
        if let Some((image, truth)) = truth(&row, images, classes, scale)? {
            all[image].regular.push(truth);
        }
    }
    let crowds = seen.additional.iter().flat_map(|items| items.iter(""));
    for (_, crowds) in crowds.filter(|(name, _)| *name == CROWDS) {
        for row in rows(crowds, CROWDS)? {
            if let Some((image, truth)) = truth(&row, images, classes, scale)? {
                all[image].crowds.push(truth);
            }
        }
    }
    Ok(all)
}

/// The factors of x and y, if the boxes are not in pixels.
fn scale(seen: &Seen<'_>, in_pixels: bool) -> Result<Option<[f32; 2]>> {
    if in_pixels {
        return Ok(None);
    }
    match seen.size() {
        Some(size) => Ok(Some(size)),
        None => bail!(
            "boxes between 0 and 1 need the size of the input, which is no image [B, C, H, W]: give pixels and write `normalize_targets: true`"
        ),
    }
}

fn rows(target: &Tensor, what: &str) -> Result<Vec<[f32; COLUMNS]>> {
    ensure!(
        matches!(target.size()[..], [_, 6]),
        "{what} must be rows [M, 6] (image, class, center x and y, width, height), not {}",
        described(target)
    );
    let mut numbers = vec![0f32; target.numel()];
    let count = numbers.len();
    let here = target.f_detach()?.f_to_device(Device::Cpu)?;
    let here = here.f_to_kind(Kind::Float)?.f_contiguous()?;
    here.f_copy_data(&mut numbers, count)?;
    Ok(numbers.as_chunks::<COLUMNS>().0.to_vec())
}

/// The image and the box of a row; nothing for a row that fills up.
fn truth(
    row: &[f32; COLUMNS],
    images: usize,
    classes: usize,
    scale: Option<[f32; 2]>,
) -> Result<Option<(usize, Truth)>> {
    let [image, class, x, y, width, height] = *row;
    if image < 0.0 {
        return Ok(None);
    }
    ensure!(
        image.fract() == 0.0 && (image as usize) < images,
        "a row of the target is for image {image} of a batch of {images}"
    );
    ensure!(
        class.fract() == 0.0 && class >= 0.0 && (class as usize) < classes,
        "a box of the target has class {class}, and `num_cls` is {classes}"
    );
    let [across, down] = scale.unwrap_or([1.0, 1.0]);
    ensure!(
        scale.is_none() || (width <= 2.0 && height <= 2.0),
        "a box of the target is {width} × {height}, and `normalize_targets: false` says that boxes are between 0 and 1: write `normalize_targets: true` for pixels"
    );
    let truth = Truth {
        class: class as i64,
        bounds: [x * across, y * down, width * across, height * down],
    };
    Ok(Some((image as usize, truth)))
}
