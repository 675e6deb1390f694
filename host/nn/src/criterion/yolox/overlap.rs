//! Boxes by their edges, and how much two lists of them overlap, pair by pair. Owns the arithmetic alone.

use anyhow::Result;
use tch::Tensor;

/// Keeps a quotient finite.
const LEAST: f64 = 1e-16;

/// Boxes: edges and areas, all of one shape.
pub(super) struct Bounds {
    pub(super) left: Tensor,
    pub(super) top: Tensor,
    pub(super) right: Tensor,
    pub(super) bottom: Tensor,
    pub(super) area: Tensor,
}

impl Bounds {
    /// Edges from centers and sides.
    pub(super) fn of([cx, cy, width, height]: &[Tensor; 4]) -> Result<Bounds> {
        let half = [width.f_mul_scalar(0.5)?, height.f_mul_scalar(0.5)?];
        Ok(Bounds {
            left: cx.f_sub(&half[0])?,
            top: cy.f_sub(&half[1])?,
            right: cx.f_add(&half[0])?,
            bottom: cy.f_add(&half[1])?,
            area: width.f_mul(height)?,
        })
    }

    /// Each tensor put through `change`.
    pub(super) fn map(&self, change: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Bounds> {
        Ok(Bounds {
            left: change(&self.left)?,
            top: change(&self.top)?,
            right: change(&self.right)?,
            bottom: change(&self.bottom)?,
            area: change(&self.area)?,
        })
    }

    /// Intersection over union.
    pub(super) fn iou(&self, other: &Bounds) -> Result<Tensor> {
        let width = overlap([&self.left, &other.left], [&self.right, &other.right])?;
        let height = overlap([&self.top, &other.top], [&self.bottom, &other.bottom])?;
        let both = width.f_mul(&height)?;
        let union = self.area.f_add(&other.area)?.f_sub(&both)?;
        Ok(both.f_div(&union.f_add_scalar(LEAST)?)?)
    }

    /// Generalized intersection over union; `iou` is the plain one.
    pub(super) fn giou(&self, other: &Bounds, iou: &Tensor) -> Result<Tensor> {
        let width = hull([&self.left, &other.left], [&self.right, &other.right])?;
        let height = hull([&self.top, &other.top], [&self.bottom, &other.bottom])?;
        let hull = width.f_mul(&height)?;
        let union = self.area.f_add(&other.area)?;
        let union = union.f_div(&iou.f_add_scalar(1.0)?)?;
        let empty = hull.f_sub(&union)?.f_div(&hull.f_clamp_min(LEAST)?)?;
        Ok(iou.f_sub(&empty)?)
    }
}

/// The length that two lines have in common, at least 0.
fn overlap(low: [&Tensor; 2], high: [&Tensor; 2]) -> Result<Tensor> {
    let low = low[0].f_maximum(low[1])?;
    let high = high[0].f_minimum(high[1])?;
    Ok(high.f_sub(&low)?.f_clamp_min(0.0)?)
}

/// The length from the first end of two lines to the last.
fn hull(low: [&Tensor; 2], high: [&Tensor; 2]) -> Result<Tensor> {
    let low = low[0].f_minimum(low[1])?;
    let high = high[0].f_maximum(high[1])?;
    Ok(high.f_sub(&low)?)
}
