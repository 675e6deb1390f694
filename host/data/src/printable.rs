//! Names from data files as messages, logs and terminals may show them. Owns no output.

/// The name, with an escape in the place of each control character.
pub(super) fn printable(name: &str) -> String {
    if !name.contains(char::is_control) {
        return name.to_owned();
    }
    let escaped = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    name.chars().map(escaped).collect()
}
