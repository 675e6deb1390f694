//! Checkpoints that are saved, damaged, cut short and read back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use phasebox_files::atomic_file::{self, Durability};
use tch::{Device, Kind, Tensor};

use super::*;

/// The tag that the trainer gives the best checkpoint.
const BEST: &str = "best";

/// A snapshot whose every part tells `step`.
fn snapshot(step: u64) -> Result<Snapshot> {
    let full = |size: &[i64], kind| Ok(Tensor::f_full(size, step as f64, (kind, Device::Cpu))?);
    let named = |name: &str, tensor: Result<Tensor>| {
        Ok::<_, anyhow::Error>(vec![(name.to_owned(), tensor?)])
    };
    Ok(Snapshot {
        state: State {
            epoch: step / 10,
            next_batch: step % 10,
            global_step: step,
            samples_seen: u64::MAX - step,
            metrics_bytes: 100 * step,
            watched: Some(Watched {
                metric: "Accuracy".into(),
                greater_is_better: true,
                best: Some(0.1 + step as f64 * 1e-17),
                best_epoch: None,
            }),
            accumulation: AccumulationState {
                batches: 1,
                first_batch: Some(step % 10),
                ..AccumulationState::default()
            },
            criterion: serde_json::json!({"weights": [3, 1, 2]}),
            trainer: serde_json::json!({"step_in_run": step, "seed": u64::MAX}),
            ..State::default()
        },
        model: named("layer.weight", full(&[64, 10], Kind::Float))?,
        optimizer: named("layer.weight/momentum", full(&[64, 10], Kind::Float))?,
        ema: Vec::new(),
        metrics: named("correct", full(&[], Kind::Int64))?,
        rng: named("cpu", full(&[5056], Kind::Uint8))?,
        gradients: named("layer.weight", full(&[64, 10], Kind::Float))?,
        best_models: Vec::new(),
        callbacks: vec![SavedCallback {
            name: "swa".into(),
            state: CallbackState {
                bytes: Some(step.to_le_bytes().to_vec()),
                tensors: named("average", full(&[3], Kind::Double))?,
                sha256: "ab".repeat(32),
                version: "0.1.0".into(),
                state_version: 1,
                ..CallbackState::default()
            },
        }],
    })
}

fn same_tensors(name: &str, loaded: &NamedTensors, saved: &NamedTensors) -> Result<()> {
    let mut saved: Vec<_> = saved.iter().collect();
    saved.sort_by(|(a, _), (b, _)| a.cmp(b));
    ensure!(
        loaded.len() == saved.len(),
        "{name}: {} tensors instead of {}",
        loaded.len(),
        saved.len()
    );
    for ((loaded_name, loaded), (saved_name, saved)) in loaded.iter().zip(saved) {
        ensure!(
            loaded_name == saved_name
                && loaded.f_kind()? == saved.f_kind()?
                && loaded.size() == saved.size()
        );
        let equal = loaded
            .f_eq_tensor(saved)?
            .f_logical_or(&loaded.f_isnan()?.f_logical_and(&saved.f_isnan()?)?)?;
        ensure!(
            equal.f_all()?.f_int64_value(&[])? == 1,
            "{name}: {loaded_name} differs"
        );
    }
    Ok(())
}

fn same(loaded: &Snapshot, saved: &Snapshot) -> Result<()> {
    same_tensors("model", &loaded.model, &saved.model)?;
    same_tensors("optimizer", &loaded.optimizer, &saved.optimizer)?;
    same_tensors("ema", &loaded.ema, &saved.ema)?;
    same_tensors("metrics", &loaded.metrics, &saved.metrics)?;
    same_tensors("rng", &loaded.rng, &saved.rng)?;
    same_tensors("gradients", &loaded.gradients, &saved.gradients)?;
    same_tensors("best_models", &loaded.best_models, &saved.best_models)?;
    ensure!(
        loaded.state == saved.state,
        "{:?} is not {:?}",
        loaded.state,
        saved.state
    );
    ensure!(loaded.callbacks.len() == saved.callbacks.len());
    let pairs = loaded.callbacks.iter().zip(&saved.callbacks);
    pairs
        .into_iter()
        .try_for_each(|(loaded, saved)| same_callback(loaded, saved))
}

fn same_callback(loaded: &SavedCallback, saved: &SavedCallback) -> Result<()> {
    ensure!(loaded.name == saved.name && loaded.state.bytes == saved.state.bytes);
    let loaded_identity = serde_json::to_value(loaded)?;
    ensure!(loaded_identity == serde_json::to_value(saved)?);
    same_tensors(
        "callback's tensors",
        &loaded.state.tensors,
        &saved.state.tensors,
    )
}

/// The step that a loadable, consistent snapshot was saved at.
fn loaded_step(path: &Path) -> Result<u64> {
    let loaded = load(path)?;
    same(&loaded, &snapshot(loaded.state.global_step)?)?;
    Ok(loaded.state.global_step)
}

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

/// `source` as it lies on the disk, links as links.
fn copy_tree(source: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(target)?;
    for path in atomic_file::entries(source)? {
        let place = target.join(path.file_name().context("an entry has a name")?);
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path)?, place)?;
        } else if path.is_dir() {
            copy_tree(&path, &place)?;
        } else {
            fs::copy(path, place)?;
        }
    }
    Ok(())
}

