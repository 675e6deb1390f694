// One operation on every tensor of a list, by libtorch's `_foreach_*` operators.
//
// libtorch copies a list on the CPU tensor by tensor, and a small one costs more to prepare than to copy. So copies of
// short lists have a loop of their own here: an operator of libtorch's dispatcher, so that a tape records it.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_clamp_max.h>
#include <ATen/ops/_foreach_clamp_min.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/_foreach_div.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sqrt.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/count_nonzero.h>
#include <ATen/ops/zeros.h>

#include <torch/library.h>

#include "no_grad.h"
#include "short_list.h"

#include <cstring>
#include <utility>
#include <vector>

using at::Tensor;
using at::TensorList;
using torch_ext::have_one_order;
using torch_ext::is_short;
using torch_ext::no_grad;
using List = std::vector<Tensor>;

namespace {

// libtorch refuses empty lists; there is nothing to do for one.
template <class Body>
char* change(const List* list, Body&& body) noexcept {
  return list->empty() ? nullptr : no_grad(std::forward<Body>(body));
}

void copy(TensorList list, TensorList source) {
  at::_foreach_copy_(list, source, /*non_blocking=*/true);
}

void copy_on_cpu(TensorList list, TensorList source) {
  if (!is_short(list) || !is_short(source) || !have_one_order(list, source)) return copy(list, source);
  for (size_t i = 0; i < list.size(); ++i) {
    std::memmove(list[i].mutable_data_ptr<float>(), source[i].const_data_ptr<float>(), list[i].nbytes());
    // The backward pass refuses a tensor that it has saved and that has changed since: the version tells.
    if (!list[i].is_inference()) list[i].unsafeGetTensorImpl()->bump_version();
  }
}

TORCH_LIBRARY_FRAGMENT(phasebox, library) {
  library.def("copy_(Tensor(a!)[] list, Tensor[] source) -> ()");
}

TORCH_LIBRARY_IMPL(phasebox, CompositeExplicitAutograd, library) {
  library.impl("copy_", copy);
}

TORCH_LIBRARY_IMPL(phasebox, CPU, library) {
  library.impl("copy_", copy_on_cpu);
}

c10::TypedOperatorHandle<void(TensorList, TensorList)> copying() {
  return c10::Dispatcher::singleton().findSchemaOrThrow("phasebox::copy_", "").typed<void(TensorList, TensorList)>();
}

} // namespace

extern "C" {

char* ext_foreach_mul_scalar(const List* list, double factor) {
  return change(list, [&] { at::_foreach_mul_(*list, at::Scalar(factor)); });
}

char* ext_foreach_mul_tensor(const List* list, const Tensor* factor) {
  return change(list, [&] { at::_foreach_mul_(*list, *factor); });
}

char* ext_foreach_div_scalar(const List* list, double divisor) {
  return change(list, [&] { at::_foreach_div_(*list, at::Scalar(divisor)); });
}

char* ext_foreach_div_tensor(const List* list, const Tensor* divisor) {
  return change(list, [&] { at::_foreach_div_(*list, *divisor); });
}

char* ext_foreach_add_scalar(const List* list, double value) {
  return change(list, [&] { at::_foreach_add_(*list, at::Scalar(value)); });
}

char* ext_foreach_add(const List* list, const List* other, double alpha) {
  return change(list, [&] { at::_foreach_add_(*list, *other, alpha); });
}

char* ext_foreach_lerp(const List* list, const List* end, double weight) {
  return change(list, [&] { at::_foreach_lerp_(*list, *end, at::Scalar(weight)); });
}

char* ext_foreach_copy(const List* list, const List* source) {
  static const auto operation = copying();
  return change(list, [&] {
    const at::AutoDispatchBelowAutograd below;
    operation.call(*list, *source);
  });
}

char* ext_foreach_clamp_min(const List* list, double minimum) {
  return change(list, [&] { at::_foreach_clamp_min_(*list, at::Scalar(minimum)); });
}

char* ext_foreach_clamp_max(const List* list, double maximum) {
  return change(list, [&] { at::_foreach_clamp_max_(*list, at::Scalar(maximum)); });
}

char* ext_foreach_sqrt(const List* list) {
  return change(list, [&] { at::_foreach_sqrt_(*list); });
}

char* ext_foreach_addcmul(const List* list, const List* left, const List* right, double value) {
  return change(list, [&] { at::_foreach_addcmul_(*list, *left, *right, at::Scalar(value)); });
}

char* ext_foreach_addcdiv(const List* list, const List* numerator, const List* denominator, double value) {
  return change(list, [&] { at::_foreach_addcdiv_(*list, *numerator, *denominator, at::Scalar(value)); });
}

// x - x is 0 where x is finite and NaN elsewhere, and NaN counts as non-zero: four kernels whatever the length.
char* ext_count_nonfinite(const List* list, Tensor** out) {
  return no_grad([&] {
    List flat;
    flat.reserve(list->size());
    for (const Tensor& tensor : *list) flat.push_back(tensor.reshape({-1}));
    if (flat.empty()) flat.push_back(at::zeros({0}));
    Tensor all = at::cat(flat);
    *out = new Tensor(at::count_nonzero(all.sub_(all)));
  });
}

} // extern "C"
