//! All that is needed to build a network, once or again. Owns the sizes a network must fit; knows no layer.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tch::Device;

use super::groups::Groups;
use super::sharing;
use super::variables::{Values, Variables};
use super::{Architecture, Model};
use crate::revision;

/// The description of a [`Model`].
#[derive(Clone)]
pub(super) struct Blueprint {
    /// The architecture's name.
    pub(super) name: &'static str,
    pub(super) architecture: Arc<dyn Architecture>,
    /// The parameters as the recipe wrote them.
    pub(super) arch_params: Value,
    /// The name of each input, and the shape of one sample of it.
    pub(super) inputs: Vec<(String, Vec<i64>)>,
    pub(super) num_classes: Option<i64>,
    /// The recipe's folder.
    pub(super) base: PathBuf,
    pub(super) device: Device,
    /// A pixel's channels lie together.
    pub(super) channels_last: bool,
}

/// The sizes a network must fit: the shape of one sample and the width of the output.
pub(super) struct Sizes {
    pub(super) sample: Vec<i64>,
    pub(super) outputs: i64,
}

impl Sizes {
    /// The length of a flattened sample.
    pub(super) fn flat_inputs(&self) -> i64 {
        self.sample.iter().product()
    }

    /// Channels, height and width.
    pub(super) fn image(&self) -> Result<(i64, i64, i64)> {
        match self.sample.as_slice() {
            [channels, height, width] => Ok((*channels, *height, *width)),
            other => bail!(
                "takes images [channels, height, width]; the data's samples have shape {other:?}"
            ),
        }
    }
}

impl Blueprint {
    /// The number of values in the parameters and buffers that the network would have. Makes none of them.
    ///
    /// # Errors
    /// Sizes that do not fit; more than a network may have.
    pub(super) fn count(&self) -> Result<u64> {
        let mut variables = Variables::new(Device::Cpu, Values::Counted);
        let counted = self.architecture.count(&mut variables, self);
        counted.with_context(|| format!("architecture `{}`", self.name))?;
        Ok(variables.count())
    }

    /// Builds the network with its tensors, sorted by name.
    pub(super) fn build(&self, values: Values) -> Result<Model> {
        let mut variables = Variables::new(self.device, values);
        let network = self
            .architecture
            .build(&mut variables, self)
            .with_context(|| format!("architecture `{}`", self.name))?;
        let batches_tracked = variables.finish()?;
        let mut aliases = sharing::unite(&mut variables.parameters);
        aliases.extend(sharing::unite(&mut variables.buffers));
        aliases.sort_by(|a, b| a.0.cmp(&b.0));
        let all = variables.parameters.iter().chain(&variables.buffers);
        sharing::refuse_overlaps(all).with_context(|| format!("architecture `{}`", self.name))?;
        let mut model = Model {
            blueprint: self.clone(),
            network,
            parameters: variables.parameters,
            buffers: variables.buffers,
            aliases,
            adopted: Vec::new(),
            batches_tracked,
            groups: Groups::default(),
            version: Cell::new(revision::fresh()),
        };
        model.parameters.sort_by(|a, b| a.0.cmp(&b.0));
        model.buffers.sort_by(|a, b| a.0.cmp(&b.0));
        if self.channels_last {
            model.arrange_channels_last()?;
        }
        Ok(model)
    }

    /// The sizes, for architectures that are made to fit them.
    ///
    /// # Errors
    /// Several inputs; an output width that nobody gave, or that is below 1.
    pub(super) fn sizes(&self) -> Result<Sizes> {
        let [(_, sample)] = self.inputs.as_slice() else {
            bail!(
                "takes one input; the data has {}: choose a network that takes several",
                self.input_names()
            );
        };
        let outputs = self.num_classes.context(
            "needs the number of outputs: write `num_classes` in `arch_params`, the data does not say it",
        )?;
        ensure!(
            outputs > 0,
            "`num_classes` must be at least 1, not {outputs}"
        );
        Ok(Sizes {
            sample: sample.clone(),
            outputs,
        })
    }

    fn input_names(&self) -> String {
        let names: Vec<&str> = self.inputs.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    /// The shapes of the inputs, for messages.
    pub(super) fn described_inputs(&self) -> String {
        match self.inputs.as_slice() {
            [(_, shape)] => format!("samples of shape {shape:?}"),
            several => {
                let each = several
                    .iter()
                    .map(|(name, shape)| format!("`{name}` {shape:?}"));
                each.collect::<Vec<_>>().join(", ")
            }
        }
    }
}
