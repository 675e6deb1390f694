//! `phasebox doctor`: is everything there?

use std::sync::Arc;

use phasebox_component::Profile;
use phasebox_contract::CONTRACT;

use super::Failure;
use super::print::print;
use crate::assemble::{Policies, StockCallbacks, engine};

pub(super) fn run() -> Result<(), Failure> {
    print([
        format!("phasebox    {} ({CONTRACT})", env!("CARGO_PKG_VERSION")),
        format!(
            "libtorch    {}, {} threads",
            torch_ext::libtorch_version(),
            tch::get_num_threads()
        ),
        format!("wasmtime    {}", phasebox_component::WASMTIME_VERSION),
    ])?;
    print([
        format!("cuda        {}", cuda()),
        format!("callbacks   {}", callbacks()),
    ])?;
    let policies = Policies::read(None).map_err(Failure::Failed)?;
    let policies = policies.describe().into_iter();
    print(policies.map(|policy| format!("policy      {policy}")))?;
    let compiled = engine(None, Profile::Fast, Arc::default())
        .and_then(|engine| engine.describe_compiled_code());
    let line = compiled
        .as_ref()
        .map_or_else(|error| format!("{error:#}"), String::clone);
    print([format!("cache       {line}")])?;
    compiled.map(drop).map_err(Failure::Failed)
}

fn callbacks() -> String {
    match StockCallbacks::find(None).names() {
        [] => "none found: run `cargo xtask plugins`".to_owned(),
        names => names.join(", "),
    }
}

fn cuda() -> String {
    match torch_ext::load_cuda().and_then(|()| torch_ext::cuda_device_count()) {
        Ok(0) => "libtorch's CUDA half is there, but no device".to_owned(),
        Ok(count) => format!("{count} device(s)"),
        Err(error) => format!(
            "not usable: {}",
            error.to_string().lines().next().unwrap_or_default()
        ),
    }
}
