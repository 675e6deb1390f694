// Devices as Rust numbers them.
#pragma once
#include <c10/core/Device.h>

namespace torch_ext {

// -1 is the CPU; every other number is the index of a CUDA device.
inline c10::Device device_of(int index) {
  if (index < 0) return c10::Device(c10::kCPU);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

} // namespace torch_ext
