//! The search for the largest cost of a function: arguments at their extremes, each smaller until it is accepted. Does not
//! know what the page says.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::phase::Phase;
use phasebox_fuzz::contract;
use phasebox_fuzz::costs::{Cost, Moment, Program, visit};

/// Tensors have at most 2 to the power of so many elements, in a long run as many as an operation may make.
const SIZE: u32 = 18;
const LONG_SIZE: u32 = 28;
/// Bytes of all that a call makes in a short run.
const SHORT_RESULTS: u64 = 64 << 20;
/// Moments that have what functions of the context need: a batch, a loss, gradients, the end of a loader.
const PHASES: [Phase; 4] = [
    Phase::TrainBatchStart,
    Phase::TrainBatchLossEnd,
    Phase::TrainBatchGradientStepStart,
    Phase::ValidationLoaderEnd,
];
/// Programs whose bytes are equal choose arguments that go together. Others are drawn until one is accepted.
const EQUAL: u8 = 10;
const DRAWN: u64 = 64;
/// The bytes of all arguments.
const ARGUMENTS: usize = 100;
/// Bytes that choose texts beyond all bounds, among them.
const BEYOND: u8 = 6;
/// Others that do, with other tensors and numbers.
const FURTHER: [u8; 5] = [14, 15, 33, 51, 70];
/// Bytes of a first call, which only tells the function's name.
const FIRST: u8 = 250;
/// Functions that one byte names.
const ONE_BYTE: usize = 240;
/// A number that names no function: what is done before a call costs as much without it.
const NOTHING: usize = 495;

/// Functions to which equal elements come cheap.
const NOISY: [&str; 7] = [
    "logger.histogram",
    "logger.image",
    "tensor.median",
    "tensor.quantile",
    "tensor.sort",
    "tensor.topk",
    "vision.draw",
];

/// Limits that count by time, by call or by handle whatever is called.
const OF_EVERY_CALL: [Limit; 7] = [
    Limit::LoadTime,
    Limit::Time,
    Limit::StepTime,
    Limit::HostTime,
    Limit::HostCalls,
    Limit::Memory,
    Limit::Handles,
];

/// Refusals of arguments that are too large, which smaller ones may not get.
const BY_SIZE: [&str; 2] = ["too-large", "quota-exceeded"];

/// A call that takes no less than this and no more is measured twice: another program may have come between.
const NOISE: Duration = Duration::from_micros(300);
const LONG_TIME: Duration = Duration::from_millis(100);

/// A refused call may take so much: the time of making its arguments, and their copy for the host.
const REFUSED_TIME: Duration = Duration::from_millis(200);
const REFUSED_MEMORY: u64 = 40 << 20;

/// The most that was measured of one function.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) time: Duration,
    pub(crate) memory: u64,
    pub(crate) disk: u64,
    pub(crate) lines: u64,
    pub(crate) was_accepted: bool,
    /// Codes of refusals of what is too large.
    pub(crate) refusals: BTreeSet<String>,
    /// The most that was charged to each limit.
    charged: BTreeMap<&'static str, Charged>,
    /// Calls that trapped, and limits that had no room and did not prevent the cost.
    pub(crate) faults: Vec<String>,
}

/// A call that was charged to a limit.
struct Charged {
    limit: Limit,
    program: Program,
    /// The amount that was used before it, and by it.
    before: u64,
    amount: u64,
}

/// Measures a function by the monkey's number. Answers its name, too.
pub(crate) fn measured(number: usize) -> (String, Measured) {
    let search = Rc::new(RefCell::new(Search::new(number)));
    let visitor = Rc::clone(&search);
    visit(&PHASES, move |moment| visitor.borrow_mut().visit(moment));
    let search = search.take();
    (search.name, search.measured)
}

/// The search for one function.
#[derive(Default)]
struct Search {
    number: usize,
    name: String,
    /// Its arguments, as the contract has them.
    given: String,
    measured: Measured,
    /// The cost of a turn without a call, by phase and size.
    nothing: BTreeMap<(usize, u32), Cost>,
}

impl Search {
    fn new(number: usize) -> Search {
        Search {
            number,
            ..Search::default()
        }
    }

    /// Tries arguments at a moment, if no earlier moment had what the function needs.
    fn visit(&mut self, moment: &mut Moment<'_>) {
        if self.measured.was_accepted {
            return;
        }
        self.find_name(moment);
        for byte in 0..self.choices() {
            self.descend(moment, &[byte; ARGUMENTS], byte == BEYOND);
        }
        for byte in FURTHER {
            if self.takes_text() && !self.measured.refusals.contains("too-large") {
                self.descend(moment, &[byte; ARGUMENTS], true);
            }
        }
        for index in 1..=DRAWN {
            if self.measured.was_accepted {
                break;
            }
            self.descend(moment, &drawn(index), false);
        }
        self.check_charges(moment);
    }

    fn find_name(&mut self, moment: &mut Moment<'_>) {
        let cost = moment.measure(&self.program(&[FIRST; ARGUMENTS], 1));
        if let Some(answer) = cost.answer {
            self.name = answer.function;
            self.given = contract::given(&self.name);
        }
    }

    fn takes_text(&self) -> bool {
        self.given.contains("string")
    }

    /// Programs of equal bytes; one where nothing is to be chosen.
    fn choices(&self) -> u8 {
        let is_operation = self.name.starts_with("tensor");
        match self.given.is_empty() && !is_operation {
            true => 1,
            false => EQUAL,
        }
    }

