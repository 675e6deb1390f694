//! The uses that are made of a stranger's file: where it lies, the command that reads it, and an honest file of its size.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use phasebox_contract::digest::Digest;

use super::{FAILS, with_code};
use crate::harness::wat_components::NOTHING;
use crate::harness::{Scratch, TINY};

/// A use of a file.
pub(super) struct Act {
    pub(super) arguments: &'static [&'static str],
    /// Puts the file where the command finds it.
    pub(super) place: fn(&Scratch, &[u8]),
    /// A file of so many bytes, or a little more, that somebody might have.
    pub(super) honest: fn(usize) -> Vec<u8>,
}

/// A callback that is looked at.
pub(super) const INSPECT: Act = Act {
    arguments: &["inspect", "case.wasm"],
    place: callback,
    honest: |bytes| grown(with_code(NOTHING, ""), bytes),
};

/// A callback that traps in its first call and is disabled.
pub(super) const TRAIN: Act = Act {
    arguments: &["train", "recipe.yaml", "--threads", "1"],
    place: callback,
    honest: |bytes| grown(with_code(FAILS, ""), bytes),
};

pub(super) const RECIPE: Act = Act {
    arguments: &["check", "recipe.yaml"],
    place: |scratch, file| scratch.write("recipe.yaml", file),
    honest: |bytes| padded(&format!("{TINY}  []\n"), "# a remark\n", bytes),
};

/// The list of a sweep's runs.
pub(super) const LIST: Act = Act {
    arguments: &["sweep", "recipe.yaml", "--list", "list.yaml"],
    place: |scratch, file| {
        scratch.write("list.yaml", file);
        scratch.write("recipe.yaml", format!("{TINY}  []\n"));
    },
    honest: |bytes| {
        let one = "- {training_hyperparams.initial_lr: 0.01}\n";
        padded(one, "# a remark\n", bytes)
    },
};

pub(super) const TABLE: Act = Act {
    arguments: &["check", "recipe.yaml"],
    place: |scratch, file| table(scratch, "data.csv", file),
    honest: |bytes| padded("x,y\n1,a\n", "2,b\n3,a\n", bytes),
};

/// A table that is packed.
pub(super) const PACKED_TABLE: Act = Act {
    arguments: &["check", "recipe.yaml"],
    place: |scratch, file| table(scratch, "data.csv.gz", file),
    honest: |bytes| packed(numbers(bytes * 2).as_bytes()),
};

