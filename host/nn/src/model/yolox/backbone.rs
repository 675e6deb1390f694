//! CSPDarknet, the part of YOLOX that sees the image. Owns the stem; answers features at strides 8, 16 and 32.

use anyhow::Result;
use tch::Tensor;

use super::blocks::{Area, Chain, CspLayer, Pyramid, Unit, window};
use super::{Stem, YoloX};
use crate::model::layers::Window;
use crate::model::variables::Variables;

/// The prefix of all tensors here.
const NAME: &str = "backbone.backbone";

/// The backbone.
pub(super) struct Backbone {
    stem: Stem,
    first: Unit,
    stages: [Stage; 4],
}

/// Half the sides, twice the channels.
struct Stage {
    down: Area,
    pyramid: Option<Pyramid>,
    csp: CspLayer,
}

impl Backbone {
    pub(super) fn new(
        variables: &mut Variables,
        sizes: &YoloX,
        image_channels: i64,
    ) -> Result<Backbone> {
        let first = first(variables, sizes, image_channels)?;
        Ok(Backbone {
            stem: sizes.stem,
            first,
            stages: [
                Stage::new(variables, sizes, 2)?,
                Stage::new(variables, sizes, 3)?,
                Stage::new(variables, sizes, 4)?,
                Stage::new(variables, sizes, 5)?,
            ],
        })
    }

    /// `[B, C, H, W]` → features at strides 8, 16 and 32.
    pub(super) fn forward(&self, images: &Tensor, train: bool) -> Result<[Tensor; 3]> {
        let pixels = match self.stem {
            Stem::Conv => images.shallow_clone(),
            Stem::Focus => focused(images)?,
        };
        let [dark2, dark3, dark4, dark5] = &self.stages;
        let features = self.first.forward(&pixels, train)?;
        let p3 = dark3.forward(&dark2.forward(&features, train)?, train)?;
        let p4 = dark4.forward(&p3, train)?;
        let p5 = dark5.forward(&p4, train)?;
        Ok([p3, p4, p5])
    }
}

/// The first unit.
fn first(variables: &mut Variables, sizes: &YoloX, image_channels: i64) -> Result<Unit> {
    let outputs = sizes.channels(64);
    match sizes.stem {
        Stem::Conv => {
            let window = Window {
                size: 6,
                stride: 2,
                padding: 2,
            };
            let name = format!("{NAME}.stem");
            Unit::new(variables, &name, [image_channels, outputs], window)
        }
        Stem::Focus => {
            let name = format!("{NAME}.stem.conv");
            Unit::new(
                variables,
                &name,
                [4 * image_channels, outputs],
                window(3, 1),
            )
        }
    }
}

/// Each square of 2×2 pixels as one with four times the channels: top left, bottom left, top right, bottom right.
fn focused(images: &Tensor) -> Result<Tensor> {
    let mut corners = Vec::with_capacity(4);
    for (row, column) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let rows = images.f_slice(2, row, None, 2)?;
        corners.push(rows.f_slice(3, column, None, 2)?);
    }
    Ok(Tensor::f_cat(&corners, 1)?)
}

impl Stage {
    /// `dark2` to `dark5`.
    fn new(variables: &mut Variables, sizes: &YoloX, number: u32) -> Result<Stage> {
        let [inputs, outputs] = [number - 2, number - 1].map(|power| sizes.channels(64 << power));
        let is_last = number == 5;
        let kernel = sizes.kernel;
        let name = |index| format!("{NAME}.dark{number}.{index}");
        let down = Area::new(variables, &name(0), [inputs, outputs], 2, kernel)?;
        let pyramid = match is_last {
            true => Some(Pyramid::new(variables, &name(1), outputs)?),
            false => None,
        };
        let full = if number == 3 || number == 4 { 9 } else { 3 };
        let chain = Chain {
            blocks: sizes.blocks(full),
            has_shortcuts: !is_last,
            kernel,
        };
        let csp = name(if is_last { 2 } else { 1 });
        Ok(Stage {
            down,
            pyramid,
            csp: CspLayer::new(variables, &csp, [outputs, outputs], chain)?,
        })
    }

    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let mut features = self.down.forward(inputs, train)?;
        if let Some(pyramid) = &self.pyramid {
            features = pyramid.forward(&features, train)?;
        }
        self.csp.forward(&features, train)
    }
}
