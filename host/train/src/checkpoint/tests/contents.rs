//! Checkpoints that are saved, damaged, tagged and read back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use phasebox_contract::digest::Digest;
use phasebox_files::atomic_file::{self, Durability};
use tch::{Device, Kind, Tensor};

use super::super::*;
use super::{BEST, loaded_step, same, snapshot};

#[test]
fn a_snapshot_comes_back_whole() -> Result<()> {
    let run = tempfile::tempdir()?;
    let mut saved = snapshot(123)?;
    let strided = Tensor::f_arange(12, (Kind::Float, Device::Cpu))?
        .f_view([3, 4])?
        .f_t_()?;
    let not_finite = Tensor::f_from_slice(&[f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE])?;
    saved.ema = vec![
        ("strided".into(), strided),
        (
            "no elements".into(),
            Tensor::f_zeros([0, 7], (Kind::Int64, Device::Cpu))?,
        ),
        ("ünïcode/名前".into(), not_finite.f_set_requires_grad(true)?),
    ];
    for kind in [
        Kind::Half,
        Kind::BFloat16,
        Kind::Int,
        Kind::Int16,
        Kind::Int8,
        Kind::Uint8,
        Kind::Bool,
    ] {
        let values = Tensor::f_from_slice(&[0i64, 1, 1])?.f_to_kind(kind)?;
        saved.ema.push((format!("{kind:?}"), values));
    }
    save(run.path(), &[LATEST, BEST], &saved, Durability::Machine)?;
    same(&load(&run.path().join("ckpt_latest"))?, &saved)?;
    same(&load(&run.path().join("ckpt_best"))?, &saved)
}

#[test]
fn what_cannot_be_saved_is_refused_and_leaves_the_tags_alone() -> Result<()> {
    let run = tempfile::tempdir()?;
    save(run.path(), &[LATEST], &snapshot(1)?, Durability::Process)?;
    let check =
        |what: &str, change: &dyn Fn(&mut Snapshot), tag: &str, words: &str| -> Result<()> {
            let mut bad = snapshot(2)?;
            change(&mut bad);
            let error = save(run.path(), &[tag], &bad, Durability::Process).expect_err(what);
            assert!(format!("{error:#}").contains(words), "{what}: {error:#}");
            assert_eq!(loaded_step(&run.path().join("ckpt_latest"))?, 1, "{what}");
            Ok(())
        };
    let unchanged = |_: &mut Snapshot| {};
    check(
        "tag leaves the run",
        &unchanged,
        "../../latest",
        "no separators",
    )?;
    check(
        "undefined",
        &|s| s.model.push(("bias".into(), Tensor::new())),
        LATEST,
        "undefined",
    )?;
    let twice = |s: &mut Snapshot| {
        s.model
            .push((s.model[0].0.clone(), s.model[0].1.shallow_clone()))
    };
    check(
        "same names",
        &twice,
        LATEST,
        "two tensors are named `layer.weight`",
    )?;
    let complex = |s: &mut Snapshot| s.model[0].1 = s.model[0].1.to_kind(Kind::ComplexFloat);
    check("complex", &complex, LATEST, "element type ComplexFloat")?;
    check(
        "sparse",
        &|s| s.model[0].1 = s.model[0].1.to_sparse_sparse_dim(2),
        LATEST,
        "sparse",
    )?;
    check(
        "callback path",
        &|s| s.callbacks[0].name = "../swa".into(),
        LATEST,
        "no separators",
    )?;
    let twins = |s: &mut Snapshot| {
        s.callbacks.push(SavedCallback {
            name: "swa".to_owned(),
            ..SavedCallback::default()
        })
    };
    check(
        "two callbacks",
        &twins,
        LATEST,
        "two callbacks are named `swa`",
    )?;
    fs::create_dir(run.path().join("ckpt_best"))?;
    check("tag is a folder", &unchanged, BEST, "is not a link")
}

/// Changes a manifest, and its digest with it.
fn forge(folder: &Path, from: &str, to: &str) -> Result<()> {
    let path = folder.join("checkpoint.json");
    let text = fs::read_to_string(&path)?;
    ensure!(text.contains(from), "{text}");
    let text = text.replace(from, to);
    fs::write(
        folder.join("checkpoint.json.sha256"),
        Digest::of(text.as_bytes()).to_string(),
    )?;
    Ok(fs::write(path, text)?)
}

