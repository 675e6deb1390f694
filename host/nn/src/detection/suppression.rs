//! The boxes that remain when each one that overlaps a better one of its class is left out. Works on numbers that are
//! on the CPU: greedy suppression goes from box to box, and a device would be asked once for each of them.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::boxes::overlap;

/// Boxes to suppress.
pub struct Candidates {
    /// Left, top, right and bottom.
    pub boxes: Vec<[f32; 4]>,
    /// One for each box.
    pub scores: Vec<f32>,
    /// One for each box; empty if all boxes are alike.
    pub classes: Vec<i64>,
}

impl Candidates {
    /// Places of the boxes that remain, the highest score first and of equal scores the first place first; `most` of
    /// them at most. A box is left out if it overlaps a remaining one of its class by more than `threshold`, as
    /// `torchvision.ops.batched_nms`, which shifts boxes by class and rounds. N boxes of which M remain take N·M steps
    /// at most.
    pub fn remaining(&self, threshold: f64, most: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.boxes.len()).collect();
        order.sort_by(|a, b| highest_first(self.scores[*a], self.scores[*b]));
        let mut of_class: HashMap<i64, Vec<[f32; 4]>> = HashMap::new();
        let mut kept = Vec::new();
        for place in order {
            if kept.len() == most {
                break;
            }
            let class = self.classes.get(place).copied().unwrap_or(0);
            let better = of_class.entry(class).or_default();
            let bounds = self.boxes[place];
            if !is_covered(bounds, better, threshold) {
                better.push(bounds);
                kept.push(place);
            }
        }
        kept
    }
}

fn is_covered(bounds: [f32; 4], better: &[[f32; 4]], threshold: f64) -> bool {
    let mut better = better.iter();
    better.any(|better| f64::from(overlap(*better, bounds)) > threshold)
}

/// The order of libtorch's sort: not-a-number is the largest.
pub(crate) fn highest_first(a: f32, b: f32) -> Ordering {
    b.is_nan()
        .cmp(&a.is_nan())
        .then_with(|| b.partial_cmp(&a).unwrap_or(Ordering::Equal))
}
