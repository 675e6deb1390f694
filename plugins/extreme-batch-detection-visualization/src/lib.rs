//! Shows the batch of an epoch whose metric or loss is the greatest or the smallest: its truth, and beside it what the
//! network found. Reads the recipe and the context; `extreme` keeps the batch.

mod extreme;

use extreme::Extreme;
use phasebox_sdk::detections::{PostPrediction, Shown, check_facts};
use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::Value;

/// Shows the batch of an epoch with the greatest or the smallest metric or loss: the truth, and beside it the detections.
#[derive(Parameters)]
struct ExtremeBatchDetectionVisualization {
    /// The metric of a batch, as an entry of `valid_metrics_list`.
    metric: Option<Value>,
    /// The one of its values that decides.
    metric_component_name: Option<String>,
    /// The part of the loss that decides, in place of a metric.
    loss_to_monitor: Option<String>,
    /// The greatest value decides, or else the smallest.
    #[default(false)]
    max: bool,
    /// Epochs from one picture to the next.
    #[default(1)]
    freq: u32,
    /// Look at batches of training.
    #[default(false)]
    enable_on_train_loader: bool,
    /// Look at batches of validation.
    #[default(true)]
    enable_on_valid_loader: bool,
    /// The most images that are shown; -1 for all of them.
    #[default(-1)]
    max_images: i64,
    /// The names of the classes; numbers without them.
    #[default(Vec::new())]
    classes: Vec<String>,
    /// The way from the network's output to detections.
    #[default(PostPrediction::default())]
    post_prediction_callback: PostPrediction,
    /// The target's boxes are in pixels, or else parts of the image.
    #[default(true)]
    normalize_targets: bool,
    /// Write the picture to the callback's folder, too.
    #[default(false)]
    artifact: bool,
    #[state]
    train: Extreme,
    #[state]
    validation: Extreme,
    /// The average of the best models is validated.
    #[skip]
    is_average: bool,
}

/// A loader whose batches are looked at, by the beginning of the names that are logged.
#[derive(Clone, Copy, PartialEq)]
enum Loader {
    Train,
    Valid,
}

impl Loader {
    fn name(self) -> &'static str {
        match self {
            Loader::Train => "train",
            Loader::Valid => "valid",
        }
    }
}

#[callback(grants = ["files", "sync"], state)]
impl ExtremeBatchDetectionVisualization {
    fn configure(&mut self) -> Result<()> {
        self.check_what_decides()?;
        if self.freq == 0 {
            return Err(Error::invalid("parameter `freq`: at least 1 is needed"));
        }
        if self.max_images == 0 || self.max_images < -1 {
            return Err(Error::invalid(
                "parameter `max_images`: give at least 1, or -1 for all",
            ));
        }
        if !self.enable_on_train_loader && !self.enable_on_valid_loader {
            return Err(Error::invalid(
                "nothing would be shown: set `enable_on_train_loader` or `enable_on_valid_loader`",
            ));
        }
        self.post_prediction_callback.check()
    }

    fn check_what_decides(&self) -> Result<()> {
        if self.metric.is_some() == self.loss_to_monitor.is_some() {
            return Err(Error::invalid(
                "parameters `metric` and `loss_to_monitor`: give one of them",
            ));
        }
        if self.metric.is_none() && self.metric_component_name.is_some() {
            return Err(Error::invalid(
                "parameter `metric_component_name`: it names a value of `metric`, which is missing",
            ));
        }
        Ok(())
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        check_facts(facts)?;
        let epochs = facts["epochs"].as_u64().unwrap_or(u64::MAX);
        if u64::from(self.freq) > epochs {
            return Err(Error::invalid(format!(
                "parameter `freq`: the first picture is that of epoch {}, and the run has {epochs}",
                self.freq
            )));
        }
        if let (false, true, Some(every)) = (
            self.enable_on_train_loader,
            self.enable_on_valid_loader,
            facts["validation_freq"].as_u64(),
        ) {
            let is_validated = |epoch: u64| epoch.is_multiple_of(every) || epoch == epochs;
            let freq = u64::from(self.freq);
            let mut due = (1..=epochs / freq).map(|time| time * freq);
            if facts["epochs"].is_u64() && !due.any(is_validated) {
                return Err(Error::invalid(format!(
                    "parameter `freq`: none of the epochs that are due, every {freq}th, is validated (`run_validation_freq: {every}`)"
                )));
            }
        }
        let items = facts["loss"]["items"].as_array().map(Vec::as_slice);
        match (&self.loss_to_monitor, items) {
            (Some(part), Some(items)) if !items.iter().any(|item| item == part) => {
                Err(Error::invalid(format!(
                    "parameter `loss_to_monitor`: the loss has no `{part}`; it has {}",
                    facts["loss"]["items"]
                )))
            }
            _ => Ok(()),
        }
    }

    fn on_train_loader_start(&mut self, _: &PhaseContext) -> Result<()> {
        self.train.forget(Loader::Train.name())
    }