/// Weights that a network begins with, in any format.
pub(super) const WEIGHTS: Act = Act {
    arguments: &["check", "recipe.yaml"],
    place: |scratch, file| {
        scratch.write("weights", file);
        let named = "checkpoint_params: {checkpoint_path: weights}\n";
        scratch.write("recipe.yaml", format!("{TINY}  []\n{named}"));
    },
    honest: |bytes| {
        let numbers = bytes / 4;
        let end = numbers * 4;
        let header =
            format!(r#"{{"a":{{"dtype":"F32","shape":[{numbers}],"data_offsets":[0,{end}]}}}}"#);
        safetensors(&header, end)
    },
};

/// Weights that go on with 16 GiB that take no room on the disk.
pub(super) const SPARSE_WEIGHTS: Act = Act {
    arguments: WEIGHTS.arguments,
    place: |scratch, file| {
        (WEIGHTS.place)(scratch, file);
        grow(&scratch.path("weights"));
    },
    honest: WEIGHTS.honest,
};

/// A network in a file that goes on with 16 GiB that take no room on the disk.
pub(super) const SPARSE_SCRIPT: Act = Act {
    arguments: WEIGHTS.arguments,
    place: |scratch, file| {
        scratch.write("net.pt", file);
        grow(&scratch.path("net.pt"));
        let recipe = format!("{TINY}  []\n").replace("mlp", "torchscript");
        let named = recipe.replace("{hidden: [16]}", "{file: net.pt}");
        scratch.write("recipe.yaml", named);
    },
    honest: WEIGHTS.honest,
};

fn grow(path: &Path) {
    let file = fs::OpenOptions::new().write(true).open(path);
    let grown = file.and_then(|file| file.set_len(16 << 30));
    grown.expect("the file is ours");
}

/// A folder of images, all of which are the file.
pub(super) const IMAGE: Act = Act {
    arguments: &["check", "recipe.yaml"],
    place: images,
    honest: bitmap,
};

pub(super) const LOCK: Act = Act {
    arguments: &["check", "recipe.yaml"],
    place: |scratch, file| {
        scratch.write("recipe.plugins.lock", file);
        scratch.write("recipe.yaml", format!("{TINY}  []\n"));
    },
    honest: |bytes| padded(r#"{"schema": 2, "callbacks": []}"#, "\n", bytes),
};

/// The summary of a run.
pub(super) const SUMMARY: Act = Act {
    arguments: &["report", "run"],
    place: |scratch, file| in_run(scratch, "summary.json", file),
    honest: |bytes| padded_bytes(of_run("summary.json"), b"\n", bytes),
};

/// The manifest of a checkpoint, with its digest.
pub(super) const MANIFEST: Act = Act {
    arguments: &["eval", "run", "--checkpoint", "latest"],
    place: |scratch, file| {
        in_run(scratch, "ckpt_latest/checkpoint.json", file);
        let digest = Digest::of(file).to_string();
        scratch.write("run/ckpt_latest/checkpoint.json.sha256", digest);
    },
    honest: |bytes| padded_bytes(of_run("ckpt_latest/checkpoint.json"), b"\n", bytes),
};

/// The log of a run that goes on.
pub(super) const LOG: Act = Act {
    arguments: &[
        "train",
        "recipe.yaml",
        "--threads",
        "1",
        "--resume",
        "run",
        "training_hyperparams.max_epochs=3",
    ],
    place: |scratch, file| in_run(scratch, "metrics.jsonl", file),
    honest: |bytes| {
        let lines = of_run("metrics.jsonl");
        padded_bytes(lines.clone(), &lines, bytes)
    },
};

fn callback(scratch: &Scratch, file: &[u8]) {
    let entry = "  - {name: case, wasm: case.wasm, on_error: disable}\n";
    scratch.write("recipe.yaml", format!("{TINY}{entry}"));
    scratch.write("case.wasm", file);
}

/// A component with stock callbacks inside of it that nobody instantiates, as much code as an honest file has; beyond
/// four megabytes with a section that nobody reads.
fn grown(mut component: Vec<u8>, bytes: usize) -> Vec<u8> {
    const MOST_COPIES: usize = 30;
    let stock = fs::read(Scratch::new().stock("trace")).expect("`cargo xtask plugins`");
    for _ in 0..(bytes / stock.len()).min(MOST_COPIES) {
        component.extend(section(4, &stock));
    }
    let rest = bytes.saturating_sub(component.len());
    component.extend(section(
        0,
        &[b"\x06filler".as_slice(), &vec![0; rest]].concat(),
    ));
    component
}

/// A section of a component: its number, its length in LEB128, its bytes.
pub(super) fn section(id: u8, bytes: &[u8]) -> Vec<u8> {
    let mut all = vec![id];
    let mut left = bytes.len();
    while left > 0x7f {
        all.push(left as u8 | 0x80);
        left >>= 7;
    }
    all.push(left as u8);
    all.extend(bytes);
    all
}

fn padded(begin: &str, more: &str, bytes: usize) -> Vec<u8> {
    padded_bytes(begin.as_bytes().to_vec(), more.as_bytes(), bytes)
}

fn padded_bytes(mut begin: Vec<u8>, more: &[u8], bytes: usize) -> Vec<u8> {
    let missing = bytes.saturating_sub(begin.len()).div_ceil(more.len());
    begin.extend(more.repeat(missing));
    begin
}

/// A recipe without the parameters of its network, for a data set.
fn recipe_for(data: &str) -> String {
    let named = TINY.replace("{digits: {test_fraction: 0.1}}", data);
    named.replace("arch_params: {hidden: [16]}\n", "") + "  []\n"
}

fn table(scratch: &Scratch, name: &str, file: &[u8]) {
    scratch.write(name, file);
    let data = format!("{{csv: {{file: {name}, target: y}}}}");
    scratch.write("recipe.yaml", recipe_for(&data));
}

/// A table of numbers that a packer finds no pattern in.
fn numbers(bytes: usize) -> String {
    let mut text = "x,y\n".to_owned();
    let mut state = 1u64;
    while text.len() < bytes {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        text += &format!("{},{}\n", state >> 40, state >> 62);
    }
    text
}

pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A file of safetensors: the length of its header, the header, zeros.
pub(super) fn safetensors(header: &str, bytes: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), &vec![0; bytes]].concat()
}

