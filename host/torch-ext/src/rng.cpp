// The state of libtorch's default generators.
#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "device.h"
#include "torch_error.h"

#include <cstdint>
#include <mutex>

using at::Tensor;
using torch_ext::device_of;
using torch_ext::guarded;

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

char* ext_manual_seed(uint64_t seed) {
  return guarded([&] { at::manual_seed(seed); });
}

} // extern "C"
