// Autocast, switched on and off for one kind of device.
#include <ATen/autocast_mode.h>

#include "torch_error.h"

using torch_ext::guarded;

extern "C" {

char* ext_autocast_enter(bool cuda, bool enabled, int dtype, bool* previous_enabled, int* previous_dtype) {
  return guarded([&] {
    const auto device = cuda ? at::kCUDA : at::kCPU;
    *previous_enabled = at::autocast::is_autocast_enabled(device);
    *previous_dtype = static_cast<int>(at::autocast::get_autocast_dtype(device));
    at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(dtype));
    at::autocast::set_autocast_enabled(device, enabled);
    at::autocast::increment_nesting();
  });
}

// The cache holds casts of parameters, which are wrong once a parameter has changed: it ends with the outermost guard.
char* ext_autocast_exit(bool cuda, bool previous_enabled, int previous_dtype) {
  return guarded([&] {
    const auto device = cuda ? at::kCUDA : at::kCPU;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device, previous_enabled);
    at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(previous_dtype));
  });
}

} // extern "C"
