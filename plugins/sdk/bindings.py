"""Writes the bindings of the contract for AssemblyScript, C++, Go, Zig and TypeScript from `wit/`.

Owns the canonical ABI of the types that the contract uses: numbers, enums, texts, lists, options, tuples, records,
handles and `result<_, error>`. Each language is a subclass of `Language`. Its first lines, written by hand, are
`<language>/contract.head`. Run it after a change of `wit/`: python3 plugins/sdk/bindings.py
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

SDK = Path(__file__).parent
INTERFACES = ["types", "tensor", "vision", "context", "storage", "diagnostics"]
VERSION = "0.1.0"
#: Bytes and flat core types of numbers.
NUMBERS = {
    "bool": (1, "i32"), "u8": (1, "i32"), "u32": (4, "i32"), "s32": (4, "i32"),
    "u64": (8, "i64"), "s64": (8, "i64"), "f32": (4, "f32"), "f64": (8, "f64"),
}


# ---- the contract ----


@dataclass
class Type:
    """A number, `string`, a name, or one of list, option, tuple, result, own, borrow with arguments."""

    kind: str
    of: list["Type"] = field(default_factory=list)
    name: str = ""


@dataclass
class Function:
    interface: str
    resource: str
    name: str
    params: list[tuple[str, Type]]
    result: Type | None
    doc: list[str]
    section: str = ""

    @property
    def fails(self) -> bool:
        return self.result is not None and self.result.kind == "result"

    @property
    def value(self) -> Type | None:
        """The result without its error."""
        if not self.fails:
            return self.result
        return self.result.of[0] if self.result.of[0].kind != "none" else None


@dataclass
class Contract:
    functions: list[Function] = field(default_factory=list)
    resources: list[tuple[str, str, list[str]]] = field(default_factory=list)
    enums: dict[str, list[str]] = field(default_factory=dict)
    records: dict[str, list[tuple[str, Type]]] = field(default_factory=dict)
    docs: dict[str, list[str]] = field(default_factory=dict)
    #: "on-train-batch-end", … in the order of the loop.
    phases: list[str] = field(default_factory=list)

    def parse_type(self, text: str) -> Type:
        text = text.strip()
        head, _, rest = text.partition("<")
        if rest:
            parts = split(rest[:-1])
            if head == "result":
                return Type("result", [self.parse_type(parts[0])])
            if head == "borrow":
                return Type("borrow", name=parts[0].strip())
            return Type(head, [self.parse_type(part) for part in parts])
        if text == "_":
            return Type("none")
        if text in NUMBERS or text == "string":
            return Type(text)
        if text in self.enums:
            return Type("enum", name=text)
        if text in self.records:
            return Type("record", name=text)
        return Type("own", name=text)

    # ---- sizes in memory ----

    def align(self, kind: Type) -> int:
        match kind.kind:
            case number if number in NUMBERS:
                return NUMBERS[number][0]
            case "enum":
                return 1
            case "option" | "tuple":
                return max(map(self.align, kind.of))
            case "result":
                return max(4, self.align(kind.of[0]))
            case "record":
                return max(self.align(part) for _, part in self.records[kind.name])
            case "none":
                return 1
        return 4

    def size(self, kind: Type) -> int:
        match kind.kind:
            case number if number in NUMBERS:
                return NUMBERS[number][0]
            case "enum":
                return 1
            case "string" | "list":
                return 8
            case "option":
                return self.end([Type("u8"), *kind.of])
            case "tuple":
                return self.end(kind.of)
            case "record":
                return self.end([part for _, part in self.records[kind.name]])
        return 4

    def offsets(self, kinds: list[Type]) -> list[int]:
        at, found = 0, []
        for kind in kinds:
            at = up(at, self.align(kind))
            found.append(at)
            at += self.size(kind)
        return found

    def end(self, kinds: list[Type]) -> int:
        return up(self.offsets(kinds)[-1] + self.size(kinds[-1]), max(map(self.align, kinds)))

    # ---- core types ----

    def flat(self, kind: Type) -> list[str]:
        match kind.kind:
            case number if number in NUMBERS:
                return [NUMBERS[number][1]]
            case "string" | "list":
                return ["ptr", "i32"]
            case "option":
                return ["i32", *self.flat(kind.of[0])]
            case "tuple":
                return [core for part in kind.of for core in self.flat(part)]
            case "none":
                return []
        return ["i32"]


def up(at: int, align: int) -> int:
    return (at + align - 1) // align * align


def split(text: str) -> list[str]:
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def read(folder: Path) -> Contract:
    contract = Contract()
    for interface in INTERFACES:
        read_interface(contract, interface, (folder / f"{interface}.wit").read_text())
    contract.phases = re.findall(r"^    (on-[\w-]+): func", (folder / "callback.wit").read_text(), re.M)
    return contract


def read_interface(contract: Contract, interface: str, text: str) -> None:
    resource, enum, doc, section = "", "", [], ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("///"):
            doc.append(line[3:].strip())
            continue
        if found := re.match(r"// ---- (.*) ----", line):
            section = found[1]
        elif found := re.match(r"resource ([\w-]+) \{", line):
            resource = found[1]
            contract.resources.append((interface, resource, doc))
        elif found := re.match(r"enum ([\w-]+) \{(.*)", line):
            enum, contract.docs[found[1]] = found[1], doc
            contract.enums[enum] = re.findall(r"[\w-]+", found[2])
            enum = "" if "}" in line else enum
        elif found := re.match(r"record ([\w-]+) \{(.*)", line):
            record, contract.docs[found[1]] = found[1], doc
            contract.records[record] = fields(contract, found[2].rstrip(" }"))
        elif line == "}":
            resource = enum = ""
        elif enum:
            contract.enums[enum] += re.findall(r"[\w-]+", line.split("//")[0])
        elif found := re.match(r"([\w-]+): func\((.*)\)(?: -> (.*))?;", line):
            params = fields(contract, found[2])
            result = contract.parse_type(found[3]) if found[3] else None
            contract.functions.append(Function(interface, resource, found[1], params, result, doc, section))
        elif found := re.match(r"([\w-]+): (.*),$", line):
            contract.records[record] += fields(contract, line.rstrip(","))
        doc = []


def fields(contract: Contract, text: str) -> list[tuple[str, Type]]:
    pairs = [part.split(":", 1) for part in split(text)]
    return [(name.strip(), contract.parse_type(kind)) for name, kind in pairs]


# ---- names ----


def snake(name: str) -> str:
    return name.replace("-", "_")


def pascal(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("-"))


def camel(name: str) -> str:
    return pascal(name)[:1].lower() + pascal(name)[1:]


# ---- the languages ----


class Language:
    file = ""
    comment = "///"

    def __init__(self, contract: Contract):
        self.contract = contract

    def write(self) -> None:
        path = SDK / self.file
        head = path.with_name("contract.head").read_text()
        path.write_text(head + "\n" + "\n".join(self.body()).strip() + "\n")

    def doc(self, lines: list[str], indent: str = "") -> list[str]:
        return [f"{indent}{self.comment} {line}".rstrip() for line in lines]

    def body(self) -> list[str]:
        lines: list[str] = []
        for name, cases in self.contract.enums.items():
            lines += ["", *self.doc(self.contract.docs[name]), *self.enum(name, cases)]
        for name in self.contract.records:
            if name != "error":
                lines += ["", *self.doc(self.contract.docs[name]), *self.record(name)]
        for interface, name, doc in self.contract.resources:
            methods = [f for f in self.contract.functions if f.resource == name and f.interface == interface]
            lines += ["", *self.doc(doc), *self.resource(interface, name, methods)]
        for interface in INTERFACES:
            lines += self.free([f for f in self.contract.functions if f.interface == interface and not f.resource])
        return lines

    def imported(self, function: Function) -> tuple[str, str]:
        """Module and name of the core import."""
        name = f"[method]{function.resource}.{function.name}" if function.resource else function.name
        return f"phasebox:train/{function.interface}@{VERSION}", name

    def symbol(self, function: Function) -> str:
        return "_".join(snake(part) for part in (function.interface, function.resource, function.name) if part)

    def signature(self, function: Function) -> tuple[list[str], str]:
        """Core parameters and the core result; results that need more than one core value are written to memory."""
        params = ["i32"] if function.resource else []
        for _, kind in function.params:
            params += self.contract.flat(kind)
        result = function.result
        flat = [] if result is None else ["error", "error"] if result.kind == "result" else self.contract.flat(result)
        if len(flat) > 1:
            return [*params, "ptr"], ""
        return params, flat[0] if flat else ""

    def in_memory(self, function: Function) -> bool:
        return self.signature(function)[0][-1:] == ["ptr"] and not self.signature(function)[1] and bool(function.result)

    def payload(self, function: Function) -> int:
        """The offset of a result's value; its error stands there too."""
        return up(1, self.contract.align(function.result))


