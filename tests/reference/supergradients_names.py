"""Writes supergradients_names.json: the names that super_gradients 3.7.1 registers, read from its wheel, not run.

python supergradients_names.py super_gradients-3.7.1-py3-none-any.whl
"""
import ast
import collections
import json
import pathlib
import sys
import zipfile

KINDS = {
    "register_model": "networks",
    "register_loss": "losses",
    "register_metric": "metrics",
    "register_optimizer": "optimizers",
    "register_lr_scheduler": "schedules",
    "register_dataset": "data_sets",
    "register_dataloader": "data_sets",
    "register_transform": "transforms",
    "register_collate_function": "collations",
    "register_callback": "callbacks",
}
TABLES = {
    "LOSSES": "losses",
    "OPTIMIZERS": "optimizers",
    "TRANSFORMS": "transforms",
    "TORCH_LR_SCHEDULERS": "schedules",
}

wheel = zipfile.ZipFile(sys.argv[1])
sources = [name for name in wheel.namelist() if name.endswith(".py")]
trees = {name: ast.parse(wheel.read(name)) for name in sources}
constants = {}
for scope in trees["super_gradients/common/object_names.py"].body:
    for line in getattr(scope, "body", []):
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
            constants[scope.name, line.targets[0].id] = line.value.value


def text(node):
    if isinstance(node, ast.Attribute):
        return constants.get((getattr(node.value, "id", ""), node.attr))
    return node.value if isinstance(node, ast.Constant) else None


names = collections.defaultdict(set)
for node in (node for tree in trees.values() for node in ast.walk(tree)):
    for decorator in getattr(node, "decorator_list", []):
        call = decorator if isinstance(decorator, ast.Call) else None
        kind = KINDS.get(getattr(call.func if call else decorator, "id", ""))
        if kind and call:
            written = call.args + [key.value for key in call.keywords]
            found = [name for name in map(text, written) if isinstance(name, str)]
            names[kind].update(found or [node.name])
        elif kind:
            names[kind].add(node.name)
registry = trees["super_gradients/common/registry/registry.py"]
for line in registry.body:
    kind = TABLES.get(line.targets[0].id) if isinstance(line, ast.Assign) else None
    if kind and isinstance(line.value, ast.Dict):
        names[kind].update(filter(None, map(text, line.value.keys)))
names["losses"].update(["MSE", "mse"])

file = pathlib.Path(__file__).with_suffix(".json")
lists = {kind: sorted(found) for kind, found in sorted(names.items())}
file.write_text(json.dumps(lists, indent=1) + "\n")
