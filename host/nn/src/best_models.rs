//! The average of the best models (`average_best_models: true`). Owns the ranking of weights and their mean; the
//! trainer validates the mean.

use anyhow::Result;
use tch::{Device, Tensor};
use torch_ext::owned_copy_on;

/// The number of models that are averaged, as in SuperGradients.
pub const BEST_MODELS: usize = 10;

/// Weights by name, with the value of the watched metric that they reached.
struct Ranked {
    value: f64,
    weights: Vec<(String, Tensor)>,
}

/// The best weights so far, on the CPU: they are only needed once, at the end.
pub struct BestModels {
    greater_is_better: bool,
    ranked: Vec<Ranked>,
}

impl BestModels {
    /// An empty ranking.
    pub fn new(greater_is_better: bool) -> BestModels {
        BestModels {
            greater_is_better,
            ranked: Vec::new(),
        }
    }

    /// Keeps a copy of `weights` on the CPU if they are among the best; then it syncs.
    ///
    /// # Errors
    /// libtorch's reason.
    pub fn offer(&mut self, value: f64, weights: &[(String, Tensor)]) -> Result<()> {
        let place = self
            .ranked
            .iter()
            .position(|other| self.is_better(value, other.value));
        let place = place.unwrap_or(self.ranked.len());
        if place < BEST_MODELS && !value.is_nan() {
            self.ranked.insert(
                place,
                Ranked {
                    value,
                    weights: on_cpu(weights)?,
                },
            );
            self.ranked.truncate(BEST_MODELS);
        }
        Ok(())
    }

    fn is_better(&self, value: f64, than: f64) -> bool {
        if self.greater_is_better {
            value > than
        } else {
            value < than
        }
    }

    /// The mean of every weight; counts, which have no mean, are the best model's. Empty before the first offer.
    ///
    /// # Errors
    /// libtorch's reason.
    pub fn mean(&self) -> Result<Vec<(String, Tensor)>> {
        let Some(best) = self.ranked.first() else {
            return Ok(Vec::new());
        };
        let each = best
            .weights
            .iter()
            .enumerate()
            .map(|(index, (name, tensor))| {
                let mean = if tensor.is_floating_point() {
                    self.mean_of(index)?
                } else {
                    tensor.shallow_clone()
                };
                Ok((name.clone(), mean))
            });
        each.collect()
    }

    fn mean_of(&self, index: usize) -> Result<Tensor> {
        let all: Vec<&Tensor> = self
            .ranked
            .iter()
            .map(|model| &model.weights[index].1)
            .collect();
        Ok(Tensor::f_stack(&all, 0)?.f_mean_dim(&[0i64][..], false, None)?)
    }

    /// The ranking for a checkpoint: weights named `<rank>/<name>`, and the values in the order of ranks.
    pub fn state(&self) -> (Vec<(String, Tensor)>, Vec<f64>) {
        let weights = self.ranked.iter().enumerate().flat_map(|(rank, model)| {
            model
                .weights
                .iter()
                .map(move |(name, tensor)| (format!("{rank}/{name}"), tensor.shallow_clone()))
        });
        (
            weights.collect(),
            self.ranked.iter().map(|model| model.value).collect(),
        )
    }

    /// Takes the ranking that [`BestModels::state`] gave.
    pub fn restore(&mut self, weights: Vec<(String, Tensor)>, values: &[f64]) {
        self.ranked = values
            .iter()
            .map(|value| Ranked {
                value: *value,
                weights: Vec::new(),
            })
            .collect();
        for (name, tensor) in weights {
            let Some((rank, name)) = name.split_once('/') else {
                continue;
            };
            let rank = rank.parse::<usize>().ok();
            if let Some(model) = rank.and_then(|rank| self.ranked.get_mut(rank)) {
                model.weights.push((name.to_owned(), tensor));
            }
        }
    }
}

fn on_cpu(weights: &[(String, Tensor)]) -> Result<Vec<(String, Tensor)>> {
    let mut copies = Vec::with_capacity(weights.len());
    for (name, tensor) in weights {
        copies.push((name.clone(), owned_copy_on(tensor, Device::Cpu)?));
    }
    Ok(copies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(value: f64) -> Vec<(String, Tensor)> {
        vec![("w".to_owned(), Tensor::from_slice(&[value, 2.0 * value]))]
    }

    #[test]
    fn the_mean_is_of_the_best_ten() {
        let mut best = BestModels::new(true);
        (1..=15).for_each(|value| {
            best.offer(f64::from(value), &weights(f64::from(value)))
                .unwrap()
        });
        best.offer(f64::NAN, &weights(1e9)).unwrap();
        let mean = Vec::<f64>::try_from(&best.mean().unwrap()[0].1).unwrap();
        assert_eq!(mean, [10.5, 21.0], "6 to 15");
        let (saved, values) = best.state();
        let mut again = BestModels::new(true);
        again.restore(saved, &values);
        assert_eq!(
            Vec::<f64>::try_from(&again.mean().unwrap()[0].1).unwrap(),
            mean
        );
    }

    #[test]
    fn smaller_can_be_better() {
        let mut best = BestModels::new(false);
        (1..=11).for_each(|value| {
            best.offer(f64::from(value), &weights(f64::from(value)))
                .unwrap()
        });
        assert_eq!(
            best.ranked
                .iter()
                .map(|model| model.value)
                .collect::<Vec<_>>(),
            (1..=10).map(f64::from).collect::<Vec<_>>()
        );
    }
}
