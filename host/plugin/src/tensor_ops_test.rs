//! The table of operations (`tests/tensor_ops/`) through the host functions themselves: no guest, no trainer.
//! Also that the table is complete, and what in-place operations answer while gradients are recorded.

#[path = "../../../tests/tensor_ops/table.rs"]
mod table;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use phasebox_component::Profile;
use phasebox_contract::grants::{Grant, Grants};
use phasebox_contract::limits::{Limit, Limits};
use serde_json::Value as Json;
use tch::{Device, Kind, Tensor as Torch};
use wasmtime::component::Resource;

use self::table::{Arguments, Names, Side, Value, finish, goes_on, info, kebab, start};
use crate::bindings::storage::Host as storage;
use crate::bindings::tensor::{
    Host as tensor, HostDeferred as Deferred, HostTensor as Tensor, HostTensorGroup as TensorGroup,
};
use crate::bindings::types::{Dtype, ErrorCode, Host as _, TensorInfo};
use crate::bindings::vision::Host as vision;
use crate::error::HostResult;
use crate::markers::{DeferredHandle, GroupHandle, TensorHandle};
use crate::owner::Owner;
use crate::settings::PluginSettings;
use crate::state::PluginState;

const ROWS: &str = include_str!("../../../tests/tensor_ops/rows.json");
const TENSOR_WIT: &str = include_str!("../../../wit/tensor.wit");
const VISION_WIT: &str = include_str!("../../../wit/vision.wit");
const STORAGE_WIT: &str = include_str!("../../../wit/storage.wit");

/// The seed, the callback's name and its limits are those of `tests/it/tensor_ops.rs`.
fn plugin(grants: Grants) -> PluginState {
    let limits = Limits::default()
        .with(Limit::Handles, 2048)
        .with(Limit::Tensors, 64 << 20);
    let limits = limits.with(Limit::CallTensors, 64 << 20);
    let settings = PluginSettings {
        name: "tensor-ops".to_owned(),
        params: Json::Null,
        grants,
        limits,
        seed: 42,
    };
    let clock = Arc::new(AtomicU64::new(0));
    PluginState::new(&settings, clock, Profile::Fast)
}

/// The shapes that the network of `tests/it/tensor_ops.rs` has.
fn network(state: &mut PluginState) -> Names<PluginState> {
    let of = |shape: &[i64]| Torch::ones(shape, (Kind::Float, Device::Cpu));
    let parameters = [
        ("bn1.bias", of(&[2])),
        ("bn1.weight", of(&[2])),
        ("fc.bias", of(&[10])),
    ];
    let parameters = parameters.map(|(name, tensor)| (name, tensor.set_requires_grad(true)));
    let count = Torch::zeros([], (Kind::Int64, Device::Cpu));
    let buffers = [
        ("bn1.num_batches_tracked", count),
        ("bn1.running_mean", of(&[2])),
        ("bn1.running_var", of(&[2])),
    ];
    let mut group = |named: [(&str, Torch); 3]| {
        let named = named.map(|(name, tensor)| (name.to_owned(), tensor)).into();
        let members =
            phasebox_nn::tensor_group::TensorGroup::new(named).expect("tensors of one device");
        Value::Group(
            state
                .lend_group(members, Owner::Parameters)
                .expect("room for handles")
                .rep(),
        )
    };
    Names::from([
        ("parameters".into(), group(parameters)),
        ("buffers".into(), group(buffers)),
    ])
}

fn check(row: &Json) -> Result<(), String> {
    let _unrecorded = tch::no_grad_guard();
    let state = &mut plugin(Grants::from_iter([Grant::Sync, Grant::Random]));
    let names = network(state);
    let names = start(state, row, names)?;
    if goes_on(row) {
        state.end_call();
    }
    finish(state, row, names)
}

fn rows() -> Vec<Json> {
    serde_json::from_str(ROWS).expect("tests/reference/tensor_ops.py writes JSON")
}

#[test]
fn every_row_agrees() {
    let wrong = |row: &Json| {
        check(row)
            .err()
            .map(|text| format!("row {}: {text}", row["name"]))
    };
    let wrong: Vec<String> = rows().iter().filter_map(wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} rows differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The functions of an interface, as rows name them.
fn functions(wit: &str, outside_resources: &str) -> Vec<String> {
    let mut resource = outside_resources;
    let mut found = Vec::new();
    for line in wit.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("resource ") {
            resource = name.trim_end_matches(" {");
        } else if line == "}" {
            resource = outside_resources;
        } else if let Some((name, _)) = line.split_once(": func(") {
            found.push(format!("{resource}.{name}"));
        }
    }
    found
}

