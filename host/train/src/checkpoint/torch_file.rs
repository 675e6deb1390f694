//! Weights from a file of `torch.save`: makes tensors of the state dict in it. No code of the file is run (`pickle`);
//! `state_dict` knows where in the file it is.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use tch::{Kind, Tensor};

use super::pickle::{Pickle, Value};
use super::state_dict::{self, StateDict};
use super::tensors::Weights;
use super::zip::Entries;

/// The beginning of a file that PyTorch writes since 1.6.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// The beginning of a pickle.
pub(super) const PICKLE: &[u8] = b"\x80";

/// The most bytes of all tensors for each of the file, and in a file of any size: a tensor may repeat its elements, and a
/// small file must not take much memory.
const REPEATS: usize = 4;
const FREE_BYTES: usize = 16 << 20;

/// Arguments of `_rebuild_tensor_v2` for a plain tensor; a seventh says that it is read as its negative.
const PLAIN_ITEMS: usize = 6;
/// Dimensions of one tensor: PyTorch's own kernels take no more.
const MAX_DIMENSIONS: usize = 64;

/// The classes of storages and the kinds of their elements.
const STORAGES: [(&str, Kind); 10] = [
    ("torch FloatStorage", Kind::Float),
    ("torch DoubleStorage", Kind::Double),
    ("torch HalfStorage", Kind::Half),
    ("torch BFloat16Storage", Kind::BFloat16),
    ("torch LongStorage", Kind::Int64),
    ("torch IntStorage", Kind::Int),
    ("torch ShortStorage", Kind::Int16),
    ("torch CharStorage", Kind::Int8),
    ("torch ByteStorage", Kind::Uint8),
    ("torch BoolStorage", Kind::Bool),
];

/// Functions that rebuild tensors of other kinds: the kind, and the remedy.
const FOREIGN: [(&str, &str, &str); 4] = [
    ("_rebuild_sparse_tensor", "is sparse", "`tensor.to_dense()`"),
    ("_rebuild_qtensor", "is quantized", "`tensor.dequantize()`"),
    (
        "_rebuild_nested_tensor",
        "is nested",
        "`tensor.to_padded_tensor(0)`",
    ),
    (
        "_rebuild_meta_tensor_no_storage",
        "has no numbers, as it is on the device `meta`",
        "a tensor with numbers",
    ),
];

/// Reads the tensors of the state dict in `file`, sorted by name: on the CPU, in row-major order.
///
/// # Errors
/// A damaged file, a TorchScript module, a pickled module in the place of a state dict, a tensor of a kind that
/// checkpoints cannot hold; with the remedy.
pub(super) fn read(file: &[u8]) -> Result<Weights> {
    let entries = Entries::read(file)?;
    if entries.folder_of("constants.pkl").is_some() {
        bail!(
            "it is a TorchScript module\nhint: train it with `architecture: torchscript`, `arch_params: {{file: …}}`"
        );
    }
    let folder = entries.folder_of("data.pkl");
    let folder = folder.context("it holds no `data.pkl`, which `torch.save` writes")?;
    let pickle = entries.get(&format!("{folder}/data.pkl"));
    let pickle =
        pickle.context("its `data.pkl` is compressed, and `torch.save` compresses nothing")?;
    let byte_order = entries.get(&format!("{folder}/byteorder"));
    ensure!(
        byte_order.is_none_or(|order| order == b"little"),
        "its numbers are big-endian\nhint: save it on another machine"
    );
    let pickle = Pickle::read(pickle).context("its `data.pkl` cannot be read")?;
    let archive = Archive {
        folder,
        pickle: &pickle,
        entries: &entries,
        bytes_left: file
            .len()
            .saturating_mul(REPEATS)
            .saturating_add(FREE_BYTES),
        storages: HashMap::new(),
    };
    archive.weights(state_dict::find(&pickle)?)
}

struct Archive<'a> {
    folder: &'a str,
    pickle: &'a Pickle,
    entries: &'a Entries<'a>,
    /// The bytes that tensors may still take.
    bytes_left: usize,
    /// The storages that were read, by their keys.
    storages: HashMap<&'a str, Tensor>,
}

impl<'a> Archive<'a> {
    fn weights(mut self, state: StateDict<'a>) -> Result<Weights> {
        let mut tensors = Vec::new();
        for (name, value) in &state.entries {
            let tensor = match value {
                Value::Tensor(_) => self.tensor(value),
                Value::Foreign(function, _) => Err(self.foreign(function, value)),
                _ => continue,
            };
            let tensor = tensor.with_context(|| format!("tensor `{}`", name.escape_debug()))?;
            tensors.push(((*name).to_owned(), tensor));
        }
        Ok(Weights {
            tensors,
            choice: state.choice(),
        })
    }

