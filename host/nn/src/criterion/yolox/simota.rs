//! SimOTA (Ge et al. 2021, after optimal transport): which cells answer for which box. Owns candidates, costs and the
//! claims of boxes; reads values without a gradient.
//!
//! A box claims its k cheapest cells, where k is the sum of its ten best overlaps, and a cell that several boxes claim
//! goes to the one that is cheapest there. Everything is dense, with one row a box whatever image it is in: `[M, A]`, done in
//! blocks of rows, so that memory is bounded. Ten slots of each row are left, of which the first k are claims.

use anyhow::{Result, anyhow, bail, ensure};
use tch::{Device, Kind, Tensor};

use super::overlap::Bounds;
use crate::cells::Cells;
use crate::criterion::in_range::InRange;

/// The most slots of a box.
const SLOTS: i64 = 10;
/// Numbers in a block of rows: a tensor of it has 16 MiB.
const BLOCK: i64 = 1 << 22;
/// The weight of an overlap's logarithm in a cost.
const OF_OVERLAP: f64 = 3.0;
/// The least logarithm of a probability, as in PyTorch's binary cross entropy.
const LEAST_LOG: f64 = -100.0;
/// The most rows of a batch.
const MOST_ROWS: i64 = 1 << 16;
/// Rows are counted below this in a key.
const ROWS: i64 = 1 << 32;

/// The cells that a box may match.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// Near a center, and not in a box.
    pub(super) needs_center: bool,
    /// Half of the side of a center, in cells.
    pub(super) radius: f64,
}

impl Rule {
    /// The cost of a cell that is a candidate of others alone.
    fn penalty(self) -> f64 {
        if self.needs_center { 1e6 } else { 1e5 }
    }
}

/// The boxes of a batch, padding included; every tensor is `[M]`.
pub(super) struct Things {
    /// The image, int64; 0 for padding.
    image: InRange,
    /// The class, int64.
    label: InRange,
    /// False for padding.
    is_real: Tensor,
    /// cx, cy, w and h.
    sides: [Tensor; 4],
}

impl Things {
    /// Boxes from rows `[M, 6]` of a batch of so many images and classes. One that does not exist is an error on the CPU, and
    /// makes the loss no number on a GPU.
    ///
    /// # Errors
    /// Another shape; such an image or class.
    pub(super) fn of(target: &Tensor, [images, classes]: [i64; 2]) -> Result<Things> {
        ensure!(
            target.dim() == 2 && target.size()[1] == 6,
            "target must be [M, 6]"
        );
        ensure!(
            target.size()[0] <= MOST_ROWS,
            "more than {MOST_ROWS} rows of boxes in one batch: lower `batch_size`"
        );
        let columns = target.f_to_kind(Kind::Float)?.f_unbind(1)?;
        let Ok([image, label, cx, cy, width, height]) = <[Tensor; 6]>::try_from(columns) else {
            bail!("six columns are six tensors");
        };
        let is_real = image.f_ge(0.0)?;
        let image = known(&image.f_clamp_min(0.0)?, images).map_err(|_| {
            anyhow!("the target has boxes of images beyond the {images} of the batch")
        });
        let label = known(&label, classes)
            .map_err(|_| anyhow!("the target has classes beyond the {classes} of `num_classes`"));
        Ok(Things {
            is_real,
            image: image?,
            label: label?,
            sides: [cx, cy, width, height],
        })
    }

    /// The number of boxes, 0-d float.
    pub(super) fn count(&self) -> Result<Tensor> {
        Ok(self.is_real.f_sum(Kind::Float)?)
    }

    /// cx, cy, w and h of some rows.
    pub(super) fn rows(&self, row: &Tensor) -> Result<[Tensor; 4]> {
        each(&self.sides, |side| Ok(side.f_index_select(0, row)?))
    }

    /// The class, int64.
    pub(super) fn label(&self) -> &Tensor {
        &self.label.indices
    }

    /// `loss`, 0-d; not a number if a GPU was given an image or a class that does not exist. Does not sync.
    pub(super) fn mark(&self, loss: Tensor) -> Result<Tensor> {
        self.label.mark(self.image.mark(loss)?)
    }

    fn len(&self) -> i64 {
        self.image.indices.size()[0]
    }

    /// The row of each box's image.
    fn of_image(&self, rows: &Tensor) -> Result<Tensor> {
        Ok(rows.f_index_select(0, &self.image.indices)?)
    }

