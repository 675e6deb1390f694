//! Effects of each stock callback on a run, compared with numbers computed here from the run's checkpoints and logs by the
//! formula of its README, or with the trainer's own key for the same thing.

mod averages;
mod crossings;
mod detections;
mod gradients;
mod observers;
mod pictures;
mod rates;
mod stages;
mod stopping;
