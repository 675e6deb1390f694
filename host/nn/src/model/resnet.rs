//! `resnet18`, `resnet34` and `resnet50` (He et al. 2015) with torchvision's tensor names and first values, so that
//! weights go back and forth. Takes images of any size and channel count.
//!
//! Written on our own layers and not taken from `tch::vision`, whose networks only take three channels, can only panic
//! and start from other values.
use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::layers::{BatchNorm2d, Conv2d, Linear, Window, relu_};
use super::variables::Variables;
use super::{Network, Sizes};

/// `arch_params` of the ResNets.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResNetParams {
    /// A 3×3 stem of stride 1 without pooling, as for CIFAR, in place of ImageNet's 7×7 of stride 2 with pooling:
    /// right for images of about 64×64 and below. Only the shape of `conv1.weight` differs.
    pub small_images: bool,
}

/// How many residual blocks each of the four stages has, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Basic blocks: 2, 2, 2, 2.
    ResNet18,
    /// Basic blocks: 3, 4, 6, 3.
    ResNet34,
    /// Bottleneck blocks (stride in the 3×3 convolution, torchvision's v1.5): 3, 4, 6, 3.
    ResNet50,
}

impl Depth {
    fn blocks(self) -> [usize; 4] {
        if self == Depth::ResNet18 {
            [2, 2, 2, 2]
        } else {
            [3, 4, 6, 3]
        }
    }

    /// Output channels of a block, in units of the channels it works in.
    fn expansion(self) -> i64 {
        if self == Depth::ResNet50 { 4 } else { 1 }
    }
}

const PIXEL: Window = Window {
    size: 1,
    stride: 1,
    padding: 0,
};
const AREA: Window = Window {
    size: 3,
    stride: 1,
    padding: 1,
};
const IMAGENET_STEM: Window = Window {
    size: 7,
    stride: 2,
    padding: 3,
};

/// Names: torchvision's.
pub(super) fn build(
    depth: Depth,
    params: &ResNetParams,
    variables: &mut Variables,
    sizes: &Sizes,
) -> Result<Box<dyn Network>> {
    let (image_channels, _, _) = sizes.image()?;
    let window = if params.small_images {
        AREA
    } else {
        IMAGENET_STEM
    };
    let stem = Normalised::new(variables, "", 1, image_channels, 64, window)?;
    let mut inputs = 64;
    let mut blocks = Vec::new();
    for (stage, count) in depth.blocks().into_iter().enumerate() {
        let channels = 64 << stage;
        for index in 0..count {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let name = format!("layer{}.{index}.", stage + 1);
            blocks.push(Block::new(
                variables, &name, depth, inputs, channels, stride,
            )?);
            inputs = channels * depth.expansion();
        }
    }
    let fc = Linear::new(variables, "fc", inputs, sizes.outputs)?;
    Ok(Box::new(ResNet {
        stem,
        pool_stem: !params.small_images,
        blocks,
        fc,
    }))
}

struct ResNet {
    stem: Normalised,
    pool_stem: bool,
    blocks: Vec<Block>,
    fc: Linear,
}

impl Network for ResNet {
    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let mut features = relu_(self.stem.forward(inputs, train)?)?;
        if self.pool_stem {
            features = features.f_max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false)?;
        }
        for block in &self.blocks {
            features = block.forward(&features, train)?;
        }
        self.fc
            .forward(&features.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?)
    }
}

/// A convolution without bias and the batch normalisation that follows it.
struct Normalised {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl Normalised {
    /// `<prefix>conv<number>` and `<prefix>bn<number>`.
    fn new(
        variables: &mut Variables,
        prefix: &str,
        number: usize,
        inputs: i64,
        outputs: i64,
        window: Window,
    ) -> Result<Normalised> {
        let names = [
            format!("{prefix}conv{number}"),
            format!("{prefix}bn{number}"),
        ];
        Normalised::named(variables, &names, inputs, outputs, window)
    }

    fn named(
        variables: &mut Variables,
        [conv, bn]: &[String; 2],
        inputs: i64,
        outputs: i64,
        window: Window,
    ) -> Result<Normalised> {
        let conv = Conv2d::without_bias(variables, conv, inputs, outputs, window)?;
        Ok(Normalised {
            conv,
            bn: BatchNorm2d::new(variables, bn, outputs)?,
        })
    }

    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        self.bn.forward(&self.conv.forward(inputs)?, train)
    }
}

/// `relu(body(x) + shortcut(x))`, with a ReLU between the body's layers.
struct Block {
    body: Vec<Normalised>,
    shortcut: Option<Normalised>,
}

impl Block {
    fn new(
        variables: &mut Variables,
        name: &str,
        depth: Depth,
        inputs: i64,
        channels: i64,
        stride: i64,
    ) -> Result<Block> {
        let outputs = channels * depth.expansion();
        let strided = Window { stride, ..AREA };
        let layers = match depth {
            Depth::ResNet50 => vec![(channels, PIXEL), (channels, strided), (outputs, PIXEL)],
            _ => vec![(channels, strided), (outputs, AREA)],
        };
        let mut body = Vec::with_capacity(layers.len());
        let mut width = inputs;
        for (index, (layer_outputs, window)) in layers.into_iter().enumerate() {
            body.push(Normalised::new(
                variables,
                name,
                index + 1,
                width,
                layer_outputs,
                window,
            )?);
            width = layer_outputs;
        }
        let same_shape = stride == 1 && inputs == outputs;
        let shortcut = match same_shape {
            true => None,
            false => Some(Block::projection(variables, name, inputs, outputs, stride)?),
        };
        Ok(Block { body, shortcut })
    }

    fn projection(
        variables: &mut Variables,
        name: &str,
        inputs: i64,
        outputs: i64,
        stride: i64,
    ) -> Result<Normalised> {
        let names = [format!("{name}downsample.0"), format!("{name}downsample.1")];
        Normalised::named(
            variables,
            &names,
            inputs,
            outputs,
            Window { stride, ..PIXEL },
        )
    }

    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let mut features = inputs.shallow_clone();
        for (index, layer) in self.body.iter().enumerate() {
            if index > 0 {
                features = relu_(features)?;
            }
            features = layer.forward(&features, train)?;
        }
        let shortcut = match &self.shortcut {
            Some(projection) => projection.forward(inputs, train)?,
            None => inputs.shallow_clone(),
        };
        let _ = features.f_add_(&shortcut)?;
        relu_(features)
    }
}
