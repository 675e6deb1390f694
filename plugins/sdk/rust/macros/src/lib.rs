//! The two macros of `phasebox-sdk`. `#[callback]` turns the methods of a type that are named like phases
//! into the exports of a component. `#[derive(Parameters)]` turns the fields of a type into the recipe's
//! `params`. The expanded code only calls `phasebox_sdk`.

mod callback;
mod contract;
mod doc;
mod parameters;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Exports the phases that an `impl` block has methods for, with `describe` and `configure`.
///
/// Methods named like a phase (`on_train_batch_end`, …) take `(&mut self, ctx: &PhaseContext) -> Result<()>`.
/// An optional `configure(&mut self) -> Result<()>` checks the parameters once they are read, and an optional
/// `check_run(&mut self, facts: &Value) -> Result<()>` checks them against the run (`check-run` in `wit/callback.wit`
/// says which facts there are; `Value` is `serde_json`'s). An optional `describe_configured(&self) -> Value` names the phases
/// and metrics that the parameters have chosen (`describe-configured` there). `save_state(&self) ->
/// Result<Vec<u8>>` and `load_state(&mut self, state: &[u8]) -> Result<()>` replace the `state` argument. All other
/// methods stay private. One block in a crate carries the attribute. A method `on_every_phase` is called at every
/// phase that has no method of its own: each of these phases is exported, and each costs a call.
///
/// Arguments: `grants = ["gradients", …]` lists the grants that the recipe must give; `metrics = ["score", …]` lists
/// what it publishes at every on-validation-loader-end, so that a recipe can watch it; `state` saves the `#[state]`
/// fields in checkpoints and restores them on resume; `state_version = 2` numbers the format of `save_state`.
#[proc_macro_attribute]
pub fn callback(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as callback::Arguments);
    let block = parse_macro_input!(item as syn::ItemImpl);
    callback::expand(&arguments, &block)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Reads a struct from the recipe's `params` and describes them as a JSON Schema.
///
/// Every field is a parameter, required unless it is an `Option` or has a `#[default(value)]`. A field has any type
/// that serde deserializes; its doc comment is its description. Fields marked `#[state]` are not parameters: they
/// start as `Default` and are saved with `#[callback(state)]`. Fields marked `#[skip]` are neither. `#[minimum(0)]`,
/// `#[maximum(1)]`, `#[exclusive_minimum(0)]` and `#[exclusive_maximum(1)]` bound a number, in the schema too.
#[proc_macro_derive(
    Parameters,
    attributes(
        default,
        state,
        skip,
        minimum,
        maximum,
        exclusive_minimum,
        exclusive_maximum
    )
)]
pub fn parameters(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::DeriveInput);
    parameters::expand(&item)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// The names of all phases as `[&str; N]`, in the order of the loop, as the contract lists them.
#[doc(hidden)]
#[proc_macro]
pub fn phases(_: TokenStream) -> TokenStream {
    let names = contract::phases()
        .into_iter()
        .map(|name| name.replace('_', "-"));
    quote::quote! { [#(#names),*] }.into()
}
