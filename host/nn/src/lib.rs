//! The parts of training that compute: networks, losses, metrics, optimizers, learning rates and averages of weights.
//! Knows neither recipes nor the loop.
//!
//! | module | owns |
//! |---|---|
//! | [`model`] | networks by name |
//! | [`criterion`] | losses by name |
//! | [`metrics`] | running metrics, on the device |
//! | [`detection`] | boxes, their suppression, a network's output as detections |
//! | [`optim`] | optimizers whose state can be saved |
//! | [`schedule`] | learning rates as a function of the run's progress |
//! | [`ema`], [`best_models`] | averages of weights: moving, and of the best epochs |
//! | [`tensor_group`] | named tensors for multi-tensor kernels |

mod align_target;
pub mod best_models;
mod cells;
mod chosen;
pub mod criterion;
pub mod detection;
pub mod ema;
mod glob;
pub mod metrics;
mod missing;
pub mod model;
pub mod optim;
mod params;
#[cfg(test)]
mod reference;
mod refusal;
mod revision;
pub mod schedule;
pub mod tensor_group;
#[cfg(test)]
#[path = "../../../tests/device.rs"]
mod test_device;
mod values;
