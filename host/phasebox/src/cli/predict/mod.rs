//! `phasebox predict`: boxes or classes for image files, by a run's network with its averages and the transforms of its
//! validation. Owns the files that are written: `predictions.json`, and an image for each that has boxes.

mod drawn;
mod outcome;

use std::collections::HashSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use phasebox_data::{DataLoader, Picture};
use phasebox_files::atomic_file::{self, Durability};
use phasebox_train::trainer::Predictor;
use serde::Serialize;

use self::outcome::{Boxed, Likely, Outcome};
use super::Failure;
use super::origin::Origin;
use super::print::{print, print_json};
use super::trained::Trained;
use crate::assemble::Assembly;

#[derive(Args)]
pub(super) struct Predict {
    #[command(flatten)]
    trained: Trained,
    /// Image files.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Boxes with a lower score are left out.
    #[arg(long, value_name = "SCORE", default_value = "0.25", value_parser = probability)]
    conf: f64,
    /// Show the result as JSON.
    #[arg(long)]
    json: bool,
}

fn probability(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "a number between 0 and 1 is wanted".to_owned())
}

/// The result: `predictions.json` in its folder.
#[derive(Serialize)]
struct Predictions {
    /// Version of this form.
    schema: u32,
    /// The checkpoint, or the file of weights.
    weights: Option<PathBuf>,
    images: Vec<OfImage>,
    /// Files without a prediction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedImage>,
    folder: PathBuf,
}

/// A file without a prediction, and the reason.
#[derive(Serialize)]
struct FailedImage {
    image: PathBuf,
    reason: String,
}

/// The predictions for one image file.
#[derive(Serialize)]
struct OfImage {
    image: PathBuf,
    width: usize,
    height: usize,
    /// The best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    boxes: Option<Vec<Boxed>>,
    /// The most probable first.
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<Likely>>,
    /// The file with boxes drawn, in the folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<String>,
}

impl Predict {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.check_some().map_err(Failure::Refused)?;
        let found = self.trained.find().map_err(Failure::Refused)?;
        let recipe = found.recipe(&[])?;
        found.note_averages(&recipe);
        let data = found.origin.as_ref().map(Origin::data).transpose();
        let data = data.map_err(Failure::Refused)?.unwrap_or_default();
        let options = self.trained.options(&found, data);
        let assembly = Assembly::new(&recipe, options).map_err(Failure::Refused)?;
        found.compare(&assembly).map_err(Failure::Refused)?;
        let notes = assembly.notes_on_weights().iter();
        notes.for_each(|note| tracing::info!("note: {note}"));
        let evaluator = assembly.evaluator(found.checkpoint.as_deref(), &found.parent);
        let predictor = evaluator.map_err(Failure::Refused)?.predictor();
        let mut predictor = predictor.map_err(Failure::Failed)?;
        let (images, failed) = self.predict(&mut predictor);
        let predictions = Predictions {
            schema: 1,
            weights: found.checkpoint.or(found.weights),
            images,
            failed,
            folder: predictor.folder().to_owned(),
        };
        predictions.write().map_err(Failure::Failed)?;
        match self.json {
            true => print_json(&predictions),
            false => print(predictions.lines()),
        }?;
        predictions.check_whole().map_err(Failure::Failed)
    }

    /// Refuses to begin where no file is an image; the first says why.
    fn check_some(&self) -> anyhow::Result<()> {
        let mut checked = self
            .images
            .iter()
            .map(|image| DataLoader::check_picture(image));
        let first = checked.next().unwrap_or(Ok(()));
        match checked.any(|checked| checked.is_ok()) {
            true => Ok(()),
            false => first,
        }
    }

    /// The predictions, and the files for which there are none: one that fails does not end the others.
    fn predict(&self, predictor: &mut Predictor) -> (Vec<OfImage>, Vec<FailedImage>) {
        let mut names = HashSet::new();
        let (mut images, mut failed) = (Vec::new(), Vec::new());
        for image in &self.images {
            match self.predict_one(predictor, image, &mut names) {
                Ok(found) => images.push(found),
                Err(error) => failed.push(FailedImage {
                    image: image.clone(),
                    reason: format!("{error:#}"),
                }),
            }
        }
        (images, failed)
    }

    fn predict_one(
        &self,
        predictor: &mut Predictor,
        image: &Path,
        names: &mut HashSet<String>,
    ) -> anyhow::Result<OfImage> {
        let (picture, preds) = predictor.predict(image)?;
        let outcome = outcome::of(predictor, &picture, &preds, self.conf);
        let outcome = outcome.with_context(|| image.display().to_string())?;
        let drawn = match &outcome {
            Outcome::Boxes(boxes) => Some(draw(predictor.folder(), names, &picture, boxes)?),
            Outcome::Classes(_) => None,
        };
        Ok(OfImage::new(picture, outcome, drawn))
    }
}

