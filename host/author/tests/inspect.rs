//! `phasebox-author inspect`, the small program without libtorch, with the stock callbacks and with files that are none.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of built callbacks: `cargo xtask plugins` makes it.
fn plugins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins")
}

fn inspect(file: &Path, more: &[&str]) -> Output {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    let mut command = Command::new(env!("CARGO_BIN_EXE_phasebox-author"));
    command.arg("inspect").arg(file).args(more);
    command.env("PHASEBOX_CACHE", cache);
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it prints UTF-8")
}

#[test]
fn every_stock_callback_describes_itself() {
    for name in [
        "early-stopping",
        "ema",
        "grad-clip",
        "script",
        "training-stage-switch",
    ] {
        let shown = inspect(&plugins().join(format!("{name}.wasm")), &[]);
        let (out, error) = (text(&shown.stdout), text(&shown.stderr));
        assert!(shown.status.success(), "{name}: {error}");
        assert!(out.starts_with(&format!("{name} ")), "{name}: {out}");
        for row in ["phases      on-", "sha256      ", "parameters  {\""] {
            assert!(out.contains(row), "{name}: no `{row}` in {out}");
        }
    }
}

#[test]
fn a_description_is_also_json() {
    let shown = inspect(&plugins().join("grad-clip.wasm"), &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(json["description"]["grants"][0], "gradients");
    assert_eq!(json["wasi"], serde_json::json!([]));
}

#[test]
fn what_is_no_callback_is_refused_with_its_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes, says) in [
        ("none.wasm", None, "no callback at"),
        ("text.wasm", Some("not wasm"), "give a .wasm component"),
        ("module.wasm", Some("\0asm\u{1}\0\0\0"), "`phasebox build`"),
    ] {
        let file = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&file, bytes).expect("it is written");
        }
        let shown = inspect(&file, &[]);
        let error = text(&shown.stderr);
        assert!(!shown.status.success(), "{name}");
        assert!(
            error.starts_with("error: ") && error.contains(says),
            "{name}: {error}"
        );
    }
}
