//! Rows of `rows.json`, run through whichever side implements [`Side`]: the host's functions directly, or the
//! contract seen from a guest. Owns the meaning of a row and the comparison of a result; the numbers come from
//! `tests/reference/tensor_ops.py`.
//!
//! A row gives some tensors by name, calls functions, whose results get names too, and says what the names hold
//! afterwards, or with which error the last call ends. `then` is called in the next phase. Numbers that JSON
//! cannot hold are the words `nan`, `inf` and `-inf`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// One side of the contract.
pub(crate) trait Side: Sized {
    /// A handle to a tensor.
    type Tensor;
    /// A handle to a group.
    type Group;
    /// A handle to a number on its way.
    type Deferred;

    /// Calls `function`, such as `tensor.index-select`, and gives its result or the code of its error.
    fn call(
        &mut self,
        function: &str,
        arguments: Arguments<'_, Self>,
    ) -> Result<Value<Self>, String>;
}

/// A value that a name of a row stands for.
pub(crate) enum Value<S: Side> {
    Tensor(S::Tensor),
    Pair(S::Tensor, S::Tensor),
    Group(S::Group),
    Deferred(S::Deferred),
    Plain(Json),
}

impl<S: Side, T: Into<Value<S>>> From<Option<T>> for Value<S> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Plain(Json::Null), Into::into)
    }
}

macro_rules! plain {
    ($($kind:ty)*) => {$(
        impl<S: Side> From<$kind> for Value<S> {
            fn from(value: $kind) -> Self {
                Value::Plain(json!(value))
            }
        }
    )*};
}

plain! { () bool u32 u64 Vec<i64> Vec<String> }

impl<S: Side> From<f64> for Value<S> {
    fn from(value: f64) -> Self {
        Value::Plain(word(value))
    }
}

impl<S: Side> From<Vec<f32>> for Value<S> {
    fn from(values: Vec<f32>) -> Self {
        Value::Plain(
            values
                .into_iter()
                .map(|value| word(f64::from(value)))
                .collect(),
        )
    }
}

/// The answer of `tensor.info`.
pub(crate) fn info<S: Side>(
    shape: &[i64],
    dtype: &str,
    device: &str,
    requires_grad: bool,
) -> Value<S> {
    Value::Plain(
        json!({ "shape": shape, "dtype": dtype, "device": device, "requires-grad": requires_grad }),
    )
}

/// The contract's spelling of a case of an enum: `ErrorCode::TooLarge` is `too-large`.
pub(crate) fn kebab(case: impl std::fmt::Debug) -> String {
    let text = format!("{case:?}");
    let name = text.rsplit(':').next().unwrap_or_default();
    let mut spelled = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !spelled.is_empty() {
            spelled.push('-');
        }
        spelled.extend(letter.to_lowercase());
    }
    spelled
}

/// JSON for any float.
fn word(value: f64) -> Json {
    if value.is_finite() {
        json!(value)
    } else {
        json!(value.to_string().to_lowercase())
    }
}

fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The names of one row.
pub(crate) type Names<S> = BTreeMap<String, Value<S>>;

/// The arguments of one call, read from left to right. A row that does not fit its function is a mistake in the
/// table: reading panics.
pub(crate) struct Arguments<'a, S: Side> {
    names: &'a Names<S>,
    rest: std::slice::Iter<'a, Json>,
}

impl<'a, S: Side> Arguments<'a, S> {
    fn next<T>(&mut self, kind: &str, read: impl FnOnce(&'a Json) -> Option<T>) -> T {
        let Some(json) = self.rest.next() else {
            panic!("a call lacks its {kind}")
        };
        read(json).unwrap_or_else(|| panic!("{json} is no {kind}"))
    }

    fn named(names: &'a Names<S>, name: &Json) -> &'a Value<S> {
        let found = name.as_str().and_then(|name| names.get(name));
        found.unwrap_or_else(|| panic!("nothing is named {name}"))
    }

    fn tensor_named(names: &'a Names<S>, name: &Json) -> Option<&'a S::Tensor> {
        match Self::named(names, name) {
            Value::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    pub(crate) fn tensor(&mut self) -> &'a S::Tensor {
        let names = self.names;
        self.next("tensor", |json| Self::tensor_named(names, json))
    }

    pub(crate) fn classes(&mut self) -> Option<&'a S::Tensor> {
        let names = self.names;
        self.next("tensor or null", |json| match json {
            Json::Null => Some(None),
            _ => Self::tensor_named(names, json).map(Some),
        })
    }

    pub(crate) fn tensors(&mut self) -> Vec<&'a S::Tensor> {
        let names = self.names;
        self.next("tensors", |json| {
            json.as_array()?
                .iter()
                .map(|name| Self::tensor_named(names, name))
                .collect()
        })
    }

    pub(crate) fn group(&mut self) -> &'a S::Group {
        let names = self.names;
        self.next("group", |json| match Self::named(names, json) {
            Value::Group(group) => Some(group),
            _ => None,
        })
    }

    pub(crate) fn deferred(&mut self) -> &'a S::Deferred {
        let names = self.names;
        self.next("deferred", |json| match Self::named(names, json) {
            Value::Deferred(deferred) => Some(deferred),
            _ => None,
        })
    }

