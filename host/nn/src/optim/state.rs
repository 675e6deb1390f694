//! The tensors of one group: parameters, gradients, state buffers and step counts, both one by one (to save) and as
//! lists of those that take part in a step (for the kernels). Owns the state; knows no arithmetic.

use anyhow::Result;
use tch::{Kind, Tensor};
use torch_ext::{LearningRate, TensorList};

/// Equally long lists of what a step works on.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) parameters: TensorList,
    pub(super) gradients: TensorList,
    /// 0-d float32 counts; empty where the rule does not count.
    pub(super) steps: TensorList,
    buffers: Vec<(&'static str, TensorList)>,
    none: TensorList,
}

impl Lists {
    /// The buffer of that name; an empty list if there is none, which is what the kernels want for state unused.
    pub(super) fn buffer(&self, name: &str) -> &TensorList {
        self.buffers
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(&self.none, |(_, list)| list)
    }
}

/// One tensor per parameter of the group.
#[derive(Debug)]
struct Buffer {
    name: &'static str,
    /// Scratch is not.
    saved: bool,
    tensors: Vec<Tensor>,
}

/// A group's tensors.
#[derive(Debug)]
pub(super) struct GroupState {
    parameters: Vec<Tensor>,
    all: TensorList,
    /// Of each parameter: whether it has a gradient, and whether it has ever stepped.
    present: Vec<bool>,
    started: Vec<bool>,
    buffers: Vec<Buffer>,
    /// All counts in one tensor, so that one kernel counts for all; `step_mask` is 1 where a parameter is present.
    steps: Option<Tensor>,
    step_views: Vec<Tensor>,
    step_mask: Option<Tensor>,
    active: Lists,
    device_learning_rate: Option<(Tensor, f64)>,
}

