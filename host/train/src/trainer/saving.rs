//! Checkpoints: when one is due, what goes into it, and how a run goes on from one. The format is
//! `checkpoint`'s. On the CPU a resumed run gives bit for bit what the uninterrupted one would have given.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use phasebox_contract::phase::Phase;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Position, Trainer};
use crate::callback::CallbackState;
use crate::checkpoint::{self, Accumulation, LATEST, Snapshot, State, Watched};
use crate::context::Context;
use crate::control::Ask;
use crate::logger::Logged;

/// What the trainer itself must remember, beside what `checkpoint::State` names.
#[derive(Serialize, Deserialize)]
struct Remembered {
    elapsed_seconds: f64,
    accumulation: u32,
    scheduled_rates: Vec<f64>,
    groups: Vec<RememberedGroup>,
    frozen: Vec<String>,
    best_values: Vec<Bits>,
    metrics: Vec<(String, Bits)>,
    loaders: Vec<serde_json::Value>,
    asked: Vec<Ask>,
    callbacks: Vec<RememberedCallback>,
}

#[derive(Serialize, Deserialize)]
struct RememberedGroup {
    name: String,
    hyperparameters: Vec<(String, f64)>,
}

#[derive(Serialize, Deserialize)]
struct RememberedCallback {
    name: String,
    random_draws: u64,
    /// Whether it saved bytes of its own: none is not the same as an empty list.
    has_bytes: bool,
}

/// A number by its bits: JSON has neither NaN nor infinity, and metrics may be either.
#[derive(Serialize, Deserialize)]
struct Bits(u64);

