//! Threads that load batches and memory formats of batches decide when a batch is there, never its numbers: trainings
//! give the same numbers, and resume exactly.

use crate::harness::training::{Training, distance, flat};

fn convnet() -> Training {
    Training::digits()
        .architecture("{convnet: {channels: [8, 16]}}")
        .with("train_transforms.horizontal_flip=0.5")
}

const THREADS: [&str; 2] = [
    "train_dataloader_params.num_workers",
    "val_dataloader_params.num_workers",
];

#[test]
fn threads_change_no_number() {
    let with = |workers: usize| {
        THREADS
            .iter()
            .fold(convnet(), |training, key| {
                training.with(format!("{key}={workers}"))
            })
            .run()
    };
    let here = convnet().run();
    for workers in [0, 1, 3] {
        let run = with(workers);
        assert_eq!(
            run.final_weights(),
            here.final_weights(),
            "{workers} threads"
        );
        assert_eq!(run.own_lines(), here.own_lines(), "{workers} threads");
    }
}

#[test]
fn channels_last_trains_to_the_same_network() {
    let last = || {
        convnet()
            .with("training_hyperparams.channels_last=true")
            .with("training_hyperparams.ema=true")
    };
    let first = convnet().with("training_hyperparams.ema=true").run();
    let run = last().checkpoints(2).run();
    let off = distance(&flat(&run.final_weights()), &flat(&first.final_weights()));
    assert!(off < 1e-4, "weights differ by {off}");
    let resumed = last().epochs(2).from(&run, "epoch_1").run();
    assert_eq!(
        resumed.final_weights(),
        run.final_weights(),
        "resumed after an epoch"
    );
}
