// The C++ side of torch-ext: one function per libtorch call that tch lacks. Owns no policy and checks no arguments that
// libtorch checks itself. Every fallible function returns null or a message made with `malloc`, which Rust frees; no
// exception leaves this file. Linked to libtorch_cpu and libc10 alone: CUDA is reached through the dispatcher once
// libtorch_cuda has been loaded.
#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Generator.h>
#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Logging.h>
#include <torch/headeronly/version.h>

#include "guarded.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using at::Tensor;
using torch_ext::guarded;
using List = std::vector<Tensor>;

namespace {

// Nobody reads the C++ backtrace behind libtorch's messages, but looking up its symbols took most of the time of a
// refused call, and callbacks may be refused thousands of times.
[[maybe_unused]] const bool without_backtraces = [] {
  c10::SetStackTraceFetcher(std::function<std::string()>([] { return std::string(); }));
  return true;
}();

// In-place work on parameters: autograd must not see it.
template <class Body>
char* in_place(Body&& body) noexcept {
  return guarded([&] {
    at::NoGradGuard no_grad;
    body();
  });
}

// The same over a list; libtorch refuses empty ones, for which there is simply nothing to do.
template <class Body>
char* in_place_on(const List* list, Body&& body) noexcept {
  return list->empty() ? nullptr : in_place(std::forward<Body>(body));
}

Tensor* owned(Tensor tensor) {
  return new Tensor(std::move(tensor));
}

// Negative is the CPU, everything else the index of a CUDA device.
at::Device device_of(int index) {
  return index < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

// Cells for scalars: on the device, where each is put aside when it is asked for, and in pinned memory, where many are
// copied at once. float64 holds every other dtype's numbers, but for int64 beyond 2^53.
struct Lane {
  Lane(at::Device device, int64_t cells)
      : device(at::zeros({cells}, at::TensorOptions().dtype(at::kDouble).device(device))),
        host(at::zeros({cells}, at::TensorOptions().dtype(at::kDouble).pinned_memory(true))) {}
  Tensor device;
  Tensor host;
};

double value_of(const Tensor& tensor) {
  TORCH_CHECK(tensor.numel() == 1, "a scalar needs a tensor of 1 element, this one has ", tensor.numel());
  return tensor.item().toDouble();
}

// Where copies to one device are queued, in order among themselves, and what tells its other streams of the last one.
struct Copies {
  c10::Stream stream;
  c10::Event arrived;
};

// Leaked on purpose, as above.
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

// ---- Lists of tensors ----

List* ext_list_new() {
  return new List();
}

void ext_list_free(List* list) {
  delete list;
}

void ext_list_clear(List* list) {
  list->clear();
}

size_t ext_list_len(const List* list) {
  return list->size();
}

char* ext_list_push(List* list, const Tensor* tensor) {
  return guarded([&] { list->push_back(*tensor); });
}

char* ext_list_get(const List* list, size_t index, Tensor** out) {
  return guarded([&] { *out = owned(list->at(index)); });
}

// Refills `gradients` (its memory is kept) and says whether the set of parameters that have one differs from `present`.
char* ext_list_gradients(List* gradients, const List* parameters, uint8_t* present, bool* changed) {
  return guarded([&] {
    gradients->clear();
    *changed = false;
    for (size_t i = 0; i < parameters->size(); ++i) {
      const Tensor& parameter = (*parameters)[i];
      const bool has_gradient = parameter.requires_grad() && parameter.grad().defined();
      if (has_gradient) gradients->push_back(parameter.grad());
      *changed = *changed || has_gradient != static_cast<bool>(present[i]);
      present[i] = has_gradient;
    }
  });
}

bool ext_list_are_gradients(const List* gradients, const List* parameters) {
  size_t next = 0;
  for (const Tensor& parameter : *parameters) {
    const Tensor& gradient = parameter.grad();
    if (!gradient.defined()) continue;
    if (next == gradients->size() || !(*gradients)[next].is_same(gradient)) return false;
    ++next;
  }
  return next == gradients->size();
}

// Frozen parameters too: a gradient left behind would come back when they thaw.
char* ext_list_zero_gradients(List* gradients, const List* parameters) {
  return in_place([&] {
    gradients->clear();
    for (const Tensor& parameter : *parameters) {
      if (parameter.grad().defined()) gradients->push_back(parameter.grad());
    }
    if (!gradients->empty()) at::_foreach_zero_(*gradients);
  });
}

// They are gone, with their memory: the next backward pass need not add to zeros. `had` remembers whose.
void ext_list_drop_gradients(const List* parameters, uint8_t* had) {
  for (size_t i = 0; i < parameters->size(); ++i) {
    Tensor& gradient = (*parameters)[i].mutable_grad();
    had[i] = had[i] || gradient.defined();
    gradient.reset();
  }
}

// Zeros for those who had one and had no part in the backward pass since.
char* ext_list_fill_gradients(const List* parameters, const uint8_t* had) {
  return in_place([&] {
    for (size_t i = 0; i < parameters->size(); ++i) {
      const Tensor& parameter = (*parameters)[i];
      if (had[i] && parameter.requires_grad() && !parameter.grad().defined()) {
        parameter.mutable_grad() = at::zeros_like(parameter);
      }
    }
  });
}

// ---- Operations on every tensor of a list ----

char* ext_foreach_zero(const List* list) {
  return in_place_on(list, [&] { at::_foreach_zero_(*list); });
}

char* ext_foreach_mul_scalar(const List* list, double factor) {
  return in_place_on(list, [&] { at::_foreach_mul_(*list, at::Scalar(factor)); });
}

char* ext_foreach_mul_tensor(const List* list, const Tensor* factor) {
  return in_place_on(list, [&] { at::_foreach_mul_(*list, *factor); });
}

char* ext_foreach_div_scalar(const List* list, double divisor) {
  return in_place_on(list, [&] { at::_foreach_div_(*list, at::Scalar(divisor)); });
}

char* ext_foreach_div_tensor(const List* list, const Tensor* divisor) {
  return in_place_on(list, [&] { at::_foreach_div_(*list, *divisor); });
}

char* ext_foreach_add_scalar(const List* list, double value) {
  return in_place_on(list, [&] { at::_foreach_add_(*list, at::Scalar(value)); });
}

char* ext_foreach_add(const List* list, const List* other, double alpha) {
  return in_place_on(list, [&] { at::_foreach_add_(*list, *other, alpha); });
}

char* ext_foreach_lerp(const List* list, const List* end, double weight) {
  return in_place_on(list, [&] { at::_foreach_lerp_(*list, *end, at::Scalar(weight)); });
}

char* ext_foreach_copy(const List* list, const List* source) {
  return in_place_on(list, [&] { at::_foreach_copy_(*list, *source, /*non_blocking=*/true); });
}

char* ext_foreach_clamp_min(const List* list, double minimum) {
  return in_place_on(list, [&] { at::_foreach_clamp_min_(*list, at::Scalar(minimum)); });
}

char* ext_foreach_clamp_max(const List* list, double maximum) {
  return in_place_on(list, [&] { at::_foreach_clamp_max_(*list, at::Scalar(maximum)); });
}

char* ext_foreach_sqrt(const List* list) {
  return in_place_on(list, [&] { at::_foreach_sqrt_(*list); });
}

char* ext_foreach_addcmul(const List* list, const List* left, const List* right, double value) {
  return in_place_on(list, [&] { at::_foreach_addcmul_(*list, *left, *right, at::Scalar(value)); });
}

char* ext_foreach_addcdiv(const List* list, const List* numerator, const List* denominator, double value) {
  return in_place_on(list, [&] { at::_foreach_addcdiv_(*list, *numerator, *denominator, at::Scalar(value)); });
}

// x - x is 0 where x is finite and NaN elsewhere, and NaN counts as non-zero: four kernels whatever the length.
char* ext_count_nonfinite(const List* list, Tensor** out) {
  return in_place([&] {
    List flat;
    flat.reserve(list->size());
    for (const Tensor& tensor : *list) flat.push_back(tensor.reshape({-1}));
    if (flat.empty()) flat.push_back(at::zeros({0}));
    Tensor all = at::cat(flat);
    *out = owned(at::count_nonzero(all.sub_(all)));
  });
}

// ---- Fused optimizer steps. `device_lr`, where given, is read by the kernel in place of `lr`. ----

char* ext_fused_sgd(const List* parameters, const List* gradients, const List* momentum_buffers, double weight_decay,
                    double momentum, double lr, const Tensor* device_lr, double dampening, bool nesterov, bool first) {
  return in_place([&] {
    const at::TensorList buffers = momentum == 0.0 ? at::TensorList() : at::TensorList(*momentum_buffers);
    if (device_lr == nullptr) {
      at::_fused_sgd_(*parameters, *gradients, buffers, weight_decay, momentum, lr, dampening, nesterov, false, first);
    } else {
      at::_fused_sgd_(*parameters, *gradients, buffers, weight_decay, momentum, *device_lr, dampening, nesterov, false,
                      first);
    }
  });
}

char* ext_fused_adam(const List* parameters, const List* gradients, const List* exp_avgs, const List* exp_avg_sqs,
                     const List* max_exp_avg_sqs, const List* steps, double lr, const Tensor* device_lr, double beta1,
                     double beta2, double weight_decay, double eps, bool amsgrad, bool decoupled) {
  return in_place([&] {
    const auto step = [&](const auto& rate) {
      if (decoupled) {
        at::_fused_adamw_(*parameters, *gradients, *exp_avgs, *exp_avg_sqs, *max_exp_avg_sqs, *steps, rate, beta1,
                          beta2, weight_decay, eps, amsgrad, false);
      } else {
        at::_fused_adam_(*parameters, *gradients, *exp_avgs, *exp_avg_sqs, *max_exp_avg_sqs, *steps, rate, beta1, beta2,
                         weight_decay, eps, amsgrad, false);
      }
    };
    if (device_lr == nullptr) {
      step(lr);
    } else {
      step(*device_lr);
    }
  });
}

// ---- Random numbers ----

char* ext_rng_state(int device, Tensor** out) {
  return guarded([&] {
    at::Generator generator = at::globalContext().defaultGenerator(device_of(device));
    std::lock_guard<std::mutex> lock(generator.mutex());
    *out = owned(generator.get_state());
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

// ---- Scalars that arrive later ----

char* ext_scalar_value(const Tensor* tensor, double* out) {
  return guarded([&] { *out = value_of(*tensor); });
}

char* ext_lane_new(int device, size_t cells, Lane** out) {
  return in_place([&] { *out = new Lane(device_of(device), static_cast<int64_t>(cells)); });
}

char* ext_lane_store(Lane* lane, size_t cell, const Tensor* value) {
  return in_place([&] {
    TORCH_CHECK(value->numel() == 1, "a scalar needs a tensor of 1 element, this one has ", value->numel());
    lane->device.select(0, static_cast<int64_t>(cell)).copy_(value->detach().reshape({}), /*non_blocking=*/true);
  });
}

char* ext_lane_send(Lane* lane, size_t start, size_t end, c10::Event** out) {
  return in_place([&] {
    const auto from = static_cast<int64_t>(start), to = static_cast<int64_t>(end);
    lane->host.slice(0, from, to).copy_(lane->device.slice(0, from, to), /*non_blocking=*/true);
    auto event = std::make_unique<c10::Event>(lane->device.device().type());
    const c10::impl::VirtualGuardImpl device(lane->device.device().type());
    event->record(device.getStream(lane->device.device()));
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

// ---- Autocast ----

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

// The cache holds casts of parameters: it may only outlive the outermost guard if nobody changes them, so it goes.
char* ext_autocast_exit(bool cuda, bool previous_enabled, int previous_dtype) {
  return guarded([&] {
    const auto device = cuda ? at::kCUDA : at::kCPU;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device, previous_enabled);
    at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(previous_dtype));
  });
}

// ---- Transfers ----

char* ext_pin_memory(const Tensor* source, Tensor** out) {
  return guarded([&] { *out = owned(source->pin_memory()); });
}

// The copy waits for nothing that the device is doing, and nothing on the host waits for the copy: only what is queued
// on the device's current stream after this call does.
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
    // It was allocated on the other stream: its memory must not be given away before this one is done with it.
    backend.recordDataPtrOnStream(target.storage().data_ptr(), current);
    *out = owned(std::move(target));
  });
}

// ---- Storage ----

char* ext_channels_last(const Tensor* tensor, Tensor** out) {
  return guarded([&] { *out = owned(tensor->contiguous(at::MemoryFormat::ChannelsLast)); });
}

bool ext_shares_storage(const Tensor* left, const Tensor* right) {
  return left->defined() && right->defined() && left->has_storage() && right->has_storage() &&
      left->storage().is_alias_of(right->storage());
}

bool ext_is_dense(const Tensor* tensor) {
  return tensor->defined() && tensor->layout() == at::kStrided && tensor->is_non_overlapping_and_dense();
}

bool ext_is_recording() {
  return c10::GradMode::is_enabled();
}

void ext_set_recording(bool on) {
  c10::GradMode::set_enabled(on);
}

// Writes the first `capacity` lengths and gives the number of dimensions.
size_t ext_shape(const Tensor* tensor, int64_t* out, size_t capacity) {
  if (!tensor->defined()) return 0;
  const at::IntArrayRef sizes = tensor->sizes();
  std::copy_n(sizes.begin(), std::min(sizes.size(), capacity), out);
  return sizes.size();
}

size_t ext_numel(const Tensor* tensor) {
  return tensor->defined() ? tensor->numel() : 0;
}

size_t ext_extent(const Tensor* tensor, size_t* rank) {
  *rank = tensor->defined() ? tensor->dim() : 0;
  return tensor->defined() ? tensor->nbytes() : 0;
}

size_t ext_bytes(const Tensor* tensor) {
  return tensor->defined() ? tensor->numel() * tensor->element_size() : 0;
}

char* ext_storage_bytes(const Tensor* tensor, size_t* out) {
  return guarded([&] { *out = tensor->defined() && tensor->has_storage() ? tensor->storage().nbytes() : 0; });
}

// ---- The library itself ----

const char* ext_libtorch_version() {
  return TORCH_VERSION;
}

// Global symbols and the real folder: libtorch_cuda finds its own dependencies relative to where it really lies.
char* ext_load_cuda() {
  return guarded([] {
    Dl_info info{};
    TORCH_CHECK(dladdr(reinterpret_cast<const void*>(&c10::GetAllocator), &info) != 0, "libc10 was not found");
    const auto folder = std::filesystem::canonical(info.dli_fname).parent_path();
    if (dlopen((folder / "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      throw std::runtime_error(dlerror());
    }
    TORCH_CHECK(at::hasCUDA(), "CUDA was asked for before libtorch_cuda was loaded; load it first");
  });
}

// A library from memory: there is no file that could be missing or be exchanged. Kept open for good.
char* ext_open_library(const uint8_t* bytes, size_t length, void** out) {
  return guarded([&] {
    const int file = memfd_create("torch_ext_cuda", MFD_CLOEXEC);
    TORCH_CHECK(file >= 0, "memory for a library cannot be had: ", std::strerror(errno));
    size_t written = 0;
    while (written < length) {
      const ssize_t count = write(file, bytes + written, length - written);
      TORCH_CHECK(count > 0, "memory for a library cannot be written: ", std::strerror(errno));
      written += static_cast<size_t>(count);
    }
    *out = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
    close(file);
    if (*out == nullptr) throw std::runtime_error(dlerror());
  });
}

char* ext_library_symbol(void* library, const char* name, void** out) {
  return guarded([&] {
    *out = dlsym(library, name);
    TORCH_CHECK(*out != nullptr, "it has no ", name);
  });
}

char* ext_cuda_device_count(int64_t* out) {
  return guarded([&] { *out = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0; });
}

} // extern "C"
