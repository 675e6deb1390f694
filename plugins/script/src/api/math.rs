//! Arithmetic, comparisons and reductions of tensors, and the values that come back from the device.

use std::any::TypeId;
use std::rc::Rc;

use phasebox_sdk::prelude::*;
use rhai::{Dynamic, Engine, NativeCallContext};

use super::{Of, Row, own};
use crate::answers::{Answer, Handle, give};
use crate::arguments::{Arguments, Operand};
use crate::fault::Fault;

const SYNC: &[&str] = &["sync"];

pub(super) const ROWS: &[Row] = &[
    row("neg", (0, 0), |a| one(a, Tensor::neg)),
    row("abs", (0, 0), |a| one(a, Tensor::abs)),
    row("sign", (0, 0), |a| one(a, Tensor::sign)),
    row("exp", (0, 0), |a| one(a, Tensor::exp)),
    row("log", (0, 0), |a| one(a, Tensor::log)),
    row("log1p", (0, 0), |a| one(a, Tensor::log1p)),
    row("expm1", (0, 0), |a| one(a, Tensor::expm1)),
    row("erf", (0, 0), |a| one(a, Tensor::erf)),
    row("sqrt", (0, 0), |a| one(a, Tensor::sqrt)),
    row("rsqrt", (0, 0), |a| one(a, Tensor::rsqrt)),
    row("sin", (0, 0), |a| one(a, Tensor::sin)),
    row("cos", (0, 0), |a| one(a, Tensor::cos)),
    row("floor", (0, 0), |a| one(a, Tensor::floor)),
    row("round", (0, 0), |a| one(a, Tensor::round)),
    row("tanh", (0, 0), |a| one(a, Tensor::tanh)),
    row("sigmoid", (0, 0), |a| one(a, Tensor::sigmoid)),
    row("relu", (0, 0), |a| one(a, Tensor::relu)),
    row("isfinite", (0, 0), |a| one(a, Tensor::isfinite)),
    row("isnan", (0, 0), |a| one(a, Tensor::isnan)),
    row("isinf", (0, 0), |a| one(a, Tensor::isinf)),
    row("logical_not", (0, 0), |a| one(a, Tensor::logical_not)),
    row("all", (0, 0), |a| one(a, Tensor::all)),
    row("any", (0, 0), |a| one(a, Tensor::any)),
    row("median", (0, 0), |a| one(a, Tensor::median)),
    row("count_nonzero", (0, 0), |a| one(a, Tensor::count_nonzero)),
    row("count_nonfinite", (0, 0), |a| {
        one(a, Tensor::count_nonfinite)
    }),
    row("nonzero", (0, 0), |a| one(a, Tensor::nonzero)).needs(SYNC),
    row("item", (0, 0), |a| give(a.tensor()?.item())).needs(SYNC),
    row("defer", (0, 0), |a| give(a.tensor()?.defer())),
    row("read_f32", (0, 2), |a| {
        let (tensor, offset, length) = stretch(a)?;
        give(tensor.read_f32(offset, length))
    })
    .needs(SYNC),
    row("read_s64", (0, 2), |a| {
        let (tensor, offset, length) = stretch(a)?;
        give(tensor.read_s64(offset, length))
    })
    .needs(SYNC),
    row("add", (1, 2), |a| {
        let left = a.tensor()?;
        match a.operand()? {
            Operand::Tensor(right) => give(left.add(&right, a.number_or(1.0)?)),
            Operand::Number(right) => give(left.affine(1.0, right * a.number_or(1.0)?)),
        }
    }),
    row("sub", (1, 1), |a| {
        two(a, Tensor::sub, |left, right| left.affine(1.0, -right))
    }),
    row("mul", (1, 1), |a| {
        two(a, Tensor::mul, |left, right| left.affine(right, 0.0))
    }),
    row("div", (1, 1), |a| two(a, Tensor::div, divided)),
    row("maximum", (1, 1), |a| {
        two(a, Tensor::maximum, |left, right| {
            left.clamp(Some(right), None)
        })
    }),
    row("minimum", (1, 1), |a| {
        two(a, Tensor::minimum, |left, right| {
            left.clamp(None, Some(right))
        })
    }),
    row("lerp", (2, 2), |a| {
        let (begin, end) = (a.tensor()?, a.tensor()?);
        give(begin.lerp(&end, a.number()?))
    }),
    row("atan2", (1, 1), |a| both(a, Tensor::atan2)),
    row("clamp_between", (2, 2), |a| {
        let (tensor, min, max) = (a.tensor()?, a.tensor()?, a.tensor()?);
        give(tensor.clamp_between(&min, &max))
    }),
    row("affine", (2, 2), |a| {
        let (tensor, scale) = (a.tensor()?, a.number()?);
        give(tensor.affine(scale, a.number()?))
    }),
    row("pow", (1, 1), |a| give(a.tensor()?.pow(a.number()?))),
    row("clamp", (2, 2), |a| {
        let (tensor, min) = (a.tensor()?, a.bound()?);
        give(tensor.clamp(min, a.bound()?))
    }),
    row("softmax", (1, 1), |a| give(a.tensor()?.softmax(a.whole()?))),
    row("log_softmax", (1, 1), |a| {
        give(a.tensor()?.log_softmax(a.whole()?))
    }),
    row("cumsum", (1, 1), |a| give(a.tensor()?.cumsum(a.whole()?))),
    row("nan_to_num", (3, 3), |a| {
        let (tensor, nan, positive) = (a.tensor()?, a.number()?, a.bound()?);
        give(tensor.nan_to_num(nan, positive, a.bound()?))
    }),
    row("masked_fill", (2, 2), |a| {
        let (tensor, mask) = (a.tensor()?, a.tensor()?);
        give(tensor.masked_fill(&mask, a.number()?))
    }),
    row("eq", (1, 1), |a| two(a, Tensor::eq, Tensor::eq_scalar)),
    row("ne", (1, 1), |a| two(a, Tensor::ne, Tensor::ne_scalar)),
    row("lt", (1, 1), |a| two(a, Tensor::lt, Tensor::lt_scalar)),
    row("le", (1, 1), |a| two(a, Tensor::le, Tensor::le_scalar)),
    row("gt", (1, 1), |a| two(a, Tensor::gt, Tensor::gt_scalar)),
    row("ge", (1, 1), |a| two(a, Tensor::ge, Tensor::ge_scalar)),
    row("logical_and", (1, 1), |a| both(a, Tensor::logical_and)),
    row("logical_or", (1, 1), |a| both(a, Tensor::logical_or)),
    row("logical_xor", (1, 1), |a| both(a, Tensor::logical_xor)),
    row("choose", (2, 2), choose),
    row("sum", (0, 2), |a| reduced(a, Tensor::sum)),
    row("mean", (0, 2), |a| reduced(a, Tensor::mean)),
    row("prod", (0, 2), |a| reduced(a, Tensor::prod)),
    row("logsumexp", (0, 2), |a| reduced(a, Tensor::logsumexp)),
    row("amin", (0, 2), |a| reduced(a, Tensor::amin)),
    row("amax", (0, 2), |a| reduced(a, Tensor::amax)),
    row("std", (0, 3), |a| {
        let (tensor, dims, unbiased) = (a.tensor()?, a.wholes()?, a.flag_or(true)?);
        give(tensor.std(&dims, unbiased, a.flag_or(false)?))
    }),
    row("var", (0, 3), |a| {
        let (tensor, dims, unbiased) = (a.tensor()?, a.wholes()?, a.flag_or(true)?);
        give(tensor.var(&dims, unbiased, a.flag_or(false)?))
    }),
    row("norm", (0, 3), |a| {
        let (tensor, p, dims) = (a.tensor()?, a.number_or(2.0)?, a.wholes()?);
        give(tensor.norm(p, &dims, a.flag_or(false)?))
    }),
    row("argmax", (1, 2), |a| {
        let (tensor, dim) = (a.tensor()?, a.whole()?);
        give(tensor.argmax(dim, a.flag_or(false)?))
    }),
    row("argmin", (1, 2), |a| {
        let (tensor, dim) = (a.tensor()?, a.whole()?);
        give(tensor.argmin(dim, a.flag_or(false)?))
    }),
    row("median_dim", (1, 2), |a| {
        let (tensor, dim) = (a.tensor()?, a.whole()?);
        give(tensor.median_dim(dim, a.flag_or(false)?))
    }),
    row("sort", (0, 2), |a| {
        let (tensor, dim) = (a.tensor()?, a.whole_or(-1)?);
        give(tensor.sort(dim, a.flag_or(false)?))
    }),
    row("topk", (1, 2), |a| {
        let (tensor, k) = (a.tensor()?, a.count()?);
        give(tensor.topk(k, a.whole_or(-1)?))
    }),
    row("quantile", (1, 1), |a| {
        give(a.tensor()?.quantile(a.number()?))
    }),
    row("histogram", (3, 3), |a| {
        let (tensor, bins, min) = (a.tensor()?, a.count()?, a.number()?);
        give(tensor.histogram(bins, min, a.number()?))
    }),
];

