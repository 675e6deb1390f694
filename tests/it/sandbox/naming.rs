//! Names and texts, for files, logs, terminals and their readers.

use super::Expect::{Answered, Contained, Passes};
use super::{Attack, USUAL, attack_run};

pub(crate) fn rows() -> Vec<Attack> {
    vec![
        Attack {
            name: "gives_bad_names",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "gives_bad_storage_names",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "names_without_end",
            limits: "metric_names: 10",
            expect: Answered("raise `limits: {metric_names: …}`"),
            ..USUAL
        },
        Attack {
            name: "texts_without_end",
            limits: "log_bytes: 1MiB",
            expect: Answered("raise `limits: {log_bytes: …}`"),
            ..USUAL
        },
        Attack {
            name: "logs_under_a_common_name",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "hides_what_it_is",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "logs_a_novel",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "logs_a_forged_line",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "logs_forged_json",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "fails_with_a_novel",
            limits: "memory: 128MiB",
            expect: Contained(""),
            ..USUAL
        },
        Attack {
            name: "fails_with_a_forged_line",
            expect: Contained("a\n  error: forged\\u{1b}[2J"),
            ..USUAL
        },
        Attack {
            name: "fails_with_a_panic_that_draws",
            expect: Contained("\\u{1b}]0;owned\\u{7}\n  error: forged"),
            ..USUAL
        },
        Attack {
            name: "gives_bad_file_names",
            grants: "files, sync",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "files_without_end",
            grants: "files",
            limits: "artifact_files: 3",
            expect: Answered("raise `limits: {artifact_files: …}`"),
            ..USUAL
        },
        Attack {
            name: "gives_bad_tags",
            grants: "checkpoint",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "tags_without_end",
            grants: "checkpoint",
            limits: "checkpoint_tags: 3",
            expect: Answered("raise `limits: {checkpoint_tags: …}`"),
            ..USUAL
        },
        Attack {
            name: "logs_histograms_of_nothing",
            grants: "sync",
            expect: Passes,
            ..USUAL
        },
    ]
}

#[test]
fn names_stay_names() {
    attack_run::check(&rows());
}
