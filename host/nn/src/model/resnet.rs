//! `resnet18`, `resnet34` and `resnet50` (He et al. 2015) with torchvision's tensor names and first values, so that
//! weights go back and forth. Takes images of any size and channel count.
//!
//! Written on our own layers and not taken from `tch::vision`, whose networks only take three channels, can only panic
//! and start from other values.

use std::sync::Arc;

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use tch::Tensor;

use super::blueprint::Blueprint;
use super::layers::{BatchNorm2d, Conv2d, Linear, Window, relu_};
use super::variables::Variables;
use super::{Architecture, Network, TensorNetwork};
use crate::params;

/// `arch_params` of the ResNets.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ResNetParams {
    /// A 3×3 stem of stride 1 without pooling, as for CIFAR, in place of ImageNet's 7×7 of stride 2 with pooling:
    /// right for images of about 64×64 and below. Only the shape of `conv1.weight` differs.
    small_images: bool,
}

/// The number of residual blocks in each of the four stages, and their kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
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

    /// Output channels and window of each layer of a block that works in `channels`.
    fn layers(self, channels: i64, stride: i64) -> Vec<(i64, Window)> {
        let outputs = channels * self.expansion();
        let strided = Window { stride, ..AREA };
        match self {
            Depth::ResNet50 => vec![(channels, PIXEL), (channels, strided), (outputs, PIXEL)],
            _ => vec![(channels, strided), (outputs, AREA)],
        }
    }
}

/// Output channels of the stem.
const STEM_CHANNELS: i64 = 64;

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

/// A depth with its `arch_params`.
struct DeepResNet {
    depth: Depth,
    params: ResNetParams,
}

/// Reads the `arch_params` of `resnet18`.
pub(super) fn read_18(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    read(Depth::ResNet18, owner, block)
}

/// Reads the `arch_params` of `resnet34`.
pub(super) fn read_34(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    read(Depth::ResNet34, owner, block)
}

/// Reads the `arch_params` of `resnet50`.
pub(super) fn read_50(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    read(Depth::ResNet50, owner, block)
}

/// Reads the `arch_params` of SuperGradients' `resnet18_cifar`: `resnet18` for small images, unless they say otherwise.
pub(super) fn read_18_cifar(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    let mut block = block.clone();
    if let Value::Object(block) = &mut block {
        block.entry("small_images").or_insert(true.into());
    } else if block.is_null() {
        block = json!({ "small_images": true });
    }
    read(Depth::ResNet18, owner, &block)
}

fn read(depth: Depth, owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    let params = params::read(owner, block)?;
    Ok(Arc::new(DeepResNet { depth, params }))
}

impl Architecture for DeepResNet {
    /// Names: torchvision's.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>> {
        let sizes = blueprint.sizes()?;
        let (image_channels, _, _) = sizes.image()?;
        let stem = self.stem(variables, image_channels)?;
        let (blocks, features) = self.blocks(variables)?;
        Ok(Box::new(ResNet {
            stem,
            pool_stem: !self.params.small_images,
            blocks,
            fc: Linear::new(variables, "fc", features, sizes.outputs)?,
        }))
    }
}

impl DeepResNet {
    fn stem(&self, variables: &mut Variables, image_channels: i64) -> Result<Normalized> {
        let window = if self.params.small_images {
            AREA
        } else {
            IMAGENET_STEM
        };
        Normalized::new(variables, "", 1, image_channels, STEM_CHANNELS, window)
    }

    /// The blocks of all stages, and the channels that come out of the last.
    fn blocks(&self, variables: &mut Variables) -> Result<(Vec<Block>, i64)> {
        let depth = self.depth;
        let mut inputs = STEM_CHANNELS;
        let mut blocks = Vec::new();
        for (stage, count) in depth.blocks().into_iter().enumerate() {
            let channels = STEM_CHANNELS << stage;
            for index in 0..count {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("layer{}.{index}.", stage + 1);
                let block = Block::new(variables, &name, depth, inputs, channels, stride)?;
                blocks.push(block);
                inputs = channels * depth.expansion();
            }
        }
        Ok((blocks, inputs))
    }
}

struct ResNet {
    stem: Normalized,
    pool_stem: bool,
    blocks: Vec<Block>,
    fc: Linear,
}

impl TensorNetwork for ResNet {
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

/// A convolution without bias and the batch normalization that follows it.
struct Normalized {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl Normalized {
    /// `<prefix>conv<number>` and `<prefix>bn<number>`.
    fn new(
        variables: &mut Variables,
        prefix: &str,
        number: usize,
        inputs: i64,
        outputs: i64,
        window: Window,
    ) -> Result<Normalized> {
        let names = [
            format!("{prefix}conv{number}"),
            format!("{prefix}bn{number}"),
        ];
        Normalized::named(variables, &names, inputs, outputs, window)
    }

    fn named(
        variables: &mut Variables,
        [conv, bn]: &[String; 2],
        inputs: i64,
        outputs: i64,
        window: Window,
    ) -> Result<Normalized> {
        let conv = Conv2d::without_bias(variables, conv, inputs, outputs, window)?;
        Ok(Normalized {
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
    body: Vec<Normalized>,
    shortcut: Option<Normalized>,
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
        let has_input_shape = stride == 1 && inputs == outputs;
        let body = Block::body(variables, name, inputs, &depth.layers(channels, stride))?;
        let shortcut = if has_input_shape {
            None
        } else {
            Some(Block::projection(variables, name, inputs, outputs, stride)?)
        };
        Ok(Block { body, shortcut })
    }

    fn body(
        variables: &mut Variables,
        name: &str,
        mut inputs: i64,
        layers: &[(i64, Window)],
    ) -> Result<Vec<Normalized>> {
        let mut body = Vec::with_capacity(layers.len());
        for (index, (outputs, window)) in layers.iter().enumerate() {
            let number = index + 1;
            let layer = Normalized::new(variables, name, number, inputs, *outputs, *window)?;
            body.push(layer);
            inputs = *outputs;
        }
        Ok(body)
    }

    fn projection(
        variables: &mut Variables,
        name: &str,
        inputs: i64,
        outputs: i64,
        stride: i64,
    ) -> Result<Normalized> {
        let names = [format!("{name}downsample.0"), format!("{name}downsample.1")];
        Normalized::named(
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
