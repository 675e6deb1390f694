//! Writes the first train and the first validation batch of each epoch as PNG: the images that the network sees.

use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::Value;

/// Writes the first train and validation batch of each epoch as an image.
#[derive(Parameters)]
struct SaveFirstBatch {
    /// The most images of a batch.
    #[default(64)]
    max_images: i64,
    /// Stretch the values to 0–1, for inputs that were normalized.
    #[default(true)]
    stretch: bool,
    /// Log the image too, so that it is in the run's `images/` and in TensorBoard.
    #[default(false)]
    log: bool,
}

#[callback(grants = ["files", "sync"])]
impl SaveFirstBatch {
    fn configure(&mut self) -> Result<()> {
        if self.max_images < 1 {
            return Err(Error::invalid(
                "parameter `max_images`: at least 1 is needed",
            ));
        }
        Ok(())
    }

    fn check_run(&mut self, facts: &Value) -> Result<()> {
        let inputs = facts["inputs"].as_array().map_or(&[][..], Vec::as_slice);
        match inputs {
            [] => Ok(()),
            [only] if is_image(&only["shape"]) => Ok(()),
            [only] => Err(Error::invalid(format!(
                "a sample of this run has shape {}, which is no image of 1 or 3 channels",
                only["shape"]
            ))),
            several => Err(Error::invalid(format!(
                "this run has {} inputs: the callback writes the images of a run with one",
                several.len()
            ))),
        }
    }

    fn on_train_batch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.save(ctx, "train")
    }

    fn on_validation_batch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.save(ctx, "validation")
    }

    fn save(&self, ctx: &PhaseContext, split: &str) -> Result<()> {
        if ctx.batch_idx() != Some(0) || ctx.rank() != 0 {
            return Ok(());
        }
        let inputs = ctx.inputs()?;
        let images = inputs
            .shape()?
            .first()
            .copied()
            .unwrap_or(0)
            .min(self.max_images);
        let first = inputs.narrow(0, 0, images)?;
        let picture = if self.stretch {
            stretch(&first)?
        } else {
            first
        };
        let file_name = format!("{split}_epoch_{:04}.png", ctx.epoch().unwrap_or(0));
        let logger = ctx.sg_logger()?;
        if self.log {
            logger.image(&format!("{split}_first_batch"), &picture)?;
        }
        logger.image_file(&file_name, &picture)
    }
}

/// Moves all values to 0–1 by one scale. A batch of a single value becomes black.
fn stretch(images: &Tensor) -> Result<Tensor> {
    let images = images.to_dtype(Dtype::Float32)?;
    let smallest = images.min_all()?;
    let span = images.max_all()?.sub(&smallest)?.clamp(Some(1e-12), None)?;
    images.sub(&smallest)?.div(&span)
}

/// True for [C, H, W] with 1 or 3 channels, and for [H, W].
fn is_image(shape: &Value) -> bool {
    match shape.as_array().map(Vec::as_slice) {
        Some([channels, _, _]) => matches!(channels.as_u64(), Some(1 | 3)),
        Some(lengths) => lengths.len() == 2,
        None => true,
    }
}
