//! Gives columns of numbers mean 0 and deviation 1, in float64. Knows no file; `csv` reads the numbers.

/// Rows of numbers as a file has them: a large offset, such as a time in seconds, has to survive until it is subtracted.
pub(super) struct Numbers {
    /// Row after row.
    pub(super) values: Vec<f64>,
    /// Numbers in a row.
    pub(super) width: usize,
}

/// The mean and the deviation of a column, both in units of a power of two near its largest number: squares of numbers
/// as they are would overflow, or vanish.
struct Statistics {
    unit: f64,
    mean: f64,
    deviation: f64,
}

impl Numbers {
    /// Gives each column mean 0 and standard deviation 1 over `rows`, with the population's standard deviation. A column
    /// that never changes there becomes 0.
    pub(super) fn standardize(&mut self, rows: &[usize]) {
        for column in 0..self.width {
            let cells = rows.iter().map(|row| row * self.width + column);
            let values: Vec<f64> = cells.map(|cell| self.values[cell]).collect();
            let Statistics {
                unit,
                mean,
                deviation,
            } = Statistics::of(&values);
            let scale = if deviation > 0.0 {
                deviation.recip()
            } else {
                0.0
            };
            for value in self.values.iter_mut().skip(column).step_by(self.width) {
                *value = (*value / unit - mean) * scale;
            }
        }
    }
}

impl Statistics {
    fn of(values: &[f64]) -> Statistics {
        let largest = values
            .iter()
            .fold(0.0, |most: f64, value| most.max(value.abs()));
        let unit = power_of_two_near(largest);
        let count = values.len() as f64;
        let scaled = values.iter().map(|value| value / unit);
        let mean = scaled.clone().sum::<f64>() / count;
        let squares = scaled.map(|value| (value - mean).powi(2));
        let variance = squares.sum::<f64>() / count;
        Statistics {
            unit,
            mean,
            deviation: if is_rounding(variance, mean, count) {
                0.0
            } else {
                variance.sqrt()
            },
        }
    }
}

/// The variance is no greater than what rounding makes of equal numbers, by scikit-learn's bound (`_is_constant_feature`,
/// after Chan, Golub & LeVeque 1983).
fn is_rounding(variance: f64, mean: f64, count: f64) -> bool {
    let of_mean = count * mean * f64::EPSILON;
    variance <= count * f64::EPSILON * variance + of_mean.powi(2)
}

/// The greatest power of two up to `largest`: to divide by it changes no bit of a fraction.
fn power_of_two_near(largest: f64) -> f64 {
    if largest < f64::MIN_POSITIVE {
        return f64::MIN_POSITIVE;
    }
    f64::from_bits(largest.to_bits() & 0x7ff0_0000_0000_0000)
}
