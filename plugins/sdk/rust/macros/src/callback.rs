//! `#[callback]`: from the methods of one `impl` block to a WIT world, its bindings and their implementation.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, ImplItem, ItemImpl, LitInt, LitStr, Result, Token};

use crate::{contract, doc};

/// The arguments in `#[callback(…)]`.
#[derive(Default)]
pub(crate) struct Arguments {
    grants: Vec<LitStr>,
    metrics: Vec<LitStr>,
    state: bool,
    state_version: Option<LitInt>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            match key.to_string().as_str() {
                "grants" => arguments.grants = list(input)?,
                "metrics" => arguments.metrics = list(input)?,
                "state" => arguments.state = true,
                "state_version" => {
                    input.parse::<Token![=]>()?;
                    arguments.state_version = Some(input.parse()?);
                }
                _ => {
                    return Err(Error::new(
                        key.span(),
                        "unknown argument; `grants = [\"…\"]`, `metrics = [\"…\"]`, `state` and `state_version = …` are known",
                    ));
                }
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(arguments)
    }
}

fn list(input: ParseStream) -> Result<Vec<LitStr>> {
    input.parse::<Token![=]>()?;
    let content;
    syn::bracketed!(content in input);
    Ok(Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?
        .into_iter()
        .collect())
}

/// The methods that have a meaning in the contract.
#[derive(Default)]
struct Methods<'a> {
    phases: Vec<&'a Ident>,
    every_phase: Option<&'a Ident>,
    configure: Option<&'a Ident>,
    describe_configured: Option<&'a Ident>,
    check_run: Option<&'a Ident>,
    save_state: Option<&'a Ident>,
    load_state: Option<&'a Ident>,
}

impl<'a> Methods<'a> {
    fn of(block: &'a ItemImpl) -> Result<Self> {
        let known = contract::phases();
        let mut methods = Self::default();
        for item in &block.items {
            let ImplItem::Fn(method) = item else { continue };
            let ident = &method.sig.ident;
            match ident.to_string().as_str() {
                "on_every_phase" => methods.every_phase = Some(ident),
                "configure" => methods.configure = Some(ident),
                "describe_configured" => methods.describe_configured = Some(ident),
                "check_run" => methods.check_run = Some(ident),
                "save_state" => methods.save_state = Some(ident),
                "load_state" => methods.load_state = Some(ident),
                name if known.iter().any(|phase| phase == name) => methods.phases.push(ident),
                name if name.starts_with("on_") => return Err(unknown_phase(ident)),
                _ => {}
            }
        }
        Ok(methods)
    }

    /// Each phase to export and the method that is called for it, in the order of the loop.
    fn subscriptions(&self) -> Vec<(Ident, &'a Ident)> {
        let answer = |phase: &String| {
            self.phases
                .iter()
                .copied()
                .find(|ident| *ident == phase)
                .or(self.every_phase)
        };
        contract::phases()
            .iter()
            .filter_map(|phase| {
                answer(phase).map(|method| (Ident::new(phase, method.span()), method))
            })
            .collect()
    }
}

/// The interface that the component exports: exactly the implemented functions, since exporting is
/// subscribing.
fn wit(methods: &Methods<'_>, saves_state: bool) -> String {
    let mut functions = vec![
        "describe: func() -> string".to_string(),
        "configure: func(params: string) -> result<_, error>".to_string(),
    ];
    if methods.describe_configured.is_some() {
        functions.push("describe-configured: func() -> string".to_string());
    }
    if methods.check_run.is_some() {
        functions.push("check-run: func(facts: string) -> result<_, error>".to_string());
    }
    if saves_state {
        functions.push("save-state: func() -> result<list<u8>, error>".to_string());
        functions.push("load-state: func(state: list<u8>) -> result<_, error>".to_string());
    }
    functions.extend(methods.subscriptions().iter().map(|(phase, _)| {
        format!(
            "{}: func(ctx: borrow<phase-context>) -> result<_, error>",
            phase.to_string().replace('_', "-")
        )
    }));
    format!(
        "package local:plugin;\n\
         interface callback {{\n\
         use phasebox:train/types@0.1.0.{{error}};\n\
         use phasebox:train/context@0.1.0.{{phase-context}};\n{};\n}}\n\
         world plugin {{ include phasebox:train/imports@0.1.0; export callback; }}",
        functions.join(";\n")
    )
}

