//! Builds the parts of training that a recipe names: data, network, loss, metrics, optimizer, schedule. Callbacks are
//! `callbacks`' business.

mod data;
mod place;
mod rates;
mod sizes;
mod weights;

use anyhow::{Context as _, Result, anyhow};
use phasebox_data::DataLoader;
use phasebox_nn::criterion::Criterion;
use phasebox_nn::ema::{Ema, EmaConfig};
use phasebox_nn::metrics::{MetricConfig, Metrics};
use phasebox_nn::model::{self, Model, Plan};
use phasebox_nn::optim::{self, Grouping, LearningRates, Optimizer, OptimizerConfig};
use phasebox_nn::schedule::{Schedule, ScheduleConfig};
use phasebox_recipe::{Content, Node, Note, Recipe};
use phasebox_train::split::PerSplit;
use serde_json::Value;
use tch::Device;

pub use self::data::Data;
use self::data::{dataset, loaders};
pub(super) use self::place::{at, line_in};
pub(super) use self::rates::note as note_on_rates;
pub(super) use self::sizes::REMEDY as REMEDY_FOR_SIDES;
use super::{Policies, ProcessCache};

/// Everything a trainer needs, but for callbacks and the run's folder.
pub(super) struct Built {
    pub(super) net: Model,
    pub(super) ema: Option<Ema>,
    pub(super) optimizer: Box<dyn Optimizer>,
    pub(super) criterion: Criterion,
    pub(super) schedule: Schedule,
    pub(super) warmup_epochs: u32,
    pub(super) train_loader: DataLoader,
    pub(super) valid_loader: DataLoader,
    pub(super) test_loader: Option<DataLoader>,
    pub(super) metrics: PerSplit<Metrics>,
    /// Facts about the weights that the network starts from.
    pub(super) notes: Vec<Note>,
}

impl Built {
    pub(super) fn build(
        recipe: &Recipe,
        data: &Data,
        device: Device,
        policies: &Policies,
        cache: &mut ProcessCache,
    ) -> Result<Built> {
        let training = &recipe.training_hyperparams;
        torch_ext::manual_seed(training.seed)?;
        let (splits, note) = dataset(recipe, data, cache)?;
        let (train_loader, valid_loader, test_loader) = loaders(recipe, &splits, device)?;
        let criterion = criterion(recipe, device)?;
        let plan = plan(recipe, policies, &train_loader)?;
        let (net, mut notes) = network(recipe, plan, &train_loader, &criterion, device)?;
        sizes::check(recipe, &net, &train_loader, &valid_loader)?;
        let metrics = metrics(recipe, &criterion)?;
        let ema_config: EmaConfig = or_default(&training.ema_params)?;
        let ema = training.ema.then(|| Ema::new(ema_config, &net));
        let ema = ema.transpose().context("`ema: true`, `ema_params`");
        let ema = at(&[&training.ema_params], ema)?;
        let schedule_config = schedule_config(recipe)?;
        let schedule = at(
            &[&training.schedule],
            schedule_config.build(training.max_epochs),
        )?;
        let optimizer = optimizer(recipe, &net)?;
        notes.extend(note);
        rates::check(recipe, &schedule, optimizer.as_ref(), &train_loader)?;
        Ok(Built {
            optimizer,
            warmup_epochs: u32::try_from(schedule_config.lr_warmup_epochs).unwrap_or(u32::MAX),
            net,
            ema,
            criterion,
            schedule,
            train_loader,
            valid_loader,
            test_loader,
            metrics,
            notes,
        })
    }

