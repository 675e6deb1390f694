//! Rows of `tests/reference/metrics.json`, which scikit-learn computed.
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::{BatchItems, MetricConfig, Metrics};

fn reference(group: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../../../tests/reference/metrics.json"))
        .expect("valid JSON");
    all[group].clone()
}

fn numbers(value: &Value) -> Tensor {
    let list: Vec<f64> = serde_json::from_value(value.clone()).expect("a list of numbers");
    Tensor::from_slice(&list).to_kind(Kind::Float)
}

fn metrics(entries: &[Value]) -> Metrics {
    let configs: Vec<MetricConfig> = entries
        .iter()
        .map(|entry| MetricConfig::from_value(entry).expect("a valid metric"))
        .collect();
    Metrics::new(&configs, &["loss".to_owned()]).expect("no name is there twice")
}

/// Feeds the pairs in batches of 7, so that the last one is smaller, and compares with the reference.
fn check(entries: &[Value], preds: &Tensor, target: &Tensor, expected: &Value) {
    let mut metrics = metrics(entries);
    for _ in 0..2 {
        metrics.reset().expect("the CPU zeroes");
        for (preds, target) in preds.split(7, 0).iter().zip(target.split(7, 0)) {
            let (preds, target) = (preds.shallow_clone().into(), target.into());
            metrics.update(&preds, &target).expect("the batch fits");
            metrics
                .gather(&BatchItems::of_pair(&preds, &target))
                .expect("the batch fits");
        }
    }
    let values = metrics.compute().expect("the CPU answers");
    let names: Vec<String> = values.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(
        names,
        metrics.names()[1..],
        "no loss was given, so there is none"
    );
    for (name, value) in values {
        let wanted = expected[&name]
            .as_f64()
            .expect("the reference has the metric");
        assert!(
            (value - wanted).abs() < 1e-6,
            "{name}: {value} is not {wanted}"
        );
    }
}

#[test]
fn classification_is_scikit_learns() {
    let row = reference("classification");
    let entries = [
        json!("Accuracy"),
        json!("Top5"),
        json!({"TopK": {"k": 2}}),
        json!("F1"),
        json!("PrecisionRecall"),
        json!("AUROC"),
    ];
    let (preds, target) = (
        numbers(&row["preds"]).reshape([-1, 6]),
        numbers(&row["target"]),
    );
    check(&entries, &preds, &target.to_kind(Kind::Int64), &row);
    let soft = target.to_kind(Kind::Int64).one_hot(6).to_kind(Kind::Float) * 0.9;
    check(&entries, &preds, &soft, &row);
}

#[test]
fn one_logit_is_a_binary_classifier() {
    let row = reference("binary");
    let (preds, target) = (numbers(&row["preds"]), numbers(&row["target"]));
    let entries = [json!("Accuracy"), json!("F1"), json!("AUROC")];
    check(&entries, &preds, &target, &row);
    check(
        &entries,
        &preds.unsqueeze(1),
        &target.to_kind(Kind::Int64),
        &row,
    );
}

/// One logit has no highest two: `Top1` is `Accuracy`, and more is refused.
#[test]
fn top_k_of_one_logit_is_accuracy() {
    let row = reference("binary");
    let (preds, target) = (numbers(&row["preds"]), numbers(&row["target"]));
    let expected = json!({"Top1": row["Accuracy"]});
    for preds in [preds.shallow_clone(), preds.unsqueeze(1)] {
        check(&[json!("Top1")], &preds, &target, &expected);
        for (name, refusal) in [("Top2", "use `Accuracy`"), ("Top5", "only 2 classes")] {
            let (preds, target) = (preds.shallow_clone().into(), target.shallow_clone().into());
            let refused = metrics(&[json!(name)]).update(&preds, &target);
            let message = format!("{:#}", refused.expect_err("too many"));
            assert!(message.contains(refusal), "{name}: {message}");
        }
    }
}

#[test]
fn regression_is_scikit_learns() {
    let row = reference("regression");
    let (preds, target) = (numbers(&row["preds"]), numbers(&row["target"]));
    check(
        &[json!("MAE"), json!("MSE")],
        &preds.unsqueeze(1),
        &target,
        &row,
    );
}

