//! The requests of a recipe, compared with what the operator of the machine allows. Owns which policies hold and the words
//! of a refusal; their keys are `phasebox_recipe::Policy`'s. Everything is compared before any of it is opened.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use phasebox_contract::grants::Grants;
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::policy::Wasi;
use phasebox_recipe::{
    CallbackEntry, CallbackSource, Content, DeviceChoice, Node, Policy, Recipe, Script,
};
use phasebox_registry::Locator;

use super::Options;
use super::build::at;

/// The policy of the machine. It holds in every run, whatever the command line says.
const OF_THE_MACHINE: &str = "/etc/phasebox/policy.yaml";
const CANNOT_BE_READ: &str = "the policy of this machine cannot be read";

/// The policies that hold: the machine's, and one that the command line adds. Both must allow what is done.
pub struct Policies(Vec<Policy>);

impl Policies {
    /// Reads the machine's policy, if it has one, and `more`.
    ///
    /// # Errors
    /// A policy that cannot be read or understood: without it nothing may run.
    pub fn read(more: Option<&Path>) -> Result<Policies> {
        let machine = Path::new(OF_THE_MACHINE);
        let is_there = machine.try_exists().context(CANNOT_BE_READ)?;
        let both = is_there.then_some(machine).into_iter().chain(more);
        let read = both.map(|path| Policy::load(path).context(CANNOT_BE_READ));
        read.collect::<Result<_>>().map(Policies)
    }

    /// One line for each policy, for people.
    pub fn describe(&self) -> Vec<String> {
        self.0.iter().map(describe).collect()
    }

    /// Refuses a recipe that asks for what a policy does not allow.
    pub(super) fn check(&self, recipe: &Recipe, options: &Options) -> Result<()> {
        self.0
            .iter()
            .try_for_each(|policy| Compared { policy, recipe }.all(options))
    }

    /// Refuses a place on the network that a policy does not allow, before anybody is asked.
    ///
    /// # Errors
    /// The place, and the policy that forbids it.
    pub(crate) fn check_place(&self, locator: &Locator) -> Result<()> {
        self.0
            .iter()
            .try_for_each(|policy| check_place(policy, locator))
    }

    /// The limits of a callback: those that a recipe leaves at their default are lowered to what is allowed.
    pub(super) fn limits(&self, limits: Limits) -> Limits {
        let policies = self.0.iter();
        policies.fold(limits, |limits, policy| limits.lowered_to(&policy.limits))
    }

    /// Refuses a network that is larger than a policy allows. `nodes` name it.
    pub(super) fn check_network(&self, nodes: &[&Node], values: u64) -> Result<()> {
        for policy in &self.0 {
            let most = policy.network_parameters.unwrap_or(u64::MAX);
            let fits = values <= most;
            let refusal = || {
                let forbids = forbids(policy, "network_parameters");
                anyhow!("a network of {values} parameters, and {most} may be: {forbids}")
            };
            at(nodes, fits.then_some(()).ok_or_else(refusal))?;
        }
        Ok(())
    }

    /// The words for who refuses callbacks that import WASI: their entry, or a policy. None if nobody does.
    pub(super) fn refuses_wasi(&self, entry: &CallbackEntry) -> Option<String> {
        if entry.wasi == Wasi::Refuse {
            return Some("its entry".to_owned());
        }
        let mut policies = self.0.iter();
        policies
            .find(|policy| policy.wasi == Wasi::Refuse)
            .map(name)
    }

    /// Refuses rights that a policy does not allow.
    pub(super) fn check_grants(&self, callback: &str, grants: Grants) -> Result<()> {
        for policy in &self.0 {
            let Some(allowed) = policy.grants else {
                continue;
            };
            let refused = grants.without(allowed).names().join(", ");
            ensure!(
                refused.is_empty(),
                "callback `{callback}` has the grants {refused}, {}",
                forbids(policy, "grants")
            );
        }
        Ok(())
    }
}

/// A policy and the recipe that it judges.
struct Compared<'a> {
    policy: &'a Policy,
    recipe: &'a Recipe,
}

