//! Stops a run whose metric no longer improves. This file reads the recipe and the context; `decision` decides.

mod decision;

use decision::{Decision, Rules, greater_is_better_by_name};
use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::Value;

const VALIDATION: &str = "on-validation-loader-end";
const TRAIN: &str = "on-train-loader-end";

#[derive(Deserialize)]
#[serde(crate = "phasebox_sdk::serde", rename_all = "lowercase")]
enum Mode {
    Min,
    Max,
    Auto,
}

/// Stops training when a metric has not improved for `patience` checks, diverges or is good enough.
#[derive(Parameters)]
struct EarlyStopping {
    /// The metric's name as logged; by default the recipe's metric to watch.
    monitor: Option<String>,
    /// `min`, `max`, or `auto`: as the recipe says for the metric to watch, by name for others.
    #[default(Mode::Auto)]
    mode: Mode,
    /// Checks in a row without improvement before the run stops.
    #[default(3)]
    patience: u32,
    /// A value counts as an improvement if it beats the best by more than this.
    #[default(0.0)]
    min_delta: f64,
    /// Stop as soon as the metric is better than this.
    threshold: Option<f64>,
    /// Stop as soon as the metric is worse than this.
    divergence_threshold: Option<f64>,
    /// Stop when the metric is infinite or not a number.
    #[default(true)]
    check_finite: bool,
    /// Fail if the metric is missing, instead of warning.
    #[default(true)]
    strict: bool,
    /// Write a line about every check to the run's log.
    #[default(false)]
    verbose: bool,
    /// Epochs before this one are not looked at.
    #[default(0)]
    start_from_epoch: u32,
    /// `on-validation-loader-end` or `on-train-loader-end`.
    #[default("on-validation-loader-end".into())]
    phase: String,
    #[state]
    best: Option<f64>,
    #[state]
    waited: u32,
}

#[callback(grants = ["stop"], state)]
impl EarlyStopping {
    fn configure(&mut self) -> Result<()> {
        if ![VALIDATION, TRAIN].contains(&self.phase.as_str()) {
            return Err(Error::invalid(format!(
                "parameter `phase`: use `{VALIDATION}` or `{TRAIN}`"
            )));
        }
        if self.min_delta < 0.0 {
            return Err(Error::invalid(format!(
                "parameter `min_delta`: {} is below 0",
                self.min_delta
            )));
        }
        self.check_thresholds()
    }

    /// A good enough value must not be a divergence.
    fn check_thresholds(&self) -> Result<()> {
        let (Some(good), Some(bad)) = (self.threshold, self.divergence_threshold) else {
            return Ok(());
        };
        let is_crossed = match self.mode {
            Mode::Max => good <= bad,
            Mode::Min => good >= bad,
            Mode::Auto => good == bad,
        };
        if is_crossed {
            return Err(Error::invalid(format!(
                "parameters `threshold` and `divergence_threshold`: every value is beyond {good} or {bad}"
            )));
        }
        Ok(())
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        let epochs = facts["epochs"].as_u64().unwrap_or(u64::MAX);
        if u64::from(self.start_from_epoch) >= epochs {
            return Err(Error::invalid(format!(
                "parameter `start_from_epoch`: the run has {epochs} epochs, counted from 0, and never comes to {}",
                self.start_from_epoch
            )));
        }
        let watched = facts["metric_to_watch"].as_str();
        let Some(monitor) = self.monitor.as_deref().or(watched) else {
            return Ok(());
        };
        self.check_mode(monitor)?;
        if self.strict {
            self.check_monitor(monitor, facts)?;
        }
        Ok(())
    }

    /// Refuses a direction that the name of the metric contradicts.
    fn check_mode(&self, monitor: &str) -> Result<()> {
        let (mode, better) = match self.mode {
            Mode::Min if greater_is_better_by_name(monitor) => ("max", "greater"),
            Mode::Max if monitor == "loss" => ("min", "smaller"),
            _ => return Ok(()),
        };
        Err(Error::invalid(format!(
            "parameter `mode`: `{monitor}` is better when it is {better}; write `mode: {mode}`"
        )))
    }

    fn check_monitor(&self, monitor: &str, facts: &Value) -> Result<()> {
        let split = match self.phase.as_str() {
            TRAIN => "train",
            _ => "validation",
        };
        let lists = [&facts["metrics"][split], &facts["published"]];
        let known: Vec<&str> = lists
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        // A callback may publish more at train loaders than it lists.
        if known.contains(&monitor) || (split == "train" && monitor.contains('/')) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "parameter `monitor`: the run gives no `{monitor}` at {}; known: {}",
            self.phase,
            known.join(", ")
        )))
    }

    fn on_validation_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.phase == VALIDATION {
            self.check(ctx)
        } else {
            Ok(())
        }
    }

    fn on_train_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.phase == TRAIN {
            self.check(ctx)
        } else {
            Ok(())
        }
    }

    fn check(&mut self, ctx: &PhaseContext) -> Result<()> {
        if ctx.epoch().unwrap_or(0) < self.start_from_epoch {
            return Ok(());
        }
        let name = self
            .monitor
            .clone()
            .unwrap_or_else(|| ctx.metric_to_watch());
        let Some(value) = ctx.metric(&name) else {
            return self.miss(ctx, &name);
        };
        match self.rules(ctx, &name).judge(value, self.best, self.waited) {
            Decision::Better => {
                (self.best, self.waited) = (Some(value), 0);
                self.say(&format!("{name}: {value} is the best so far"));
            }
            Decision::Wait => {
                self.waited += 1;
                self.say(&format!(
                    "{name}: {} checks without improvement",
                    self.waited
                ));
            }
            Decision::Stop(reason) => {
                self.waited += 1;
                ctx.request_stop("epoch", &format!("{name}: {reason}"))?;
            }
        }
        ctx.log("checks_without_improvement", f64::from(self.waited))
    }

    fn say(&self, line: &str) {
        if self.verbose {
            info!("{line}");
        }
    }

    fn rules(&self, ctx: &PhaseContext, name: &str) -> Rules {
        let greater_is_better = match self.mode {
            Mode::Min => false,
            Mode::Max => true,
            Mode::Auto if name == ctx.metric_to_watch() => ctx.greater_metric_to_watch_is_better(),
            Mode::Auto => greater_is_better_by_name(name),
        };
        Rules {
            greater_is_better,
            patience: self.patience,
            min_delta: self.min_delta,
            threshold: self.threshold,
            divergence_threshold: self.divergence_threshold,
            check_finite: self.check_finite,
        }
    }

    fn miss(&self, ctx: &PhaseContext, name: &str) -> Result<()> {
        let known: Vec<String> = ctx
            .metrics_dict()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        let message = format!(
            "no metric is called `{name}` at {}; known: {}",
            self.phase,
            known.join(", ")
        );
        if self.strict {
            return Err(Error::not_available(message));
        }
        warn!("{message}");
        Ok(())
    }
}
