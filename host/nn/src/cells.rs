//! The cells of a detection network: one prediction each, level after level and row by row. Owns their places and how
//! raw numbers become boxes; networks and losses share it.
//!
//! Source: YOLOX (Ge et al. 2021). A raw level is `[B, 5 + C, h, w]`: dx, dy, dw, dh, the logit of an object and those
//! of C classes.

use anyhow::{Result, bail, ensure};
use tch::{Device, Kind, Tensor};

/// The cells of all levels; every tensor is `[A]` float32.
pub(crate) struct Cells {
    /// The column in the cell's level.
    pub(crate) x: Tensor,
    /// The row in the cell's level.
    pub(crate) y: Tensor,
    /// The side of the cell in pixels of the input.
    pub(crate) stride: Tensor,
}

impl Cells {
    /// The cells of raw levels. No sync.
    ///
    /// # Errors
    /// Another number of levels than of strides; a tensor that is no level.
    pub(crate) fn of(levels: &[&Tensor], strides: &[i64]) -> Result<Cells> {
        ensure!(
            levels.len() == strides.len(),
            "there are {} levels and {} strides",
            levels.len(),
            strides.len()
        );
        let [mut x, mut y, mut stride] = [Vec::new(), Vec::new(), Vec::new()];
        for (level, side) in levels.iter().zip(strides) {
            let &[_, _, rows, columns] = level.size().as_slice() else {
                bail!("a level is [B, 5 + classes, h, w], not {:?}", level.size());
            };
            let device = level.device();
            let [across, down] = [counted(columns, device)?, counted(rows, device)?];
            x.push(across.f_repeat([rows])?);
            y.push(down.f_repeat_interleave_self_int(columns, 0, rows * columns)?);
            stride.push(Tensor::f_full(
                [rows * columns],
                *side,
                (Kind::Float, device),
            )?);
        }
        Ok(Cells {
            x: Tensor::f_cat(&x, 0)?,
            y: Tensor::f_cat(&y, 0)?,
            stride: Tensor::f_cat(&stride, 0)?,
        })
    }

    /// The boxes of `raw` `[B, 5 + C, A]`: cx, cy, w and h in pixels of the input, each `[B, A]`.
    pub(crate) fn boxes(&self, raw: &Tensor) -> Result<[Tensor; 4]> {
        let numbers = raw.f_narrow(1, 0, 4)?.f_unbind(1)?;
        boxes(&numbers, [&self.x, &self.y], &self.stride)
    }
}

/// Boxes of four raw numbers each, in cells at these places: cx, cy, w and h in pixels of the input.
pub(crate) fn boxes(
    numbers: &[Tensor],
    [x, y]: [&Tensor; 2],
    stride: &Tensor,
) -> Result<[Tensor; 4]> {
    let [across, down, width, height] = numbers else {
        bail!("a box has four numbers, not {}", numbers.len());
    };
    Ok([
        across.f_add(x)?.f_mul(stride)?,
        down.f_add(y)?.f_mul(stride)?,
        width.f_exp()?.f_mul(stride)?,
        height.f_exp()?.f_mul(stride)?,
    ])
}

fn counted(count: i64, device: Device) -> Result<Tensor> {
    Ok(Tensor::f_arange(count, (Kind::Float, device))?)
}

/// Raw levels as one tensor: `[B, 5 + C, A]` float32.
pub(crate) fn flattened(levels: &[&Tensor]) -> Result<Tensor> {
    let mut flat = Vec::with_capacity(levels.len());
    for level in levels {
        flat.push(level.f_flatten(2, -1)?.f_to_kind(Kind::Float)?);
    }
    Ok(Tensor::f_cat(&flat, 2)?)
}