    /// Rows from `start` on.
    fn block(&self, start: i64, count: i64) -> Result<Things> {
        Ok(Things {
            image: self.image.block(start, count)?,
            label: self.label.block(start, count)?,
            is_real: self.is_real.f_narrow(0, start, count)?,
            sides: each(&self.sides, |side| Ok(side.f_narrow(0, start, count)?))?,
        })
    }
}

/// Whole numbers of a column, int64.
///
/// # Errors
/// One that is not below `count`, on the CPU.
fn known(column: &Tensor, count: i64) -> Result<InRange> {
    let known = InRange::of(column.f_to_kind(Kind::Int64)?, count, None)?;
    let all = Tensor::f_arange(count, (Kind::Int64, column.device()))?;
    let _found = all.f_index_select(0, &known.indices)?;
    Ok(known)
}

/// `[m]` → `[m, 1]`.
fn column(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.f_unsqueeze(1)?)
}

/// Each of four tensors put through `change`.
fn each(
    [cx, cy, width, height]: &[Tensor; 4],
    change: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<[Tensor; 4]> {
    Ok([change(cx)?, change(cy)?, change(width)?, change(height)?])
}

/// Slots of boxes: `[K]`, where K is ten times M.
pub(super) struct Matches {
    /// The cell, int64, counted through all images.
    pub(super) cell: Tensor,
    /// The row of the box that the cell goes to, int64.
    pub(super) row: Tensor,
    /// The slot holds a match, bool. A cell is in one such slot at most.
    pub(super) is_match: Tensor,
}

/// The matches of a batch. `raw` is `[B, 5 + C, A]`, without a gradient. No sync.
///
/// # Errors
/// libtorch's, such as an image or a class that does not exist.
pub(super) fn matched(raw: &Tensor, cells: &Cells, things: &Things, rule: Rule) -> Result<Matches> {
    let rows = BLOCK / cells.x.size()[0].max(1);
    in_blocks(raw, cells, &blocks(things, rows.max(1))?, rule)
}

fn in_blocks(raw: &Tensor, cells: &Cells, blocks: &[(i64, Things)], rule: Rule) -> Result<Matches> {
    let scene = Scene::of(raw, cells, blocks, rule)?;
    let size = [scene.images, scene.anchors];
    let device = raw.device();
    let mut cheapest = Tensor::f_full(size, i64::MAX, (Kind::Int64, device))?;
    let [mut cells, mut rows, mut claims] = [Vec::new(), Vec::new(), Vec::new()];
    for (start, block) in blocks {
        let row = numbered(*start, block.len(), device)?;
        let (overlap, cost) = scene.cost(block)?;
        let keys = cost.f_clamp_min(0.0)?.f_view_dtype(Kind::Int)?;
        let keys = keys.f_to_kind(Kind::Int64)?.f_mul_scalar(ROWS)?;
        let image = block.image.indices.f_unsqueeze(1)?;
        let keys = keys.f_add(&row.f_unsqueeze(1)?)?;
        let places = image.f_expand_as(&keys)?;
        cheapest = cheapest.f_internal_scatter_reduce(0, &places, &keys, "amin", true)?;
        let (anchor, is_claim) = claimed(&overlap, &cost)?;
        let first = image.f_mul_scalar(scene.anchors)?;
        cells.push(anchor.f_add(&first)?);
        rows.push(row.f_unsqueeze(1)?.f_expand_as(&anchor)?);
        claims.push(is_claim);
    }
    let cheapest = cheapest.f_remainder(ROWS)?.f_flatten(0, -1)?;
    let [cell, row] = [joined(&cells)?, joined(&rows)?];
    settled(cell, &row, &joined(&claims)?, &cheapest)
}

/// Blocks of slots as one list.
fn joined(blocks: &[Tensor]) -> Result<Tensor> {
    Ok(Tensor::f_cat(blocks, 0)?.f_flatten(0, -1)?)
}

/// Blocks of so many rows, each with the number of its first.
fn blocks(things: &Things, rows: i64) -> Result<Vec<(i64, Things)>> {
    let mut blocks = Vec::new();
    for start in (0..things.len().max(1)).step_by(rows as usize) {
        let count = rows.min(things.len() - start);
        blocks.push((start, things.block(start, count)?));
    }
    Ok(blocks)
}

fn numbered(start: i64, count: i64, device: Device) -> Result<Tensor> {
    Ok(Tensor::f_arange_start(
        start,
        start + count,
        (Kind::Int64, device),
    )?)
}

/// The slots of rows `[m, A]`: the cells, and which of them are claimed; both `[m, slots]`.
fn claimed(overlap: &Tensor, cost: &Tensor) -> Result<(Tensor, Tensor)> {
    let slots = SLOTS.min(cost.size()[1]);
    let (best, _) = overlap.f_topk(slots, 1, true, true)?;
    let count = best.f_sum_dim_intlist([1].as_slice(), true, None)?;
    let count = count.f_floor()?.f_clamp_min(1.0)?;
    let (cost, anchor) = cost.f_topk(slots, 1, false, true)?;
    let rank = Tensor::f_arange(slots, (Kind::Float, cost.device()))?;
    let is_cheap = rank.f_lt_tensor(&count)?;
    Ok((anchor, is_cheap.f_logical_and(&cost.f_isfinite()?)?))
}

/// One match for each cell that is claimed: by the box that claims it alone, or by the one that is cheapest there.
fn settled(cell: Tensor, row: &Tensor, claims: &Tensor, cheapest: &Tensor) -> Result<Matches> {
    let none = cheapest.f_zeros_like()?;
    let claimants = none.f_index_add(0, &cell, &claims.f_to_kind(Kind::Int64)?)?;
    let is_contested = claimants.f_index_select(0, &cell)?.f_gt(1)?;
    let claimant = row.f_masked_fill(&claims.f_logical_not()?, i64::MAX)?;
    let nobody = cheapest.f_full_like(i64::MAX)?;
    let first = nobody.f_internal_scatter_reduce(0, &cell, &claimant, "amin", true)?;
    let is_first = first.f_index_select(0, &cell)?.f_eq_tensor(&claimant)?;
    let cheapest = cheapest.f_index_select(0, &cell)?;
    Ok(Matches {
        is_match: is_first.f_logical_and(claims)?,
        row: cheapest.f_where_self(&is_contested, row)?,
        cell,
    })
}

/// The cells of all images, and what every box asks of them.
struct Scene {
    rule: Rule,
    images: i64,
    anchors: i64,
    /// The middle of a cell in pixels, and the reach of a center: `[A]`.
    x: Tensor,
    y: Tensor,
    reach: Tensor,
    /// The boxes of the cells: `[B, A]`.
    boxes: Bounds,
    /// A cell is a candidate of any box of its image: `[B, A]`, bool.
    is_candidate: Tensor,
    /// The geometric mean of the probabilities of a class and of an object: `[B·C, A]`.
    score: Tensor,
    classes: i64,
    /// −Σ ln(1 − score) over classes: `[B, A]`.
    against_all: Tensor,
}

impl Scene {
    fn of(raw: &Tensor, cells: &Cells, blocks: &[(i64, Things)], rule: Rule) -> Result<Scene> {
        let [images, columns, anchors] = [raw.size()[0], raw.size()[1], raw.size()[2]];
        let object = raw.f_narrow(1, 4, 1)?.f_sigmoid()?;
        let class = raw.f_narrow(1, 5, columns - 5)?.f_sigmoid()?;
        let score = class.f_mul(&object)?.f_sqrt()?;
        let against_all = log_of_rest(&score)?;
        let against_all = against_all.f_sum_dim_intlist([1].as_slice(), false, None)?;
        let mut scene = Scene {
            rule,
            images,
            anchors,
            x: cells.x.f_add_scalar(0.5)?.f_mul(&cells.stride)?,
            y: cells.y.f_add_scalar(0.5)?.f_mul(&cells.stride)?,
            reach: cells.stride.f_mul_scalar(rule.radius)?,
            boxes: Bounds::of(&cells.boxes(raw)?)?,
            is_candidate: object.f_squeeze_dim(1)?.f_zeros_like()?,
            score: score.f_flatten(0, 1)?,
            classes: columns - 5,
            against_all: against_all.f_neg()?,
        };
        scene.is_candidate = scene.candidates(blocks)?;
        Ok(scene)
    }

    fn candidates(&self, blocks: &[(i64, Things)]) -> Result<Tensor> {
        let mut counts = self.is_candidate.shallow_clone();
        for (_, block) in blocks {
            let (is_own, _) = self.places(block)?;
            let is_own = is_own.f_logical_and(&block.is_real.f_unsqueeze(1)?)?;
            counts =
                counts.f_index_add(0, &block.image.indices, &is_own.f_to_kind(Kind::Float)?)?;
        }
        Ok(counts.f_gt(0.0)?)
    }

    /// The candidates of each box by itself, and those that it prefers: `[m, A]`, bool.
    fn places(&self, block: &Things) -> Result<(Tensor, Tensor)> {
        let sides = each(&block.sides, column)?;
        let [cx, cy, width, height] = &sides;
        let across = cx.f_sub(&self.x)?.f_abs()?;
        let down = cy.f_sub(&self.y)?.f_abs()?;
        let farther = across.f_maximum(&down)?;
        let in_center = farther.f_lt_tensor(&self.reach)?;
        if self.rule.needs_center {
            return Ok((in_center.shallow_clone(), in_center));
        }
        let in_width = across.f_lt_tensor(&width.f_mul_scalar(0.5)?)?;
        let in_height = down.f_lt_tensor(&height.f_mul_scalar(0.5)?)?;
        let in_box = in_width.f_logical_and(&in_height)?;
        Ok((
            in_box.f_logical_or(&in_center)?,
            in_box.f_logical_and(&in_center)?,
        ))
    }

    /// Overlaps, 0 outside of candidates, and costs, infinite there: `[m, A]`.
    fn cost(&self, block: &Things) -> Result<(Tensor, Tensor)> {
        let boxes = self.boxes.map(|edge| block.of_image(edge))?;
        let wanted = Bounds::of(&each(&block.sides, column)?)?;
        let is_in = block.of_image(&self.is_candidate)?;
        let is_in = is_in.f_logical_and(&column(&block.is_real)?)?;
        let is_out = is_in.f_logical_not()?;
        let overlap = boxes.iou(&wanted)?.f_masked_fill(&is_out, 0.0)?;
        let (_, is_preferred) = self.places(block)?;
        let distance = overlap.f_add_scalar(1e-8)?.f_log()?;
        let distance = distance.f_mul_scalar(-OF_OVERLAP)?;
        let far = is_preferred.f_logical_not()?;
        let far = far.f_mul_scalar(self.rule.penalty())?;
        let cost = self.class_cost(block)?.f_add(&distance)?.f_add(&far)?;
        Ok((overlap, cost.f_masked_fill(&is_out, f64::INFINITY)?))
    }

    /// Binary cross entropy of the scores with a box's class, summed over classes: `[m, A]`.
    fn class_cost(&self, block: &Things) -> Result<Tensor> {
        let row = block
            .image
            .indices
            .f_mul_scalar(self.classes)?
            .f_add(&block.label.indices)?;
        let score = self.score.f_index_select(0, &row)?;
        let against = log_of_rest(&score)?;
        let all = block.of_image(&self.against_all)?;
        let own = score.f_log()?.f_clamp_min(LEAST_LOG)?;
        Ok(all.f_add(&against)?.f_sub(&own)?)
    }
}

/// ln(1 − score), not below the least.
fn log_of_rest(score: &Tensor) -> Result<Tensor> {
    Ok(score.f_neg()?.f_log1p()?.f_clamp_min(LEAST_LOG)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::cells::flattened;
    use crate::reference::{noise, rows};
    use crate::test_device::test_device;

    const STRIDES: [i64; 3] = [8, 16, 32];

    /// Raw levels of three images of 128 × 160, as in `yolox.py`.
    fn levels(seed: i64) -> Vec<Tensor> {
        let level = |(index, stride): (i64, i64)| {
            let shape = [3, 9, 128 / stride, 160 / stride];
            let level = noise(seed * 10 + index, &shape) * 6.0 - 3.0;
            let _ = level.narrow(1, 0, 2).g_mul_scalar_(0.5);
            let mut sides = level.narrow(1, 2, 2);
            let _ = sides.g_mul_scalar_(0.3);
            let _ = sides.g_add_scalar_((24.0 / stride as f64).ln());
            level.to_kind(Kind::Float).to_device(test_device())
        };
        (0..).zip(STRIDES).map(level).collect()
    }

    fn target(seed: i64) -> Tensor {
        let random = noise(seed + 5000, &[4 + seed % 21, 6]);
        let column = |index| random.select(1, index);
        let images = if seed % 4 == 0 { 2.0 } else { 3.0 };
        let columns = [
            (column(0) * images).floor(),
            (column(1) * 4.0).floor(),
            column(2) * 180.0 - 10.0,
            column(3) * 140.0 - 6.0,
            column(4) * 60.0 + 4.0,
            column(5) * 60.0 + 4.0,
        ];
        Tensor::stack(&columns, 1)
            .to_kind(Kind::Float)
            .to_device(test_device())
    }

    /// Image, cell and row of each match.
    type Found = BTreeSet<(i64, i64, i64)>;

    fn found(levels: &[Tensor], target: &Tensor, rule: Rule, block: i64) -> Found {
        let levels: Vec<&Tensor> = levels.iter().collect();
        let cells = Cells::of(&levels, &STRIDES).expect("levels");
        let raw = flattened(&levels).expect("levels");
        let things = Things::of(target, [3, 4]).expect("rows");
        let blocks = blocks(&things, block).expect("rows");
        let matches = in_blocks(&raw, &cells, &blocks, rule).expect("they fit");
        let list =
            |tensor: &Tensor| Vec::<i64>::try_from(tensor.to_kind(Kind::Int64)).expect("1-d");
        let [cell, row, is_match] = [&matches.cell, &matches.row, &matches.is_match].map(list);
        let anchors = cells.x.size()[0];
        let slots = cell.into_iter().zip(row).zip(is_match);
        let matching = slots.filter(|(_, is_match)| *is_match == 1);
        let listed: Vec<_> = matching
            .map(|((cell, row), _)| (cell / anchors, cell % anchors, row))
            .collect();
        let set: Found = listed.iter().copied().collect();
        assert_eq!(set.len(), listed.len(), "a cell matches twice");
        set
    }

    fn rule(name: &str) -> Rule {
        let needs_center = name == "center";
        let radius = if needs_center { 1.5 } else { 2.5 };
        Rule {
            needs_center,
            radius,
        }
    }

    /// Matches are those of loops with boolean indexing, whatever the blocks, the padding and its place.
    fn check(row: &Value) {
        let seed = row["seed"].as_i64().expect("a number");
        let rule = rule(row["candidates"].as_str().expect("a name"));
        let expected: Vec<(i64, i64, i64)> =
            serde_json::from_value(row["matches"].clone()).expect("triples");
        let expected: Found = expected.into_iter().collect();
        let (levels, target) = (levels(seed), target(seed));
        for block in [1, 5, 1000] {
            let found = found(&levels, &target, rule, block);
            assert_eq!(found, expected, "seed {seed} in blocks of {block}");
        }
        let padding = Tensor::from_slice(&[-1.0f32, 0.0, 0.0, 0.0, 0.0, 0.0]).reshape([1, 6]);
        let padding = padding.to_device(test_device());
        let padded = Tensor::cat(&[&padding, &padding, &target, &padding], 0);
        let shifted = expected
            .iter()
            .map(|(image, cell, row)| (*image, *cell, row + 2));
        assert_eq!(found(&levels, &padded, rule, 1000), shifted.collect());
    }

    #[test]
    fn matches_are_those_of_loops() {
        let rows = rows("matches");
        assert_eq!(rows.len(), 200);
        let matches = rows
            .iter()
            .map(|row| row["matches"].as_array().map_or(0, Vec::len));
        assert!(matches.sum::<usize>() > 2000);
        rows.iter().for_each(check);
    }

    /// The first of equal boxes has all cells.
    #[test]
    fn of_equal_boxes_the_first_matches() {
        let one = [0.0f32, 1.0, 60.0, 60.0, 40.0, 40.0];
        let target = Tensor::from_slice(&[one, one].concat()).reshape([2, 6]);
        let target = target.to_device(test_device());
        let found = found(&levels(1), &target, rule("box_or_center"), 1);
        assert!(!found.is_empty());
        assert!(found.iter().all(|(_, _, row)| *row == 0), "{found:?}");
    }

    #[test]
    fn nothing_matches_where_nothing_is() {
        let rows = |rows: &[[f32; 6]]| {
            let count = rows.len() as i64;
            let rows = Tensor::from_slice(&rows.concat()).reshape([count, 6]);
            rows.to_device(test_device())
        };
        let padding = [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let far = [0.0, 1.0, 9000.0, 9000.0, 20.0, 20.0];
        for target in [rows(&[]), rows(&[padding; 3]), rows(&[far, padding])] {
            for name in ["box_or_center", "center"] {
                let found = found(&levels(2), &target, rule(name), 2);
                assert_eq!(found, Found::new(), "{target}");
            }
        }
    }
}
