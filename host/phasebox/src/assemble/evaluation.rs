//! An evaluation in place of a training: the assembled parts, a checkpoint laid over them, one pass.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use phasebox_files::atomic_file::{self, Durability};
use phasebox_train::checkpoint;
use phasebox_train::logger::RunFolder;
use phasebox_train::split::Split;
use phasebox_train::trainer::Trainer;

use super::{Assembly, resume};

impl Assembly<'_> {
    /// Refuses a split that the recipe's data lack.
    ///
    /// # Errors
    /// For [`Split::Test`], if there is no test data.
    pub fn has(&self, split: Split) -> Result<()> {
        let lacks = split == Split::Test && self.built.test_loader.is_none();
        ensure!(
            !lacks,
            "the recipe's data have no test part, and the run may have trained on every sample that is not for validation: name data of its own in `dataset_params`"
        );
        Ok(())
    }

    /// A trainer that stands at `checkpoint`, or at the weights that the recipe starts from if there is none. Its logs,
    /// images and artifacts go to a new folder in `parent`; a run's own folder is not touched.
    ///
    /// # Errors
    /// A checkpoint that does not fit; no folder is left then.
    pub fn evaluator(self, checkpoint: Option<&Path>, parent: &Path) -> Result<Trainer> {
        let folder = RunFolder::create_evaluation(parent)?;
        let stands = self.stand_in(&folder, checkpoint);
        if stands.is_err() {
            // Empty but for the recipe; the first error is the one to tell.
            let _ = fs::remove_dir_all(folder.path());
        }
        stands
    }

    fn stand_in(self, folder: &RunFolder, checkpoint: Option<&Path>) -> Result<Trainer> {
        let source = self.recipe.clone();
        let recipe = source.to_yaml()?;
        let network_bytes = self.built.net.bytes();
        let (mut trainer, _) = self.trainer_in(folder)?;
        if let Some(path) = checkpoint {
            let snapshot = checkpoint::load_for(path, network_bytes)?;
            let changed = resume::changes(&source, &snapshot)?;
            trainer.look_at(path, snapshot, &changed)?;
        }
        let file = folder.recipe();
        atomic_file::write_file(&file, recipe.as_bytes(), Durability::Process)?;
        Ok(trainer)
    }
}
