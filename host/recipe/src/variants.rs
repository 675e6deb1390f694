//! Many sets of overrides for one recipe: a grid of values, or a list in a file. Owns their forms; what a variant does
//! to the recipe is what the same arguments on the command line would do.

use std::path::Path;
use std::slice;

use phasebox_files::regular_file;

use super::document;
use super::location::{Location, Result};
use super::node::{Content, Node};

/// More runs than this are a typo.
const MAX_VARIANTS: usize = 10_000;

/// Every combination of the values of `axes`, each `key=a,b,c`: as overrides, the last axis changing fastest.
///
/// # Errors
/// No `=`, values that are not YAML, an axis without values or with one twice, or more combinations than anybody means.
pub fn grid(axes: &[String]) -> Result<Vec<Vec<String>>> {
    let mut variants = vec![Vec::new()];
    for axis in axes {
        let values = values(axis)?;
        if variants.len() * values.len() > MAX_VARIANTS {
            let message =
                format!("the grid has more than {MAX_VARIANTS} combinations; give fewer values");
            return Err(Location::command_line(axis).error(message));
        }
        variants = variants
            .iter()
            .flat_map(|variant| with_each(variant, &values))
            .collect();
    }
    Ok(variants)
}

/// The variant once for each value, which it ends with.
fn with_each(variant: &[String], values: &[String]) -> Vec<Vec<String>> {
    values
        .iter()
        .map(|value| [variant, slice::from_ref(value)].concat())
        .collect()
}

/// `key=a,b` as `key=a` and `key=b`. Commas inside brackets, braces and quotes belong to a value.
fn values(axis: &str) -> Result<Vec<String>> {
    let location = Location::command_line(axis);
    let shape = || {
        location.error(
            "an axis is written `key=a,b,c`, such as `training_hyperparams.initial_lr=0.1,0.01`",
        )
    };
    let (key, text) = axis.split_once('=').ok_or_else(shape)?;
    let list = document::parse(&format!("[{text}]"), &location)?;
    let Content::List(items) = &list.content else {
        return Err(shape());
    };
    if items.is_empty() {
        return Err(shape());
    }
    let items = items.iter();
    let values: Vec<String> = items
        .map(|item| format!("{key}={}", item.to_json()))
        .collect();
    let mut places = values.iter().enumerate();
    match places.find(|(place, value)| values[..*place].contains(value)) {
        Some((_, twice)) => Err(location.error(format!(
            "`{twice}` is there twice: the second run would be the first again; keep one"
        ))),
        None => Ok(values),
    }
}

/// The variants of a file: a YAML list of mappings from keys to values.
///
/// # Errors
/// A file that cannot be read, or another shape, with its line.
pub fn list(path: &Path) -> Result<Vec<Vec<String>>> {
    let location = Location::file(path);
    let text = regular_file::read_text(path, document::MAX_TEXT_BYTES as u64)
        .map_err(|error| location.error(format!("cannot read the list of variants: {error}")))?;
    let list = document::parse(&text, &location)?;
    match &list.content {
        Content::List(items) if (1..=MAX_VARIANTS).contains(&items.len()) => items.iter().map(variant).collect(),
        _ => Err(list.error(format!(
            "expected a list of 1 to {MAX_VARIANTS} mappings, such as `- {{training_hyperparams.initial_lr: 0.1}}`"
        ))),
    }
}

fn variant(item: &Node) -> Result<Vec<String>> {
    match &item.content {
        Content::Map(entries) => Ok(entries
            .iter()
            .map(|entry| format!("{}={}", entry.key, entry.value.to_json()))
            .collect()),
        _ => Err(item.error(format!(
            "expected a mapping from keys to values, found {}",
            item.describe()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid_of(axes: &[&str]) -> std::result::Result<Vec<String>, String> {
        let axes: Vec<String> = axes.iter().map(|axis| (*axis).to_owned()).collect();
        let joined =
            |variants: Vec<Vec<String>>| variants.iter().map(|variant| variant.join(" ")).collect();
        grid(&axes).map(joined).map_err(|error| error.message)
    }

    #[test]
    fn a_grid_is_every_combination() {
        let rows: [(&[&str], &[&str]); 4] = [
            (
                &["a=1,2", "b=x,y"],
                &["a=1 b=\"x\"", "a=1 b=\"y\"", "a=2 b=\"x\"", "a=2 b=\"y\""],
            ),
            (&["a.b=[1, 2],[3]"], &["a.b=[1,2]", "a.b=[3]"]),
            (&["a={b: 1, c: 2},null"], &["a={\"b\":1,\"c\":2}", "a=null"]),
            (&[], &[""]),
        ];
        for (axes, expected) in rows {
            assert_eq!(
                grid_of(axes).as_deref(),
                Ok(&*expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
            );
        }
        for (axes, refusal) in [
            (&["a"][..], "an axis is written"),
            (&["a=[1"], ""),
            (&["a="], "an axis is written"),
            (&["a=1,2,1"], "`a=1` is there twice"),
            (&["a=x,'x'"], "`a=\"x\"` is there twice"),
        ] {
            assert!(
                grid_of(axes).is_err_and(|message| message.contains(refusal)),
                "{axes:?}"
            );
        }
    }
}
