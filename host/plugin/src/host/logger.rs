//! The contract's `logger`: values, images, text and files of one callback, in every logger of the run.

use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limit;
use phasebox_contract::printable;
use phasebox_files::atomic_file::check_file_name;
use phasebox_train::logger::Histogram;
use tch::{Kind, Tensor};
use torch_ext::Deferred;
use wasmtime::component::Resource;

use super::argument_checks::{check_one_element, check_some_elements, check_word};
use super::log_bytes;
use super::size_checks::{LOG_HISTOGRAM_BYTES, check_work_of};
use crate::bindings::context::HostLogger;
use crate::bindings::types::{ErrorCode, ScalarEntry};
use crate::error::{HostResult, refuse, truncate};
use crate::markers::{LoggerHandle, TensorHandle};
use crate::state::PluginState;

type This = Resource<LoggerHandle>;
type Image = Resource<TensorHandle>;

/// The most elements of an image to log or to write.
const MAX_IMAGE_ELEMENTS: usize = 16 << 20;
/// The most numbers that one call logs.
const MAX_VALUES: usize = 1024;
/// The most bins of a logged histogram.
const MAX_HISTOGRAM_BINS: u32 = 1024;

impl PluginState {
    /// Logs one number under the callback's name.
    pub(super) fn log_value(&mut self, name: &str, value: f64) -> HostResult<()> {
        let name = self.log_name(name)?;
        let context = self.context()?;
        Ok(context.logger.scalar(context.global_step, &name, value)?)
    }

    /// Logs several numbers, in order.
    pub(super) fn log_values(&mut self, values: &[ScalarEntry]) -> HostResult<()> {
        if values.len() > MAX_VALUES {
            let count = values.len();
            return refuse(
                ErrorCode::TooLarge,
                format!("one call may log {MAX_VALUES} numbers, not {count}"),
            );
        }
        let mut values = values.iter();
        values.try_for_each(|entry| self.log_value(&entry.name, entry.value))
    }

    /// Logs a tensor with one element, which is written when its value has arrived. Does not sync.
    pub(super) fn log_tensor(
        &mut self,
        name: &str,
        value: &Resource<TensorHandle>,
    ) -> HostResult<()> {
        let tensor = self.tensor(value)?;
        check_one_element(tensor)?;
        let deferred = Deferred::new(tensor)?;
        let name = self.log_name(name)?;
        let context = self.context()?;
        Ok(context
            .logger
            .scalar_deferred(context.global_step, &name, deferred)?)
    }

    /// Counts a logged value, and puts the callback's name before its own: two callbacks cannot write over
    /// each other's values.
    pub(super) fn log_name(&mut self, own_name: &str) -> HostResult<String> {
        check_word(own_name)?;
        let name = format!("{}/{own_name}", self.name);
        let is_new = !self.logged_names.contains(&name);
        if is_new {
            printable::check_name(own_name)?;
            printable::check_name(&name)?;
        }
        self.charge(Limit::LogValues, 1)?;
        self.charge(Limit::LogBytes, log_bytes::of_number(&name))?;
        if is_new {
            self.charge(Limit::MetricNames, 1)?;
            self.logged_names.insert(name.clone());
        }
        Ok(name)
    }

    /// Counts a file of so many bytes, or refuses it.
    fn charge_file(&mut self, bytes: u64) -> HostResult<()> {
        self.charge(Limit::Artifacts, bytes)?;
        self.charge(Limit::ArtifactFiles, 1)
    }

    /// The tensor of an image, counted as a sync, as copied bytes and as a file.
    fn image_tensor(&mut self, image: &Image) -> HostResult<Tensor> {
        let tensor = self.tensor(image)?.shallow_clone();
        if tensor.numel() > MAX_IMAGE_ELEMENTS {
            let message = format!(
                "an image may have {MAX_IMAGE_ELEMENTS} elements, this one has {}",
                tensor.numel()
            );
            return refuse(ErrorCode::TooLarge, message);
        }
        self.count_sync()?;
        self.count_copied(torch_ext::bytes(&tensor))?;
        // Uncompressed: the size of the file is known only when it is made.
        self.charge_file(torch_ext::bytes(&tensor))?;
        Ok(tensor.f_detach()?)
    }
}

impl HostLogger for PluginState {
    fn scalar(&mut self, _: This, name: String, value: f64) -> HostResult<()> {
        self.log_value(&name, value)
    }

    fn scalar_tensor(
        &mut self,
        _: This,
        name: String,
        value: Resource<TensorHandle>,
    ) -> HostResult<()> {
        self.log_tensor(&name, &value)
    }

    fn histogram(
        &mut self,
        _: This,
        name: String,
        values: Resource<TensorHandle>,
        bins: u32,
    ) -> HostResult<()> {
        check_histogram_bins(bins)?;
        let tensor = self.tensor(&values)?.shallow_clone();
        check_some_elements(&tensor)?;
        check_work_of([&tensor], LOG_HISTOGRAM_BYTES)?;
        let name = self.log_name(&name)?;
        self.charge(Limit::LogBytes, log_bytes::of_bins(bins))?;
        self.count_sync()?;
        let histogram = Histogram::of(&tensor.f_detach()?.f_to_kind(Kind::Float)?, bins as usize)?;
        let context = self.context()?;
        Ok(context
            .logger
            .histogram(context.global_step, &name, &histogram)?)
    }

    fn image(&mut self, _: This, name: String, image: Image) -> HostResult<()> {
        let name = self.log_name(&name)?;
        let tensor = self.image_tensor(&image)?;
        // TensorBoard's file has it once more.
        self.charge(Limit::LogBytes, torch_ext::bytes(&tensor))?;
        let context = self.context()?;
        Ok(context.logger.image(context.global_step, &name, &tensor)?)
    }

    fn text(&mut self, _: This, name: String, text: String) -> HostResult<()> {
        self.charge(Limit::HostBytes, text.len() as u64)?;
        let text = truncate(text);
        self.charge(Limit::LogBytes, log_bytes::of_text(&text))?;
        let name = self.log_name(&name)?;
        let context = self.context()?;
        Ok(context.logger.text(context.global_step, &name, &text)?)
    }

    fn artifact(&mut self, _: This, file_name: String, data: Vec<u8>) -> HostResult<()> {
        self.require(Grant::Files)?;
        check_word(&file_name)?;
        check_file_name(&file_name)?;
        self.charge(Limit::HostBytes, data.len() as u64)?;
        self.charge_file(data.len() as u64)?;
        let name = self.name.clone();
        let logger = &mut self.context()?.logger;
        Ok(logger.artifact(&name, &file_name, &data)?)
    }

    fn image_file(&mut self, _: This, file_name: String, image: Image) -> HostResult<()> {
        self.require(Grant::Files)?;
        check_word(&file_name)?;
        check_file_name(&file_name)?;
        let tensor = self.image_tensor(&image)?;
        let name = self.name.clone();
        let logger = &mut self.context()?.logger;
        Ok(logger.image_file(&name, &file_name, &tensor)?)
    }

    fn drop(&mut self, _: This) -> wasmtime::Result<()> {
        Ok(())
    }
}

fn check_histogram_bins(bins: u32) -> HostResult<()> {
    if (1..=MAX_HISTOGRAM_BINS).contains(&bins) {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidArgument,
        format!("bins must be 1 to {MAX_HISTOGRAM_BINS}, not {bins}"),
    )
}