impl Compared<'_> {
    fn all(&self, options: &Options) -> Result<()> {
        self.device(options.device.or(self.recipe.device))?;
        self.network()?;
        self.data()?;
        self.files(options)?;
        let mut callbacks = self.recipe.training_hyperparams.phase_callbacks.iter();
        callbacks.try_for_each(|entry| at(&[&entry.written], self.callback(entry)))
    }

    fn device(&self, device: Option<DeviceChoice>) -> Result<()> {
        let Some(allowed) = &self.policy.devices else {
            return Ok(());
        };
        let device = device.unwrap_or(DeviceChoice::Cpu);
        ensure!(
            allowed.contains(&device),
            "device `{device}`: {}",
            forbids(self.policy, "devices")
        );
        Ok(())
    }

    fn network(&self) -> Result<()> {
        let node = &self.recipe.architecture;
        let is_torchscript =
            node.as_str() == Some("torchscript") || node.get("torchscript").is_some();
        if is_torchscript && !self.policy.torchscript {
            bail!(node.location.error(format!(
                "TorchScript: {}",
                forbids(self.policy, "torchscript")
            )));
        }
        Ok(())
    }

    /// Every text of these sections that is the path of something must lie in an allowed folder.
    fn data(&self) -> Result<()> {
        let recipe = self.recipe;
        for section in [
            &recipe.dataset,
            &recipe.dataset_params,
            &recipe.architecture,
            &recipe.arch_params,
            &recipe.train_dataloader_params,
            &recipe.val_dataloader_params,
            &recipe.test_dataloader_params,
            &recipe.train_transforms,
            &recipe.val_transforms,
        ] {
            self.texts(section)?;
        }
        Ok(())
    }

    fn texts(&self, node: &Node) -> Result<()> {
        match &node.content {
            Content::Map(entries) => entries
                .iter()
                .try_for_each(|entry| self.texts(&entry.value)),
            Content::List(items) => items.iter().try_for_each(|item| self.texts(item)),
            Content::Scalar(_) | Content::Unavailable(_) => self.text(node),
        }
    }

    /// A text may be the path of something: then it is there.
    fn text(&self, node: &Node) -> Result<()> {
        let Some(text) = node.as_str() else {
            return Ok(());
        };
        let path = self.recipe.base_folder.join(text);
        let is_there = path.symlink_metadata().is_ok();
        let fits = !is_there || inside(&path, self.policy.paths.as_deref());
        ensure!(fits, node.location.error(self.outside(&path, "paths")));
        Ok(())
    }

    /// Weights, runs, and what to go on with.
    fn files(&self, options: &Options) -> Result<()> {
        let weights = self.recipe.checkpoint_params.checkpoint_path.as_ref();
        let from = self.recipe.training_hyperparams.resume.resume_path.as_ref();
        let runs = Some(&options.runs_dir);
        let paths = [weights, from, runs, options.resume.as_ref()];
        for path in paths.into_iter().flatten() {
            let inside = inside(path, self.policy.paths.as_deref());
            ensure!(inside, self.outside(path, "paths"));
        }
        Ok(())
    }

    fn callback(&self, entry: &CallbackEntry) -> Result<()> {
        let folders = self.policy.callbacks.as_deref();
        if let Some(path) = entry.source.file() {
            let inside = inside(path, folders);
            ensure!(inside, self.outside(path, "callbacks"));
        }
        if let CallbackSource::Locator(text) = &entry.source {
            check_place(self.policy, &text.parse()?)?;
        }
        let is_text = matches!(entry.source, CallbackSource::Script(Script::Text(_)));
        ensure!(
            !is_text || folders.is_none(),
            "a script in the recipe is in no folder: {}",
            forbids(self.policy, "callbacks")
        );
        let defaults = Limits::default();
        for limit in Limit::ALL {
            let (asked, most) = (entry.limits[limit], self.policy.limits[limit]);
            ensure!(
                asked <= most || asked == defaults[limit],
                "limit `{}` of {}: {} allows {}; lower it",
                limit.key(),
                limit.show(asked),
                name(self.policy),
                limit.show(most)
            );
        }
        Ok(())
    }

    fn outside(&self, path: &Path, key: &str) -> String {
        format!("{}: {}", path.display(), forbids(self.policy, key))
    }
}

/// Refuses a place on the network that is not allowed. Who allows certain folders alone means these.
fn check_place(policy: &Policy, locator: &Locator) -> Result<()> {
    let place = locator.place();
    let (is_allowed, key) = match &policy.registries {
        Some(allowed) => (
            allowed.iter().any(|above| is_below(&place, above)),
            "registries",
        ),
        None => (policy.callbacks.is_none(), "callbacks"),
    };
    ensure!(is_allowed, "`{locator}`: {}", forbids(policy, key));
    Ok(())
}

/// True for a place on the network that is another, or lies below it.
fn is_below(place: &str, above: &str) -> bool {
    let rest = place.strip_prefix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// True if nothing is said, if nothing is there, or if it is in one of the folders, whatever links lead to it.
fn inside(path: &Path, folders: Option<&[PathBuf]>) -> bool {
    let Some(folders) = folders else { return true };
    let Some(real) = real(path) else { return true };
    folders.iter().any(|folder| real.starts_with(folder))
}

/// The path without links, of what is there or would be made there.
fn real(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find_map(|above| {
        let rest = absolute.strip_prefix(above).ok()?;
        Some(above.canonicalize().ok()?.join(rest))
    })
}

fn name(policy: &Policy) -> String {
    format!("the policy of this machine ({})", policy.path.display())
}

fn forbids(policy: &Policy, key: &str) -> String {
    format!(
        "{} does not allow it under `{key}`; ask the operator of the machine, or change the recipe",
        name(policy)
    )
}

/// One line: the keys that are written.
fn describe(policy: &Policy) -> String {
    let folders = |folders: &Vec<PathBuf>| -> String {
        let shown = folders.iter().map(|folder| folder.display().to_string());
        shown.collect::<Vec<_>>().join(", ")
    };
    let mut said = Vec::new();
    said.extend(
        policy
            .grants
            .map(|grants| format!("grants {}", grants.names().join(", "))),
    );
    for limit in Limit::ALL {
        let most = policy.limits[limit];
        if most < u64::MAX {
            said.push(format!("{} at most {}", limit.key(), limit.show(most)));
        }
    }
    said.extend(
        policy
            .callbacks
            .as_ref()
            .map(|list| format!("callbacks from {}", folders(list))),
    );
    let registries = policy.registries.as_ref();
    said.extend(registries.map(|list| format!("callbacks from the network: {}", list.join(", "))));
    said.extend(
        policy
            .paths
            .as_ref()
            .map(|list| format!("files in {}", folders(list))),
    );
    let devices = policy.devices.as_ref();
    said.extend(devices.map(|list| {
        let names: Vec<String> = list.iter().map(DeviceChoice::to_string).collect();
        format!("devices {}", names.join(", "))
    }));
    if let Some(most) = policy.network_parameters {
        said.push(format!("networks of at most {most} parameters"));
    }
    if !policy.torchscript {
        said.push("no TorchScript".to_owned());
    }
    if policy.wasi == Wasi::Refuse {
        said.push("no WASI".to_owned());
    }
    format!("{}: {}", policy.path.display(), said.join("; "))
}
