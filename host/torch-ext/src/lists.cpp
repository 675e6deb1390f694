// Norms of whole lists of tensors, and clipping by them. libtorch has multi-tensor kernels for these on CUDA; on the CPU
// it takes one tensor after the other, several operations each, and for a small network what surrounds these operations
// takes ten times as long as the arithmetic. So short lists of floats on the CPU have loops of their own here. All are
// operators of libtorch's dispatcher, so that a tape sees them. Same rules as shim.cpp.
#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "guarded.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

using at::Tensor;
using at::TensorList;
using torch_ext::guarded;
using List = std::vector<Tensor>;

// One build for each width of vectors, chosen when the program starts.
#define FOR_EACH_WIDTH __attribute__((target_clones("avx512f", "avx2", "default")))

namespace {

// Longer lists are worth libtorch's own kernels, which share their work among threads.
constexpr int64_t kShort = 1 << 18;
// Floats that are summed side by side, as many as make one vector or two, and those after which a float64 takes over.
constexpr int64_t kLanes = 32;
constexpr int64_t kBlock = 1024;

bool is_short(TensorList list) {
  int64_t elements = 0;
  return std::all_of(list.begin(), list.end(), [&](const Tensor& tensor) {
    elements += tensor.numel();
    return elements <= kShort && tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat &&
        tensor.layout() == at::kStrided && tensor.is_non_overlapping_and_dense();
  });
}

FOR_EACH_WIDTH double sum_of_squares(const float* values, int64_t count) {
  double total = 0.0;
  int64_t i = 0;
  for (const int64_t whole = count - count % kLanes; i < whole;) {
    float lanes[kLanes] = {};
    for (const int64_t end = std::min(whole, i + kBlock); i < end; i += kLanes) {
      for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane] * values[i + lane];
    }
    for (const float lane : lanes) total += lane;
  }
  for (; i < count; ++i) total += static_cast<double>(values[i]) * values[i];
  return total;
}

FOR_EACH_WIDTH void scale(float* values, int64_t count, float factor) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) values[i + lane] *= factor;
  }
  for (; i < count; ++i) values[i] *= factor;
}

double sum_of_squares_of(const Tensor& tensor) {
  return sum_of_squares(tensor.const_data_ptr<float>(), tensor.numel());
}

double sum_of_squares_of(TensorList list) {
  return std::accumulate(list.begin(), list.end(), 0.0,
                         [](double sum, const Tensor& tensor) { return sum + sum_of_squares_of(tensor); });
}

Tensor number(double value) {
  Tensor made = at::empty({}, at::kFloat);
  *made.mutable_data_ptr<float>() = static_cast<float>(value);
  return made;
}

Tensor norms(TensorList list, double p) {
  return at::stack(at::_foreach_norm(list, p));
}

Tensor norm(TensorList list, double p) {
  return at::linalg_vector_norm(norms(list, p), p);
}

Tensor clip_norm(TensorList list, double max_norm, double p) {
  Tensor total = norm(list, p);
  const Tensor coefficient = at::clamp(max_norm / (total + 1e-6), std::nullopt, 1.0);
  at::_foreach_mul_(list, coefficient);
  return total;
}

Tensor norms_on_cpu(TensorList list, double p) {
  if (p != 2.0 || !is_short(list)) return norms(list, p);
  Tensor made = at::empty({static_cast<int64_t>(list.size())}, at::kFloat);
  std::transform(list.begin(), list.end(), made.mutable_data_ptr<float>(),
                 [](const Tensor& tensor) { return static_cast<float>(std::sqrt(sum_of_squares_of(tensor))); });
  return made;
}

Tensor norm_on_cpu(TensorList list, double p) {
  return p == 2.0 && is_short(list) ? number(std::sqrt(sum_of_squares_of(list))) : norm(list, p);
}

// A norm that is not a number makes all gradients that.
Tensor clip_norm_on_cpu(TensorList list, double max_norm, double p) {
  if (p != 2.0 || !is_short(list)) return clip_norm(list, max_norm, p);
  const double total = std::sqrt(sum_of_squares_of(list));
  const double factor = max_norm / (total + 1e-6);
  const auto coefficient = static_cast<float>(factor > 1.0 ? 1.0 : factor);
  for (const Tensor& tensor : list) {
    scale(tensor.mutable_data_ptr<float>(), tensor.numel(), coefficient);
    // What the backward pass has kept of it is out of date now, as after libtorch's own operations.
    if (!tensor.is_inference()) tensor.unsafeGetTensorImpl()->bump_version();
  }
  return number(total);
}

TORCH_LIBRARY(phasebox, library) {
  library.def("norms(Tensor[] list, float p) -> Tensor");
  library.def("norm(Tensor[] list, float p) -> Tensor");
  library.def("clip_norm_(Tensor(a!)[] list, float max_norm, float p) -> Tensor");
}

TORCH_LIBRARY_IMPL(phasebox, CompositeExplicitAutograd, library) {
  library.impl("norms", norms);
  library.impl("norm", norm);
  library.impl("clip_norm_", clip_norm);
}

TORCH_LIBRARY_IMPL(phasebox, CPU, library) {
  library.impl("norms", norms_on_cpu);
  library.impl("norm", norm_on_cpu);
  library.impl("clip_norm_", clip_norm_on_cpu);
}

// One of the operators above.
template <class Function>
c10::TypedOperatorHandle<Function> named(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Function>();
}

// Nobody goes back through norms: autograd need not know of them.
template <class Body>
char* without_autograd(Tensor** out, Body&& body) noexcept {
  return guarded([&] {
    const at::AutoDispatchBelowAutograd below;
    *out = new Tensor(body());
  });
}

} // namespace

// By an empty list no kernel can be chosen.
extern "C" {

char* ext_foreach_norms(const List* list, double p, Tensor** out) {
  static const auto operation = named<Tensor(TensorList, double)>("phasebox::norms");
  return without_autograd(out, [&] { return list->empty() ? at::zeros({0}) : operation.call(*list, p); });
}

char* ext_foreach_norm(const List* list, double p, Tensor** out) {
  static const auto operation = named<Tensor(TensorList, double)>("phasebox::norm");
  return without_autograd(out, [&] { return list->empty() ? at::zeros({}) : operation.call(*list, p); });
}

char* ext_clip_grad_norm(const List* gradients, double max_norm, double p, Tensor** out) {
  static const auto operation = named<Tensor(TensorList, double, double)>("phasebox::clip_norm_");
  return without_autograd(
      out, [&] { return gradients->empty() ? at::zeros({}) : operation.call(*gradients, max_norm, p); });
}

} // extern "C"
