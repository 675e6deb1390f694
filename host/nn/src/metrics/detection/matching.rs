//! The detections of one image against its truths, as SuperGradients matches them. Owns the rows that are kept.

use std::collections::HashMap;

use super::truths::{Truth, Truths};
use crate::detection::Detection;
use crate::detection::boxes::{area, overlap, shared_area};

/// The limits of a match.
pub(super) struct Limits<'a> {
    /// Thresholds of overlap, ascending: a pair overlaps by more.
    pub(super) overlaps: &'a [f32],
    /// The detections of a class that count, the best first.
    pub(super) top_k: usize,
    /// Width and height, to which detections are cut.
    pub(super) size: Option<[f32; 2]>,
}

/// One row of what is kept: a detection with its outcome, or a truth.
#[derive(Clone, Copy)]
pub(super) struct Matched {
    pub(super) class: i64,
    /// [`Matched::TRUTH`] for a truth.
    pub(super) score: f32,
    /// A bit for each threshold at which the detection has a truth.
    pub(super) hits: u32,
    /// A bit for each threshold at which the detection does not count unless it hits.
    pub(super) ignored: u32,
}

impl Matched {
    /// The numbers of a row.
    pub(super) const COLUMNS: usize = 4;
    /// In place of the score of a truth.
    const TRUTH: f32 = -1.0;
    /// A row that says no more than that there was a batch.
    pub(super) const IMAGE: Matched = Matched {
        class: -1,
        score: 0.0,
        hits: 0,
        ignored: 0,
    };

    pub(super) fn truth(class: i64) -> Matched {
        Matched {
            class,
            score: Matched::TRUTH,
            ..Matched::IMAGE
        }
    }

    pub(super) fn is_truth(&self) -> bool {
        self.score == Matched::TRUTH
    }

    pub(super) fn row(&self) -> [f32; Matched::COLUMNS] {
        let [hits, ignored] = [self.hits, self.ignored].map(|bits| bits as f32);
        [self.class as f32, self.score, hits, ignored]
    }

    pub(super) fn of_row(row: &[f64; Matched::COLUMNS]) -> Matched {
        let [class, score, hits, ignored] = *row;
        Matched {
            class: class as i64,
            score: score as f32,
            hits: hits as u32,
            ignored: ignored as u32,
        }
    }
}

/// The outcome of each detection, which come the best first. Each takes the truths of its class in the order of their
/// overlap, at every threshold at which both are free; crowds take the rest.
pub(super) fn matched(found: &[Detection], truths: &Truths, limits: &Limits<'_>) -> Vec<Matched> {
    let all = (1 << limits.overlaps.len()) - 1;
    let mut taken = vec![0; truths.regular.len()];
    let mut of_class: HashMap<i64, usize> = HashMap::new();
    let mut rows = Vec::with_capacity(found.len());
    for found in found {
        let seen = of_class.entry(found.class).or_default();
        *seen += 1;
        let mut row = Matched {
            class: found.class,
            score: found.score,
            hits: 0,
            ignored: all,
        };
        if *seen <= limits.top_k {
            let corners = cut(found.corners, limits.size);
            row.hits = take(found.class, corners, truths, &mut taken, limits);
            row.ignored = in_crowd(found.class, corners, truths, limits);
        }
        rows.push(row);
    }
    rows
}

/// A bit for each threshold at which the box takes a truth, which is then no longer free.
fn take(
    class: i64,
    corners: [f32; 4],
    truths: &Truths,
    taken: &mut [u32],
    limits: &Limits<'_>,
) -> u32 {
    let mut near: Vec<(f32, usize)> = Vec::new();
    for (place, truth) in of_class(&truths.regular, class) {
        let overlap = overlap(corners, truth.corners());
        if overlap > limits.overlaps[0] {
            near.push((overlap, place));
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut hits = 0;
    for (overlap, place) in near {
        let free = above(overlap, limits.overlaps) & !hits & !taken[place];
        hits |= free;
        taken[place] |= free;
    }
    hits
}

/// A bit for each threshold at which the box lies in a crowd of its class.
fn in_crowd(class: i64, corners: [f32; 4], truths: &Truths, limits: &Limits<'_>) -> u32 {
    let crowds = of_class(&truths.crowds, class);
    let shares = crowds.map(|(_, crowd)| shared_area(corners, crowd.corners()) / area(corners));
    shares.fold(0, |bits, share| bits | above(share, limits.overlaps))
}

fn of_class(truths: &[Truth], class: i64) -> impl Iterator<Item = (usize, &Truth)> {
    let truths = truths.iter().enumerate();
    truths.filter(move |(_, truth)| truth.class == class)
}

/// A bit for each threshold that is below.
fn above(overlap: f32, thresholds: &[f32]) -> u32 {
    let bits = thresholds.iter().enumerate();
    bits.fold(0, |bits, (place, threshold)| {
        bits | u32::from(overlap > *threshold) << place
    })
}

fn cut(corners: [f32; 4], size: Option<[f32; 2]>) -> [f32; 4] {
    let Some([width, height]) = size else {
        return corners;
    };
    let [x1, y1, x2, y2] = corners;
    [
        x1.clamp(0.0, width),
        y1.clamp(0.0, height),
        x2.clamp(0.0, width),
        y2.clamp(0.0, height),
    ]
}
