//! Sources that compile, and whose phases could not be called: they are refused when they are built, or by `check`. Texts and
//! states that an SDK reads keep what they hold.

use std::fs;

use crate::author::{built, run};
use crate::harness::{Scratch, is_long};

/// Changes in the template of a language, and the answer to `phasebox build`, then to `phasebox test`.
struct Row {
    language: &'static str,
    edits: &'static [(&'static str, &'static str)],
    /// The code of the first command that fails.
    code: i32,
    says: &'static str,
}

const LONG: [&str; 3] = ["javascript", "python", "zig"];
const ROWS: [Row; 16] = [
    Row {
        language: "cpp",
        edits: &[("public:", "private:")],
        code: 1,
        says: "the class has no on_epoch_end that is public and takes a const PhaseContext &",
    },
    Row {
        language: "cpp",
        edits: &[("on_epoch_end(const PhaseContext &", "on_epoch_end(int")],
        code: 1,
        says: "the class has no on_epoch_end that is public and takes a const PhaseContext &",
    },
    Row {
        language: "cpp",
        edits: &[(
            "public:",
            "public:\n    using R = Result<>;\n    R on_epoch_start(const PhaseContext &ctx) { return {}; }",
        )],
        code: 1,
        says: "on_epoch_start would never be called: write it on a line of its own",
    },
    Row {
        language: "zig",
        edits: &[(
            "    pub fn onEpochEnd",
            "    pub const onEpochStart = onEpochEnd;\n    pub fn onEpochEnd",
        )],
        code: 1,
        says: "`onEpochStart` would never be called: write it on a line of its own",
    },
    Row {
        language: "c",
        edits: &[
            (
                "static uint32_t patience",
                "static char label[2] = {'a', 'b'};\nstatic uint32_t patience",
            ),
            (
                "    PHASEBOX_PARAMETER(patience",
                "    PHASEBOX_PARAMETER(label, \"…\"),\n    PHASEBOX_PARAMETER(patience",
            ),
        ],
        code: 2,
        says: "the array of a text has no room for the zero byte at its end\n  at label",
    },
    // The library's function is put into the author's.
    Row {
        language: "cpp",
        edits: &[(
            "        if (auto value",
            "        std::vector<int> none; if (none.at(wait)) return {};\n        if (auto value",
        )],
        code: 1,
        says: "/smooth-it/plugin.cpp:20\n",
    },
    Row {
        language: "go",
        edits: &[("OnEpochEnd(ctx *phase", "OnEpochEnd(ctx phase")],
        code: 2,
        says: "*main.SmoothIt has no method OnEpochEnd(*phasebox.PhaseContext) error",
    },
    Row {
        language: "go",
        edits: &[(
            "\n\nfunc main",
            "\n\nfunc (s *SmoothIt,\n) OnTrainingStart(ctx *phasebox.PhaseContext) error { return nil }\n\nfunc main",
        )],
        code: 2,
        says: "*main.SmoothIt.OnTrainingStart would never be called",
    },
    Row {
        language: "go",
        edits: &[("default:\"50\"", "default:\"one\"")],
        code: 2,
        says: "field patience: default is no uint32: \"one\"",
    },
    Row {
        language: "go",
        edits: &[("Wait ", "wait "), ("s.Wait", "s.wait")],
        code: 2,
        says: "field wait has the tag state and is not exported",
    },
    Row {
        language: "go",
        edits: &[
            (
                "\tWait ",
                "\tMost map[string][]float64 `state:\"most\"`\n\tEach []phasebox.Later `state:\"each\"`\n\tWait ",
            ),
            ("func init", "var zero float64\n\nfunc init"),
            (
                "OnEpochEnd(ctx *phasebox.PhaseContext) error {",
                "OnEpochEnd(ctx *phasebox.PhaseContext) error {\n\tif s.Most == nil {\n\t\t\
                 s.Most = map[string][]float64{\"a\": {1 / zero, zero / zero}}\n\t}\n\t\
                 s.Most[\"a\"] = append(s.Most[\"a\"], s.Most[\"a\"][0], float64(len(s.Most[\"a\"])))\n\t\
                 s.Each = append(s.Each, phasebox.Later{})\n\t\
                 ctx.LogScalar(\"each\", float64(len(s.Each)))\n\t\
                 for place, value := range s.Most[\"a\"] {\n\t\t\
                 ctx.LogScalar(\"most\", value*float64(place))\n\t}",
            ),
        ],
        code: 0,
        says: "a resumed run logs what one does that was never cut",
    },
    Row {
        language: "javascript",
        edits: &[("  onEpochEnd(", "  async onEpochEnd(")],
        code: 1,
        says: "onEpochEnd is async, and a call cannot wait: drop `async`",
    },
    Row {
        language: "javascript",
        edits: &[(
            "  onEpochEnd(",
            "  on_epoch_start(ctx) {\n  },\n  onEpochEnd(",
        )],
        code: 1,
        says: "on_epoch_start would never be called",
    },
    Row {
        language: "python",
        edits: &[("    def on_epoch_end", "    async def on_epoch_end")],
        code: 1,
        says: "`on_epoch_end` is async, and a call cannot wait: drop `async`",
    },
    Row {
        language: "python",
        edits: &[(
            "on_epoch_end(self, ctx: PhaseContext) -> None:",
            "on_epoch_end(self, ctx: PhaseContext) -> None:\n        {}[\"x\"]",
        )],
        code: 1,
        says: "\n    File \"app.py\", line ",
    },
    Row {
        language: "python",
        edits: &[("on_epoch_end(self, ", "on_epoch_end(self,, ")],
        code: 1,
        says: "`componentize-py` failed (exit status: 1): see its message above, where /0/app.py is app.py",
    },
];

