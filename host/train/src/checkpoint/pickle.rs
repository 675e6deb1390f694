//! Reads the pickle of a state dict without running any of it: containers, texts, numbers, and the calls that rebuild
//! tensors. A name of Python is a name here, and a call of anything else gives a value that nobody looks into. Knows no
//! file and no tensor's bytes.
//!
//! The opcodes are those that `torch.save` writes (protocol 1 to 5, Python's `pickletools`). All values live in one list, so that
//! neither a cycle nor a depth of containers costs more than its bytes in the file.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};

/// A value; containers are in [`Pickle::containers`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing that a state dict needs: a call, an object, bytes.
    Opaque,
    Int(i64),
    Text(Rc<str>),
    /// `module name` of a class or function.
    Global(Rc<str>),
    /// The index of a tuple or list, whose items are in order.
    List(usize),
    /// The index of a dict, whose keys and values alternate.
    Dict(usize),
    /// The index of the five facts of a storage.
    Storage(usize),
    /// The index of the arguments that rebuild a tensor.
    Tensor(usize),
    /// A tensor of another kind: the name of the function that rebuilds it, and the index of its arguments.
    Foreign(Rc<str>, usize),
}

/// A pickle that was read.
pub(super) struct Pickle {
    /// The value of the whole.
    pub(super) root: Value,
    containers: Vec<Vec<Value>>,
}

impl Pickle {
    /// Reads all opcodes.
    ///
    /// # Errors
    /// An opcode that no state dict has, an end too early, or too many bytes.
    pub(super) fn read(bytes: &[u8]) -> Result<Pickle> {
        let length = bytes.len();
        ensure!(
            length <= MOST_BYTES,
            "it has {length} bytes, and at most {MOST_BYTES} are read\nhint: save the state dict alone"
        );
        let mut machine = Machine {
            rest: bytes,
            most_stored: length.min(MOST_STEPS),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
            containers: Vec::new(),
        };
        let mut steps = 0;
        while machine.step()? {
            steps += 1;
            ensure!(
                steps < MOST_STEPS,
                "it has {MOST_STEPS} opcodes or more\nhint: save the state dict alone"
            );
        }
        Ok(Pickle {
            root: machine.pop()?,
            containers: machine.containers,
        })
    }

    /// The items of a tuple, a list, a storage's facts or a tensor's arguments; none of other values.
    pub(super) fn items(&self, value: &Value) -> &[Value] {
        match value {
            Value::List(index)
            | Value::Storage(index)
            | Value::Tensor(index)
            | Value::Foreign(_, index) => &self.containers[*index],
            _ => &[],
        }
    }

    /// The entries of a dict whose keys are texts, the last of each key as in Python; none of other values.
    pub(super) fn entries(&self, value: &Value) -> BTreeMap<&str, &Value> {
        let Value::Dict(index) = value else {
            return BTreeMap::new();
        };
        let pairs = self.containers[*index].chunks_exact(2);
        let named = pairs.filter_map(|pair| match &pair[0] {
            Value::Text(name) => Some((&**name, &pair[1])),
            _ => None,
        });
        named.collect()
    }
}

/// The stack machine that opcodes are for.
struct Machine<'a> {
    rest: &'a [u8],
    /// The most values in the memo: a pickle stores no more than it has bytes.
    most_stored: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: Vec<Value>,
    containers: Vec<Vec<Value>>,
}

/// The most bytes of a pickle. Pickles of state dicts have some hundred bytes a tensor, as its numbers lie elsewhere.
const MOST_BYTES: usize = 64 << 20;
/// The most opcodes of a pickle, of which a tensor takes some forty: the value of each takes up to 60 bytes of memory.
const MOST_STEPS: usize = 1 << 21;

