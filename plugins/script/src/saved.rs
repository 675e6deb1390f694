//! The state of a script as bytes of a checkpoint: JSON in which every number keeps its bits. Owns the form, and the words
//! about a value that has none.
//!
//! `true`, whole numbers, texts, lists and `null` for `()` stand for themselves. An object has one key, which says how to
//! read its value: `map`, `float` and `deferred` (16 hexadecimal digits, the bits), `char`.

use phasebox_sdk::prelude::*;
use phasebox_sdk::serde_json::{Value, json};
use rhai::{Array, Dynamic, Map};

use crate::answers::Awaited;

/// The form of the bytes.
const FORMAT: u64 = 1;
/// The most lists and maps inside each other. A map that holds itself has more.
const MAX_DEPTH: usize = 32;

/// The bytes of a state. What is on its way and has not arrived is missing from them.
pub(crate) fn to_bytes(state: &Dynamic) -> Result<Vec<u8>> {
    let state = encoded(state, "state", MAX_DEPTH)?;
    Ok(json!({ "format": FORMAT, "state": state })
        .to_string()
        .into_bytes())
}

/// The state in the bytes of [`to_bytes`].
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Map> {
    let unfit = || Error::invalid("the saved state is none of a script");
    let saved: Value = phasebox_sdk::serde_json::from_slice(bytes).map_err(|_| unfit())?;
    if saved["format"] != FORMAT {
        return Err(Error::invalid(format!(
            "the saved state has format {}; this build reads {FORMAT}",
            saved["format"]
        )));
    }
    let state = decoded(&saved["state"]).and_then(Dynamic::try_cast::<Map>);
    state.ok_or_else(unfit)
}

fn encoded(value: &Dynamic, path: &str, depth: usize) -> Result<Value> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Error::invalid(format!(
            "`{path}` is deeper than {MAX_DEPTH} lists and maps, or holds itself: a checkpoint cannot hold it"
        )));
    };
    if let Some(map) = value.read_lock::<Map>() {
        let entries = map.iter().map(|(key, value)| {
            let saved = encoded(value, &format!("{path}.{key}"), depth)?;
            Ok((key.to_string(), saved))
        });
        let entries: Result<Vec<(String, Value)>> = entries.collect();
        return Ok(json!({ "map": Value::Object(entries?.into_iter().collect()) }));
    }
    if let Some(items) = value.read_lock::<Array>() {
        let items = items.iter().enumerate();
        let items = items.map(|(at, item)| encoded(item, &format!("{path}[{at}]"), depth));
        return items.collect();
    }
    if let Some(awaited) = value.read_lock::<Awaited>() {
        return arrived(&awaited);
    }
    scalar(value).ok_or_else(|| {
        Error::invalid(format!(
            "`{path}` is a {}, which a checkpoint cannot hold: keep tensors with `ctx.store_tensor(name, tensor)`, \
             and set the entry to `()`",
            kind(value)
        ))
    })
}

fn scalar(value: &Dynamic) -> Option<Value> {
    if value.is_unit() {
        return Some(Value::Null);
    }
    let flag = value.as_bool().ok().map(Value::Bool);
    let whole = value.as_int().ok().map(Value::from);
    let float = || Some(json!({ "float": bits(value.as_float().ok()?) }));
    let letter = || Some(json!({ "char": value.as_char().ok()?.to_string() }));
    let text = || Some(Value::String(value.clone().into_string().ok()?));
    flag.or(whole).or_else(float).or_else(letter).or_else(text)
}

/// A number that has arrived; `null` for one that has not.
fn arrived(awaited: &Awaited) -> Result<Value> {
    let number = match awaited {
        Awaited::Arrived(number) => Some(*number),
        Awaited::OnItsWay(deferred) => deferred.poll()?,
    };
    Ok(number.map_or(Value::Null, |number| json!({ "deferred": bits(number) })))
}

fn bits(number: f64) -> String {
    format!("{:016x}", number.to_bits())
}

fn number(bits: &Value) -> Option<f64> {
    let bits = u64::from_str_radix(bits.as_str()?, 16).ok()?;
    Some(f64::from_bits(bits))
}

fn kind(value: &Dynamic) -> &'static str {
    let name = value.type_name();
    match name.rsplit("::").next() {
        Some(last) if name.contains("Handle") => last.trim_end_matches('>'),
        Some("Fn" | "FnPtr") => "function",
        Some("Here") => "context",
        Some(last) if last.starts_with("Range") => "range",
        _ => name,
    }
}

fn decoded(saved: &Value) -> Option<Dynamic> {
    match saved {
        Value::Null => Some(Dynamic::UNIT),
        Value::Bool(flag) => Some((*flag).into()),
        Value::Number(whole) => whole.as_i64().map(Dynamic::from),
        Value::String(text) => Some(text.clone().into()),
        Value::Array(items) => {
            let items: Option<Array> = items.iter().map(decoded).collect();
            items.map(Dynamic::from)
        }
        Value::Object(tagged) => {
            let (tag, value) = tagged.iter().next().filter(|_| tagged.len() == 1)?;
            match tag.as_str() {
                "float" => number(value).map(Dynamic::from),
                "deferred" => number(value).map(|number| Dynamic::from(Awaited::Arrived(number))),
                "char" => value.as_str()?.chars().next().map(Dynamic::from),
                "map" => {
                    let entries = value.as_object()?.iter();
                    let entries = entries.map(|(key, value)| Some((key.into(), decoded(value)?)));
                    entries.collect::<Option<Map>>().map(Dynamic::from)
                }
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rhai::Engine;

    use super::*;

    fn check(expression: &str) {
        let mut state = Map::new();
        let value: Dynamic = Engine::new().eval(expression).expect(expression);
        state.insert("value".into(), value);
        let bytes = to_bytes(&state.clone().into()).expect(expression);
        let read = from_bytes(&bytes).expect(expression);
        let shown =
            |map: &Map| format!("{:?} {:?}", map, map["value"].as_float().map(f64::to_bits));
        assert_eq!(shown(&read), shown(&state), "{expression}");
    }

    #[test]
    fn a_state_keeps_its_bits() {
        for expression in [
            "()",
            "true",
            "-9223372036854775807",
            "0.1 + 0.2",
            "-0.0",
            "1.0 / 0.0",
            "-1.0 / 0.0",
            "0.0 / 0.0",
            "'x'",
            "\"naïve\\u0000 \\\"text\\\"\"",
            "[1, 2.5, [], \"a\"]",
            "#{a: #{b: [()], float: 1.5}, c: 1}",
        ] {
            check(expression);
        }
    }

    #[test]
    fn what_has_no_form_is_refused_by_its_place() {
        for (expression, refusal) in [
            ("[1, |x| x]", "`state.value[1]` is a function"),
            (
                "let a = [1]; for i in 0..40 { a = [a]; } a",
                "is deeper than 32",
            ),
        ] {
            let mut state = Map::new();
            let value: Dynamic = Engine::new().eval(expression).expect(expression);
            state.insert("value".into(), value);
            let error = to_bytes(&state.into()).expect_err(expression);
            assert!(error.message.contains(refusal), "{}", error.message);
        }
    }
}
