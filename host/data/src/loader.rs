//! `DataLoader`: decides which samples make up each batch of each epoch, and owns the parameters a callback may change.
//! The data set reads samples, `prefetch` owns the threads, and the trainer moves batches to its device.

mod parameters;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tch::Device;

use super::collate::Collation;
use super::excerpt::{Excerpt, Extent};
use super::pipeline::{Pipeline, facts};
use super::prefetch::{Plan, Prefetch};
use super::random::Random;
use super::shard::Shard;
use super::transforms::{Idle, Normalize, Transforms};
use super::{Batch, Dataset, Epoch};

/// More threads, or batches ahead of each, only cost memory.
const WORKER_LIMIT: usize = 256;
const PREFETCH_LIMIT: usize = 1024;
/// The most threads that are started if the recipe names no number.
const MOST_WORKERS_UNASKED: usize = 4;
/// The largest batch of inputs, in bytes: a parameter set by a callback must not be able to take all memory at once.
const BATCH_BYTES_LIMIT: u128 = 4 << 30;

/// Recipe keys of a loader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderConfig {
    /// Samples in a batch; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// A new order every epoch, drawn from the seed and the epoch.
    pub shuffle: bool,
    /// Leaves out a last batch that is not full.
    pub drop_last: bool,
    /// Threads that make batches ahead of time; 0 makes each batch when it is asked for. Unset, it is a thread for each
    /// core but one, up to 4, where samples are decoded or resized; one for other data on the way to a GPU; none for data
    /// in memory on the CPU, where to make a batch takes less time than to hand it over.
    pub num_workers: Option<usize>,
    /// Batches that each thread may be ahead.
    pub prefetch: usize,
    /// Ends every epoch after so many batches, to try a recipe out.
    pub max_batches: Option<u64>,
    /// The way samples become a batch.
    #[serde(deserialize_with = "Collation::named")]
    pub(crate) collate_fn: Collation,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self {
            batch_size: 32,
            shuffle: false,
            drop_last: false,
            num_workers: None,
            prefetch: 2,
            max_batches: None,
            collate_fn: Collation::default(),
        }
    }
}

/// Makes the batches of one epoch after another: [`start`](Self::start) one, then iterate.
///
/// The batches of an epoch depend on the seed, the epoch's number and the parameters alone: neither on threads nor on
/// what was read before. So a resumed run starts at any batch and sees what it would have seen.
pub struct DataLoader {
    name: String,
    dataset: Arc<dyn Dataset>,
    pub(super) config: LoaderConfig,
    pub(super) transforms: Transforms,
    seed: u64,
    shard: Shard,
    /// The device that batches will be moved to.
    device: Device,
    /// The parameters that were changed after construction, for checkpoints.
    changed: Map<String, Value>,
    /// The samples that are read in place of an epoch.
    excerpt: Option<Excerpt>,
    /// Set once nobody waits for batches any more.
    stop: Option<Arc<AtomicBool>>,
    pass: Option<Pass>,
}

/// An epoch under way.
struct Pass {
    plan: Arc<Plan>,
    next: u64,
    prefetch: Option<Prefetch>,
}

impl DataLoader {
    /// A loader that has not started; `name` is for messages.
    ///
    /// # Errors
    /// When a parameter is out of range, a transform does not fit the samples, or an epoch would have no batch.
    pub fn new(
        name: impl Into<String>,
        dataset: Arc<dyn Dataset>,
        config: LoaderConfig,
        transforms: impl Into<Transforms>,
        seed: u64,
    ) -> Result<Self> {
        let (name, transforms) = (name.into(), transforms.into());
        let (device, shard) = (Device::Cpu, Shard::WHOLE);
        check(&*dataset, &config, &transforms, shard)
            .with_context(|| format!("loader `{name}`"))?;
        Ok(Self {
            name,
            dataset,
            config,
            transforms,
            seed,
            shard,
            device,
            changed: Map::new(),
            excerpt: None,
            stop: None,
            pass: None,
        })
    }

    /// The loader for batches that will be moved to `device`: images then come as pinned bytes, to be normalized there.
    pub fn for_device(self, device: Device) -> Self {
        Self { device, ..self }
    }

    /// The loader of one of several processes.
    ///
    /// # Errors
    /// When there is no such process, or its epoch would have no batch.
    pub fn for_shard(self, shard: Shard) -> Result<Self> {
        let Shard { rank, world_size } = shard;
        ensure!(
            rank < world_size,
            "loader `{}`: no rank {rank} among {world_size}",
            self.name
        );
        check(&*self.dataset, &self.config, &self.transforms, shard)
            .with_context(|| format!("loader `{}`, rank {rank}", self.name))?;
        Ok(Self { shard, ..self })
    }