impl Bits {
    fn value(&self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for Bits {
    fn from(value: f64) -> Bits {
        Bits(value.to_bits())
    }
}

/// Between a callback's name and the name of its tensor; neither may contain it.
const OWNER_SEPARATOR: &str = "///";

impl Trainer {
    /// At the end of an epoch: latest, and the tags it has earned. One checkpoint, however many tags.
    pub(super) fn save_epoch(&mut self, is_best: bool) -> Result<()> {
        let saving = &self.settings.saving;
        let mut tags = vec![LATEST.to_owned()];
        if is_best {
            tags.push(saving.best_tag.clone());
        }
        if saving.epochs.contains(&self.position.epoch) {
            tags.push(format!("epoch_{}", self.position.epoch));
        }
        tags.append(&mut self.context.control.checkpoints);
        self.save(&tags)
    }

    /// Between two batches: what callbacks asked for, and every so many steps.
    pub(super) fn save_within_epoch(&mut self, stepped: bool) -> Result<()> {
        let mut tags = std::mem::take(&mut self.context.control.checkpoints);
        let step = self.context.global_step;
        if stepped
            && self
                .settings
                .saving
                .every_steps
                .is_some_and(|every| step.is_multiple_of(every))
        {
            tags.push(LATEST.to_owned());
        }
        if tags.is_empty() {
            Ok(())
        } else {
            self.save(&tags)
        }
    }

    /// Saves the state as it is after on-checkpoint-save-start.
    pub(super) fn save(&mut self, tags: &[String]) -> Result<()> {
        if !self.settings.saving.enabled {
            return Ok(());
        }
        self.fire(Phase::CheckpointSaveStart)?;
        self.context.logger.flush()?;
        let snapshot = self.snapshot()?;
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        checkpoint::save(
            self.run.path(),
            &tags,
            &snapshot,
            self.settings.saving.durability,
        )?;
        self.fire(Phase::CheckpointSaveEnd)
    }

    fn snapshot(&mut self) -> Result<Snapshot> {
        let states = self.callbacks.save_states(self.context.global_step)?;
        let context = &*self.context;
        let (best_models, best_values) = self.best_models.state();
        let metrics = &context.metrics_dict;
        let remembered = Remembered {
            elapsed_seconds: context.elapsed().as_secs_f64(),
            accumulation: context.accumulation,
            scheduled_rates: self.scheduled.clone(),
            groups: groups(context)?,
            frozen: frozen(context),
            best_values: best_values.into_iter().map(Bits::from).collect(),
            metrics: metrics
                .iter()
                .map(|(name, value)| (name.clone(), Bits::from(*value)))
                .collect(),
            loaders: loaders(context),
            asked: context.control.history.clone(),
            callbacks: states.iter().map(remembered_callback).collect(),
        };
        let mut snapshot = Snapshot {
            state: self.state(serde_json::to_value(remembered)?)?,
            model: context.net.state(),
            optimizer: context.optimizer.state(),
            ema: context
                .ema_model
                .as_ref()
                .map(|ema| ema.model().state())
                .unwrap_or_default(),
            metrics: if self.position.next_batch > 0 {
                context.train_metrics.state()
            } else {
                Vec::new()
            },
            rng: vec![(
                crate::device::name(context.device),
                torch_ext::rng_state(context.device)?,
            )],
            gradients: if context.accumulated > 0 {
                gradients(context)
            } else {
                Vec::new()
            },
            best_models,
            ..Snapshot::default()
        };
        for (name, state) in states {
            let owned = state
                .tensors
                .into_iter()
                .map(|(key, tensor)| (format!("{name}{OWNER_SEPARATOR}{key}"), tensor));
            snapshot.callback_tensors.extend(owned);
            let bytes = state.bytes.unwrap_or_default();
            snapshot.callbacks.push(checkpoint::CallbackState {
                name,
                plugin_sha256: state.sha256,
                version: state.version,
                state_version: state.state_version,
                bytes,
            });
        }
        Ok(snapshot)
    }

    fn state(&self, trainer: serde_json::Value) -> Result<State> {
        let context = &*self.context;
        Ok(State {
            epoch: u64::from(self.position.epoch),
            next_batch: self.position.next_batch,
            global_step: context.global_step,
            samples_seen: context.samples_seen,
            metrics_bytes: context.logger.metrics_bytes()?,
            watched: Some(Watched {
                metric: context.run.metric_to_watch.clone(),
                greater_is_better: context.run.greater_metric_to_watch_is_better,
                best: context.best_metric,
                best_epoch: context.best_epoch.map(u64::from),
            }),
            accumulation: Accumulation {
                batches: u64::from(context.accumulated),
                samples: 0,
            },
            criterion: context.criterion.state(),
            trainer,
            ..State::default()
        })
    }

    /// Goes on from a checkpoint: everything is as it was when that was saved. Changes nothing on disk, so that a
    /// run which is refused can be resumed otherwise.
    ///
    /// # Errors
    /// If the checkpoint does not belong to this recipe's network, optimizer or callbacks; says which part.
    pub fn resume(&mut self, path: &Path) -> Result<()> {
        let snapshot = checkpoint::load(path)?;
        let logged = Logged {
            step: snapshot.state.global_step,
            bytes: snapshot.state.metrics_bytes,
        };
        self.restore(snapshot)
            .with_context(|| format!("the run cannot go on from {}", path.display()))?;
        self.resumed = Some(logged);
        Ok(())
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<()> {
        let state = &snapshot.state;
        let remembered: Remembered = serde_json::from_value(state.trainer.clone())
            .context("its part of the trainer cannot be read: it was saved by another version")?;
        self.position = Position {
            epoch: u32::try_from(state.epoch)?,
            next_batch: state.next_batch,
        };
        self.scheduled.clone_from(&remembered.scheduled_rates);
        let best_values: Vec<f64> = remembered.best_values.iter().map(Bits::value).collect();
        self.best_models.restore(snapshot.best_models, &best_values);
        self.restore_callbacks(
            snapshot.callbacks,
            snapshot.callback_tensors,
            &remembered.callbacks,
        )?;
        let context = &mut *self.context;
        restore_counts(context, state, &remembered)?;
        context
            .net
            .load_state(&snapshot.model, true)
            .context("its network is another one")?;
        context
            .optimizer
            .load_state(snapshot.optimizer)
            .context("its optimizer is another one")?;
        if let Some(ema) = &mut context.ema_model {
            ema.model_mut()
                .load_state(&snapshot.ema, true)
                .context("its moving average is another one")?;
        }
        restore_groups(context, &remembered.groups)?;
        context.criterion.restore(&state.criterion)?;
        restore_loaders(context, &remembered.loaders)?;
        context
            .train_metrics
            .load_state(&snapshot.metrics, context.device)?;
        restore_gradients(context, &snapshot.gradients)?;
        for name in &remembered.frozen {
            context.net.freeze(name)?;
        }
        // Last: building and loading may have drawn random numbers.
        snapshot
            .rng
            .iter()
            .try_for_each(|(_, rng)| Ok(torch_ext::set_rng_state(context.device, rng)?))
    }

    fn restore_callbacks(
        &mut self,
        states: Vec<checkpoint::CallbackState>,
        tensors: Vec<(String, Tensor)>,
        remembered: &[RememberedCallback],
    ) -> Result<()> {
        let mut loaded: Vec<(String, CallbackState)> = states
            .into_iter()
            .map(|saved| {
                let known = remembered.iter().find(|known| known.name == saved.name);
                let bytes = known
                    .is_none_or(|known| known.has_bytes)
                    .then_some(saved.bytes);
                let random_draws = known.map_or(0, |known| known.random_draws);
                (
                    saved.name,
                    CallbackState {
                        bytes,
                        random_draws,
                        tensors: Vec::new(),
                        sha256: saved.plugin_sha256,
                        version: saved.version,
                        state_version: saved.state_version,
                    },
                )
            })
            .collect();
        for (name, tensor) in tensors {
            let Some((owner, key)) = name.split_once(OWNER_SEPARATOR) else {
                bail!("tensor `{name}` has no owner")
            };
            if let Some((_, state)) = loaded.iter_mut().find(|(known, _)| known == owner) {
                state
                    .tensors
                    .push((key.to_owned(), tensor.f_to_device(self.context.device)?));
            }
        }
        for name in self.callbacks.load_states(loaded)? {
            tracing::warn!(
                "the checkpoint holds state of callback `{name}`, which the recipe no longer has: left out"
            );
        }
        Ok(())
    }
}

fn remembered_callback((name, state): &(String, CallbackState)) -> RememberedCallback {
    RememberedCallback {
        name: name.clone(),
        random_draws: state.random_draws,
        has_bytes: state.bytes.is_some(),
    }
}

fn groups(context: &Context) -> Result<Vec<RememberedGroup>> {
    let optimizer = &context.optimizer;
    let names = optimizer.hyperparameter_names();
    let of_group = |group: &str| -> Result<Vec<(String, f64)>> {
        names
            .iter()
            .map(|name| Ok(((*name).to_owned(), optimizer.hyperparameter(group, name)?)))
            .collect()
    };
    let groups = optimizer.groups().iter();
    groups
        .map(|group| {
            Ok(RememberedGroup {
                name: group.name.clone(),
                hyperparameters: of_group(&group.name)?,
            })
        })
        .collect()
}

fn restore_groups(context: &mut Context, groups: &[RememberedGroup]) -> Result<()> {
    for group in groups {
        for (name, value) in &group.hyperparameters {
            context
                .optimizer
                .set_hyperparameter(&group.name, name, *value)?;
        }
    }
    Ok(())
}

/// Parameters that do not learn. A name is a glob that matches itself: parameter names hold no wildcards.
fn frozen(context: &Context) -> Vec<String> {
    let parameters = context.net.parameters().iter();
    parameters
        .filter(|(_, tensor)| !tensor.requires_grad())
        .map(|(name, _)| name.clone())
        .collect()
}

fn loaders(context: &Context) -> Vec<serde_json::Value> {
    let test = context.test_loader.as_ref();
    [
        Some(&context.train_loader),
        Some(&context.valid_loader),
        test,
    ]
    .into_iter()
    .flatten()
    .map(|l| l.state())
    .collect()
}

fn restore_loaders(context: &mut Context, states: &[serde_json::Value]) -> Result<()> {
    let loaders = [
        Some(&mut context.train_loader),
        Some(&mut context.valid_loader),
        context.test_loader.as_mut(),
    ];
    loaders
        .into_iter()
        .flatten()
        .zip(states)
        .try_for_each(|(loader, state)| loader.restore(state))
}

fn gradients(context: &Context) -> Vec<(String, Tensor)> {
    let gradients = context
        .net
        .parameters()
        .iter()
        .map(|(name, parameter)| (name.clone(), parameter.grad()));
    gradients
        .filter(|(_, gradient)| gradient.defined())
        .collect()
}

/// A gradient exists only after a backward pass: one of zero makes them, then the saved values go in.
fn restore_gradients(context: &mut Context, saved: &[(String, Tensor)]) -> Result<()> {
    if saved.is_empty() {
        return Ok(());
    }
    let parameters = context.net.parameters();
    let learning: Vec<&Tensor> = parameters
        .iter()
        .map(|(_, tensor)| tensor)
        .filter(|tensor| tensor.requires_grad())
        .collect();
    let sums = learning
        .iter()
        .map(|tensor| tensor.f_sum(tch::Kind::Float))
        .collect::<Result<Vec<_>, _>>()?;
    Tensor::f_stack(&sums, 0)?
        .f_sum(tch::Kind::Float)?
        .f_mul_scalar(0.0)?
        .f_backward()?;
    let _unrecorded = tch::no_grad_guard();
    for (name, value) in saved {
        let parameter = parameters.iter().find(|(known, _)| known == name);
        let (_, parameter) = parameter
            .with_context(|| format!("it has a gradient of `{name}`, which the network lacks"))?;
        parameter.grad().f_copy_(value)?;
    }
    Ok(())
}

fn restore_counts(context: &mut Context, state: &State, remembered: &Remembered) -> Result<()> {
    context.global_step = state.global_step;
    context.samples_seen = state.samples_seen;
    context.elapsed_before = Duration::try_from_secs_f64(remembered.elapsed_seconds)?;
    context.accumulation = remembered.accumulation;
    context.accumulated = u32::try_from(state.accumulation.batches)?;
    context.control.history.clone_from(&remembered.asked);
    context.metrics_dict = remembered
        .metrics
        .iter()
        .map(|(name, value)| (name.clone(), value.value()))
        .collect();
    let Some(watched) = &state.watched else {
        return Ok(());
    };
    if watched.metric == context.run.metric_to_watch {
        context.best_metric = watched.best;
        context.best_epoch = watched.best_epoch.map(u32::try_from).transpose()?;
    } else {
        tracing::warn!(
            "the checkpoint watched `{}`, this recipe watches `{}`: the best value starts anew",
            watched.metric,
            context.run.metric_to_watch
        );
    }
    Ok(())
}
