//! Values of a script as JSON and back: parameters of a recipe, and those of losses and loaders.

use phasebox_sdk::serde_json::{Map as Object, Number, Value};
use rhai::{Array, Dynamic, Map};

/// The value of a script that a JSON value is. `null` is `()`, and a number without a fraction is whole.
pub(crate) fn to_script(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.clone().into(),
        Value::Array(items) => items.iter().map(to_script).collect::<Array>().into(),
        Value::Object(entries) => {
            let entries = entries.iter();
            let map: Map = entries
                .map(|(key, value)| (key.into(), to_script(value)))
                .collect();
            map.into()
        }
    }
}

/// The JSON of a value of a script; none for what JSON has no form for, such as an infinity or a tensor.
pub(crate) fn from_script(value: &Dynamic) -> Option<Value> {
    let value = value.clone().flatten();
    if value.is_unit() {
        return Some(Value::Null);
    }
    let flag = value.as_bool().ok().map(Value::Bool);
    let whole = value.as_int().ok().map(Value::from);
    let number = || Some(Value::Number(Number::from_f64(value.as_float().ok()?)?));
    let text = || Some(Value::String(value.clone().into_string().ok()?));
    flag.or(whole)
        .or_else(number)
        .or_else(text)
        .or_else(|| list(&value))
        .or_else(|| object(&value))
}

fn list(value: &Dynamic) -> Option<Value> {
    let items = value.read_lock::<Array>()?;
    let items: Option<Vec<Value>> = items.iter().map(from_script).collect();
    items.map(Value::Array)
}

fn object(value: &Dynamic) -> Option<Value> {
    let entries = value.read_lock::<Map>()?;
    let entries: Option<Object<String, Value>> = entries
        .iter()
        .map(|(key, value)| Some((key.to_string(), from_script(value)?)))
        .collect();
    entries.map(Value::Object)
}
