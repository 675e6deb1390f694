//! Draws the detections of one batch and its truth on the images that the network saw. Owns which batch, and when.

use phasebox_sdk::detections::{PostPrediction, Shown, check_facts};
use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::Value;

/// The phases, and the loaders whose batches they end.
const PHASES: [(&str, &str); 3] = [
    ("on-train-batch-end", "train"),
    ("on-validation-batch-end", "validation"),
    ("on-test-batch-end", "test"),
];

/// Draws the detections of one batch, and its truth, on the images that the network saw.
#[derive(Parameters)]
struct DetectionVisualization {
    /// Epochs from one picture to the next.
    #[default(1)]
    freq: u32,
    /// The batch that is drawn, from 0.
    #[default(0)]
    batch_idx: u64,
    /// The number of its images that are drawn; -1 for all of them.
    #[default(-1)]
    last_img_idx_in_batch: i64,
    /// The names of the classes; numbers without them.
    #[default(Vec::new())]
    classes: Vec<String>,
    /// The way from the network's output to detections.
    #[default(PostPrediction::default())]
    post_prediction_callback: PostPrediction,
    /// The target's boxes are in pixels, or else parts of the image.
    #[default(true)]
    normalize_targets: bool,
    /// The phase at which the batch is drawn.
    #[default("on-validation-batch-end".into())]
    phase: String,
    /// Write the picture to the callback's folder, too.
    #[default(false)]
    artifact: bool,
    /// The average of the best models is validated.
    #[skip]
    is_average: bool,
}

#[callback(grants = ["files", "sync"])]
impl DetectionVisualization {
    fn configure(&mut self) -> Result<()> {
        if self.freq == 0 {
            return Err(Error::invalid("parameter `freq`: at least 1 is needed"));
        }
        if self.last_img_idx_in_batch == 0 || self.last_img_idx_in_batch < -1 {
            return Err(Error::invalid(
                "parameter `last_img_idx_in_batch`: give the number of images, at least 1, or -1 for all",
            ));
        }
        if !PHASES.iter().any(|(phase, _)| *phase == self.phase) {
            let known = PHASES.map(|(phase, _)| phase).join(", ");
            return Err(Error::invalid(format!(
                "parameter `phase`: there is no batch at `{}`; use one of {known}",
                self.phase
            )));
        }
        self.post_prediction_callback.check()
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        check_facts(facts)?;
        let row = PHASES.iter().find(|(phase, _)| *phase == self.phase);
        let loader = row.map_or("validation", |(_, loader)| *loader);
        let Some(batches) = facts["loaders"][loader]["batches"].as_u64() else {
            return Err(Error::invalid(format!(
                "parameter `phase`: the run has no {loader} data, so it never comes to {}",
                self.phase
            )));
        };
        if self.batch_idx >= batches {
            return Err(Error::invalid(format!(
                "parameter `batch_idx`: the {loader} loader has {batches} batches, counted from 0, and never comes to {}",
                self.batch_idx
            )));
        }
        self.check_epochs(facts, loader)
    }

    fn on_train_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.draw_if_due(ctx, PHASES[0].0)
    }

    fn on_validation_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.draw_if_due(ctx, PHASES[1].0)
    }

    fn on_test_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.draw_if_due(ctx, PHASES[2].0)
    }

    fn on_average_best_models_validation_start(&mut self, _: &PhaseContext) -> Result<()> {
        self.is_average = true;
        Ok(())
    }

    fn on_average_best_models_validation_end(&mut self, _: &PhaseContext) -> Result<()> {
        self.is_average = false;
        Ok(())
    }

    /// Refuses pictures of validation in epochs that have none.
    fn check_epochs(&self, facts: &Value, loader: &str) -> Result<()> {
        let (Some(epochs), Some(every)) =
            (facts["epochs"].as_u64(), facts["validation_freq"].as_u64())
        else {
            return Ok(());
        };
        let is_validated = |epoch: u64| (epoch + 1).is_multiple_of(every) || epoch + 1 == epochs;
        let mut due = (0..epochs).step_by(self.freq.max(1) as usize);
        if loader != "validation" || due.any(is_validated) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "parameter `freq`: pictures are due in epochs 0, {}, …, and none of them is validated (`run_validation_freq: {every}`)",
            self.freq
        )))
    }

    fn draw_if_due(&self, ctx: &PhaseContext, phase: &str) -> Result<()> {
        if self.is_average || phase != self.phase {
            return Ok(());
        }
        let (epoch, batch, _) = ctx.position();
        let is_due = epoch.unwrap_or(0).is_multiple_of(self.freq);
        if !is_due || batch != Some(self.batch_idx) || ctx.rank() != 0 {
            return Ok(());
        }
        if ctx.outcome().as_deref() == Some("skipped-batch") {
            return Ok(());
        }
        self.draw(ctx)
    }

    fn draw(&self, ctx: &PhaseContext) -> Result<()> {
        let most = self.last_img_idx_in_batch;
        let shown = Shown::of(ctx, (most > 0).then_some(most), 1)?;
        let canvases = shown.canvases()?;
        let mut pictures = Vec::new();
        for image in 0..shown.images()? {
            let truth = shown.truth(image, self.normalize_targets)?;
            let picture = truth.draw_beneath(&canvases.select(0, image)?, &self.classes)?;
            let decoded = shown.decoded.select(0, image)?;
            let found = self.post_prediction_callback.found(&decoded)?;
            pictures.push(found.draw(&picture, &self.classes)?);
        }
        let pictures: Vec<&Tensor> = pictures.iter().collect();
        let picture = tensor::stack(&pictures, 0)?;
        let (logger, name) = (ctx.sg_logger()?, format!("batch_{}_images", self.batch_idx));
        if self.artifact {
            let epoch = ctx.epoch().unwrap_or(0);
            logger.image_file(&format!("{name}_epoch_{epoch:04}.png"), &picture)?;
        }
        logger.image(&name, &picture)
    }
}
