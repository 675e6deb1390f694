//! `#[derive(Parameters)]`: from a struct's fields to the code that reads them and the JSON Schema that describes
//! them.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Map, Value, json};
use syn::ext::IdentExt;
use syn::{
    Data, DeriveInput, Error, Expr, ExprLit, ExprUnary, Field, Fields, GenericArgument, Ident, Lit,
};
use syn::{PathArguments, Result, Type, UnOp};

use crate::doc;

/// The role of a field: parameter, state or neither.
enum Role {
    Required,
    Optional(Expr),
    State,
    Skipped,
}

/// Attributes that bound a parameter, and the words of JSON Schema for them.
const BOUNDS: [(&str, &str); 4] = [
    ("minimum", "minimum"),
    ("maximum", "maximum"),
    ("exclusive_minimum", "exclusiveMinimum"),
    ("exclusive_maximum", "exclusiveMaximum"),
];

struct Member<'a> {
    ident: &'a Ident,
    field: &'a Field,
    role: Role,
    /// The bounds by their words of JSON Schema.
    bounds: Vec<(&'static str, Expr)>,
}

/// The `impl Parameters` of a struct with named fields, or of one without fields.
pub(crate) fn expand(item: &DeriveInput) -> Result<TokenStream> {
    let members = members(item)?;
    let (name, summary) = (&item.ident, doc::summary(&item.attrs));
    let schema = schema(&members).to_string();
    let known = members
        .iter()
        .filter(|member| member.is_parameter())
        .map(Member::name);
    let states: Vec<&Member> = members
        .iter()
        .filter(|member| matches!(member.role, Role::State))
        .collect();
    let has_state = !states.is_empty();
    let saves = states.iter().map(|member| member.save());
    let loads = states.iter().map(|member| member.load());
    let values = members.iter().map(Member::value);
    Ok(quote! {
        impl ::phasebox_sdk::Parameters for #name {
            const SUMMARY: &'static str = #summary;
            const SCHEMA: &'static str = #schema;
            const HAS_STATE: bool = #has_state;

            fn from_fields(mut fields: ::phasebox_sdk::macros::Fields) -> ::phasebox_sdk::Result<Self> {
                fields.refuse_unknown(&[#(#known),*])?;
                Ok(Self { #(#values),* })
            }

            fn save_fields(&self, fields: &mut ::phasebox_sdk::macros::Fields) -> ::phasebox_sdk::Result<()> {
                #(#saves)*
                Ok(())
            }

            fn load_fields(&mut self, fields: &mut ::phasebox_sdk::macros::Fields) -> ::phasebox_sdk::Result<()> {
                #(#loads)*
                Ok(())
            }
        }
    })
}

fn members(item: &DeriveInput) -> Result<Vec<Member<'_>>> {
    let Data::Struct(data) = &item.data else {
        return Err(Error::new(
            item.ident.span(),
            "parameters are a struct, one field for each",
        ));
    };
    match &data.fields {
        Fields::Named(fields) => fields.named.iter().map(Member::of).collect(),
        Fields::Unit => Ok(Vec::new()),
        Fields::Unnamed(_) => Err(Error::new(
            item.ident.span(),
            "give the fields names: they are the recipe's keys",
        )),
    }
}

impl<'a> Member<'a> {
    fn of(field: &'a Field) -> Result<Self> {
        let ident = field
            .ident
            .as_ref()
            .ok_or_else(|| Error::new_spanned(field, "give the field a name"))?;
        Ok(Self {
            ident,
            field,
            role: role(field)?,
            bounds: bounds(field)?,
        })
    }

    /// The key in a recipe or a state: `do` for the field `r#do`.
    fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// The statement that saves a field of the state.
    fn save(&self) -> TokenStream {
        let (ident, name) = (self.ident, self.name());
        match number_of(&self.field.ty) {
            Some(Number::Plain) => {
                quote! { fields.put_number(#name, Some(f64::from(self.#ident)))?; }
            }
            Some(Number::Optional) => {
                quote! { fields.put_number(#name, self.#ident.map(f64::from))?; }
            }
            None => quote! { fields.put(#name, &self.#ident)?; },
        }
    }

    /// The statement that restores it.
    fn load(&self) -> TokenStream {
        let (ident, name) = (self.ident, self.name());
        match number_of(&self.field.ty) {
            Some(Number::Plain) => quote! {
                if let Some(value) = fields.take_number(#name)? {
                    self.#ident = fields.some_number(#name, value)? as _;
                }
            },
            Some(Number::Optional) => quote! {
                if let Some(value) = fields.take_number(#name)? {
                    self.#ident = value.map(|value| value as _);
                }
            },
            None => quote! {
                if let Some(value) = fields.take(#name)? { self.#ident = value; }
            },
        }
    }

    fn is_parameter(&self) -> bool {
        matches!(self.role, Role::Required | Role::Optional(_))
    }

    /// `name: <expression for its value>`
    fn value(&self) -> TokenStream {
        let (ident, name) = (self.ident, self.name());
        let checks = self.bounds.iter().map(|(rule, bound)| {
            quote! { fields.check_bound(#name, #rule, (#bound) as f64)?; }
        });
        match &self.role {
            Role::Required => quote! { #ident: { #(#checks)* fields.required(#name)? } },
            Role::Optional(default) => quote! {
                #ident: { #(#checks)* fields.take(#name)?.unwrap_or_else(|| #default) }
            },
            Role::State | Role::Skipped => quote! { #ident: ::core::default::Default::default() },
        }
    }
}

/// A floating point number in a state, which JSON does not always have.
enum Number {
    Plain,
    Optional,
}

fn number_of(ty: &Type) -> Option<Number> {
    let is_number = |ty: &Type| matches!(last_segment(ty).as_deref(), Some("f32" | "f64"));
    if is_number(ty) {
        return Some(Number::Plain);
    }
    argument_of(ty, "Option")
        .filter(|inner| is_number(inner))
        .map(|_| Number::Optional)
}

fn role(field: &Field) -> Result<Role> {
    for attribute in &field.attrs {
        if attribute.path().is_ident("default") {
            return Ok(Role::Optional(attribute.parse_args()?));
        } else if attribute.path().is_ident("state") {
            return Ok(Role::State);
        } else if attribute.path().is_ident("skip") {
            return Ok(Role::Skipped);
        }
    }
    let optional = argument_of(&field.ty, "Option").is_some();
    Ok(if optional {
        Role::Optional(syn::parse_quote!(None))
    } else {
        Role::Required
    })
}

fn bounds(field: &Field) -> Result<Vec<(&'static str, Expr)>> {
    let mut found = Vec::new();
    for attribute in &field.attrs {
        if let Some((_, rule)) = BOUNDS
            .iter()
            .find(|(name, _)| attribute.path().is_ident(name))
        {
            found.push((*rule, attribute.parse_args()?));
        }
    }
    Ok(found)
}

fn schema(members: &[Member]) -> Value {
    let parameters: Vec<&Member> = members
        .iter()
        .filter(|member| member.is_parameter())
        .collect();
    let properties: Map<String, Value> = parameters
        .iter()
        .map(|member| (member.name(), property(member)))
        .collect();
    let required: Vec<String> = parameters
        .iter()
        .filter(|member| matches!(member.role, Role::Required))
        .map(|member| member.name())
        .collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn property(member: &Member) -> Value {
    let mut property = type_schema(&member.field.ty);
    let description = doc::summary(&member.field.attrs);
    if !description.is_empty() {
        property.insert("description".to_string(), description.into());
    }
    if let Role::Optional(default) = &member.role
        && let Some(value) = literal(default)
    {
        property.insert("default".to_string(), value);
    }
    for (rule, bound) in &member.bounds {
        if let Some(value) = literal(bound) {
            property.insert((*rule).to_string(), value);
        }
    }
    property.into_iter().collect()
}

/// The JSON type by the name of the Rust type. An unknown name allows any value; deserializing decides.
fn type_schema(ty: &Type) -> Map<String, Value> {
    let schema = if let Some(inner) = argument_of(ty, "Option") {
        return type_schema(inner);
    } else if let Some(inner) = argument_of(ty, "Vec") {
        json!({"type": "array", "items": type_schema(inner)})
    } else if let Some(inner) = argument_of(ty, "BTreeMap").or_else(|| argument_of(ty, "HashMap")) {
        json!({"type": "object", "additionalProperties": type_schema(inner)})
    } else {
        match last_segment(ty).as_deref() {
            Some("f32" | "f64") => json!({"type": "number"}),
            Some("i8" | "i16" | "i32" | "i64" | "isize") => json!({"type": "integer"}),
            Some("u8" | "u16" | "u32" | "u64" | "usize") => {
                json!({"type": "integer", "minimum": 0})
            }
            Some("bool") => json!({"type": "boolean"}),
            Some("String") => json!({"type": "string"}),
            _ => json!({}),
        }
    };
    schema.as_object().cloned().unwrap_or_default()
}

/// A literal default, a negative number or `"text".into()`; the schema shows no other default.
fn literal(default: &Expr) -> Option<Value> {
    match default {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value().into()),
        Expr::Lit(ExprLit {
            lit: Lit::Bool(flag),
            ..
        }) => Some(flag.value.into()),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse::<i64>().ok().map(Value::from),
        Expr::Lit(ExprLit {
            lit: Lit::Float(number),
            ..
        }) => number.base10_parse::<f64>().ok().map(Value::from),
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => match literal(expr)?.as_i64() {
            Some(whole) => Some((-whole).into()),
            None => literal(expr)?.as_f64().map(|number| (-number).into()),
        },
        Expr::MethodCall(call) if call.method == "into" => literal(&call.receiver),
        _ => None,
    }
}

fn last_segment(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    path.path
        .segments
        .last()
        .map(|segment| segment.ident.to_string())
}

/// The last type argument of `ty` if it is a `name<…>`.
fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path
        .path
        .segments
        .last()
        .filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.last()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &str, expected: Value) {
        let item: DeriveInput = syn::parse_str(&format!("struct Clip {{ {field} }}")).expect(field);
        let schema = schema(&members(&item).expect(field));
        assert_eq!(
            json!([schema["properties"], schema["required"]]),
            expected,
            "{field}"
        );
    }

    #[test]
    fn describes_each_field_by_its_type_doc_and_default() {
        check("rate: f64", json!([{"rate": {"type": "number"}}, ["rate"]]));
        check(
            "rate: Option<f64>",
            json!([{"rate": {"type": "number"}}, []]),
        );
        check(
            "#[default(-1.5)] rate: f64",
            json!([{"rate": {"type": "number", "default": -1.5}}, []]),
        );
        check(
            "#[default(1_000)] n: u32",
            json!([{"n": {"type": "integer", "minimum": 0, "default": 1000}}, []]),
        );
        check(
            "#[default(\"a\".into())] name: String",
            json!([{"name": {"type": "string", "default": "a"}}, []]),
        );
        check(
            "/// Which\n/// ones.\nnames: Vec<String>",
            json!([{"names": {"type": "array", "items": {"type": "string"}, "description": "Which ones."}}, ["names"]]),
        );
        check(
            "set: BTreeMap<String, bool>",
            json!([{"set": {"type": "object", "additionalProperties": {"type": "boolean"}}}, ["set"]]),
        );
        check(
            "#[minimum(1)] #[exclusive_maximum(2.5)] n: u32",
            json!([{"n": {"type": "integer", "minimum": 1, "exclusiveMaximum": 2.5}}, ["n"]]),
        );
        check("r#do: bool", json!([{"do": {"type": "boolean"}}, ["do"]]));
        check(
            "mode: Mode, #[state] best: f64, #[skip] seen: u64",
            json!([{"mode": {}}, ["mode"]]),
        );
    }
}
