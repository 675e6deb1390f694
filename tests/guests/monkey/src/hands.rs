//! The handles that the monkey holds: a few handles of every kind. Those of an earlier phase stay in its hands, stale; a new one
//! drops an old one when they are full.

use phasebox_sdk::prelude::*;

use crate::bytes::Bytes;

/// Handles of each kind.
const FULL: usize = 6;

#[derive(Default)]
pub(crate) struct Hands {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) image: Vec<Tensor>,
    pub(crate) images: Vec<Tensor>,
    pub(crate) boxes: Vec<Tensor>,
    pub(crate) scores: Vec<Tensor>,
    pub(crate) masks: Vec<Tensor>,
    pub(crate) groups: Vec<TensorGroup>,
    pub(crate) numbers: Vec<Deferred>,
    pub(crate) models: Vec<Model>,
    pub(crate) optimizers: Vec<Optimizer>,
    pub(crate) criteria: Vec<Criterion>,
    pub(crate) loaders: Vec<DataLoader>,
    pub(crate) metrics: Vec<Metrics>,
    pub(crate) loggers: Vec<Logger>,
}

/// Answers of the host.
pub(crate) enum Answer {
    Refused(ErrorCode),
    /// A plain value, or none.
    Value,
    Tensor(Tensor),
    Two(Tensor, Tensor),
    Group(TensorGroup),
    Number(Deferred),
    Model(Model),
    Optimizer(Optimizer),
    Criterion(Criterion),
    Loader(DataLoader),
    Metrics(Metrics),
    Logger(Logger),
}

impl Answer {
    pub(crate) fn succeeded(&self) -> bool {
        self.refusal().is_none()
    }

    pub(crate) fn refusal(&self) -> Option<ErrorCode> {
        match self {
            Answer::Refused(code) => Some(*code),
            _ => None,
        }
    }
}

impl Hands {
    /// Something live of every kind, so that short programs get somewhere: the rarest tensor that the phase has,
    /// and its inputs.
    pub(crate) fn pick_up(&mut self, ctx: &PhaseContext) {
        let rarest = ctx
            .loss()
            .or_else(|_| ctx.preds())
            .or_else(|_| ctx.target())
            .or_else(|_| ctx.loss_avg_meter());
        renew(
            &mut self.tensors,
            0,
            rarest.or_else(|_| tensor::rand(&[2, 3], "")),
        );
        renew(&mut self.tensors, 1, ctx.inputs());
        renew(&mut self.inputs, 0, ctx.inputs());
        self.pick_up_pictures();
        if self.numbers.is_empty() {
            self.numbers.extend(
                self.tensors
                    .iter()
                    .find_map(|tensor| tensor.sum(&[], false).ok()?.defer().ok()),
            );
        }
        renew(&mut self.models, 0, ctx.net());
        renew(
            &mut self.groups,
            0,
            ctx.net().and_then(|net| net.parameters()),
        );
        renew(&mut self.optimizers, 0, ctx.optimizer());
        renew(&mut self.criteria, 0, ctx.criterion());
        renew(&mut self.loaders, 0, ctx.train_loader());
        renew(&mut self.metrics, 0, ctx.valid_metrics());
        renew(&mut self.loggers, 0, ctx.sg_logger());
    }

    /// Tensors that the functions of `vision` and `interpolate` take.
    fn pick_up_pictures(&mut self) {
        let made = |shape: &[i64], dtype| tensor::zeros(shape, dtype, "");
        renew(&mut self.image, 0, made(&[3, 8, 8], Dtype::Float32));
        renew(&mut self.images, 0, made(&[2, 3, 4, 4], Dtype::Float32));
        renew(&mut self.boxes, 0, made(&[2, 4], Dtype::Float32));
        renew(&mut self.scores, 0, made(&[2], Dtype::Float32));
        renew(&mut self.masks, 0, made(&[2, 8, 8], Dtype::Boolean));
    }