    fn on_train_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        match self.is_due(ctx, Loader::Train) && !is_skipped(ctx) {
            true => self.look(ctx, Loader::Train),
            false => Ok(()),
        }
    }

    fn on_train_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        match self.is_due(ctx, Loader::Train) {
            true => self.show(ctx, Loader::Train),
            false => Ok(()),
        }
    }

    fn on_validation_loader_start(&mut self, _: &PhaseContext) -> Result<()> {
        self.validation.forget(Loader::Valid.name())
    }

    fn on_validation_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        match self.is_due(ctx, Loader::Valid) {
            true => self.look(ctx, Loader::Valid),
            false => Ok(()),
        }
    }

    fn on_validation_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        match self.is_due(ctx, Loader::Valid) {
            true => self.show(ctx, Loader::Valid),
            false => Ok(()),
        }
    }

    fn on_average_best_models_validation_start(&mut self, _: &PhaseContext) -> Result<()> {
        self.is_average = true;
        Ok(())
    }

    fn on_average_best_models_validation_end(&mut self, _: &PhaseContext) -> Result<()> {
        self.is_average = false;
        Ok(())
    }

    fn is_due(&self, ctx: &PhaseContext, loader: Loader) -> bool {
        let is_on = match loader {
            Loader::Train => self.enable_on_train_loader,
            Loader::Valid => self.enable_on_valid_loader && !self.is_average,
        };
        let epoch = ctx.epoch().unwrap_or(0).saturating_add(1);
        is_on && epoch.is_multiple_of(self.freq) && ctx.rank() == 0
    }

    /// Keeps the batch if it is the most extreme so far.
    fn look(&mut self, ctx: &PhaseContext, loader: Loader) -> Result<()> {
        let Some(value) = self.value(ctx)? else {
            return Ok(());
        };
        let (greatest, most) = (self.max, (self.max_images > 0).then_some(self.max_images));
        let extreme = self.extreme(loader);
        if !extreme.is_beaten_by(value, greatest) {
            return Ok(());
        }
        let shown = Shown::of(ctx, most, 2)?;
        extreme.keep(loader.name(), &shown, value, ctx.batch_idx().unwrap_or(0))
    }

    fn extreme(&mut self, loader: Loader) -> &mut Extreme {
        match loader {
            Loader::Train => &mut self.train,
            Loader::Valid => &mut self.validation,
        }
    }

    /// The number of the batch that decides. None for a batch without a truth, which metrics tell by -1.
    fn value(&self, ctx: &PhaseContext) -> Result<Option<f64>> {
        if let Some(part) = &self.loss_to_monitor {
            let names = ctx.loss_logging_items_names();
            let place = names.iter().position(|name| name == part);
            let place = place.ok_or_else(|| Error::invalid(format!("the loss has no `{part}`")))?;
            return ctx
                .loss_log_items()?
                .select(0, place as i64)?
                .item()
                .map(Some);
        }
        let metric = self.metric.as_ref().map(Value::to_string);
        let values = ctx.batch_metric(&metric.unwrap_or_default())?;
        let wanted = self.metric_component_name.as_deref();
        let mut found = values
            .iter()
            .filter(|entry| wanted.is_none_or(|wanted| entry.name == wanted));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(Some(only.value).filter(|value| *value >= 0.0)),
            _ => Err(Error::invalid(format!(
                "parameter `metric_component_name`: name one of {}",
                names(&values)
            ))),
        }
    }

    /// Logs the kept batch, and forgets it.
    fn show(&mut self, ctx: &PhaseContext, loader: Loader) -> Result<()> {
        let Some(shown) = self.extreme(loader).kept(loader.name())? else {
            info!("{}: no batch has a value", loader.name());
            return Ok(());
        };
        let (kind, named) = self.named();
        let extreme = self.extreme(loader);
        let (value, batch) = (extreme.value(), extreme.batch());
        info!(
            "{}: batch {batch} has the {kind} {named}, {value}",
            loader.name()
        );
        let picture = self.picture(&shown)?;
        let (logger, kind) = (ctx.sg_logger()?, if self.max { "max" } else { "min" });
        let name = format!("{}/{kind}_{named}_batch", loader.name());
        if self.artifact {
            let epoch = ctx.epoch().unwrap_or(0);
            let file: String = name.chars().map(in_file_name).collect();
            logger.image_file(&format!("{file}_epoch_{epoch:04}.png"), &picture)?;
        }
        logger.image(&name, &picture)?;
        self.extreme(loader).forget(loader.name())
    }

    /// The direction in a word, and the name of the number that decides.
    fn named(&self) -> (&'static str, String) {
        let metric = self.metric.as_ref().and_then(name_of);
        let names = [&self.metric_component_name, &self.loss_to_monitor, &metric];
        let name = names.into_iter().flatten().next();
        let kind = if self.max { "greatest" } else { "smallest" };
        (kind, name.cloned().unwrap_or_default())
    }

    /// The truth of each image, and beside it the detections, `[N, 3, H, 2 W]`.
    fn picture(&self, shown: &Shown) -> Result<Tensor> {
        let canvases = shown.canvases()?;
        let mut pictures = Vec::new();
        for image in 0..shown.images()? {
            let canvas = canvases.select(0, image)?;
            let truth = shown.truth(image, self.normalize_targets)?;
            let decoded = shown.decoded.select(0, image)?;
            let found = self.post_prediction_callback.found(&decoded)?;
            let (truth, found) = (
                truth.draw(&canvas, &self.classes)?,
                found.draw(&canvas, &self.classes)?,
            );
            pictures.push(tensor::cat(&[&truth, &found], 2)?);
        }
        let pictures: Vec<&Tensor> = pictures.iter().collect();
        tensor::stack(&pictures, 0)
    }
}

fn is_skipped(ctx: &PhaseContext) -> bool {
    ctx.outcome().as_deref() == Some("skipped-batch")
}

/// The name of a metric, which is alone or has parameters.
fn name_of(metric: &Value) -> Option<String> {
    let with_parameters = metric.as_object().and_then(|map| map.keys().next());
    with_parameters
        .cloned()
        .or_else(|| metric.as_str().map(str::to_owned))
}

fn names(values: &[ScalarEntry]) -> String {
    let names: Vec<&str> = values.iter().map(|entry| entry.name.as_str()).collect();
    names.join(", ")
}

fn in_file_name(character: char) -> char {
    match character.is_ascii_alphanumeric() || "_.@-".contains(character) {
        true => character,
        false => '_',
    }
}