    pub(crate) fn number(&mut self) -> f64 {
        self.next("number", number)
    }

    pub(crate) fn bound(&mut self) -> Option<f64> {
        self.next("bound", |json| {
            if json.is_null() {
                Some(None)
            } else {
                number(json).map(Some)
            }
        })
    }

    pub(crate) fn index(&mut self) -> i64 {
        self.next("index", Json::as_i64)
    }

    pub(crate) fn indices(&mut self) -> Vec<i64> {
        self.next("list of indices", |json| {
            json.as_array()?.iter().map(Json::as_i64).collect()
        })
    }

    pub(crate) fn integers(&mut self) -> Vec<i64> {
        self.indices()
    }

    pub(crate) fn floats(&mut self) -> Vec<f32> {
        self.next("list of numbers", |json| {
            json.as_array()?
                .iter()
                .map(|json| Some(number(json)? as f32))
                .collect()
        })
    }

    pub(crate) fn pixel(&mut self) -> i32 {
        self.next("pixel", |json| json.as_i64()?.try_into().ok())
    }

    pub(crate) fn colors(&mut self) -> Vec<u32> {
        let color = |json: &Json| u32::try_from(json.as_u64()?).ok();
        self.next("list of colors", |json| {
            json.as_array()?.iter().map(color).collect()
        })
    }

    pub(crate) fn texts(&mut self) -> Vec<String> {
        let text = |json: &Json| json.as_str().map(str::to_owned);
        self.next("list of texts", |json| {
            json.as_array()?.iter().map(text).collect()
        })
    }

    pub(crate) fn count(&mut self) -> u32 {
        self.next("count", |json| json.as_u64()?.try_into().ok())
    }

    pub(crate) fn offset(&mut self) -> u64 {
        self.next("offset", Json::as_u64)
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.next("flag", Json::as_bool)
    }

    pub(crate) fn text(&mut self) -> &'a str {
        self.next("text", Json::as_str)
    }
}

/// Kinds of arguments that are tensors or texts here; others may draw them with more care.
macro_rules! kinds {
    ($($kind:ident($general:ident) -> $result:ty;)*) => {
        impl<'a, S: Side> Arguments<'a, S> { $(
            pub(crate) fn $kind(&mut self) -> $result {
                self.$general()
            }
        )* }
    };
}

kinds! {
    image(tensor) -> &'a S::Tensor;
    images(tensor) -> &'a S::Tensor;
    boxes(tensor) -> &'a S::Tensor;
    scores(tensor) -> &'a S::Tensor;
    masks(tensor) -> &'a S::Tensor;
    mode(text) -> &'a str;
    way(text) -> &'a str;
    format(text) -> &'a str;
    color(count) -> u32;
}

/// Runs the part of `row` before `then`, with the trainer's tensors in `names`, and gives back all names.
///
/// # Errors
/// The difference from the row's expectation.
pub(crate) fn start<S: Side>(
    side: &mut S,
    row: &Json,
    mut names: Names<S>,
) -> Result<Names<S>, String> {
    for (name, tensor) in row["given"].as_object().into_iter().flatten() {
        let from = if tensor["values"][0].is_i64() {
            "create.from-s64"
        } else {
            "create.from-f32"
        };
        call(
            side,
            &mut names,
            &json!([name, from, tensor["shape"], tensor["values"], ""]),
        )?;
        call(
            side,
            &mut names,
            &json!([name, "tensor.to-dtype", name, tensor["dtype"]]),
        )?;
    }
    run(side, row, "calls", &mut names)?;
    Ok(names)
}

/// Runs the rest of a row and compares.
///
/// # Errors
/// The difference from the row's expectation.
pub(crate) fn finish<S: Side>(side: &mut S, row: &Json, mut names: Names<S>) -> Result<(), String> {
    run(side, row, "then", &mut names)?;
    for (name, expected) in row["expected"].as_object().into_iter().flatten() {
        let found = look(side, &mut names, name)?;
        if !agree(&found, expected) {
            return Err(format!("`{name}` is {found}, not {expected}"));
        }
    }
    Ok(())
}

/// Tells rows that go on in the next phase.
pub(crate) fn goes_on(row: &Json) -> bool {
    row.get("then").is_some()
}

