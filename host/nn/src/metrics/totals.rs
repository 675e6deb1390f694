//! Running totals of one metric on the device. Knows no metric.

use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};
use torch_ext::owned_copy_on;

use super::Count;

/// The sums and elements of all counts so far: nothing until the first batch, which decides width, kind and device.
#[derive(Default)]
pub(super) struct Totals(Option<Sums>);

struct Sums {
    /// 1-d, int64 or float64.
    sums: Tensor,
    /// The number of elements that the sums are over, 0-d int64.
    elements: Tensor,
}

impl Sums {
    fn zeros_like(sums: &Tensor) -> Result<Sums> {
        Ok(Sums {
            sums: sums.f_zeros_like()?,
            elements: Tensor::f_zeros([0; 0], (Kind::Int64, sums.device()))?,
        })
    }

    fn flat(&self) -> Result<Tensor> {
        let sums = self.sums.f_to_kind(Kind::Double)?;
        let elements = self.elements.f_to_kind(Kind::Double)?.f_reshape([1])?;
        Ok(Tensor::f_cat(&[sums, elements], 0)?)
    }
}

impl Totals {
    /// Adds the count of a batch in place. No sync.
    pub(super) fn add(&mut self, count: &Count) -> Result<()> {
        if self.0.is_none() {
            self.0 = Some(Sums::zeros_like(&count.sums)?);
        }
        if let Some(Sums { sums, elements }) = &mut self.0 {
            ensure!(
                sums.size() == count.sums.size(),
                "the number of classes changed within a pass"
            );
            let _ = sums.f_add_(&count.sums)?;
            let _ = elements.f_add_scalar_(count.elements)?;
        }
        Ok(())
    }

    /// Sets the totals to zero in place. No sync.
    pub(super) fn reset(&mut self) -> Result<()> {
        if let Some(Sums { sums, elements }) = &mut self.0 {
            let _ = sums.f_zero_()?;
            let _ = elements.f_zero_()?;
        }
        Ok(())
    }

    /// The first sum over the elements, 0-d float64 on the device; nothing before the first batch.
    pub(super) fn first_mean(&self) -> Result<Option<Tensor>> {
        let Some(Sums { sums, elements }) = &self.0 else {
            return Ok(None);
        };
        let first = sums.f_select(0, 0)?.f_to_kind(Kind::Double)?;
        Ok(Some(first.f_div(elements)?))
    }

    /// The length of [`Totals::flat`].
    pub(super) fn width(&self) -> Option<usize> {
        self.0.as_ref().map(|totals| totals.sums.numel() + 1)
    }

    /// Sums, then elements, as one float64 tensor (exact up to 2⁵³); nothing before the first batch.
    pub(super) fn flat(&self) -> Option<Result<Tensor>> {
        self.0.as_ref().map(Sums::flat)
    }

    /// The names of sums and elements in the saved state of `metric`.
    pub(super) fn names(metric: &str) -> [String; 2] {
        [format!("{metric}.sums"), format!("{metric}.elements")]
    }

    /// Sums and elements by name: shallow handles. No sync.
    pub(super) fn state(&self, metric: &str) -> Vec<(String, Tensor)> {
        let Some(Sums { sums, elements }) = &self.0 else {
            return Vec::new();
        };
        let [sums_name, elements_name] = Totals::names(metric);
        vec![
            (sums_name, sums.shallow_clone()),
            (elements_name, elements.shallow_clone()),
        ]
    }

    /// Takes copies of the totals that `state` has for `metric`, on `device`; without any, nothing has been counted.
    pub(super) fn load(
        &mut self,
        metric: &str,
        state: &[(String, Tensor)],
        device: Device,
    ) -> Result<()> {
        let saved = Totals::names(metric).map(|name| find(state, &name));
        self.0 = match saved {
            [Some(sums), Some(elements)] => Some(Sums {
                sums: owned_copy_on(sums, device)?,
                elements: owned_copy_on(elements, device)?,
            }),
            _ => None,
        };
        Ok(())
    }
}

fn find<'a>(state: &'a [(String, Tensor)], name: &str) -> Option<&'a Tensor> {
    let found = state.iter().find(|(known, _)| known == name);
    found.map(|(_, tensor)| tensor)
}
