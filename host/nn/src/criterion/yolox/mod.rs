//! `YoloXDetectionLoss` (Ge et al. 2021, with SuperGradients' names): overlap of boxes, objects, classes and, in the last
//! epochs, the raw numbers of boxes. Owns the sums; which cell answers for which box is `simota`'s.
//!
//! Nothing here has a shape that depends on values, loops over images or waits for the device, so that a step can be
//! recorded. A box has the same number of slots whatever it matches; slots that hold nothing count for nothing.

mod overlap;
mod parameters;
mod simota;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use tch::{Device, Kind, Reduction, Tensor, no_grad};
use torch_ext::Items;

use self::overlap::Bounds;
use self::parameters::Parameters;
use self::simota::{Matches, Things};
use super::{Loss, Parsed, Parts, class_weights, written};
use crate::cells::{Cells, boxes, flattened};
use crate::params;
use crate::refusal;
use crate::values;

/// The parts beside the whole. All but the last are sums over cells divided by the number of matched ones, before their
/// weights; the last is the number of matched cells a box.
const PARTS: [&str; 5] = ["iou", "obj", "cls", "l1", "num_fg"];

/// Reads the `criterion_params`.
pub(super) fn read(owner: &str, block: &Value) -> Result<Parsed> {
    ensure!(
        block.get("preds").is_none() && block.get("target").is_none(),
        "parameters of {owner}: it reads all levels of a network and one target; it is no part of `MultiTaskLoss`, and \
         has no `preds` and `target`"
    );
    let mut parameters: Parameters = params::read(owner, block)?;
    let level_names = parameters
        .complete()
        .with_context(|| format!("parameters of {owner}"))?;
    Ok(Parsed {
        parameters: written(owner, &parameters)?,
        loss: Box::new(YoloX {
            parameters,
            level_names,
            pos_weight: None,
        }),
    })
}

/// The loss.
struct YoloX {
    parameters: Parameters,
    /// The names of the raw levels: `p3` has stride 8.
    level_names: Vec<String>,
    /// Float32 on the device, `[1]` or `[classes]`.
    pos_weight: Option<Tensor>,
}

impl Loss for YoloX {
    fn prepare(&mut self, device: Device) -> Result<()> {
        let weights = self.parameters.cls_pos_weight.as_ref();
        let weights = weights.map(parameters::PosWeight::list);
        self.pos_weight = class_weights::on_device(weights.as_deref(), device)?;
        Ok(())
    }

    fn part_names(&self) -> Vec<String> {
        PARTS.map(str::to_owned).to_vec()
    }

    fn of_network(&self) -> &'static [&'static str] {
        &["strides", "num_classes"]
    }

    /// Levels that nothing would train; classes, indices and sides of boxes.
    fn look_at(&self, preds: &Items, target: &Items) -> Result<()> {
        self.check_names(preds)?;
        let images = self.levels(preds)?[0].size()[0];
        let target = target.single("target")?;
        let looked = self.look_at_rows(target, images);
        looked.context("the target's rows are image, class, cx, cy, w and h in pixels of the input, as `output_format: LABEL_CXCYWH` makes them")
    }

    /// `preds` has the raw levels `[B, 5 + C, h, w]` by name; `target` is `[M, 6]`, and rows of image −1 are padding.
    fn forward(&self, _: &[(String, Tensor)], preds: &Items, target: &Items) -> Result<Parts> {
        let levels = self.levels(preds)?;
        let target = target.single("target")?;
        let loss = self.of(&levels, target);
        loss.map_err(|error| {
            let reason = refusal::reason(&error);
            let target = torch_ext::described(target);
            anyhow!(
                "cannot compare preds {} with target {target}: {reason}",
                preds.described()
            )
        })
    }
}

