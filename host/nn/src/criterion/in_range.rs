//! Indices that come with the data, made safe to follow. On the CPU libtorch refuses one that is out of range. On a GPU it
//! would fault the device for good, and to ask before would cost a wait: there it is wrapped, and the loss is no number.

use anyhow::Result;
use tch::{Device, Tensor};

/// Indices, and whether one of them was wrapped.
pub(super) struct InRange {
    /// int64, of the shape they came in.
    pub(super) indices: Tensor,
    /// 0-d, bool; none on the CPU.
    is_wrong: Option<Tensor>,
}

impl InRange {
    /// `indices` (int64) into `count` places, of which `ignored` may be none. Does not sync.
    pub(super) fn of(indices: Tensor, count: i64, ignored: Option<i64>) -> Result<InRange> {
        if indices.device() == Device::Cpu {
            return Ok(InRange {
                indices,
                is_wrong: None,
            });
        }
        InRange::wrapped(&indices, count, ignored)
    }

    fn wrapped(indices: &Tensor, count: i64, ignored: Option<i64>) -> Result<InRange> {
        let wrapped = indices.f_remainder(count)?;
        let wrapped = match ignored {
            Some(ignored) => wrapped.f_masked_fill(&indices.f_eq(ignored)?, ignored)?,
            None => wrapped,
        };
        let is_wrong = wrapped.f_ne_tensor(indices)?.f_any()?;
        Ok(InRange {
            indices: wrapped,
            is_wrong: Some(is_wrong),
        })
    }

    /// `count` of the indices, from the one at `start` on.
    pub(super) fn block(&self, start: i64, count: i64) -> Result<InRange> {
        Ok(InRange {
            indices: self.indices.f_narrow(0, start, count)?,
            is_wrong: self.is_wrong.as_ref().map(Tensor::shallow_clone),
        })
    }

    /// `loss`, 0-d; not a number if an index was out of range. Does not sync.
    pub(super) fn mark(&self, loss: Tensor) -> Result<Tensor> {
        match &self.is_wrong {
            Some(is_wrong) => Ok(loss.f_masked_fill(is_wrong, f64::NAN)?),
            None => Ok(loss),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(indices: &[i64], ignored: Option<i64>, expected: &[i64], is_wrong: bool) {
        let safe = InRange::wrapped(&Tensor::from_slice(indices), 4, ignored).expect("indices");
        assert_eq!(
            Vec::<i64>::try_from(&safe.indices).expect("1-d"),
            expected,
            "{indices:?}"
        );
        let loss = safe.mark(Tensor::from(1.5f32)).expect("0-d");
        assert_eq!(
            loss.double_value(&[]).is_nan(),
            is_wrong,
            "{indices:?} with {ignored:?}"
        );
    }

    #[test]
    fn what_a_gpu_must_not_follow_is_wrapped_and_marks_the_loss() {
        check(&[0, 3, 1], None, &[0, 3, 1], false);
        check(&[0, 4, 1], None, &[0, 0, 1], true);
        check(&[0, -1, 1], None, &[0, 3, 1], true);
        check(&[i64::MIN, i64::MAX], None, &[0, 3], true);
        check(&[0, -100, 1], Some(-100), &[0, -100, 1], false);
        check(&[0, -100, 9], Some(-100), &[0, -100, 1], true);
        check(&[2, 3], Some(2), &[2, 3], false);
        check(&[], None, &[], false);
    }
}