fn unknown_phase(ident: &Ident) -> Error {
    let nearest = contract::nearest_phase(&ident.to_string()).unwrap_or_default();
    Error::new(
        ident.span(),
        format!("no phase is called `{ident}`; did you mean `{nearest}`?"),
    )
}

/// The block as the author wrote it, with a module that exports it.
pub(crate) fn expand(arguments: &Arguments, block: &ItemImpl) -> Result<TokenStream> {
    let methods = Methods::of(block)?;
    let state = state_functions(arguments, &methods)?;
    let subscriptions = methods.subscriptions();
    let bindings = bindings(&wit(&methods, state.is_some()));
    let describe = describe(arguments, block);
    let configure = configure(&methods);
    let describe_configured = methods.describe_configured.map(describe_configured);
    let check_run = methods.check_run.map(check_run);
    let phases = subscriptions
        .iter()
        .map(|(phase, method)| phase_function(phase, method));
    let saves_state = state.is_some();
    let target = &block.self_ty;
    Ok(quote! {
        #block

        #[doc(hidden)]
        #[allow(unsafe_code, missing_docs, unreachable_pub, dead_code, clippy::all, reason = "generated bindings")]
        mod phasebox_callback {
            #[allow(unused_imports, reason = "the callback's type may need them")]
            use super::*;
            use ::phasebox_sdk::macros::{Error, Instance, Parameters, PhaseContext};

            #bindings

            type Callback = #target;
            const _: () = assert!(
                #saves_state || !<Callback as Parameters>::HAS_STATE,
                "there are #[state] fields: write #[callback(state)] so that they are saved and restored"
            );
            ::std::thread_local! {
                static INSTANCE: Instance<Callback> = const { Instance::empty() };
            }

            struct Exports;
            impl exports::local::plugin::callback::Guest for Exports {
                #describe
                #configure
                #describe_configured
                #check_run
                #state
                #(#phases)*
            }
            export!(Exports);
        }
    })
}

