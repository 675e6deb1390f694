//! Operations of torch-ext on the CPU against tch's single-tensor operators and published formulas.

use tch::{Device, Kind, Tensor};
use torch_ext::{Autocast, AutocastDevice, Deferred, Error, TensorList};

fn list(values: &[&[f64]]) -> TensorList {
    let tensors: Vec<Tensor> = values.iter().map(|row| Tensor::from_slice(row)).collect();
    TensorList::from_tensors(&tensors).expect("a list of new tensors")
}

fn values(list: &TensorList) -> Vec<Vec<f64>> {
    let tensors = list.to_tensors().expect("handles");
    tensors
        .iter()
        .map(|tensor| Vec::<f64>::try_from(tensor).expect("1-d float64"))
        .collect()
}

/// Applies `operation` to `[[1, -2], [3]]` and compares.
fn check_in_place(operation: impl Fn(&TensorList) -> torch_ext::Result<()>, expected: &[&[f64]]) {
    let list = list(&[&[1.0, -2.0], &[3.0]]);
    operation(&list).expect("the operation runs");
    assert_eq!(values(&list), expected);
}

#[test]
fn in_place_operations() {
    let other = || list(&[&[10.0, 20.0], &[30.0]]);
    check_in_place(|x| x.mul_scalar_(2.0), &[&[2.0, -4.0], &[6.0]]);
    check_in_place(
        |x| x.mul_tensor_(&Tensor::from(0.5)),
        &[&[0.5, -1.0], &[1.5]],
    );
    check_in_place(|x| x.div_scalar_(0.5), &[&[2.0, -4.0], &[6.0]]);
    check_in_place(
        |x| x.div_tensor_(&Tensor::from(0.5)),
        &[&[2.0, -4.0], &[6.0]],
    );
    check_in_place(|x| x.add_scalar_(1.0), &[&[2.0, -1.0], &[4.0]]);
    check_in_place(|x| x.add_(&other(), 0.5), &[&[6.0, 8.0], &[18.0]]);
    check_in_place(|x| x.lerp_(&other(), 0.5), &[&[5.5, 9.0], &[16.5]]);
    check_in_place(|x| x.copy_(&other()), &[&[10.0, 20.0], &[30.0]]);
    check_in_place(|x| x.clamp_min_(0.0), &[&[1.0, 0.0], &[3.0]]);
    check_in_place(|x| x.clamp_max_(2.0), &[&[1.0, -2.0], &[2.0]]);
    check_in_place(
        |x| {
            other()
                .copy_(x)
                .and_then(|()| x.addcmul_(&other(), &other(), 1.0))
        },
        &[&[101.0, 398.0], &[903.0]],
    );
    check_in_place(
        |x| x.addcdiv_(&other(), &other(), 2.0),
        &[&[3.0, 0.0], &[5.0]],
    );
    check_in_place(
        |x| {
            x.clamp_min_(1.0)
                .and_then(|()| x.mul_scalar_(4.0))
                .and_then(|()| x.sqrt_())
        },
        &[&[2.0, 2.0], &[12f64.sqrt()]],
    );
}

/// Copies `source` into zeros of the shape and layout of `like`, and compares with the copy of libtorch.
fn check_copy(like: &Tensor, source: &Tensor) {
    let (copied, expected) = (like.zeros_like(), like.zeros_like());
    let copy = TensorList::from_tensors([&copied]).expect("one tensor");
    copy.copy_(&TensorList::from_tensors([source]).expect("one tensor"))
        .expect("a copy");
    expected.shallow_clone().copy_(source);
    assert!(copied.equal(&expected), "{copied} is not {expected}");
}

#[test]
fn a_copy_knows_layouts_and_dtypes() {
    let rows = Tensor::arange(6, (Kind::Float, Device::Cpu)).reshape([2, 3]);
    let columns = Tensor::arange(6, (Kind::Float, Device::Cpu))
        .reshape([3, 2])
        .tr();
    for like in [&rows, &columns] {
        check_copy(like, &rows);
        check_copy(like, &columns);
        check_copy(like, &rows.to_kind(Kind::Int64));
        check_copy(like, &Tensor::from(2.5f32));
    }
    check_copy(&rows.to_kind(Kind::Half), &rows);
}

