//! Predictions for images from elsewhere: a checkpoint's weights, averages included, over one image after the other. Owns
//! the forward pass alone; what predictions mean is the caller's.

use std::path::Path;

use anyhow::{Context as _, Result};
use phasebox_contract::phase::Phase;
use phasebox_data::Picture;
use phasebox_nn::detection::post_prediction::PostPrediction;
use torch_ext::{GradientMode, Items};

use super::{Trainer, step_op};
use crate::split::Split;

/// A trainer that only predicts.
pub struct Predictor(Trainer);

impl Trainer {
    /// Makes ready to predict. Callbacks that lend other weights for a validation, such as a moving average, do so here:
    /// on-validation-loader-start is fired, and no other phase.
    ///
    /// # Errors
    /// A callback's, with its name.
    pub fn predictor(mut self) -> Result<Predictor> {
        self.context.logger.open(None)?;
        self.context.split = Split::Validation;
        self.fire(Phase::ValidationLoaderStart)?;
        Ok(Predictor(self))
    }
}

impl Predictor {
    /// An image file and the network's predictions for it, on the device.
    ///
    /// # Errors
    /// A file that is no image, or one that the network cannot take; the message names it.
    pub fn predict(&mut self, path: &Path) -> Result<(Picture, Items)> {
        let _unrecorded = GradientMode::set(false);
        let trainer = &mut self.0;
        let (picture, batch) = trainer.context.valid_loader.picture(path)?;
        let batch = trainer.to_device.upload(batch, None)?;
        let context = &mut *trainer.context;
        context.begin_batch(batch, 0, 1);
        let forward = step_op::forward(context, false);
        let preds = context.preds.take();
        context.clear_batch();
        forward.with_context(|| path.display().to_string())?;
        let preds = preds.context("the network gave nothing")?;
        Ok((picture, preds))
    }

    /// The names of the classes, or nothing for a regression or for several targets.
    pub fn class_names(&self) -> Option<&[String]> {
        self.0.context.valid_loader.dataset().class_names()
    }

    /// The way from output to detections, as the metrics of validation have it.
    pub fn post_prediction(&self) -> Option<PostPrediction> {
        let metrics = &self.0.context.running_metrics;
        metrics[Split::Validation].post_prediction()
    }

    /// The loss's name, which tells what scores are.
    pub fn loss(&self) -> &str {
        self.0.context.criterion.name()
    }

    /// The folder for results.
    pub fn folder(&self) -> &Path {
        self.0.run.path()
    }
}
