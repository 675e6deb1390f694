//! The checkpoint that a network is from: the recipe that it was made with, and what it knows of its data. Reads no tensors,
//! and no data.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use phasebox_recipe::Recipe;
use phasebox_train::checkpoint::{self, State};
use phasebox_train::logger::RunFolder;
use phasebox_train::trainer::{OfCheckpoint, check_classes};

use crate::assemble::{Assembly, Data};

/// The numbers of a checkpoint.
pub(super) struct Origin {
    state: State,
    data: OfCheckpoint,
}

impl Origin {
    /// Reads a checkpoint's numbers.
    ///
    /// # Errors
    /// A checkpoint that is damaged, with the newest that is not.
    pub(super) fn of(checkpoint: &Path) -> Result<Origin> {
        let state = checkpoint::state(checkpoint)?;
        let data = OfCheckpoint::of(&state);
        let data = data.with_context(|| checkpoint.display().to_string())?;
        Ok(Origin { state, data })
    }

    /// The recipe in the run's folder that the checkpoint was made with; the newest where no other is that. Says so if the
    /// run went on with another.
    pub(super) fn recipe_in(&self, run: &Path) -> Result<PathBuf> {
        let recipes = RunFolder::open(run)?.recipes();
        let newest = run.join("recipe.yaml");
        if self.state.recipe.is_null() || recipes.len() < 2 {
            return Ok(newest);
        }
        let is_own = |path: &&PathBuf| {
            let recipe = Recipe::load(path, &[]);
            recipe.is_ok_and(|recipe| recipe.to_json() == self.state.recipe)
        };
        let Some(own) = recipes.iter().find(is_own) else {
            return Ok(newest);
        };
        if own.file_name() != newest.file_name() {
            tracing::info!(
                "note: the checkpoint was made with {}, which is read here; the run went on with {}",
                own.display(),
                newest.display()
            );
        }
        Ok(own.clone())
    }

    /// The data of an assembly that looks at none: those of the checkpoint, with blank samples.
    ///
    /// # Errors
    /// An outline that no data set has.
    pub(super) fn data(&self) -> Result<Data> {
        let OfCheckpoint { outline, classes } = &self.data;
        let Some(outline) = outline.clone() else {
            return Ok(Data::NotKept);
        };
        let stand_in = outline.stand_in(classes.clone())?;
        Ok(Data::StandIn(Arc::new(stand_in)))
    }

    /// The data of an evaluation, which does without those of training.
    ///
    /// # Errors
    /// An outline that no data set has.
    pub(super) fn data_of_evaluation(&self) -> Result<Data> {
        Ok(match self.data()? {
            Data::StandIn(stand_in) => Data::Evaluation(stand_in),
            data => data,
        })
    }

    /// Refuses data with other classes than those of the checkpoint.
    ///
    /// # Errors
    /// The first class that differs.
    pub(super) fn check_classes(&self, assembly: &Assembly<'_>) -> Result<()> {
        let mut loaders = assembly.loaders();
        loaders.try_for_each(|loader| check_classes(&self.data.classes, loader))
    }

    /// Says that pixels come on another scale than the network was trained with.
    ///
    /// # Errors
    /// A first sample that cannot be read.
    pub(super) fn note_scale(&self, assembly: &Assembly<'_>) -> Result<()> {
        if let Some(outline) = &self.data.outline
            && let Some(note) = assembly.note_on_scale(outline)?
        {
            tracing::info!("note: {note}");
        }
        Ok(())
    }
}
