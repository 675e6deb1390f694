//! YAML text to a located tree: YAML 1.2 core typing, budgets, duplicate keys.
//! Owns what a YAML document may be; it knows no key of a recipe and opens no file.

use std::fmt;

use phasebox_contract::printable::excerpt;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_yaml::options::{AliasLimits, DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_yaml::{MessageFormatter, Options, Spanned, UserMessageFormatter};

use super::location::{Location, Result};
use super::node::{Content, Entry, MAX_DEPTH, Node};

/// A recipe is a page or two; more is a mistake, such as naming a data file.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 20;
/// Values in one document, and values that aliases may stand for.
pub(super) const MAX_NODES: usize = 100_000;

/// Reads one YAML document. `start` says what the text is called. An empty text is an empty mapping.
///
/// # Errors
/// Text that is not YAML, is over a budget, has several documents, tags, infinite or oversized numbers, or a key twice.
pub(super) fn parse(text: &str, start: &Location) -> Result<Node> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(start.error(format!(
            "larger than {MAX_TEXT_BYTES} bytes; is this a recipe?"
        )));
    }
    let raw: Spanned<Raw> =
        serde_yaml::from_str_with_options(text, options()).map_err(|error| {
            let line = error
                .location()
                .map_or(1, |location| location.line().max(1));
            let words = UserMessageFormatter.format_message(error.without_snippet());
            let words = number_words(&words).unwrap_or(words.into_owned());
            start
                .at_line(line)
                .error(format!("not usable as YAML: {words}{}", remedy(text, line)))
        })?;
    let lines: Vec<&str> = text.lines().collect();
    check_zeros(&raw, &lines, start)?;
    locate(raw, start)
}

/// The words about a number with too many digits, which they would repeat.
fn number_words(words: &str) -> Option<String> {
    const REASON: &str = "is not a finite number";
    let value = words.strip_prefix("value `")?;
    let value = value.strip_suffix(&format!("` {REASON}"))?;
    let value = excerpt(value);
    Some(format!(
        "value `{value}` {REASON}: the greatest are 1.8e308"
    ))
}

/// Refuses `010`, which is 8 in YAML 1.1 and 10 in YAML 1.2.
fn check_zeros(raw: &Spanned<Raw>, lines: &[&str], start: &Location) -> Result<()> {
    match &raw.value {
        Raw::List(items) => items
            .iter()
            .try_for_each(|item| check_zeros(item, lines, start)),
        Raw::Map(entries) => entries
            .iter()
            .try_for_each(|(_, value)| check_zeros(value, lines, start)),
        Raw::Scalar(Value::Number(_)) => match written_with_zero(raw, lines) {
            Some(written) => {
                let number = written.trim_start_matches(['-', '+', '0']);
                let octal = i64::from_str_radix(number, 8);
                let octal = octal.map_or("no number".to_owned(), |octal| octal.to_string());
                let message = format!(
                    "`{written}` is {octal} to some readers of YAML and {number} to others: write it without the 0 before it"
                );
                Err(start.at_line(raw.defined.line().max(1)).error(message))
            }
            None => Ok(()),
        },
        Raw::Scalar(_) => Ok(()),
    }
}

/// Numbers of longer lines are not looked at again: that would take time with the square of the length.
const LONGEST_LINE: usize = 1000;

/// The number as written, if it is a 0 with digits after it.
fn written_with_zero<'a>(raw: &Spanned<Raw>, lines: &[&'a str]) -> Option<&'a str> {
    let index = |place: u64| usize::try_from(place).ok()?.checked_sub(1);
    let line = lines.get(index(raw.defined.line())?)?;
    let line = Some(line).filter(|line| line.len() <= LONGEST_LINE)?;
    let (start, _) = line.char_indices().nth(index(raw.defined.column())?)?;
    let token = &line[start..];
    let end = token.find([' ', '\t', ',', ']', '}', '#']);
    let token = &token[..end.unwrap_or(token.len())];
    let digits = token.strip_prefix(['-', '+']).unwrap_or(token);
    let rest = digits.strip_prefix('0')?;
    let is_zero_led = !rest.is_empty() && rest.bytes().all(|digit| digit.is_ascii_digit());
    is_zero_led.then_some(token)
}

/// Reads a YAML document that must be a mapping.
///
/// # Errors
/// As [`parse`], or when the document is a list or a single value.
pub(super) fn parse_map(text: &str, start: &Location) -> Result<Node> {
    let mut node = parse(text, start)?;
    if node.is_null() {
        node.content = Content::Map(Vec::new());
    }
    node.location = start.clone();
    match node.content {
        Content::Map(_) => Ok(node),
        _ => Err(start.error(format!(
            "a recipe is a mapping of keys, found {}",
            node.describe()
        ))),
    }
}

/// Strict wherever YAML leaves a choice: `yes` is a text, `1_000` is a text, tags are refused.
fn options() -> Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES, flow_nesting_limit: MAX_DEPTH },
        alias_limits: AliasLimits::default(),
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        underscored_numbers_as_strings: true,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// `{a: ${b}}` is a slip that the reader cannot explain: inside `{}` and `[]` a `}` ends the mapping.
fn remedy(text: &str, line: u64) -> &'static str {
    let index = usize::try_from(line).map_or(0, |line| line.saturating_sub(1));
    let has_reference = text
        .lines()
        .nth(index)
        .is_some_and(|line| line.contains("${"));
    if has_reference {
        "; inside {} and [], put `${…}` in quotes"
    } else {
        ""
    }
}

/// A document as serde gives it. `Spanned` adds the lines, `locate` the name of the file.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

/// Adds the source to every line, and refuses a key that stands twice in one mapping.
fn locate(raw: Spanned<Raw>, start: &Location) -> Result<Node> {
    let location = start.at_line(raw.defined.line().max(1));
    let content = match raw.value {
        Raw::Scalar(value) => Content::Scalar(value),
        Raw::List(items) => Content::List(
            items
                .into_iter()
                .map(|item| locate(item, start))
                .collect::<Result<_>>()?,
        ),
        Raw::Map(entries) => Content::Map(locate_entries(entries, start)?),
    };
    Ok(Node::new(content, location))
}

fn locate_entries(
    raw: Vec<(Spanned<String>, Spanned<Raw>)>,
    start: &Location,
) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::with_capacity(raw.len());
    let mut lines = std::collections::HashMap::new();
    for (key, value) in raw {
        let location = start.at_line(key.defined.line().max(1));
        if let Some(first) = lines.insert(key.value.clone(), location.line) {
            let message = format!(
                "key `{}` is here twice: line {first} has it too; keep one",
                key.value
            );
            return Err(location.error(message));
        }
        let mut value = locate(value, start)?;
        if !matches!(value.content, Content::Scalar(_)) {
            value.location = location.clone();
        }
        entries.push(Entry {
            key: key.value,
            location,
            value,
        });
    }
    Ok(entries)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number that fits 64 bits, a text, a list or a mapping")
    }

    fn visit_unit<E>(self) -> std::result::Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Raw, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(Raw::Scalar(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> std::result::Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
