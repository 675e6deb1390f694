//! Attempts to do what the recipe does not grant, or what a grant does not reach.

use super::Expect::Passes;
use super::{Attack, USUAL, attack_run};

pub(crate) fn rows() -> Vec<Attack> {
    vec![
        Attack {
            name: "changes_what_it_was_not_given",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "changes_gradients_it_was_not_given",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "changes_parameters_through_views",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "passes_parameters_off_as_inputs",
            grants: "inputs",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "passes_inputs_off_as_a_target",
            grants: "target",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "passes_predictions_off_as_a_loss",
            grants: "loss",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "writes_over_itself",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "clips_to_what_is_no_number",
            grants: "gradients",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "sets_what_is_no_number_of_an_optimizer",
            grants: "optimizer",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "does_integer_arithmetic",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "asks_for_what_it_may_not",
            expect: Passes,
            ..USUAL
        },
        Attack {
            name: "sets_what_is_no_loader",
            grants: "criterion, loaders",
            expect: Passes,
            ..USUAL
        },
    ]
}

#[test]
fn grants_are_all_there_is() {
    attack_run::check(&rows());
}
