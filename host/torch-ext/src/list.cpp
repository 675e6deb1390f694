// `std::vector<at::Tensor>` for Rust, and the gradients of a list of parameters in one call.
#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_zero.h>
#include <ATen/ops/zeros_like.h>

#include "no_grad.h"
#include "torch_error.h"

#include <cstddef>
#include <cstdint>
#include <vector>

using at::Tensor;
using torch_ext::guarded;
using torch_ext::no_grad;
using List = std::vector<Tensor>;

extern "C" {

List* ext_list_new() {
  return new List();
}

void ext_list_free(List* list) {
  delete list;
}

size_t ext_list_len(const List* list) {
  return list->size();
}

char* ext_list_push(List* list, const Tensor* tensor) {
  return guarded([&] { list->push_back(*tensor); });
}

char* ext_list_get(const List* list, size_t index, Tensor** out) {
  return guarded([&] { *out = new Tensor(list->at(index)); });
}

// Refills `gradients`, whose memory is kept. `present` has a flag for each parameter, which is on where the parameter
// has a gradient; `changed` tells that a flag was not so before.
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

// Gradients of frozen parameters too: one that is left as it is would come back when the parameter thaws.
char* ext_list_zero_gradients(List* gradients, const List* parameters) {
  return no_grad([&] {
    gradients->clear();
    for (const Tensor& parameter : *parameters) {
      if (parameter.grad().defined()) gradients->push_back(parameter.grad());
    }
    if (!gradients->empty()) at::_foreach_zero_(*gradients);
  });
}

// Without a gradient the next backward pass writes one instead of adding to zeros. `had` remembers which parameters had
// one.
void ext_list_drop_gradients(const List* parameters, bool of_frozen_too, uint8_t* had) {
  for (size_t i = 0; i < parameters->size(); ++i) {
    if (!of_frozen_too && !(*parameters)[i].requires_grad()) continue;
    Tensor& gradient = (*parameters)[i].mutable_grad();
    had[i] = had[i] || gradient.defined();
    gradient.reset();
  }
}

void ext_list_give_gradients(const List* gradients, const List* parameters) {
  for (size_t i = 0; i < parameters->size(); ++i) (*parameters)[i].mutable_grad() = (*gradients)[i];
}

// Zeros for the parameters that had a gradient and got none from the backward pass since.
char* ext_list_fill_gradients(const List* parameters, const uint8_t* had) {
  return no_grad([&] {
    for (size_t i = 0; i < parameters->size(); ++i) {
      const Tensor& parameter = (*parameters)[i];
      if (had[i] && parameter.requires_grad() && !parameter.grad().defined()) {
        parameter.mutable_grad() = at::zeros_like(parameter);
      }
    }
  });
}

} // extern "C"