impl YoloX {
    /// The raw levels, finest first.
    ///
    /// # Errors
    /// A level that is not there; another number of classes.
    fn levels<'a>(&self, preds: &'a Items) -> Result<Vec<&'a Tensor>> {
        let mut levels = Vec::with_capacity(self.level_names.len());
        for name in &self.level_names {
            let level = preds.get(name).with_context(|| {
                format!("reads the raw level `{name}` of a detection network, such as `yolox_s`")
            })?;
            let columns = level.size().get(1).copied().unwrap_or_default();
            let classes = self.parameters.num_classes;
            ensure!(
                columns == 5 + classes && level.dim() == 4,
                "`num_classes` is {classes}, and `{name}` is {:?}: it must be [B, {}, h, w]",
                level.size(),
                5 + classes
            );
            levels.push(level);
        }
        Ok(levels)
    }

    /// Refuses a level of the network whose stride is not among the loss's: its boxes would never be trained.
    fn check_names(&self, preds: &Items) -> Result<()> {
        for name in preds.names() {
            let digits = name.strip_prefix('p').unwrap_or_default();
            let is_level = digits.parse::<u32>().is_ok();
            let is_known = self.level_names.iter().any(|known| known == name);
            ensure!(
                is_known || !is_level,
                "the network has a level `{name}`, and `strides` has none for it: give one a level, such as [8, 16, 32]"
            );
        }
        Ok(())
    }

    fn look_at_rows(&self, target: &Tensor, images: i64) -> Result<()> {
        let image = target.f_select(1, 0)?;
        values::whole(&image)?;
        values::within(&image, [-1.0, (images - 1) as f64]).context("the first column")?;
        let real = image.f_ge(0.0)?;
        let rows = target.f_index(&[Some(real)])?;
        if rows.size()[0] == 0 {
            return Ok(());
        }
        let class = rows.f_select(1, 1)?;
        values::whole(&class)?;
        let last = (self.parameters.num_classes - 1) as f64;
        values::within(&class, [0.0, last]).context("the second column, the class")?;
        let sides = rows.f_narrow(1, 4, 2)?;
        let greatest = sides.f_max()?.f_double_value(&[])?;
        ensure!(
            greatest > 1.0,
            "no box is larger than {greatest} pixels: are they normalized?"
        );
        values::within(&sides, [f64::MIN_POSITIVE, f64::MAX]).context("sides of boxes")?;
        let centers = rows.f_narrow(1, 2, 2)?;
        values::within(&centers, [f64::MIN, f64::MAX]).context("centers of boxes")
    }

    fn of(&self, levels: &[&Tensor], target: &Tensor) -> Result<Parts> {
        let cells = Cells::of(levels, &self.parameters.strides)?;
        let raw = flattened(levels)?;
        let sizes = [raw.size()[0], self.parameters.num_classes];
        let things = Things::of(target, sizes)?;
        let rule = self.parameters.rule();
        let matches = no_grad(|| simota::matched(&raw.f_detach()?, &cells, &things, rule))?;
        let slots = Slots::of(&raw, &cells, &things, matches)?;
        self.sums(&raw, &slots, &things)
    }

    fn sums(&self, raw: &Tensor, slots: &Slots, things: &Things) -> Result<Parts> {
        let foreground = slots.count()?.f_clamp_min(1.0)?;
        let overlap = slots.boxes.iou(&slots.wanted)?;
        let iou = self.of_boxes(slots, &overlap)?.f_div(&foreground)?;
        let obj = of_objects(raw, slots)?.f_div(&foreground)?;
        let cls = self.of_classes(slots, &overlap.f_detach()?)?;
        let cls = cls.f_div(&foreground)?;
        let l1 = match self.parameters.use_l1 {
            true => slots.of_raw_numbers()?.f_div(&foreground)?,
            false => foreground.f_zeros_like()?,
        };
        let weights = &self.parameters;
        let boxes = iou.f_mul_scalar(weights.iou_weight)?;
        let objects = obj.f_mul_scalar(weights.obj_weight)?;
        let classes = cls.f_mul_scalar(weights.cls_weight)?;
        let whole = boxes.f_add(&objects)?.f_add(&classes)?.f_add(&l1)?;
        let whole = things.mark(whole)?;
        let num_fg = foreground.f_div(&things.count()?.f_clamp_min(1.0)?)?;
        Ok(Parts {
            whole,
            parts: vec![iou, obj, cls, l1, num_fg],
        })
    }

    /// Σ 1 − IoU², or Σ 1 − GIoU, over slots that match.
    fn of_boxes(&self, slots: &Slots, overlap: &Tensor) -> Result<Tensor> {
        let good = match self.parameters.iou_type {
            parameters::Overlap::Iou => overlap.f_square()?,
            parameters::Overlap::Giou => {
                let giou = slots.boxes.giou(&slots.wanted, overlap)?;
                giou.f_clamp(-1.0, 1.0)?
            }
        };
        slots.total(&good.f_neg()?.f_add_scalar(1.0)?)
    }

    /// Σ binary cross entropy over slots that match and all classes; a box's own class wants the overlap, others 0.
    fn of_classes(&self, slots: &Slots, overlap: &Tensor) -> Result<Tensor> {
        let classes = self.parameters.num_classes;
        let logits = slots.raw.f_narrow(1, 4, classes)?;
        let each = Tensor::f_arange(classes, (Kind::Int64, logits.device()))?;
        let is_own = slots.label.f_unsqueeze(1)?.f_eq_tensor(&each)?;
        let wanted = overlap.f_unsqueeze(1)?.f_mul(&is_own)?;
        let losses = logits.f_binary_cross_entropy_with_logits(
            &wanted,
            None::<&Tensor>,
            self.pos_weight.as_ref(),
            Reduction::None,
        )?;
        slots.total(&losses.f_sum_dim_intlist([1].as_slice(), false, None)?)
    }
}