    pub(super) fn describe(&self) -> Vec<String> {
        let parameters: usize = self
            .net
            .parameters()
            .iter()
            .map(|(_, tensor)| tensor.numel())
            .sum();
        let mut lines = vec![
            format!("data: {}", self.train_loader.dataset().description()),
            describe_loader("train", &self.train_loader),
            describe_loader("validation", &self.valid_loader),
        ];
        let test = self.test_loader.as_ref();
        lines.extend(test.map(|test| describe_loader("test", test)));
        lines.push(format!(
            "network: {}, {parameters} parameters",
            self.net.architecture()
        ));
        lines.push(format!("loss: {}", self.criterion.name()));
        lines.push(format!(
            "metrics: {}",
            self.metrics.validation.names().join(", ")
        ));
        let groups = self.optimizer.groups().iter();
        let rates: Vec<String> = groups
            .map(|group| format!("{} lr {}", group.name, group.learning_rate))
            .collect();
        lines.push(format!(
            "optimizer: {} ({})",
            self.optimizer.name(),
            rates.join(", ")
        ));
        lines
    }
}

fn describe_loader(name: &str, loader: &DataLoader) -> String {
    let left_out = loader.dataset().left_out();
    format!(
        "{name}: {} samples, {} batches of {}{}{left_out}",
        loader.samples(),
        loader.batches(),
        loader.batch_size(),
        if left_out.is_empty() { "" } else { "; " }
    )
}

fn or_default<T: Default + serde::de::DeserializeOwned>(node: &Node) -> Result<T> {
    if is_empty(node) {
        Ok(T::default())
    } else {
        Ok(node.parse()?)
    }
}

fn is_empty(node: &Node) -> bool {
    node.is_null() || node.content == Content::Map(Vec::new())
}

/// A name with its parameters: `name` beside a mapping of parameters, or `{name: parameters}`.
fn named(node: &Node, params: &Node) -> Result<(String, Value)> {
    if let Some(name) = node.as_str() {
        return Ok((name.to_owned(), params.to_json()));
    }
    if let [first, second, ..] = node.entries() {
        let message = format!(
            "`{}` has two names, `{}` and `{}`: keep one; `~{0}.{1}` on the command line takes one out",
            node.path, first.key, second.key
        );
        return Err(anyhow!(second.location.error(message)));
    }
    let [entry] = node.entries() else {
        return Err(anyhow!(node.location.error(format!(
            "`{}` is a name or `{{name: parameters}}`",
            node.path
        ))));
    };
    check_mapping(&entry.value)?;
    if !is_empty(params) {
        let message = format!(
            "`{}` has its parameters here already; write them in one place",
            params.path
        );
        return Err(anyhow!(params.location.error(message)));
    }
    Ok((entry.key.clone(), entry.value.to_json()))
}

/// Refuses parameters in any form but `{name: value}`: a list would be taken by position.
fn check_mapping(params: &Node) -> Result<()> {
    if params.is_null() || matches!(params.content, Content::Map(_)) {
        return Ok(());
    }
    let message = format!(
        "`{}`: parameters are a mapping such as {{name: value}}",
        params.path
    );
    Err(anyhow!(params.location.error(message)))
}

/// The network before memory is taken for it.
fn plan(recipe: &Recipe, policies: &Policies, loader: &DataLoader) -> Result<Plan> {
    let (architecture, params) = named(&recipe.architecture, &recipe.arch_params)?;
    let nodes = [&recipe.architecture, &recipe.arch_params];
    let classes = loader.dataset().num_classes().map(|classes| classes as i64);
    let inputs = loader.input_shapes()?;
    let base = &recipe.base_folder;
    let planned = model::plan(&architecture, &params, &inputs, classes, base);
    let plan = at(&nodes, planned)?;
    policies.check_network(&nodes, plan.values)?;
    Ok(plan)
}

/// The network, and with it what the loss trains of its own; and notes about the weights it starts from.
fn network(
    recipe: &Recipe,
    plan: Plan,
    loader: &DataLoader,
    criterion: &Criterion,
    device: Device,
) -> Result<(Model, Vec<Note>)> {
    let inputs = loader.input_shapes()?;
    let built = plan.build(device);
    let mut net = at(&[&recipe.architecture, &recipe.arch_params], built)?;
    if !criterion.trained().is_empty() {
        net.adopt("criterion", criterion.trained());
    }
    let notes = weights::load(recipe, &mut net)?;
    if recipe.training_hyperparams.channels_last {
        arrange_channels_last(recipe, &mut net, &inputs)?;
    }
    Ok((net, notes))
}

