//! A look at all samples of a loader by their files' headers, before a run that would come to the broken one in its third
//! hour. Owns the order and the time that it may take; the data set reads headers.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;

use super::DataLoader;

/// The samples that were looked at.
#[derive(Debug, Default)]
pub struct Survey {
    /// Samples whose headers were read.
    pub looked_at: usize,
    /// Samples that have files of their own: all or none.
    pub samples: usize,
    /// A sample of each shape, by height and width.
    shapes: BTreeMap<[usize; 2], usize>,
}

impl DataLoader {
    /// Reads the headers of all samples that lie in files of their own, all over the data set, as long as it is before
    /// `until`.
    ///
    /// # Errors
    /// The first file that has no header of its kind, or would take too much memory; the message names it.
    pub fn survey(&self, until: Instant) -> Result<Survey> {
        let samples = self.dataset().len();
        let mut survey = Survey {
            looked_at: 0,
            samples,
            shapes: BTreeMap::new(),
        };
        for index in spread(samples) {
            if Instant::now() >= until {
                break;
            }
            match self.dataset().header(index)? {
                Some(size) => survey.shapes.entry(size).or_insert(index),
                None => return Ok(Survey::default()),
            };
            survey.looked_at += 1;
        }
        Ok(survey)
    }

    /// Makes a batch of the first sample and one of each shape, from the smallest up, as long as it is before `until`.
    /// Answers the shapes of the samples that came out.
    ///
    /// # Errors
    /// A shape that the transforms or the collation do not take; the message names the file.
    pub fn try_shapes(&self, survey: &Survey, until: Instant) -> Result<Vec<Vec<i64>>> {
        let mut shapes = Vec::new();
        if survey.shapes.len() < 2 {
            return Ok(shapes);
        }
        for index in survey.shapes.values() {
            if Instant::now() >= until {
                break;
            }
            let indices = [0, *index];
            let from = usize::from(self.batch_size() < 2);
            let batch = self.batch_of(&indices[from..])?;
            let images = batch.inputs.one();
            shapes.extend(images.map(|images| images.size()[1..].to_vec()));
        }
        Ok(shapes)
    }
}

/// All indices below `count`, each once, so that any number of the first lie all over.
pub(super) fn spread(count: usize) -> impl Iterator<Item = usize> {
    // Near the golden ratio, neighbors in the order are far apart.
    let mut step = (count as f64 * 0.618) as usize;
    while step > 1 && divisor(step, count) > 1 {
        step -= 1;
    }
    let step = step.max(1);
    (0..count).scan(0, move |next, _| {
        let index = *next;
        *next = (index + step) % count;
        Some(index)
    })
}

/// The greatest common divisor.
fn divisor(one: usize, other: usize) -> usize {
    match other {
        0 => one,
        other => divisor(other, one % other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_comes_once() {
        for count in [0, 1, 2, 3, 10, 97, 1000, 4096] {
            let mut all: Vec<usize> = spread(count).collect();
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }
}