/// Makes the calls of one part. If the row ends with an error and this is its last part, the last call must.
fn run<S: Side>(side: &mut S, row: &Json, part: &str, names: &mut Names<S>) -> Result<(), String> {
    let Some(calls) = row[part].as_array() else {
        return Ok(());
    };
    let refused = row["error"]
        .as_str()
        .filter(|_| part == "then" || !goes_on(row));
    let (last, before) = match (refused, calls.split_last()) {
        (Some(code), Some((last, before))) => (Some((last, code)), before),
        _ => (None, calls.as_slice()),
    };
    for each in before {
        call(side, names, each)?;
    }
    last.map_or(Ok(()), |(last, code)| {
        must_refuse(side, names, last, code, row["repeat"].as_u64().unwrap_or(1))
    })
}

/// Makes a call up to `times` times, keeping all results; one must end with the error.
fn must_refuse<S: Side>(
    side: &mut S,
    names: &mut Names<S>,
    last: &Json,
    code: &str,
    times: u64,
) -> Result<(), String> {
    for time in 0..times {
        let mut last = last.clone();
        last[0] = json!(format!("refused {time}"));
        match call(side, names, &last) {
            Ok(()) => {}
            Err(found) if found.starts_with(code) => return Ok(()),
            Err(found) => return Err(format!("expected the error {code}, found {found}")),
        }
    }
    Err(format!("expected the error {code}, found none"))
}

/// Makes one call and names its result.
pub(crate) fn call<S: Side>(side: &mut S, names: &mut Names<S>, call: &Json) -> Result<(), String> {
    let [name, function, arguments @ ..] = call.as_array().map(Vec::as_slice).unwrap_or_default()
    else {
        panic!("{call} is no call");
    };
    let (Some(name), Some(function)) = (name.as_str(), function.as_str()) else {
        panic!("{call} is no call")
    };
    let arguments = Arguments {
        names,
        rest: arguments.iter(),
    };
    let result = side
        .call(function, arguments)
        .map_err(|error| format!("{error} from {call}"))?;
    names.insert(name.to_owned(), result);
    Ok(())
}

/// The value that `name` holds, as JSON: a tensor is `{shape, dtype, values}`, a group one such for each member.
fn look<S: Side>(side: &mut S, names: &mut Names<S>, name: &str) -> Result<Json, String> {
    match names.remove(name) {
        None => Err(format!("nothing is named `{name}`")),
        Some(Value::Plain(json)) => Ok(json),
        Some(Value::Deferred(deferred)) => {
            names.insert("it".to_owned(), Value::Deferred(deferred));
            ask(side, names, json!(["answer", "deferred.wait", "it"]))
        }
        Some(Value::Tensor(tensor)) => look_at_tensor(side, names, tensor),
        Some(Value::Pair(first, second)) => Ok(json!([
            look_at_tensor(side, names, first)?,
            look_at_tensor(side, names, second)?
        ])),
        Some(Value::Group(group)) => {
            names.insert("group".to_owned(), Value::Group(group));
            let members = ask(
                side,
                names,
                json!(["answer", "tensor-group.names", "group"]),
            )?;
            let members = members
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Json::as_str);
            members
                .map(|member| Ok((member.to_owned(), look_at_member(side, names, member)?)))
                .collect()
        }
    }
}

fn look_at_member<S: Side>(
    side: &mut S,
    names: &mut Names<S>,
    member: &str,
) -> Result<Json, String> {
    call(
        side,
        names,
        &json!(["member", "tensor-group.get", "group", member]),
    )?;
    look(side, names, "member")
}

fn look_at_tensor<S: Side>(
    side: &mut S,
    names: &mut Names<S>,
    tensor: S::Tensor,
) -> Result<Json, String> {
    names.insert("it".to_owned(), Value::Tensor(tensor));
    let info = ask(side, names, json!(["answer", "tensor.info", "it"]))?;
    let length: i64 = info["shape"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_i64)
        .product();
    let floating = info["dtype"]
        .as_str()
        .is_some_and(|dtype| dtype.contains("float"));
    let read = if floating {
        "tensor.read-f32"
    } else {
        "tensor.read-s64"
    };
    let values = ask(side, names, json!(["answer", read, "it", 0, length]))?;
    Ok(json!({ "shape": info["shape"], "dtype": info["dtype"], "values": values }))
}

/// The plain result of a call.
fn ask<S: Side>(side: &mut S, names: &mut Names<S>, question: Json) -> Result<Json, String> {
    call(side, names, &question)?;
    match names.remove("answer") {
        Some(Value::Plain(json)) => Ok(json),
        _ => Err(format!("{question} gives no plain value")),
    }
}

/// Compares results. Floats may differ by as much as f32 kernels of different builds do.
fn agree(found: &Json, expected: &Json) -> bool {
    match (found, expected) {
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| agree(a, b)))
        }
        (Json::Number(a), Json::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-6 + 1e-5 * b.abs(),
            _ => false,
        },
        _ => found == expected,
    }
}
