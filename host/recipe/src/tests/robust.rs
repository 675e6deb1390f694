//! Hostile text: nothing panics, overflows a stack or takes all memory.

use proptest::prelude::*;
use serde_json::json;

use super::{WHOLE, load, load_with};

/// Every text a recipe has, in pieces that mutations recombine.
const PIECES: &[&str] = &[
    "training_hyperparams:\n",
    "  max_epochs: 2\n",
    "  loss: mse\n",
    "phase_callbacks:\n",
    "- EMA\n",
    "- ./a.wasm: {x: 1}\n",
    "- wasm: a.wasm\n",
    "  limits: {time: 1ms}\n",
    "defaults: [recipe]\n",
    "defaults: [_self_]\n",
    "a: &a\n",
    "b: *a\n",
    "<<: *a\n",
    "${a.b}",
    "'${b}'",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "\n",
    "  ",
    "\t",
    "? ",
    "| \n",
    "> \n",
    "!!int x",
    "!t ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "1e999",
    ".nan",
    "0x",
    "é",
    "\u{feff}",
    "\u{0}",
    "#",
    "\"\\x",
    "'",
    "+: [1]\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = load_with(&text);
    }

    #[test]
    fn any_mixture_of_pieces_is_read_or_refused(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let _ = load(&[("recipe.yaml", &pieces.concat())], &[]);
        let _ = load_with(&pieces.concat());
    }

    #[test]
    fn any_argument_is_applied_or_refused(argument in "[a-z_.0-9+${}]{0,30}=?.{0,20}") {
        let _ = load(&[("recipe.yaml", WHOLE)], &[&argument]);
    }

    #[test]
    fn any_text_survives_writing(text in any::<String>(), key in "[a-z: #{}]{1,8}", number in any::<f64>()) {
        prop_assume!(number.is_finite());
        let recipe = load_with(&format!("variables: {}\n", json!({"it": [{key: text.replace("${", "\\${")}, number]}))).expect("JSON is YAML");
        let written = recipe.to_yaml().expect("text");
        let again = load(&[("recipe.yaml", &written)], &[]).expect(&written);
        prop_assert_eq!(again.to_json(), recipe.to_json());
    }

    #[test]
    fn any_damage_to_a_recipe_is_read_or_refused(at in 0..WHOLE.len(), with in any::<char>()) {
        let damaged = format!("{}{with}{}", &WHOLE[..at], &WHOLE[at + 1..]);
        let _ = load(&[("recipe.yaml", &damaged)], &[]);
    }
}

#[test]
fn bombs_are_refused() {
    let laughs = |open: &str, close: &str, name: fn(usize) -> String| {
        let line = |n: usize| {
            format!(
                "  b{n}: {open}[{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}]\n",
                name(n - 1)
            ) + close
        };
        format!(
            "variables:\n  b0: &b0 [x]\n{}",
            (1..12).map(line).collect::<String>()
        )
    };
    let aliases = laughs("", "", |n| format!("*b{n}"));
    let aliases = (1..12).fold(aliases, |text, n| {
        text.replace(&format!("b{n}: ["), &format!("b{n}: &b{n} ["))
    });
    let rows = [
        (aliases, "not usable as YAML: "),
        (
            laughs("", "", |n| format!("'${{variables.b{n}}}'")),
            "`${…}` make this recipe too large",
        ),
        (
            format!("variables: {}\n", "[".repeat(100_000)),
            "not usable as YAML: ",
        ),
        (
            format!("variables: {}{}\n", "{a: ".repeat(70), "}".repeat(70)),
            "not usable as YAML: ",
        ),
        (
            format!("variables: {}\n", "x".repeat(1 << 20)),
            "larger than 1048576 bytes; is this a recipe?",
        ),
        (
            format!("variables: [{}]\n", "x,".repeat(200_000)),
            "not usable as YAML: ",
        ),
    ];
    for (text, expected) in rows {
        let message = load_with(&text).expect_err(expected);
        assert!(message.contains(expected), "{message}");
    }
    let deep = format!("a{}=1", ".a".repeat(100_000));
    assert!(
        load(&[("recipe.yaml", WHOLE)], &[&deep])
            .is_err_and(|message| message.contains("nested deeper than 64 levels"))
    );
}

#[test]
fn a_deep_recipe_fits_a_small_stack() {
    let deep = format!("variables: {{a: {}1{}}}\n", "[".repeat(59), "]".repeat(59));
    let read = move || load_with(&deep).map(|recipe| recipe.to_yaml().is_ok());
    let thread = std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(read)
        .expect("a thread");
    assert_eq!(thread.join().expect("no overflow"), Ok(true));
}
