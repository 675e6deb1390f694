//! Files that `defaults` find by name where no file of that name stands beside the recipe. Owns their texts.

/// The text of a built-in file, by its name without folder and `.yaml`.
pub(super) fn find(name: &str) -> Option<&'static str> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    let row = FILES.iter().find(|(known, _)| *known == name);
    row.map(|(_, text)| *text)
}

/// The names that [`find`] knows, for messages.
pub(super) fn names() -> Vec<&'static str> {
    FILES.iter().map(|(name, _)| *name).collect()
}

const FILES: &[(&str, &str)] = &[(
    "default_train_params",
    include_str!("builtin/default_train_params.yaml"),
)];