/// Every state of the disk that a crash in a save could leave: the tag names the old or the new one, whole.
#[test]
fn a_crash_at_any_step_of_a_save_loses_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let run = folder.path().join("run");
    let (mut seen, mut crashed) = (Vec::new(), Vec::new());
    for step in 0..4 {
        let tags: &[&str] = if step == 1 {
            &[LATEST, BEST]
        } else {
            &[LATEST]
        };
        store::save_in_steps(
            &run,
            tags,
            &snapshot(step)?,
            Durability::Process,
            &mut |what| {
                let copy = folder.path().join(format!("crash {}", crashed.len()));
                copy_tree(&run, &copy)?;
                seen.push(what.to_owned());
                crashed.push((step, what.to_owned(), copy));
                Ok(())
            },
        )?;
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6, "every kind of step was seen: {seen:?}");
    for (step, what, run) in crashed {
        after_crash(step, &run).with_context(|| format!("save {step} cut off after {what}"))?;
    }
    Ok(())
}

fn after_crash(step: u64, run: &Path) -> Result<()> {
    if let Some(path) = newest(run)? {
        ensure!((step.saturating_sub(1)..=step).contains(&loaded_step(&path)?));
    } else {
        ensure!(step == 0, "nothing is left");
    }
    if step > 0 {
        ensure!((step - 1..=step).contains(&loaded_step(&run.join("ckpt_latest"))?));
    }
    if step > 1 {
        ensure!(loaded_step(&run.join("ckpt_best"))? == 1);
    }
    // The next save works and sweeps: nothing is left but what a tag names.
    save(run, &[LATEST], &snapshot(99)?, Durability::Process)?;
    ensure!(loaded_step(&run.join("ckpt_latest"))? == 99);
    let folders = atomic_file::entries(&run.join("checkpoints"))?;
    let mut tagged = vec![fs::canonicalize(run.join("ckpt_latest"))?];
    tagged.extend(fs::canonicalize(run.join("ckpt_best")).ok());
    let untagged = folders.iter().find(|folder| {
        let folder = fs::canonicalize(folder).unwrap_or_default();
        !tagged.contains(&folder)
    });
    ensure!(untagged.is_none(), "left over: {untagged:?}");
    Ok(())
}

/// Set for the child process of the next test: the run to save into until killed.
const SAVE_FOREVER_IN: &str = "PHASEBOX_TEST_SAVE_FOREVER_IN";

#[test]
fn kill_9_while_saving_leaves_a_loadable_run() -> Result<()> {
    if let Some(run) = std::env::var_os(SAVE_FOREVER_IN) {
        for step in 1.. {
            save(
                &PathBuf::from(&run),
                &[LATEST],
                &snapshot(step)?,
                Durability::Process,
            )?;
        }
    }
    let run = tempfile::tempdir()?;
    save(run.path(), &[LATEST], &snapshot(0)?, Durability::Process)?;
    let mut steps = Vec::new();
    for pause_ms in [60, 71, 83, 97] {
        let mut child = Command::new(std::env::current_exe()?)
            .args([
                "--exact",
                "checkpoint::tests::kill_9_while_saving_leaves_a_loadable_run",
            ])
            .env(SAVE_FOREVER_IN, run.path())
            .stdout(Stdio::null())
            .spawn()?;
        let before = newest(run.path())?;
        while newest(run.path())? == before {
            ensure!(
                child.try_wait()?.is_none(),
                "the saving process ended by itself"
            );
            // Tags stay readable to another process while they move.
            loaded_step(&run.path().join("ckpt_latest"))?;
        }
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        child.kill()?;
        child.wait()?;
        steps.push(loaded_step(&run.path().join("ckpt_latest"))?);
    }
    assert!(steps.iter().all(|step| *step > 0), "{steps:?}");
    Ok(())
}

#[test]
fn damage_is_refused_with_the_file_the_reason_and_the_remedy() -> Result<()> {
    type Damage = fn(&Path) -> Result<()>;
    fn edit(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let mut bytes = fs::read(&path)?;
        change(&mut bytes);
        Ok(fs::write(path, bytes)?)
    }
    fn edit_manifest(folder: &Path, from: &str, to: &str) -> Result<()> {
        let path = folder.join("checkpoint.json");
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "{text}");
        Ok(fs::write(path, text.replace(from, to))?)
    }
    let rows: [(&str, Damage, &str); 9] = [
        (
            "a bit",
            |f| edit(f.join("model.safetensors"), |b| b[700] ^= 1),
            "model.safetensors is damaged (its sha256",
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
            |f| edit_manifest(f, "\"schema\": 1,\n  \"w", "\"schema\": 2,\n  \"w"),
            "has schema 2, this phasebox reads up to 1",
        ),
        (
            "no model",
            |f| edit_manifest(f, "model.safetensors", "other"),
            "lists no model.safetensors",
        ),
        (
            "path",
            |f| edit_manifest(f, "\"swa\"", "\"../../swa\""),
            "no separators",
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
    let loaded = load_weights(&source)?;
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
