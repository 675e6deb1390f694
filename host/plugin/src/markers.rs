//! The types that mark the contract's resources in Rust, and the numbers of those that need no slot.
//!
//! Handles to tensors, groups and deferred numbers index a `HandleTable`. Everything else that a guest
//! is lent exists once or a few times in a run: the number of its handle says which one it is.

#![expect(unreachable_pub, reason = "bindgen! re-exports the markers as public")]

/// Marks a handle to one tensor.
pub enum TensorHandle {}
/// Marks a handle to a number on its way from the device.
pub enum DeferredHandle {}
/// Marks a handle to a group of tensors.
pub enum GroupHandle {}
/// Marks the handle to the lent context, of which there is one.
pub enum ContextHandle {}
/// Marks a handle to a network: [`NET`] or [`EMA`].
pub enum ModelHandle {}
/// Marks the handle to the optimizer, of which there is one.
pub enum OptimizerHandle {}
/// Marks the handle to the loss function, of which there is one.
pub enum CriterionHandle {}
/// Marks a handle to a loader: [`TRAIN`], [`VALIDATION`] or [`TEST`].
pub enum LoaderHandle {}
/// Marks a handle to running metrics: [`TRAIN`], [`VALIDATION`] or [`TEST`].
pub enum MetricsHandle {}
/// Marks the handle to the run's loggers, which are addressed together.
pub enum LoggerHandle {}

/// The network in training.
pub(crate) const NET: u32 = 0;
/// Its moving average.
pub(crate) const EMA: u32 = 1;

/// The training split.
pub(crate) const TRAIN: u32 = 0;
/// The validation split.
pub(crate) const VALIDATION: u32 = 1;
/// The test split.
pub(crate) const TEST: u32 = 2;

/// The number of a resource that exists once.
pub(crate) const ONLY: u32 = 0;
