//! `convnet`: blocks of convolution, batch normalization, ReLU and 2×2 max pooling, then a linear head. For small
//! images (8×8 to 64×64); the head is sized for the input, so unlike a ResNet it takes no other size.

use anyhow::{Result, ensure};
use serde::Deserialize;
use tch::Tensor;

use super::blueprint::{Blueprint, Sizes};
use super::layers::{BatchNorm2d, Conv2d, Linear, Window, relu_};
use super::variables::Variables;
use super::{Architecture, Network, TensorNetwork};

/// `arch_params` of `convnet`.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ConvNetParams {
    /// Output channels of each block, first to last; each block halves height and width.
    channels: Vec<i64>,
    /// Probability that a feature is dropped before the head in training, 0 ≤ p < 1.
    dropout: f64,
}

impl Default for ConvNetParams {
    fn default() -> Self {
        ConvNetParams {
            channels: vec![32, 64],
            dropout: 0.0,
        }
    }
}

impl Architecture for ConvNetParams {
    /// Names: `conv<i>`, `bn<i>` from 1, and `fc`.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>> {
        let sizes = blueprint.sizes()?;
        self.check()?;
        let (mut inputs, _, _) = sizes.image()?;
        let mut blocks = Vec::with_capacity(self.channels.len());
        for (index, outputs) in self.channels.iter().enumerate() {
            blocks.push(Block::new(variables, index + 1, inputs, *outputs)?);
            inputs = *outputs;
        }
        let features = inputs * self.pixels_left(&sizes)?;
        Ok(Box::new(ConvNet {
            blocks,
            fc: Linear::new(variables, "fc", features, sizes.outputs)?,
            dropout: self.dropout,
        }))
    }
}

impl ConvNetParams {
    fn check(&self) -> Result<()> {
        ensure!(
            !self.channels.is_empty(),
            "`channels` must list at least one block"
        );
        ensure!(
            self.channels.iter().all(|width| *width > 0),
            "`channels`: every width must be at least 1"
        );
        ensure!(
            (0.0..1.0).contains(&self.dropout),
            "`dropout` must be at least 0 and below 1"
        );
        Ok(())
    }

    /// The number of pixels after all blocks, each of which halves height and width.
    fn pixels_left(&self, sizes: &Sizes) -> Result<i64> {
        let (_, mut height, mut width) = sizes.image()?;
        for _ in &self.channels {
            height /= 2;
            width /= 2;
        }
        ensure!(
            height > 0 && width > 0,
            "images {:?} are too small to be halved {} times",
            sizes.sample,
            self.channels.len()
        );
        Ok(height * width)
    }
}

struct ConvNet {
    blocks: Vec<Block>,
    fc: Linear,
    dropout: f64,
}

impl TensorNetwork for ConvNet {
    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let mut features = inputs.shallow_clone();
        for block in &self.blocks {
            features = block.forward(&features, train)?;
        }
        features = features.f_flatten(1, -1)?;
        if train && self.dropout > 0.0 {
            features = features.f_dropout(self.dropout, true)?;
        }
        self.fc.forward(&features)
    }
}

struct Block {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl Block {
    fn new(variables: &mut Variables, number: usize, inputs: i64, outputs: i64) -> Result<Block> {
        let window = Window {
            size: 3,
            stride: 1,
            padding: 1,
        };
        let conv = Conv2d::new(variables, &format!("conv{number}"), inputs, outputs, window)?;
        Ok(Block {
            conv,
            bn: BatchNorm2d::new(variables, &format!("bn{number}"), outputs)?,
        })
    }

    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let features = relu_(self.bn.forward(&self.conv.forward(inputs)?, train)?)?;
        Ok(features.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?)
    }
}
