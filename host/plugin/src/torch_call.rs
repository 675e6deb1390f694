//! Calls of libtorch that guests ask for: without autograd's share of the work where gradients are not
//! recorded, and with an error where tch panics.
//!
//! A call that takes a number can panic: tch 0.24 frees the number before it reads the exception that
//! libtorch raised, and freeing unwraps that error. A refused `f_lerp`, `f_clamp` or `f_fill_` would panic
//! instead of returning it. Here the panic becomes the error it stands for, and prints nothing. Any other
//! panic goes on.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

use tch::TchError;

thread_local! { static CATCHING: Cell<bool> = const { Cell::new(false) }; }

/// Runs an operation of tch. An exception of libtorch is an error, never a panic.
pub(crate) fn torch_call<T>(
    operation: impl FnOnce() -> Result<T, TchError>,
) -> Result<T, TchError> {
    silence_panics_while_catching();
    CATCHING.set(true);
    // The unwind leaves nothing half done: tch has freed the number and cleared the error by then.
    let outcome = catch_unwind(AssertUnwindSafe(|| torch_ext::skipping_autograd(operation)));
    CATCHING.set(false);
    outcome.unwrap_or_else(|panic| Err(exception_in(panic)))
}

fn silence_panics_while_catching() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            let is_torch = info
                .payload_as_str()
                .is_some_and(|text| text.contains(MARK));
            if !(CATCHING.get() && is_torch) {
                previous(info);
            }
        }));
    });
}

/// The beginning of the unwrap's message; libtorch's text follows, quoted and escaped.
const MARK: &str = "Torch(\"";

/// The exception of libtorch that a panic of tch stands for. Any other panic goes on.
fn exception_in(panic: Box<dyn Any + Send>) -> TchError {
    let text = panic
        .downcast_ref::<String>()
        .and_then(|text| text.split_once(MARK));
    let Some((_, text)) = text else {
        resume_unwind(panic)
    };
    let line = text.split("\\n").next().unwrap_or(text);
    TchError::Torch(
        line.trim_end_matches("\")")
            .replace("\\\"", "\"")
            .replace("\\'", "'"),
    )
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn an_exception_about_a_number_is_an_error() {
        let (x, y) = (
            Tensor::zeros([3], (Kind::Float, Device::Cpu)),
            Tensor::zeros([4], (Kind::Float, Device::Cpu)),
        );
        let error = torch_call(|| x.f_lerp(&y, 0.5))
            .expect_err("shapes differ")
            .to_string();
        assert!(
            error.contains("The size of tensor a (3) must match the size of tensor b (4)"),
            "{error}"
        );
        assert!(!error.contains("Exception raised"), "{error}");
        assert!(torch_call(|| x.f_lerp(&x, 0.5)).is_ok());
    }
}