# ---- AssemblyScript ----


class AssemblyScript(Language):
    file = "assemblyscript/contract.ts"
    core = {"i32": "i32", "i64": "i64", "f32": "f32", "f64": "f64", "ptr": "usize", "": "void"}
    names = {"bool": "bool", "u8": "u8", "u32": "u32", "s32": "i32", "u64": "u64", "s64": "i64", "f32": "f32",
             "f64": "f64", "string": "string"}

    def enum(self, name, cases):
        return [f"export enum {pascal(name)} {{", *(f"  {pascal(case)}," for case in cases), "}"]

    def record(self, name):
        parts = self.contract.records[name]
        params = ", ".join(f"public {camel(part)}: {self.type(kind)}" for part, kind in parts)
        return [f"export class {pascal(name)} {{", f"  constructor({params}) {{}}", "}"]

    def type(self, kind, given=False):
        match kind.kind:
            case "enum" | "record" | "own" | "borrow":
                return pascal(kind.name)
            case "list":
                return f"Array<{self.type(kind.of[0])}>"
            case "option" if kind.of[0].kind in ("own", "borrow", "string"):
                return f"{self.type(kind.of[0])} | null"
            case "option":
                return "f64" if given else f"Maybe<{self.type(kind.of[0])}>"
            case "tuple":
                return {"option": "Position", "u64": "Progress", "own": "Pair"}[kind.of[0].kind]
        return self.names[kind.kind]

    def resource(self, interface, name, methods):
        base = {"tensor": "Tracked", "tensor-group": "Tracked"}.get(name, "Handle")
        lines = [f"export class {pascal(name)} extends {base} {{"]
        if name != "phase-context":
            kind = {"tensor": 0, "tensor-group": 1}.get(name, 2)
            drop = f"drop_{snake(name)}"
            lines += ["  /** Gives the handle back now; otherwise that happens at the end of the call. */",
                      "  drop(): void {", f"    if (this.untrack()) {drop}(this.handle);", "    this.handle = 0;", "  }"]
        if base == "Tracked":
            lines += ["", "  /** Keeps the handle beyond the call; `drop` ends it. */", f"  lasting(): {pascal(name)} {{",
                      "    this.untrack();", "    return this;", "  }"]
        for method in methods:
            lines += ["", *self.function(method)]
        lines.append("}")
        lines += ["", f'@external("phasebox:train/{interface}@{VERSION}", "[resource-drop]{name}")',
                  f"export declare function drop_{snake(name)}(handle: i32): void;"]
        for method in methods:
            lines += self.external(method)
        return lines

    def free(self, functions):
        return [line for f in functions for line in ["", *self.function(f), *self.external(f)]]

    def external(self, f):
        module, name = self.imported(f)
        params, result = self.signature(f)
        listed = ", ".join(f"p{i}: {self.core[core]}" for i, core in enumerate(params))
        return [f'@external("{module}", "{name}")', f"export declare function {self.symbol(f)}({listed}): {self.core[result]};"]

    def function(self, f):
        indent = "  " if f.resource else ""
        returned = self.type(f.value) if f.value else "void"
        shown = (f"Result<{returned}>" if f.value else "Failure | null") if f.fails else returned
        params = ", ".join(f"{camel(name)}: {self.type(kind, True)}" for name, kind in f.params)
        lines = [f"{indent}/** {' '.join(f.doc)} */"]
        lines.append(f"{indent}{'' if f.resource else 'export function '}{camel(f.name)}({params}): {shown} {{")
        before, arguments = self.lower(f)
        call = f"{self.symbol(f)}({', '.join(arguments)})"
        lines += [f"{indent}  {line}" for line in [*before, *self.after(f, call)]]
        return [*lines, indent + "}"]

    def lower(self, f):
        before, arguments = [], ["this.handle"] if f.resource else []
        for name, kind in f.params:
            name = camel(name)
            match kind.kind:
                case "string":
                    arguments += [f"changetype<usize>({name})", f"{name}.length"]
                case "list" if kind.of[0].kind in NUMBERS:
                    arguments += [f"{name}.dataStart", f"{name}.length"]
                case "list":
                    how = {"string": "texts", "record": "entries"}.get(kind.of[0].kind, f"handles<{self.type(kind.of[0])}>")
                    before.append(f"const {name}List = {how}({name});")
                    arguments += [f"changetype<usize>({name}List)", f"{name}.length"]
                    if kind.of[0].kind == "own":
                        before.append(f"untrack<{self.type(kind.of[0])}>({name});")
                case "option" if kind.of[0].kind == "borrow":
                    arguments += [f"{name} !== null ? 1 : 0", f"{name} !== null ? {name}.handle : 0"]
                case "option":
                    arguments += [f"isNaN({name}) ? 0 : 1", name]
                case "own" | "borrow":
                    arguments.append(f"{name}.handle")
                case "bool":
                    arguments.append(f"{name} ? 1 : 0")
                case _:
                    arguments.append(name)
        if self.in_memory(f):
            arguments.append("AREA")
        return before, arguments

    def after(self, f, call):
        if f.result is None:
            return [call + ";"]
        if not self.in_memory(f):
            return [f"return {self.from_core(f.result, call, f)};"]
        if not f.fails:
            return [call + ";", f"return {self.lift(f.result, 0, f)};"]
        at = self.payload(f)
        lines = [call + ";"]
        if f.value is None:
            return [*lines, f"return load<u8>(AREA) ? failure({at}) : null;"]
        kind = self.type(f.value)
        return [*lines, f"if (load<u8>(AREA)) return Result.failed<{kind}>(failure({at}));",
                f"return Result.of<{kind}>({self.lift(f.value, at, f)});"]

    def from_core(self, kind, call, f):
        if kind.kind == "bool":
            return call + " != 0"
        return f"new {pascal(kind.name)}({call})" if kind.kind == "own" else call

    def lift(self, kind, at, f):
        match kind.kind:
            case "bool":
                return f"load<u8>(AREA, {at}) != 0"
            case number if number in NUMBERS:
                return f"load<{self.names[number]}>(AREA, {at})"
            case "enum":
                return f"<{pascal(kind.name)}>load<u8>(AREA, {at})"
            case "string":
                return f"text(AREA + {at})"
            case "own":
                lasting = ".lasting()" if lasts(f) else ""
                return f"new {pascal(kind.name)}(load<i32>(AREA, {at})){lasting}"
            case "list":
                inner = kind.of[0].kind
                how = {"string": "textList", "record": "entryList"}.get(inner, f"numbers<{self.names.get(inner, '')}>")
                return f"{how}(AREA + {at})"
            case "option":
                inner = at + up(1, self.contract.align(kind.of[0]))
                value = self.lift(kind.of[0], inner, f)
                if "| null" in self.type(kind):
                    return f"load<u8>(AREA, {at}) ? {value} : null"
                return f"new {self.type(kind)}(load<u8>(AREA, {at}) != 0, {value})"
            case "tuple":
                places = self.contract.offsets(kind.of)
                return f"new {self.type(kind)}({', '.join(self.lift(k, at + p, f) for k, p in zip(kind.of, places))})"
            case "record":
                parts = [part for _, part in self.contract.records[kind.name]]
                places = self.contract.offsets(parts)
                return f"new {pascal(kind.name)}({', '.join(self.lift(k, at + p, f) for k, p in zip(parts, places))})"