fn arrange_channels_last(
    recipe: &Recipe,
    net: &mut Model,
    inputs: &[(String, Vec<i64>)],
) -> Result<()> {
    if let Some((_, sample)) = inputs.iter().find(|(_, sample)| sample.len() != 3) {
        let section = recipe.resolved.get("training_hyperparams");
        let node = section
            .and_then(|section| section.get("channels_last"))
            .unwrap_or(&recipe.resolved);
        let message = format!(
            "`channels_last` is about images, a sample here has shape {sample:?}: remove the key"
        );
        return Err(anyhow!(node.location.error(message)));
    }
    net.arrange_channels_last()
}

fn criterion(recipe: &Recipe, device: Device) -> Result<Criterion> {
    let training = &recipe.training_hyperparams;
    let (name, params) = named(&training.loss, &training.criterion_params)?;
    let nodes = [&training.loss, &training.criterion_params];
    at(&nodes, Criterion::new(&name, &params, device))
}

fn metrics(recipe: &Recipe, criterion: &Criterion) -> Result<PerSplit<Metrics>> {
    let training = &recipe.training_hyperparams;
    let train = metric_configs(&training.train_metrics_list)?;
    let valid = metric_configs(&training.valid_metrics_list)?;
    let make = |node: &Node, configs: &[MetricConfig]| {
        at(&[node], Metrics::new(configs, criterion.item_names()))
    };
    Ok(PerSplit {
        validation: make(&training.valid_metrics_list, &valid)?,
        test: make(&training.valid_metrics_list, &valid)?,
        train: make(&training.train_metrics_list, &train)?,
    })
}

fn metric_configs(list: &Node) -> Result<Vec<MetricConfig>> {
    match &list.content {
        Content::List(items) => items.iter().map(metric_config).collect(),
        _ => Ok(Vec::new()),
    }
}

fn metric_config(item: &Node) -> Result<MetricConfig> {
    if let [entry] = item.entries() {
        check_mapping(&entry.value)?;
    }
    at(&[item], MetricConfig::from_value(&item.to_json()))
}

fn optimizer(recipe: &Recipe, net: &Model) -> Result<Box<dyn Optimizer>> {
    let training = &recipe.training_hyperparams;
    let (name, params) = named(&training.optimizer, &training.optimizer_params)?;
    let config = at(
        &[&training.optimizer, &training.optimizer_params],
        OptimizerConfig::from_recipe(&name, &params),
    )?;
    let rates = training.schedule.get("initial_lr");
    let rates = rates.filter(|rates| !rates.is_null());
    let Some(rates) = rates else {
        return Err(anyhow!(training.schedule.location.error(
            "`initial_lr` is missing: add it to `training_hyperparams`"
        )));
    };
    let learning_rates: LearningRates = rates.parse()?;
    let zero_weight_decay_on_bias_and_bn = training.zero_weight_decay_on_bias_and_bn;
    let grouping = Grouping {
        learning_rates,
        zero_weight_decay_on_bias_and_bn,
    };
    let parameters = net
        .parameters()
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
    at(
        &[rates, &training.optimizer_params],
        optim::build(&config, parameters.collect(), &grouping),
    )
}

/// The keys of the learning rate's schedule.
pub(super) fn schedule_config(recipe: &Recipe) -> Result<ScheduleConfig> {
    or_default(&without_initial_lr(&recipe.training_hyperparams.schedule))
}

/// The schedule's own keys: the initial rate is the optimizer's.
fn without_initial_lr(schedule: &Node) -> Node {
    let keys: Vec<&str> = schedule
        .entries()
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    schedule.only(
        &keys
            .into_iter()
            .filter(|key| *key != "initial_lr")
            .collect::<Vec<_>>(),
    )
}
