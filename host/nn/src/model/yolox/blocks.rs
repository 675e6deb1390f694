//! The blocks of YOLOX: a convolution with its normalization, bottlenecks, CSP layers and spatial pyramid pooling. Owns
//! their tensor names; `backbone`, `neck` and `head` put them together.

use anyhow::Result;
use tch::Tensor;

use crate::model::layers::{BatchNorm2d, Conv2d, Smoothing, Window};
use crate::model::variables::Variables;

/// The constants of every batch normalization here.
const SMOOTHING: Smoothing = Smoothing {
    epsilon: 1e-3,
    momentum: 0.03,
};

/// The kind of convolutions that look at neighbors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// All channels go into each.
    Dense,
    /// One channel goes into each, and a 1×1 convolution mixes them.
    Depthwise,
}

impl Kernel {
    pub(super) fn of(is_depthwise: bool) -> Kernel {
        match is_depthwise {
            true => Kernel::Depthwise,
            false => Kernel::Dense,
        }
    }
}

/// Convolution without bias, batch normalization, SiLU.
pub(super) struct Unit {
    conv: Conv2d,
    bn: BatchNorm2d,
}

impl Unit {
    /// 1×1, with the names `<name>.conv` and `<name>.bn`.
    pub(super) fn pixel(variables: &mut Variables, name: &str, channels: [i64; 2]) -> Result<Unit> {
        Unit::new(variables, name, channels, window(1, 1))
    }

    pub(super) fn new(
        variables: &mut Variables,
        name: &str,
        [inputs, outputs]: [i64; 2],
        window: Window,
    ) -> Result<Unit> {
        Unit::grouped(variables, name, [inputs, outputs, 1], window)
    }

    fn grouped(
        variables: &mut Variables,
        name: &str,
        channels: [i64; 3],
        window: Window,
    ) -> Result<Unit> {
        let conv = Conv2d::grouped(variables, &format!("{name}.conv"), channels, window)?;
        let bn = format!("{name}.bn");
        Ok(Unit {
            conv,
            bn: BatchNorm2d::smoothed(variables, &bn, channels[1], SMOOTHING)?,
        })
    }

    pub(super) fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let features = self.bn.forward(&self.conv.forward(inputs)?, train)?;
        Ok(features.f_silu()?)
    }
}

/// A square window that keeps the sides at stride 1 and halves them at stride 2.
pub(super) fn window(size: i64, stride: i64) -> Window {
    Window {
        size,
        stride,
        padding: (size - 1) / 2,
    }
}

/// A 3×3 convolution: one unit, or two if it is depthwise.
pub(super) struct Area(Vec<Unit>);

impl Area {
    pub(super) fn new(
        variables: &mut Variables,
        name: &str,
        [inputs, outputs]: [i64; 2],
        stride: i64,
        kernel: Kernel,
    ) -> Result<Area> {
        let window = window(3, stride);
        if kernel == Kernel::Dense {
            let unit = Unit::new(variables, name, [inputs, outputs], window)?;
            return Ok(Area(vec![unit]));
        }
        let (deep, point) = (format!("{name}.dconv"), format!("{name}.pconv"));
        let each = Unit::grouped(variables, &deep, [inputs, inputs, inputs], window)?;
        let mix = Unit::pixel(variables, &point, [inputs, outputs])?;
        Ok(Area(vec![each, mix]))
    }

    pub(super) fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let mut features = inputs.shallow_clone();
        for unit in &self.0 {
            features = unit.forward(&features, train)?;
        }
        Ok(features)
    }
}

/// 1×1, then 3×3, plus the input if there is a shortcut; channels stay.
struct Bottleneck {
    conv1: Unit,
    conv2: Area,
}

impl Bottleneck {
    fn new(
        variables: &mut Variables,
        name: &str,
        channels: i64,
        kernel: Kernel,
    ) -> Result<Bottleneck> {
        let channels = [channels, channels];
        let conv1 = Unit::pixel(variables, &format!("{name}.conv1"), channels)?;
        let conv2 = format!("{name}.conv2");
        Ok(Bottleneck {
            conv1,
            conv2: Area::new(variables, &conv2, channels, 1, kernel)?,
        })
    }

    fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let features = self.conv1.forward(inputs, train)?;
        self.conv2.forward(&features, train)
    }
}

/// The bottlenecks of a CSP layer.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    pub(super) blocks: i64,
    pub(super) has_shortcuts: bool,
    pub(super) kernel: Kernel,
}

/// Half of the channels go through a chain of bottlenecks, half go past it (CSPNet, Wang et al. 2020, with three
/// convolutions).
pub(super) struct CspLayer {
    conv1: Unit,
    conv2: Unit,
    conv3: Unit,
    chain: Vec<Bottleneck>,
    has_shortcuts: bool,
}

impl CspLayer {
    pub(super) fn new(
        variables: &mut Variables,
        name: &str,
        [inputs, outputs]: [i64; 2],
        chain: Chain,
    ) -> Result<CspLayer> {
        let half = (outputs / 2).max(1);
        let mut pixel = |number: i64, channels| {
            let name = format!("{name}.conv{number}");
            Unit::pixel(variables, &name, channels)
        };
        let conv1 = pixel(1, [inputs, half])?;
        let conv2 = pixel(2, [inputs, half])?;
        let conv3 = pixel(3, [2 * half, outputs])?;
        let mut blocks = Vec::new();
        for index in 0..chain.blocks {
            let name = format!("{name}.m.{index}");
            blocks.push(Bottleneck::new(variables, &name, half, chain.kernel)?);
        }
        Ok(CspLayer {
            conv1,
            conv2,
            conv3,
            chain: blocks,
            has_shortcuts: chain.has_shortcuts,
        })
    }

    pub(super) fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let mut through = self.conv1.forward(inputs, train)?;
        for block in &self.chain {
            let features = block.forward(&through, train)?;
            through = match self.has_shortcuts {
                true => features.f_add(&through)?,
                false => features,
            };
        }
        let past = self.conv2.forward(inputs, train)?;
        let both = Tensor::f_cat(&[through, past], 1)?;
        self.conv3.forward(&both, train)
    }
}

/// The sides of the pooled windows.
const POOLS: [i64; 3] = [5, 9, 13];

/// Spatial pyramid pooling: the strongest neighbors in windows of three sizes, beside the features themselves.
pub(super) struct Pyramid {
    conv1: Unit,
    conv2: Unit,
}

impl Pyramid {
    pub(super) fn new(variables: &mut Variables, name: &str, channels: i64) -> Result<Pyramid> {
        let half = (channels / 2).max(1);
        let conv1 = format!("{name}.conv1");
        let conv2 = format!("{name}.conv2");
        Ok(Pyramid {
            conv1: Unit::pixel(variables, &conv1, [channels, half])?,
            conv2: Unit::pixel(variables, &conv2, [4 * half, channels])?,
        })
    }

    pub(super) fn forward(&self, inputs: &Tensor, train: bool) -> Result<Tensor> {
        let features = self.conv1.forward(inputs, train)?;
        let mut all = vec![features.shallow_clone()];
        for side in POOLS {
            let around = [side / 2; 2];
            let pooled = features.f_max_pool2d([side; 2], [1, 1], around, [1, 1], false);
            all.push(pooled?);
        }
        self.conv2.forward(&Tensor::f_cat(&all, 1)?, train)
    }
}
