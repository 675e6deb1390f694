//! A hostile callback: makes the one attack that `params: {attack: …}` names, and tells how it was answered. Which
//! answer is right is for `tests/it/sandbox` to say.

mod objects;
mod rights;
mod sizes;
mod texts;
mod time;

use phasebox_sdk::prelude::*;

/// When an attack is made.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    /// On-train-batch-start: no gradients are recorded.
    Start,
    /// On-train-batch-loss-end: they are.
    Loss,
    /// On-train-batch-backward-end: they are there.
    Gradients,
}

/// Handles and counts that an attack keeps from one call to the next.
#[derive(Default)]
struct Held {
    calls: u32,
    /// Set if the attack goes on in the next call.
    again: bool,
    tensors: Vec<Tensor>,
    groups: Vec<TensorGroup>,
    number: u32,
}

type Strike = fn(&mut Held, &PhaseContext) -> Result<()>;

/// Names, moments and functions.
macro_rules! attacks {
    ($($moment:ident: $($name:ident)*;)*) => {
        pub(crate) const ATTACKS: &[(&str, crate::Moment, crate::Strike)] =
            &[$($((stringify!($name), crate::Moment::$moment, $name),)*)*];
    };
}
pub(crate) use attacks;

/// Makes one attack.
#[derive(Parameters)]
struct Attacks {
    /// Its name.
    attack: String,
    #[skip]
    held: Held,
    #[skip]
    is_over: bool,
    #[skip]
    answer: String,
}

#[callback]
impl Attacks {
    fn configure(&mut self) -> Result<()> {
        self.find().map(drop)
    }

    fn on_train_batch_start(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.strike(Moment::Start, ctx)
    }

    fn on_train_batch_loss_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.strike(Moment::Loss, ctx)
    }

    fn on_train_batch_backward_end(&mut self, ctx: &PhaseContext) -> Result<()> {
        self.strike(Moment::Gradients, ctx)
    }

    /// In a step of its own: the attack may have used up what may be logged in another.
    fn on_epoch_end(&mut self, _: &PhaseContext) -> Result<()> {
        info!("answer: {}", self.answer);
        Ok(())
    }
}

impl Attacks {
    fn find(&self) -> Result<(Moment, Strike)> {
        let all = [
            objects::ATTACKS,
            rights::ATTACKS,
            sizes::ATTACKS,
            texts::ATTACKS,
            time::ATTACKS,
        ];
        let found = all
            .into_iter()
            .flatten()
            .find(|(name, ..)| *name == self.attack);
        found
            .map(|(_, moment, strike)| (*moment, *strike))
            .ok_or_else(|| Error::invalid(format!("there is no attack `{}`", self.attack)))
    }

    fn strike(&mut self, now: Moment, ctx: &PhaseContext) -> Result<()> {
        let (moment, strike) = self.find()?;
        if self.is_over || now != moment {
            return Ok(());
        }
        self.held.again = false;
        self.held.calls += 1;
        let answer = strike(&mut self.held, ctx);
        self.is_over = !self.held.again;
        if self.attack.starts_with("fails_with") {
            return answer;
        }
        self.answer = answer.map_or_else(|error| told(&error), |()| "ok".to_owned());
        Ok(())
    }
}

fn told(error: &Error) -> String {
    format!("{:?}: {}", error.code, error.message)
}

/// Checks that each of these was refused with one of `codes`, and names those that were not.
fn all_refused(codes: &[ErrorCode], answers: Vec<(&str, Result<()>)>) -> Result<()> {
    let wrong = answers
        .into_iter()
        .filter_map(|(name, answer)| match answer {
            Err(error) if codes.contains(&error.code) => None,
            Err(error) => Some(format!("{name}: {}", told(&error))),
            Ok(()) => Some(format!("{name} was let through")),
        });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::other(wrong.join("; ")))
    }
}
