// Scalars that arrive later: cells on a device and in pinned memory, and the events behind their copies. Which cell is
// free, and when cells are sent, is for Rust to say.
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "device.h"
#include "no_grad.h"
#include "torch_error.h"

#include <cstdint>
#include <cstring>
#include <memory>

using at::Tensor;
using torch_ext::device_of;
using torch_ext::guarded;
using torch_ext::no_grad;

// A scalar is stored in a cell on the device when it is asked for; many cells are copied to pinned memory at once.
// float64 holds the numbers of every other dtype, except int64 beyond 2^53.
struct Lane {
  Lane(at::Device device, int64_t cells)
      : device(at::zeros({cells}, at::TensorOptions().dtype(at::kDouble).device(device))),
        host(at::zeros({cells}, at::TensorOptions().dtype(at::kDouble).pinned_memory(true))) {}
  Tensor device;
  Tensor host;
};

namespace {

void check_is_scalar(const Tensor& tensor) {
  TORCH_CHECK(tensor.numel() == 1, "a scalar needs a tensor of 1 element, this one has ", tensor.numel());
}

} // namespace

extern "C" {

char* ext_scalar_value(const Tensor* tensor, double* out) {
  return guarded([&] {
    check_is_scalar(*tensor);
    *out = tensor->item().toDouble();
  });
}

char* ext_lane_new(int device, size_t cells, Lane** out) {
  return no_grad([&] { *out = new Lane(device_of(device), static_cast<int64_t>(cells)); });
}

char* ext_lane_store(Lane* lane, size_t cell, const Tensor* value) {
  return no_grad([&] {
    check_is_scalar(*value);
    lane->device.select(0, static_cast<int64_t>(cell)).copy_(value->detach().reshape({}), /*non_blocking=*/true);
  });
}

char* ext_lane_send(Lane* lane, size_t start, size_t end, c10::Event** out) {
  return no_grad([&] {
    const auto from = static_cast<int64_t>(start);
    const auto to = static_cast<int64_t>(end);
    lane->host.slice(0, from, to).copy_(lane->device.slice(0, from, to), /*non_blocking=*/true);
    const at::Device device = lane->device.device();
    auto event = std::make_unique<c10::Event>(device.type());
    const c10::impl::VirtualGuardImpl backend(device.type());
    event->record(backend.getStream(device));
    *out = event.release();
  });
}

char* ext_lane_read(const Lane* lane, size_t start, size_t end, double* out) {
  return guarded([&] { std::memcpy(out, lane->host.data_ptr<double>() + start, (end - start) * sizeof(double)); });
}

char* ext_event_query(const c10::Event* event, bool* ready) {
  return guarded([&] { *ready = event->query(); });
}

char* ext_event_wait(const c10::Event* event) {
  return guarded([&] { event->synchronize(); });
}

void ext_event_free(c10::Event* event) {
  delete event;
}

} // extern "C"
