//! "Did you mean": the nearest known word, and a list of what is known. Owns no list of words.

/// Words less alike than this (Jaro-Winkler, 0 to 1) are not worth suggesting.
const LEAST_LIKENESS: f64 = 0.8;
/// One letter too many, too few, wrong, or two swapped.
const ONE_SLIP_LIKENESS: f64 = 0.9;
/// A longer word is no slip of a known one, and comparing takes time with its length.
const LONGEST_WORD: usize = 128;
/// A longer list of known words hides the message it is part of.
const LONGEST_LIST: usize = 16;

/// The candidate most like `word`, if any is like it. Case, `_`, `-` and spaces do not count as differences.
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let rated = candidates
        .iter()
        .map(|candidate| (likeness(&folded(word), &folded(candidate)), *candidate));
    rated
        .filter(|(rate, _)| *rate >= LEAST_LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// Jaro-Winkler is strict with short words, where one slip is a third of the letters.
fn likeness(word: &str, candidate: &str) -> f64 {
    let one_slip = word.len() > 2 && strsim::osa_distance(word, candidate) == 1;
    strsim::jaro_winkler(word, candidate).max(if one_slip { ONE_SLIP_LIKENESS } else { 0.0 })
}

/// The candidate that `word` names: exactly, or else when case, `_`, `-` and spaces are dropped and only one is
/// left to choose from.
pub fn fuzzy<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    if let Some(exact) = candidates.iter().find(|candidate| **candidate == word) {
        return Some(exact);
    }
    if word.len() > LONGEST_WORD {
        return None;
    }
    let heard = folded(word);
    let mut alike = candidates
        .iter()
        .filter(|candidate| folded(candidate) == heard);
    alike.next().filter(|_| alike.next().is_none()).copied()
}

/// The suggestion alone, for lists too long or too open to print.
pub fn near(word: &str, candidates: &[&str]) -> String {
    nearest(word, candidates).map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}

/// The end of an "unknown …" message: the suggestion and, when it is short, the list of what is known.
pub fn hint(word: &str, candidates: &[&str]) -> String {
    let mut hint = near(word, candidates);
    if !candidates.is_empty() && candidates.len() <= LONGEST_LIST {
        let joint = if hint.is_empty() {
            "; known:"
        } else {
            " known:"
        };
        hint.push_str(&format!("{joint} {}", candidates.join(", ")));
    }
    hint
}

/// "unknown architecture `resnet81`; did you mean `resnet18`? known: …"; `what` is the kind of thing that was named.
pub fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    format!("unknown {what} `{word}`{}", hint(word, known))
}

/// The word as a reader hears it.
fn folded(word: &str) -> String {
    word.chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["EMA", "EarlyStop", "GradientClip"];

    #[test]
    fn names_are_found_exactly_then_fuzzily() {
        for (word, found) in [
            ("EMA", Some("EMA")),
            ("ema", Some("EMA")),
            ("early_stop", Some("EarlyStop")),
            ("gradient-clip", Some("GradientClip")),
            ("EarlyStopp", None),
        ] {
            assert_eq!(fuzzy(word, &KNOWN), found);
        }
    }

    #[test]
    fn a_hint_names_the_nearest_and_all() {
        for (word, expected) in [
            (
                "EarlyStopp",
                "; did you mean `EarlyStop`? known: EMA, EarlyStop, GradientClip",
            ),
            ("xyz", "; known: EMA, EarlyStop, GradientClip"),
        ] {
            assert_eq!(hint(word, &KNOWN), expected);
        }
    }
}
