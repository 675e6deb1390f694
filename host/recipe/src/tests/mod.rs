//! Recipes in folders of their own, and the exact words they are refused with.

mod accepted;
mod composed;
mod hydra;
mod refused;
mod robust;
mod supergradients;
mod yolox;

use super::Recipe;

/// Six lines that are a whole recipe; what a row adds starts at line 7, inside `training_hyperparams` if indented.
const WHOLE: &str = "experiment_name: digits
architecture: mlp
dataset: digits
training_hyperparams:
  max_epochs: 2
  loss: cross_entropy
";

/// Loads `recipe.yaml` from a folder of these files. An error is its full message without the folder's path.
fn load(files: &[(&str, &str)], arguments: &[&str]) -> Result<Recipe, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| (*argument).to_owned())
        .collect();
    let prefix = format!("{}/", folder.path().display());
    Recipe::load(folder.path().join("recipe.yaml"), &arguments)
        .map_err(|error| error.to_string().replace(&prefix, ""))
}

/// Loads [`WHOLE`] with lines added.
fn load_with(added: &str) -> Result<Recipe, String> {
    load(&[("recipe.yaml", &format!("{WHOLE}{added}"))], &[])
}
