//! Boxes around things: formats, overlaps, the boxes that remain of overlapping ones, and a network's output as a list
//! of detections. Owns what losses, metrics, predictions and the contract share; knows no network.

pub mod boxes;
pub mod post_prediction;
pub mod suppression;
#[cfg(test)]
pub(crate) mod test_sets;
#[cfg(test)]
mod tests;

/// One thing that a network found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Left, top, right and bottom, in pixels of the network's input.
    pub corners: [f32; 4],
    /// The network's certainty, between 0 and 1.
    pub score: f32,
    /// The index of the class.
    pub class: i64,
}
