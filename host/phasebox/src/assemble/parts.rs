//! The parts of training that a recipe names: data, network, loss, metrics, optimizer, schedule.

use anyhow::{Context as _, Result, anyhow, ensure};
use phasebox_contract::suggest;
use phasebox_data::{Augmentation, DataLoader, DatasetConfig, LoaderConfig, Splits};
use phasebox_nn::criterion::Criterion;
use phasebox_nn::ema::{Ema, EmaConfig};
use phasebox_nn::metrics::{MetricConfig, Metrics};
use phasebox_nn::model::{self, Model};
use phasebox_nn::optim::{self, Grouping, LearningRates, Optimizer, OptimizerConfig};
use phasebox_nn::schedule::{Schedule, ScheduleConfig};
use phasebox_recipe::{Node, Recipe};
use phasebox_train::checkpoint;
use phasebox_train::split::PerSplit;
use phasebox_train::trainer::{Saving, Settings};
use serde_json::{Value, json};
use tch::Device;

use super::Warm;

/// Everything a trainer needs, but for callbacks and the run's folder.
pub(super) struct Parts {
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
}

impl Parts {
    pub(super) fn build(recipe: &Recipe, device: Device, warm: &mut Warm) -> Result<Parts> {
        let training = &recipe.training_hyperparams;
        torch_ext::manual_seed(training.seed)?;
        let splits = dataset(recipe, warm)?;
        let (train_loader, valid_loader, test_loader) = loaders(recipe, &splits, device)?;
        let net = network(recipe, &train_loader, device)?;
        let criterion = criterion(recipe, device)?;
        let metrics = metrics(recipe, &criterion)?;
        let ema_config: EmaConfig = or_default(&training.ema_params)?;
        let ema = training
            .ema
            .then(|| Ema::new(ema_config, &net))
            .transpose()
            .context("`ema: true`")?;
        let schedule_config: ScheduleConfig = or_default(&without_initial_lr(&training.schedule))?;
        let schedule = at(
            &training.schedule,
            schedule_config.build(training.max_epochs),
        )?;
        Ok(Parts {
            optimizer: optimizer(recipe, &net)?,
            warmup_epochs: u32::try_from(schedule_config.lr_warmup_epochs).unwrap_or(u32::MAX),
            net,
            ema,
            criterion,
            schedule,
            train_loader,
            valid_loader,
            test_loader,
            metrics,
        })
    }

