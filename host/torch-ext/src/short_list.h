// Lists of tensors that are so short that a loop of our own beats libtorch's kernels, and how their elements lie.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

namespace torch_ext {

// The most elements of a short list. For longer ones libtorch's own kernels pay: they use several threads.
constexpr int64_t kShort = 1 << 18;

// The elements are floats in the host's memory, without gaps, and few.
inline bool is_short(at::TensorList list) {
  int64_t elements = 0;
  return std::all_of(list.begin(), list.end(), [&](const at::Tensor& tensor) {
    elements += tensor.numel();
    return elements <= kShort && tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat &&
        tensor.layout() == at::kStrided && tensor.is_non_overlapping_and_dense();
  });
}

// Elements of both lists lie in the same order in memory.
inline bool have_one_order(at::TensorList list, at::TensorList other) {
  return std::equal(list.begin(), list.end(), other.begin(), other.end(), [](const at::Tensor& a, const at::Tensor& b) {
    return a.sizes() == b.sizes() && a.strides() == b.strides();
  });
}

} // namespace torch_ext
