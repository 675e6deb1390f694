//! Traces: what callbacks could see of a run, phase by phase, and a callback fed with it again without training. The
//! trainer knows nothing of either: a trace is written by a native callback.
//!
//! A trace is a folder of the run. `events.jsonl` has a header, a line for each phase, and an end; `tensors.bin` has the
//! bytes of the tensors that were asked for, to which the lines point. Both are appended to, bytes before the line that
//! points to them: a process that is killed leaves a trace that can be read up to its last whole line. The trace of a resumed
//! run also has the states that its callbacks went on with, so that a replay begins with them.
//!
//! | module | owns |
//! |---|---|
//! | `part` | the kinds of tensors that a trace may keep |
//! | `event` | the form of a line |
//! | `capture` | the line of a phase, from the context |
//! | `tensors` | bytes of tensors, and tensors of bytes |
//! | `states` | states that callbacks of a resumed run went on with |
//! | `writer` | the callback that writes a trace, within its bounds |
//! | `reader` | a trace on disk, which anybody may have written |
//! | `apply` | the context as it was at a line |
//! | `asked` | what a callback changed and asked for |
//! | `replay` | a callback fed with a trace |

mod apply;
mod asked;
mod capture;
mod event;
mod part;
mod reader;
mod replay;
mod states;
mod tensors;
mod writer;

pub use self::event::Header;
pub use self::part::{Part, Parts};
pub use self::reader::{TraceEnding, TraceFile, newest};
pub use self::replay::{Replay, Replayed};
pub use self::writer::{Bounds, Trace};
