// libtorch's fused optimizer steps. `device_lr`, where given, is read by the kernel in place of `lr`.
#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>

#include "no_grad.h"

#include <vector>

using at::Tensor;
using torch_ext::no_grad;
using List = std::vector<Tensor>;

extern "C" {

char* ext_fused_sgd(const List* parameters, const List* gradients, const List* momentum_buffers, double weight_decay,
                    double momentum, double lr, const Tensor* device_lr, double dampening, bool nesterov, bool first) {
  return no_grad([&] {
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
  return no_grad([&] {
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

} // extern "C"
