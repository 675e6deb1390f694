//! The average of the best models (`average_best_models: true`). Owns the ranking of weights and their mean; the
//! trainer validates the mean.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
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

    /// Takes the ranking that [`BestModels::state`] gave, of networks with the tensors of `network`.
    ///
    /// # Errors
    /// More models than are kept, or one whose tensors are others; the ranking stays as it was.
    pub fn restore(
        &mut self,
        weights: Vec<(String, Tensor)>,
        values: &[f64],
        network: &[(String, Tensor)],
    ) -> Result<()> {
        let count = values.len();
        ensure!(
            count <= BEST_MODELS,
            "it holds {count} best models, and {BEST_MODELS} are kept"
        );
        let mut saved: HashMap<String, Tensor> = weights.into_iter().collect();
        let mut ranked = Vec::with_capacity(count);
        for (rank, value) in values.iter().enumerate() {
            let mut weights = Vec::with_capacity(network.len());
            for (name, own) in network {
                let tensor = saved.remove(&format!("{rank}/{name}"));
                let tensor = tensor.filter(|saved| saved.size() == own.size());
                let tensor = tensor.with_context(|| {
                    format!("its best model {rank} has no `{name}` of the network's shape")
                })?;
                weights.push((name.clone(), tensor.f_to_kind(own.f_kind()?)?));
            }
            ranked.push(Ranked {
                value: *value,
                weights,
            });
        }
        let stranger = saved.keys().next();
        ensure!(
            stranger.is_none(),
            "its best models hold more than the network"
        );
        self.ranked = ranked;
        Ok(())
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
        let network = weights(0.0);
        again.restore(saved, &values, &network).unwrap();
        assert_eq!(
            Vec::<f64>::try_from(&again.mean().unwrap()[0].1).unwrap(),
            mean
        );
        let check = |count: usize, network: &[(String, Tensor)], words: &str| {
            let (saved, _) = best.state();
            let values = vec![0.0; count];
            let refused = again_refuses(saved, &values, network);
            assert!(refused.contains(words), "{refused}");
        };
        check(11, &network, "11 best models, and 10 are kept");
        check(9, &network, "more than the network");
        let other = [("v".to_owned(), network[0].1.shallow_clone())];
        check(
            10,
            &other,
            "its best model 0 has no `v` of the network's shape",
        );
        let wider = [("w".to_owned(), Tensor::from_slice(&[0.0; 3]))];
        check(
            10,
            &wider,
            "its best model 0 has no `w` of the network's shape",
        );
    }

    fn again_refuses(
        saved: Vec<(String, Tensor)>,
        values: &[f64],
        network: &[(String, Tensor)],
    ) -> String {
        let restored = BestModels::new(true).restore(saved, values, network);
        restored.expect_err("refused").to_string()
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