impl<'a> Machine<'a> {
    /// Does what the next opcode says; false after the last.
    fn step(&mut self) -> Result<bool> {
        let [opcode] = self.take()?;
        match opcode {
            b'.' => return Ok(false),
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            b'(' => self.marks.push(self.stack.len()),
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.remember(opcode)?,
            b'N' | 0x88 | 0x89 => self.stack.push(Value::Opaque),
            b'G' => self.opaque(8)?,
            b'J' | b'K' | b'M' | 0x8a | 0x8b => self.integer(opcode)?,
            b'I' | b'L' => self.written_number()?,
            b'X' | 0x8c | 0x8d => self.text(opcode)?,
            b'B' | b'C' | b'T' | b'U' | 0x8e | 0x96 => self.bytes(opcode)?,
            b']' | b'}' | b')' | 0x8f => self.empty(opcode),
            b't' | b'l' | b'd' | 0x85..=0x87 | 0x91 => self.filled(opcode)?,
            b's' | b'u' | b'a' | b'e' | 0x90 => self.extend(opcode)?,
            b'c' | 0x93 => self.global(opcode)?,
            b'R' | 0x81 | 0x92 | b'b' => self.call(opcode)?,
            b'Q' => self.storage()?,
            b'P' | b'V' | b'S' | b'F' | b'p' | b'g' => {
                bail!("protocol 0 of pickle\nhint: save it without `pickle_protocol=0`")
            }
            b'2' => self.stack.push(self.top()?.clone()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            other => bail!("opcode {other:#04x}, which no state dict has"),
        }
        Ok(true)
    }

    /// Stores the top of the stack in the memo, or pushes what is stored there.
    fn remember(&mut self, opcode: u8) -> Result<()> {
        let index = match opcode {
            b'q' | b'h' => self.number(1)?,
            0x94 => self.memo.len(),
            _ => self.number(4)?,
        };
        if matches!(opcode, b'h' | b'j') {
            let value = self
                .memo
                .get(index)
                .context("a value that was never stored")?;
            self.stack.push(value.clone());
            return Ok(());
        }
        let most = self.most_stored;
        ensure!(index < most, "more than {most} stored values");
        let value = self.top()?.clone();
        if index >= self.memo.len() {
            self.memo.resize(index + 1, Value::Opaque);
        }
        self.memo[index] = value;
        Ok(())
    }

    fn integer(&mut self, opcode: u8) -> Result<()> {
        let value = match opcode {
            b'J' => Value::Int(i32::from_le_bytes(self.take()?).into()),
            b'K' => Value::Int(self.number(1)? as i64),
            b'M' => Value::Int(self.number(2)? as i64),
            _ => {
                let length = self.number(if opcode == 0x8a { 1 } else { 4 })?;
                long(self.slice(length)?)
            }
        };
        self.stack.push(value);
        Ok(())
    }

    /// A number in decimal digits, as protocol 1 has its large ones and its truth values.
    fn written_number(&mut self) -> Result<()> {
        let line = self.line()?;
        let number = line.trim_end_matches('L').parse();
        self.stack.push(number.map_or(Value::Opaque, Value::Int));
        Ok(())
    }

    /// A text. Half of a surrogate pair, which UTF-8 has no place for, becomes U+FFFD.
    fn text(&mut self, opcode: u8) -> Result<()> {
        let length = match opcode {
            0x8c => self.number(1)?,
            b'X' => self.number(4)?,
            _ => self.number(8)?,
        };
        let text = String::from_utf8_lossy(self.slice(length)?);
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn bytes(&mut self, opcode: u8) -> Result<()> {
        let length = match opcode {
            b'C' | b'U' => self.number(1)?,
            0x8e | 0x96 => self.number(8)?,
            _ => self.number(4)?,
        };
        self.opaque(length)
    }

    /// A value of so many bytes that nobody looks into.
    fn opaque(&mut self, length: usize) -> Result<()> {
        self.skip(length)?;
        self.stack.push(Value::Opaque);
        Ok(())
    }

    fn empty(&mut self, opcode: u8) {
        let index = self.container(Vec::new());
        self.stack.push(match opcode {
            b'}' => Value::Dict(index),
            _ => Value::List(index),
        });
    }

    /// A container of the values since the mark, or of the last one to three.
    fn filled(&mut self, opcode: u8) -> Result<()> {
        let items = match opcode {
            0x85..=0x87 => self.last(usize::from(opcode - 0x84))?,
            _ => self.marked()?,
        };
        let index = self.container(items);
        self.stack.push(match opcode {
            b'd' => Value::Dict(index),
            _ => Value::List(index),
        });
        Ok(())
    }

    /// Adds to the container below.
    fn extend(&mut self, opcode: u8) -> Result<()> {
        let items = match opcode {
            b's' => self.last(2)?,
            b'a' => self.last(1)?,
            _ => self.marked()?,
        };
        match self.stack.last() {
            Some(Value::List(index) | Value::Dict(index)) => self.containers[*index].extend(items),
            Some(Value::Opaque) => {}
            _ => bail!("items for what is no container"),
        }
        Ok(())
    }

    fn global(&mut self, opcode: u8) -> Result<()> {
        let name = if opcode == b'c' {
            format!("{} {}", self.line()?, self.line()?)
        } else {
            match self.last(2)?.as_slice() {
                [Value::Text(module), Value::Text(name)] => format!("{module} {name}"),
                _ => bail!("a name that is no text"),
            }
        };
        self.stack.push(Value::Global(name.into()));
        Ok(())
    }

    /// Puts the result of a call on the stack: a tensor, an empty dict, or something that nobody looks into. Nothing is
    /// called.
    fn call(&mut self, opcode: u8) -> Result<()> {
        let arguments = self.pop()?;
        if opcode == 0x92 {
            self.pop()?;
        }
        if opcode == b'b' {
            // The attributes of the object below, such as the versions of modules in a state dict.
            return Ok(());
        }
        let called = self.pop()?;
        let value = match (called, arguments) {
            (Value::Global(name), Value::List(index)) => self.result(name, index),
            _ => Value::Opaque,
        };
        self.stack.push(value);
        Ok(())
    }

    /// The result of a function of Python.
    fn result(&mut self, name: Rc<str>, arguments: usize) -> Value {
        match &*name {
            "collections OrderedDict" | "collections defaultdict" => {
                Value::Dict(self.container(Vec::new()))
            }
            "torch._utils _rebuild_parameter" | "torch._utils _rebuild_parameter_with_state" => {
                let first = self.containers[arguments].first();
                first.cloned().unwrap_or(Value::Opaque)
            }
            // A tensor with attributes, or of a class of its own: the function, the class, its arguments, the attributes.
            "torch._tensor _rebuild_from_type_v2" => match self.containers[arguments].as_slice() {
                [Value::Global(name), _, Value::List(index), ..] => rebuilt(name.clone(), *index),
                _ => Value::Foreign(name, arguments),
            },
            _ => rebuilt(name, arguments),
        }
    }

    fn storage(&mut self) -> Result<()> {
        let value = match self.pop()? {
            Value::List(index) => Value::Storage(index),
            _ => Value::Opaque,
        };
        self.stack.push(value);
        Ok(())
    }

    fn container(&mut self, items: Vec<Value>) -> usize {
        self.containers.push(items);
        self.containers.len() - 1
    }

    fn top(&self) -> Result<&Value> {
        self.stack.last().context("an empty stack")
    }

    fn pop(&mut self) -> Result<Value> {
        self.stack.pop().context("an empty stack")
    }

    fn last(&mut self, count: usize) -> Result<Vec<Value>> {
        let from = self.stack.len().checked_sub(count);
        Ok(self.stack.split_off(from.context("an empty stack")?))
    }

    fn marked(&mut self) -> Result<Vec<Value>> {
        let mark = self.marks.pop().context("no mark")?;
        ensure!(mark <= self.stack.len(), "a mark beyond the stack");
        Ok(self.stack.split_off(mark))
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .context("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn skip(&mut self, length: usize) -> Result<()> {
        self.slice(length).map(drop)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.slice(N)?.try_into()?)
    }

    /// A little-endian number of up to 8 bytes.
    fn number(&mut self, size: usize) -> Result<usize> {
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(self.slice(size)?);
        Ok(usize::try_from(u64::from_le_bytes(wide))?)
    }

    fn line(&mut self) -> Result<String> {
        let length = self.rest.iter().position(|&byte| byte == b'\n');
        let line = self.slice(length.context("it ends too early")?)?;
        let line = String::from_utf8_lossy(line).into_owned();
        self.skip(1)?;
        Ok(line)
    }
}

/// The tensor that a function of PyTorch makes, or something that nobody looks into.
fn rebuilt(name: Rc<str>, arguments: usize) -> Value {
    match &*name {
        "torch._utils _rebuild_tensor_v2" => Value::Tensor(arguments),
        other if other.starts_with("torch._utils _rebuild_") => Value::Foreign(name, arguments),
        _ => Value::Opaque,
    }
}

/// A number of any length, if 64 bits hold it.
fn long(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Opaque;
    }
    let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if is_negative { 0xff } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(wide))
}