/// Writes the image with its boxes drawn. Answers the file's name.
fn draw(
    folder: &Path,
    names: &mut HashSet<String>,
    picture: &Picture,
    boxes: &[Boxed],
) -> anyhow::Result<String> {
    let name = free_name(names, &picture.path);
    let png = drawn::png(picture, boxes)?;
    atomic_file::write_file(&folder.join(&name), &png, Durability::Process)?;
    Ok(name)
}

/// A file's name for the drawn image: that of the image, with a number where another image has it.
fn free_name(names: &mut HashSet<String>, image: &Path) -> String {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |letter: char| match letter.is_alphanumeric() || "-_".contains(letter) {
        true => letter,
        false => '_',
    };
    let stem: String = stem.chars().take(60).map(plain).collect();
    let mut name = format!("{stem}.png");
    let mut number = 2;
    while !names.insert(name.clone()) {
        name = format!("{stem}-{number}.png");
        number += 1;
    }
    name
}

impl OfImage {
    fn new(picture: Picture, outcome: Outcome, drawn: Option<String>) -> OfImage {
        let [height, width] = picture.size;
        let (boxes, classes) = match outcome {
            Outcome::Boxes(boxes) => (Some(boxes), None),
            Outcome::Classes(classes) => (None, Some(classes)),
        };
        OfImage {
            image: picture.path,
            width,
            height,
            boxes,
            classes,
            drawn,
        }
    }

    /// A line about the image, for people.
    fn line(&self) -> String {
        let image = self.image.display();
        match (&self.boxes, &self.classes) {
            (Some(boxes), _) => {
                let boxes = listed(boxes.iter().map(|found| (&found.class, found.score)));
                format!("boxes    {image}: {boxes}")
            }
            (_, Some(classes)) => {
                let classes = classes.iter();
                let classes = listed(classes.map(|class| (&class.class, class.probability)));
                format!("classes  {image}: {classes}")
            }
            _ => format!("nothing  {image}"),
        }
    }
}

/// The first ten with their scores, and how many there are besides.
fn listed<'a, Name: Display + 'a>(all: impl ExactSizeIterator<Item = (Name, f64)>) -> String {
    let count = all.len();
    let first = all
        .take(10)
        .map(|(name, score)| format!("{name} {score:.2}"));
    let first: Vec<String> = first.collect();
    match count {
        0 => "none".to_owned(),
        1..=10 => first.join(", "),
        _ => format!("{} and {} more", first.join(", "), count - 10),
    }
}

impl Predictions {
    fn write(&self) -> anyhow::Result<()> {
        let json = serde_json::to_vec_pretty(self)?;
        let file = self.folder.join("predictions.json");
        atomic_file::write_file(&file, &json, Durability::Process)?;
        Ok(())
    }

    /// Refuses to end well where there are files without a prediction.
    fn check_whole(&self) -> anyhow::Result<()> {
        let count = self.failed.len();
        let reasons = self.failed.iter().map(|failed| failed.reason.as_str());
        let reasons: Vec<&str> = reasons.collect();
        ensure!(
            count == 0,
            "{count} of {} images have no prediction:\n{}",
            count + self.images.len(),
            reasons.join("\n")
        );
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let weights = self.weights.as_ref();
        let weights = weights.map_or("the recipe's weights".to_owned(), |path| {
            path.display().to_string()
        });
        let mut lines = vec![format!("weights  {weights}")];
        lines.extend(self.images.iter().map(OfImage::line));
        lines.push(format!("files    {}", self.folder.display()));
        lines
    }
}