fn check(row: &Row) {
    let scratch = Scratch::new();
    let edits = |text: String| {
        row.edits.iter().fold(text, |text, (from, to)| {
            assert!(
                text.contains(from),
                "{}: no `{from}` in {text}",
                row.language
            );
            text.replace(from, to)
        })
    };
    let new = [
        "new",
        "smooth-it",
        "--lang",
        row.language,
        "--on",
        "epoch-end",
    ];
    assert_eq!(run(&scratch, &new).code, Some(0));
    let sources = [
        "plugin.c",
        "plugin.cpp",
        "plugin.go",
        "plugin.zig",
        "plugin.js",
        "app.py",
    ];
    let sources = sources.map(|name| scratch.path("smooth-it").join(name));
    let source = sources.iter().find(|path| path.exists());
    let source = source.expect("the template has its source");
    let text = fs::read_to_string(source).expect("it is text");
    fs::write(source, edits(text)).expect("ours");
    let mut finished = run(&scratch, &["build", "smooth-it", "--install"]);
    if finished.code == Some(0) {
        finished = run(&scratch, &["test", "smooth-it/build/smooth-it.wasm"]);
    }
    let all = format!("{}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.code, Some(row.code), "{}: {all}", row.says);
    assert!(all.contains(row.says), "no `{}` in {all}", row.says);
}

#[test]
fn what_could_not_be_called_is_refused_before_it_is() {
    let due = |row: &&Row| is_long() || !LONG.contains(&row.language);
    ROWS.iter().filter(due).for_each(check);
}

/// Texts of all lengths for an array of 16 bytes.
#[test]
fn a_text_of_c_fills_its_array() {
    let scratch = Scratch::new();
    let component = built(&scratch, "c");
    let source = scratch.path("smooth-it/plugin.c");
    let text = fs::read_to_string(&source).expect("a source");
    let text = text
        .replace(
            "static uint32_t patience",
            "static char label[16] = \"abc\";\nstatic uint32_t patience",
        )
        .replace(
            "    PHASEBOX_PARAMETER(patience",
            "    PHASEBOX_PARAMETER(label, \"…\"),\n    PHASEBOX_PARAMETER(patience",
        )
        .replace(
            "PHASEBOX_PHASE(on_epoch_end) {",
            "PHASEBOX_PHASE(on_epoch_end) {\n    phasebox_info(label);",
        );
    fs::write(&source, text).expect("ours");
    assert_eq!(run(&scratch, &["build", "smooth-it"]).code, Some(0));
    let file = component.to_str().expect("a path in UTF-8");
    for (label, says) in [
        ("", Ok("tested: \n")),
        ("abcdefghijklmno", Ok("tested: abcdefghijklmno\n")),
        ("äääääää", Ok("tested: äääääää\n")),
        ("🙂🙂🙂", Ok("tested: 🙂🙂🙂\n")),
        ("abcdefghijklmnop", Err("expected at most 15 characters")),
        (
            "ääääääää",
            Err("\"default\":\"abc\",\"maxLength\":15}, in at most 15 bytes of UTF-8"),
        ),
        (
            "🙂🙂🙂🙂",
            Err("\"default\":\"abc\",\"maxLength\":15}, in at most 15 bytes of UTF-8"),
        ),
    ] {
        let params = format!("{{label: \"{label}\"}}");
        let finished = run(
            &scratch,
            &["test", file, "--epochs", "2", "--params", &params],
        );
        let (code, words) = says.map_or_else(|words| (2, words), |words| (0, words));
        assert_eq!(finished.code, Some(code), "{label}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(words),
            "{label}: {}",
            finished.stderr
        );
    }
}
