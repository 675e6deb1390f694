//! The path aggregation network of YOLOX (PANet, Liu et al. 2018): features of each stride learn of the others, coarse
//! to fine and back.

use anyhow::Result;
use tch::Tensor;

use super::YoloX;
use super::blocks::{Area, Chain, CspLayer, Unit};
use crate::model::variables::Variables;

/// The neck; fields have the names of its tensors.
pub(super) struct Neck {
    lateral_conv0: Unit,
    c3_p4: CspLayer,
    reduce_conv1: Unit,
    c3_p3: CspLayer,
    bu_conv2: Area,
    c3_n3: CspLayer,
    bu_conv1: Area,
    c3_n4: CspLayer,
}

impl Neck {
    pub(super) fn new(variables: &mut Variables, sizes: &YoloX) -> Result<Neck> {
        let [fine, middle, coarse] = [256, 512, 1024].map(|full| sizes.channels(full));
        let chain = Chain {
            blocks: sizes.blocks(3),
            has_shortcuts: false,
            kernel: sizes.kernel,
        };
        let name = |name: &str| format!("backbone.{name}");
        Ok(Neck {
            lateral_conv0: Unit::pixel(variables, &name("lateral_conv0"), [coarse, middle])?,
            c3_p4: CspLayer::new(variables, &name("C3_p4"), [2 * middle, middle], chain)?,
            reduce_conv1: Unit::pixel(variables, &name("reduce_conv1"), [middle, fine])?,
            c3_p3: CspLayer::new(variables, &name("C3_p3"), [2 * fine, fine], chain)?,
            bu_conv2: halving(variables, &name("bu_conv2"), fine, chain)?,
            c3_n3: CspLayer::new(variables, &name("C3_n3"), [2 * fine, middle], chain)?,
            bu_conv1: halving(variables, &name("bu_conv1"), middle, chain)?,
            c3_n4: CspLayer::new(variables, &name("C3_n4"), [2 * middle, coarse], chain)?,
        })
    }

    /// Features at strides 8, 16 and 32, all with channels of their stride.
    pub(super) fn forward(&self, features: [Tensor; 3], train: bool) -> Result<[Tensor; 3]> {
        let [fine, middle, coarse] = features;
        let lateral = self.lateral_conv0.forward(&coarse, train)?;
        let joined = joined(&doubled(&lateral)?, &middle)?;
        let middle = self.c3_p4.forward(&joined, train)?;
        let reduced = self.reduce_conv1.forward(&middle, train)?;
        let p3 = self
            .c3_p3
            .forward(&self::joined(&doubled(&reduced)?, &fine)?, train)?;
        let down = self.bu_conv2.forward(&p3, train)?;
        let p4 = self.c3_n3.forward(&self::joined(&down, &reduced)?, train)?;
        let down = self.bu_conv1.forward(&p4, train)?;
        let p5 = self.c3_n4.forward(&self::joined(&down, &lateral)?, train)?;
        Ok([p3, p4, p5])
    }
}

/// Halves the sides; channels stay.
fn halving(variables: &mut Variables, name: &str, channels: i64, chain: Chain) -> Result<Area> {
    Area::new(variables, name, [channels, channels], 2, chain.kernel)
}

/// Each pixel four times, in a square.
fn doubled(features: &Tensor) -> Result<Tensor> {
    let size = features.size();
    let sides = [2 * size[2], 2 * size[3]];
    Ok(features.f_upsample_nearest2d(sides, None, None)?)
}

fn joined(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    Ok(Tensor::f_cat(&[left, right], 1)?)
}
