//! The tensors of one group: parameters, gradients, state buffers and step counts, both one by one (to save) and as
//! lists of those that take part in a step (for the kernels). Owns the state; knows no arithmetic.

use anyhow::Result;
use tch::{Device, Kind, Tensor};
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
    /// The buffer of that name; without one an empty list, which kernels take for state they do not use.
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
    /// False for scratch.
    saved: bool,
    tensors: Vec<Tensor>,
}

/// A group's tensors.
#[derive(Debug)]
pub(super) struct GroupState {
    parameters: Vec<Tensor>,
    all: TensorList,
    /// The parameters that have a gradient.
    present: Vec<bool>,
    /// The parameters that have ever stepped.
    started: Vec<bool>,
    buffers: Vec<Buffer>,
    /// All counts in one tensor, so that one kernel counts for all.
    steps: Option<Tensor>,
    /// The counts one by one, 0-d.
    step_views: Vec<Tensor>,
    /// 1 where a parameter is present, else 0: the addend of a step to `steps`.
    step_mask: Option<Tensor>,
    active: Lists,
    /// The tensor that kernels read, and the rate it holds.
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

    /// Allocates the named buffers that are missing, as zeros; the others stay as they are.
    pub(super) fn ensure(
        &mut self,
        saved: &[&'static str],
        scratch: &[&'static str],
        steps: bool,
    ) -> Result<()> {
        saved
            .iter()
            .try_for_each(|name| self.ensure_buffer(name, true))?;
        scratch
            .iter()
            .try_for_each(|name| self.ensure_buffer(name, false))?;
        if steps && self.steps.is_none() {
            self.start_counting()?;
        }
        self.rebuild()
    }

    fn ensure_buffer(&mut self, name: &'static str, saved: bool) -> Result<()> {
        if self.buffers.iter().any(|buffer| buffer.name == name) {
            return Ok(());
        }
        let parameters = self.parameters.iter();
        let zeros = parameters.map(|parameter| Ok(parameter.f_detach()?.f_zeros_like()?));
        self.buffers.push(Buffer {
            name,
            saved,
            tensors: zeros.collect::<Result<_>>()?,
        });
        Ok(())
    }

    /// Begins to count steps. Parameters that stepped before anybody counted have taken at least one.
    fn start_counting(&mut self) -> Result<()> {
        let steps = self.flags(&self.started)?;
        let indices = 0..self.parameters.len() as i64;
        let views = indices.map(|index| Ok(steps.f_select(0, index)?));
        self.step_views = views.collect::<Result<_>>()?;
        self.steps = Some(steps);
        Ok(())
    }

    /// Looks up the gradients of this step; rebuilds the lists when other parameters than last time have one.
    pub(super) fn refresh(&mut self) -> Result<()> {
        let gradients = &mut self.active.gradients;
        if gradients.set_gradients_of(&self.all, &mut self.present)? {
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
        let parameters = list(&self.parameters, &chosen)?;
        let mut gradients = TensorList::new();
        gradients.set_gradients_of(&parameters, &mut vec![true; chosen.len()])?;
        let buffers = self.buffers.iter();
        let buffers = buffers.map(|buffer| Ok((buffer.name, list(&buffer.tensors, &chosen)?)));
        let steps = if self.steps.is_some() {
            list(&self.step_views, &chosen)?
        } else {
            TensorList::new()
        };
        Ok(Lists {
            parameters,
            gradients,
            steps,
            buffers: buffers.collect::<Result<_>>()?,
            none: TensorList::new(),
        })
    }

    /// The lists of this step; empty where no parameter has a gradient.
    pub(super) fn active(&self) -> &Lists {
        &self.active
    }

    /// The lists of this step in two parts, for rules whose first step differs: the parameters that take their first
    /// step (marked `true`), and the others. Allocates, but only in such a step.
    pub(super) fn split(&self) -> Result<[(Lists, bool); 2]> {
        let first = self.lists(&self.present_and(false))?;
        let later = self.lists(&self.present_and(true))?;
        Ok([(first, true), (later, false)])
    }

    /// The parameters that have a gradient and have, or have not, stepped before.
    fn present_and(&self, started: bool) -> Vec<bool> {
        let flags = self.present.iter().zip(&self.started);
        flags
            .map(|(present, has_started)| *present && *has_started == started)
            .collect()
    }

    /// A parameter is about to take its first step.
    pub(super) fn has_fresh(&self) -> bool {
        let mut flags = self.present.iter().zip(&self.started);
        flags.any(|(present, started)| *present && !started)
    }

    /// Counts the step that follows.
    pub(super) fn count(&mut self) -> Result<()> {
        if let (Some(steps), Some(mask)) = (&mut self.steps, &self.step_mask) {
            let _counted = steps.f_add_(mask)?;
        }
        Ok(())
    }

    /// Remembers the parameters that have stepped by now.
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

    /// Derives from loaded counts which parameters have stepped. Syncs.
    pub(super) fn loaded(&mut self) -> Result<()> {
        if let Some(steps) = &self.steps {
            let counts = Vec::<f64>::try_from(&steps.f_to_kind(Kind::Double)?)?;
            self.started = counts.into_iter().map(|count| count > 0.0).collect();
        }
        Ok(())
    }

    /// Puts the learning rate into a tensor that kernels read.
    pub(super) fn use_device_learning_rate(&mut self, rate: f64) -> Result<()> {
        let kind = LearningRate::kind_on(self.device());
        let tensor = Tensor::f_full([0i64; 0], rate, (kind, self.device()))?;
        self.device_learning_rate = Some((tensor, rate));
        Ok(())
    }

    /// Rewrites the tensor of [`GroupState::use_device_learning_rate`] if the rate has changed.
    pub(super) fn upload_learning_rate(&mut self, rate: f64) -> Result<()> {
        if let Some((tensor, uploaded)) = &mut self.device_learning_rate
            && *uploaded != rate
        {
            let _filled = tensor.f_fill_(rate)?;
            *uploaded = rate;
        }
        Ok(())
    }

    /// The learning rate for a step: the tensor if there is one, else `rate`.
    pub(super) fn learning_rate(&self, rate: f64) -> LearningRate<'_> {
        match &self.device_learning_rate {
            Some((tensor, _)) => LearningRate::Device(tensor),
            None => LearningRate::Host(rate),
        }
    }

    fn device(&self) -> Device {
        let first = self.parameters.first();
        first.map_or(Device::Cpu, Tensor::device)
    }

    /// Flags as float32 on the parameters' device.
    fn flags(&self, flags: &[bool]) -> Result<Tensor> {
        let numbers = flags.iter().map(|flag| f32::from(u8::from(*flag)));
        let numbers: Vec<f32> = numbers.collect();
        Ok(Tensor::f_from_slice(&numbers)?.f_to_device(self.device())?)
    }
}

/// The tensors at the `chosen` indices.
fn list(tensors: &[Tensor], chosen: &[usize]) -> Result<TensorList, torch_ext::Error> {
    TensorList::from_tensors(chosen.iter().map(|index| &tensors[*index]))
}
