//! The phases of the world, with commas between them; `phasebox build` writes them. Without them nothing is compared.
pub const phases = "";
