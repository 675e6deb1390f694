//! Divides samples into a part to keep and a part to hold out. Knows labels and counts, no samples.

use anyhow::{Result, ensure};

use super::random::Random;

/// Indices of the samples to keep and of those to hold out, each ascending, together `0..count`.
#[derive(Debug, PartialEq)]
pub(super) struct Division {
    pub(super) kept: Vec<usize>,
    pub(super) held_out: Vec<usize>,
}

/// Holds out `fraction` of the samples, rounded up, chosen by `seed` alone.
///
/// `labels` are the class indices `0..classes`: every class gives its share, and the samples lost to rounding come from
/// the classes with the largest remainders (Hamilton's method). One class for all is a plain split.
///
/// # Errors
/// When the fraction is not in `[0, 1)` or leaves nothing to keep.
pub(super) fn hold_out(
    labels: &[i64],
    classes: usize,
    fraction: f64,
    seed: u64,
) -> Result<Division> {
    ensure!(
        (0.0..1.0).contains(&fraction),
        "a held-out fraction must be in [0, 1), it is {fraction}"
    );
    let mut members = vec![Vec::new(); classes];
    labels
        .iter()
        .enumerate()
        .for_each(|(index, &label)| members[label as usize].push(index));
    let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
    let mut kept = Vec::new();
    let mut held_out = Vec::new();
    for (class, (mut indices, take)) in members
        .into_iter()
        .zip(shares(&sizes, fraction))
        .enumerate()
    {
        Random::keyed(&[seed, class as u64]).shuffle(&mut indices);
        kept.extend_from_slice(&indices[take..]);
        held_out.extend_from_slice(&indices[..take]);
    }
    ensure!(
        !kept.is_empty(),
        "holding out {fraction} of {} samples leaves none to train on",
        labels.len()
    );
    kept.sort_unstable();
    held_out.sort_unstable();
    Ok(Division { kept, held_out })
}

/// The number of samples of each class to hold out, so that the sum is the fraction of the whole, rounded up.
fn shares(sizes: &[usize], fraction: f64) -> Vec<usize> {
    let count: usize = sizes.iter().sum();
    // The small step back keeps products such as 100 × 0.07 = 7.000…01 from becoming 8.
    let wanted = (count as f64 * fraction - 1e-9).ceil().max(0.0) as usize;
    let mut takes: Vec<usize> = sizes
        .iter()
        .map(|&size| (size as f64 * fraction) as usize)
        .collect();
    let remainder = |class: usize| (sizes[class] as f64 * fraction).fract();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    let missing = wanted.saturating_sub(takes.iter().sum());
    order
        .into_iter()
        .take(missing)
        .for_each(|class| takes[class] += 1);
    takes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_the_fraction_of_the_whole() {
        let check = |sizes: &[usize], fraction, expected: &[usize]| {
            assert_eq!(shares(sizes, fraction), expected)
        };
        // The classes of the digits: 35.6, 36.4, 35.4, 36.6, 36.2, 36.4, 36.2, 35.8, 34.8 and 36 of them, 360 in all.
        let digits = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180];
        check(&digits, 0.2, &[36, 37, 35, 37, 36, 36, 36, 36, 35, 36]);
        check(&[100], 0.07, &[7]);
        check(&[3, 0, 1], 0.5, &[2, 0, 0]);
        check(&[5, 5], 0.0, &[0, 0]);
    }

    #[test]
    fn divisions_are_disjoint_complete_and_seeded() {
        let labels: Vec<i64> = (0..50).map(|index| index % 5).collect();
        let division = hold_out(&labels, 5, 0.2, 1).unwrap();
        let mut all = [division.kept.clone(), division.held_out.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        assert_eq!(division, hold_out(&labels, 5, 0.2, 1).unwrap());
        assert_ne!(division, hold_out(&labels, 5, 0.2, 2).unwrap());
        for class in 0..5 {
            assert_eq!(
                division
                    .held_out
                    .iter()
                    .filter(|&&index| labels[index] == class)
                    .count(),
                2
            );
        }
    }

    #[test]
    fn impossible_fractions_are_refused() {
        for fraction in [-0.1, 1.0, f64::NAN] {
            assert!(hold_out(&[0, 0], 1, fraction, 0).is_err(), "{fraction}");
        }
        let message = hold_out(&[0, 0], 1, 0.9, 0).unwrap_err().to_string();
        assert!(message.contains("leaves none"), "{message}");
    }
}
