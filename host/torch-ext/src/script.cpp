// TorchScript modules as trainable networks. tch reaches their parameters but not their buffers, and without buffers a
// batch normalization cannot be checkpointed.
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "device.h"
#include "torch_error.h"

#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <vector>

using torch::jit::IValue;
using torch::jit::Module;
using torch_ext::device_of;
using torch_ext::guarded;
using List = std::vector<at::Tensor>;

namespace {

// All of the text, with the traceback of the interpreter: message.rs finds the reason in it.
char* whole(const char* text) {
  return strdup(text);
}

// Writes names one a line: no TorchScript name holds a line feed.
template <class Named>
void collect(const Named& named, List* tensors, char** names) {
  std::string joined;
  for (const auto& entry : named) {
    tensors->push_back(entry.value);
    joined += entry.name + '\n';
  }
  *names = strdup(joined.c_str());
}

// The inputs in the order of the parameters of `forward` where all have a parameter's name, or as they are where none
// has. Where some have, the others are mistakes.
std::vector<IValue> arguments(const Module& module, const List& inputs, const std::string& names) {
  std::vector<IValue> given(inputs.begin(), inputs.end());
  std::map<std::string, IValue> by_name;
  std::istringstream lines(names);
  std::string name;
  for (size_t index = 0; std::getline(lines, name) && index < given.size(); ++index) {
    by_name[name] = given[index];
  }
  std::vector<IValue> ordered;
  std::string parameters;
  const auto schema = module.get_method("forward").function().getSchema();
  for (const auto& argument : schema.arguments()) {
    const auto found = by_name.find(argument.name());
    if (found != by_name.end()) {
      ordered.push_back(found->second);
    }
    parameters += argument.name() == "self" ? "" : " " + argument.name();
  }
  TORCH_CHECK(
      ordered.empty() || ordered.size() == given.size(),
      "some inputs have names of parameters of forward and some have not: its parameters are",
      parameters);
  return ordered.empty() ? given : ordered;
}

void flatten(const IValue& value, const std::string& name, List* tensors, std::string* names);

// The elements of a tuple, by the names of its fields if it has some.
void flatten_tuple(const IValue& value, const std::string& prefix, List* tensors, std::string* names) {
  const auto tuple = value.toTuple();
  const auto& schema = tuple->type()->schema();
  for (size_t index = 0; index < tuple->elements().size(); ++index) {
    const auto field = schema ? schema->arguments()[index].name() : std::to_string(index);
    flatten(tuple->elements()[index], prefix + field, tensors, names);
  }
}

// A tensor under `name`; those of a tuple, list or dict under `name.<field>`.
void flatten(const IValue& value, const std::string& name, List* tensors, std::string* names) {
  const std::string prefix = name.empty() ? name : name + ".";
  TORCH_CHECK(tensors->size() < 4096, "forward must return at most 4096 tensors");
  if (value.isTensor()) {
    tensors->push_back(value.toTensor());
    *names += name + '\n';
  } else if (value.isTuple()) {
    flatten_tuple(value, prefix, tensors, names);
  } else if (value.isList()) {
    const auto list = value.toListRef();
    for (size_t index = 0; index < list.size(); ++index) {
      flatten(list[index], prefix + std::to_string(index), tensors, names);
    }
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      TORCH_CHECK(entry.key().isString(), "a dict that forward returns must have texts as keys");
      flatten(entry.value(), prefix + entry.key().toStringRef(), tensors, names);
    }
  } else {
    TORCH_CHECK(
        false,
        "forward must return tensors, or tuples, lists and dicts of them; ",
        name.empty() ? "it returned" : "`" + name + "` is",
        " a value of type ",
        value.tagKind());
  }
}

} // namespace

extern "C" {

char* ext_script_load(const char* path, int device, Module** out) {
  return guarded([&] { *out = new Module(torch::jit::load(path, device_of(device))); }, whole);
}

void ext_script_free(Module* module) {
  delete module;
}

char* ext_script_set_train(Module* module, bool train) {
  return guarded([&] { module->train(train); }, whole);
}

// Unoptimized: the profiling executor rewrites the graph after its first calls, so a resumed run would compute other
// bits than the run it continues. `names` has one name a line for `inputs`, or is empty for a single input.
char* ext_script_forward(
    Module* module,
    const List* inputs,
    const char* names,
    List* outputs,
    char** output_names) {
  const auto forward = [&] {
    torch::jit::GraphOptimizerEnabledGuard plain(false);
    const IValue result = module->forward(arguments(*module, *inputs, names));
    std::string joined;
    flatten(result, "", outputs, &joined);
    *output_names = strdup(joined.c_str());
  };
  return guarded(forward, whole);
}

char* ext_script_parameters(const Module* module, List* tensors, char** names) {
  return guarded([&] { collect(module->named_parameters(), tensors, names); }, whole);
}

char* ext_script_buffers(const Module* module, List* tensors, char** names) {
  return guarded([&] { collect(module->named_buffers(), tensors, names); }, whole);
}

} // extern "C"