    /// The refusal of a tensor of another kind.
    fn foreign(&self, function: &str, value: &Value) -> anyhow::Error {
        let name = function.rsplit(' ').next().unwrap_or(function);
        // The seventh argument of `_rebuild_tensor_v3` is the dtype.
        if let ("_rebuild_tensor_v3", Some(Value::Global(dtype))) =
            (name, self.pickle.items(value).get(6))
        {
            return unheld(dtype);
        }
        let row = FOREIGN.iter().find(|(known, ..)| *known == name);
        match row {
            Some((_, kind, remedy)) => anyhow!("it {kind}\nhint: save {remedy}"),
            None => anyhow!(
                "it is rebuilt by `{}`, which is not known\nhint: save a plain copy of its numbers, such as `tensor.float()`",
                name.escape_debug()
            ),
        }
    }

    /// `_rebuild_tensor_v2(storage, offset, size, stride, …)`.
    fn tensor(&mut self, value: &Value) -> Result<Tensor> {
        let pickle = self.pickle;
        let items = pickle.items(value);
        let [storage, Value::Int(offset), size, stride, ..] = items else {
            bail!("it is rebuilt in an unknown way");
        };
        ensure!(
            items.len() <= PLAIN_ITEMS,
            "it is a view that turns the signs of its numbers around\n\
             hint: save `tensor.resolve_neg().resolve_conj().clone()`"
        );
        let (size, stride) = (self.integers(size)?, self.integers(stride)?);
        ensure!(
            size.len() == stride.len() && size.len() <= MAX_DIMENSIONS,
            "its size {size:?} has other dimensions than its strides {stride:?}"
        );
        let (kind, storage) = self.storage(storage)?;
        self.take_bytes(&size, kind)?;
        let view = storage.f_as_strided(&size, &stride, *offset)?;
        Ok(torch_ext::owned_copy(&view)?)
    }

    /// Counts a tensor before memory is taken for it.
    fn take_bytes(&mut self, size: &[i64], kind: Kind) -> Result<()> {
        let mut sides = size.iter();
        let bytes = sides.try_fold(kind.elt_size_in_bytes(), |bytes, side| {
            bytes.checked_mul(usize::try_from(*side).ok()?)
        });
        let left = bytes.and_then(|bytes| self.bytes_left.checked_sub(bytes));
        self.bytes_left = left.with_context(|| {
            format!(
                "its size {size:?} is more than the file holds: tensors may take {REPEATS} times the bytes of their file\n\
                 hint: save one copy of the numbers that views repeat"
            )
        })?;
        Ok(())
    }

    fn integers(&self, value: &Value) -> Result<Vec<i64>> {
        let items = self.pickle.items(value).iter();
        items
            .map(|item| match item {
                Value::Int(number) => Ok(*number),
                _ => bail!("its size is no list of numbers"),
            })
            .collect()
    }

    /// `("storage", class, key, device, elements)` as a tensor `[elements]`, made once.
    fn storage(&mut self, value: &Value) -> Result<(Kind, Tensor)> {
        let pickle = self.pickle;
        let [_, Value::Global(class), Value::Text(key), ..] = pickle.items(value) else {
            bail!("its storage is described in an unknown way");
        };
        let kind = STORAGES.iter().find(|(name, _)| *name == &**class);
        let (_, kind) = kind.ok_or_else(|| unheld(class))?;
        if let Some(tensor) = self.storages.get(&**key) {
            ensure!(
                tensor.f_kind()? == *kind,
                "its numbers are of two kinds in the file\nhint: save a copy, `tensor.clone()`"
            );
            return Ok((*kind, tensor.shallow_clone()));
        }
        let bytes = self.entries.get(&format!("{}/data/{key}", self.folder));
        let bytes = bytes.context("the file lacks its numbers")?;
        let elements = bytes.len() / kind.elt_size_in_bytes();
        let bytes = &bytes[..elements * kind.elt_size_in_bytes()];
        let tensor = Tensor::f_from_data_size(bytes, &[elements as i64], *kind)?;
        self.storages.insert(key, tensor.shallow_clone());
        Ok((*kind, tensor))
    }
}

/// The refusal of elements that checkpoints cannot hold, by a class or dtype of Python.
fn unheld(name: &str) -> anyhow::Error {
    anyhow!(
        "its elements are of `{}`, which checkpoints cannot hold\nhint: save `tensor.float()`",
        name.replacen(' ', ".", 1).escape_debug()
    )
}