def lasts(f: Function) -> bool:
    """True if the handles that a function answers outlive the call."""
    return (f.resource, f.name) in [("tensor", "keep"), ("tensor-group", "duplicate")] or f.interface == "storage"


# ---- Zig ----

ZIG_WORDS = {"var", "error", "and", "or", "test", "align", "const", "defer"}


class Zig(Language):
    file = "zig/contract.zig"
    core = {"i32": "i32", "i64": "i64", "f32": "f32", "f64": "f64", "ptr": "usize", "": "void"}
    names = {"bool": "bool", "u8": "u8", "u32": "u32", "s32": "i32", "u64": "u64", "s64": "i64", "f32": "f32",
             "f64": "f64", "string": "[]const u8"}

    def enum(self, name, cases):
        if name == "error-code":
            errors = ", ".join(pascal(case) for case in cases)
            return [f"pub const Error = error{{ {errors} }};", "", "const errors = [_]Error{",
                    *(f"    error.{pascal(case)}," for case in cases), "};"]
        return [f"pub const {pascal(name)} = enum(u8) {{", *(f"    {self.word(case)}," for case in cases), "};"]

    def record(self, name):
        parts = self.contract.records[name]
        return [f"pub const {pascal(name)} = struct {{", *(f"    {snake(n)}: {self.type(k)}," for n, k in parts), "};"]

    def word(self, name):
        name = snake(name)
        return f'@"{name}"' if name in ZIG_WORDS else name

    def given(self, name, f):
        """A parameter's name, which may not be that of a function."""
        taken = {g.name for g in self.contract.functions} | {"std", "tensor", "error", "text", "storage"}
        return snake(name) + ("_" if name in taken else "")

    def type(self, kind):
        match kind.kind:
            case "enum" | "record" | "own" | "borrow":
                return pascal(kind.name)
            case "list":
                return f"[]const {self.type(kind.of[0])}"
            case "option":
                return f"?{self.type(kind.of[0])}"
            case "tuple":
                return "struct { " + ", ".join(self.type(part) for part in kind.of) + " }"
        return self.names[kind.kind]

    def resource(self, interface, name, methods):
        lines = [f"pub const {pascal(name)} = struct {{", "    handle: i32,", ""]
        if name != "phase-context":
            tracked = name in ("tensor", "tensor-group")
            lines += ["    /// Gives the handle back now; otherwise that happens at the end of the call.",
                      f"    pub fn drop(self: {pascal(name)}) void {{",
                      f"        if (untrack(.{snake(name)}, self.handle)) core.drop_{snake(name)}(self.handle);", "    }"]
        for method in methods:
            lines += ["", *self.function(method)]
        return [*lines, "};"]

    def free(self, functions):
        return [line for f in functions for line in ["", *self.function(f)]]

    def body(self):
        listed = [f'    "{phase}",' for phase in self.contract.phases]
        lines = ["/// The phases, in the order of the loop.", "pub const phases = [_][]const u8{", *listed, "};"]
        lines += [*super().body(), "", "const core = struct {"]
        for interface, name, _ in self.contract.resources:
            lines.append(self.external(f"phasebox:train/{interface}@{VERSION}", f"[resource-drop]{name}",
                                       f"drop_{snake(name)}", ["i32"], ""))
        for f in self.contract.functions:
            module, name = self.imported(f)
            lines.append(self.external(module, name, self.symbol(f), *self.signature(f)))
        return [*lines, "};"]

    def external(self, module, name, symbol, params, result):
        listed = ", ".join(self.core[core] for core in params)
        imported = f'extern "{module}" fn @"{name}"({listed}) {self.core[result]}'
        space = "_" + re.sub(r"\W", "_", module + name)
        inner = f'@"{name}"'
        return f"    const {symbol} = struct {{ {imported}; }}.{inner};"

    def function(self, f):
        indent = "    " if f.resource else ""
        returned = self.type(f.value) if f.value else "void"
        shown = f"Error!{returned}" if f.fails else returned
        params = [f"self: {pascal(f.resource)}"] if f.resource else []
        params += [f"{self.given(name, f)}: {self.type(kind)}" for name, kind in f.params]
        lines = self.doc(f.doc, indent)
        lines.append(f"{indent}pub fn {self.word(camel(f.name))}({', '.join(params)}) {shown} {{")
        before, arguments = self.lower(f)
        call = f"core.{self.symbol(f)}({', '.join(arguments)})"
        lines += [f"{indent}    {line}" for line in [*before, *self.after(f, call)]]
        return [*lines, indent + "}"]

    def lower(self, f):
        before, arguments = [], ["self.handle"] if f.resource else []
        for name, kind in f.params:
            name = self.given(name, f)
            match kind.kind:
                case "list" if kind.of[0].kind in ("own", "borrow"):
                    before.append(f"const {name}_list = handles({self.type(kind.of[0])}, {name});")
                    if kind.of[0].kind == "own":
                        before.append(f"for ({name}) |handle| _ = untrack(.{snake(kind.of[0].name)}, handle.handle);")
                    arguments += [f"@intFromPtr({name}_list.ptr)", f"@intCast({name}.len)"]
                case "list" if kind.of[0].kind in ("string", "record"):
                    how = "texts" if kind.of[0].kind == "string" else "entries"
                    arguments += [f"{how}({name})", f"@intCast({name}.len)"]
                case "string" | "list":
                    arguments += [f"@intFromPtr({name}.ptr)", f"@intCast({name}.len)"]
                case "option" if kind.of[0].kind == "borrow":
                    arguments += [f"@intFromBool({name} != null)", f"if ({name}) |some| some.handle else 0"]
                case "option":
                    arguments += [f"@intFromBool({name} != null)", f"{name} orelse 0"]
                case "own" | "borrow":
                    arguments.append(f"{name}.handle")
                case "bool":
                    arguments.append(f"@intFromBool({name})")
                case "enum":
                    arguments.append(f"@intFromEnum({name})")
                case "u32" | "u64":
                    arguments.append(f"@bitCast({name})")
                case _:
                    arguments.append(name)
        if self.in_memory(f):
            arguments.append("@intFromPtr(&area)")
        return before, arguments

    def after(self, f, call):
        if f.result is None:
            return [call + ";"]
        if not self.in_memory(f):
            return [f"return {self.from_core(f.result, call)};"]
        if not f.fails:
            return [call + ";", f"return {self.lift(f.result, 0, f)};"]
        at = self.payload(f)
        lines = [call + ";", f"if (area[0] != 0) return failed({at});"]
        return [*lines, f"return {self.lift(f.value, at, f)};"] if f.value else lines

    def from_core(self, kind, call):
        match kind.kind:
            case "bool":
                return call + " != 0"
            case "u32" | "u64":
                return f"@bitCast({call})"
            case "own":
                return f"{pascal(kind.name)}{{ .handle = {call} }}"
        return call

    def lift(self, kind, at, f):
        match kind.kind:
            case "bool":
                return f"area[{at}] != 0"
            case number if number in NUMBERS:
                return f"load({self.names[number]}, {at})"
            case "enum":
                return f"@enumFromInt(area[{at}])"
            case "string":
                return f"list(u8, {at})"
            case "own":
                if lasts(f) or kind.name not in ("tensor", "tensor-group"):
                    return f"{pascal(kind.name)}{{ .handle = load(i32, {at}) }}"
                return f"tracked({pascal(kind.name)}, {at})"
            case "list":
                how = {"string": "textList(", "record": "entryList("}.get(kind.of[0].kind, f"list({self.type(kind.of[0])}, ")
                return f"{how}{at})"
            case "option":
                inner = at + up(1, self.contract.align(kind.of[0]))
                return f"if (area[{at}] != 0) {self.lift(kind.of[0], inner, f)} else null"
            case "tuple":
                places = self.contract.offsets(kind.of)
                return ".{ " + ", ".join(self.lift(k, at + p, f) for k, p in zip(kind.of, places)) + " }"
            case "record":
                parts = self.contract.records[kind.name]
                places = self.contract.offsets([part for _, part in parts])
                inner = ", ".join(f".{snake(n)} = {self.lift(k, at + p, f)}" for (n, k), p in zip(parts, places))
                return f".{{ {inner} }}"


