//! One guest of the matrix: does what its parameter `task` names and says the outcome in lines of the log. All languages do
//! the same; `tests/it/matrix.rs` has the lines that are due.

use phasebox_sdk::prelude::*;

const LARGE: usize = 4 << 20;

/// Behaves as it is told
#[derive(Parameters)]
struct Matrix {
    /// The behavior
    #[default(String::new())]
    task: String,
    /// A text to say
    #[default(String::new())]
    say: String,
    /// Calls after which it is enough
    #[default(0)]
    turns: u32,
    #[skip]
    calls: u32,
    #[skip]
    kept: Option<Tensor>,
    #[skip]
    saved: Vec<u8>,
}

#[callback]
impl Matrix {
    fn configure(&mut self) -> Result<()> {
        self.fail_at("configure");
        Ok(())
    }

    fn save_state(&mut self) -> Result<Vec<u8>> {
        self.fail_at("save");
        Ok(self.saved.clone())
    }

    fn load_state(&mut self, state: &[u8]) -> Result<()> {
        self.saved = state.to_vec();
        Ok(())
    }

    fn on_training_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.fail_at("start");
        match self.task.as_str() {
            "errors" => errors(ctx),
            "options" => info!("epoch {}", shown_option(ctx.epoch())),
            _ => {}
        }
        Ok(())
    }

    fn on_train_batch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.turn(ctx)
    }
    fn on_train_batch_forward_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.turn(ctx)
    }
    fn on_train_batch_loss_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.fail_at("loss");
        self.turn(ctx)
    }
    fn on_train_batch_backward_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.turn(ctx)
    }
    fn on_train_batch_gradient_step_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.turn(ctx)
    }
    fn on_train_batch_gradient_ready(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.turn(ctx)
    }
    fn on_train_batch_optimizer_stepped(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.turn(ctx)
    }
    fn on_train_batch_gradient_step_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.turn(ctx)
    }

    fn on_train_batch_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.turn(ctx)?;
        let step = ctx.global_step();
        match self.task.as_str() {
            "handles" => self.handles(step)?,
            "twice" if step == 1 => {
                // The compiler refuses a second release.
                drop(number(7.0)?);
                info!("alive");
            }
            "stale" => self.stale(step)?,
            "own-error" => return Err(own_error()),
            "texts" if step == 1 => {
                info!("{}", self.say);
                info!("a\0b é ⅓ 💡 \u{10ffff}");
            }
            "options" if step == 1 => options(ctx)?,
            "lists" if step == 1 => lists()?,
            "integers" if step == 1 => integers(ctx)?,
            "numbers" if step == 1 => numbers(ctx)?,
            "state" if step == 1 => self.saved = (0..=255).collect(),
            "state" => self.show_state(),
            "recover" => recover(step),
            _ => {}
        }
        Ok(())
    }

    fn on_train_loader_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.task != "texts" {
            return Ok(());
        }
        ctx.publish_metric("é ⅓ 💡", 1.0)?;
        for entry in ctx.metrics_dict() {
            if entry.name.ends_with('💡') {
                info!("{}", entry.name);
            }
        }
        Ok(())
    }

    fn on_validation_batch_end(&mut self, _ctx: &PhaseContext) -> Result<()> {
        self.fail_at("validation");
        Ok(())
    }

    fn on_training_end(&mut self, _ctx: &PhaseContext) -> Result<()> {
        self.fail_at("end");
        Ok(())
    }
}

impl Matrix {
    fn fail_at(&self, place: &str) {
        if self.task.strip_prefix("panic-") == Some(place) {
            panic!("it broke on purpose, ⅓ 💡"); // the panic
        }
    }

    /// Takes a handle and gives it back to nobody; or asks the host so many times.
    fn turn(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.task == "costs" {
            for _ in 0..self.turns {
                ctx.global_step();
            }
        }
        if self.task != "turns" {
            return Ok(());
        }
        self.calls += 1;
        let _group = ctx.parameters()?;
        if self.calls == self.turns {
            ctx.disable_self("that is enough")?;
        }
        Ok(())
    }

    fn handles(&mut self, step: u64) -> Result<()> {
        if step == 1 {
            let one = tensor::full(&[2, 3], 1.5, Dtype::Float32, "")?;
            let two = one.add(&one, 1.0)?;
            info!("{} {}", two.sum_all()?.item()?, one.sum_all()?.item()?);
            self.kept = Some(number(7.0)?.keep()?);
        }
        if step == 2
            && let Some(kept) = self.kept.take()
        {
            info!("kept {}", kept.item()?);
            drop(kept);
            info!("released later");
        }
        Ok(())
    }

