//! Runs the rows of `tests/tensor_ops/rows.json` through the contract as a guest sees it, and fails with all
//! that differ. The meaning of a row is `table`'s; this crate owns the guest's side of its calls.

#[path = "../../../tensor_ops/table.rs"]
mod table;

use phasebox_sdk::prelude::*;
use serde_json::Value as Json;

use table::{Arguments, Names, Side, Value, finish, goes_on, kebab, start};

/// Runs rows in `on-training-start`; the parts called `then` in `on-epoch-start`.
#[derive(Parameters)]
struct TensorOps {
    /// The table, as JSON text: numbers then pass no YAML.
    table: String,
    #[skip]
    rows: Vec<Json>,
    /// Handles and results of rows that go on, until they have.
    #[skip]
    started: Vec<(usize, Names<Guest>)>,
    #[skip]
    differing: Vec<String>,
}

#[callback]
impl TensorOps {
    fn configure(&mut self) -> Result<()> {
        self.rows = serde_json::from_str(&self.table)?;
        Ok(())
    }

    fn on_training_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        for (index, row) in self.rows.iter().enumerate() {
            let net = ctx.net()?;
            let names = Names::from([
                ("parameters".to_owned(), Value::Group(net.parameters()?)),
                ("buffers".to_owned(), Value::Group(net.buffers()?)),
            ]);
            let outcome = match start(&mut Guest, row, names) {
                Ok(names) if goes_on(row) => {
                    self.started.push((index, names));
                    Ok(())
                }
                Ok(names) => finish(&mut Guest, row, names),
                Err(text) => Err(text),
            };
            if let Err(text) = outcome {
                self.differing.push(differs(row, &text));
            }
        }
        info!(
            "{} rows were finished at once",
            self.rows.len() - self.started.len()
        );
        Ok(())
    }

    fn on_epoch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        let count = self.started.len();
        for (index, names) in self.started.drain(..) {
            let row = &self.rows[index];
            if let Err(text) = finish(&mut Guest, row, names) {
                self.differing.push(differs(row, &text));
            }
        }
        if !self.differing.is_empty() {
            return Err(Error::other(self.differing.join("\n")));
        }
        ctx.log("rows", self.rows.len() as f64)?;
        ctx.log("rows_over_phases", count as f64)
    }
}

fn differs(row: &Json, text: &str) -> String {
    format!("row {}: {text}", row["name"])
}

/// The contract as bound in a guest.
struct Guest;

impl Side for Guest {
    type Tensor = Tensor;
    type Group = TensorGroup;
    type Deferred = Deferred;

    fn call(
        &mut self,
        function: &str,
        arguments: Arguments<'_, Self>,
    ) -> Result<Value<Self>, String> {
        call(function, arguments)
            .map_err(|error| format!("{}: {}", kebab(error.code), error.message))
    }
}

/// An argument as the bindings of a guest take it.
macro_rules! argument {
    ($arguments:ident indices) => {
        &$arguments.indices()
    };
    ($arguments:ident integers) => {
        &$arguments.integers()
    };
    ($arguments:ident floats) => {
        &$arguments.floats()
    };
    ($arguments:ident colors) => {
        &$arguments.colors()
    };
    ($arguments:ident texts) => {
        &$arguments.texts()
    };
    ($arguments:ident tensors) => {
        &$arguments.tensors()
    };
    ($arguments:ident dtype) => {
        dtype($arguments.text())
    };
    ($arguments:ident $kind:ident) => {
        $arguments.$kind()
    };
}

macro_rules! operations {
    ($($interface:ident $prefix:literal { $($function:ident($($kind:ident),*))* })*) => {
        fn call(name: &str, mut arguments: Arguments<'_, Guest>) -> Result<Value<Guest>> {
            let name = name.replace('-', "_");
            $($(
                if name == concat!($prefix, ".", stringify!($function)).replace('-', "_") {
                    return Ok($interface::$function($(argument!(arguments $kind)),*)?.into());
                }
            )*)*
            panic!("no function is named {name}");
        }
    };
}

include!("../../../tensor_ops/operations.rs");

fn dtype(name: &str) -> Dtype {
    let all = [
        Dtype::Uint8,
        Dtype::Int8,
        Dtype::Int16,
        Dtype::Int32,
        Dtype::Int64,
        Dtype::Float16,
        Dtype::Bfloat16,
        Dtype::Float32,
        Dtype::Float64,
        Dtype::Boolean,
        Dtype::Uint16,
        Dtype::Uint32,
        Dtype::Uint64,
        Dtype::Float8E4m3fn,
        Dtype::Float8E5m2,
        Dtype::Float8E4m3fnuz,
        Dtype::Float8E5m2fnuz,
        Dtype::Float8E8m0fnu,
        Dtype::Float4E2m1fnX2,
        Dtype::Complex32,
        Dtype::Complex64,
        Dtype::Complex128,
        Dtype::Other,
    ];
    all.into_iter()
        .find(|dtype| kebab(dtype) == name)
        .unwrap_or_else(|| panic!("no dtype is named {name}"))
}

impl From<Tensor> for Value<Guest> {
    fn from(tensor: Tensor) -> Self {
        Value::Tensor(tensor)
    }
}

impl From<(Tensor, Tensor)> for Value<Guest> {
    fn from((first, second): (Tensor, Tensor)) -> Self {
        Value::Pair(first, second)
    }
}

impl From<TensorGroup> for Value<Guest> {
    fn from(group: TensorGroup) -> Self {
        Value::Group(group)
    }
}

impl From<Deferred> for Value<Guest> {
    fn from(deferred: Deferred) -> Self {
        Value::Deferred(deferred)
    }
}

impl From<TensorInfo> for Value<Guest> {
    fn from(info: TensorInfo) -> Self {
        table::info(
            &info.shape,
            &kebab(info.dtype),
            &info.device,
            info.requires_grad,
        )
    }
}
