// TorchScript modules as trainable networks. tch reaches their parameters but not their buffers, and without buffers a
// batch normalization cannot be checkpointed.
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "device.h"
#include "torch_error.h"

#include <cstring>
#include <string>
#include <vector>

using at::Tensor;
using torch::jit::Module;
using torch_ext::device_of;
using torch_ext::guarded;
using List = std::vector<Tensor>;

namespace {

// The interpreter puts its own traceback before the cause, and libtorch its backtrace behind it.
char* cause_of(const char* text) {
  const std::string message = text;
  const std::string marker = "RuntimeError: ";
  const size_t found = message.rfind(marker);
  const size_t start = found == std::string::npos ? 0 : found + marker.size();
  return strdup(message.substr(start, message.find('\n', start) - start).c_str());
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

} // namespace

extern "C" {

char* ext_script_load(const char* path, int device, Module** out) {
  return guarded([&] { *out = new Module(torch::jit::load(path, device_of(device))); }, cause_of);
}

void ext_script_free(Module* module) {
  delete module;
}

char* ext_script_set_train(Module* module, bool train) {
  return guarded([&] { module->train(train); }, cause_of);
}

// Unoptimized: the profiling executor rewrites the graph after its first calls, so a resumed run would compute other
// bits than the run it continues.
char* ext_script_forward(Module* module, const Tensor* input, Tensor** out) {
  const auto forward = [&] {
    torch::jit::GraphOptimizerEnabledGuard plain(false);
    *out = new Tensor(module->forward({*input}).toTensor());
  };
  return guarded(forward, cause_of);
}

char* ext_script_parameters(const Module* module, List* tensors, char** names) {
  return guarded([&] { collect(module->named_parameters(), tensors, names); }, cause_of);
}

char* ext_script_buffers(const Module* module, List* tensors, char** names) {
  return guarded([&] { collect(module->named_buffers(), tensors, names); }, cause_of);
}

} // extern "C"