# ---- C++ ----


class Cpp(Language):
    file = "cpp/contract.hpp"
    core = {"i32": "int32_t", "i64": "int64_t", "f32": "float", "f64": "double", "ptr": "const void *", "": "void"}
    names = {"bool": "bool", "u8": "uint8_t", "u32": "uint32_t", "s32": "int32_t", "u64": "uint64_t", "s64": "int64_t",
             "f32": "float", "f64": "double", "string": "std::string"}

    def enum(self, name, cases):
        return [f"enum class {pascal(name)} : uint8_t {{", *(f"    {snake(case)}," for case in cases), "};"]

    def record(self, name):
        parts = self.contract.records[name]
        return [f"struct {pascal(name)} {{", *(f"    {self.type(k)} {snake(n)};" for n, k in parts), "};"]

    def type(self, kind):
        match kind.kind:
            case "enum" | "record" | "own" | "borrow":
                return pascal(kind.name)
            case "list":
                return f"std::vector<{self.type(kind.of[0])}>"
            case "option":
                return f"std::optional<{self.type(kind.of[0])}>"
            case "tuple":
                return f"std::tuple<{', '.join(self.type(part) for part in kind.of)}>"
        return self.names[kind.kind]

    def given(self, kind):
        """A parameter's type: nothing is copied that can be looked at."""
        match kind.kind:
            case "string":
                return "std::string_view"
            case "list" if kind.of[0].kind == "borrow":
                return "std::span<const Tensor *const>"
            case "list" if kind.of[0].kind == "own":
                return f"std::span<{self.type(kind.of[0])}>"
            case "list" if kind.of[0].kind == "string":
                return "std::span<const std::string_view>"
            case "list":
                return f"std::span<const {self.type(kind.of[0])}>"
            case "option" if kind.of[0].kind == "borrow":
                return "const Tensor *"
            case "borrow":
                return f"const {pascal(kind.name)} &"
        return self.type(kind)

    def body(self):
        lines = ["namespace phasebox {", "", "namespace core {", 'extern "C" {']
        for interface, name, _ in self.contract.resources:
            lines.append(self.external(f"phasebox:train/{interface}@{VERSION}", f"[resource-drop]{name}",
                                       f"drop_{snake(name)}", ["i32"], ""))
        for f in self.contract.functions:
            module, name = self.imported(f)
            lines.append(self.external(module, name, self.symbol(f), *self.signature(f)))
        lines += ["}", "}", "", *(f"class {pascal(name)};" for _, name, _ in self.contract.resources)]
        for name, cases in self.contract.enums.items():
            lines += ["", *self.doc(self.contract.docs[name]), *self.enum(name, cases)]
            if name == "error-code":
                lines += ["", *self.doc(self.contract.docs["error"]), *self.record("error"),
                          "template <typename T = void>", "using Result = std::expected<T, Error>;"]
        for name in self.contract.records:
            if name != "error":
                lines += ["", *self.doc(self.contract.docs[name]), *self.record(name)]
        functions = self.contract.functions
        for interface, name, doc in self.contract.resources:
            methods = [f for f in functions if f.resource == name and f.interface == interface]
            lines += ["", *self.doc(doc), *self.declared(name, methods)]
        # Bodies follow when all classes are complete.
        for f in functions:
            lines += ["", *([] if f.resource else self.doc(f.doc)), *self.function(f)]
        phases = [f'    PHASE({snake(phase)}, "{phase}") \\' for phase in self.contract.phases]
        lines += ["", "}", "", "/* The phases, in the order of the loop. */", "#define PHASEBOX_PHASES(PHASE) \\"]
        return [*lines, *phases, ""]

    def external(self, module, name, symbol, params, result):
        listed = ", ".join(self.core[core] for core in params)
        attribute = f'__attribute__((import_module("{module}"), import_name("{name}")))'
        return f"{attribute} {self.core[result]} phasebox_core_{symbol}({listed});"

    def declared(self, name, methods):
        drop = f"core::phasebox_core_drop_{snake(name)}"
        if name == "phase-context":
            lines = ["class PhaseContext : public Lent {", "public:", "    using Lent::Lent;"]
        elif name in ("tensor", "tensor-group"):
            give = {"tensor": "give_back_tensor", "tensor-group": "give_back_group"}[name]
            lines = [f"class {pascal(name)} : public Owned<{give}, {drop}> {{", "public:", "    using Owned::Owned;"]
        else:
            lines = [f"class {pascal(name)} : public Owned<{drop}, {drop}> {{", "public:", "    using Owned::Owned;"]
        for f in methods:
            lines += [*self.doc(f.doc, "    "), f"    {'[[nodiscard]] ' if f.fails else ''}{self.head(f, '')} const;"]
        return [*lines, "};"]

    def returned(self, f):
        value = self.type(f.value) if f.value else "void"
        return (f"Result<{value}>" if f.value else "Result<>") if f.fails else value

    def head(self, f, owner):
        params = ", ".join(f"{self.given(kind)} {snake(name)}" for name, kind in f.params)
        return f"{self.returned(f)} {owner}{snake(f.name)}({params})"

    def function(self, f):
        owner = f"{pascal(f.resource)}::" if f.resource else ""
        before, arguments = self.lower(f)
        call = f"core::phasebox_core_{self.symbol(f)}({', '.join(arguments)})"
        lines = [f"    {line}" for line in [*before, *self.after(f, call)]]
        return [f"inline {self.head(f, owner)}{' const' if f.resource else ''} {{", *lines, "}"]

    def lower(self, f):
        before, arguments = [], ["handle()"] if f.resource else []
        if self.in_memory(f):
            before.append("Area area;")
        for name, kind in f.params:
            name = snake(name)
            match kind.kind:
                case "list" if kind.of[0].kind == "borrow":
                    before.append(f"auto {name}_list = handles({name});")
                    arguments += [f"{name}_list.data()", f"(int32_t){name}.size()"]
                case "list" if kind.of[0].kind == "own":
                    before.append(f"auto {name}_list = taken({name});")
                    arguments += [f"{name}_list.data()", f"(int32_t){name}.size()"]
                case "list" if kind.of[0].kind == "record":
                    before.append(f"auto {name}_list = entries({name});")
                    arguments += [f"{name}_list.data()", f"(int32_t){name}.size()"]
                case "string" | "list":
                    arguments += [f"{name}.data()", f"(int32_t){name}.size()"]
                case "option" if kind.of[0].kind == "borrow":
                    arguments += [f"{name} != nullptr", f"{name} ? {name}->handle() : 0"]
                case "option":
                    arguments += [f"{name}.has_value()", f"{name}.value_or(0)"]
                case "own" | "borrow":
                    arguments.append(f"{name}.handle()")
                case "enum":
                    arguments.append(f"(int32_t){name}")
                case _:
                    arguments.append(name)
        if self.in_memory(f):
            arguments.append("area.bytes")
        return before, arguments

    def after(self, f, call):
        if f.result is None:
            return [call + ";"]
        if not self.in_memory(f):
            return [f"return {self.from_core(f.result, call)};"]
        if not f.fails:
            return [call + ";", f"return {self.lift(f.result, 0)};"]
        at = self.payload(f)
        lines = [call + ";", f"if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>({at}));"]
        return [*lines, f"return {self.lift(f.value, at)};" if f.value else "return {};"]

    def from_core(self, kind, call):
        return f"{pascal(kind.name)}({call})" if kind.kind == "own" else f"({self.type(kind)}){call}"

    def lift(self, kind, at):
        match kind.kind:
            case "bool":
                return f"area.bytes[{at}] != 0"
            case number if number in NUMBERS:
                return f"area.load<{self.names[number]}>({at})"
            case "enum":
                return f"({pascal(kind.name)})area.bytes[{at}]"
            case "string":
                return f"area.text({at})"
            case "own":
                return f"{pascal(kind.name)}(area.load<int32_t>({at}))"
            case "list":
                how = {"string": "texts", "record": "records<ScalarEntry>"}.get(kind.of[0].kind, f"numbers<{self.type(kind.of[0])}>")
                return f"area.{how}({at})"
            case "option":
                inner = at + up(1, self.contract.align(kind.of[0]))
                some = f"{self.type(kind)}({self.lift(kind.of[0], inner)})"
                return f"area.bytes[{at}] ? {some} : std::nullopt"
            case "tuple":
                places = self.contract.offsets(kind.of)
                inner = ", ".join(self.lift(k, at + p) for k, p in zip(kind.of, places))
                return f"{self.type(kind)}({inner})"
            case "record":
                parts = [part for _, part in self.contract.records[kind.name]]
                places = self.contract.offsets(parts)
                inner = ", ".join(self.lift(k, at + p) for k, p in zip(parts, places))
                return f"{pascal(kind.name)}{{{inner}}}"


