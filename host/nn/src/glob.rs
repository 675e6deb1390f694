//! Patterns of parameter names. Owns the bound on their length; what a match means is the caller's.

use anyhow::{Result, ensure};
use globset::{Glob, GlobMatcher};

/// The longest pattern, in bytes. The compiler of patterns calls itself for braces within braces: a longer
/// pattern could overflow the stack.
const MAX_BYTES: usize = 256;

/// Compiles `pattern`, in which `*` also crosses dots: `layer1.*` or `*.bias`.
///
/// # Errors
/// A malformed pattern, or one longer than any name needs.
pub(crate) fn compile(pattern: &str) -> Result<GlobMatcher> {
    let size = pattern.len();
    ensure!(
        size <= MAX_BYTES,
        "it has {size} bytes: at most {MAX_BYTES} are taken"
    );
    Ok(Glob::new(pattern)?.compile_matcher())
}
