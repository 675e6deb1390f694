//! `phasebox check`: the parts, the plan, and a trial whose results are thrown away.

use clap::Args;
use phasebox_contract::limits::{Limit, Limits};
use phasebox_recipe::{DeviceChoice, Recipe};
use phasebox_train::interrupt::Interrupt;

use super::print::print;
use super::{Failure, RecipeArguments};
use crate::assemble::{
    Assembly, Extent, Options, PlannedCallback, ProcessCache, Tried, missing_cuda,
};

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Try a whole batch of the recipe's size in place of two samples: finds too little memory.
    #[arg(long)]
    full: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let recipe = self.recipe.load()?;
        let interrupt = Interrupt::listen().map_err(Failure::Failed)?;
        let mut cache = ProcessCache::default();
        let missing = missing_cuda(self.recipe.device.or(recipe.device));
        let is_on_cpu = missing.is_some();
        let options = || self.options(&interrupt, is_on_cpu);
        let assembly = Assembly::with(&recipe, options(), &mut cache);
        let refused = |error| Failure::before_training(error, &interrupt);
        let assembly = assembly.map_err(refused)?;
        self.describe(&recipe, &assembly)?;
        let tried = match self.full {
            true => assembly.trial(Extent::WholeBatch),
            false => assembly.trial_of_two(|| Assembly::with(&recipe, options(), &mut cache)),
        };
        self.report(tried.map_err(refused)?, missing)
    }

    fn options(&self, interrupt: &Interrupt, is_on_cpu: bool) -> Options {
        let options = self.recipe.options();
        Options {
            device: match is_on_cpu {
                true => Some(DeviceChoice::Cpu),
                false => options.device,
            },
            interrupt: interrupt.clone(),
            ..options
        }
    }

    fn describe(&self, recipe: &Recipe, assembly: &Assembly<'_>) -> Result<(), Failure> {
        let (file, name) = (self.recipe.recipe.display(), &recipe.experiment_name);
        print([format!("recipe {file}: {name}")])?;
        let parts = assembly.describe_parts();
        print(parts.iter().map(|line| format!("  {line}")))?;
        print(["callbacks, in order:"])?;
        print(assembly.callbacks().iter().map(callback))?;
        print(["plan:"])?;
        print(
            assembly
                .plan()
                .iter()
                .map(|(phase, names)| format!("  {phase:<44} {}", names.join(" → "))),
        )?;
        print(assembly.describe_recording().map_err(Failure::Refused)?)?;
        let notes = assembly.notes().map_err(Failure::Refused)?;
        print(notes.iter().map(|note| format!("note: {note}")))
    }

    fn report(&self, tried: Tried, missing_cuda: Option<String>) -> Result<(), Failure> {
        if tried.is_interrupted {
            return Err(Failure::interrupted("the trial"));
        }
        print(tried.warnings.iter().map(|line| format!("warning: {line}")))?;
        let size = match self.full {
            true => "whole batches",
            false => "two samples a batch",
        };
        print([format!(
            "trial: the first and the last epoch went through, with {size}"
        )])?;
        print(missing_cuda.map(|reason| {
            format!(
                "not seen: the recipe wants a GPU, and here {reason}: the trial ran on the CPU, and does not know the \
                 memory, the kernels and the graphs of the GPU"
            )
        }))
    }
}

fn callback(callback: &PlannedCallback) -> String {
    let grants = callback.grants().join(", ");
    let limits = limits(callback.limits());
    format!(
        "  {}  {}  grants: [{grants}]{limits}{}",
        callback.name(),
        callback.source(),
        metrics(callback.metrics())
    )
}

fn metrics(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("  publishes: [{}]", names.join(", ")),
    }
}

/// Those that the recipe changes; the others are in `docs/limits.md`.
fn limits(limits: Option<&Limits>) -> String {
    let Some(limits) = limits else {
        return String::new();
    };
    let default = Limits::default();
    let changed = Limit::ALL
        .into_iter()
        .filter(|limit| limits[*limit] != default[*limit]);
    let written: Vec<String> = changed
        .map(|limit| format!("{}: {}", limit.key(), limit.show(limits[limit])))
        .collect();
    if written.is_empty() {
        String::new()
    } else {
        format!("  limits: {{{}}}", written.join(", "))
    }
}