/// Σ binary cross entropy over all cells.
fn of_objects(raw: &Tensor, slots: &Slots) -> Result<Tensor> {
    let logits = raw.f_select(1, 4)?;
    let is_match = slots.is_match.f_to_kind(Kind::Float)?;
    let none = logits.f_detach()?.f_zeros_like()?.f_flatten(0, -1)?;
    let wanted = none.f_index_add(0, &slots.cell, &is_match)?;
    Ok(logits.f_binary_cross_entropy_with_logits(
        &wanted.f_view_as(&logits)?,
        None::<&Tensor>,
        None::<&Tensor>,
        Reduction::Sum,
    )?)
}

/// The slots of all boxes, one for each cell that may match; K of them.
struct Slots {
    /// The cell, counted through the batch: `[K]`.
    cell: Tensor,
    /// A slot that holds a match: `[K]`, bool.
    is_match: Tensor,
    /// The raw numbers of the cell but that of the object: `[K, 4 + C]`, 0 where nothing matches.
    raw: Tensor,
    /// The class of the box that is matched: `[K]`.
    label: Tensor,
    /// The cell's box.
    boxes: Bounds,
    /// The box that is matched.
    wanted: Bounds,
    /// The raw numbers that would make that box: `[K, 4]`.
    wanted_raw: Tensor,
}

impl Slots {
    fn of(raw: &Tensor, cells: &Cells, things: &Things, matches: Matches) -> Result<Slots> {
        let Matches {
            cell,
            row,
            is_match,
        } = matches;
        let own = of_cells(raw, &cell)?;
        // Before `exp`: it could be infinite where nothing matches, and its gradient no number.
        let own = own.f_masked_fill(&is_match.f_logical_not()?.f_unsqueeze(1)?, 0.0)?;
        let anchor = cell.f_remainder(cells.x.size()[0])?;
        let x = cells.x.f_index_select(0, &anchor)?;
        let y = cells.y.f_index_select(0, &anchor)?;
        let stride = cells.stride.f_index_select(0, &anchor)?;
        let numbers = own.f_narrow(1, 0, 4)?.f_unbind(1)?;
        let boxes = boxes(&numbers, [&x, &y], &stride)?;
        let wanted = things.rows(&row)?;
        Ok(Slots {
            boxes: Bounds::of(&boxes)?,
            wanted_raw: wanted_raw(&wanted, [&x, &y], &stride)?,
            wanted: Bounds::of(&wanted)?,
            label: things.label().f_index_select(0, &row)?,
            raw: own,
            cell,
            is_match,
        })
    }

    /// The number of matches, 0-d float.
    fn count(&self) -> Result<Tensor> {
        Ok(self.is_match.f_sum(Kind::Float)?)
    }

    /// The sum over slots that match.
    fn total(&self, each: &Tensor) -> Result<Tensor> {
        let is_empty = self.is_match.f_logical_not()?;
        Ok(each.f_masked_fill(&is_empty, 0.0)?.f_sum(None)?)
    }

    /// Σ |difference| of the four raw numbers, over slots that match.
    fn of_raw_numbers(&self) -> Result<Tensor> {
        let difference = self.raw.f_narrow(1, 0, 4)?.f_sub(&self.wanted_raw)?;
        let each = difference.f_abs()?;
        self.total(&each.f_sum_dim_intlist([1].as_slice(), false, None)?)
    }
}

/// The numbers of cells but that of the object: `[K, 4 + C]` of `raw` `[B, 5 + C, A]`.
fn of_cells(raw: &Tensor, cell: &Tensor) -> Result<Tensor> {
    let &[_, columns, anchors] = raw.size().as_slice() else {
        return Err(anyhow!("levels make [B, 5 + C, A]"));
    };
    let image = cell.f_div_scalar_mode(anchors, "floor")?;
    let first = image.f_mul_scalar((columns - 1) * anchors)?.f_add(cell)?;
    let wanted = Tensor::f_arange(columns - 1, (Kind::Int64, raw.device()))?;
    let skipped = wanted.f_ge(4)?;
    let steps = wanted.f_add(&skipped)?.f_mul_scalar(anchors)?;
    let places = first.f_unsqueeze(1)?.f_add(&steps)?;
    let flat = raw.f_flatten(0, -1)?;
    let found = flat.f_index_select(0, &places.f_flatten(0, -1)?)?;
    Ok(found.f_view_as(&places)?)
}

/// The raw numbers that make boxes in cells: `[K, 4]`.
fn wanted_raw(boxes: &[Tensor; 4], places: [&Tensor; 2], stride: &Tensor) -> Result<Tensor> {
    /// Keeps the logarithm finite.
    const LEAST: f64 = 1e-8;
    let [cx, cy, width, height] = boxes;
    let [x, y] = places;
    let numbers = [
        cx.f_div(stride)?.f_sub(x)?,
        cy.f_div(stride)?.f_sub(y)?,
        width.f_div(stride)?.f_add_scalar(LEAST)?.f_log()?,
        height.f_div(stride)?.f_add_scalar(LEAST)?.f_log()?,
    ];
    Ok(Tensor::f_stack(&numbers, 1)?)
}
