//! Raw levels of YOLOX as boxes: a network in training gives no others.

use crate::bindings::phasebox::train::tensor::{self, Tensor};
use crate::bindings::phasebox::train::types::{Dtype, Error};
use crate::error::Result;

/// Boxes `[B, A, 5 + C]`, float32, of raw levels `[B, 5 + C, h, w]`, for images of that height: center x and y, width,
/// height, then the probabilities of an object and of each class. Does not sync.
///
/// # Errors
/// Levels of another shape; those of the host.
pub fn decode(levels: &[Tensor], image_height: i64) -> Result<Tensor> {
    let levels = levels.iter().map(|level| boxes_of(level, image_height));
    let levels = levels.collect::<Result<Vec<_>>>()?;
    tensor::cat(&levels.iter().collect::<Vec<_>>(), 1)
}

/// Boxes of a level, in the order of its cells.
fn boxes_of(level: &Tensor, image_height: i64) -> Result<Tensor> {
    let sizes = level.shape()?;
    let [batch, columns, height, width] = sizes[..] else {
        return Err(Error::invalid(format!(
            "the network gives predictions of shape {sizes:?}, which are no boxes"
        )));
    };
    let raw = level.to_dtype(Dtype::Float32)?;
    let raw = raw.reshape(&[batch, columns, height * width])?;
    let raw = raw.transpose(1, 2)?;
    let stride = image_height as f64 / height as f64;
    let places = raw.narrow(2, 0, 2)?.plus(&cells(height, width)?)?;
    let sizes = raw.narrow(2, 2, 2)?.exp()?;
    let probabilities = raw.narrow(2, 4, columns - 4)?.sigmoid()?;
    let (centers, sizes) = (places.scale(stride)?, sizes.scale(stride)?);
    tensor::cat(&[&centers, &sizes, &probabilities], 2)
}

/// Column and row of each cell, `[h × w, 2]`.
fn cells(height: i64, width: i64) -> Result<Tensor> {
    let along = |cells: i64| tensor::arange(0.0, cells as f64, 1.0, Dtype::Float32, "");
    let columns = along(width)?.reshape(&[1, width])?;
    let rows = along(height)?.reshape(&[height, 1])?;
    let each = |axis: &Tensor| axis.expand(&[height, width])?.reshape(&[height * width, 1]);
    tensor::cat(&[&each(&columns)?, &each(&rows)?], 1)
}
