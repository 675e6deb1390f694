//! The decoupled heads of YOLOX: one for each level, with a branch for classes and one for boxes. Owns the order of the
//! numbers in a level, and the boxes that evaluation answers.

use std::sync::Arc;

use anyhow::Result;
use tch::Tensor;
use torch_ext::Items;

use super::blocks::{Area, Unit, window};
use super::{OUTPUTS, STRIDES, YoloX};
use crate::cells::{Cells, flattened};
use crate::model::layers::Conv2d;
use crate::model::variables::Variables;

/// Logits of objects and classes start here: a probability of 0.01.
const PRIOR: f64 = -4.595_119_850_134_589;

/// The heads of all levels.
pub(super) struct Head {
    levels: Vec<Level>,
    /// `decoded`, and the levels' own; kept, since each batch wants them.
    names: [Arc<str>; 4],
}

/// The head of one level.
struct Level {
    stem: Unit,
    cls_convs: [Area; 2],
    reg_convs: [Area; 2],
    cls_pred: Conv2d,
    reg_pred: Conv2d,
    obj_pred: Conv2d,
}

impl Head {
    pub(super) fn new(variables: &mut Variables, sizes: &YoloX, classes: i64) -> Result<Head> {
        let mut levels = Vec::with_capacity(STRIDES.len());
        for (index, full) in [256, 512, 1024].into_iter().enumerate() {
            let inputs = sizes.channels(full);
            levels.push(Level::new(variables, sizes, index, [inputs, classes])?);
        }
        Ok(Head {
            levels,
            names: OUTPUTS.map(Arc::from),
        })
    }

    /// Features of each stride → raw levels, with decoded boxes before them in evaluation.
    pub(super) fn forward(&self, features: &[Tensor; 3], train: bool) -> Result<Items> {
        let mut raw = Vec::with_capacity(STRIDES.len());
        for (level, features) in self.levels.iter().zip(features) {
            raw.push(level.forward(features, train)?);
        }
        let [decoded, levels @ ..] = &self.names;
        let before = match train {
            true => None,
            false => Some((decoded.clone(), self::decoded(&raw)?)),
        };
        let levels = levels.iter().cloned().zip(raw);
        Ok(Items::named(before.into_iter().chain(levels))?)
    }
}

/// `[B, A, 5 + C]`: cx, cy, w and h in pixels of the input, then probabilities.
fn decoded(levels: &[Tensor]) -> Result<Tensor> {
    let levels: Vec<&Tensor> = levels.iter().collect();
    let raw = flattened(&levels)?;
    let boxes = Cells::of(&levels, &STRIDES)?.boxes(&raw)?;
    let boxes = Tensor::f_stack(&boxes, 2)?;
    let logits = raw.f_slice(1, 4, None, 1)?;
    let probabilities = logits.f_sigmoid()?.f_transpose(1, 2)?;
    Ok(Tensor::f_cat(&[boxes, probabilities], 2)?)
}

impl Level {
    fn new(
        variables: &mut Variables,
        sizes: &YoloX,
        index: usize,
        [inputs, classes]: [i64; 2],
    ) -> Result<Level> {
        let inside = sizes.head_channels.unwrap_or(sizes.channels(256));
        let name = |kind: &str| format!("head.{kind}.{index}");
        let stem = Unit::pixel(variables, &name("stems"), [inputs, inside])?;
        let cls_convs = branch(variables, sizes, &name("cls_convs"), inside)?;
        let reg_convs = branch(variables, sizes, &name("reg_convs"), inside)?;
        let mut pred = |kind: &str, outputs| {
            let window = window(1, 1);
            Conv2d::new(variables, &name(kind), inside, outputs, window)
        };
        let level = Level {
            stem,
            cls_convs,
            reg_convs,
            cls_pred: pred("cls_preds", classes)?,
            reg_pred: pred("reg_preds", 4)?,
            obj_pred: pred("obj_preds", 1)?,
        };
        level.cls_pred.fill_bias(PRIOR)?;
        level.obj_pred.fill_bias(PRIOR)?;
        Ok(level)
    }

    /// `[B, 5 + C, h, w]`: box 4, object 1, classes C.
    fn forward(&self, features: &Tensor, train: bool) -> Result<Tensor> {
        let stem = self.stem.forward(features, train)?;
        let [first, second] = &self.cls_convs;
        let classes = second.forward(&first.forward(&stem, train)?, train)?;
        let [first, second] = &self.reg_convs;
        let boxes = second.forward(&first.forward(&stem, train)?, train)?;
        let all = [
            self.reg_pred.forward(&boxes)?,
            self.obj_pred.forward(&boxes)?,
            self.cls_pred.forward(&classes)?,
        ];
        Ok(Tensor::f_cat(&all, 1)?)
    }
}

/// Two 3×3 convolutions.
fn branch(
    variables: &mut Variables,
    sizes: &YoloX,
    name: &str,
    channels: i64,
) -> Result<[Area; 2]> {
    let (channels, kernel) = ([channels, channels], sizes.kernel);
    let first = format!("{name}.0");
    let second = format!("{name}.1");
    Ok([
        Area::new(variables, &first, channels, 1, kernel)?,
        Area::new(variables, &second, channels, 1, kernel)?,
    ])
}
