// What a stretch of work on the CPU computes, written down operation by operation while it is done, and done again
// without autograd, without choosing kernels and, mostly, without allocating: each result goes where it went first.
// Owns the tape; what is worth one, and whether it may be done again, is for the caller to say. Same rules as shim.cpp:
// null or a message from `malloc`, no exception.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>
#include <ATen/core/stack.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/Exception.h>
#include <torch/library.h>

#include "guarded.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

using at::Tensor;
using c10::DispatchKey;
using c10::DispatchKeySet;
using c10::OperatorHandle;
using torch::jit::Stack;
using torch_ext::guarded;

namespace {

// One operation with its arguments. Those that have no form that writes into given memory are done as they are, and
// these of their results, by number, are copied to where the first ones are.
struct Step {
  OperatorHandle operation;
  Stack arguments;
  std::vector<std::pair<size_t, Tensor>> copies;
};

} // namespace

struct Tape {
  std::vector<Step> steps;
  size_t result_bytes = 0;
  size_t most_result_bytes = 0;
};

namespace {

// Below autograd and autocast: what arrives here is what kernels are called for. libtorch keeps this key for others
// and gives it no meaning of its own.
constexpr DispatchKey kObserved = DispatchKey::Fake;

thread_local Tape* recording = nullptr;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Operations that only call others, which can be repeated without allocating where these cannot.
bool calls_others(const OperatorHandle& operation) {
  const std::string_view name = operation.schema().name();
  if (operation.hasKernelForDispatchKey(DispatchKey::CPU)) return name == "aten::relu";
  const auto& overload = operation.schema().overload_name();
  return name.substr(0, 15) == "aten::_foreach_" || is_one_of(name, {"aten::ones_like", "aten::sum", "aten::stack"}) ||
      (overload == "Scalar" && is_one_of(name, {"aten::add", "aten::sub", "aten::mul", "aten::div"}));
}

// Memory whose contents nobody may count on.
bool only_allocates(const OperatorHandle& operation) {
  return is_one_of(operation.schema().name(),
                   {"aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty",
                    "aten::new_empty_strided"});
}

bool writes(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

using Overloads = std::unordered_multimap<std::string, OperatorHandle>;

// Every operation by its name: 2 ms, once in a process.
const Overloads& overloads() {
  static const auto* all = [] {
    auto* found = new Overloads();
    auto& dispatcher = c10::Dispatcher::singleton();
    for (const auto& name : dispatcher.getAllOpNames()) {
      if (const auto operation = dispatcher.findSchema(name)) found->emplace(name.name, *operation);
    }
    return found;
  }();
  return *all;
}

// Whether `candidate` takes what `operation` takes, and then the results to write into. Only kernels made for that
// count: those that libtorch generates allocate and copy themselves.
bool writes_results_of(const OperatorHandle& operation, const OperatorHandle& candidate) {
  const auto& given = operation.schema();
  const auto& arguments = candidate.schema().arguments();
  const size_t count = given.arguments().size();
  if (arguments.size() != count + given.returns().size() || !candidate.hasKernelForDispatchKey(DispatchKey::CPU)) {
    return false;
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool fits = i < count ? !writes(arguments[i]) && *arguments[i].type() == *given.arguments()[i].type()
                                : arguments[i].is_out();
    if (!fits) return false;
  }
  return true;
}

using Results = std::vector<std::pair<size_t, Tensor>>;

struct Silence : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

// Whether `writing`, done once more into memory like that of the results, leaves it where it is and gives their bits.
// Some forms resize what they are given, and back.
bool gives(const OperatorHandle& writing, Stack arguments, const Results& made) {
  Silence silence;
  const c10::WarningUtils::WarningHandlerGuard quiet(&silence);
  const at::AutoDispatchBelowADInplaceOrView without_autograd;
  const c10::impl::ExcludeDispatchKeyGuard unobserved(kObserved);
  std::vector<std::pair<Tensor, void*>> trials;
  for (const auto& [_, result] : made) {
    const auto trial = at::empty_strided(result.sizes(), result.strides(), result.options());
    trials.emplace_back(trial, trial.data_ptr());
    arguments.emplace_back(trial);
  }
  try {
    writing.redispatchBoxed(DispatchKeySet(DispatchKey::CPU), &arguments);
  } catch (const std::exception&) {
    return false;
  }
  for (size_t i = 0; i < made.size(); ++i) {
    const auto& [trial, place] = trials[i];
    const bool is_there = trial.data_ptr() == place && trial.strides() == made[i].second.strides();
    if (!is_there || !trial.equal(made[i].second)) return false;
  }
  return true;
}

// The form of an operation that writes into results as they are. None where doing it once more would leave traces: in a
// generator, or in the running statistics of which the schema of `native_batch_norm` says nothing.
std::optional<OperatorHandle> writing_form(const OperatorHandle& operation, const Stack& arguments,
                                           const Results& made) {
  if (operation.hasTag(at::Tag::nondeterministic_seeded)) return std::nullopt;
  if (operation.schema().name() == "aten::native_batch_norm") return std::nullopt;
  const auto [first, last] = overloads().equal_range(operation.schema().name());
  const auto found = std::find_if(first, last, [&](const auto& entry) {
    return writes_results_of(operation, entry.second) && gives(entry.second, arguments, made);
  });
  if (found == last) return std::nullopt;
  return found->second;
}

// The tensors in a stretch of values, those in lists too; undefined ones and other values leave gaps.
std::vector<Tensor> tensors_in(Stack::const_iterator from, Stack::const_iterator to) {
  std::vector<Tensor> tensors;
  for (; from != to; ++from) {
    if (from->isTensor()) {
      tensors.push_back(from->toTensor());
    } else if (from->isTensorList()) {
      for (const Tensor& tensor : from->toTensorVector()) tensors.push_back(tensor);
    } else if (from->isOptionalTensorList()) {
      for (const auto& tensor : from->toOptionalTensorVector()) tensors.push_back(tensor.value_or(Tensor()));
    }
  }
  return tensors;
}

void check_is_plain(const OperatorHandle& operation, const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) {
    TORCH_CHECK(!tensor.defined() || (tensor.device().is_cpu() && tensor.layout() == at::kStrided),
                operation.operator_name(), " works on something else than dense tensors on the CPU");
  }
}

// What the host reads, and what has another size each time, cannot be the same the next time.
void check_is_repeatable(const OperatorHandle& operation) {
  TORCH_CHECK(!operation.hasTag(at::Tag::data_dependent_output) && !operation.hasTag(at::Tag::dynamic_output_shape),
              operation.operator_name(), " depends on the values of a tensor");
  for (const auto& result : operation.schema().returns()) {
    const auto kind = result.type()->kind();
    TORCH_CHECK(kind == c10::TypeKind::TensorType || kind == c10::TypeKind::ListType, operation.operator_name(),
                " gives the host a value");
  }
}

bool shares_memory(const Tensor& tensor, const std::vector<Tensor>& others) {
  return std::any_of(others.begin(), others.end(), [&](const Tensor& other) {
    return other.defined() && other.has_storage() && other.storage().is_alias_of(tensor.storage());
  });
}

// Results in memory of their own, by number. The others are views of arguments, or arguments.
Results made_anew(const std::vector<Tensor>& results, const std::vector<Tensor>& arguments) {
  Results made;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].defined() && !shares_memory(results[i], arguments)) made.emplace_back(i, results[i]);
  }
  return made;
}

