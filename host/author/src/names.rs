//! One name in the spellings of the languages: `on-epoch-end`, `on_epoch_end`, `onEpochEnd`, `OnEpochEnd`.

use anyhow::{Result, ensure};

/// The longest name of a project.
const MOST_BYTES: usize = 64;

/// `on_epoch_end`, of a name with dashes.
pub(crate) fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// `OnEpochEnd`.
pub(crate) fn pascal(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len());
    for word in name.split('-') {
        let mut letters = word.chars();
        spelled.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        spelled.push_str(letters.as_str());
    }
    spelled
}

/// `onEpochEnd`.
pub(crate) fn camel(name: &str) -> String {
    let spelled = pascal(name);
    let mut letters = spelled.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// `on-epoch-end`, of any of these spellings.
pub(crate) fn kebab(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        match letter {
            '_' => spelled.push('-'),
            capital if capital.is_ascii_uppercase() => {
                if !spelled.is_empty() {
                    spelled.push('-');
                }
                spelled.push(capital.to_ascii_lowercase());
            }
            other => spelled.push(other),
        }
    }
    spelled
}

/// Names that some language or file system keeps for itself.
const TAKEN: &str = "abstract as async auto aux await become box break con const continue crate do dyn else enum extern \
    false final fn for gen if impl in let loop macro match mod move mut nul override priv prn pub ref return self static \
    struct super test trait true try type typeof unsafe unsized use virtual where while yield";

/// Refuses a name that some language or file system would not take.
pub(crate) fn check(name: &str) -> Result<()> {
    ensure!(
        TAKEN.split_whitespace().all(|taken| taken != name),
        "`{name}` is no name for a project: some language or system keeps it for itself; add a word, such as `{name}-late`"
    );
    let mut words = name.split('-');
    let is_word = |word: &str| {
        let begins = word.starts_with(|first: char| first.is_ascii_lowercase());
        begins
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    ensure!(
        name.len() <= MOST_BYTES && words.all(is_word),
        "`{}` is no name for a project: write words of small letters and digits with dashes between them, such as `stop-late`",
        phasebox_contract::printable::excerpt(name)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelled_four_ways() {
        assert_eq!(snake("on-epoch-end"), "on_epoch_end");
        assert_eq!(camel("on-epoch-end"), "onEpochEnd");
        assert_eq!(pascal("a1"), "A1");
        for spelled in ["on_epoch_end", "onEpochEnd", "OnEpochEnd"] {
            assert_eq!(kebab(spelled), "on-epoch-end");
        }
    }

    #[test]
    fn names_are_words() {
        for (name, is_good) in [
            ("stop-late", true),
            ("a1", true),
            ("", false),
            ("1a", false),
            ("a--b", false),
            ("../x", false),
            ("Ä", false),
            ("if", false),
            ("nul", false),
            ("if-late", true),
        ] {
            assert_eq!(check(name).is_ok(), is_good, "{name}");
        }
    }
}