#[test]
fn the_loss_is_a_mean_over_samples() {
    let mut metrics = metrics(&[]);
    assert!(metrics.compute().expect("nothing to read").is_empty());
    metrics
        .update_loss(&Tensor::from_slice(&[1.0f32]), 30)
        .expect("one item is named");
    metrics
        .update_loss(&Tensor::from_slice(&[4.0f32]), 10)
        .expect("one item is named");
    assert_eq!(
        metrics.compute().expect("the CPU answers"),
        [("loss".to_owned(), 1.75)]
    );
    let refused = metrics
        .update_loss(&Tensor::from_slice(&[1.0f32, 2.0]), 1)
        .expect_err("two items");
    assert!(
        format!("{refused}").contains("1 loss items are named, got [2] float"),
        "{refused}"
    );
}

#[test]
fn continuing_from_a_saved_state_gives_the_same_bits() {
    let entries = [json!("Accuracy"), json!("F1"), json!("MSE"), json!("AUROC")];
    let batch = |seed: i64| {
        let preds = (Tensor::linspace(1, 90, 36, (Kind::Float, Device::Cpu)) * seed)
            .sin()
            .reshape([9, 4]);
        let target = (&preds * 7).cos();
        (preds, target)
    };
    let feed = |metrics: &mut Metrics, seed| {
        let (preds, target) = batch(seed);
        let classes = target.argmax(1, false);
        let items = preds.shallow_clone().into();
        metrics.update(&items, &target.into()).expect("fits");
        let classes = classes.into();
        metrics
            .gather(&BatchItems::of_pair(&items, &classes))
            .expect("fits");
        metrics
            .update_loss(&preds.mean(None).reshape([1]), 9)
            .expect("one item");
    };
    let mut whole = metrics(&entries);
    feed(&mut whole, 1);
    let mut resumed = metrics(&entries);
    resumed
        .load_state(&whole.state().expect("the CPU answers"), Device::Cpu)
        .expect("the same metrics");
    feed(&mut resumed, 2);
    let before = whole.compute().expect("the CPU answers");
    feed(&mut whole, 2);
    assert_ne!(
        whole.compute().expect("the CPU answers"),
        before,
        "the saved totals are copies"
    );
    assert_eq!(
        whole.compute().expect("the CPU answers"),
        resumed.compute().expect("the CPU answers")
    );
    let refused = metrics(&[json!("MAE")])
        .load_state(&whole.state().expect("the CPU answers"), Device::Cpu)
        .expect_err("other metrics");
    assert!(
        format!("{refused}").contains("`Accuracy.sums`"),
        "{refused}"
    );
}

/// Two halves of a pass, merged, have the values of the whole.
#[test]
fn halves_merge_to_the_whole() {
    let row = reference("classification");
    let preds = numbers(&row["preds"]).reshape([-1, 6]);
    let target = numbers(&row["target"]).to_kind(Kind::Int64);
    let entries = [json!("Accuracy"), json!("PrecisionRecall"), json!("AUROC")];
    let feed = |metrics: &mut Metrics, first: i64, count: i64| {
        let preds = preds.narrow(0, first, count).into();
        let target = target.narrow(0, first, count).into();
        metrics.update(&preds, &target).expect("fits");
        metrics
            .gather(&BatchItems::of_pair(&preds, &target))
            .expect("fits");
        let loss = Tensor::from_slice(&[first as f32]);
        metrics.update_loss(&loss, count).expect("one item");
    };
    let [mut whole, mut left, mut right, mut empty] = [(); 4].map(|()| metrics(&entries));
    feed(&mut whole, 0, 25);
    feed(&mut whole, 25, 15);
    feed(&mut left, 0, 25);
    feed(&mut right, 25, 15);
    for other in [&right, &empty] {
        let state = other.state().expect("the CPU answers");
        left.merge(&state, Device::Cpu).expect("the same metrics");
    }
    let expected = whole.compute().expect("the CPU answers");
    assert_eq!(left.compute().expect("the CPU answers"), expected);
    let state = left.state().expect("the CPU answers");
    empty.merge(&state, Device::Cpu).expect("the same metrics");
    assert_eq!(empty.compute().expect("the CPU answers"), expected);
}