void count(Tape& tape, const Results& made) {
  for (const auto& [_, result] : made) tape.result_bytes += result.storage().nbytes();
  TORCH_CHECK(tape.result_bytes <= tape.most_result_bytes, "the results of its operations take more than ",
              tape.most_result_bytes >> 20, " MiB");
}

void write_down(Tape& tape, const OperatorHandle& operation, Stack arguments, const std::vector<Tensor>& results) {
  check_is_repeatable(operation);
  const auto operands = tensors_in(arguments.begin(), arguments.end());
  check_is_plain(operation, operands);
  check_is_plain(operation, results);
  const auto& taken = operation.schema().arguments();
  const bool changes_arguments = std::any_of(taken.begin(), taken.end(), writes);
  const auto made = made_anew(results, operands);
  count(tape, made);
  if (!changes_arguments && (made.empty() || only_allocates(operation))) return;
  const bool may_write = !changes_arguments && made.size() == operation.schema().returns().size();
  if (const auto writing = may_write ? writing_form(operation, arguments, made) : std::nullopt) {
    for (const auto& [_, result] : made) arguments.emplace_back(result);
    tape.steps.push_back({*writing, std::move(arguments), {}});
  } else {
    tape.steps.push_back({operation, std::move(arguments), made});
  }
}

// Stands before every kernel while this thread records.
void observe(const OperatorHandle& operation, DispatchKeySet keys, Stack* stack) {
  const auto below = keys & DispatchKeySet(DispatchKeySet::FULL_AFTER, kObserved);
  if (recording == nullptr || calls_others(operation)) return operation.redispatchBoxed(below, stack);
  const auto count = static_cast<std::ptrdiff_t>(operation.schema().arguments().size());
  Stack arguments(stack->end() - count, stack->end());
  {
    // What it is made of inside is its own affair.
    const c10::impl::ExcludeDispatchKeyGuard unobserved(kObserved);
    operation.redispatchBoxed(below, stack);
  }
  const auto given = static_cast<std::ptrdiff_t>(operation.schema().returns().size());
  write_down(*recording, operation, std::move(arguments), tensors_in(stack->end() - given, stack->end()));
}

// From then on the key means something in this process; it costs nobody anything who does not record.
void observe_operations() {
  static const auto* library = [] {
    auto* made = new torch::Library(torch::Library::IMPL, "_", kObserved, __FILE__, __LINE__);
    made->fallback(torch::CppFunction::makeFromBoxedFunction<&observe>());
    return made;
  }();
  static_cast<void>(library);
}

void do_again(const Step& step, Stack& stack) {
  stack = step.arguments;
  step.operation.redispatchBoxed(DispatchKeySet(DispatchKey::CPU), &stack);
  if (!step.copies.empty()) {
    const auto results = tensors_in(stack.begin(), stack.end());
    for (const auto& [index, first] : step.copies) first.copy_(results.at(index));
  }
}

} // namespace

extern "C" {

char* ext_tape_begin(size_t most_result_bytes, Tape** out) {
  return guarded([&] {
    TORCH_CHECK(recording == nullptr, "this thread records already");
    observe_operations();
    auto tape = std::make_unique<Tape>();
    tape->most_result_bytes = most_result_bytes;
    recording = tape.get();
    c10::impl::tls_set_dispatch_key_included(kObserved, true);
    *out = tape.release();
  });
}

void ext_tape_end() {
  c10::impl::tls_set_dispatch_key_included(kObserved, false);
  recording = nullptr;
}

char* ext_tape_replay(const Tape* tape) {
  return guarded([&] {
    const at::AutoDispatchBelowADInplaceOrView without_autograd;
    Stack stack;
    for (const Step& step : tape->steps) do_again(step, stack);
  });
}

bool ext_tape_is_full(const Tape* tape) {
  return tape->result_bytes > tape->most_result_bytes;
}

size_t ext_tape_len(const Tape* tape) {
  return tape->steps.size();
}

void ext_tape_free(Tape* tape) {
  delete tape;
}

} // extern "C"
