//! A look at the boxes of samples, as files have them and as transforms leave them: settings that leave none train nothing.
//! Owns the time that it may take.

use std::time::Instant;

use anyhow::{Context, Result};

use super::DataLoader;
use super::pipeline::Pipeline;
use super::random::Random;
use super::sample::{Sample, Target};
use super::survey::spread;
use super::transforms::Draw;

/// The boxes of the samples that were looked at, without those of crowds.
#[derive(Debug, Default)]
pub struct BoxSurvey {
    /// Samples that were looked at.
    pub samples: usize,
    /// They are all samples of the loader's data set.
    pub is_whole: bool,
    /// Boxes before the transforms.
    pub before: usize,
    /// Areas in square pixels of the boxes behind the transforms.
    pub areas: Vec<f32>,
}

impl DataLoader {
    /// Puts samples from all over the data set through the transforms of the first epoch, as long as it is before `until`;
    /// one at least. Nothing for samples without a target of boxes.
    ///
    /// # Errors
    /// A sample that cannot be read or changed; the message names its file.
    pub fn survey_boxes(&self, until: Instant) -> Result<Option<BoxSurvey>> {
        let dataset = &**self.dataset();
        let pipeline = Pipeline::new(&self.transforms, &self.config.collate_fn)?;
        let mut survey = BoxSurvey::default();
        for index in spread(dataset.len()) {
            if survey.samples > 0 && Instant::now() >= until {
                break;
            }
            let sample = dataset.sample(index);
            let sample = sample.with_context(|| format!("sample {index}"))?;
            let Some(before) = areas(&sample) else {
                return Ok(None);
            };
            let random = Random::keyed(&[index as u64]);
            let after = pipeline.transformed(sample, &mut Draw { random, dataset });
            let after = after.with_context(|| format!("sample {index}"))?;
            survey.before += before.len();
            survey.areas.extend(areas(&after).unwrap_or_default());
            survey.samples += 1;
        }
        survey.is_whole = survey.samples == dataset.len();
        Ok(Some(survey))
    }
}

/// The areas of a sample's boxes; nothing if no target of it is boxes.
fn areas(sample: &Sample) -> Option<Vec<f32>> {
    let mut targets = sample.target.iter();
    let boxes = targets.find_map(|(_, target)| match target {
        Target::Boxes(boxes) => Some(boxes),
        _ => None,
    })?;
    let regular = boxes.list.iter().filter(|bounds| !bounds.is_crowd);
    Some(regular.map(|bounds| bounds.area()).collect())
}
