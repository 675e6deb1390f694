// Host tensors in pinned memory, and their copies to a device, on a stream for copies alone.
#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "device.h"
#include "no_grad.h"
#include "torch_error.h"

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

using at::Tensor;
using torch_ext::device_of;
using torch_ext::guarded;
using torch_ext::no_grad;

namespace {

// Copies to one device are queued on `stream`, in order; `arrived` is recorded behind the last of them.
struct Copies {
  c10::Stream stream;
  c10::Event arrived;
};

// Leaked on purpose: when a process ends, the CUDA driver may be gone before an event is freed.
Copies& copies_to(at::Device device) {
  static thread_local auto* all = new std::vector<std::unique_ptr<Copies>>();
  const auto index = static_cast<size_t>(device.index());
  if (all->size() <= index) all->resize(index + 1);
  auto& copies = (*all)[index];
  if (copies == nullptr) {
    const c10::impl::VirtualGuardImpl backend(device.type());
    const auto stream = backend.getStreamFromGlobalPool(device, /*isHighPriority=*/true);
    copies.reset(new Copies{stream, c10::Event(device.type())});
  }
  return *copies;
}

} // namespace

extern "C" {

char* ext_pin_memory(const Tensor* source, Tensor** out) {
  return guarded([&] { *out = new Tensor(source->pin_memory()); });
}

// The copy waits for nothing that the device is doing, and the host does not wait for the copy. Only what is queued on
// the device's current stream after this call waits for it.
char* ext_upload(const Tensor* source, int device_index, Tensor** out) {
  return guarded([&] {
    const at::Device device = device_of(device_index);
    const c10::impl::VirtualGuardImpl backend(device.type());
    const c10::Stream current = backend.getStream(device);
    Copies& copies = copies_to(device);
    Tensor target;
    {
      const c10::StreamGuard guard(copies.stream);
      target = source->pin_memory().to(device, /*non_blocking=*/true);
      copies.arrived.record(copies.stream);
    }
    copies.arrived.block(current);
    // `target` was allocated on the stream of the copies: its memory must not be reused before `current` has read it.
    backend.recordDataPtrOnStream(target.storage().data_ptr(), current);
    *out = new Tensor(std::move(target));
  });
}

// On the device's current stream, so behind what still reads `target`. CUDA takes up to 64 KiB from ordinary memory before
// the call returns, without a wait: pinning costs more than such a copy.
char* ext_fill(const Tensor* target, const Tensor* source) {
  return no_grad([&] { target->copy_(*source, /*non_blocking=*/true); });
}

} // extern "C"
