//! `phasebox doctor`: is everything there?

use super::Failure;
use crate::assemble::{StockPlugins, engine};
use crate::plugin::{CONTRACT, Profile};

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run() -> Result<(), Failure> {
    println!("phasebox    {} ({CONTRACT})", env!("CARGO_PKG_VERSION"));
    println!("libtorch    {}, {} threads", torch_ext::libtorch_version(), tch::get_num_threads());
    println!("wasmtime    {}", crate::plugin::WASMTIME_VERSION);
    println!("cuda        {}", cuda());
    let stock = StockPlugins::find(None);
    match stock.names() {
        [] => println!("callbacks   none found: run `cargo xtask plugins`"),
        names => println!("callbacks   {}", names.join(", ")),
    }
    let compiled = engine(None, Profile::Fast).and_then(|engine| engine.describe_compiled_code());
    match &compiled {
        Ok(line) => println!("cache       {line}"),
        Err(error) => println!("cache       {error:#}"),
    }
    compiled.map(drop).map_err(Failure::Failed)
}

fn cuda() -> String {
    match torch_ext::load_cuda().and_then(|()| torch_ext::cuda_device_count()) {
        Ok(0) => "libtorch's CUDA half is there, but no device".to_owned(),
        Ok(count) => format!("{count} device(s)"),
        Err(error) => format!("not usable: {}", error.to_string().lines().next().unwrap_or_default()),
    }
}
