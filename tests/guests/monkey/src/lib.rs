//! A callback that does what its bytes say: at every phase a few calls of the contract, on handles that are live,
//! stale or kept, with arguments drawn from the same bytes. For `host/fuzz`; it never fails on its own account.
//!
//! `bytes` draws arguments and `extremes` the largest, `hands` holds what calls have given, `calls` lists every function of
//! the contract.

mod bytes;
mod calls;
mod extremes;
mod hands;

use phasebox_sdk::prelude::*;

use bytes::Bytes;
use calls::CALLS;
use hands::Hands;

/// Calls the host as its bytes say.
#[derive(Parameters)]
struct Monkey {
    /// Two hexadecimal digits a byte.
    program: String,
    /// Tensors have 2 to the power of so many elements, and other arguments are at their extremes; 0 for small ones.
    #[default(0)]
    extremes: u32,
    /// With extremes: images and a tensor are noise.
    #[default(false)]
    noise: bool,
    #[skip]
    bytes: Bytes,
    #[skip]
    hands: Hands,
    /// For each function: whether it was called, and whether the host ever said yes.
    #[skip]
    tried: Vec<(bool, bool)>,
    /// The code of the last refusal.
    #[skip]
    refusal: Option<ErrorCode>,
}

#[callback]
impl Monkey {
    fn configure(&mut self) -> Result<()> {
        self.bytes = Bytes::from_hexadecimal(&self.program, self.extremes);
        self.tried = vec![(false, false); CALLS.len()];
        Ok(())
    }

    fn on_every_phase(&mut self, ctx: &PhaseContext) -> Result<()> {
        if !self.bytes.is_empty() {
            self.hands.pick_up(ctx);
            if self.extremes > 0 {
                let noise = self.noise;
                self.hands.pick_up_extremes(ctx, self.extremes, noise);
            }
            self.play(Some(ctx));
        }
        Ok(())
    }

    /// Plays on, without a context, and tells which functions were called and which of them ever succeeded.
    fn save_state(&mut self) -> Result<Vec<u8>> {
        self.play(None);
        let tried = CALLS
            .iter()
            .zip(&self.tried)
            .filter(|(_, (called, _))| *called);
        let refusal = self.refusal;
        let lines = tried.map(|((name, _), (_, succeeded))| match refusal {
            Some(code) if self.extremes > 0 => format!("{name} {succeeded} {code:?}\n"),
            _ => format!("{name} {succeeded}\n"),
        });
        Ok(lines.collect::<String>().into_bytes())
    }

    fn load_state(&mut self, _: &[u8]) -> Result<()> {
        self.play(None);
        Ok(())
    }
}

impl Monkey {
    /// A call, then its arguments. What names no function ends the turn.
    fn play(&mut self, ctx: Option<&PhaseContext>) {
        while let Some(chosen) = self.bytes.call() {
            let Some((_, call)) = CALLS.get(chosen) else {
                return;
            };
            // Nothing is held of what the call needs: as good as a call that is refused.
            let Some(answer) = call(&mut self.bytes, &self.hands, ctx) else {
                match self.extremes {
                    0 => continue,
                    _ => return self.bytes.end(),
                }
            };
            self.refusal = answer.refusal();
            let tried = &mut self.tried[chosen];
            *tried = (true, tried.1 | answer.succeeded());
            self.hands.take(answer, &mut self.bytes);
            if self.extremes > 0 {
                return self.bytes.end();
            }
        }
    }
}
