//! SuperGradients' recipes, lowered to phasebox's own keys before they are typed. Owns what its keys mean here; every
//! value keeps the line it was written on, and no code of a recipe runs.
//!
//! | file | lowers |
//! |---|---|
//! | `targets` | `_target_` |
//! | `layout` | the places of data |
//! | `checkpoints` | `checkpoint_params` |
//! | `shortcuts` | short names at the top, `seed` and `resume` in two places |
//! | `processes` | `multi_gpu`, `num_gpus`, `sync_bn` |
//! | `inert` | keys that ask for nothing |
//! | `logger` | `sg_logger_params` |
//! | `schedulers` | the `phase` of an `lr_mode` |
//! | `multi_scale` | the multi-scale training of `pre_prediction_callback` |
//! | `missing` | keys for what is not here |
//! | `warm_up` | notes about schedules |
//! | `variables` | a recipe's own keys |
//! | `yolox` | `arch_params` of YOLOX networks |
//! | `resolvers` | functions inside `${…}` |

mod checkpoints;
mod inert;
mod layout;
mod logger;
mod missing;
mod multi_scale;
mod processes;
pub(super) mod resolvers;
mod said;
mod schedulers;
mod shortcuts;
mod targets;
mod variables;
mod warm_up;
mod yolox;

pub(super) use self::said::Said;
use super::interpolate::References;
use super::location::Result;
use super::node::Node;

/// The keys that phasebox itself reads.
pub(super) struct Keys {
    pub(super) top: Vec<&'static str>,
    pub(super) training: Vec<&'static str>,
}

impl Keys {
    /// True if the value at a path is read for itself: it is no variable, nor a key that nobody knows.
    fn has(&self, path: &str, has_splits: bool) -> bool {
        let mut keys = path.split('.');
        let top = keys.next().unwrap_or_default();
        let below = keys.next();
        match (top, below) {
            ("variables", _) => false,
            ("training_hyperparams", Some(key)) => {
                self.training.contains(&key) || inert::is_in_training(key)
            }
            ("dataset_params", Some(key)) if has_splits => layout::is_known(key),
            _ => {
                let top = &top;
                self.top.contains(top)
                    || shortcuts::has(top)
                    || inert::has(top)
                    || missing::has(top)
            }
        }
    }
}

/// Lowers a composed recipe in place, and says which keys do nothing here.
///
/// # Errors
/// A key of SuperGradients that contradicts another one, or asks for something by a value that phasebox does not know.
pub(super) fn lower(recipe: &mut Node, references: &References, keys: &Keys) -> Result<Said> {
    let has_splits = layout::is_theirs(recipe);
    let read = &references.leading_to(|path| keys.has(path, has_splits));
    let mut said = Said::default();
    if let Some(hydra) = recipe.take("hydra") {
        said.note(&hydra, "runs have their own folders (`--runs-dir`)");
    }
    targets::lower(recipe);
    layout::lower(recipe, read, &mut said)?;
    checkpoints::lower(recipe, &mut said)?;
    shortcuts::lower(recipe, &mut said)?;
    variables::note_unread(recipe, read, &mut said);
    variables::take_out(recipe, &keys.top, read);
    if let Some(training) = recipe.get_mut("training_hyperparams") {
        variables::take_out(training, &keys.training, read);
    }
    logger::lower(recipe, &mut said)?;
    schedulers::lower(recipe, &mut said)?;
    yolox::lower(recipe, &mut said)?;
    multi_scale::lower(recipe, &mut said)?;
    inert::lower(recipe, &mut said);
    missing::lower(recipe, &mut said);
    processes::lower(recipe, &mut said);
    warm_up::note(recipe, &mut said);
    variables::name_run(recipe, &mut said);
    Ok(said)
}