#[test]
fn mistakes_are_errors_in_words() {
    let parse = |entry: Value| {
        let refused = MetricConfig::from_value(&entry).err();
        format!("{:#}", refused.expect("a mistake"))
    };
    assert!(parse(json!("Acuracy")).contains("did you mean `Accuracy`"));
    assert!(parse(json!({"TopK": {"n": 3}})).contains("unknown field `n`"));
    assert!(parse(json!({"TopK": {"k": 0}})).contains("`k` must be at least 1"));
    assert!(parse(json!({"Accuracy": {"k": 1}})).contains("unknown field `k`"));
    assert!(parse(json!(5)).contains("a metric is a name"));
    let forged = parse(json!({"Accuracy": {"preds": "a\u{1b}[2J"}}));
    assert!(forged.contains("no control characters") && !forged.contains('\u{1b}'));
    let f1 = MetricConfig::from_value(&json!("F1")).expect("a valid metric");
    assert!(Metrics::new(&[f1.clone(), f1], &["loss".to_owned()]).is_err());

    let refused = |entry: &str, preds: &[i64], target: &[i64]| {
        let zeros = |size: &[i64]| Tensor::zeros(size, (Kind::Float, Device::Cpu));
        let result = metrics(&[json!(entry)]).update(&zeros(preds).into(), &zeros(target).into());
        format!("{:#}", result.expect_err("shapes that do not fit"))
    };
    assert!(refused("Top5", &[8, 3], &[8, 3]).contains("there are only 3 classes"));
    assert!(refused("Accuracy", &[8, 3], &[7]).contains("target must be class indices [8]"));
    assert!(refused("MAE", &[8, 1], &[1, 8]).contains("target must have the shape of preds"));
}

#[test]
fn keys_follow_the_recipe() {
    let entries = [
        json!("accuracy"),
        json!("Top3"),
        json!({"topk": {"k": 2}}),
        json!("mse"),
    ];
    let expected = ["loss", "Accuracy", "Top3", "Top2", "MSE"];
    assert_eq!(metrics(&entries).names(), expected);
}

/// Numbers, of which one logit a sample would be on the right side by chance.
#[test]
fn numbers_are_no_classes() {
    for name in ["Accuracy", "F1", "PrecisionRecall", "AUROC"] {
        let mut metrics = metrics(&[json!(name)]);
        let preds = Tensor::from_slice(&[0.5f32, -1.0, 2.0]).reshape([3, 1]);
        let target = Tensor::from_slice(&[0.0f32, 12.5, -3.0]).reshape([3, 1]);
        let (preds, target) = (preds.into(), target.into());
        let updated = metrics.update(&preds, &target);
        let refused = updated.and_then(|()| metrics.gather(&BatchItems::of_pair(&preds, &target)));
        let refused = format!("{:#}", refused.expect_err("numbers"));
        assert!(refused.contains("reaches from -3 to 12.5"), "{refused}");
        assert!(refused.contains("`MAE` or `MSE`"), "{refused}");
    }
}

/// No cell matched in the whole pass: an overlap of nothing is not the best there is.
#[test]
fn sums_over_matches_of_nothing_are_no_numbers() {
    let names = ["loss", "iou", "obj", "cls"].map(str::to_owned);
    let mut metrics = Metrics::new(&[], &names).expect("no name is there twice");
    for (items, is_number) in [
        ([2.0f32, 0.0, 2.0, 0.0], false),
        ([3.0, 1.0, 1.0, 1.0], true),
    ] {
        let items = Tensor::from_slice(&items);
        metrics.update_loss(&items, 4).expect("four items");
        let values = metrics.compute().expect("the CPU answers");
        for (name, value) in values {
            let is_of_matches = ["iou", "cls"].contains(&name.as_str());
            assert_eq!(
                value.is_finite(),
                is_number || !is_of_matches,
                "{name}: {value}"
            );
        }
    }
}
