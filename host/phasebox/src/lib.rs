//! phasebox.
pub mod recipe;