    fn stale(&mut self, step: u64) -> Result<()> {
        if step == 1 {
            self.kept = Some(number(7.0)?);
        }
        if step == 2
            && let Some(kept) = self.kept.take()
        {
            info!("{}", code(kept.item()));
        }
        Ok(())
    }

    fn show_state(&self) {
        let is_whole = self.saved.iter().copied().eq(0..=255);
        info!("state {}", if is_whole { "whole" } else { "damaged" });
    }
}

fn number(value: f64) -> Result<Tensor> {
    tensor::full(&[], value, Dtype::Float32, "")
}

/// The contract's name of the error's code.
fn code<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "no error".into(),
        Err(error) => {
            let name = format!("{:?}", error.code).replace("ErrorCode::", "");
            let mut kebab = String::new();
            for letter in name.chars() {
                if letter.is_uppercase() && !kebab.is_empty() {
                    kebab.push('-');
                }
                kebab.extend(letter.to_lowercase());
            }
            kebab
        }
    }
}

fn errors(ctx: &PhaseContext) {
    let pair = (
        tensor::full(&[2], 1.0, Dtype::Float32, ""),
        tensor::full(&[3], 1.0, Dtype::Float32, ""),
    );
    if let (Ok(two), Ok(three)) = pair {
        info!("{}", code(two.add(&three, 1.0)));
    }
    info!("{}", code(ctx.preds()));
    info!("{}", code(ctx.request_stop("batch", "")));
    info!("{}", code(tensor::zeros(&[2], Dtype::Other, "")));
    info!("{}", code(tensor::zeros(&[1 << 40], Dtype::Float32, "")));
    info!("{}", code(ctx.learning_rate("nobody")));
}

fn own_error() -> Error {
    Error {
        code: ErrorCode::Conflict,
        message: "it may not, ⅓ 💡".into(),
    }
}

fn shown_option(value: Option<u32>) -> String {
    value.map_or("none".into(), |value| format!("some {value}"))
}

fn options(ctx: &PhaseContext) -> Result<()> {
    info!("epoch {}", shown_option(ctx.epoch()));
    info!(
        "metric {}",
        shown_option(ctx.metric("nobody").map(|value| value as u32))
    );
    let three = number(3.0)?;
    info!("{}", three.clamp(None, Some(2.0))?.item()?);
    info!("{}", three.clamp(Some(5.0), None)?.item()?);
    Ok(())
}

fn lists() -> Result<()> {
    let values: Vec<f32> = (0..LARGE).map(|index| (index % 7) as f32).collect();
    let given = tensor::from_f32(&[LARGE as i64], &values, "")?;
    let sum = given.to_dtype(Dtype::Float64)?.sum_all()?.item()?;
    let back = given.read_f32(0, LARGE as u32)?;
    let read: f64 = back.iter().map(|value| f64::from(*value)).sum();
    info!("{} {sum} {read}", back.len());
    Ok(())
}

fn integers(ctx: &PhaseContext) -> Result<()> {
    let given = tensor::from_s64(&[3], &[i64::MIN, i64::MAX, -1], "")?;
    let back = given.read_s64(0, 3)?;
    info!("{} {} {}", back[0], back[1], back[2]);
    info!("{}", ctx.seed());
    info!("{}", code(given.read_s64(u64::MAX, 1)));
    Ok(())
}

/// A float as all languages write it.
fn shown(value: f64) -> String {
    match value {
        value if value.is_nan() => "nan".into(),
        value if value.is_infinite() => if value > 0.0 { "inf" } else { "-inf" }.into(),
        0.0 if value.is_sign_negative() => "-0".into(),
        value => format!("{value}"),
    }
}

fn numbers(ctx: &PhaseContext) -> Result<()> {
    let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 3.0];
    let back = tensor::from_f32(&[5], &values, "")?.read_f32(0, 5)?;
    let line: Vec<String> = back.iter().map(|value| shown((*value).into())).collect();
    info!("{}", line.join(" "));
    for value in [f64::MAX, f64::from_bits(1), f64::NEG_INFINITY] {
        let back = tensor::full(&[], value, Dtype::Float64, "")?.item()?;
        info!("{}", if back == value { "exact" } else { "changed" });
    }
    ctx.log("nan", f64::NAN)?;
    ctx.log("é ⅓ 💡", f64::MAX)
}

fn recover(step: u64) {
    assert!(step > 1, "the first strike");
    info!("alive again");
}
