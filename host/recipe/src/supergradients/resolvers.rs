//! The functions that `${name:…}` may call: those of SuperGradients that compute from their arguments alone. Owns their
//! rules, which are Python's; the arguments are `interpolate`'s.

use phasebox_contract::suggest;
use serde_json::{Number, Value};

use super::super::node::{Content, Node};

/// A function of resolved arguments. An error is the reason.
pub(in super::super) type Function = fn(&[Node]) -> Result<Content, String>;

/// The function of a name.
///
/// # Errors
/// A name that is unknown, or known and not obeyed here, with the remedy.
pub(in super::super) fn find(name: &str) -> Result<Function, String> {
    if let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
        return Ok(*function);
    }
    let remedy = REFUSED.iter().find(|(known, _)| *known == name);
    Err(remedy.map_or_else(
        || {
            let known: Vec<&str> = FUNCTIONS.iter().map(|(known, _)| *known).collect();
            let hint = suggest::hint(name, &known);
            format!("there is no function `{name}`{hint}")
        },
        |(_, remedy)| (*remedy).to_owned(),
    ))
}

const FUNCTIONS: &[(&str, Function)] = &[
    ("add", add),
    ("sub", subtract),
    ("mul", multiply),
    ("div", divide),
    ("cond", condition),
    ("first", first),
    ("last", last),
    ("len", length),
    ("getitem", item),
];

const REFUSED: &[(&str, &str)] = &[
    (
        "hydra_output_dir",
        "runs have their own folders; choose where with `--runs-dir`",
    ),
    (
        "roboflow_dataset_num_classes",
        "phasebox looks nothing up; write the number, such as `num_classes=7` on the command line",
    ),
    (
        "class",
        "a recipe holds no code; write the name of the thing itself",
    ),
    (
        "oc.env",
        "a recipe reads no environment; write the value, or `key=value` on the command line",
    ),
    (
        "hydra",
        "runs have their own folders; write the value itself",
    ),
];

fn add(arguments: &[Node]) -> Result<Content, String> {
    fold(arguments, i64::checked_add, |a, b| a + b)
}

fn multiply(arguments: &[Node]) -> Result<Content, String> {
    fold(arguments, i64::checked_mul, |a, b| a * b)
}

fn subtract(arguments: &[Node]) -> Result<Content, String> {
    exactly(arguments, 2)?;
    fold(arguments, i64::checked_sub, |a, b| a - b)
}

/// As Python's `/`: always a float.
fn divide(arguments: &[Node]) -> Result<Content, String> {
    exactly(arguments, 2)?;
    let by = number(&arguments[1])?;
    if by == 0.0 {
        return Err("division by zero".to_owned());
    }
    float(number(&arguments[0])? / by)
}

fn condition(arguments: &[Node]) -> Result<Content, String> {
    exactly(arguments, 3)?;
    let chosen = if is_true(&arguments[0]) { 1 } else { 2 };
    Ok(arguments[chosen].content.clone())
}

fn first(arguments: &[Node]) -> Result<Content, String> {
    let items = items(arguments)?;
    items.first().map(content).ok_or_else(empty)
}

fn last(arguments: &[Node]) -> Result<Content, String> {
    let items = items(arguments)?;
    items.last().map(content).ok_or_else(empty)
}

fn length(arguments: &[Node]) -> Result<Content, String> {
    exactly(arguments, 1)?;
    let length = match &arguments[0].content {
        Content::List(items) => items.len(),
        Content::Map(entries) => entries.len(),
        Content::Scalar(Value::String(text)) => text.chars().count(),
        _ => return Err(format!("{} has no length", arguments[0].describe())),
    };
    Ok(Content::Scalar(length.into()))
}

fn item(arguments: &[Node]) -> Result<Content, String> {
    exactly(arguments, 2)?;
    let key = match &arguments[1].content {
        Content::Scalar(Value::String(key)) => key.clone(),
        Content::Scalar(value) => value.to_string(),
        _ => return Err(format!("{} is no key", arguments[1].describe())),
    };
    let found = arguments[0].step(&key).map(content);
    found.ok_or_else(|| format!("there is no `{key}` in {}", arguments[0].describe()))
}

fn content(node: &Node) -> Content {
    node.content.clone()
}

fn empty() -> String {
    "the list is empty".to_owned()
}

fn items(arguments: &[Node]) -> Result<&[Node], String> {
    exactly(arguments, 1)?;
    match &arguments[0].content {
        Content::List(items) => Ok(items),
        _ => Err(format!(
            "expected a list, found {}",
            arguments[0].describe()
        )),
    }
}

fn exactly(arguments: &[Node], count: usize) -> Result<(), String> {
    if arguments.len() == count {
        return Ok(());
    }
    let found = arguments.len();
    Err(format!("takes {count} arguments, found {found}"))
}

/// Whole numbers stay whole, as in Python; a result beyond 64 bits is a float.
fn fold(
    arguments: &[Node],
    whole: fn(i64, i64) -> Option<i64>,
    broken: fn(f64, f64) -> f64,
) -> Result<Content, String> {
    let wholes: Option<Vec<i64>> = arguments.iter().map(whole_number).collect();
    let mut wholes = wholes.unwrap_or_default().into_iter();
    let start = wholes.next();
    let sum = start.and_then(|start| wholes.try_fold(start, whole));
    if let Some(sum) = sum {
        return Ok(Content::Scalar(sum.into()));
    }
    let numbers: Vec<f64> = arguments.iter().map(number).collect::<Result<_, _>>()?;
    float(numbers.into_iter().reduce(broken).unwrap_or(0.0))
}

fn whole_number(node: &Node) -> Option<i64> {
    match &node.content {
        Content::Scalar(value) => value.as_i64(),
        _ => None,
    }
}

fn number(node: &Node) -> Result<f64, String> {
    let number = node.as_f64();
    number.ok_or_else(|| format!("expected a number, found {}", node.describe()))
}

fn float(number: f64) -> Result<Content, String> {
    let number = Number::from_f64(number).ok_or("the result is no finite number")?;
    Ok(Content::Scalar(Value::Number(number)))
}

/// Python's idea of truth.
fn is_true(node: &Node) -> bool {
    match &node.content {
        Content::Scalar(Value::Null | Value::Bool(false)) => false,
        Content::Scalar(Value::String(text)) => !text.is_empty(),
        Content::Scalar(Value::Number(number)) => number.as_f64() != Some(0.0),
        Content::List(items) => !items.is_empty(),
        Content::Map(entries) => !entries.is_empty(),
        _ => true,
    }
}