    /// The loader that reads in every epoch only `batches` batches, and one of a single sample where the epoch's last
    /// batch has no more. It counts batches and samples as if it read them all.
    #[must_use]
    pub fn excerpt(self, extent: Extent, batches: usize) -> Self {
        let size = self.config.batch_size;
        let mut excerpt = Excerpt::new(&*self.dataset, extent, size, batches);
        if self.last_batch_samples() == 1 {
            excerpt.add_single();
        }
        let excerpt = Some(excerpt);
        Self { excerpt, ..self }
    }

    /// Ends the work on batches, between two samples, once `stop` is set: the next one is the error [`Stopped`](super::Stopped).
    /// Counts from
    /// the next start on.
    pub fn stop_on(&mut self, stop: Arc<AtomicBool>) {
        self.stop = Some(stop);
    }

    /// Samples in the last batch of the next epoch.
    fn last_batch_samples(&self) -> u64 {
        let full = (self.batches() - 1).saturating_mul(self.batch_size() as u64);
        self.samples().saturating_sub(full)
    }

    /// Batches in the epoch under way, or else in the next. A changed parameter counts from the next start on.
    pub fn batches(&self) -> u64 {
        match &self.pass {
            Some(pass) if self.excerpt.is_none() => pass.plan.batches,
            _ => batches(self.shard_samples(), &self.config),
        }
    }

    /// Samples in the epoch of [`batches`](Self::batches).
    pub fn samples(&self) -> u64 {
        (self.shard_samples() as u64).min(self.batches().saturating_mul(self.batch_size() as u64))
    }

    /// Samples in this process's part of the data set.
    fn shard_samples(&self) -> usize {
        let (samples, is_cut) = (self.dataset.len(), self.config.drop_last);
        self.shard.samples(samples, is_cut)
    }

    /// Samples in a full batch of the epoch of [`batches`](Self::batches).
    pub fn batch_size(&self) -> usize {
        match &self.pass {
            Some(pass) if self.excerpt.is_none() => pass.plan.batch_size,
            _ => self.config.batch_size,
        }
    }

    /// The name of each input, and the shape of a sample of it as it comes out, after transforms, without the batch
    /// dimension.
    ///
    /// # Errors
    /// Does not happen while the transforms are those that were checked when they were set.
    pub fn input_shapes(&self) -> Result<Vec<(String, Vec<i64>)>> {
        let mut shapes = self.dataset.input_shapes();
        if let [(_, shape)] = shapes.as_mut_slice() {
            *shape = self.transforms.output_shape(shape)?;
        }
        Ok(shapes)
    }

    /// The transforms that change no sample.
    ///
    /// # Errors
    /// As [`input_shapes`](Self::input_shapes).
    pub fn idle_transforms(&self) -> Result<Vec<Idle>> {
        self.transforms.idle(&*self.dataset)
    }

    /// The data set that the loader reads from.
    pub fn dataset(&self) -> &Arc<dyn Dataset> {
        &self.dataset
    }

    /// Begins `epoch` at batch `first_batch`, with the parameters as they are now; an epoch under way is abandoned.
    ///
    /// # Errors
    /// When the epoch has no such batch (its end counts as one: there is then nothing to read), or there are no threads.
    pub fn start(&mut self, epoch: u32, first_batch: u64) -> Result<()> {
        // Before the new threads: those of an abandoned epoch have ended, and their batches are freed.
        self.pass = None;
        let (name, batches) = (&self.name, self.batches());
        ensure!(
            first_batch <= batches,
            "loader `{name}`: no batch {first_batch} in an epoch of {batches}"
        );
        let plan = Arc::new(self.plan(epoch)?);
        let left = plan.batches.saturating_sub(first_batch);
        let workers = self.workers(&plan).min(left as usize);
        let prefetch = match workers {
            0 => None,
            workers => Some(Prefetch::start(
                &plan,
                first_batch,
                workers,
                self.config.prefetch,
            )?),
        };
        self.pass = Some(Pass {
            plan,
            next: first_batch,
            prefetch,
        });
        Ok(())
    }

    /// Threads for the next epoch.
    fn workers(&self, plan: &Plan) -> usize {
        let is_costly = self.dataset.decodes() || plan.pipeline.is_costly(&*self.dataset);
        match self.config.num_workers {
            Some(workers) => workers,
            None if is_costly => spare_cores().clamp(1, MOST_WORKERS_UNASKED),
            None => usize::from(self.device != Device::Cpu),
        }
    }