/// The bindings of the world; the imports are those of `phasebox_sdk`, so that types are shared.
fn bindings(wit: &str) -> TokenStream {
    let folder = contract::WIT_FOLDER;
    let shared = contract::INTERFACES.map(|name| {
        let interface = format!("phasebox:train/{name}@0.1.0");
        let module = Ident::new(name, proc_macro2::Span::call_site());
        quote! { #interface: ::phasebox_sdk::bindings::phasebox::train::#module }
    });
    quote! {
        ::phasebox_sdk::wit_bindgen::generate!({
            path: #folder,
            inline: #wit,
            world: "local:plugin/plugin",
            runtime_path: "::phasebox_sdk::wit_bindgen::rt",
            with: { #(#shared),* }
        });
    }
}

fn describe(arguments: &Arguments, block: &ItemImpl) -> TokenStream {
    let summary = doc::summary(&block.attrs);
    let (grants, metrics) = (&arguments.grants, &arguments.metrics);
    let state_version = arguments
        .state_version
        .as_ref()
        .map_or_else(|| quote!(0), |version| quote!(#version));
    quote! {
        fn describe() -> String {
            ::phasebox_sdk::macros::describe::<Callback>(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
                #summary,
                &[#(#grants),*],
                &[#(#metrics),*],
                #state_version,
            )
        }
    }
}

fn configure(methods: &Methods) -> TokenStream {
    let check = match methods.configure {
        Some(ident) => quote_spanned! { ident.span() => |callback| callback.configure() },
        None => quote! { |_| Ok(()) },
    };
    quote! {
        fn configure(params: String) -> Result<(), Error> {
            INSTANCE.with(|instance| instance.configure(&params, #check))
        }
    }
}

fn describe_configured(method: &Ident) -> TokenStream {
    quote_spanned! { method.span() =>
        fn describe_configured() -> String {
            let described = INSTANCE.with(|instance| instance.call(|callback| Ok(callback.describe_configured())));
            described.map_or_else(|error| error.message, |described| described.to_string())
        }
    }
}

fn check_run(method: &Ident) -> TokenStream {
    quote_spanned! { method.span() =>
        fn check_run(facts: String) -> Result<(), Error> {
            let facts = ::phasebox_sdk::macros::facts(&facts)?;
            INSTANCE.with(|instance| instance.call(|callback| callback.check_run(&facts)))
        }
    }
}

fn phase_function(phase: &Ident, method: &Ident) -> TokenStream {
    quote_spanned! { method.span() =>
        fn #phase(ctx: &PhaseContext) -> Result<(), Error> {
            INSTANCE.with(|instance| instance.call(|callback| callback.#method(ctx)))
        }
    }
}

/// `save-state` and `load-state`: the author's own pair, the `#[state]` fields, or none.
fn state_functions(arguments: &Arguments, methods: &Methods) -> Result<Option<TokenStream>> {
    let (save, load) = match (methods.save_state, methods.load_state, arguments.state) {
        (None, None, false) => return Ok(None),
        (None, None, true) => (
            quote! { |callback| ::phasebox_sdk::macros::save(callback) },
            quote! { |callback| ::phasebox_sdk::macros::load(callback, &state) },
        ),
        (Some(_), Some(_), false) => (
            quote! { |callback| callback.save_state() },
            quote! { |callback| callback.load_state(&state) },
        ),
        (Some(ident), Some(_), true) => {
            return Err(Error::new(
                ident.span(),
                "drop `state` from #[callback(…)], or this function and its pair",
            ));
        }
        (Some(ident), None, _) => {
            return Err(Error::new(
                ident.span(),
                "`save_state` needs its pair `load_state`",
            ));
        }
        (None, Some(ident), _) => {
            return Err(Error::new(
                ident.span(),
                "`load_state` needs its pair `save_state`",
            ));
        }
    };
    Ok(Some(quote! {
        fn save_state() -> Result<Vec<u8>, Error> {
            INSTANCE.with(|instance| instance.call(#save))
        }
        fn load_state(state: Vec<u8>) -> Result<(), Error> {
            INSTANCE.with(|instance| instance.call(#load))
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &str, methods: &str, expected: &str) {
        let expanded = syn::parse_str(arguments).and_then(|arguments: Arguments| {
            expand(
                &arguments,
                &syn::parse_str(&format!("impl Clip {{ {methods} }}"))?,
            )
            .map(|code| code.to_string())
        });
        let text = expanded.unwrap_or_else(|error| error.to_string());
        assert!(
            text.contains(expected),
            "#[callback({arguments})] {methods}: {text}"
        );
    }

    #[test]
    fn exports_what_is_there_and_refuses_the_rest_by_name() {
        check(
            "",
            "fn on_epoch_end(&mut self) {}",
            "configure: func(params: string) -> result<_, error>;\\non-epoch-end:",
        );
        check(
            "",
            "fn on_every_phase(&mut self) {}",
            "on-training-end: func(",
        );
        check("state", "", "load-state: func(state: list<u8>)");
        check(
            "",
            "fn check_run(&mut self) {}",
            "check-run: func(facts: string)",
        );
        check(
            "",
            "fn describe_configured(&self) -> Value {}",
            "describe-configured: func() -> string",
        );
        check("metrics = [\"score\"]", "", "& [\"score\"] ,");
        check(
            "",
            "fn on_train_batch_ended(&mut self) {}",
            "did you mean `on_train_batch_end`?",
        );
        check("", "fn save_state(&self) {}", "`save_state` needs its pair");
        check(
            "state",
            "fn save_state(&self) {} fn load_state(&mut self) {}",
            "drop `state`",
        );
        check("state, state_version = 2", "", "& [] , & [] , 2 ,");
        check("grant = [\"skip\"]", "", "unknown argument");
    }
}