type Unary = fn(&Tensor) -> Result<Tensor, Error>;
type Binary = fn(&Tensor, &Tensor) -> Result<Tensor, Error>;
type Scalar = fn(&Tensor, f64) -> Result<Tensor, Error>;
type Reduction = fn(&Tensor, &[i64], bool) -> Result<Tensor, Error>;

const fn row(
    name: &'static str,
    values: (usize, usize),
    work: fn(&mut Arguments<'_, '_>) -> Answer,
) -> Row {
    own(Of::Tensor, name, values, work)
}

fn one(a: &mut Arguments<'_, '_>, work: Unary) -> Answer {
    give(work(&*a.tensor()?))
}

fn both(a: &mut Arguments<'_, '_>, work: Binary) -> Answer {
    let left = a.tensor()?;
    give(work(&left, &*a.tensor()?))
}

/// A tensor, and a tensor or a number.
fn two(a: &mut Arguments<'_, '_>, with_tensor: Binary, with_number: Scalar) -> Answer {
    let left = a.tensor()?;
    match a.operand()? {
        Operand::Tensor(right) => give(with_tensor(&left, &right)),
        Operand::Number(right) => give(with_number(&left, right)),
    }
}

/// True division by a number, as by a tensor of it: a product with its inverse has other bits.
fn divided(left: &Tensor, right: f64) -> Result<Tensor, Error> {
    left.div(&number(right)?)
}