    /// Makes the call with smaller and smaller tensors until it is accepted, or refused for another reason.
    fn descend(&mut self, moment: &mut Moment<'_>, bytes: &[u8], only_once: bool) {
        for size in (1..=most_size()).rev() {
            let program = self.program(bytes, size);
            let cost = moment.measure(&program);
            if cost.has_trapped {
                self.measured.faults.push(format!("traps with {bytes:?}"));
            }
            let Some(answer) = cost.answer.clone() else {
                return;
            };
            self.add(moment, &program, &cost, answer.refusal.as_deref());
            let is_smaller_next = answer.refusal.is_some_and(|code| BY_SIZE.contains(&&*code));
            if only_once || !is_smaller_next {
                return;
            }
        }
    }

    fn program(&self, arguments: &[u8], size: u32) -> Program {
        let mut bytes = named(self.number);
        bytes.extend(arguments);
        Program {
            bytes,
            size,
            noise: NOISY.iter().any(|name| self.name.starts_with(name)),
            limits: limits(),
        }
    }

    fn nothing(&mut self, moment: &mut Moment<'_>, program: &Program) -> Cost {
        let key = (moment.phase as usize, program.size);
        let known = self.nothing.entry(key).or_insert_with(|| {
            let bytes = named(NOTHING);
            let program = Program {
                bytes,
                ..program.clone()
            };
            let first = moment.measure(&program);
            let second = moment.measure(&program);
            if first.time < second.time {
                first
            } else {
                second
            }
        });
        known.clone()
    }

    fn add(
        &mut self,
        moment: &mut Moment<'_>,
        program: &Program,
        cost: &Cost,
        refusal: Option<&str>,
    ) {
        let nothing = self.nothing(moment, program);
        let mut time = cost.time.saturating_sub(nothing.time);
        if time > self.measured.time && (NOISE..LONG_TIME).contains(&time) {
            let again = moment.measure(program).time;
            time = time.min(again.saturating_sub(nothing.time));
        }
        let most = &mut self.measured;
        most.time = most.time.max(time);
        most.memory = most.memory.max(cost.memory.saturating_sub(nothing.memory));
        most.disk = most.disk.max(cost.disk);
        most.lines = most.lines.max(cost.lines);
        match refusal {
            None => most.accept(program, &nothing, cost),
            Some(code) if BY_SIZE.contains(&code) => drop(most.refusals.insert(code.to_owned())),
            Some(_) => {}
        }
    }

    /// Makes the dearest call for each limit once more, with nothing left: it must be refused by that limit, and cost next to
    /// nothing.
    fn check_charges(&mut self, moment: &mut Moment<'_>) {
        let charged = std::mem::take(&mut self.measured.charged);
        for charged in charged.values() {
            let limits = limits().with(charged.limit, charged.before);
            let program = Program {
                limits,
                ..charged.program.clone()
            };
            let cost = moment.measure(&program);
            let nothing = self.nothing(moment, &charged.program);
            let time = cost.time.saturating_sub(nothing.time);
            let memory = cost.memory.saturating_sub(nothing.memory);
            let is_refused = cost.refused[charged.limit as usize] > 0;
            let is_cheap = time <= REFUSED_TIME && memory <= REFUSED_MEMORY && cost.disk == 0;
            if !(is_refused && is_cheap) {
                let key = charged.limit.key();
                self.measured.faults.push(format!(
                    "without room in `{key}` (for {}): refused {is_refused}, {time:?}, {memory} bytes, {} on disk",
                    charged.amount, cost.disk
                ));
            }
        }
        self.measured.charged = charged;
    }
}

impl Measured {
    fn accept(&mut self, program: &Program, nothing: &Cost, cost: &Cost) {
        self.was_accepted = true;
        for limit in Limit::ALL
            .into_iter()
            .filter(|limit| !OF_EVERY_CALL.contains(limit))
        {
            let before = nothing.used[limit as usize];
            let amount = cost.used[limit as usize].saturating_sub(before);
            let known = self.charged.get(limit.key());
            if amount > known.map_or(0, |known| known.amount) {
                let program = program.clone();
                let charged = Charged {
                    limit,
                    program,
                    before,
                    amount,
                };
                self.charged.insert(limit.key(), charged);
            }
        }
    }

    /// The limits that calls were charged to.
    pub(crate) fn limits(&self) -> Vec<String> {
        self.charged.keys().map(|key| (*key).to_owned()).collect()
    }

    /// All that was measured, for people.
    pub(crate) fn shown(&self) -> String {
        let (time, memory, disk, lines) = (self.time, self.memory, self.disk, self.lines);
        let (limits, refusals) = (self.limits(), &self.refusals);
        format!("{time:?}, {memory} bytes, {disk} on disk, {lines} lines, {limits:?}, {refusals:?}")
    }
}

fn is_long() -> bool {
    std::env::var_os("PHASEBOX_TEST_LONG").is_some()
}

/// The most elements of tensors, as a power of 2.
pub(crate) fn most_size() -> u32 {
    if is_long() { LONG_SIZE } else { SIZE }
}

/// The limits that everybody has; in a short run, large results are left out.
fn limits() -> Limits {
    match is_long() {
        true => Limits::default(),
        false => Limits::default().with(Limit::CallTensors, SHORT_RESULTS),
    }
}

/// The bytes that name a function, by the monkey's number.
fn named(number: usize) -> Vec<u8> {
    match number.checked_sub(ONE_BYTE) {
        None => vec![number as u8],
        Some(beyond) => vec![ONE_BYTE as u8, beyond as u8],
    }
}

/// Bytes that are equal on every machine: Marsaglia's xorshift64.
fn drawn(seed: u64) -> Vec<u8> {
    let mut random = 0x9e37_79b9_7f4a_7c15 ^ seed;
    let next = std::iter::repeat_with(|| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as u8
    });
    next.take(ARGUMENTS).collect()
}
