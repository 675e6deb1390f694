//! The stock callback `Script`: a few lines in a recipe do what a component does, in the same sandbox. What is wrong with
//! them is said with its line, and a resume ends in the same bits.

mod effects;
mod limits;
mod mistakes;
mod swaps;
mod tried;

use crate::harness::Scratch;

/// An entry of `phase_callbacks` whose script has these lines. `keys` follow them, such as `grants: [stop]`.
fn entry(text: &str, keys: &str) -> String {
    let lines: String = text
        .lines()
        .map(|line| format!("        {}\n", line.replace("${", "\\${")))
        .collect();
    format!("  - Script:\n      text: |\n{lines}      {keys}\n")
}

/// A folder with the smallest recipe, and a script.
fn scratch(text: &str, keys: &str) -> Scratch {
    Scratch::with_callbacks(&entry(text, keys))
}