    fn plan(&self, epoch: u32) -> Result<Plan> {
        let mut random = Random::keyed(&[self.seed, u64::from(epoch)]);
        let mut order: Vec<usize> = (0..self.dataset.len()).collect();
        // Drawn whether it shuffles or not: switching the shuffle off leaves the transforms' randomness as it was.
        let seed = random.next_u64();
        if self.config.shuffle {
            random.shuffle(&mut order);
        }
        let mut order = self.shard.of(order, self.config.drop_last);
        let (mut batch_size, mut batches) = (self.config.batch_size, self.batches());
        if let Some(excerpt) = &self.excerpt {
            // A callback may have set a smaller batch since.
            (batch_size, batches) = (excerpt.batch_size.min(batch_size), excerpt.batches());
            order.clone_from(&excerpt.samples);
            order.truncate(batch_size.saturating_mul(batches as usize));
        }
        Ok(Plan {
            loader: self.name.clone(),
            dataset: Arc::clone(&self.dataset),
            pipeline: Pipeline::new(&self.transforms, &self.config.collate_fn)?,
            order,
            batch_size,
            batches,
            epoch: Epoch {
                seed,
                stop: self.stop.clone(),
            },
            device: self.device,
        })
    }

    /// These samples as a batch of the first epoch.
    pub(super) fn batch_of(&self, indices: &[usize]) -> Result<Batch> {
        let mut plan = self.plan(0)?;
        plan.order = indices.to_vec();
        plan.batch_size = indices.len();
        plan.batch(0)
    }
}

impl Iterator for DataLoader {
    type Item = Result<Batch>;

    /// The next batch of the epoch, in order; nothing at its end or before a start. An error is that batch's alone.
    fn next(&mut self) -> Option<Result<Batch>> {
        let pass = self.pass.as_mut()?;
        if pass.next >= pass.plan.batches {
            self.pass = None;
            return None;
        }
        let number = pass.next;
        pass.next += 1;
        Some(match &mut pass.prefetch {
            Some(prefetch) => prefetch.next(),
            None => pass.plan.batch(number),
        })
    }
}

/// One core is the trainer's.
fn spare_cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1))
}

fn batches(samples: usize, config: &LoaderConfig) -> u64 {
    let size = config.batch_size.max(1);
    let batches = if config.drop_last {
        samples / size
    } else {
        samples.div_ceil(size)
    } as u64;
    config.max_batches.map_or(batches, |most| batches.min(most))
}

pub(super) fn fields(parameters: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(parameters)? {
        Value::Object(fields) => Ok(fields),
        other => bail!("the parameters of a loader are not an object but {other}"),
    }
}

pub(super) fn replaced<T: DeserializeOwned>(
    mut values: Map<String, Value>,
    key: &str,
    value: &Value,
) -> Result<T> {
    if let Some(place) = values.get_mut(key) {
        *place = value.clone();
    }
    Ok(serde_json::from_value(Value::Object(values))?)
}

fn check(
    dataset: &dyn Dataset,
    config: &LoaderConfig,
    transforms: &Transforms,
    shard: Shard,
) -> Result<()> {
    let LoaderConfig {
        batch_size,
        prefetch,
        ..
    } = *config;
    let num_workers = config.num_workers.unwrap_or(0);
    ensure!(batch_size > 0, "`batch_size` must be at least 1");
    ensure!(
        config.max_batches != Some(0),
        "`max_batches` is 0, and an epoch has no batch: give at least 1, or leave the key out"
    );
    ensure!(
        num_workers <= WORKER_LIMIT,
        "`num_workers` is {num_workers}; at most {WORKER_LIMIT}"
    );
    ensure!(
        (1..=PREFETCH_LIMIT).contains(&prefetch),
        "`prefetch` is {prefetch}; it must be in 1..={PREFETCH_LIMIT}"
    );
    let samples = shard.samples(dataset.len(), config.drop_last);
    check_batch(dataset, config, transforms)?;
    ensure!(
        batches(samples, config) > 0,
        "an epoch of {samples} samples has no batch: `batch_size` is {batch_size}, and `drop_last` leaves out a batch that is not full\n\
         hint: lower `batch_size`, or set `drop_last: false`"
    );
    Ok(())
}

/// Refuses transforms and a collation that do not fit, and a batch of too many bytes.
fn check_batch(
    dataset: &dyn Dataset,
    config: &LoaderConfig,
    transforms: &Transforms,
) -> Result<()> {
    let plain = Normalize::identity();
    let shape = transforms.output_shape(&dataset.input_shape())?;
    let collation = config.collate_fn.collate();
    let shape = collation
        .output(&shape, &facts(dataset, &plain, false))
        .context("`collate_fn`")?;
    let batch_size = config.batch_size;
    let bytes = shape.iter().map(|&length| length as u128).product::<u128>()
        * batch_size.min(dataset.len()) as u128
        * 4;
    ensure!(
        bytes <= BATCH_BYTES_LIMIT,
        "a batch of {batch_size} samples {shape:?} takes {bytes} bytes; lower `batch_size`"
    );
    Ok(())
}