#[test]
fn every_function_of_the_contract_has_a_row_with_a_result() {
    let rows = rows();
    let calls = |part: &'static str| {
        rows.iter()
            .flat_map(move |row| row[part].as_array().into_iter().flatten())
    };
    let called: Vec<&Json> = calls("calls")
        .chain(calls("then"))
        .map(|call| &call[1])
        .collect();
    let functions = [
        functions(TENSOR_WIT, "create"),
        functions(VISION_WIT, "vision"),
        functions(STORAGE_WIT, "storage"),
    ]
    .concat();
    assert!(functions.len() > 100, "{functions:?}");
    let without: Vec<&String> = functions
        .iter()
        .filter(|name| !called.contains(&&Json::from(name.as_str())))
        .collect();
    assert!(without.is_empty(), "no row calls {without:?}");
}

/// A parameter is a leaf for autograd: while gradients are recorded libtorch refuses to change it in place.
#[test]
fn changing_a_leaf_while_gradients_are_recorded_is_refused() {
    let state = &mut plugin(Grants::from_iter([Grant::Parameters, Grant::Random]));
    let leaf = Torch::ones([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let mask = Torch::ones([2], (Kind::Bool, Device::Cpu));
    let mut names = Names::new();
    for (name, tensor, owner) in [
        ("x", leaf.shallow_clone(), Owner::Parameters),
        ("m", mask, Owner::Callback),
        ("y", leaf.detach(), Owner::Callback),
    ] {
        names.insert(
            name.into(),
            Value::Tensor(state.lend(tensor, owner).expect("room for handles").rep()),
        );
    }
    for call in [
        r#"["_", "tensor.copy-in-place", "x", "y"]"#,
        r#"["_", "tensor.add-in-place", "x", "y", 1.0]"#,
        r#"["_", "tensor.mul-in-place", "x", "y"]"#,
        r#"["_", "tensor.affine-in-place", "x", 2.0, 1.0]"#,
        r#"["_", "tensor.lerp-in-place", "x", "y", 0.5]"#,
        r#"["_", "tensor.clamp-in-place", "x", 0.0, 0.5]"#,
        r#"["_", "tensor.fill-in-place", "x", 0.0]"#,
        r#"["_", "tensor.normal-in-place", "x", 0.0, 1.0]"#,
        r#"["_", "tensor.masked-fill-in-place", "x", "m", 0.0]"#,
    ] {
        let call: Json = serde_json::from_str(call).expect("a call");
        let answer = table::call(state, &mut names, &call);
        assert!(
            answer
                .as_ref()
                .is_err_and(|text| text.starts_with("invalid-argument")),
            "{call}: {answer:?}"
        );
    }
    assert_eq!(
        leaf.sum(Kind::Float).double_value(&[]),
        2.0,
        "a refusal changes nothing"
    );
}

impl Side for PluginState {
    type Tensor = u32;
    type Group = u32;
    type Deferred = u32;

    fn call(
        &mut self,
        function: &str,
        arguments: Arguments<'_, Self>,
    ) -> Result<Value<Self>, String> {
        call(self, function, arguments).map_err(|error| {
            let error = self.convert_error(error).expect("errors convert");
            format!("{}: {}", kebab(error.code), error.message)
        })
    }
}

/// An argument as a host function takes it.
macro_rules! argument {
    ($arguments:ident tensor) => {
        Resource::new_borrow(*$arguments.tensor())
    };
    ($arguments:ident group) => {
        Resource::new_borrow(*$arguments.group())
    };
    ($arguments:ident deferred) => {
        Resource::new_borrow(*$arguments.deferred())
    };
    ($arguments:ident tensors) => {
        $arguments
            .tensors()
            .into_iter()
            .map(|rep| Resource::new_borrow(*rep))
            .collect()
    };
    ($arguments:ident classes) => {
        $arguments.classes().map(|rep| Resource::new_borrow(*rep))
    };
    ($arguments:ident image) => {
        Resource::new_borrow(*$arguments.image())
    };
    ($arguments:ident images) => {
        Resource::new_borrow(*$arguments.images())
    };
    ($arguments:ident boxes) => {
        Resource::new_borrow(*$arguments.boxes())
    };
    ($arguments:ident scores) => {
        Resource::new_borrow(*$arguments.scores())
    };
    ($arguments:ident masks) => {
        Resource::new_borrow(*$arguments.masks())
    };
    ($arguments:ident mode) => {
        $arguments.mode().to_owned()
    };
    ($arguments:ident way) => {
        $arguments.way().to_owned()
    };
    ($arguments:ident format) => {
        $arguments.format().to_owned()
    };
    ($arguments:ident text) => {
        $arguments.text().to_owned()
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
        fn call(
            state: &mut PluginState,
            name: &str,
            mut arguments: Arguments<'_, PluginState>,
        ) -> HostResult<Value<PluginState>> {
            let name = name.replace('-', "_");
            $($(
                if name == concat!($prefix, ".", stringify!($function)).replace('-', "_") {
                    return Ok($interface::$function(state, $(argument!(arguments $kind)),*)?.into());
                }
            )*)*
            panic!("no function is named {name}");
        }
    };
}

include!("../../../tests/tensor_ops/operations.rs");

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

impl From<Resource<TensorHandle>> for Value<PluginState> {
    fn from(handle: Resource<TensorHandle>) -> Self {
        Value::Tensor(handle.rep())
    }
}

impl From<(Resource<TensorHandle>, Resource<TensorHandle>)> for Value<PluginState> {
    fn from((first, second): (Resource<TensorHandle>, Resource<TensorHandle>)) -> Self {
        Value::Pair(first.rep(), second.rep())
    }
}

impl From<Resource<GroupHandle>> for Value<PluginState> {
    fn from(handle: Resource<GroupHandle>) -> Self {
        Value::Group(handle.rep())
    }
}

impl From<Resource<DeferredHandle>> for Value<PluginState> {
    fn from(handle: Resource<DeferredHandle>) -> Self {
        Value::Deferred(handle.rep())
    }
}

impl From<TensorInfo> for Value<PluginState> {
    fn from(known: TensorInfo) -> Self {
        info(
            &known.shape,
            &kebab(known.dtype),
            &known.device,
            known.requires_grad,
        )
    }
}

/// A handle to a view of this shape that takes the memory of one element.
fn wide(state: &mut PluginState, shape: &[i64], kind: Kind) -> u32 {
    let one = Torch::zeros([1], (kind, Device::Cpu));
    let view = one.expand(shape, false);
    let handle = state.lend(view, Owner::Callback);
    handle.expect("room for handles").rep()
}

/// Operations that would take gigabytes or minutes on their way to a result, of operands that take nothing.
#[test]
fn what_takes_too_much_on_its_way_is_refused() {
    let state = &mut plugin(Grants::from_iter([Grant::Sync]));
    let at = Resource::<TensorHandle>::new_borrow;
    let big = wide(state, &[1 << 28], Kind::Float);
    let mask = wide(state, &[1 << 28], Kind::Bool);
    let boxes = wide(state, &[1 << 13, 4], Kind::Float);
    let left = wide(state, &[1 << 14, 1, 1, 8], Kind::Float);
    let right = wide(state, &[1, 1 << 14, 8, 1], Kind::Float);
    let image = wide(state, &[3, 8192, 2048], Kind::Uint8);
    let masks = wide(state, &[65, 8192, 2048], Kind::Bool);
    let answers = [
        ("sort", state.sort(at(big), 0, false).map(drop)),
        ("topk", state.topk(at(big), 1, 0).map(drop)),
        (
            "histogram",
            Tensor::histogram(state, at(big), 10, 0.0, 1.0).map(drop),
        ),
        (
            "masked-select",
            state.masked_select(at(big), at(mask)).map(drop),
        ),
        ("box-iou", state.box_iou(at(boxes), at(boxes)).map(drop)),
        ("matmul", state.matmul(at(left), at(right)).map(drop)),
        (
            "draw-masks",
            state
                .draw_masks(at(image), at(masks), vec![0], 0.5)
                .map(drop),
        ),
    ];
    for (name, answer) in answers {
        let error = answer.expect_err(name).into_record();
        assert_eq!(error.code, ErrorCode::TooLarge, "{name}: {}", error.message);
    }
}
