// Records the operations of work on the CPU and replays them: without autograd, without the dispatcher's choice of
// kernels and mostly without allocations, since each result is written where the recorded one lies.
// Owns the tape. The caller decides what is recorded and when a replay is right.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>
#include <ATen/core/stack.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/Exception.h>
#include <torch/library.h>

#include "torch_error.h"

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

// Results in memory of their own, each with its number among the results of the operation.
using Results = std::vector<std::pair<size_t, Tensor>>;

// A recorded operation with its arguments. An operation without an `out=` form is run as it is; `copied` lists which of
// its results are then copied into the buffers of the recording.
struct Step {
  OperatorHandle operation;
  Stack arguments;
  Results copied;
};

} // namespace

struct Tape {
  std::vector<Step> steps;
  size_t result_bytes = 0;
  size_t most_result_bytes = 0;
};

namespace {

// The dispatch key of a recording. It lies below autograd and autocast, so the calls that arrive here are those of
// kernels. libtorch reserves this key for an extension (torchdistx) and registers no kernel for it.
constexpr DispatchKey kObserved = DispatchKey::Fake;

thread_local Tape* recording = nullptr;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Operations that only call others. They are not recorded but the others are, which have `out=` forms where these have
// none.
bool calls_others(const OperatorHandle& operation) {
  const std::string_view name = operation.schema().name();
  if (operation.hasKernelForDispatchKey(DispatchKey::CPU)) return name == "aten::relu";
  const auto& overload = operation.schema().overload_name();
  return name.substr(0, 15) == "aten::_foreach_" || is_one_of(name, {"aten::ones_like", "aten::sum", "aten::stack"}) ||
      (overload == "Scalar" && is_one_of(name, {"aten::add", "aten::sub", "aten::mul", "aten::div"}));
}

// Operations that give memory without contents: a replay leaves them out.
bool only_allocates(const OperatorHandle& operation) {
  return is_one_of(operation.schema().name(),
                   {"aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty",
                    "aten::new_empty_strided"});
}

bool writes(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

using Overloads = std::unordered_multimap<std::string, OperatorHandle>;

// Every operation of libtorch by its name. Takes 2 ms, once in a process.
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

// True if `candidate` is an `out=` form of `operation`: it takes the same arguments and then the results to write into.
// Only kernels that were written as such count: those that libtorch generates allocate and copy themselves.
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

struct Silence : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

// Tries an `out=` form: true if it writes the bits of the results into memory laid out as theirs, and leaves that
// memory where it is. Some forms resize the memory they are given, and back.
bool writes_same_bits(const OperatorHandle& out_form, Stack arguments, const Results& made) {
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
    out_form.redispatchBoxed(DispatchKeySet(DispatchKey::CPU), &arguments);
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

// The `out=` form of an operation. None where trying it would leave traces: in a random number generator, or in the
// running statistics, which `native_batch_norm` changes although its schema does not say so.
std::optional<OperatorHandle> out_form_of(const OperatorHandle& operation, const Stack& arguments,
                                          const Results& made) {
  if (operation.hasTag(at::Tag::nondeterministic_seeded)) return std::nullopt;
  if (operation.schema().name() == "aten::native_batch_norm") return std::nullopt;
  const auto [first, last] = overloads().equal_range(operation.schema().name());
  const auto found = std::find_if(first, last, [&](const auto& entry) {
    return writes_results_of(operation, entry.second) && writes_same_bits(entry.second, arguments, made);
  });
  if (found == last) return std::nullopt;
  return found->second;
}

// The tensors among values, those in lists too. Values of other types are left out.
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

// Refuses operations that give the host a value or have results of another size each time: a replay of them would be
// wrong.
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

// The results that lie in memory of their own. The others are arguments, or views of arguments.
Results made_anew(const std::vector<Tensor>& results, const std::vector<Tensor>& arguments) {
  Results made;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].defined() && !shares_memory(results[i], arguments)) made.emplace_back(i, results[i]);
  }
  return made;
}

void count_bytes(Tape& tape, const Results& made) {
  for (const auto& [_, result] : made) tape.result_bytes += result.storage().nbytes();
  TORCH_CHECK(tape.result_bytes <= tape.most_result_bytes, "the results of its operations take more than ",
              tape.most_result_bytes >> 20, " MiB");
}

void append(Tape& tape, const OperatorHandle& operation, Stack arguments, const std::vector<Tensor>& results) {
  check_is_repeatable(operation);
  const auto operands = tensors_in(arguments.begin(), arguments.end());
  check_is_plain(operation, operands);
  check_is_plain(operation, results);
  const auto& taken = operation.schema().arguments();
  const bool changes_arguments = std::any_of(taken.begin(), taken.end(), writes);
  const auto made = made_anew(results, operands);
  count_bytes(tape, made);
  if (!changes_arguments && (made.empty() || only_allocates(operation))) return;
  const bool may_have_out_form = !changes_arguments && made.size() == operation.schema().returns().size();
  if (const auto out_form = may_have_out_form ? out_form_of(operation, arguments, made) : std::nullopt) {
    for (const auto& [_, result] : made) arguments.emplace_back(result);
    tape.steps.push_back({*out_form, std::move(arguments), {}});
  } else {
    tape.steps.push_back({operation, std::move(arguments), made});
  }
}

// Is called in place of every kernel while this thread records. Runs the kernel and appends the operation to the tape.
void observe(const OperatorHandle& operation, DispatchKeySet keys, Stack* stack) {
  const auto below = keys & DispatchKeySet(DispatchKeySet::FULL_AFTER, kObserved);
  if (recording == nullptr || calls_others(operation)) return operation.redispatchBoxed(below, stack);
  const auto count = static_cast<std::ptrdiff_t>(operation.schema().arguments().size());
  Stack arguments(stack->end() - count, stack->end());
  {
    // Operations that a kernel calls itself are not recorded.
    const c10::impl::ExcludeDispatchKeyGuard unobserved(kObserved);
    operation.redispatchBoxed(below, stack);
  }
  const auto given = static_cast<std::ptrdiff_t>(operation.schema().returns().size());
  append(*recording, operation, std::move(arguments), tensors_in(stack->end() - given, stack->end()));
}

// Registers `observe`, once in a process. A thread that does not record never has the key, so it pays nothing.
void observe_operations() {
  static const auto* library = [] {
    auto* made = new torch::Library(torch::Library::IMPL, "_", kObserved, __FILE__, __LINE__);
    made->fallback(torch::CppFunction::makeFromBoxedFunction<&observe>());
    return made;
  }();
  static_cast<void>(library);
}

void replay(const Step& step, Stack& stack) {
  stack = step.arguments;
  step.operation.redispatchBoxed(DispatchKeySet(DispatchKey::CPU), &stack);
  if (!step.copied.empty()) {
    const auto results = tensors_in(stack.begin(), stack.end());
    for (const auto& [index, recorded] : step.copied) recorded.copy_(results.at(index));
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
    for (const Step& step : tape->steps) replay(step, stack);
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