# ---- Go ----


class Go(Language):
    file = "go/phasebox/contract.go"
    comment = "//"
    core = {"i32": "int32", "i64": "int64", "f32": "float32", "f64": "float64", "ptr": "unsafe.Pointer", "": ""}
    names = {"bool": "bool", "u8": "byte", "u32": "uint32", "s32": "int32", "u64": "uint64", "s64": "int64",
             "f32": "float32", "f64": "float64", "string": "string"}

    def enum(self, name, cases):
        kind = pascal(name)
        prefix = {"error-code": "Code", "dtype": "Dtype", "level": "Level"}[name]
        lines = [f"type {kind} uint8", "", "const (", f"\t{prefix}{pascal(cases[0])} {kind} = iota"]
        return [*lines, *(f"\t{prefix}{pascal(case)}" for case in cases[1:]), ")"]

    def record(self, name):
        parts = self.contract.records[name]
        width = max(len(pascal(part)) for part, _ in parts)
        return [f"type {pascal(name)} struct {{", *(f"\t{pascal(n):{width}} {self.type(k)}" for n, k in parts), "}"]

    def type(self, kind):
        match kind.kind:
            case "own" | "borrow":
                return f"*{pascal(kind.name)}"
            case "enum" | "record":
                return pascal(kind.name)
            case "list":
                return f"[]{self.type(kind.of[0])}"
            case "option":
                inner = self.type(kind.of[0])
                return inner if inner.startswith("*") else f"*{inner}"
        return self.names[kind.kind]

    def results(self, f):
        kinds = f.value.of if f.value and f.value.kind == "tuple" else [f.value] if f.value else []
        return [*(self.type(kind) for kind in kinds), *(["error"] if f.fails else [])]

    def resource(self, interface, name, methods):
        kind = pascal(name)
        lines = [f"type {kind} struct{{ handle int32 }}"]
        if name != "phase-context":
            lines += ["", "// Drop gives the handle back now; otherwise that happens at the end of the call.",
                      f"func (self *{kind}) Drop() {{",
                      f"\tif self.handle != 0 && untrack({self.place(name)}, self.handle) {{",
                      f"\t\tdrop{kind}(self.handle)", "\t}", "\tself.handle = 0", "}"]
        lines += ["", f"//go:wasmimport phasebox:train/{interface}@{VERSION} [resource-drop]{name}",
                  f"func drop{kind}(handle int32)"]
        for method in methods:
            lines += ["", *self.function(method)]
        return lines

    def place(self, name):
        return {"tensor": "ofTensors", "tensor-group": "ofGroups"}.get(name, "nil")

    def free(self, functions):
        return [line for f in functions for line in ["", *self.function(f)]]

    def function(self, f):
        name = pascal(f.name)
        doc = [f"{name}: {f.doc[0]}", *f.doc[1:]] if f.doc else []
        params = ", ".join(f"{self.word(n)} {self.type(k)}" for n, k in f.params)
        results = self.results(f)
        shown = f" ({', '.join(results)})" if len(results) > 1 else f" {results[0]}" if results else ""
        owner = f"(self *{pascal(f.resource)}) " if f.resource else ""
        before, arguments = self.lower(f)
        call = f"{camel(self.symbol(f).replace('_', '-'))}Core({', '.join(arguments)})"
        body = [f"\t{line}" for line in [*before, *self.after(f, call)]]
        module, core = self.imported(f)
        types, result = self.signature(f)
        listed = ", ".join(f"p{i} {self.core[kind]}" for i, kind in enumerate(types))
        return [*self.doc(doc), f"func {owner}{name}({params}){shown} {{", *body, "}", "",
                f"//go:wasmimport {module} {core}",
                f"func {call.split('(')[0]}({listed}) {self.core[result]}".rstrip()]

    def body(self):
        lines = super().body()
        for phase in self.contract.phases:
            name = pascal(phase)
            lines += ["", f"//go:wasmexport local:plugin/callback#{phase}",
                      f"func export{name}(ctx int32) unsafe.Pointer {{", "\treturn atPhase(ctx, func(call *PhaseContext) error {",
                      f"\t\tif at, ok := callback.(interface{{ {name}(*PhaseContext) error }}); ok {{",
                      f"\t\t\treturn at.{name}(call)", "\t\t}", f'\t\treturn missing("{name}")', "\t})", "}"]
        lines += ["", "// hasPhase tells, for each phase, whether a callback has its method.", "var hasPhase = map[string]func(any) bool{"]
        for phase in self.contract.phases:
            lines += [f'\t"{phase}": func(c any) bool {{',
                      f"\t\t_, ok := c.(interface{{ {pascal(phase)}(*PhaseContext) error }})", "\t\treturn ok", "\t},"]
        return [*lines, "}"]

    def word(self, name):
        return {"type": "kind", "range": "span"}.get(camel(name), camel(name))

    def lower(self, f):
        before, arguments = [], ["self.handle"] if f.resource else []
        for name, kind in f.params:
            name = self.word(name)
            match kind.kind:
                case "string":
                    arguments += [f"unsafe.Pointer(unsafe.StringData({name}))", f"int32(len({name}))"]
                case "list" if kind.of[0].kind in NUMBERS:
                    arguments += [f"unsafe.Pointer(unsafe.SliceData({name}))", f"int32(len({name}))"]
                case "list":
                    how = {"string": "texts", "record": "entries", "own": "taken"}.get(kind.of[0].kind, "handles")
                    extra = f", {self.place(kind.of[0].name)}" if how == "taken" else ""
                    before.append(f"{name}List := {how}({name}{extra})")
                    arguments += [f"unsafe.Pointer(unsafe.SliceData({name}List))", f"int32(len({name}))"]
                case "option" if kind.of[0].kind == "borrow":
                    before.append(f"{name}Some, {name}Handle := some({name})")
                    arguments += [f"{name}Some", f"{name}Handle"]
                case "option":
                    before.append(f"{name}Some, {name}Value := number({name})")
                    arguments += [f"{name}Some", f"{name}Value"]
                case "own" | "borrow":
                    arguments.append(f"{name}.handle")
                case "bool":
                    arguments.append(f"bit({name})")
                case "u32" | "enum":
                    arguments.append(f"int32({name})")
                case "u64":
                    arguments.append(f"int64({name})")
                case _:
                    arguments.append(name)
        if self.in_memory(f):
            arguments.append("result")
        return before, arguments

    def after(self, f, call):
        if f.result is None:
            return [call]
        if not self.in_memory(f):
            return [f"return {self.from_core(f.result, call)}"]
        if not f.fails:
            return [call, *self.lifted(f, 0)]
        at = self.payload(f)
        if f.value is None:
            return [call, "if area[0] == 0 {", "\treturn nil", "}", f"return failed({at})"]
        zeros = ", ".join(self.zero(kind) for kind in (f.value.of if f.value.kind == "tuple" else [f.value]))
        return [call, "if area[0] != 0 {", f"\treturn {zeros}, failed({at})", "}", *self.lifted(f, at)]

    def lifted(self, f, at):
        end = ", nil" if f.fails else ""
        if f.value.kind == "tuple":
            places = self.contract.offsets(f.value.of)
            return ["return " + ", ".join(self.lift(k, at + p, f) for k, p in zip(f.value.of, places)) + end]
        return [f"return {self.lift(f.value, at, f)}{end}"]

    def zero(self, kind):
        if kind.kind in NUMBERS:
            return "false" if kind.kind == "bool" else "0"
        return '""' if kind.kind == "string" else f"{pascal(kind.name)}{{}}" if kind.kind == "record" else "nil"

    def from_core(self, kind, call):
        match kind.kind:
            case "bool":
                return f"{call} != 0"
            case "own":
                return f"&{pascal(kind.name)}{{{call}}}"
        return f"{self.type(kind)}({call})"

    def lift(self, kind, at, f):
        match kind.kind:
            case "bool":
                return f"area[{at}] != 0"
            case number if number in NUMBERS:
                return f"load[{self.names[number]}]({at})"
            case "enum":
                return f"{pascal(kind.name)}(area[{at}])"
            case "string":
                return f"text({at})"
            case "own":
                made = f"&{pascal(kind.name)}{{load[int32]({at})}}"
                if lasts(f) or kind.name not in ("tensor", "tensor-group"):
                    return made
                return f"&{pascal(kind.name)}{{track({self.place(kind.name)}, {at})}}"
            case "list":
                how = {"string": "textList", "record": "entryList"}.get(kind.of[0].kind, f"list[{self.type(kind.of[0])}]")
                return f"{how}({at})"
            case "option" if kind.of[0].kind == "own":
                name = pascal(kind.of[0].name)
                return f"some{name}({at})"
            case "option":
                inner = at + up(1, self.contract.align(kind.of[0]))
                return f"maybe({at}, {'text' if kind.of[0].kind == 'string' else f'load[{self.type(kind.of[0])}]'}, {inner})"
            case "record":
                parts = [part for _, part in self.contract.records[kind.name]]
                places = self.contract.offsets(parts)
                inner = ", ".join(self.lift(k, at + p, f) for k, p in zip(parts, places))
                return f"{pascal(kind.name)}{{{inner}}}"


