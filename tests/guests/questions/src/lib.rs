//! Asks for what must be refused with an error, and logs how each question was answered. `tests/it/contract_errors.rs` says what the
//! answers have to be.

mod groups;
mod launder;
mod nonsense;
mod rights;

use phasebox_sdk::prelude::*;

/// Asks the questions of one kind.
#[derive(Parameters)]
struct Questions {
    /// `groups`, `launder`, `nonsense` or `rights`.
    ask: String,
    #[skip]
    calls: u32,
    /// A tensor of the call before.
    #[skip]
    stale: Vec<Tensor>,
}

#[callback]
impl Questions {
    fn on_train_batch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.ask == "launder" {
            launder::batch(ctx)
        } else {
            Ok(())
        }
    }

    fn on_train_batch_loss_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        if self.ask == "launder" {
            launder::loss(ctx)
        } else {
            Ok(())
        }
    }

    fn on_train_batch_optimizer_stepped(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.calls += 1;
        match (self.ask.as_str(), self.calls) {
            ("launder", _) => launder::network(ctx),
            ("nonsense", 1) => {
                self.stale.push(ctx.inputs()?.neg()?);
                nonsense::all(ctx)
            }
            ("nonsense", _) => {
                self.stale
                    .drain(..)
                    .for_each(|handle| nonsense::stale(&handle));
                Ok(())
            }
            ("rights", 1) => rights::all(ctx),
            ("groups", 1) => groups::all(ctx),
            _ => Ok(()),
        }
    }
}

/// Logs how something was answered: the code, and for people the message.
fn tell<T>(what: &str, answer: Result<T>) {
    let answer = answer.map_or_else(
        |error| format!("{} | {}", code(&error), error.message),
        |_| "ok".to_owned(),
    );
    info!("{what} = {answer}");
}

fn code(error: &Error) -> String {
    format!("{:?}", error.code)
        .trim_start_matches("ErrorCode::")
        .to_owned()
}
