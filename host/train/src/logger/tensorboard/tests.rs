//! Event files, byte by byte those of TensorBoard's own writer.

use std::fs;

use super::*;

/// The reference is written by `tests/reference/read_events.py --write` with TensorBoard's own code.
#[test]
fn the_bytes_are_tensorboard_s_own() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let time = 1767225600.5;
    let mut file = EventFile::create(folder.path(), time, Some(7))?;
    file.scalar(time, 0, "train/loss", 0.1)?;
    file.scalar(time, 300, "größe", f64::INFINITY)?;
    file.scalar(time, 1 << 40, &"a".repeat(200), -0.0)?;
    let histogram = Histogram {
        limits: vec![0.0, 1.0, 3.0],
        counts: vec![1.0, 2.0, 4.0],
        min: -1.0,
        max: 3.0,
        sum: 10.0,
        sum_of_squares: 19.0,
        not_finite: 0,
    };
    file.histogram(time, 9, "weights", &histogram)?;
    file.image(time, 10, "input", [1, 300], &(0..=255).collect::<Vec<u8>>())?;
    file.text(time, 11, "notes", "**µ** and more")?;
    file.flush()?;

    let path = phasebox_files::atomic_file::entries(folder.path())?.remove(0);
    assert!(
        path.to_string_lossy()
            .contains("events.out.tfevents.1767225600."),
        "{}",
        path.display()
    );
    let reference =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/tensorboard.tfevents");
    assert_eq!(fs::read(path)?, fs::read(reference)?);
    Ok(())
}

#[test]
fn files_of_one_second_do_not_collide() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for _ in 0..3 {
        EventFile::create(folder.path(), 1.0, None)?;
    }
    assert_eq!(
        phasebox_files::atomic_file::entries(folder.path())?.len(),
        3
    );
    Ok(())
}
