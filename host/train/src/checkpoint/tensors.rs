//! Named tensors as safetensors: bytes out, tensors in. Knows nothing of checkpoints or runs.
//!
//! tch has readers and writers of its own, but they panic when a copy fails, refuse strided tensors, and give no place to
//! hash the bytes on their way. The `safetensors` crate makes and checks the header.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::json_extent::Extent;
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::regular_file;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo, TensorView};
use tch::{Device, Kind, Tensor};

use super::torch_file;

/// The most bytes of a file of weights.
pub(super) const MOST_BYTES: u64 = 16 << 30;

/// Tensors with their unique names.
pub type NamedTensors = Vec<(String, Tensor)>;

/// The element types that libtorch and safetensors have.
const KINDS: [(Kind, Dtype); 10] = [
    (Kind::Float, Dtype::F32),
    (Kind::Double, Dtype::F64),
    (Kind::Half, Dtype::F16),
    (Kind::BFloat16, Dtype::BF16),
    (Kind::Int64, Dtype::I64),
    (Kind::Int, Dtype::I32),
    (Kind::Int16, Dtype::I16),
    (Kind::Int8, Dtype::I8),
    (Kind::Uint8, Dtype::U8),
    (Kind::Bool, Dtype::BOOL),
];

/// Writes `tensors` to a plain safetensors file, atomically. Syncs.
pub(crate) fn export_weights(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let mut bytes = Vec::new();
    write(&mut bytes, tensors).with_context(|| format!("cannot save {}", path.display()))?;
    atomic_file::write_file(path, &bytes, Durability::Machine)
}

/// Weights that were read from a file.
#[derive(Debug)]
pub struct Weights {
    /// On the CPU, sorted by name.
    pub tensors: NamedTensors,
    /// A line that says which state dict was taken, if the file is a trainer's checkpoint.
    pub choice: Option<String>,
}

/// The most bytes of a file for each of the network's own, and for a network of any size. A trainer's checkpoint has averages
/// and the state of the optimizer beside the weights, and all of them may be float64.
const FILE_RATIO: u64 = 8;
const FREE_BYTES: u64 = 64 << 20;

/// Reads weights for a network of `network_bytes`: a safetensors file of any origin, or the state dict in a file of
/// `torch.save`. No code of a file is run.
///
/// # Errors
/// If the file cannot be read, is damaged, holds no state dict, has a dtype that libtorch lacks, or is much larger than the
/// network. Memory is taken only then.
pub fn load_weights(path: &Path, network_bytes: u64) -> Result<Weights> {
    let most = network_bytes
        .saturating_mul(FILE_RATIO)
        .saturating_add(FREE_BYTES);
    let whole = regular_file::read(path, most.min(MOST_BYTES));
    let bytes = whole.map_err(|error| too_large(path, error, network_bytes))?;
    let weights = if bytes.starts_with(torch_file::ZIP) {
        torch_file::read(&bytes)
    } else if bytes.starts_with(torch_file::PICKLE) {
        Err(anyhow!("it was written by PyTorch before 1.6\n{CONVERT}"))
    } else {
        let tensors = read(&bytes).map_err(|error| {
            anyhow!("it is not a readable safetensors file: {error:#}\n{CONVERT}")
        });
        tensors.map(|tensors| Weights {
            tensors,
            choice: None,
        })
    };
    weights.with_context(|| format!("no weights can be read from {}", path.display()))
}

fn too_large(path: &Path, error: io::Error, network_bytes: u64) -> anyhow::Error {
    let hint = match error.kind() {
        io::ErrorKind::FileTooLarge => format!(
            " for a network of {network_bytes} bytes\nhint: save the weights of this network alone"
        ),
        _ => String::new(),
    };
    anyhow!("cannot read {}: {error}{hint}", path.display())
}

/// The way from any file of PyTorch to one that is read here.
const CONVERT: &str = "hint: in Python, `torch.save(torch.load(FILE)[\"state_dict\"], \"weights.pth\")` or \
     `safetensors.torch.save_file(network.state_dict(), \"weights.safetensors\")` writes one that is read";