#[test]
fn damage_is_refused_with_the_file_the_reason_and_the_remedy() -> Result<()> {
    type Damage = fn(&Path) -> Result<()>;
    fn edit(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let mut bytes = fs::read(&path)?;
        change(&mut bytes);
        Ok(fs::write(path, bytes)?)
    }
    let rows: [(&str, Damage, &str); 19] = [
        (
            "a bit",
            |f| edit(f.join("model.safetensors"), |b| b[700] ^= 1),
            "model.safetensors is damaged: its sha256 is ",
        ),
        (
            "short",
            |f| edit(f.join("optimizer.safetensors"), |b| b.truncate(99)),
            "damaged (99 bytes, 2",
        ),
        (
            "torn",
            |f| edit(f.join("callbacks/swa.bin"), |b| b.clear()),
            "callbacks/swa.bin is damaged (0 bytes, 8",
        ),
        (
            "gone",
            |f| Ok(fs::remove_file(f.join("rng.safetensors"))?),
            "rng.safetensors is missing",
        ),
        (
            "no manifest",
            |f| Ok(fs::remove_file(f.join("checkpoint.json"))?),
            "cannot read",
        ),
        (
            "half a manifest",
            |f| edit(f.join("checkpoint.json"), |b| b.truncate(200)),
            "checkpoint.json is damaged",
        ),
        (
            "newer",
            |f| forge(f, "\"schema\": 3,\n  \"w", "\"schema\": 4,\n  \"w"),
            "has schema 4, this phasebox reads up to 3",
        ),
        (
            "no model",
            |f| forge(f, "model.safetensors", "ema.safetensors"),
            "lists no model.safetensors",
        ),
        (
            "path",
            |f| forge(f, "\"swa\"", "\"../../swa\""),
            "no separators",
        ),
        (
            "a digit",
            |f| edit(f.join("checkpoint.json"), |b| b[700] ^= 1),
            "checkpoint.json.sha256 says",
        ),
        (
            "no digest",
            |f| Ok(fs::remove_file(f.join("checkpoint.json.sha256"))?),
            "checkpoint.json.sha256 is missing: copy the whole folder",
        ),
        (
            "a digest that is none",
            |f| Ok(fs::write(f.join("checkpoint.json.sha256"), "\u{1b}]0;x")?),
            "expected 64 hexadecimal digits",
        ),
        (
            "a stranger's file",
            |f| forge(f, "rng.safetensors", "../../../../dev/zero"),
            "it lists `../../../../dev/zero`, which is no file of a checkpoint",
        ),
        (
            "a pipe",
            |f| {
                fs::remove_file(f.join("rng.safetensors"))?;
                let made = Command::new("mkfifo")
                    .arg(f.join("rng.safetensors"))
                    .status()?;
                ensure!(made.success());
                Ok(())
            },
            "it is a pipe",
        ),
        (
            "a link",
            |f| {
                let path = f.join("rng.safetensors");
                fs::rename(&path, f.with_file_name("elsewhere"))?;
                Ok(symlink(f.with_file_name("elsewhere"), path)?)
            },
            "is a link that leaves the checkpoint's folder",
        ),
        (
            "an end without size",
            |f| {
                let path = f.join("rng.safetensors");
                let size = fs::metadata(&path)?.len();
                fs::File::options()
                    .write(true)
                    .open(&path)?
                    .set_len(1 << 40)?;
                forge(f, &format!("\"bytes\": {size}"), "\"bytes\": 1099511627776")
            },
            "has 1099511627776 bytes, and at most 17179869184 are read",
        ),
        (
            "a callback twice",
            |f| {
                let text = fs::read_to_string(f.join("checkpoint.json"))?;
                let list = text.rfind('[').context("a list")?;
                let entry = text[list + 1..].trim_end_matches(['\n', '}', ']', ' ']);
                let twice = format!("{entry}}}, {entry}");
                forge(f, entry, &twice)
            },
            "it lists callback `swa` twice",
        ),
        (
            "a count",
            |f| forge(f, "\"samples_seen\": ", "\"samples_seen\": 9"),
            "its `state.samples_seen` is 990071992547409",
        ),
        (
            "a bomb",
            |f| {
                forge(
                    f,
                    "\"criterion\": ",
                    &format!("\"x\": [{}1], \"criterion\": ", "1,".repeat(1 << 20)),
                )
            },
            "at most 1048576 are read",
        ),
    ];
    for (what, damage, words) in rows {
        let run = tempfile::tempdir()?;
        let complete = save(run.path(), &[BEST], &snapshot(1)?, Durability::Process)?;
        let damaged = save(run.path(), &[LATEST], &snapshot(2)?, Durability::Process)?;
        damage(&damaged)?;
        let error = format!(
            "{:#}",
            load(&run.path().join("ckpt_latest")).expect_err("refused")
        );
        let remedy = format!(
            "the newest complete one is {}",
            complete.canonicalize()?.display()
        );
        assert!(
            error.contains(words) && error.contains(&remedy),
            "{what}: {error}"
        );
        fs::remove_dir_all(&complete)?;
        let error = format!("{:#}", load(&damaged).expect_err("refused"));
        assert!(
            error.contains("there is no other complete one"),
            "{what}: {error}"
        );
    }
    Ok(())
}

