//! The data of a run as its checkpoints know them: an outline, and fingerprints that tell other samples. Owns what is refused
//! or said where samples have changed; the names of classes are `classes`'.

use anyhow::{Result, ensure};
use phasebox_data::{DataLoader, Outline};
use serde::{Deserialize, Serialize};

use super::{Position, restore};
use crate::checkpoint::State;
use crate::context::Context;

/// The facts about data that a checkpoint keeps. Those of earlier versions keep none.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(super) struct KnownData {
    outline: Option<Outline>,
    /// The fingerprints of training's and of validation's samples.
    train: Option<String>,
    validation: Option<String>,
}

impl KnownData {
    pub(super) fn of(context: &Context) -> KnownData {
        let fingerprint = |loader: &DataLoader| {
            let digest = loader.dataset().fingerprint()?;
            Some(digest.to_string())
        };
        KnownData {
            outline: Outline::of(&context.train_loader),
            train: fingerprint(&context.train_loader),
            validation: fingerprint(&context.valid_loader),
        }
    }

    /// True if `now` has other samples of validation: values that were measured before are of another kind.
    pub(super) fn has_other_validation(&self, now: &KnownData) -> bool {
        differ(self.validation.as_deref(), now.validation.as_deref())
    }

    /// Refuses other samples of training where a position inside an epoch counts in them; elsewhere says so.
    pub(super) fn check_train(&self, now: &KnownData, position: Position) -> Result<()> {
        if !differ(self.train.as_deref(), now.train.as_deref()) {
            return Ok(());
        }
        ensure!(
            !restore::is_inside_training(position),
            "it stands inside epoch {}, and the training samples are others now: their names, labels or order differ; {}",
            position.epoch,
            restore::REMEDY
        );
        tracing::warn!(
            "resume: the training samples are others than those of the checkpoint: their names, labels or order differ"
        );
        Ok(())
    }
}

/// True for two fingerprints that are not one.
fn differ(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

/// The data of a checkpoint, for those who go without them.
#[derive(Debug, Default)]
pub struct OfCheckpoint {
    /// None in checkpoints of earlier versions, and where the data are no images.
    pub outline: Option<Outline>,
    /// The names in the order of their indices.
    pub classes: Vec<String>,
}

impl OfCheckpoint {
    /// Takes them from a checkpoint's numbers.
    ///
    /// # Errors
    /// A part of the state that cannot be read.
    pub fn of(state: &State) -> Result<OfCheckpoint> {
        if state.trainer.is_null() {
            return Ok(OfCheckpoint::default());
        }
        let own = restore::own(state)?;
        Ok(OfCheckpoint {
            outline: own.data.outline,
            classes: own.classes,
        })
    }
}