/// Streams `tensors` in the format's canonical order. Holds one tensor's bytes at a time. Syncs for tensors of another
/// device.
pub(super) fn write(out: &mut impl Write, tensors: &[(String, Tensor)]) -> Result<()> {
    let mut order = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        order.push(header_line(name, tensor)?);
    }
    // Widest elements first keeps every tensor aligned; names make equal content equal bytes.
    order.sort_by(|a, b| b.info.dtype.cmp(&a.info.dtype).then(a.name.cmp(b.name)));
    write_header(out, &mut order)?;
    let mut buffer = Vec::new();
    for line in &order {
        let (start, end) = line.info.data_offsets;
        buffer.resize(end - start, 0);
        copy_bytes(line.tensor, &mut buffer)
            .with_context(|| format!("cannot copy tensor `{}`", line.name))?;
        out.write_all(&buffer)?;
    }
    Ok(())
}

/// The tensors in `bytes`, on the CPU and sorted by name. Every size is checked before libtorch sees it.
pub(super) fn read(bytes: &[u8]) -> Result<NamedTensors> {
    check_header(bytes)?;
    let file = SafeTensors::deserialize(bytes)?;
    let mut tensors = NamedTensors::new();
    for (name, view) in file.iter() {
        let tensor = tensor(&view).with_context(|| format!("tensor `{}`", name.escape_debug()))?;
        tensors.push((name.to_owned(), tensor));
    }
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(tensors)
}

/// The most values of a header, of which a tensor takes some ten.
const MOST_VALUES: usize = 1 << 20;

/// Refuses a header that takes much more memory once it is parsed. The crate checks the rest of it.
fn check_header(bytes: &[u8]) -> Result<()> {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Ok(());
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let values = Extent::of(rest.get(..length).unwrap_or_default()).values;
    ensure!(
        values <= MOST_VALUES,
        "its header holds {values} values, and at most {MOST_VALUES} are read"
    );
    Ok(())
}

/// A tensor and its line of the header.
struct HeaderLine<'a> {
    name: &'a str,
    tensor: &'a Tensor,
    info: TensorInfo,
}

fn header_line<'a>(name: &'a str, tensor: &'a Tensor) -> Result<HeaderLine<'a>> {
    ensure!(
        tensor.defined() && !tensor.is_sparse(),
        "tensor `{name}` is undefined or sparse: save a dense copy"
    );
    let kind = tensor.f_kind()?;
    let Some((_, dtype)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        bail!(
            "tensor `{name}` has element type {kind:?}, which safetensors cannot hold: convert it first"
        );
    };
    let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
    let size_bytes = tensor.numel() * kind.elt_size_in_bytes();
    Ok(HeaderLine {
        name,
        tensor,
        info: TensorInfo {
            dtype: *dtype,
            shape,
            data_offsets: (0, size_bytes),
        },
    })
}

/// Lays the tensors out one after the other and writes the header: length, JSON, spaces up to 8 bytes.
fn write_header(out: &mut impl Write, order: &mut [HeaderLine]) -> Result<()> {
    let mut names = HashSet::new();
    let mut offset = 0;
    for line in order.iter_mut() {
        ensure!(
            names.insert(line.name),
            "two tensors are named `{}`: names must differ",
            line.name
        );
        let size_bytes = line.info.data_offsets.1;
        line.info.data_offsets = (offset, offset + size_bytes);
        offset += size_bytes;
    }
    let lines = order
        .iter()
        .map(|line| (line.name.to_owned(), line.info.clone()))
        .collect();
    let mut header = serde_json::to_vec(&Metadata::new(None, lines)?)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    Ok(out.write_all(&header)?)
}

fn copy_bytes(tensor: &Tensor, buffer: &mut [u8]) -> Result<()> {
    let host = tensor
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_contiguous()?;
    Ok(host.f_copy_data_u8(buffer, host.numel())?)
}

fn tensor(view: &TensorView) -> Result<Tensor> {
    let dtype = view.dtype();
    let Some((kind, _)) = KINDS.iter().find(|(_, known)| *known == dtype) else {
        bail!(
            "element type {dtype:?} is not one libtorch can train with: convert it in Python first"
        );
    };
    let shape = view
        .shape()
        .iter()
        .map(|&size| Ok(i64::try_from(size)?))
        .collect::<Result<Vec<_>>>()?;
    Ok(Tensor::f_from_data_size(view.data(), &shape, *kind)?)
}
