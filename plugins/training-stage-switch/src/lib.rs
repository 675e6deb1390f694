//! Begins a second stage of training with other loss parameters, other augmentation or another learning rate.
//! Generalizes the stage switches of YOLOX (mosaic off, L1 on) and PP-YOLOE (static assigner off).

use std::collections::BTreeMap;

use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::Value;

/// Changes parameters of the loss and of the train data from an epoch on.
#[derive(Parameters)]
struct TrainingStageSwitch {
    /// The first epoch of the next stage, from 0.
    next_stage_start_epoch: u32,
    /// Parameters of the loss with their new values.
    #[default(BTreeMap::new())]
    set_loss: BTreeMap<String, Value>,
    /// Parameters of the train loader and its data set with their new values.
    #[default(BTreeMap::new())]
    set_dataset: BTreeMap<String, Value>,
    /// The learning rate of all groups, where the recipe's `lr_mode` is constant.
    set_lr: Option<f64>,
    #[state]
    switched: bool,
    /// It was said that the switch came earlier than `next_stage_start_epoch` now is.
    #[skip]
    said: bool,
}

#[callback(grants = ["criterion", "loaders", "optimizer"], state)]
impl TrainingStageSwitch {
    fn configure(&mut self) -> Result<()> {
        if self.set_loss.is_empty() && self.set_dataset.is_empty() && self.set_lr.is_none() {
            return Err(Error::invalid(
                "nothing would change: give `set_loss`, `set_dataset` or `set_lr`",
            ));
        }
        if self.set_lr.is_some_and(|rate| rate.is_nan() || rate <= 0.0) {
            return Err(Error::invalid(
                "parameter `set_lr`: a rate above 0 is needed",
            ));
        }
        Ok(())
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        let epochs = facts["epochs"].as_u64().unwrap_or(u64::MAX);
        if u64::from(self.next_stage_start_epoch) >= epochs {
            return Err(Error::invalid(format!(
                "parameter `next_stage_start_epoch`: the run has {epochs} epochs, counted from 0, and never comes to {}",
                self.next_stage_start_epoch
            )));
        }
        if self.set_lr.is_some() && facts["constant_rates"] == false {
            return Err(Error::invalid(
                "parameter `set_lr`: the schedule of `lr_mode` would replace the rate at its next value; leave out one of both",
            ));
        }
        let loader = &facts["loaders"]["train"];
        check_keys("set_loss", &self.set_loss, &facts["loss"]["parameters"])?;
        check_keys("set_dataset", &self.set_dataset, &loader["parameters"])
    }

    fn on_epoch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        let is_early = ctx.epoch().unwrap_or(0) < self.next_stage_start_epoch;
        if self.switched && is_early && !self.said {
            warn!(
                "the second stage began before the checkpoint was saved: `next_stage_start_epoch` {} changes nothing",
                self.next_stage_start_epoch
            );
            self.said = true;
        }
        if self.switched || is_early {
            return Ok(());
        }
        for (key, value) in &self.set_loss {
            ctx.criterion()?.set(key, &value.to_string())?;
            info!("loss: {key} = {value}");
        }
        for (key, value) in &self.set_dataset {
            ctx.train_loader()?.set(key, &value.to_string())?;
            info!("train data: {key} = {value}");
        }
        if let Some(rate) = self.set_lr {
            ctx.set_learning_rate("", rate)?;
            info!("learning rate: {rate}");
        }
        self.switched = true;
        Ok(())
    }
}

/// Refuses a key that is not among those of the run. Where the run does not say them, every key may be right.
fn check_keys(parameter: &str, set: &BTreeMap<String, Value>, known: &Value) -> Result<()> {
    let Some(known) = known.as_object() else {
        return Ok(());
    };
    let Some(strange) = set.keys().find(|key| !known.contains_key(*key)) else {
        return Ok(());
    };
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    Err(Error::invalid(format!(
        "parameter `{parameter}`: there is no `{strange}`; this run has {}",
        known.join(", ")
    )))
}