impl GroupState {
    pub(super) fn new<'a>(parameters: impl Iterator<Item = &'a Tensor>) -> Result<Self> {
        let parameters: Vec<Tensor> = parameters.map(Tensor::shallow_clone).collect();
        let count = parameters.len();
        Ok(Self {
            all: TensorList::from_tensors(&parameters)?,
            parameters,
            present: vec![false; count],
            started: vec![false; count],
            buffers: Vec::new(),
            steps: None,
            step_views: Vec::new(),
            step_mask: None,
            active: Lists::default(),
            device_learning_rate: None,
        })
    }

    /// Allocates what is missing of the named buffers, as zeros; what is there stays.
    pub(super) fn ensure(
        &mut self,
        saved: &[&'static str],
        scratch: &[&'static str],
        steps: bool,
    ) -> Result<()> {
        for (names, saved) in [(saved, true), (scratch, false)] {
            for &name in names {
                if !self.buffers.iter().any(|buffer| buffer.name == name) {
                    let zeros = self
                        .parameters
                        .iter()
                        .map(|parameter| Ok(parameter.detach().f_zeros_like()?));
                    let tensors = zeros.collect::<Result<_>>()?;
                    self.buffers.push(Buffer {
                        name,
                        saved,
                        tensors,
                    });
                }
            }
        }
        if steps && self.steps.is_none() {
            // Parameters that stepped before anybody counted have taken at least one.
            let steps = self.flags(&self.started)?;
            let views =
                (0..self.parameters.len()).map(|index| Ok(steps.f_select(0, index as i64)?));
            self.step_views = views.collect::<Result<_>>()?;
            self.steps = Some(steps);
        }
        self.rebuild()
    }

    /// Looks up the gradients of this step; rebuilds the lists when other parameters than last time have one.
    pub(super) fn refresh(&mut self) -> Result<()> {
        if self
            .active
            .gradients
            .set_gradients_of(&self.all, &mut self.present)?
        {
            self.rebuild()?;
        }
        Ok(())
    }

    fn rebuild(&mut self) -> Result<()> {
        self.step_mask = self
            .steps
            .as_ref()
            .map(|_| self.flags(&self.present))
            .transpose()?;
        self.active = self.lists(&self.present)?;
        Ok(())
    }

    /// The lists of the parameters whose flag is set.
    fn lists(&self, flags: &[bool]) -> Result<Lists> {
        let chosen: Vec<usize> = (0..flags.len()).filter(|&index| flags[index]).collect();
        let list = |tensors: &[Tensor]| {
            TensorList::from_tensors(chosen.iter().map(|&index| &tensors[index]))
        };
        let parameters = list(&self.parameters)?;
        let mut gradients = TensorList::new();
        gradients.set_gradients_of(&parameters, &mut vec![true; chosen.len()])?;
        let buffers = self
            .buffers
            .iter()
            .map(|buffer| Ok((buffer.name, list(&buffer.tensors)?)));
        let buffers = buffers.collect::<Result<_>>()?;
        let steps = if self.steps.is_some() {
            list(&self.step_views)?
        } else {
            TensorList::new()
        };
        Ok(Lists {
            parameters,
            gradients,
            steps,
            buffers,
            none: TensorList::new(),
        })
    }

    /// The lists of this step; empty where no parameter has a gradient.
    pub(super) fn active(&self) -> &Lists {
        &self.active
    }

    /// The same in two parts, for rules whose first step differs: those who have never stepped, and the others.
    /// Allocates, but only in such a step.
    pub(super) fn split(&self) -> Result<[(Lists, bool); 2]> {
        let part = |started: bool| {
            let flags = self.present.iter().zip(&self.started);
            self.lists(
                &flags
                    .map(|(&present, &has_started)| present && has_started == started)
                    .collect::<Vec<_>>(),
            )
        };
        Ok([(part(false)?, true), (part(true)?, false)])
    }

    /// Whether a parameter is about to take its first step.
    pub(super) fn has_fresh(&self) -> bool {
        self.present
            .iter()
            .zip(&self.started)
            .any(|(&present, &started)| present && !started)
    }

    /// Counts the step that follows.
    pub(super) fn count(&mut self) -> Result<()> {
        if let (Some(steps), Some(mask)) = (&mut self.steps, &self.step_mask) {
            let _counted = steps.f_add_(mask)?;
        }
        Ok(())
    }

    /// Remembers who has stepped by now.
    pub(super) fn mark_started(&mut self) {
        for (started, present) in self.started.iter_mut().zip(&self.present) {
            *started |= present;
        }
    }

    /// Name of the buffer, index of the parameter and tensor of all saved state.
    pub(super) fn saved(&self) -> impl Iterator<Item = (&'static str, usize, Tensor)> {
        let buffers = self.buffers.iter().filter(|buffer| buffer.saved);
        let named = buffers
            .map(|buffer| (buffer.name, &buffer.tensors))
            .chain([("step", &self.step_views)]);
        named.flat_map(|(name, tensors)| {
            tensors
                .iter()
                .enumerate()
                .map(move |(index, tensor)| (name, index, tensor.shallow_clone()))
        })
    }

    /// Learns from loaded counts who has stepped. Syncs.
    pub(super) fn loaded(&mut self) -> Result<()> {
        if let Some(steps) = &self.steps {
            let counts = Vec::<f64>::try_from(&steps.f_to_kind(Kind::Double)?)?;
            self.started = counts.into_iter().map(|count| count > 0.0).collect();
        }
        Ok(())
    }

    /// Puts the learning rate into a tensor that kernels read.
    pub(super) fn use_device_learning_rate(&mut self, rate: f64) -> Result<()> {
        let device = self
            .parameters
            .first()
            .map_or(tch::Device::Cpu, Tensor::device);
        let kind = LearningRate::kind_on(device);
        self.device_learning_rate = Some((Tensor::f_full([0i64; 0], rate, (kind, device))?, rate));
        Ok(())
    }

    /// Rewrites that tensor if the rate is another than the last.
    pub(super) fn upload_learning_rate(&mut self, rate: f64) -> Result<()> {
        if let Some((tensor, uploaded)) = &mut self.device_learning_rate
            && *uploaded != rate
        {
            let _filled = tensor.f_fill_(rate)?;
            *uploaded = rate;
        }
        Ok(())
    }

    /// What a step is to use: the tensor if there is one, else `rate`.
    pub(super) fn learning_rate(&self, rate: f64) -> LearningRate<'_> {
        match &self.device_learning_rate {
            Some((tensor, _)) => LearningRate::Device(tensor),
            None => LearningRate::Host(rate),
        }
    }

    /// Flags as float32 on the parameters' device.
    fn flags(&self, flags: &[bool]) -> Result<Tensor> {
        let device = self
            .parameters
            .first()
            .map_or(tch::Device::Cpu, Tensor::device);
        let numbers: Vec<f32> = flags
            .iter()
            .map(|&flag| f32::from(u8::from(flag)))
            .collect();
        Ok(Tensor::f_from_slice(&numbers)?.f_to_device(device)?)
    }
}
