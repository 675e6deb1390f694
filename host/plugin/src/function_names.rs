//! Names of a guest's functions as their authors wrote them: what Rust's and C++'s compilers make of them is undone.
//! A stranger's name may stand for a text without end, so that names and texts are bounded.

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, Symbol};

/// The longest name that is looked at; a longer one is shown as it is.
const MOST_NAME_BYTES: usize = 1 << 10;
/// The longest text that is made of one.
const MOST_TEXT_BYTES: usize = 400;

/// The name of a function as its author wrote it, or as it is if no compiler's rule fits.
pub(crate) fn readable(name: &str) -> String {
    if name.len() > MOST_NAME_BYTES {
        return name.to_owned();
    }
    of_rust(name)
        .or_else(|| of_cpp(name))
        .unwrap_or_else(|| name.to_owned())
}

/// Rust's path without the hash at its end.
fn of_rust(name: &str) -> Option<String> {
    let path = rustc_demangle::try_demangle(name).ok()?;
    let mut text = Text::default();
    // The text that fits is enough.
    let _ = write!(text, "{path:#}");
    text.shown()
}

/// C++'s name with its parameters, which tell overloads apart.
fn of_cpp(name: &str) -> Option<String> {
    let symbol = name.starts_with("_Z").then(|| Symbol::new(name).ok())??;
    let mut text = Text::default();
    // The text that fits is enough.
    let _ = symbol.structured_demangle(&mut text, &DemangleOptions::new().no_return_type());
    text.shown()
}

/// A text that refuses what is too much.
#[derive(Default)]
struct Text(String);

impl Text {
    fn shown(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

impl Write for Text {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.0.len() + more.len() > MOST_TEXT_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(more);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn names_are_those_of_the_author() {
        for (name, expected) in [
            (
                "_ZN8rs_count7RsCount18on_train_batch_end17hfc00bc8a091a222dE",
                "rs_count::RsCount::on_train_batch_end",
            ),
            (
                "_RNvNtNtNtNtCsTwMz9AWF2D_4core3num7flt2dec8strategy6dragon12format_exact",
                "core::num::flt2dec::strategy::dragon::format_exact",
            ),
            (
                "_ZN4clip4normERKNS_6TensorE",
                "clip::norm(clip::Tensor const&)",
            ),
            ("_PyEval_EvalFrameDefault", "_PyEval_EvalFrameDefault"),
            ("main.onTrainBatchEnd", "main.onTrainBatchEnd"),
            ("_Z", "_Z"),
            ("", ""),
        ] {
            assert_eq!(readable(name), expected);
        }
    }

    /// A name of C++ in which each part names the one before twice.
    #[test]
    fn a_name_that_stands_for_a_text_without_end_is_cut() {
        let doubled: String = (0..60)
            .map(|index| format!("S{index:X}_S{index:X}_"))
            .collect();
        let pairs = "St4pairI".repeat(100) + "ii" + &"E".repeat(100);
        let begun = Instant::now();
        for name in [
            format!("_Z1fISt4pairIiiE{doubled}E"),
            format!("_Z1f{pairs}"),
            format!("_RINv{}", "IC1aB_".repeat(100)),
            "_Z".to_owned() + &"N".repeat(1000),
        ] {
            assert!(readable(&name).len() <= MOST_NAME_BYTES, "{name}");
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}
