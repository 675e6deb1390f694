//! Functions that hand phasebox what strangers can: the text of a recipe, the bytes of a component, a callback that
//! calls the host as bytes say. Each checks what must hold whatever the bytes are and panics where it does not: for
//! libFuzzer (`targets/`) and for the short run of `tests/smoke.rs`. What to run and how: `README.md`.

pub mod component;
pub mod monkey;
pub mod recipe;
pub mod training;
