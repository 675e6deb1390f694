//! Running totals of one metric on the device. Knows no metric.
use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};
use torch_ext::owned_copy_on;

use super::Count;

/// Sums (1-d, int64 or float64) and the number of elements they are over (0-d, int64): nothing until the first batch,
/// which decides width, kind and device.
#[derive(Default)]
pub(super) struct Totals(Option<(Tensor, Tensor)>);

impl Totals {
    pub(super) fn add(&mut self, count: &Count) -> Result<()> {
        let empty = || -> Result<(Tensor, Tensor)> {
            let elements = Tensor::f_zeros([0; 0], (Kind::Int64, count.sums.device()))?;
            Ok((count.sums.f_zeros_like()?, elements))
        };
        if self.0.is_none() {
            self.0 = Some(empty()?);
        }
        if let Some((sums, elements)) = &mut self.0 {
            let (before, now) = (sums.size(), count.sums.size());
            ensure!(before == now, "the number of classes changed within a pass");
            let _ = sums.f_add_(&count.sums)?;
            let _ = elements.f_add_scalar_(count.elements)?;
        }
        Ok(())
    }

    pub(super) fn reset(&mut self) -> Result<()> {
        if let Some((sums, elements)) = &mut self.0 {
            let _ = sums.f_zero_()?;
            let _ = elements.f_zero_()?;
        }
        Ok(())
    }

    /// The first sum over the elements, on the device; nothing before the first batch.
    pub(super) fn first_mean(&self) -> Result<Option<Tensor>> {
        let Some((sums, elements)) = &self.0 else {
            return Ok(None);
        };
        Ok(Some(
            sums.f_select(0, 0)?
                .f_to_kind(Kind::Double)?
                .f_div(elements)?,
        ))
    }

    /// How many numbers [`Totals::flat`] holds.
    pub(super) fn width(&self) -> Option<usize> {
        self.0.as_ref().map(|(sums, _)| sums.numel() + 1)
    }

    /// Sums, then elements, as one float64 tensor (exact up to 2⁵³); nothing before the first batch.
    pub(super) fn flat(&self) -> Option<Result<Tensor>> {
        let (sums, elements) = self.0.as_ref()?;
        let join = || -> Result<Tensor> {
            let elements = elements.f_to_kind(Kind::Double)?.f_reshape([1])?;
            Ok(Tensor::f_cat(
                &[sums.f_to_kind(Kind::Double)?, elements],
                0,
            )?)
        };
        Some(join())
    }

    pub(super) fn names(metric: &str) -> [String; 2] {
        [format!("{metric}.sums"), format!("{metric}.elements")]
    }

    pub(super) fn state(&self, metric: &str) -> Vec<(String, Tensor)> {
        let Some((sums, elements)) = &self.0 else {
            return Vec::new();
        };
        let [sums_name, elements_name] = Totals::names(metric);
        vec![
            (sums_name, sums.shallow_clone()),
            (elements_name, elements.shallow_clone()),
        ]
    }

    pub(super) fn load(
        &mut self,
        metric: &str,
        state: &[(String, Tensor)],
        device: Device,
    ) -> Result<()> {
        let [sums, elements] =
            Totals::names(metric).map(|wanted| state.iter().find(|(name, _)| *name == wanted));
        self.0 = match (sums, elements) {
            (Some((_, sums)), Some((_, elements))) => Some((
                owned_copy_on(sums, device)?,
                owned_copy_on(elements, device)?,
            )),
            _ => None,
        };
        Ok(())
    }
}