#[test]
fn newest_skips_a_damaged_one_and_tags_decide_which_are_kept() -> Result<()> {
    let run = tempfile::tempdir()?;
    let run = run.path();
    assert_eq!(newest(run)?, None);
    save(
        run,
        &[LATEST, "epoch_0"],
        &snapshot(10)?,
        Durability::Process,
    )?;
    // Resumed from an older one: the newest is the one saved last, not the one with most steps.
    let resumed = save(run, &[LATEST, BEST], &snapshot(5)?, Durability::Process)?;
    assert_eq!(newest(run)?, Some(resumed.clone()));
    fs::write(resumed.join("model.safetensors"), "torn")?;
    assert_eq!(newest(run)?, Some(run.join("checkpoints/000001-step-10")));

    // Each tag names what it was saved with, and a checkpoint goes when its last tag has moved.
    let step = |tag: &str| loaded_step(&run.join(format!("ckpt_{tag}")));
    assert_eq!(step("epoch_0")?, 10);
    fs::remove_file(run.join("ckpt_epoch_0"))?;
    let latest = save(run, &[LATEST], &snapshot(6)?, Durability::Process)?;
    assert_eq!(step("latest")?, 6);
    assert!(!run.join("checkpoints/000001-step-10").exists());
    let left = atomic_file::entries(&run.join("checkpoints"))?;
    assert_eq!(left, [resumed, latest], "the best one is kept");
    Ok(())
}

/// Written by `tests/reference/safetensors_roundtrip.py --write`.
#[test]
fn weights_from_python_load_and_go_back() -> Result<()> {
    let source =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/python.safetensors");
    let loaded = load_weights(&source, 0)?.tensors;
    let shown = |tensors: &NamedTensors| -> Result<Vec<String>> {
        let values = |tensor: &Tensor| -> Result<Vec<f64>> {
            Ok(Vec::<f64>::try_from(
                tensor.f_to_kind(Kind::Double)?.f_flatten(0, -1)?,
            )?)
        };
        let line = |(name, tensor): &(String, Tensor)| {
            Ok(format!(
                "{name} {:?} {:?} {:?}",
                tensor.f_kind()?,
                tensor.size(),
                values(tensor)?
            ))
        };
        tensors.iter().map(line).collect()
    };
    let expected = [
        "bytes Uint8 [1, 3] [0.0, 127.0, 255.0]",
        "empty Float [0, 4] []",
        "half Half [2] [0.5, 65504.0]",
        "layer.bias Double [3] [-0.0, inf, NaN]",
        "layer.weight Float [2, 3] [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]",
        "mask Bool [3] [1.0, 0.0, 1.0]",
        "steps Int64 [] [9007199254740992.0]",
    ];
    assert_eq!(shown(&loaded)?, expected);
    assert_eq!(loaded[6].1.f_int64_value(&[])?, (1 << 53) + 1);

    let folder = tempfile::tempdir()?;
    let exported = folder.path().join("model.safetensors");
    export_weights(&exported, &loaded)?;
    assert_eq!(
        fs::read(exported)?,
        fs::read(source)?,
        "the same bytes as Python's writer"
    );
    Ok(())
}