/// A number on the device of the run. It takes the dtype of the tensor beside it.
fn number(value: f64) -> Result<Tensor, Error> {
    tensor::full(&[], value, Dtype::Float64, "")
}

fn reduced(a: &mut Arguments<'_, '_>, work: Reduction) -> Answer {
    let (tensor, dims) = (a.tensor()?, a.wholes()?);
    give(work(&tensor, &dims, a.flag_or(false)?))
}

fn choose(a: &mut Arguments<'_, '_>) -> Answer {
    let mask = a.tensor()?;
    match (a.operand()?, a.operand()?) {
        (Operand::Tensor(yes), Operand::Tensor(no)) => give(mask.choose(&yes, &no)),
        (Operand::Number(yes), Operand::Tensor(no)) => give(mask.choose_if_true_scalar(yes, &no)),
        (Operand::Tensor(yes), Operand::Number(no)) => give(mask.choose_if_false_scalar(&yes, no)),
        (Operand::Number(yes), Operand::Number(no)) => give(mask.choose_scalars(yes, no)),
    }
}

/// A tensor, and the elements of it to read: all, unless it is said from where and how many.
fn stretch(a: &mut Arguments<'_, '_>) -> Result<(Rc<Tensor>, u64, u32), Fault> {
    let tensor = a.tensor()?;
    let offset = a.count_or(0)?;
    if !a.is_done() {
        return Ok((tensor, offset.into(), a.count()?));
    }
    let shape = tensor.info().map_err(crate::fault::thrown)?.shape;
    let elements: i64 = shape.iter().product();
    let rest = elements.saturating_sub(offset.into());
    Ok((
        tensor,
        offset.into(),
        u32::try_from(rest).unwrap_or_default(),
    ))
}

/// `a + b`, `a - b`, `a * b`, `a / b` for tensors, and for a tensor and a number; `-a`.
pub(super) fn register_operators(engine: &mut Engine) {
    let (tensor, whole, float) = (
        TypeId::of::<Handle<Tensor>>(),
        TypeId::of::<i64>(),
        TypeId::of::<f64>(),
    );
    let pairs = [
        [tensor, tensor],
        [tensor, whole],
        [tensor, float],
        [whole, tensor],
        [float, tensor],
    ];
    for symbol in ["+", "-", "*", "/"] {
        for pair in pairs {
            engine.register_raw_fn(symbol, pair, move |call: NativeCallContext<'_>, values| {
                operator(
                    symbol,
                    &mut Arguments::new(call.engine(), symbol, values, 0),
                )
            });
        }
    }
    engine.register_raw_fn("-", [tensor], |call: NativeCallContext<'_>, values| {
        one(
            &mut Arguments::new(call.engine(), "-", values, 0),
            Tensor::neg,
        )
    });
}

fn operator(symbol: &str, a: &mut Arguments<'_, '_>) -> Result<Dynamic, Fault> {
    let (left, right) = match (a.operand()?, a.operand()?) {
        (Operand::Tensor(left), Operand::Tensor(right)) => (left, right),
        (Operand::Tensor(left), Operand::Number(right)) => {
            return give(with_number(symbol, &left, right));
        }
        (Operand::Number(left), Operand::Tensor(right)) => {
            return give(number_with(symbol, left, &right));
        }
        (Operand::Number(left), Operand::Number(_)) => return Ok(left.into()),
    };
    give(match symbol {
        "+" => left.add(&right, 1.0),
        "-" => left.sub(&right),
        "*" => left.mul(&right),
        _ => left.div(&right),
    })
}

fn with_number(symbol: &str, left: &Tensor, right: f64) -> Result<Tensor, Error> {
    match symbol {
        "+" => left.affine(1.0, right),
        "-" => left.affine(1.0, -right),
        "*" => left.affine(right, 0.0),
        _ => divided(left, right),
    }
}

fn number_with(symbol: &str, left: f64, right: &Tensor) -> Result<Tensor, Error> {
    match symbol {
        "+" => right.affine(1.0, left),
        "-" => right.affine(-1.0, left),
        "*" => right.affine(left, 0.0),
        _ => number(left)?.div(right),
    }
}
