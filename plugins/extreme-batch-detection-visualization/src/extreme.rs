//! The most extreme batch so far of a loader: its value and its place as state, its tensors in the host's storage, so that
//! a resume in the middle of an epoch knows them.

use phasebox_sdk::detections::Shown;
use phasebox_sdk::prelude::*;

/// The most extreme batch so far. Without one it has no batch.
#[derive(Default, Deserialize, Serialize)]
#[serde(crate = "phasebox_sdk::serde")]
pub(crate) struct Extreme {
    /// None for a value that is not finite, too.
    value: Option<f64>,
    batch: Option<u64>,
}

const TENSORS: [&str; 3] = ["inputs", "decoded", "target"];

impl Extreme {
    /// True if a batch of this value is more extreme. A value that is not finite is the most extreme: the first counts.
    pub(crate) fn is_beaten_by(&self, value: f64, greatest: bool) -> bool {
        match (self.batch, self.value) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(_)) if !value.is_finite() => true,
            (Some(_), Some(best)) if greatest => value > best,
            (Some(_), Some(best)) => value < best,
        }
    }

    pub(crate) fn keep(
        &mut self,
        owner: &str,
        shown: &Shown,
        value: f64,
        batch: u64,
    ) -> Result<()> {
        let tensors = [&shown.inputs, &shown.decoded, &shown.target];
        for (name, tensor) in TENSORS.into_iter().zip(tensors) {
            storage::store_tensor(&format!("{owner}/{name}"), tensor)?;
        }
        self.value = Some(value).filter(|value| value.is_finite());
        self.batch = Some(batch);
        Ok(())
    }

    /// The batch that was kept, if there is one.
    pub(crate) fn kept(&self, owner: &str) -> Result<Option<Shown>> {
        if self.batch.is_none() {
            return Ok(None);
        }
        let [inputs, decoded, target] =
            TENSORS.map(|name| storage::load_tensor(&format!("{owner}/{name}")));
        let tensors = (inputs?, decoded?, target?);
        let (Some(inputs), Some(decoded), Some(target)) = tensors else {
            return Err(Error::not_available("the kept batch is not in the storage"));
        };
        Ok(Some(Shown {
            inputs,
            decoded,
            target,
        }))
    }

    /// The value in words.
    pub(crate) fn value(&self) -> String {
        match self.value {
            Some(value) => format!("{value}"),
            None => "which is not finite".to_owned(),
        }
    }

    pub(crate) fn batch(&self) -> u64 {
        self.batch.unwrap_or(0)
    }

    pub(crate) fn forget(&mut self, owner: &str) -> Result<()> {
        if self.batch.is_none() {
            return Ok(());
        }
        for name in TENSORS {
            storage::forget(&format!("{owner}/{name}"))?;
        }
        *self = Extreme::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_most_extreme_is_kept() {
        let of = |value: f64| Extreme {
            value: Some(value).filter(|value| value.is_finite()),
            batch: Some(0),
        };
        for (known, value, greatest, expected) in [
            (Extreme::default(), 1.0, true, true),
            (Extreme::default(), f64::NAN, true, true),
            (of(1.0), 2.0, true, true),
            (of(1.0), 1.0, true, false),
            (of(1.0), 2.0, false, false),
            (of(1.0), 0.5, false, true),
            (of(1.0), f64::NAN, false, true),
            (of(f64::NAN), 2.0, true, false),
            (of(f64::INFINITY), f64::NAN, true, false),
        ] {
            assert_eq!(known.is_beaten_by(value, greatest), expected, "{value}");
        }
    }
}