#[test]
fn a_copy_is_a_change_that_autograd_sees() {
    let weight = Tensor::ones([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let saved = &weight * 1.0;
    let loss = (&saved * &saved).sum(Kind::Float);
    let list = TensorList::from_tensors([&saved]).expect("one tensor");
    list.copy_(&TensorList::from_tensors([&weight]).expect("one tensor"))
        .expect("a copy");
    let error = loss
        .f_backward()
        .map(drop)
        .expect_err("a saved value has changed");
    assert!(
        error
            .to_string()
            .contains("modified by an inplace operation")
    );
}

#[test]
fn lists_of_other_lengths_are_not_copied() {
    let floats = |count: usize| {
        let one = || Tensor::ones([2], (Kind::Float, Device::Cpu));
        let tensors: Vec<Tensor> = (0..count).map(|_| one()).collect();
        TensorList::from_tensors(&tensors).expect("new tensors")
    };
    assert!(floats(2).copy_(&floats(1)).is_err());
}

#[test]
fn norms_of_a_list() {
    let list = list(&[&[3.0, -4.0], &[12.0]]);
    for (p, each, all) in [
        (2.0, [5.0, 12.0], 13.0),
        (1.0, [7.0, 12.0], 19.0),
        (f64::INFINITY, [4.0, 12.0], 12.0),
    ] {
        assert_eq!(
            Vec::<f64>::try_from(list.norms(p).expect("norms")).expect("1-d"),
            each
        );
        assert_eq!(list.norm(p).expect("norm").double_value(&[]), all);
    }
    TensorList::new().mul_scalar_(2.0).expect("nothing to do");
    assert_eq!(
        TensorList::new()
            .norm(2.0)
            .expect("norm of nothing")
            .double_value(&[]),
        0.0
    );
}

#[test]
fn clipping_is_pytorchs() {
    for (max_norm, factor) in [(6.5, 6.5 / (13.0 + 1e-6)), (100.0, 1.0)] {
        let list = list(&[&[3.0, -4.0], &[12.0]]);
        assert_eq!(
            list.clip_grad_norm_(max_norm, 2.0)
                .expect("clip")
                .double_value(&[]),
            13.0
        );
        assert_eq!(
            values(&list),
            [vec![3.0 * factor, -4.0 * factor], vec![12.0 * factor]]
        );
    }
}

#[test]
fn nonfinite_elements_are_counted() {
    let bad = list(&[&[1.0, f64::NAN, f64::INFINITY], &[f64::NEG_INFINITY, 0.0]]);
    assert_eq!(bad.count_nonfinite().expect("count").int64_value(&[]), 3);
    assert_eq!(
        list(&[&[1e308, -1e308]])
            .count_nonfinite()
            .expect("count")
            .int64_value(&[]),
        0
    );
    assert_eq!(
        TensorList::new()
            .count_nonfinite()
            .expect("count")
            .int64_value(&[]),
        0
    );
    assert!(
        values(&bad)[0][1].is_nan(),
        "counting leaves the list as it was"
    );
}

#[test]
fn gradients_follow_what_is_trained() {
    let parameters: Vec<Tensor> = (0..3)
        .map(|_| Tensor::ones([2], (Kind::Double, Device::Cpu)))
        .collect();
    let trained: Vec<Tensor> = parameters
        .iter()
        .map(|p| p.set_requires_grad(true))
        .collect();
    (&trained[0] * 2.0 + &trained[2] * 3.0)
        .sum(Kind::Double)
        .backward();
    let all = TensorList::from_tensors(&trained).expect("list");
    let (mut gradients, mut present) = (TensorList::new(), [false; 3]);
    assert!(
        gradients
            .set_gradients_of(&all, &mut present)
            .expect("gradients")
    );
    assert_eq!(
        (values(&gradients), present),
        (vec![vec![2.0; 2], vec![3.0; 2]], [true, false, true])
    );
    assert!(
        !gradients
            .set_gradients_of(&all, &mut present)
            .expect("gradients"),
        "nothing changed"
    );
    let _frozen = trained[0].set_requires_grad(false);
    assert!(
        gradients
            .set_gradients_of(&all, &mut present)
            .expect("gradients")
    );
    assert_eq!(
        (values(&gradients), present),
        (vec![vec![3.0; 2]], [false, false, true])
    );
    assert!(
        gradients.set_gradients_of(&all, &mut [false; 2]).is_err(),
        "one flag per parameter"
    );
    gradients.zero_gradients_of(&all).expect("zero");
    assert_eq!(
        values(&gradients),
        vec![vec![0.0; 2]; 2],
        "the frozen one too"
    );
}

/// Gradients of frozen parameters are freed on demand alone, and what was freed comes back as zeros where it is learned.
#[test]
fn gradients_are_freed_filled_and_given() {
    let parameter = || Tensor::ones([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let trained = [parameter(), parameter()];
    (&trained[0] * 2.0 + &trained[1] * 3.0)
        .sum(Kind::Float)
        .backward();
    let _frozen = trained[1].set_requires_grad(false);
    let all = TensorList::from_tensors(&trained).expect("a list");
    let defined = || trained.each_ref().map(|each| each.grad().defined());
    let mut had = [false; 2];
    all.drop_gradients(false, &mut had).expect("freed");
    assert_eq!((defined(), had), ([false, true], [true, false]));
    all.fill_gradients(&had).expect("zeros");
    assert_eq!(trained[0].grad(), Tensor::zeros_like(&trained[0]));
    all.drop_gradients(true, &mut had).expect("freed");
    assert_eq!((defined(), had), ([false, false], [true, true]));
    all.fill_gradients(&had).expect("zeros");
    assert_eq!(defined(), [true, false], "none for one that is frozen");

    let given = list(&[&[5.0, 6.0], &[7.0, 8.0]]);
    assert!(list(&[&[5.0]]).give_gradients_to(&all).is_err(), "one each");
    let float = [0, 1].map(|index| given.get(index).expect("there").to_kind(Kind::Float));
    let given = TensorList::from_tensors(&float).expect("a list");
    given.give_gradients_to(&all).expect("one for each");
    assert!(given.are_gradients_of(&all));
}

#[test]
fn errors_carry_libtorchs_first_line() {
    let error = list(&[&[1.0]])
        .add_(&list(&[&[1.0], &[2.0]]), 1.0)
        .expect_err("lengths differ");
    let Error::Torch { operation, message } = &error else {
        panic!("{error}")
    };
    assert_eq!(*operation, "_foreach_add_");
    assert!(
        message.contains("same number of tensors") && !message.contains('\n'),
        "{message}"
    );
}

/// Errors of tch carry none either: looking up its symbols would take most of the time of a refused call.
#[test]
fn errors_carry_no_backtrace() {
    let (two, three) = (
        Tensor::from_slice(&[1.0, 2.0]),
        Tensor::from_slice(&[1.0, 2.0, 3.0]),
    );
    let message = two.f_add(&three).expect_err("lengths differ").to_string();
    assert!(
        message.contains("must match") && !message.contains("frame #"),
        "{message}"
    );
}

#[test]
fn generator_state_repeats_the_draw() {
    torch_ext::manual_seed(7).expect("seed");
    let state = torch_ext::rng_state(Device::Cpu).expect("state");
    let draw =
        || Vec::<f32>::try_from(Tensor::randn([9], (Kind::Float, Device::Cpu))).expect("1-d");
    let (first, second) = (draw(), draw());
    assert_ne!(first, second);
    torch_ext::set_rng_state(Device::Cpu, &state).expect("restore");
    assert_eq!(draw(), first);
    assert!(torch_ext::set_rng_state(Device::Cpu, &Tensor::from_slice(&[1u8])).is_err());
    assert!(torch_ext::rng_state(Device::Vulkan).is_err());
}

#[test]
fn deferred_scalars_of_any_dtype() {
    for kind in [
        Kind::Float,
        Kind::Double,
        Kind::Half,
        Kind::BFloat16,
        Kind::Int64,
        Kind::Uint8,
    ] {
        let mut value = Deferred::new(&Tensor::from(3.0).to_kind(kind)).expect("a scalar");
        assert_eq!(
            (value.poll().expect("poll"), value.wait().expect("wait")),
            (Some(3.0), 3.0)
        );
    }
    assert_eq!(
        Deferred::new(&Tensor::from(true))
            .and_then(|mut value| value.wait())
            .expect("bool"),
        1.0
    );
    assert!(Deferred::new(&Tensor::from_slice(&[1.0, 2.0])).is_err());
}

#[test]
fn autocast_lasts_as_long_as_its_guard() {
    let matrix = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
    let product = || matrix.matmul(&matrix).kind();
    {
        let _on = Autocast::on(AutocastDevice::Cpu, Kind::BFloat16).expect("on");
        assert_eq!(product(), Kind::BFloat16);
        {
            let _inner = Autocast::on(AutocastDevice::Cpu, Kind::Half).expect("on");
            assert_eq!(product(), Kind::Half);
        }
        assert_eq!(product(), Kind::BFloat16);
    }
    assert_eq!(product(), Kind::Float);
    assert!(Autocast::on(AutocastDevice::Cpu, Kind::Int64).is_err());
}

#[test]
fn storage_is_told_apart() {
    let tensor = Tensor::zeros([4, 6], (Kind::Float, Device::Cpu));
    let (view, copy) = (tensor.narrow(1, 0, 2), tensor.copy());
    assert!(
        torch_ext::shares_storage(&tensor, &view) && !torch_ext::shares_storage(&tensor, &copy)
    );
    for (tensor, bytes) in [(&view, 96), (&Tensor::new(), 0)] {
        assert_eq!(torch_ext::storage_bytes(tensor).expect("bytes"), bytes);
    }
}

#[test]
fn the_library_names_itself() {
    assert_eq!(torch_ext::libtorch_version(), "2.11.0");
    // A machine without the CUDA libraries says what to do; one with them loads them.
    if let Err(error) = torch_ext::load_cuda() {
        assert!(
            error.to_string().contains("cargo xtask setup --cuda"),
            "{error}"
        );
    }
}

#[test]
fn a_host_tensor_is_on_the_cpu_already() {
    let tensor = Tensor::rand([2, 3], (Kind::Float, Device::Cpu));
    let uploaded = torch_ext::upload(&tensor, Device::Cpu).expect("nothing to do");
    assert!(torch_ext::shares_storage(&tensor, &uploaded));
    let refused = torch_ext::upload(&tensor, Device::Mps).expect_err("no such device");
    assert!(matches!(refused, Error::Device(Device::Mps)), "{refused}");
}

#[test]
fn channels_last_moves_memory_and_no_value() {
    let tensor = Tensor::rand([2, 3, 4, 5], (Kind::Float, Device::Cpu));
    let arranged = torch_ext::channels_last(&tensor).expect("four dimensions");
    assert_eq!(
        (arranged.stride(), &arranged),
        (vec![60, 1, 15, 3], &tensor)
    );
    let again = torch_ext::channels_last(&arranged).expect("four dimensions");
    assert!(
        torch_ext::shares_storage(&arranged, &again),
        "nothing is copied twice"
    );
    assert!(torch_ext::channels_last(&Tensor::rand([2, 3], (Kind::Float, Device::Cpu))).is_err());
}

/// Lists of float32 have loops of their own up to a length: on both sides of it the numbers are libtorch's.
#[test]
fn norms_and_clipping_of_floats() {
    for lengths in [&[1, 31, 33, 0][..], &[1024, 1025, 5000], &[1 << 18, 1]] {
        let tensors: Vec<Tensor> = lengths
            .iter()
            .map(|length| Tensor::randn([*length], (Kind::Float, Device::Cpu)))
            .collect();
        let list = TensorList::from_tensors(&tensors).expect("a list");
        let wide = Tensor::cat(&tensors, 0).to_kind(Kind::Double);
        let (all, norm) = (
            wide.norm().double_value(&[]),
            list.norm(2.0).expect("a norm").double_value(&[]),
        );
        assert!(
            (norm / all - 1.0).abs() < 1e-5,
            "{lengths:?}: {norm} for {all}"
        );
        let norms = list.norms(2.0).expect("norms");
        for (index, tensor) in tensors.iter().enumerate() {
            let (found, wanted) = (
                norms.double_value(&[index as i64]),
                tensor.to_kind(Kind::Double).norm(),
            );
            assert!(
                (found - wanted.double_value(&[])).abs() <= 1e-5 * found,
                "{lengths:?}, {index}"
            );
        }
        let before = list
            .clip_grad_norm_(0.5, 2.0)
            .expect("clipped")
            .double_value(&[]);
        assert_eq!(before, norm);
        let expected = (wide * (0.5 / (all + 1e-6))).to_kind(Kind::Float);
        assert!(
            Tensor::cat(&tensors, 0).allclose(&expected, 1e-5, 1e-9, false),
            "{lengths:?}"
        );
    }
    let tensors = [
        Tensor::from_slice(&[1.0f32, f32::NAN]),
        Tensor::from_slice(&[2.0f32]),
    ];
    let list = TensorList::from_tensors(&tensors).expect("a list");
    assert!(
        list.clip_grad_norm_(1.0, 2.0)
            .expect("a norm")
            .double_value(&[])
            .is_nan()
    );
    assert!(
        tensors[1].double_value(&[0]).is_nan(),
        "as PyTorch without error_if_nonfinite"
    );
}

/// The backward pass refuses what was clipped since, on either side of the length up to which lists have their own loops.
#[test]
fn clipping_is_a_change_in_place() {
    for length in [10, (1 << 18) + 1] {
        let weight = Tensor::ones([length], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let loss = weight.square().sum(Kind::Float);
        let list = TensorList::from_tensors([&weight]).expect("a list");
        let _norm = list.clip_grad_norm_(0.5, 2.0).expect("clipped");
        let error = loss
            .f_backward()
            .expect_err("a saved tensor was changed")
            .to_string();
        assert!(
            error.contains("modified by an inplace operation"),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_thread_that_computes_alone_leaves_others_their_threads() {
    tch::set_num_threads(2);
    let alone = std::thread::spawn(|| {
        torch_ext::compute_alone();
        tch::get_num_threads()
    });
    assert_eq!(alone.join().expect("the thread ends"), 1);
    let later = std::thread::spawn(tch::get_num_threads);
    assert_eq!(later.join().expect("the thread ends"), 2);
}
