"""Writes metrics.json: scikit-learn's numbers for the rows of `metrics`' test. Class 4 never occurs, on purpose."""
import json
import pathlib

import numpy
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    precision_score,
    recall_score,
    roc_auc_score,
    top_k_accuracy_score,
)

random = numpy.random.default_rng(3)
preds = random.normal(size=(40, 6)).round(3)
preds[:, 4] -= 50
target = random.choice([0, 1, 2, 3, 5], size=40)
preds[numpy.arange(40), target] += 1.0
predicted = preds.argmax(1)
labels = list(range(6))
softmax = numpy.exp(preds) / numpy.exp(preds).sum(1, keepdims=True)
numbers, truth = random.normal(size=30).round(3), random.normal(size=30).round(3)
logits, signs = random.normal(size=30).round(3), random.integers(0, 2, size=30)
logits[3:6] = logits[3]

reference = {
    "classification": {
        "preds": preds.flatten().tolist(),
        "classes": 6,
        "target": target.tolist(),
        "Accuracy": accuracy_score(target, predicted),
        "Top2": top_k_accuracy_score(target, preds, k=2, labels=labels),
        "Top5": top_k_accuracy_score(target, preds, k=5, labels=labels),
        "F1": f1_score(target, predicted, average="macro"),
        "Precision": precision_score(target, predicted, average="macro", zero_division=0),
        "Recall": recall_score(target, predicted, average="macro", zero_division=0),
        # One class against the rest, over the classes that occur, with ties: probabilities rounded as float32.
        "AUROC": numpy.mean([roc_auc_score(target == label, softmax[:, label]) for label in [0, 1, 2, 3, 5]]),
    },
    "binary": {
        "preds": logits.tolist(),
        "target": signs.tolist(),
        "Accuracy": accuracy_score(signs, logits > 0),
        "F1": f1_score(signs, logits > 0, average="macro"),
        "AUROC": roc_auc_score(signs, logits),
    },
    "regression": {
        "preds": numbers.tolist(),
        "target": truth.tolist(),
        "MAE": mean_absolute_error(truth, numbers),
        "MSE": mean_squared_error(truth, numbers),
    },
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference, indent=0) + "\n")
