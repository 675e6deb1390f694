//! Rust's text without what is not code, and its words. Knows just enough of the language to tell strings from comments.

/// `text` with strings emptied and comments removed. Line breaks stay, so that lines keep their numbers.
pub(super) fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let (length, instead) =
            token(rest).unwrap_or((letter.len_utf8(), &rest[..letter.len_utf8()]));
        bare.push_str(instead);
        if instead.len() != length {
            bare.extend(rest[..length].chars().filter(|letter| *letter == '\n'));
        }
        rest = &rest[length..];
    }
    bare
}

/// The length of the comment, string or character that `rest` begins with, and the text to put in its place.
fn token(rest: &str) -> Option<(usize, &'static str)> {
    if rest.starts_with("//") {
        Some((rest.find('\n').unwrap_or(rest.len()), ""))
    } else if rest.starts_with("/*") {
        Some((end_of(rest, "*/"), ""))
    } else if let Some(text) = rest.strip_prefix('"') {
        Some((1 + closing_quote(text, '"'), "\"\""))
    } else if rest.starts_with("r\"") || rest.starts_with("r#") {
        raw_string(rest).map(|length| (length, "\"\""))
    } else if rest.starts_with('\'') {
        character(rest).map(|length| (length, "' '"))
    } else {
        None
    }
}

fn end_of(text: &str, mark: &str) -> usize {
    text.find(mark).map_or(text.len(), |at| at + mark.len())
}

/// The length up to and with the first `quote` that no backslash precedes.
fn closing_quote(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == quote && !is_escaped {
            return at + quote.len_utf8();
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.len()
}

/// The length of a raw string; none for a raw identifier.
fn raw_string(rest: &str) -> Option<usize> {
    let inside = rest[1..].trim_start_matches('#');
    let hashes = rest.len() - 1 - inside.len();
    let body = inside.strip_prefix('"')?;
    let end = end_of(body, &format!("\"{}", "#".repeat(hashes)));
    Some(rest.len() - body.len() + end)
}

/// The length of a character literal; none for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inside = &rest[1..];
    let letter = inside.chars().next()?;
    if letter == '\\' {
        return Some(1 + closing_quote(inside, '\''));
    }
    inside[letter.len_utf8()..]
        .starts_with('\'')
        .then(|| 2 + letter.len_utf8())
}

/// The words of a text: names, keywords and numbers.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !is_of_word(letter))
        .filter(|word| !word.is_empty())
}

pub(super) fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Finds `word` in `text`, but not as a part of a longer word.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    words(text).any(|found| found == word)
}

/// The index after the brace that closes the first one of `text`.
pub(super) fn end_of_block(text: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn strings_and_comments_are_no_code() {
    for (text, expected) in [
        ("let a = \"{ // \\\" \"; // b", "let a = \"\"; "),
        ("f(r#\"{\"}\"#, '{', '\\'')", "f(\"\", ' ', ' ')"),
        ("/* { \n } */ fn f<'a>()", "\n fn f<'a>()"),
        ("\"one\ntwo\" + x", "\"\"\n + x"),
        ("r#type", "r#type"),
    ] {
        assert_eq!(bare(text), expected, "{text}");
    }
}