# ---- TypeScript: the types of JavaScript's bindings ----


class TypeScript(Language):
    file = "javascript/contract.d.ts"
    names = {"bool": "boolean", "u8": "number", "u32": "number", "s32": "number", "u64": "bigint", "s64": "bigint",
             "f32": "number", "f64": "number", "string": "string"}
    arrays = {"u8": "Uint8Array", "s64": "BigInt64Array", "f32": "Float32Array", "u32": "Uint32Array"}

    def type(self, kind, given=False):
        match kind.kind:
            case "enum" | "record" | "own" | "borrow":
                return pascal(kind.name)
            case "list":
                array = self.arrays.get(kind.of[0].kind)
                plain = f"Array<{self.type(kind.of[0])}>"
                return array if array and not given else f"{array} | {plain}" if array else plain
            case "option":
                return f"{self.type(kind.of[0])} | undefined"
            case "tuple":
                return f"[{', '.join(self.type(part) for part in kind.of)}]"
        return self.names[kind.kind]

    def body(self):
        lines = []
        for interface in INTERFACES:
            lines += ["", f"declare module 'phasebox:train/{interface}@{VERSION}' {{", *self.module(interface), "}"]
        return lines

    def module(self, interface):
        lines = self.shared() if interface == "types" else []
        if interface != "types":
            lines += ["  import type { Dtype, Level, ScalarEntry, TensorInfo } from "
                      f"'phasebox:train/types@{VERSION}';"]
        if interface not in ("types", "tensor"):
            lines += [f"  import type {{ Tensor, TensorGroup }} from 'phasebox:train/tensor@{VERSION}';"]
        functions = [f for f in self.contract.functions if f.interface == interface]
        for _, name, doc in (r for r in self.contract.resources if r[0] == interface):
            lines += [f"  /** {' '.join(doc)} */", f"  export class {pascal(name)} {{"]
            for f in functions:
                if f.resource == name:
                    lines += [f"    /** {' '.join(f.doc)} */", f"    {self.head(f)};"]
            lines.append("  }")
        for f in functions:
            if not f.resource:
                lines += [f"  /** {' '.join(f.doc)} */", f"  export function {self.head(f)};"]
        return lines

    def shared(self):
        lines = []
        for name, cases in self.contract.enums.items():
            lines += [f"  /** {' '.join(self.contract.docs[name])} */",
                      f"  export type {pascal(name)} = {' | '.join(repr(case) for case in cases)};"]
        for name, parts in self.contract.records.items():
            inner = " ".join(f"{camel(n)}: {self.type(k)};" for n, k in parts)
            exported = "ContractError" if name == "error" else pascal(name)
            lines += [f"  /** {' '.join(self.contract.docs[name])} */", f"  export interface {exported} {{ {inner} }}"]
        return lines

    def head(self, f):
        params = ", ".join(f"{camel(name)}: {self.type(kind, True)}" for name, kind in f.params)
        return f"{camel(f.name)}({params}): {self.type(f.value) if f.value else 'void'}"


def main() -> None:
    contract = read(SDK.parents[1] / "wit")
    for language in (AssemblyScript, Zig, Cpp, Go, TypeScript):
        language(contract).write()


if __name__ == "__main__":
    main()
