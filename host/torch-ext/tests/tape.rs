//! Tapes against the work they record: a replay gives equal bits for inputs that the recording did not see, and an
//! operation that cannot be replayed is refused while it is recorded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tch::{Device, Kind, Reduction, Tensor, no_grad};
use torch_ext::{Error, Tape, TensorList};

const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);
const PLENTY: usize = 1 << 20;

/// One test at a time: all draw from libtorch's one generator.
fn alone() -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rand(shape: &[i64]) -> Tensor {
    Tensor::rand(shape, FLOAT)
}

/// Records `work` on one input and compares, for another input, its results with those of the replay; once more after the
/// results of the recording were overwritten. Returns the number of operations.
fn check(what: &str, shape: &[i64], work: impl Fn(&Tensor) -> Tensor) -> usize {
    let input = rand(shape);
    let (tape, result) = Tape::record(PLENTY, || work(&input)).expect(what);
    no_grad(|| input.shallow_clone().copy_(&rand(shape)));
    let expected = work(&input).detach();
    let found = result.detach();
    for round in 0..2 {
        let _ = no_grad(|| found.shallow_clone().zero_());
        tape.replay().expect(what);
        assert!(found.equal(&expected), "{what}, round {round}");
    }
    tape.operations()
}

#[test]
fn operations_are_repeated_to_the_bit() {
    let _alone = alone();
    let weight = rand(&[5, 7]).set_requires_grad(true);
    let target = Tensor::from_slice(&[0i64, 4, 2]);
    assert_eq!(
        check("linear", &[3, 7], |x| x.linear::<&Tensor>(&weight, None)),
        1
    );
    assert_eq!(
        check("views only", &[3, 7], |x| x.tr().reshape([-1]).relu()),
        2,
        "a copy of a transpose, relu"
    );
    check("cross entropy", &[3, 7], |x| {
        x.linear::<&Tensor>(&weight, None)
            .cross_entropy_for_logits(&target)
    });
    check("reductions", &[3, 7], |x| {
        x.sum(Kind::Double) * x.mean(Kind::Float) + x.argmax(1, false).sum(Kind::Int64)
    });
    check("in place", &[4], |x| {
        let mut y = x * 2.0;
        let _ = y.g_add_(&x.exp());
        y.clamp_(0.0, 3.0)
    });
    check("lists", &[4], |x| {
        let list = TensorList::from_tensors([&(x * 1.0), &(x + 1.0)]).expect("a list");
        let _norm = list.clip_grad_norm_(1.0, 2.0).expect("norms");
        Tensor::stack(&list.to_tensors().expect("handles"), 0)
    });
    check("new memory", &[4], |x| {
        x.zeros_like() + x.ones_like() + Tensor::arange(4, FLOAT) + x.full_like(2.0)
    });
    check("pieces", &[6, 2], |x| {
        let parts = x.split(2, 0);
        Tensor::cat(&[&parts[1], &parts[0].sort(0, true).0, &parts[2]], 0)
    });
    check("half precision", &[3, 7], |x| {
        x.to_kind(Kind::BFloat16)
            .matmul(&weight.detach().to_kind(Kind::BFloat16).tr())
    });
}

/// Convolution and batch normalization: kernels that allocate what they give, and one that changes its buffers silently.
#[test]
fn a_convolution_with_its_way_back() {
    let _alone = alone();
    let (kernel, scale) = (
        rand(&[4, 3, 3, 3]).set_requires_grad(true),
        Tensor::ones([4], FLOAT),
    );
    let (mean, var) = (Tensor::zeros([4], FLOAT), Tensor::ones([4], FLOAT));
    check("convolution", &[2, 3, 8, 8], |x| {
        no_grad(|| {
            let _ = mean.shallow_clone().zero_();
            let _ = var.shallow_clone().fill_(1.0);
        });
        let y = x.conv2d::<&Tensor>(&kernel, None, [1, 1], [1, 1], [1, 1], 1);
        let y = y.batch_norm(
            Some(&scale),
            Some(&scale),
            Some(&mean),
            Some(&var),
            true,
            0.1,
            1e-5,
            false,
        );
        if kernel.grad().defined() {
            let _ = no_grad(|| kernel.grad().zero_());
        }
        y.relu()
            .max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
            .mean(Kind::Float)
            .backward();
        Tensor::cat(
            &[
                kernel.grad().reshape([-1]),
                mean.shallow_clone(),
                var.shallow_clone(),
            ],
            0,
        )
    });
}

/// Gradients are added to what is there: the second pass of a tape gives twice the gradient.
#[test]
fn gradients_accumulate() {
    let _alone = alone();
    let weight = rand(&[5, 7]).set_requires_grad(true);
    let (input, target) = (rand(&[3, 7]), rand(&[3, 5]));
    let work = || {
        input
            .linear::<&Tensor>(&weight, None)
            .mse_loss(&target, Reduction::Mean)
            .backward()
    };
    work();
    let once = weight.grad().copy();
    let (tape, ()) = Tape::record(PLENTY, work).expect("a backward pass");
    let _ = weight.grad().zero_();
    tape.replay().expect("once");
    assert!(weight.grad().equal(&once));
    tape.replay().expect("twice");
    assert!(weight.grad().equal(&(&once * 2.0)));
}

#[test]
fn random_numbers_are_drawn_anew() {
    let _alone = alone();
    let input = Tensor::ones([1000], FLOAT);
    let (tape, dropped) = Tape::record(PLENTY, || input.dropout(0.5, true)).expect("dropout");
    torch_ext::manual_seed(7).expect("a seed");
    let expected = input.dropout(0.5, true);
    torch_ext::manual_seed(7).expect("a seed");
    tape.replay().expect("dropout");
    assert!(dropped.equal(&expected));
    tape.replay().expect("dropout");
    assert!(!dropped.equal(&expected), "other numbers than before");
}

#[test]
fn what_cannot_be_repeated_is_refused() {
    let _alone = alone();
    let x = Tensor::from_slice(&[1.0f32, -1.0]);
    let refused = |work: &dyn Fn() -> Result<(), tch::TchError>, expected: &str| {
        let (_, done) = Tape::record(PLENTY, work).expect("a tape");
        let error = done.expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(
        &|| x.f_double_value(&[0]).map(drop),
        "aten::_local_scalar_dense depends on the values of a tensor",
    );
    refused(
        &|| x.f_nonzero().map(drop),
        "aten::nonzero depends on the values of a tensor",
    );
    refused(&|| x.f_equal(&x).map(drop), "aten::equal");
    refused(
        &|| x.f_to_sparse_sparse_dim(1).map(drop),
        "dense tensors on the CPU",
    );
    assert_eq!(x.double_value(&[0]), 1.0, "nothing is refused afterwards");
}

#[test]
fn results_may_take_so_much() {
    let _alone = alone();
    let x = rand(&[1000]);
    let error = Tape::record(5000, || x.f_exp()?.f_exp()).expect_err("8,000 bytes");
    assert!(
        matches!(
            error,
            Error::TapeFull {
                most_result_bytes: 5000
            }
        ),
        "{error}"
    );
    assert!(Tape::record(9000, || x.f_exp()?.f_exp()).is_ok());
    let nested =
        Tape::record(PLENTY, || Tape::record(PLENTY, || ()).is_err()).expect("the outer one");
    assert!(nested.1, "one at a time");
}
