//! Schemas, parameters and the answers: by hand, from the words of JSON Schema.

use serde_json::{Value, json};

use super::Schema;

fn check(schema: &Value, params: &Value, expected: Result<(), &str>) {
    let fit = Schema::read(schema).and_then(|schema| schema.check(params));
    assert_eq!(fit, expected.map_err(str::to_owned), "{schema} {params}");
}

/// A schema of parameters `p` and, required, `q`.
fn of(p: Value) -> Value {
    json!({
        "type": "object",
        "properties": {"p": p, "q": {"type": "boolean"}},
        "required": ["q"],
        "additionalProperties": false,
    })
}

#[test]
fn parameters_fit_or_are_refused_by_name() {
    let cases = [
        (json!({"type": "number"}), json!(1.5), Ok(())),
        (json!({"type": "number"}), json!(null), Ok(())),
        (json!({"type": "integer"}), json!(3.0), Ok(())),
        (
            json!({"type": "number"}),
            json!("big"),
            Err("parameter `p`: expected a number, found the text \"big\""),
        ),
        (
            json!({"type": ["integer", "null"]}),
            json!(0.5),
            Err("parameter `p`: expected a whole number or nothing, found 0.5"),
        ),
        (
            json!({"enum": ["min", "max"]}),
            json!("minn"),
            Err("parameter `p`: `minn` is none of its values; did you mean `min`? known: min, max"),
        ),
        (
            json!({"const": 3}),
            json!(4),
            Err("parameter `p`: `4` is none of its values; known: 3"),
        ),
        (
            json!({"minimum": 1}),
            json!(0),
            Err("parameter `p`: expected at least 1, found 0"),
        ),
        (
            json!({"exclusiveMaximum": 1}),
            json!(1),
            Err("parameter `p`: expected less than 1, found 1"),
        ),
        (
            json!({"maxLength": 2}),
            json!("äöü"),
            Err("parameter `p`: expected at most 2 characters, found the text \"äöü\""),
        ),
        (
            json!({"minItems": 1}),
            json!([]),
            Err("parameter `p`: expected at least 1 values, found a list of 0"),
        ),
        (
            json!({"items": {"type": "string"}}),
            json!(["a", 2]),
            Err("parameter `p[1]`: expected a text, found 2"),
        ),
        (
            json!({"properties": {"deep": {"type": "array"}}}),
            json!({"deep": 1, "other": 2}),
            Err("parameter `p.deep`: expected a list, found 1"),
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"minimum": 3, "type": "number"}]}),
            json!(4),
            Ok(()),
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"minimum": 3, "type": "number"}]}),
            json!(2),
            Err("parameter `p`: expected a text, found 2, and no other alternative fits"),
        ),
    ];
    for (schema, value, expected) in cases {
        check(&of(schema), &json!({"p": value, "q": true}), expected);
    }
}

#[test]
fn members_are_known_and_complete() {
    let schema = of(json!({}));
    for (params, expected) in [
        (json!({"q": true}), Ok(())),
        (
            json!(null),
            Err("parameter `q` is missing: it has no default"),
        ),
        (
            json!({"q": null}),
            Err("parameter `q`: expected true or false, found nothing"),
        ),
        (
            json!({"q": true, "r": 1}),
            Err("unknown parameter `r`; known: p, q"),
        ),
        (
            json!([1]),
            Err("the parameters: expected a mapping, found a list of 1"),
        ),
    ] {
        check(&schema, &params, expected);
    }
    check(
        &json!({}),
        &json!({"any": [1, {"thing": {"deep": 1}}]}),
        Ok(()),
    );
    check(
        &json!({"additionalProperties": {"type": "number"}}),
        &json!({"any": "a"}),
        Err("parameter `any`: expected a number, found the text \"a\""),
    );
    check(&Value::Null, &json!({"any": 1}), Ok(()));
}

#[test]
fn a_schema_that_is_none_is_refused() {
    for (schema, expected) in [
        (
            json!({"properties": {"p": {"type": "objekt"}}}),
            "`parameters.properties.p.type` names no type: `objekt`; did you mean `object`? \
             known: null, boolean, integer, number, string, array, object",
        ),
        (
            json!({"properties": {"p": {"pattern": "^a"}}}),
            "`parameters.properties.p.pattern` is a keyword that phasebox does not obey; \
             leave it out, and check it in `configure`",
        ),
        (
            json!({"minimun": 3}),
            "`parameters.minimun` is a keyword that phasebox does not obey; did you mean `minimum`?; \
             leave it out, and check it in `configure`",
        ),
        (
            json!([]),
            "`parameters` is no JSON Schema: expected an object",
        ),
        (
            json!({"required": "p"}),
            "`parameters.required`: expected a list",
        ),
        (
            json!({"minimum": "1"}),
            "`parameters.minimum`: expected a number",
        ),
    ] {
        check(&schema, &json!({}), Err(expected));
    }
}

/// A list of many values and a schema of many alternatives, each within the bounds of a recipe or an answer.
#[test]
fn comparisons_are_bounded() {
    let alternatives: Vec<Value> = (0..2000).map(|n| json!({"const": n})).collect();
    let schema = json!({"properties": {"p": {"items": {"anyOf": alternatives}}}});
    let values: Vec<i32> = vec![5000; 100_000];
    let begun = std::time::Instant::now();
    let fit = Schema::read(&schema).and_then(|schema| schema.check(&json!({"p": values})));
    assert!(fit.is_err());
    assert!(begun.elapsed().as_secs() < 5);
}
