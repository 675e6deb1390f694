//! Values that a script gives to a function, one after the other. Owns the words about a value of a wrong kind; a whole
//! number is taken where a number is wanted.

use std::rc::Rc;

use phasebox_sdk::prelude::*;
use rhai::{Array, Dynamic, Engine, ImmutableString};

use crate::answers::{Awaited, Handle};
use crate::fault::{Fault, refused};

/// The values of one call that have not been read yet.
pub(crate) struct Arguments<'a, 'b> {
    engine: &'a Engine,
    function: &'a str,
    values: &'a [&'b mut Dynamic],
    next: usize,
    /// The number of values before those in parentheses: 1 where the call has a receiver.
    receivers: usize,
}

/// A tensor or a number, where either fits.
pub(crate) enum Operand {
    Tensor(Rc<Tensor>),
    Number(f64),
}

impl<'a, 'b> Arguments<'a, 'b> {
    pub(crate) fn new(
        engine: &'a Engine,
        function: &'a str,
        values: &'a [&'b mut Dynamic],
        receivers: usize,
    ) -> Self {
        Self {
            engine,
            function,
            values,
            next: 0,
            receivers,
        }
    }

    /// Goes on behind the receiver.
    pub(crate) fn skip_receiver(&mut self) {
        self.next = self.receivers;
    }

    /// True if no value is left.
    pub(crate) fn is_done(&self) -> bool {
        self.next >= self.values.len()
    }

    /// The number of values that are left.
    pub(crate) fn left(&self) -> usize {
        self.values.len().saturating_sub(self.next)
    }

    /// The handle of some kind that comes next.
    pub(crate) fn handle<T: 'static>(&mut self, wanted: &str) -> Result<Rc<T>, Fault> {
        let value = self.take()?;
        let handle = value
            .read_lock::<Handle<T>>()
            .map(|handle| handle.0.clone());
        handle.map_or_else(|| self.unfit(wanted), Ok)
    }

    pub(crate) fn tensor(&mut self) -> Result<Rc<Tensor>, Fault> {
        self.handle("a tensor")
    }

    pub(crate) fn group(&mut self) -> Result<Rc<TensorGroup>, Fault> {
        self.handle("a group of tensors")
    }

    pub(crate) fn awaited(&mut self) -> Result<Awaited, Fault> {
        let value = self.take()?;
        let awaited = value.read_lock::<Awaited>().map(|awaited| awaited.clone());
        awaited.map_or_else(|| self.unfit("a deferred number"), Ok)
    }

    pub(crate) fn number(&mut self) -> Result<f64, Fault> {
        let value = self.take()?;
        number(value).map_or_else(|| self.unfit("a number"), Ok)
    }

    /// A number, or `default` if nothing is left.
    pub(crate) fn number_or(&mut self, default: f64) -> Result<f64, Fault> {
        match self.is_done() {
            true => Ok(default),
            false => self.number(),
        }
    }

    /// A number, or nothing for `()`.
    pub(crate) fn bound(&mut self) -> Result<Option<f64>, Fault> {
        let value = self.take()?;
        match number(value) {
            None if !value.is_unit() => self.unfit("a number or `()`"),
            bound => Ok(bound),
        }
    }

    pub(crate) fn whole(&mut self) -> Result<i64, Fault> {
        let value = self.take()?;
        let whole = value.as_int();
        whole.or_else(|_| self.unfit("a whole number"))
    }

    pub(crate) fn whole_or(&mut self, default: i64) -> Result<i64, Fault> {
        match self.is_done() {
            true => Ok(default),
            false => self.whole(),
        }
    }

    /// A whole number from 0 to 2³² − 1.
    pub(crate) fn count(&mut self) -> Result<u32, Fault> {
        let value = self.take()?;
        let count = value
            .as_int()
            .ok()
            .and_then(|whole| u32::try_from(whole).ok());
        count.map_or_else(|| self.unfit("a whole number from 0 on"), Ok)
    }

    pub(crate) fn count_or(&mut self, default: u32) -> Result<u32, Fault> {
        match self.is_done() {
            true => Ok(default),
            false => self.count(),
        }
    }

    pub(crate) fn flag_or(&mut self, default: bool) -> Result<bool, Fault> {
        if self.is_done() {
            return Ok(default);
        }
        let value = self.take()?;
        let flag = value.as_bool();
        flag.or_else(|_| self.unfit("true or false"))
    }

    pub(crate) fn text(&mut self) -> Result<ImmutableString, Fault> {
        let value = self.take()?;
        let text = value.clone().into_immutable_string();
        text.or_else(|_| self.unfit("a text"))
    }

    pub(crate) fn text_or(&mut self, default: &str) -> Result<ImmutableString, Fault> {
        match self.is_done() {
            true => Ok(default.into()),
            false => self.text(),
        }
    }

    /// Whole numbers: a list of them, one, or none if nothing is left.
    pub(crate) fn wholes(&mut self) -> Result<Vec<i64>, Fault> {
        if self.is_done() {
            return Ok(Vec::new());
        }
        let value = self.take()?;
        let wholes = match value.as_int() {
            Ok(one) => Some(vec![one]),
            Err(_) => list(value, |value| value.as_int().ok()),
        };
        wholes.map_or_else(|| self.unfit("a list of whole numbers"), Ok)
    }

    pub(crate) fn numbers(&mut self) -> Result<Vec<f64>, Fault> {
        let value = self.take()?;
        list(value, number).map_or_else(|| self.unfit("a list of numbers"), Ok)
    }

    pub(crate) fn tensors(&mut self) -> Result<Vec<Rc<Tensor>>, Fault> {
        let value = self.take()?;
        let tensors = list(value, tensor);
        tensors.map_or_else(|| self.unfit("a list of tensors"), Ok)
    }

    pub(crate) fn operand(&mut self) -> Result<Operand, Fault> {
        let value = self.take()?;
        let operand = match number(value) {
            Some(number) => Some(Operand::Number(number)),
            None => tensor(value).map(Operand::Tensor),
        };
        operand.map_or_else(|| self.unfit("a tensor or a number"), Ok)
    }

    /// An element type by PyTorch's name, or `default` if nothing is left.
    pub(crate) fn dtype_or(&mut self, default: Dtype) -> Result<Dtype, Fault> {
        if self.is_done() {
            return Ok(default);
        }
        let name = self.text()?;
        let row = DTYPES.iter().find(|(_, known)| *known == name.as_str());
        match row {
            Some((dtype, _)) => Ok(*dtype),
            None => {
                let known: Vec<&str> = DTYPES.iter().map(|(_, name)| *name).collect();
                refused(format!(
                    "`{}`: no dtype is called `{name}`; known: {}",
                    self.function,
                    known.join(", ")
                ))
            }
        }
    }

    /// Any value.
    pub(crate) fn value(&mut self) -> Result<&'a Dynamic, Fault> {
        self.take()
    }

    fn take(&mut self) -> Result<&'a Dynamic, Fault> {
        let values: &'a [&'b mut Dynamic] = self.values;
        self.next += 1;
        match values.get(self.next - 1) {
            Some(value) => Ok(value),
            None => refused(format!("`{}` wants one value more", self.function)),
        }
    }

    /// Refuses the value that was taken last.
    fn unfit<T>(&self, wanted: &str) -> Result<T, Fault> {
        let found = self.values.get(self.next - 1);
        let found = found.map_or("nothing", |value| value.type_name());
        let found = match self.engine.map_type_name(found) {
            "i64" => "whole number",
            "f64" => "number with a fraction",
            "string" => "text",
            "array" => "list",
            "()" => "value that is nothing: `()`",
            other => other,
        };
        let at = match self.next.checked_sub(self.receivers) {
            Some(at @ 1..) => format!("value {at}"),
            _ => "the value before the dot".to_owned(),
        };
        let function = self.function;
        refused(format!(
            "`{function}`: {at} must be {wanted}, not a {found}"
        ))
    }
}

fn number(value: &Dynamic) -> Option<f64> {
    let whole = || value.as_int().ok().map(|whole| whole as f64);
    value.as_float().ok().or_else(whole)
}

fn tensor(value: &Dynamic) -> Option<Rc<Tensor>> {
    let handle = value.read_lock::<Handle<Tensor>>()?;
    Some(handle.0.clone())
}

fn list<T>(value: &Dynamic, item: fn(&Dynamic) -> Option<T>) -> Option<Vec<T>> {
    let values = value.read_lock::<Array>()?;
    values.iter().map(item).collect()
}

/// The element types that can be made, by PyTorch's names.
pub(crate) const DTYPES: [(Dtype, &str); 10] = [
    (Dtype::Uint8, "uint8"),
    (Dtype::Int8, "int8"),
    (Dtype::Int16, "int16"),
    (Dtype::Int32, "int32"),
    (Dtype::Int64, "int64"),
    (Dtype::Float16, "float16"),
    (Dtype::Bfloat16, "bfloat16"),
    (Dtype::Float32, "float32"),
    (Dtype::Float64, "float64"),
    (Dtype::Boolean, "bool"),
];