    /// New handles to what is held, to be given away.
    pub(crate) fn passing_tensors(&self, bytes: &mut Bytes) -> Vec<Tensor> {
        let chosen = bytes.several(|bytes| bytes.one_of(&self.tensors));
        let chosen = chosen.into_iter().flatten();
        chosen.filter_map(|tensor| tensor.detach().ok()).collect()
    }

    /// New handles to groups that are held, to be given away.
    pub(crate) fn passing_groups(&self, bytes: &mut Bytes) -> Vec<TensorGroup> {
        let chosen = bytes.several(|bytes| bytes.one_of(&self.groups));
        let chosen = chosen.into_iter().flatten();
        chosen
            .filter_map(|group| group.matching("*").ok())
            .collect()
    }

    pub(crate) fn take(&mut self, answer: Answer, bytes: &mut Bytes) {
        match answer {
            Answer::Refused(_) | Answer::Value => {}
            Answer::Tensor(tensor) => hold(&mut self.tensors, tensor, bytes),
            Answer::Two(first, second) => {
                hold(&mut self.tensors, first, bytes);
                hold(&mut self.tensors, second, bytes);
            }
            Answer::Group(group) => hold(&mut self.groups, group, bytes),
            Answer::Number(number) => hold(&mut self.numbers, number, bytes),
            Answer::Model(model) => hold(&mut self.models, model, bytes),
            Answer::Optimizer(optimizer) => hold(&mut self.optimizers, optimizer, bytes),
            Answer::Criterion(criterion) => hold(&mut self.criteria, criterion, bytes),
            Answer::Loader(loader) => hold(&mut self.loaders, loader, bytes),
            Answer::Metrics(metrics) => hold(&mut self.metrics, metrics, bytes),
            Answer::Logger(logger) => hold(&mut self.loggers, logger, bytes),
        }
    }
}

/// Puts what there is at `place`, where something stale may lie.
fn renew<T>(held: &mut Vec<T>, place: usize, new: Result<T>) {
    match (held.get_mut(place), new) {
        (Some(old), Ok(new)) => *old = new,
        (None, new) => held.extend(new),
        (Some(_), Err(_)) => {}
    }
}

fn hold<T>(held: &mut Vec<T>, new: T, bytes: &mut Bytes) {
    if held.len() < FULL {
        held.push(new);
    } else {
        held[usize::from(bytes.byte()) % FULL] = new;
    }
}

impl<T: Into<Answer>> From<Result<T>> for Answer {
    fn from(result: Result<T>) -> Answer {
        result.map_or_else(|error| Answer::Refused(error.code), Into::into)
    }
}

impl From<(Tensor, Tensor)> for Answer {
    fn from((first, second): (Tensor, Tensor)) -> Answer {
        Answer::Two(first, second)
    }
}

impl From<Option<Tensor>> for Answer {
    fn from(tensor: Option<Tensor>) -> Answer {
        tensor.map_or(Answer::Value, Answer::Tensor)
    }
}

impl From<Option<TensorGroup>> for Answer {
    fn from(group: Option<TensorGroup>) -> Answer {
        group.map_or(Answer::Value, Answer::Group)
    }
}

macro_rules! handles {
    ($($kind:ident($handle:ty))*) => { $(
        impl From<$handle> for Answer {
            fn from(handle: $handle) -> Answer {
                Answer::$kind(handle)
            }
        }
    )* };
}

handles! {
    Tensor(Tensor) Group(TensorGroup) Number(Deferred) Model(Model) Optimizer(Optimizer)
    Criterion(Criterion) Loader(DataLoader) Metrics(Metrics) Logger(Logger)
}

macro_rules! values {
    ($($value:ty)*) => { $(
        impl From<$value> for Answer {
            fn from(_: $value) -> Answer {
                Answer::Value
            }
        }
    )* };
}

values! {
    () bool u32 u64 f64 String Option<u32> Option<u64> Option<f64> Option<String> TensorInfo
    Vec<f32> Vec<i64> Vec<String> Vec<ScalarEntry> (u64, u64) (Option<u32>, Option<u64>, u64)
}
