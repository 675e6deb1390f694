//! The names of a recipe, looked up before any part is built: network, loss, optimizer, schedule, metrics, data set,
//! transforms, collations and callbacks. Owns the one refusal that lists all that are not there; parameters are read
//! later, so those of a missing name are never judged.

use anyhow::{Result, anyhow};
use phasebox_data::{DatasetConfig, check_collation_name, check_transform_name};
use phasebox_nn::{criterion, metrics, model, optim, schedule};
use phasebox_recipe::{CallbackSource, Content, Location, Node, Note, Recipe};

use super::script::SCRIPT;
use super::search::Search;

/// Refuses a recipe with names that nothing has.
///
/// # Errors
/// Every such name with its place and the remedy: one line each.
pub(super) fn check(recipe: &Recipe, search: &Search) -> Result<()> {
    let mut missing = Missing::default();
    let keys = recipe.missing.iter().map(Note::to_string);
    keys.for_each(|line| missing.add(line));
    missing.in_parts(recipe);
    missing.in_data(recipe);
    missing.in_callbacks(recipe, search);
    missing.refuse()
}

/// The most names that a message lists. Nobody reads more, and none is looked up then.
const MOST_LISTED: usize = 50;

/// The refusals of names, in the order of the recipe's parts.
#[derive(Default)]
struct Missing {
    lines: Vec<String>,
    /// There are more of them than are listed.
    has_more: bool,
}

impl Missing {
    fn in_parts(&mut self, recipe: &Recipe) {
        let training = &recipe.training_hyperparams;
        self.look_up(&recipe.architecture, model::check_name);
        self.look_up(&training.loss, criterion::check_name);
        self.in_parts_of_loss(&training.loss);
        self.in_parts_of_loss(&training.criterion_params);
        self.look_up(&training.optimizer, optim::check_name);
        if let Some(mode) = training.schedule.get("lr_mode") {
            self.look_up(mode, schedule::check_name);
        }
        self.look_up_each(&training.train_metrics_list, metrics::check_name);
        self.look_up_each(&training.valid_metrics_list, metrics::check_name);
    }

    /// The losses that a loss is made of: `parts`, here or below the loss's name.
    fn in_parts_of_loss(&mut self, node: &Node) {
        let below = node
            .entries()
            .first()
            .and_then(|entry| entry.value.get("parts"));
        let parts = node.get("parts").or(below);
        for part in parts.map_or(&[][..], Node::entries) {
            self.look_up(&part.value, criterion::check_name);
        }
    }

    fn in_data(&mut self, recipe: &Recipe) {
        self.look_up(&recipe.dataset, DatasetConfig::check_name);
        self.look_up_each(&recipe.train_transforms, check_transform_name);
        self.look_up_each(&recipe.val_transforms, check_transform_name);
        let loaders = [
            &recipe.train_dataloader_params,
            &recipe.val_dataloader_params,
            &recipe.test_dataloader_params,
        ];
        for collation in loaders
            .into_iter()
            .filter_map(|loader| loader.get("collate_fn"))
        {
            self.look_up(collation, check_collation_name);
        }
    }

    fn in_callbacks(&mut self, recipe: &Recipe, search: &Search) {
        let stock = search.stock();
        for entry in &recipe.training_hyperparams.phase_callbacks {
            let found = match &entry.source {
                CallbackSource::Named(name) => search.check_name(name),
                CallbackSource::Stock(name) => stock.path(name).map(drop),
                CallbackSource::Script(_) => stock.path(SCRIPT).map(drop),
                CallbackSource::File(_) | CallbackSource::Locator(_) => continue,
            };
            self.note(&entry.written.location, found);
        }
    }

    /// Looks up a name, or the name in `{name: parameters}`. Anything else is refused where the part is built.
    fn look_up(&mut self, node: &Node, look_up: fn(&str) -> Result<()>) {
        match (node.as_str(), node.entries()) {
            _ if self.has_more => {}
            (Some(name), _) => self.note(&node.location, look_up(name)),
            (None, [entry]) => self.note(&entry.location, look_up(&entry.key)),
            _ => {}
        }
    }

    fn look_up_each(&mut self, node: &Node, look_up: fn(&str) -> Result<()>) {
        if let Content::List(items) = &node.content {
            items.iter().for_each(|item| self.look_up(item, look_up));
        }
    }

    fn note(&mut self, location: &Location, found: Result<()>) {
        if let Err(refusal) = found {
            self.add(location.error(format!("{refusal:#}")).to_string());
        }
    }

    /// Adds a line that is not there yet, if there is room.
    fn add(&mut self, line: String) {
        if self.lines.contains(&line) {
            return;
        }
        match self.lines.len() < MOST_LISTED {
            true => self.lines.push(line),
            false => self.has_more = true,
        }
    }

    fn refuse(self) -> Result<()> {
        let more = match self.has_more {
            true => " names and more",
            false => " names",
        };
        match self.lines.as_slice() {
            [] => Ok(()),
            [line] => Err(anyhow!("{line}")),
            lines => Err(anyhow!(
                "{}{more} of this recipe are not there:\n{}",
                lines.len(),
                lines.join("\n")
            )),
        }
    }
}
