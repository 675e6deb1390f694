//! `phasebox doctor`: is everything there?

use std::sync::Arc;

use phasebox_component::Profile;
use phasebox_contract::CONTRACT;

use super::Failure;
use super::print::print;
use crate::assemble::{Policies, Search, StockCallbacks, engine};

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
    let search = Search::of_machine(None).map_err(Failure::Failed)?;
    print([
        format!("cuda        {}", cuda()),
        format!("callbacks   {}", callbacks(search.stock())),
        format!("searched    {}", searched(&search)),
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

/// The folders in which names are looked for before the stock callbacks.
fn searched(search: &Search) -> String {
    let folders = search.folders().iter().map(|folder| {
        let is_there = if folder.is_dir() { "" } else { " (not there)" };
        format!("{}{is_there}", folder.display())
    });
    let own = "the recipe's folder".to_owned();
    let all: Vec<String> = std::iter::once(own).chain(folders).collect();
    all.join(", ")
}

fn callbacks(stock: &StockCallbacks) -> String {
    match stock.names() {
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
