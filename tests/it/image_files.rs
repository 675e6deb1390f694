//! Folders of images with a broken one among many: refused by `check`, wherever it lies; an error of a training that keeps
//! what it has trained.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use phasebox_train::checkpoint;

use crate::harness::{Scratch, TINY};

/// Images of each class.
const IMAGES: u32 = 20;

/// A bitmap of one color, of which only the header takes place on the disk.
fn bitmap(path: &Path, width: u32, height: u32) {
    let row = (width * 3).next_multiple_of(4);
    let length = 54 + row * height;
    let mut bytes = b"BM".to_vec();
    for number in [length, 0, 54, 40, width, height, 1 | 24 << 16] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.resize(54, 0);
    let mut file = fs::File::create(path).expect("ours");
    file.write_all(&bytes).expect("ours");
    file.set_len(u64::from(length)).expect("ours");
    // A light of its own for each class.
    let light = path.to_str().map_or(0, |path| path.len() as u8);
    file.seek(SeekFrom::Start(60)).expect("ours");
    file.write_all(&[light]).expect("ours");
}

/// A folder of small images in two classes, and a recipe for them.
fn images() -> Scratch {
    let scratch = Scratch::new();
    for part in ["train", "val"] {
        for class in ["cats", "dogs"] {
            let folder = scratch.path(part).join(class);
            fs::create_dir_all(&folder).expect("ours");
            for number in 0..IMAGES {
                bitmap(&folder.join(format!("{number:02}.bmp")), 8, 8);
            }
        }
    }
    let data = "{image_folder: {root: ., channels: 1}}";
    let recipe = TINY.replace("{digits: {test_fraction: 0.1}}", data);
    let recipe = recipe.replace("batch_size: 16}", "batch_size: 4}");
    scratch.write("recipe.yaml", recipe + "  []\n");
    scratch
}

const BROKEN: &str = "train/dogs/13.bmp";

#[test]
fn one_broken_image_of_many_is_refused() {
    let check = |break_it: fn(&Path), expected: &str| {
        let scratch = images();
        break_it(&scratch.path(BROKEN));
        let refused = scratch.phasebox(&["check", "recipe.yaml"]);
        let message = scratch.readable(&refused.stderr);
        assert_eq!(refused.code, Some(2), "{message}");
        for part in ["recipe.yaml:2: ", BROKEN, expected] {
            assert!(message.contains(part), "{message}");
        }
    };
    check(
        |path| fs::write(path, "").expect("ours"),
        "not an image that can be read",
    );
    check(
        |path| fs::write(path, "<html>404</html>").expect("ours"),
        "not an image that can be read",
    );
    check(
        |path| bitmap(path, 30_000, 20_000),
        "30000x20000 pixels are more than 134217728: scale it down, or cut it into tiles",
    );
    check(
        |path| bitmap(path, 8, 9),
        "an image of [9, 8] pixels becomes [9, 8], others of the batch are [8, 8]",
    );
    let whole = images().phasebox(&["check", "recipe.yaml"]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    assert!(!whole.stdout.contains("looked at"), "{}", whole.stdout);
}

/// `train` reads no headers: the batch that has the image ends the run.
#[test]
fn a_training_that_meets_a_broken_image_names_it_and_keeps_its_checkpoint() {
    let scratch = images();
    scratch.write(BROKEN, "");
    let failed = scratch.train(&[
        "train_dataloader_params.shuffle=false",
        "training_hyperparams.max_train_batches=9",
        "training_hyperparams.save_ckpt_every_n_steps=2",
    ]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    for part in [
        BROKEN,
        "not an image that can be read",
        "batch 8 of epoch 0",
    ] {
        assert!(failed.stderr.contains(part), "{}", failed.stderr);
    }
    let kept = checkpoint::load(&scratch.run().0.join("ckpt_latest")).expect("whole");
    assert_eq!(kept.state.global_step, 4);
}

/// [`images`] with so many large ones that nobody waits for a batch of them.
fn large_images() -> Scratch {
    let scratch = images();
    bitmap(&scratch.path("large.bmp"), 6000, 6000);
    for part in ["train", "val"] {
        for class in ["cats", "dogs"] {
            for number in 0..300 {
                let file = format!("{part}/{class}/l{number}.bmp");
                symlink("../../large.bmp", scratch.path(&file)).expect("ours");
            }
        }
    }
    scratch
}

/// Changes for [`large_images`].
const LARGE: [&str; 3] = [
    "train_transforms={resize: [8, 8]}",
    "val_transforms={resize: [8, 8]}",
    "train_dataloader_params={batch_size: 600, num_workers: 1}",
];

/// Sends the signal some time after `has_begun`. Answers the seconds until the end.
fn seconds_after_signal(scratch: &Scratch, child: Child, has_begun: impl Fn() -> bool) -> f64 {
    while !has_begun() {
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(500));
    let asked = Instant::now();
    scratch.signal(&child, "TERM");
    scratch.finish(child);
    asked.elapsed().as_secs_f64()
}

#[test]
fn a_signal_is_heard_while_a_batch_is_made() {
    let scratch = large_images();
    let child = scratch.start(&[&["train", "recipe.yaml"], &LARGE[..]].concat());
    let logs = || {
        scratch
            .started_run()
            .is_some_and(|run| run.0.join("metrics.jsonl").exists())
    };
    let seconds = seconds_after_signal(&scratch, child, logs);
    assert!(seconds < 20.0, "{seconds}");
    let run = scratch.run();
    assert_eq!(run.summary()["stop_reason"], "interrupted");
    let kept = checkpoint::load(&run.0.join("ckpt_latest")).expect("whole");
    assert_eq!(kept.state.global_step, 0);
}

#[test]
fn a_check_that_a_signal_ends_leaves_no_folder() {
    let scratch = large_images();
    let folder = scratch.path("temporary");
    fs::create_dir(&folder).expect("ours");
    let arguments = [&["check", "recipe.yaml", "--full"], &LARGE[..]].concat();
    let mut command = scratch.command(&arguments);
    let child = command.env("TMPDIR", &folder).spawn();
    let files = || fs::read_dir(&folder).expect("ours").count();
    let seconds = seconds_after_signal(&scratch, child.expect("it starts"), || files() > 0);
    assert!(seconds < 20.0, "{seconds}");
    assert_eq!(files(), 0);
}
