// The state of libtorch's default generators, and kernels whose sums have a fixed order.
#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include "device.h"
#include "torch_error.h"

#include <cstdint>
#include <mutex>
#include <set>
#include <string>

using at::Tensor;
using torch_ext::device_of;
using torch_ext::guarded;

namespace {

// Prints each warning once: an operation without a deterministic kernel would else warn at every call.
struct OnceHandler : c10::WarningHandler {
  void process(const c10::Warning& warning) override {
    const std::lock_guard<std::mutex> lock(mutex);
    if (seen.size() < 100 && seen.insert(warning.msg()).second) c10::WarningHandler::process(warning);
  }
  std::mutex mutex;
  std::set<std::string> seen;
};

} // namespace

extern "C" {

char* ext_rng_state(int device, Tensor** out) {
  return guarded([&] {
    at::Generator generator = at::globalContext().defaultGenerator(device_of(device));
    std::lock_guard<std::mutex> lock(generator.mutex());
    *out = new Tensor(generator.get_state());
  });
}

char* ext_set_rng_state(int device, const Tensor* state) {
  return guarded([&] {
    at::Generator generator = at::globalContext().defaultGenerator(device_of(device));
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(*state);
  });
}

char* ext_use_deterministic_kernels(bool wanted) {
  return guarded([&] {
    // Leaked on purpose: threads may warn until the process ends.
    static auto* once = new OnceHandler();
    c10::WarningUtils::set_warning_handler(once);
    at::Context& context = at::globalContext();
    context.setDeterministicCuDNN(wanted);
    // An operation without such a kernel runs all the same.
    context.setDeterministicAlgorithms(wanted, /*warn_only=*/true);
    // Else each new tensor would be filled, which finds faults in programs and changes no sum.
    context.setDeterministicFillUninitializedMemory(false);
  });
}

char* ext_allow_tf32(bool allowed) {
  return guarded([&] { at::globalContext().setAllowTF32CuDNN(allowed); });
}

char* ext_manual_seed(uint64_t seed) {
  return guarded([&] { at::manual_seed(seed); });
}

} // extern "C"
