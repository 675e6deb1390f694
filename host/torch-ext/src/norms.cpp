// Norms of whole lists of tensors, and clipping by them.
//
// libtorch has multi-tensor kernels for norms on CUDA. On the CPU it runs several operations for each tensor, and in a
// small network the overhead of these operations is ten times their arithmetic. So short lists of floats on the CPU
// have loops of their own here. All three are operators of libtorch's dispatcher, so that a tape records them.
#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "short_list.h"
#include "torch_error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

using at::Tensor;
using at::TensorList;
using torch_ext::guarded;
using torch_ext::have_one_order;
using torch_ext::is_short;
using List = std::vector<Tensor>;

// One build for each width of vectors, chosen when the program starts.
#define FOR_EACH_WIDTH __attribute__((target_clones("avx512f", "avx2", "default")))

namespace {

// Floats that are summed side by side: one vector or two.
constexpr int64_t kLanes = 32;
// Elements whose squares are summed in float32, before the sum is added to a float64.
constexpr int64_t kBlock = 1024;

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

// Sums over one tensor and the tensor that it was.
struct Change {
  double differences;
  double before;
};

// The sums of squares of differences and of what was before, in one pass. Differences are rounded to float32 as if they
// had been stored.
FOR_EACH_WIDTH Change squares_of_change(const float* now, const float* before, int64_t count) {
  Change total = {0.0, 0.0};
  int64_t i = 0;
  for (const int64_t whole = count - count % kLanes; i < whole;) {
    float differences[kLanes] = {};
    float values[kLanes] = {};
    for (const int64_t end = std::min(whole, i + kBlock); i < end; i += kLanes) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        const float value = before[i + lane];
        const float difference = now[i + lane] - value;
        differences[lane] += difference * difference;
        values[lane] += value * value;
      }
    }
    for (const float lane : differences) total.differences += lane;
    for (const float lane : values) total.before += lane;
  }
  for (; i < count; ++i) {
    const double difference = now[i] - before[i];
    total.differences += difference * difference;
    total.before += static_cast<double>(before[i]) * before[i];
  }
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

// The least norm that something is divided by.
constexpr double kLeast = 1e-12;

Tensor relative_change(TensorList list, TensorList before, double p) {
  const List differences = at::_foreach_sub(list, before);
  return norm(differences, p).div(norm(before, p).clamp_min(kLeast));
}

Tensor relative_change_on_cpu(TensorList list, TensorList before, double p) {
  if (p != 2.0 || !is_short(list) || !is_short(before) || !have_one_order(list, before)) {
    return relative_change(list, before, p);
  }
  Change total = {0.0, 0.0};
  for (size_t i = 0; i < list.size(); ++i) {
    const Change one = squares_of_change(list[i].const_data_ptr<float>(), before[i].const_data_ptr<float>(),
                                         list[i].numel());
    total.differences += one.differences;
    total.before += one.before;
  }
  const auto norm = static_cast<float>(std::sqrt(total.before));
  const auto least = static_cast<float>(kLeast);
  return number(static_cast<float>(std::sqrt(total.differences)) / (norm < least ? least : norm));
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

// A norm that is NaN makes all gradients NaN, as in PyTorch without `error_if_nonfinite`.
Tensor clip_norm_on_cpu(TensorList list, double max_norm, double p) {
  if (p != 2.0 || !is_short(list)) return clip_norm(list, max_norm, p);
  const double total = std::sqrt(sum_of_squares_of(list));
  const double factor = max_norm / (total + 1e-6);
  const auto coefficient = static_cast<float>(factor > 1.0 ? 1.0 : factor);
  for (const Tensor& tensor : list) {
    scale(tensor.mutable_data_ptr<float>(), tensor.numel(), coefficient);
    // The backward pass refuses a tensor that it has saved and that has changed since: the version tells.
    if (!tensor.is_inference()) tensor.unsafeGetTensorImpl()->bump_version();
  }
  return number(total);
}

TORCH_LIBRARY(phasebox, library) {
  library.def("norms(Tensor[] list, float p) -> Tensor");
  library.def("norm(Tensor[] list, float p) -> Tensor");
  library.def("relative_change(Tensor[] list, Tensor[] before, float p) -> Tensor");
  library.def("clip_norm_(Tensor(a!)[] list, float max_norm, float p) -> Tensor");
}

TORCH_LIBRARY_IMPL(phasebox, CompositeExplicitAutograd, library) {
  library.impl("norms", norms);
  library.impl("norm", norm);
  library.impl("relative_change", relative_change);
  library.impl("clip_norm_", clip_norm);
}

TORCH_LIBRARY_IMPL(phasebox, CPU, library) {
  library.impl("norms", norms_on_cpu);
  library.impl("norm", norm_on_cpu);
  library.impl("relative_change", relative_change_on_cpu);
  library.impl("clip_norm_", clip_norm_on_cpu);
}

// One of the operators above.
template <class Function>
c10::TypedOperatorHandle<Function> named(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Function>();
}

// Makes a tensor without autograd, which these operators do not support: nobody takes the gradient of a norm here.
template <class Body>
char* without_autograd(Tensor** out, Body&& body) noexcept {
  return guarded([&] {
    const at::AutoDispatchBelowAutograd below;
    *out = new Tensor(body());
  });
}

} // namespace

extern "C" {

// The dispatcher chooses a kernel by the tensors of the list. An empty list has none, so its norm is made here.

char* ext_norms(const List* list, double p, Tensor** out) {
  static const auto operation = named<Tensor(TensorList, double)>("phasebox::norms");
  return without_autograd(out, [&] { return list->empty() ? at::zeros({0}) : operation.call(*list, p); });
}

char* ext_norm(const List* list, double p, Tensor** out) {
  static const auto operation = named<Tensor(TensorList, double)>("phasebox::norm");
  return without_autograd(out, [&] { return list->empty() ? at::zeros({}) : operation.call(*list, p); });
}

char* ext_relative_change(const List* list, const List* before, double p, Tensor** out) {
  static const auto operation = named<Tensor(TensorList, TensorList, double)>("phasebox::relative_change");
  return without_autograd(out, [&] { return list->empty() ? at::zeros({}) : operation.call(*list, *before, p); });
}

char* ext_clip_grad_norm(const List* gradients, double max_norm, double p, Tensor** out) {
  static const auto operation = named<Tensor(TensorList, double, double)>("phasebox::clip_norm_");
  return without_autograd(
      out, [&] { return gradients->empty() ? at::zeros({}) : operation.call(*gradients, max_norm, p); });
}

} // extern "C"