    pub(super) fn describe(&self) -> Vec<String> {
        let parameters: usize = self
            .net
            .parameters()
            .iter()
            .map(|(_, tensor)| tensor.numel())
            .sum();
        let loader = |name: &str, loader: &DataLoader| {
            format!(
                "{name}: {} samples, {} batches of {}",
                loader.samples(),
                loader.batches(),
                loader.batch_size()
            )
        };
        let mut lines = vec![
            format!("data: {}", self.train_loader.dataset().description()),
            loader("train", &self.train_loader),
            loader("validation", &self.valid_loader),
        ];
        lines.extend(self.test_loader.as_ref().map(|test| loader("test", test)));
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

/// Puts the place of `node` before an error of the part it describes.
fn at<T>(node: &Node, result: Result<T>) -> Result<T> {
    result.map_err(|error| anyhow!(node.place.error(format!("{error:#}"))))
}

fn or_default<T: Default + serde::de::DeserializeOwned>(node: &Node) -> Result<T> {
    if node.is_null() || node.entries().is_empty() {
        Ok(T::default())
    } else {
        Ok(node.parse()?)
    }
}

/// A name with its parameters: `name` beside a mapping of parameters, or `{name: parameters}`.
fn named(node: &Node, params: &Node) -> Result<(String, Value)> {
    if let Some(name) = node.as_str() {
        return Ok((name.to_owned(), params.to_json()));
    }
    let [entry] = node.entries() else {
        return Err(anyhow!(node.place.error(format!(
            "`{}` is a name or `{{name: parameters}}`",
            node.path
        ))));
    };
    if !params.is_null() && !params.entries().is_empty() {
        let message = format!(
            "`{}` has its parameters here already; write them in one place",
            params.path
        );
        return Err(anyhow!(params.place.error(message)));
    }
    Ok((entry.key.clone(), entry.value.to_json()))
}

fn dataset(recipe: &Recipe, warm: &mut Warm) -> Result<Splits> {
    let (name, params) = named(&recipe.dataset, &recipe.dataset_params)?;
    let params = if params.is_null() { json!({}) } else { params };
    let config = serde_json::from_value::<DatasetConfig>(json!({ name: params }));
    let config = at(
        &recipe.dataset,
        config.map_err(|error| anyhow!("`dataset`: {error}")),
    )?;
    at(&recipe.dataset, warm.data_set(&config, &recipe.base_folder))
}

fn loaders(
    recipe: &Recipe,
    splits: &Splits,
    device: Device,
) -> Result<(DataLoader, DataLoader, Option<DataLoader>)> {
    let training = &recipe.training_hyperparams;
    let make = |name: &str,
                dataset: &std::sync::Arc<dyn phasebox_data::Dataset>,
                params: &Node,
                transforms: &Node,
                max_batches| {
        let mut config: LoaderConfig = or_default(params)?;
        config.max_batches = config.max_batches.or(max_batches);
        let augmentation: Augmentation = or_default(transforms)?;
        let loader = DataLoader::new(name, dataset.clone(), config, augmentation, training.seed);
        at(params, loader).map(|loader| loader.for_device(device))
    };
    let (max_train, max_valid) = (
        training.evaluation.max_train_batches,
        training.evaluation.max_valid_batches,
    );
    let train = make(
        "train",
        &splits.train,
        &recipe.train_dataloader_params,
        &recipe.train_transforms,
        max_train,
    )?;
    let valid = make(
        "validation",
        &splits.validation,
        &recipe.val_dataloader_params,
        &recipe.val_transforms,
        max_valid,
    )?;
    let test = splits.test.as_ref();
    let test = test.map(|test| {
        make(
            "test",
            test,
            &recipe.test_dataloader_params,
            &recipe.val_transforms,
            None,
        )
    });
    Ok((train, valid, test.transpose()?))
}

fn network(recipe: &Recipe, loader: &DataLoader, device: Device) -> Result<Model> {
    let (architecture, params) = named(&recipe.architecture, &recipe.arch_params)?;
    let classes = loader.dataset().num_classes().map(|classes| classes as i64);
    let shape = loader.input_shape()?;
    let built = model::build(
        &architecture,
        &params,
        &shape,
        classes,
        &recipe.base_folder,
        device,
    );
    let mut net = at(&recipe.architecture, built)?;
    if let Some(path) = &recipe.checkpoint_params.checkpoint_path {
        let weights = checkpoint::load_weights(path)?;
        net.load_state(&weights, recipe.checkpoint_params.strict_load)
            .with_context(|| {
                format!(
                    "the weights of {} do not fit `{architecture}`",
                    path.display()
                )
            })?;
    }
    if recipe.training_hyperparams.channels_last {
        arrange_channels_last(recipe, &mut net, &shape)?;
    }
    Ok(net)
}

fn arrange_channels_last(recipe: &Recipe, net: &mut Model, sample: &[i64]) -> Result<()> {
    if sample.len() != 3 {
        let section = recipe.resolved.get("training_hyperparams");
        let node = section
            .and_then(|section| section.get("channels_last"))
            .unwrap_or(&recipe.resolved);
        let message = format!(
            "`channels_last` is about images, a sample here has shape {sample:?}: remove the key"
        );
        return Err(anyhow!(node.place.error(message)));
    }
    net.arrange_channels_last()
}

fn criterion(recipe: &Recipe, device: Device) -> Result<Criterion> {
    let training = &recipe.training_hyperparams;
    let (name, params) = named(&training.loss, &training.criterion_params)?;
    at(&training.loss, Criterion::new(&name, &params, device))
}

fn metrics(recipe: &Recipe, criterion: &Criterion) -> Result<PerSplit<Metrics>> {
    let training = &recipe.training_hyperparams;
    let configs = |node: &Node| -> Result<Vec<MetricConfig>> {
        let Value::Array(entries) = node.to_json() else {
            return Ok(Vec::new());
        };
        at(node, entries.iter().map(MetricConfig::from_value).collect())
    };
    let (train, valid) = (
        configs(&training.train_metrics_list)?,
        configs(&training.valid_metrics_list)?,
    );
    let make = |node: &Node, configs: &[MetricConfig]| {
        at(node, Metrics::new(configs, criterion.item_names()))
    };
    let validation = make(&training.valid_metrics_list, &valid)?;
    check_watched(recipe, &validation.names())?;
    Ok(PerSplit {
        validation,
        test: make(&training.valid_metrics_list, &valid)?,
        train: make(&training.train_metrics_list, &train)?,
    })
}

fn check_watched(recipe: &Recipe, names: &[String]) -> Result<()> {
    let watched = &recipe.training_hyperparams.metric_to_watch;
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    if known.contains(&watched.as_str()) {
        return Ok(());
    }
    let section = recipe.resolved.get("training_hyperparams");
    let place = section
        .and_then(|section| section.get("metric_to_watch").or(Some(section)))
        .unwrap_or(&recipe.resolved);
    let hint = suggest::hint(watched, &known);
    let message = format!(
        "`metric_to_watch`: validation gives no `{watched}`{hint}; add it to `valid_metrics_list`"
    );
    Err(anyhow!(place.place.error(message)))
}

fn optimizer(recipe: &Recipe, net: &Model) -> Result<Box<dyn Optimizer>> {
    let training = &recipe.training_hyperparams;
    let (name, params) = named(&training.optimizer, &training.optimizer_params)?;
    let config = at(
        &training.optimizer,
        OptimizerConfig::from_recipe(&name, &params),
    )?;
    let rates = training.schedule.get("initial_lr");
    let Some(rates) = rates else {
        return Err(anyhow!(training.schedule.place.error(
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
        rates,
        optim::build(&config, parameters.collect(), &grouping),
    )
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

pub(super) fn settings(recipe: &Recipe) -> Result<Settings> {
    let training = &recipe.training_hyperparams;
    let saving = &training.saving;
    let epochs = |epochs: u64| u32::try_from(epochs).unwrap_or(u32::MAX);
    ensure!(training.max_epochs > 0, "`max_epochs` must be at least 1");
    Ok(Settings {
        max_epochs: epochs(training.max_epochs),
        validation_every: epochs(training.evaluation.run_validation_freq),
        test_every: epochs(training.evaluation.run_test_freq),
        clip_grad_norm: training.clip_grad_norm,
        autocast: training.mixed_precision == phasebox_recipe::Precision::Bfloat16,
        channels_last: training.channels_last,
        nan_policy: training.nan_policy,
        record_steps: training.record_steps == phasebox_recipe::RecordSteps::Auto,
        average_best_models: training.average_best_models,
        saving: Saving {
            enabled: saving.save_model,
            epochs: saving
                .save_ckpt_epoch_list
                .iter()
                .map(|epoch| epochs(*epoch))
                .collect(),
            every_steps: saving.save_ckpt_every_n_steps,
            best_tag: tag(&saving.ckpt_best_name),
            durability: phasebox_files::atomic_file::Durability::Process,
        },
    })
}

/// `ckpt_best.pth`, as SuperGradients names it, is the tag `best`.
fn tag(name: &str) -> String {
    let name = name.strip_suffix(".pth").unwrap_or(name);
    name.strip_prefix("ckpt_").unwrap_or(name).to_owned()
}
