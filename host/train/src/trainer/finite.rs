//! A look at tensors that may hold NaN or infinity. Owns the look alone: what follows from it is in `decisions`.

use anyhow::Result;
use tch::Tensor;

/// The name of the first tensor with an element that is not finite. Syncs once, and once more for each tensor up to that
/// one.
pub(super) fn first_that_is_not(tensors: &[(String, Tensor)]) -> Result<Option<&str>> {
    let mut names = Vec::new();
    let mut are_finite = Vec::new();
    for (name, tensor) in tensors {
        if tensor.is_floating_point() && tensor.numel() > 0 {
            names.push(name.as_str());
            are_finite.push(tensor.f_isfinite()?.f_all()?);
        }
    }
    if are_finite.is_empty() || holds(&Tensor::f_stack(&are_finite, 0)?.f_all()?)? {
        return Ok(None);
    }
    for (name, is_finite) in names.into_iter().zip(&are_finite) {
        if !holds(is_finite)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn holds(flag: &Tensor) -> Result<bool> {
    Ok(flag.f_int64_value(&[])? != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn the_first_tensor_with_nan_or_infinity_is_named() -> Result<()> {
        let check = |values: [f64; 2], expected: Option<&str>| -> Result<()> {
            let named = [
                ("counts".to_owned(), Tensor::from_slice(&[1_i64, 2])),
                (
                    "none".to_owned(),
                    Tensor::f_zeros([0], (Kind::Float, tch::Device::Cpu))?,
                ),
                ("weight".to_owned(), Tensor::from_slice(&[0.5_f32, -1e38])),
                ("variance".to_owned(), Tensor::from_slice(&values)),
            ];
            assert_eq!(first_that_is_not(&named)?, expected, "{values:?}");
            Ok(())
        };
        check([0.0, 1e308], None)?;
        check([0.0, f64::NAN], Some("variance"))?;
        check([f64::NEG_INFINITY, 0.0], Some("variance"))?;
        assert_eq!(first_that_is_not(&[])?, None);
        Ok(())
    }
}
