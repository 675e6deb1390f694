//! Weights from a file of `torch.save`: finds the state dict in it, on its own or within a trainer's checkpoint, and makes
//! tensors of it. No code of the file is run (`pickle`).

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use tch::{Kind, Tensor};

use super::NamedTensors;
use super::pickle::{Pickle, Value};
use super::zip::Entries;

/// The beginning of a file that PyTorch writes since 1.6.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// The beginning of a pickle.
pub(super) const PICKLE: &[u8] = b"\x80";

/// The keys under which trainers keep a state dict, the first that is there wins. SuperGradients has `net` beside
/// `ema_net` and loads the former.
const KEYS: [&str; 7] = [
    "net",
    "ema_net",
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "weights",
];

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

/// Reads the tensors of the state dict in `file`, sorted by name: on the CPU, in row-major order.
///
/// # Errors
/// A damaged file, a TorchScript module, a pickled module in the place of a state dict, a tensor of a kind that
/// checkpoints cannot hold; with the remedy.
pub(super) fn read(file: &[u8]) -> Result<NamedTensors> {
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
    let archive = Archive {
        folder,
        pickle: Pickle::read(pickle).context("its `data.pkl` cannot be read")?,
        entries: &entries,
        most_elements: file.len(),
    };
    archive.tensors()
}

struct Archive<'a> {
    folder: &'a str,
    pickle: Pickle,
    entries: &'a Entries<'a>,
    /// The most elements of a tensor: a tensor may repeat its elements, and a small file must not take much memory.
    most_elements: usize,
}

impl Archive<'_> {
    fn tensors(&self) -> Result<NamedTensors> {
        let state = self.state_dict(&self.pickle.root).context(
            "it holds no state dict\nhint: save one in Python with `torch.save(network.state_dict(), FILE)`",
        )?;
        let mut storages = HashMap::new();
        let mut tensors = NamedTensors::new();
        for (name, value) in self.pickle.entries(state) {
            if let Value::Tensor(_) = value {
                let tensor = self.tensor(value, &mut storages);
                let tensor = tensor.with_context(|| format!("tensor `{}`", name.escape_debug()))?;
                tensors.push((name.to_owned(), tensor));
            }
        }
        tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
        tensors.dedup_by(|(a, _), (b, _)| a == b);
        Ok(tensors)
    }

    /// The value if it is a dict of tensors, or else the first one that it has under a known key.
    fn state_dict<'a>(&'a self, value: &'a Value) -> Option<&'a Value> {
        let entries = self.pickle.entries(value);
        let has_tensors = |value: &Value| {
            let entries = self.pickle.entries(value);
            entries
                .iter()
                .any(|(_, value)| matches!(value, Value::Tensor(_)))
        };
        let under = KEYS.iter().find_map(|key| {
            let found = entries.iter().find(|(name, _)| name == key);
            found
                .map(|(_, value)| *value)
                .filter(|value| has_tensors(value))
        });
        under.or(has_tensors(value).then_some(value))
    }

    /// `_rebuild_tensor_v2(storage, offset, size, stride, …)`.
    fn tensor(&self, value: &Value, storages: &mut HashMap<String, Tensor>) -> Result<Tensor> {
        let items = self.pickle.items(value);
        let [storage, Value::Int(offset), size, stride, ..] = items else {
            bail!("it is rebuilt in an unknown way");
        };
        ensure!(
            items.len() <= PLAIN_ITEMS,
            "it is a view that turns its numbers around: save it with `tensor.resolve_neg().clone()`"
        );
        let (size, stride) = (self.integers(size)?, self.integers(stride)?);
        let count = size
            .iter()
            .try_fold(1_i64, |count, side| count.checked_mul(*side));
        let count = count.and_then(|count| usize::try_from(count).ok());
        ensure!(
            size.len() == stride.len()
                && size.len() <= MAX_DIMENSIONS
                && count.is_some_and(|count| count <= self.most_elements),
            "its size {size:?} is more than the file holds"
        );
        let storage = self.storage(storage, storages)?;
        let view = storage.f_as_strided(&size, &stride, *offset)?;
        Ok(torch_ext::owned_copy(&view)?)
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
    fn storage(&self, value: &Value, known: &mut HashMap<String, Tensor>) -> Result<Tensor> {
        let [_, Value::Global(class), Value::Text(key), ..] = self.pickle.items(value) else {
            bail!("its storage is described in an unknown way");
        };
        let kind = STORAGES.iter().find(|(name, _)| *name == &**class);
        let Some((_, kind)) = kind else {
            bail!(
                "its elements are of `{}`, which checkpoints cannot hold",
                class.escape_debug()
            );
        };
        if let Some(tensor) = known.get(&**key) {
            return Ok(tensor.shallow_clone());
        }
        let bytes = self.entries.get(&format!("{}/data/{key}", self.folder));
        let bytes = bytes.context("the file lacks its numbers")?;
        let elements = bytes.len() / kind.elt_size_in_bytes();
        let bytes = &bytes[..elements * kind.elt_size_in_bytes()];
        let tensor = Tensor::f_from_data_size(bytes, &[elements as i64], *kind)?;
        known.insert(key.to_string(), tensor.shallow_clone());
        Ok(tensor)
    }
}