fn images(scratch: &Scratch, file: &[u8]) {
    scratch.write("image", file);
    for folder in ["train/a", "train/b", "val/a", "val/b"] {
        let folder = scratch.path(folder);
        fs::create_dir_all(&folder).expect("ours");
        for name in ["1.png", "2.png"] {
            fs::hard_link(scratch.path("image"), folder.join(name)).expect("ours");
        }
    }
    let recipe = recipe_for("{image_folder: {root: .}}");
    let recipe = recipe.replace("batch_size: 16}", "batch_size: 2}");
    scratch.write(
        "recipe.yaml",
        recipe.replace("batch_size: 180}", "batch_size: 2}"),
    );
}

/// A bitmap of one color in so many bytes.
fn bitmap(bytes: usize) -> Vec<u8> {
    let side = ((bytes / 3) as f64).sqrt() as u32 / 4 * 4 + 8;
    let length = 54 + 3 * side * side;
    let mut file = b"BM".to_vec();
    for number in [length, 0, 54, 40, side, side, 1 | 24 << 16] {
        file.extend(number.to_le_bytes());
    }
    file.resize(length as usize, 0);
    file
}

/// A folder of images: the file names one a line.
pub(super) const CLASSES: Act = Act {
    arguments: &["check", "recipe.yaml"],
    place: |scratch, file| {
        let image = bitmap(192);
        for name in String::from_utf8_lossy(file).lines() {
            let path = scratch.path(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("ours");
            fs::write(path, &image).expect("ours");
        }
        let recipe = recipe_for("{image_folder: {root: .}}");
        scratch.write(
            "recipe.yaml",
            recipe.replace("batch_size: 180}", "batch_size: 2}"),
        );
    },
    honest: |bytes| {
        let names = (0..bytes / 24).map(|index| format!("train/{}/{index:010}.bmp\n", index % 2));
        let few = [
            "val/0/a.bmp\n",
            "val/1/a.bmp\n",
            "train/0/a.bmp\n",
            "train/1/a.bmp\n",
        ];
        names
            .chain(few.map(str::to_owned))
            .collect::<String>()
            .into()
    },
};

/// A folder with one finished run, which rows copy.
fn finished() -> &'static Scratch {
    static ONCE: OnceLock<Scratch> = OnceLock::new();
    ONCE.get_or_init(|| {
        let scratch = Scratch::with_callbacks("  []\n");
        let run = scratch.trained(&["--threads", "1"]);
        fs::rename(&run.0, scratch.path("run")).expect("ours");
        scratch
    })
}

fn of_run(name: &str) -> Vec<u8> {
    fs::read(finished().path("run").join(name)).expect("the run has it")
}

/// A copy of the run with another file in it.
fn in_run(scratch: &Scratch, name: &str, file: &[u8]) {
    let mut copy = Command::new("cp");
    copy.arg("-a")
        .arg(finished().path("run"))
        .arg(scratch.path("run"));
    assert!(copy.status().expect("cp is there").success());
    scratch.write("recipe.yaml", format!("{TINY}  []\n"));
    scratch.write(&format!("run/{name}"), file);
}
