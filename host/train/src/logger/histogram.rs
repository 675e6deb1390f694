//! Histograms of tensors. Owns no output.

use anyhow::{Result, ensure};
use serde::Serialize;
use tch::{Kind, Tensor};

/// Most bins of one histogram.
const MAX_BINS: usize = 4096;

/// Counts between rising limits, with the moments TensorBoard shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Upper limit of each bin; the first bin starts at `min`.
    pub limits: Vec<f64>,
    /// Count of values in each bin; as long as `limits`.
    pub counts: Vec<f64>,
    /// Smallest finite value.
    pub min: f64,
    /// Greatest finite value.
    pub max: f64,
    /// Sum of the finite values.
    pub sum: f64,
    /// Sum of their squares.
    pub sum_of_squares: f64,
    /// Values that were NaN or infinite: they are in no bin.
    pub not_finite: u64,
}

impl Histogram {
    /// Counts all elements of `values` (any shape and real dtype) in `bins` bins of equal width, on the device of the
    /// values: only the counts are copied. Syncs.
    pub fn of(values: &Tensor, bins: usize) -> Result<Self> {
        ensure!(
            (1..=MAX_BINS).contains(&bins),
            "a histogram has 1 to {MAX_BINS} bins, not {bins}"
        );
        let all = values
            .f_detach()?
            .f_flatten(0, -1)?
            .f_to_kind(Kind::Float)?;
        let finite = all.f_masked_select(&all.f_isfinite()?)?;
        let not_finite = (all.numel() - finite.numel()) as u64;
        if finite.numel() == 0 {
            return Ok(Histogram {
                not_finite,
                ..Histogram::empty(bins)
            });
        }
        let wide = finite.f_to_kind(Kind::Double)?;
        let moments = [
            wide.f_min()?,
            wide.f_max()?,
            wide.f_sum(Kind::Double)?,
            wide.f_square()?.f_sum(Kind::Double)?,
        ];
        // With both ends 0 `histc` takes the smallest and the greatest value.
        let counted = finite.f_histc(bins as i64)?.f_to_kind(Kind::Double)?;
        let numbers = Tensor::f_cat(&[Tensor::f_stack(&moments, 0)?, counted], 0)?;
        let numbers = Vec::<f64>::try_from(numbers)?;
        Ok(Self::equal_bins(
            &numbers[4..],
            [numbers[0], numbers[1], numbers[2], numbers[3]],
            not_finite,
        ))
    }

    fn equal_bins(
        counts: &[f64],
        [min, max, sum, sum_of_squares]: [f64; 4],
        not_finite: u64,
    ) -> Self {
        // `histc` widens an empty range by one on both sides.
        let (low, high) = if min < max {
            (min, max)
        } else {
            (min - 1.0, max + 1.0)
        };
        let width = (high - low) / counts.len() as f64;
        let limits = (1..=counts.len())
            .map(|bin| low + width * bin as f64)
            .collect();
        Histogram {
            limits,
            counts: counts.to_vec(),
            min,
            max,
            sum,
            sum_of_squares,
            not_finite,
        }
    }

    fn empty(bins: usize) -> Self {
        Self::equal_bins(&vec![0.0; bins], [0.0; 4], 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_where_they_are() -> Result<()> {
        let check = |values: &[f32],
                     limits: &[f64],
                     counts: &[f64],
                     moments: [f64; 4],
                     not_finite: u64|
         -> Result<()> {
            let found = Histogram::of(&Tensor::f_from_slice(values)?, counts.len())?;
            let [min, max, sum, sum_of_squares] = moments;
            let expected = Histogram {
                limits: limits.to_vec(),
                counts: counts.to_vec(),
                min,
                max,
                sum,
                sum_of_squares,
                not_finite,
            };
            assert_eq!(found, expected);
            Ok(())
        };
        // Counts as numpy.histogram([0, 1, 2, 3, 4, 4], 4) gives them.
        check(
            &[0., 1., 2., 3., 4., 4.],
            &[1., 2., 3., 4.],
            &[1., 1., 1., 3.],
            [0., 4., 14., 46.],
            0,
        )?;
        check(
            &[1., f32::NAN, 3., f32::INFINITY],
            &[2., 3.],
            &[1., 1.],
            [1., 3., 4., 10.],
            2,
        )?;
        check(&[5., 5.], &[5., 6.], &[0., 2.], [5., 5., 10., 50.], 0)?;
        check(&[f32::NAN], &[0., 1.], &[0., 0.], [0.; 4], 1)?;
        check(&[], &[0., 1.], &[0., 0.], [0.; 4], 0)
    }
}
