// The contract's functions and types. Written by `plugins/sdk/bindings.py` from `wit/`: a change here is lost.
//
// A handle is an object: it ends with its scope, tensors and groups several at a time. A function that can fail answers
// `Result<T>`, which is `std::expected<T, Error>`.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace phasebox {

/// Answers of the host that need more than one value of WebAssembly.
struct Area {
    alignas(8) uint8_t bytes[64];

    template <typename T>
    T load(size_t at) const {
        T value;
        std::memcpy(&value, bytes + at, sizeof value);
        return value;
    }

    std::string text(size_t at) const {
        char *given = load<char *>(at);
        std::string made(given, load<size_t>(at + 4));
        std::free(given);
        return made;
    }

    template <typename T>
    std::vector<T> numbers(size_t at) const {
        T *given = load<T *>(at);
        std::vector<T> made(given, given + load<size_t>(at + 4));
        std::free(given);
        return made;
    }

    std::vector<std::string> texts(size_t at) const {
        struct Text { char *at; size_t length; };
        std::vector<std::string> made;
        for (Text one : numbers<Text>(at)) {
            made.emplace_back(one.at, one.length);
            std::free(one.at);
        }
        return made;
    }

    template <typename Entry>
    std::vector<Entry> records(size_t at) const {
        struct Raw { char *at; size_t length; double value; };
        std::vector<Entry> made;
        for (Raw one : numbers<Raw>(at)) {
            made.push_back({std::string(one.at, one.length), one.value});
            std::free(one.at);
        }
        return made;
    }

    template <typename Error, typename Code>
    Error error(size_t at) const {
        return {(Code)bytes[at], text(at + 4)};
    }
};

/// An object of the host that the callback owns: `end` gives it back with its scope, `drop` at once.
template <void (*end)(int32_t), void (*give)(int32_t)>
class Owned {
public:
    Owned() = default;
    explicit Owned(int32_t handle) : handle_(handle) {}
    Owned(Owned &&other) noexcept : handle_(other.take()) {}
    Owned &operator=(Owned &&other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Owned() {
        if (handle_) end(handle_);
    }
    explicit operator bool() const { return handle_ != 0; }
    int32_t handle() const { return handle_; }
    /// The handle, which is the caller's to give back from now on.
    int32_t take() { return std::exchange(handle_, 0); }
    /// Gives the handle back now. What was kept is charged until then.
    void drop() {
        if (handle_) give(take());
    }

private:
    int32_t handle_ = 0;
};

/// The context, which the host lends for one call.
class Lent {
public:
    explicit Lent(int32_t handle) : handle_(handle) {}
    Lent(const Lent &) = delete;
    int32_t handle() const { return handle_; }

private:
    int32_t handle_;
};

inline void give_back_tensor(int32_t handle);
inline void give_back_group(int32_t handle);

struct RawText {
    const char *at;
    size_t length;
};

struct RawEntry {
    RawText name;
    double value;
};

template <typename T>
std::vector<int32_t> handles(std::span<const T *const> given) {
    std::vector<int32_t> made;
    for (const T *one : given) made.push_back(one->handle());
    return made;
}

template <typename T>
std::vector<int32_t> taken(std::span<T> given) {
    std::vector<int32_t> made;
    for (T &one : given) made.push_back(one.take());
    return made;
}

template <typename Entry>
std::vector<RawEntry> entries(std::span<const Entry> given) {
    std::vector<RawEntry> made;
    for (const Entry &one : given) made.push_back({{one.name.data(), one.name.size()}, one.value});
    return made;
}

}  // namespace phasebox

namespace phasebox {

namespace core {
extern "C" {
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[resource-drop]deferred"))) void phasebox_core_drop_deferred(int32_t);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[resource-drop]tensor"))) void phasebox_core_drop_tensor(int32_t);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[resource-drop]tensor-group"))) void phasebox_core_drop_tensor_group(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[resource-drop]model"))) void phasebox_core_drop_model(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[resource-drop]optimizer"))) void phasebox_core_drop_optimizer(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[resource-drop]criterion"))) void phasebox_core_drop_criterion(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[resource-drop]data-loader"))) void phasebox_core_drop_data_loader(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[resource-drop]metrics"))) void phasebox_core_drop_metrics(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[resource-drop]logger"))) void phasebox_core_drop_logger(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[resource-drop]phase-context"))) void phasebox_core_drop_phase_context(int32_t);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]deferred.poll"))) void phasebox_core_tensor_deferred_poll(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]deferred.wait"))) void phasebox_core_tensor_deferred_wait(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.info"))) void phasebox_core_tensor_tensor_info(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.keep"))) void phasebox_core_tensor_tensor_keep(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.item"))) void phasebox_core_tensor_tensor_item(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.defer"))) void phasebox_core_tensor_tensor_defer(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.read-f32"))) void phasebox_core_tensor_tensor_read_f32(int32_t, int64_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.read-s64"))) void phasebox_core_tensor_tensor_read_s64(int32_t, int64_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.add"))) void phasebox_core_tensor_tensor_add(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.sub"))) void phasebox_core_tensor_tensor_sub(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.mul"))) void phasebox_core_tensor_tensor_mul(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.div"))) void phasebox_core_tensor_tensor_div(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.maximum"))) void phasebox_core_tensor_tensor_maximum(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.minimum"))) void phasebox_core_tensor_tensor_minimum(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.lerp"))) void phasebox_core_tensor_tensor_lerp(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.atan2"))) void phasebox_core_tensor_tensor_atan2(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.clamp-between"))) void phasebox_core_tensor_tensor_clamp_between(int32_t, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.affine"))) void phasebox_core_tensor_tensor_affine(int32_t, double, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.pow"))) void phasebox_core_tensor_tensor_pow(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.clamp"))) void phasebox_core_tensor_tensor_clamp(int32_t, int32_t, double, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.neg"))) void phasebox_core_tensor_tensor_neg(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.abs"))) void phasebox_core_tensor_tensor_abs(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.sign"))) void phasebox_core_tensor_tensor_sign(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.exp"))) void phasebox_core_tensor_tensor_exp(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.log"))) void phasebox_core_tensor_tensor_log(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.log1p"))) void phasebox_core_tensor_tensor_log1p(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.expm1"))) void phasebox_core_tensor_tensor_expm1(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.erf"))) void phasebox_core_tensor_tensor_erf(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.sqrt"))) void phasebox_core_tensor_tensor_sqrt(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.rsqrt"))) void phasebox_core_tensor_tensor_rsqrt(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.sin"))) void phasebox_core_tensor_tensor_sin(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.cos"))) void phasebox_core_tensor_tensor_cos(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.floor"))) void phasebox_core_tensor_tensor_floor(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.round"))) void phasebox_core_tensor_tensor_round(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.tanh"))) void phasebox_core_tensor_tensor_tanh(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.sigmoid"))) void phasebox_core_tensor_tensor_sigmoid(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.relu"))) void phasebox_core_tensor_tensor_relu(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.softmax"))) void phasebox_core_tensor_tensor_softmax(int32_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.log-softmax"))) void phasebox_core_tensor_tensor_log_softmax(int32_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.cumsum"))) void phasebox_core_tensor_tensor_cumsum(int32_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.nan-to-num"))) void phasebox_core_tensor_tensor_nan_to_num(int32_t, double, int32_t, double, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.masked-fill"))) void phasebox_core_tensor_tensor_masked_fill(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.eq"))) void phasebox_core_tensor_tensor_eq(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.ne"))) void phasebox_core_tensor_tensor_ne(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.lt"))) void phasebox_core_tensor_tensor_lt(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.le"))) void phasebox_core_tensor_tensor_le(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.gt"))) void phasebox_core_tensor_tensor_gt(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.ge"))) void phasebox_core_tensor_tensor_ge(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.eq-scalar"))) void phasebox_core_tensor_tensor_eq_scalar(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.ne-scalar"))) void phasebox_core_tensor_tensor_ne_scalar(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.lt-scalar"))) void phasebox_core_tensor_tensor_lt_scalar(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.le-scalar"))) void phasebox_core_tensor_tensor_le_scalar(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.gt-scalar"))) void phasebox_core_tensor_tensor_gt_scalar(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.ge-scalar"))) void phasebox_core_tensor_tensor_ge_scalar(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.isfinite"))) void phasebox_core_tensor_tensor_isfinite(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.isnan"))) void phasebox_core_tensor_tensor_isnan(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.isinf"))) void phasebox_core_tensor_tensor_isinf(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.logical-not"))) void phasebox_core_tensor_tensor_logical_not(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.logical-and"))) void phasebox_core_tensor_tensor_logical_and(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.logical-or"))) void phasebox_core_tensor_tensor_logical_or(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.logical-xor"))) void phasebox_core_tensor_tensor_logical_xor(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.choose"))) void phasebox_core_tensor_tensor_choose(int32_t, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.choose-if-true-scalar"))) void phasebox_core_tensor_tensor_choose_if_true_scalar(int32_t, double, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.choose-if-false-scalar"))) void phasebox_core_tensor_tensor_choose_if_false_scalar(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.choose-scalars"))) void phasebox_core_tensor_tensor_choose_scalars(int32_t, double, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.sum"))) void phasebox_core_tensor_tensor_sum(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.mean"))) void phasebox_core_tensor_tensor_mean(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.prod"))) void phasebox_core_tensor_tensor_prod(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.logsumexp"))) void phasebox_core_tensor_tensor_logsumexp(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.amin"))) void phasebox_core_tensor_tensor_amin(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.amax"))) void phasebox_core_tensor_tensor_amax(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.std"))) void phasebox_core_tensor_tensor_std(int32_t, const void *, int32_t, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.var"))) void phasebox_core_tensor_tensor_var(int32_t, const void *, int32_t, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.norm"))) void phasebox_core_tensor_tensor_norm(int32_t, double, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.all"))) void phasebox_core_tensor_tensor_all(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.any"))) void phasebox_core_tensor_tensor_any(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.argmax"))) void phasebox_core_tensor_tensor_argmax(int32_t, int64_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.argmin"))) void phasebox_core_tensor_tensor_argmin(int32_t, int64_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.median"))) void phasebox_core_tensor_tensor_median(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.median-dim"))) void phasebox_core_tensor_tensor_median_dim(int32_t, int64_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.sort"))) void phasebox_core_tensor_tensor_sort(int32_t, int64_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.topk"))) void phasebox_core_tensor_tensor_topk(int32_t, int32_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.quantile"))) void phasebox_core_tensor_tensor_quantile(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.histogram"))) void phasebox_core_tensor_tensor_histogram(int32_t, int32_t, double, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.count-nonzero"))) void phasebox_core_tensor_tensor_count_nonzero(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.count-nonfinite"))) void phasebox_core_tensor_tensor_count_nonfinite(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.index-select"))) void phasebox_core_tensor_tensor_index_select(int32_t, int64_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.gather"))) void phasebox_core_tensor_tensor_gather(int32_t, int64_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.scatter"))) void phasebox_core_tensor_tensor_scatter(int32_t, int64_t, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.scatter-scalar"))) void phasebox_core_tensor_tensor_scatter_scalar(int32_t, int64_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.scatter-add"))) void phasebox_core_tensor_tensor_scatter_add(int32_t, int64_t, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.masked-select"))) void phasebox_core_tensor_tensor_masked_select(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.nonzero"))) void phasebox_core_tensor_tensor_nonzero(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.reshape"))) void phasebox_core_tensor_tensor_reshape(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.permute"))) void phasebox_core_tensor_tensor_permute(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.transpose"))) void phasebox_core_tensor_tensor_transpose(int32_t, int64_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.squeeze"))) void phasebox_core_tensor_tensor_squeeze(int32_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.unsqueeze"))) void phasebox_core_tensor_tensor_unsqueeze(int32_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.expand"))) void phasebox_core_tensor_tensor_expand(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.narrow"))) void phasebox_core_tensor_tensor_narrow(int32_t, int64_t, int64_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.select"))) void phasebox_core_tensor_tensor_select(int32_t, int64_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.flip"))) void phasebox_core_tensor_tensor_flip(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.roll"))) void phasebox_core_tensor_tensor_roll(int32_t, int64_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.pad"))) void phasebox_core_tensor_tensor_pad(int32_t, const void *, int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.interpolate"))) void phasebox_core_tensor_tensor_interpolate(int32_t, int32_t, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.matmul"))) void phasebox_core_tensor_tensor_matmul(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.one-hot"))) void phasebox_core_tensor_tensor_one_hot(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.to-dtype"))) void phasebox_core_tensor_tensor_to_dtype(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.to-device"))) void phasebox_core_tensor_tensor_to_device(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.contiguous"))) void phasebox_core_tensor_tensor_contiguous(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.detach"))) void phasebox_core_tensor_tensor_detach(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.duplicate"))) void phasebox_core_tensor_tensor_duplicate(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.copy-in-place"))) void phasebox_core_tensor_tensor_copy_in_place(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.add-in-place"))) void phasebox_core_tensor_tensor_add_in_place(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.mul-in-place"))) void phasebox_core_tensor_tensor_mul_in_place(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.affine-in-place"))) void phasebox_core_tensor_tensor_affine_in_place(int32_t, double, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.lerp-in-place"))) void phasebox_core_tensor_tensor_lerp_in_place(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.clamp-in-place"))) void phasebox_core_tensor_tensor_clamp_in_place(int32_t, int32_t, double, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.fill-in-place"))) void phasebox_core_tensor_tensor_fill_in_place(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.normal-in-place"))) void phasebox_core_tensor_tensor_normal_in_place(int32_t, double, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor.masked-fill-in-place"))) void phasebox_core_tensor_tensor_masked_fill_in_place(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.names"))) void phasebox_core_tensor_tensor_group_names(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.len"))) void phasebox_core_tensor_tensor_group_len(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.get"))) void phasebox_core_tensor_tensor_group_get(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.matching"))) void phasebox_core_tensor_tensor_group_matching(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.duplicate"))) void phasebox_core_tensor_tensor_group_duplicate(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.numel"))) void phasebox_core_tensor_tensor_group_numel(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.norm"))) void phasebox_core_tensor_tensor_group_norm(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.norms"))) void phasebox_core_tensor_tensor_group_norms(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.relative-change"))) void phasebox_core_tensor_tensor_group_relative_change(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.count-nonfinite"))) void phasebox_core_tensor_tensor_group_count_nonfinite(int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.clip-norm-in-place"))) void phasebox_core_tensor_tensor_group_clip_norm_in_place(int32_t, double, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.clip-value-in-place"))) void phasebox_core_tensor_tensor_group_clip_value_in_place(int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.affine-in-place"))) void phasebox_core_tensor_tensor_group_affine_in_place(int32_t, double, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.mul-in-place"))) void phasebox_core_tensor_tensor_group_mul_in_place(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.add-in-place"))) void phasebox_core_tensor_tensor_group_add_in_place(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.lerp-in-place"))) void phasebox_core_tensor_tensor_group_lerp_in_place(int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.copy-in-place"))) void phasebox_core_tensor_tensor_group_copy_in_place(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("[method]tensor-group.swap-in-place"))) void phasebox_core_tensor_tensor_group_swap_in_place(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("zeros"))) void phasebox_core_tensor_zeros(const void *, int32_t, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("full"))) void phasebox_core_tensor_full(const void *, int32_t, double, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("arange"))) void phasebox_core_tensor_arange(double, double, double, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("rand"))) void phasebox_core_tensor_rand(const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("randn"))) void phasebox_core_tensor_randn(const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("randperm"))) void phasebox_core_tensor_randperm(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("from-f32"))) void phasebox_core_tensor_from_f32(const void *, int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("from-s64"))) void phasebox_core_tensor_from_s64(const void *, int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("cat"))) void phasebox_core_tensor_cat(const void *, int32_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/tensor@0.1.0"), import_name("stack"))) void phasebox_core_tensor_stack(const void *, int32_t, int64_t, const void *);
__attribute__((import_module("phasebox:train/vision@0.1.0"), import_name("box-convert"))) void phasebox_core_vision_box_convert(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/vision@0.1.0"), import_name("box-iou"))) void phasebox_core_vision_box_iou(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/vision@0.1.0"), import_name("nms"))) void phasebox_core_vision_nms(int32_t, int32_t, int32_t, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/vision@0.1.0"), import_name("draw-boxes"))) void phasebox_core_vision_draw_boxes(int32_t, int32_t, const void *, int32_t, int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/vision@0.1.0"), import_name("draw-masks"))) void phasebox_core_vision_draw_masks(int32_t, int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/vision@0.1.0"), import_name("draw-text"))) void phasebox_core_vision_draw_text(int32_t, const void *, int32_t, int32_t, int32_t, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]model.architecture"))) void phasebox_core_context_model_architecture(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]model.parameters"))) void phasebox_core_context_model_parameters(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]model.gradients"))) void phasebox_core_context_model_gradients(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]model.buffers"))) void phasebox_core_context_model_buffers(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]model.freeze"))) void phasebox_core_context_model_freeze(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]model.unfreeze"))) void phasebox_core_context_model_unfreeze(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]model.requires-grad"))) void phasebox_core_context_model_requires_grad(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]model.forward"))) void phasebox_core_context_model_forward(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.name"))) void phasebox_core_context_optimizer_name(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.group-names"))) void phasebox_core_context_optimizer_group_names(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.learning-rate"))) void phasebox_core_context_optimizer_learning_rate(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.set-learning-rate"))) void phasebox_core_context_optimizer_set_learning_rate(int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.hyperparameter"))) void phasebox_core_context_optimizer_hyperparameter(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.set-hyperparameter"))) void phasebox_core_context_optimizer_set_hyperparameter(int32_t, const void *, int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.state"))) void phasebox_core_context_optimizer_state(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.group-state"))) void phasebox_core_context_optimizer_group_state(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.state-names"))) void phasebox_core_context_optimizer_state_names(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]optimizer.parameter-names"))) void phasebox_core_context_optimizer_parameter_names(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]criterion.name"))) void phasebox_core_context_criterion_name(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]criterion.parameters"))) void phasebox_core_context_criterion_parameters(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]criterion.get"))) void phasebox_core_context_criterion_get(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]criterion.set"))) void phasebox_core_context_criterion_set(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]data-loader.name"))) void phasebox_core_context_data_loader_name(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]data-loader.batches"))) int64_t phasebox_core_context_data_loader_batches(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]data-loader.samples"))) int64_t phasebox_core_context_data_loader_samples(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]data-loader.batch-size"))) int32_t phasebox_core_context_data_loader_batch_size(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]data-loader.parameters"))) void phasebox_core_context_data_loader_parameters(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]data-loader.get"))) void phasebox_core_context_data_loader_get(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]data-loader.set"))) void phasebox_core_context_data_loader_set(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]metrics.names"))) void phasebox_core_context_metrics_names(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]metrics.compute"))) void phasebox_core_context_metrics_compute(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]logger.scalar"))) void phasebox_core_context_logger_scalar(int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]logger.scalar-tensor"))) void phasebox_core_context_logger_scalar_tensor(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]logger.histogram"))) void phasebox_core_context_logger_histogram(int32_t, const void *, int32_t, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]logger.image"))) void phasebox_core_context_logger_image(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]logger.text"))) void phasebox_core_context_logger_text(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]logger.artifact"))) void phasebox_core_context_logger_artifact(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]logger.image-file"))) void phasebox_core_context_logger_image_file(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("release"))) void phasebox_core_context_release(const void *, int32_t, const void *, int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.phase"))) void phasebox_core_context_phase_context_phase(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.epoch"))) void phasebox_core_context_phase_context_epoch(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.batch-idx"))) void phasebox_core_context_phase_context_batch_idx(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.global-step"))) int64_t phasebox_core_context_phase_context_global_step(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.samples-seen"))) int64_t phasebox_core_context_phase_context_samples_seen(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.max-epochs"))) int32_t phasebox_core_context_phase_context_max_epochs(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.steps-per-epoch"))) int64_t phasebox_core_context_phase_context_steps_per_epoch(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.max-steps"))) int64_t phasebox_core_context_phase_context_max_steps(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.position"))) void phasebox_core_context_phase_context_position(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.progress"))) void phasebox_core_context_phase_context_progress(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.is-last-batch"))) int32_t phasebox_core_context_phase_context_is_last_batch(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.is-accumulation-boundary"))) int32_t phasebox_core_context_phase_context_is_accumulation_boundary(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.elapsed-seconds"))) double phasebox_core_context_phase_context_elapsed_seconds(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.rank"))) int32_t phasebox_core_context_phase_context_rank(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.local-rank"))) int32_t phasebox_core_context_phase_context_local_rank(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.world-size"))) int32_t phasebox_core_context_phase_context_world_size(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.seed"))) int64_t phasebox_core_context_phase_context_seed(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.batch-size"))) int64_t phasebox_core_context_phase_context_batch_size(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.inputs"))) void phasebox_core_context_phase_context_inputs(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.inputs-group"))) void phasebox_core_context_phase_context_inputs_group(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.target"))) void phasebox_core_context_phase_context_target(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.target-group"))) void phasebox_core_context_phase_context_target_group(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.preds"))) void phasebox_core_context_phase_context_preds(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.preds-group"))) void phasebox_core_context_phase_context_preds_group(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.loss"))) void phasebox_core_context_phase_context_loss(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.loss-log-items"))) void phasebox_core_context_phase_context_loss_log_items(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.loss-logging-items-names"))) void phasebox_core_context_phase_context_loss_logging_items_names(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.additional-batch-items"))) void phasebox_core_context_phase_context_additional_batch_items(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.additional-batch-item"))) void phasebox_core_context_phase_context_additional_batch_item(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.net"))) void phasebox_core_context_phase_context_net(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.ema-model"))) void phasebox_core_context_phase_context_ema_model(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.optimizer"))) void phasebox_core_context_phase_context_optimizer(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.criterion"))) void phasebox_core_context_phase_context_criterion(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.train-loader"))) void phasebox_core_context_phase_context_train_loader(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.valid-loader"))) void phasebox_core_context_phase_context_valid_loader(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.test-loader"))) void phasebox_core_context_phase_context_test_loader(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.sg-logger"))) void phasebox_core_context_phase_context_sg_logger(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.parameters"))) void phasebox_core_context_phase_context_parameters(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.gradients"))) void phasebox_core_context_phase_context_gradients(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.buffers"))) void phasebox_core_context_phase_context_buffers(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.clip-gradients"))) void phasebox_core_context_phase_context_clip_gradients(int32_t, double, double, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.clip-and-log-gradients"))) void phasebox_core_context_phase_context_clip_and_log_gradients(int32_t, double, double, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.learning-rate"))) void phasebox_core_context_phase_context_learning_rate(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.set-learning-rate"))) void phasebox_core_context_phase_context_set_learning_rate(int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.log-scalar"))) void phasebox_core_context_phase_context_log_scalar(int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.log-scalars"))) void phasebox_core_context_phase_context_log_scalars(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.log-scalar-tensor"))) void phasebox_core_context_phase_context_log_scalar_tensor(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.metrics-dict"))) void phasebox_core_context_phase_context_metrics_dict(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.metric"))) void phasebox_core_context_phase_context_metric(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.publish-metric"))) void phasebox_core_context_phase_context_publish_metric(int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.publish-metric-tensor"))) void phasebox_core_context_phase_context_publish_metric_tensor(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.metrics-compute-fn"))) void phasebox_core_context_phase_context_metrics_compute_fn(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.valid-metrics"))) void phasebox_core_context_phase_context_valid_metrics(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.batch-metric"))) void phasebox_core_context_phase_context_batch_metric(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.loss-avg-meter"))) void phasebox_core_context_phase_context_loss_avg_meter(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.metric-to-watch"))) void phasebox_core_context_phase_context_metric_to_watch(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.greater-metric-to-watch-is-better"))) int32_t phasebox_core_context_phase_context_greater_metric_to_watch_is_better(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.best-metric"))) void phasebox_core_context_phase_context_best_metric(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.best-epoch"))) void phasebox_core_context_phase_context_best_epoch(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.lr-warmup-epochs"))) int32_t phasebox_core_context_phase_context_lr_warmup_epochs(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.device"))) void phasebox_core_context_phase_context_device(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.experiment-name"))) void phasebox_core_context_phase_context_experiment_name(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.ckpt-dir"))) void phasebox_core_context_phase_context_ckpt_dir(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.training-params"))) void phasebox_core_context_phase_context_training_params(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.checkpoint-params"))) void phasebox_core_context_phase_context_checkpoint_params(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.arch-params"))) void phasebox_core_context_phase_context_arch_params(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.architecture"))) void phasebox_core_context_phase_context_architecture(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.ddp-silent-mode"))) int32_t phasebox_core_context_phase_context_ddp_silent_mode(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.stop-training"))) int32_t phasebox_core_context_phase_context_stop_training(int32_t);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.outcome"))) void phasebox_core_context_phase_context_outcome(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.set-inputs"))) void phasebox_core_context_phase_context_set_inputs(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.set-inputs-item"))) void phasebox_core_context_phase_context_set_inputs_item(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.set-target"))) void phasebox_core_context_phase_context_set_target(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.set-target-item"))) void phasebox_core_context_phase_context_set_target_item(int32_t, const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.set-loss"))) void phasebox_core_context_phase_context_set_loss(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.repeat-backward"))) void phasebox_core_context_phase_context_repeat_backward(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.gradient-penalty"))) void phasebox_core_context_phase_context_gradient_penalty(int32_t, const void *, int32_t, double, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.request-stop"))) void phasebox_core_context_phase_context_request_stop(int32_t, const void *, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.stop-if-above"))) void phasebox_core_context_phase_context_stop_if_above(int32_t, int32_t, double, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.stop-if-nonfinite"))) void phasebox_core_context_phase_context_stop_if_nonfinite(int32_t, int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.stop-epoch"))) void phasebox_core_context_phase_context_stop_epoch(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.skip-batch"))) void phasebox_core_context_phase_context_skip_batch(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.skip-backward"))) void phasebox_core_context_phase_context_skip_backward(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.skip-step"))) void phasebox_core_context_phase_context_skip_step(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.request-validation"))) void phasebox_core_context_phase_context_request_validation(int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.request-checkpoint"))) void phasebox_core_context_phase_context_request_checkpoint(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.set-accumulation"))) void phasebox_core_context_phase_context_set_accumulation(int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.disable-self"))) void phasebox_core_context_phase_context_disable_self(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/context@0.1.0"), import_name("[method]phase-context.abort"))) void phasebox_core_context_phase_context_abort(int32_t, const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/storage@0.1.0"), import_name("store-tensor"))) void phasebox_core_storage_store_tensor(const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/storage@0.1.0"), import_name("load-tensor"))) void phasebox_core_storage_load_tensor(const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/storage@0.1.0"), import_name("store-group"))) void phasebox_core_storage_store_group(const void *, int32_t, int32_t, const void *);
__attribute__((import_module("phasebox:train/storage@0.1.0"), import_name("load-group"))) void phasebox_core_storage_load_group(const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/storage@0.1.0"), import_name("forget"))) void phasebox_core_storage_forget(const void *, int32_t, const void *);
__attribute__((import_module("phasebox:train/diagnostics@0.1.0"), import_name("log"))) void phasebox_core_diagnostics_log(int32_t, const void *, int32_t);
__attribute__((import_module("phasebox:train/diagnostics@0.1.0"), import_name("report-failure"))) void phasebox_core_diagnostics_report_failure(const void *, int32_t, const void *, int32_t, const void *, int32_t);
}
}

class Deferred;
class Tensor;
class TensorGroup;
class Model;
class Optimizer;
class Criterion;
class DataLoader;
class Metrics;
class Logger;
class PhaseContext;

/// Why a call was refused.
enum class ErrorCode : uint8_t {
    invalid_argument,
    shape_mismatch,
    dtype_mismatch,
    device_mismatch,
    not_available,
    stale_handle,
    denied,
    quota_exceeded,
    too_large,
    out_of_memory,
    unsupported,
    collective_mismatch,
    peer_failed,
    sharded,
    timed_out,
    interrupted,
    conflict,
    input_output,
    other,
};

/// The one error of host functions and callbacks alike.
struct Error {
    ErrorCode code;
    std::string message;
};
template <typename T = void>
using Result = std::expected<T, Error>;

/// Element type of a tensor, by PyTorch's name. Tensors of the first ten can be made and have
/// operations. The others describe a tensor that the trainer has, and `other` stands for a type
/// that has no name here, such as a quantized one: to make one of them is a `dtype-mismatch`.
enum class Dtype : uint8_t {
    uint8,
    int8,
    int16,
    int32,
    int64,
    float16,
    bfloat16,
    float32,
    float64,
    boolean,
    uint16,
    uint32,
    uint64,
    float8_e4m3fn,
    float8_e5m2,
    float8_e4m3fnuz,
    float8_e5m2fnuz,
    float8_e8m0fnu,
    float4_e2m1fn_x2,
    complex32,
    complex64,
    complex128,
    other,
};

/// Severity of a log line.
enum class Level : uint8_t {
    trace,
    debug,
    info,
    warn,
    error,
};

/// The facts about a tensor that are known without reading its data.
struct TensorInfo {
    std::vector<int64_t> shape;
    Dtype dtype;
    std::string device;
    bool requires_grad;
};

/// A named number, such as one metric.
struct ScalarEntry {
    std::string name;
    double value;
};

/// A number on its way from the device. It outlives the call that made it, works in
/// `save-state` too, and may be dropped before its value has arrived. Once the value has
/// arrived, every `poll` and `wait` returns it.
class Deferred : public Owned<core::phasebox_core_drop_deferred, core::phasebox_core_drop_deferred> {
public:
    using Owned::Owned;
    /// The value, or none while it is still on its way. Never syncs. With
    /// `deterministic_callbacks: true` it waits instead; that wait needs no grant.
    [[nodiscard]] Result<std::optional<double>> poll() const;
    /// The value. Syncs if it has not arrived.
    [[nodiscard]] Result<double> wait() const;
};

/// One tensor of the trainer or of the callback.
class Tensor : public Owned<give_back_tensor, core::phasebox_core_drop_tensor> {
public:
    using Owned::Owned;
    /// Shape, dtype, device and requires-grad in one crossing.
    [[nodiscard]] Result<TensorInfo> info() const;
    /// A handle that lasts until it is dropped, charged to the callback's `tensors` limit. A
    /// tensor of the trainer is copied on the device, because training goes on to change it.
    /// The callback's own results are kept as they are, except views of something larger, which
    /// are copied.
    [[nodiscard]] Result<Tensor> keep() const;
    /// The only element, as f64. Syncs.
    [[nodiscard]] Result<double> item() const;
    /// The only element, delivered later. Queues one small copy; the value is that of this
    /// moment, whatever is changed in place afterwards.
    [[nodiscard]] Result<Deferred> defer() const;
    /// `length` elements from `offset` on, in row-major order, converted to f32. Copies them to
    /// the callback and syncs. At most 4 Mi elements a call (`too-large`): read in pieces.
    [[nodiscard]] Result<std::vector<float>> read_f32(uint64_t offset, uint32_t length) const;
    /// `length` elements from `offset` on, in row-major order, converted to s64: labels,
    /// indices, counts. Copies them to the callback and syncs. At most 2 Mi elements a call
    /// (`too-large`): read in pieces.
    [[nodiscard]] Result<std::vector<int64_t>> read_s64(uint64_t offset, uint32_t length) const;
    /// self + alpha × other
    [[nodiscard]] Result<Tensor> add(const Tensor & other, double alpha) const;
    /// self − other
    [[nodiscard]] Result<Tensor> sub(const Tensor & other) const;
    /// self × other
    [[nodiscard]] Result<Tensor> mul(const Tensor & other) const;
    /// self / other. True division: integers become floats.
    [[nodiscard]] Result<Tensor> div(const Tensor & other) const;
    /// The larger of both, element by element.
    [[nodiscard]] Result<Tensor> maximum(const Tensor & other) const;
    /// The smaller of both, element by element.
    [[nodiscard]] Result<Tensor> minimum(const Tensor & other) const;
    /// self + weight × (end − self)
    [[nodiscard]] Result<Tensor> lerp(const Tensor & end, double weight) const;
    /// The angle of the point (other, self) in radians, from −π to π. Integers become floats.
    [[nodiscard]] Result<Tensor> atan2(const Tensor & other) const;
    /// Limits each element to [min, max], which are tensors. For one bound use `maximum` or
    /// `minimum`. Where min is above max, the result is max.
    [[nodiscard]] Result<Tensor> clamp_between(const Tensor & min, const Tensor & max) const;
    /// self × scale + shift, in one crossing.
    [[nodiscard]] Result<Tensor> affine(double scale, double shift) const;
    /// Each element to the power of `exponent`.
    [[nodiscard]] Result<Tensor> pow(double exponent) const;
    /// Limits each element to [min, max]; give at least one of them.
    [[nodiscard]] Result<Tensor> clamp(std::optional<double> min, std::optional<double> max) const;
    /// −self
    [[nodiscard]] Result<Tensor> neg() const;
    /// The magnitude of each element.
    [[nodiscard]] Result<Tensor> abs() const;
    /// −1, 0 or 1 by the sign of each element.
    [[nodiscard]] Result<Tensor> sign() const;
    /// e to the power of each element.
    [[nodiscard]] Result<Tensor> exp() const;
    /// The natural logarithm.
    [[nodiscard]] Result<Tensor> log() const;
    /// The natural logarithm of 1 + self, exact for small elements.
    [[nodiscard]] Result<Tensor> log1p() const;
    /// e to the power of each element, minus 1; exact for small elements.
    [[nodiscard]] Result<Tensor> expm1() const;
    /// The error function.
    [[nodiscard]] Result<Tensor> erf() const;
    /// The square root.
    [[nodiscard]] Result<Tensor> sqrt() const;
    /// 1 / the square root.
    [[nodiscard]] Result<Tensor> rsqrt() const;
    /// The sine; elements are radians.
    [[nodiscard]] Result<Tensor> sin() const;
    /// The cosine; elements are radians.
    [[nodiscard]] Result<Tensor> cos() const;
    /// The largest whole number that is not above each element.
    [[nodiscard]] Result<Tensor> floor() const;
    /// The nearest whole number; halves go to the even one.
    [[nodiscard]] Result<Tensor> round() const;
    /// The hyperbolic tangent.
    [[nodiscard]] Result<Tensor> tanh() const;
    /// 1 / (1 + exp(−self))
    [[nodiscard]] Result<Tensor> sigmoid() const;
    /// Each element, or 0 if it is negative.
    [[nodiscard]] Result<Tensor> relu() const;
    /// Softmax over dimension `dim`. A negative dimension counts from the end, here and
    /// everywhere.
    [[nodiscard]] Result<Tensor> softmax(int64_t dim) const;
    /// The logarithm of the softmax over dimension `dim`.
    [[nodiscard]] Result<Tensor> log_softmax(int64_t dim) const;
    /// The running sum along dimension `dim`.
    [[nodiscard]] Result<Tensor> cumsum(int64_t dim) const;
    /// Replaces not-a-number by `nan`, and each infinity by a number. Without a number it is the
    /// largest or the smallest that the dtype has.
    [[nodiscard]] Result<Tensor> nan_to_num(double nan, std::optional<double> positive_infinity, std::optional<double> negative_infinity) const;
    /// `value` where `mask`, a boolean tensor that broadcasts, is true; elements of `self`
    /// elsewhere. A fraction is refused for integers.
    [[nodiscard]] Result<Tensor> masked_fill(const Tensor & mask, double value) const;
    /// self = other
    [[nodiscard]] Result<Tensor> eq(const Tensor & other) const;
    /// self ≠ other
    [[nodiscard]] Result<Tensor> ne(const Tensor & other) const;
    /// self < other
    [[nodiscard]] Result<Tensor> lt(const Tensor & other) const;
    /// self ≤ other
    [[nodiscard]] Result<Tensor> le(const Tensor & other) const;
    /// self > other
    [[nodiscard]] Result<Tensor> gt(const Tensor & other) const;
    /// self ≥ other
    [[nodiscard]] Result<Tensor> ge(const Tensor & other) const;
    /// self = value
    [[nodiscard]] Result<Tensor> eq_scalar(double value) const;
    /// self ≠ value
    [[nodiscard]] Result<Tensor> ne_scalar(double value) const;
    /// self < value
    [[nodiscard]] Result<Tensor> lt_scalar(double value) const;
    /// self ≤ value
    [[nodiscard]] Result<Tensor> le_scalar(double value) const;
    /// self > value
    [[nodiscard]] Result<Tensor> gt_scalar(double value) const;
    /// self ≥ value
    [[nodiscard]] Result<Tensor> ge_scalar(double value) const;
    /// True where an element is neither infinite nor not-a-number.
    [[nodiscard]] Result<Tensor> isfinite() const;
    /// True where an element is not-a-number.
    [[nodiscard]] Result<Tensor> isnan() const;
    /// True where an element is infinite.
    [[nodiscard]] Result<Tensor> isinf() const;
    /// True where an element is zero or false.
    [[nodiscard]] Result<Tensor> logical_not() const;
    /// True where both are neither zero nor false.
    [[nodiscard]] Result<Tensor> logical_and(const Tensor & other) const;
    /// True where one of both is neither zero nor false.
    [[nodiscard]] Result<Tensor> logical_or(const Tensor & other) const;
    /// True where exactly one of both is neither zero nor false.
    [[nodiscard]] Result<Tensor> logical_xor(const Tensor & other) const;
    /// Elements of `if-true` where `self`, a boolean tensor, is true, and of `if-false`
    /// elsewhere (torch.where).
    [[nodiscard]] Result<Tensor> choose(const Tensor & if_true, const Tensor & if_false) const;
    /// As `choose`, with a number where `self` is true. A whole number keeps the dtype of
    /// integers.
    [[nodiscard]] Result<Tensor> choose_if_true_scalar(double if_true, const Tensor & if_false) const;
    /// As `choose`, with a number where `self` is false. A whole number keeps the dtype of
    /// integers.
    [[nodiscard]] Result<Tensor> choose_if_false_scalar(const Tensor & if_true, double if_false) const;
    /// As `choose`, with a number on both sides (float32).
    [[nodiscard]] Result<Tensor> choose_scalars(double if_true, double if_false) const;
    /// The sum over `dims`. Integers and booleans become int64.
    [[nodiscard]] Result<Tensor> sum(std::span<const int64_t> dims, bool keepdim) const;
    /// The mean over `dims`, of a floating point tensor.
    [[nodiscard]] Result<Tensor> mean(std::span<const int64_t> dims, bool keepdim) const;
    /// The product over `dims`. Integers and booleans become int64.
    [[nodiscard]] Result<Tensor> prod(std::span<const int64_t> dims, bool keepdim) const;
    /// The logarithm of the sum of e to the power of each element over `dims`, without overflow.
    /// Integers become floats.
    [[nodiscard]] Result<Tensor> logsumexp(std::span<const int64_t> dims, bool keepdim) const;
    /// The smallest element over `dims`.
    [[nodiscard]] Result<Tensor> amin(std::span<const int64_t> dims, bool keepdim) const;
    /// The largest element over `dims`.
    [[nodiscard]] Result<Tensor> amax(std::span<const int64_t> dims, bool keepdim) const;
    /// The standard deviation over `dims`; `unbiased` divides by n − 1.
    [[nodiscard]] Result<Tensor> std(std::span<const int64_t> dims, bool unbiased, bool keepdim) const;
    /// The variance over `dims`; `unbiased` divides by n − 1.
    [[nodiscard]] Result<Tensor> var(std::span<const int64_t> dims, bool unbiased, bool keepdim) const;
    /// The vector p-norm over `dims`; p may be 0 (the count of nonzero elements) or infinite
    /// (the largest magnitude).
    [[nodiscard]] Result<Tensor> norm(double p, std::span<const int64_t> dims, bool keepdim) const;
    /// True if no element is zero or false (0-d).
    [[nodiscard]] Result<Tensor> all() const;
    /// True if an element is neither zero nor false (0-d).
    [[nodiscard]] Result<Tensor> any() const;
    /// The index of the largest element along dimension `dim` (int64).
    [[nodiscard]] Result<Tensor> argmax(int64_t dim, bool keepdim) const;
    /// The index of the smallest element along dimension `dim` (int64).
    [[nodiscard]] Result<Tensor> argmin(int64_t dim, bool keepdim) const;
    /// The median of all elements, the lower one of an even number of them (0-d). It is
    /// not-a-number if any element is. A tensor without elements is refused.
    [[nodiscard]] Result<Tensor> median() const;
    /// (values, indices) of the medians along dimension `dim`, as `median` defines them. Of
    /// equal elements any may be the one that `indices` names.
    [[nodiscard]] Result<std::tuple<Tensor, Tensor>> median_dim(int64_t dim, bool keepdim) const;
    /// (values, indices) of all elements along dimension `dim` in order. Equal elements keep
    /// their order, and not-a-number counts as the largest.
    [[nodiscard]] Result<std::tuple<Tensor, Tensor>> sort(int64_t dim, bool descending) const;
    /// (values, indices) of the `k` largest elements along `dim`, largest first.
    [[nodiscard]] Result<std::tuple<Tensor, Tensor>> topk(uint32_t k, int64_t dim) const;
    /// The q-quantile (0–1, linear interpolation) of all elements, at most 16 Mi of them (0-d).
    [[nodiscard]] Result<Tensor> quantile(double q) const;
    /// Counts of `bins` equal bins over [min, max], 1 to 65,536 of them (1-d, float32).
    /// Elements outside the range are not counted.
    [[nodiscard]] Result<Tensor> histogram(uint32_t bins, double min, double max) const;
    /// The number of elements that are not zero (0-d, int64).
    [[nodiscard]] Result<Tensor> count_nonzero() const;
    /// The number of elements that are infinite or not-a-number (0-d, int64).
    [[nodiscard]] Result<Tensor> count_nonfinite() const;
    /// The entries `indices` (1-d) of dimension `dim`.
    [[nodiscard]] Result<Tensor> index_select(int64_t dim, const Tensor & indices) const;
    /// The element of dimension `dim` that `indices` names, for each of them: for `dim` 1 of two,
    /// result[i][j] = self[i][indices[i][j]]. Has the shape of `indices`, which has as many
    /// dimensions as `self` and is nowhere longer, but along `dim`.
    [[nodiscard]] Result<Tensor> gather(int64_t dim, const Tensor & indices) const;
    /// A copy of `self` in which elements of `source` replace those that `indices` names along
    /// `dim`: for `dim` 1 of two, result[i][indices[i][j]] = source[i][j]. `indices` is nowhere
    /// longer than `source`, nor than `self` but along `dim`; the dtypes are equal. Of several
    /// elements for one place any may be the last.
    [[nodiscard]] Result<Tensor> scatter(int64_t dim, const Tensor & indices, const Tensor & source) const;
    /// As `scatter`, with one number for every place. A fraction is refused for integers.
    [[nodiscard]] Result<Tensor> scatter_scalar(int64_t dim, const Tensor & indices, double value) const;
    /// As `scatter`, but elements of `source` are added. On a GPU the order of several additions
    /// to one place, and so the last bits of their sum, can differ from run to run.
    [[nodiscard]] Result<Tensor> scatter_add(int64_t dim, const Tensor & indices, const Tensor & source) const;
    /// The elements where `mask`, a boolean tensor, is true, in row-major order (1-d). Both
    /// broadcast. Syncs, since the device decides how many there are.
    [[nodiscard]] Result<Tensor> masked_select(const Tensor & mask) const;
    /// The places of elements that are neither zero nor false: one row for each of them, with
    /// one index for each dimension (2-d, int64), in row-major order. Syncs, since the device
    /// decides how many there are.
    [[nodiscard]] Result<Tensor> nonzero() const;
    /// The elements in another shape; one length may be −1. A view where possible, otherwise a
    /// copy.
    [[nodiscard]] Result<Tensor> reshape(std::span<const int64_t> shape) const;
    /// A view with the dimensions in the order `dims`.
    [[nodiscard]] Result<Tensor> permute(std::span<const int64_t> dims) const;
    /// A view with two dimensions exchanged.
    [[nodiscard]] Result<Tensor> transpose(int64_t dim0, int64_t dim1) const;
    /// A view without dimension `dim`, if its length is 1.
    [[nodiscard]] Result<Tensor> squeeze(int64_t dim) const;
    /// A view with a new dimension of length 1 at `dim`.
    [[nodiscard]] Result<Tensor> unsqueeze(int64_t dim) const;
    /// A view that repeats dimensions of length 1 without copying.
    [[nodiscard]] Result<Tensor> expand(std::span<const int64_t> shape) const;
    /// A view of `length` entries of dimension `dim` from `start` on.
    [[nodiscard]] Result<Tensor> narrow(int64_t dim, int64_t start, int64_t length) const;
    /// A view of entry `index` of dimension `dim`, without that dimension.
    [[nodiscard]] Result<Tensor> select(int64_t dim, int64_t index) const;
    /// The entries of dimensions `dims` in reverse order. A copy.
    [[nodiscard]] Result<Tensor> flip(std::span<const int64_t> dims) const;
    /// The entries of `dim` moved by `shift`; entries that leave one end enter at the other. A
    /// copy.
    [[nodiscard]] Result<Tensor> roll(int64_t shift, int64_t dim) const;
    /// A copy with more entries around. `padding` has the number before and after for the last
    /// dimension, then for the one before it, and so on, each at least 0. `mode` says what the new
    /// entries are: `constant` (`value`), `reflect` (mirrored, without the edge), `replicate`
    /// (the edge) or `circular` (from the other end). All but `constant` pad the last 1 to 3
    /// dimensions, of a tensor with 1 or 2 dimensions more, and take `value` 0 alone. `reflect`
    /// needs a dimension longer than its padding, `circular` one at least as long.
    [[nodiscard]] Result<Tensor> pad(std::span<const int64_t> padding, std::string_view mode, double value) const;
    /// Images [N, C, H, W] in another size. `mode` is `nearest`, `bilinear` or `bicubic`, with
    /// PyTorch's `align_corners=False` and without antialiasing. For floating point tensors;
    /// `nearest` also takes uint8.
    [[nodiscard]] Result<Tensor> interpolate(uint32_t height, uint32_t width, std::string_view mode) const;
    /// The matrix product as torch.matmul, batches included. At most 2³⁵ multiplications a call
    /// (`too-large`).
    [[nodiscard]] Result<Tensor> matmul(const Tensor & other) const;
    /// Integer classes to {0, 1} in a new last dimension (float32), for 1 to 65,536 classes. A
    /// value outside 0..num-classes gives a row of zeros, never a device fault.
    [[nodiscard]] Result<Tensor> one_hot(uint32_t num_classes) const;
    /// The elements as another dtype. A view if the dtype is the same.
    [[nodiscard]] Result<Tensor> to_dtype(Dtype dtype) const;
    /// The tensor on "cpu", "cuda:0", or "" for the run's device. Syncs on the way to the CPU.
    /// A view if the device is the same.
    [[nodiscard]] Result<Tensor> to_device(std::string_view device) const;
    /// The elements in row-major order in memory. A view if they are already.
    [[nodiscard]] Result<Tensor> contiguous() const;
    /// A view that autograd does not follow.
    [[nodiscard]] Result<Tensor> detach() const;
    /// A copy on the same device, which ends with the call like every result.
    [[nodiscard]] Result<Tensor> duplicate() const;
    /// self ← source, which broadcasts. Converts the dtype.
    [[nodiscard]] Result<> copy_in_place(const Tensor & source) const;
    /// self ← self + alpha × other
    [[nodiscard]] Result<> add_in_place(const Tensor & other, double alpha) const;
    /// self ← self × other
    [[nodiscard]] Result<> mul_in_place(const Tensor & other) const;
    /// self ← self × scale + shift
    [[nodiscard]] Result<> affine_in_place(double scale, double shift) const;
    /// self ← self + weight × (end − self)
    [[nodiscard]] Result<> lerp_in_place(const Tensor & end, double weight) const;
    /// Limits each element to [min, max]; give at least one of them.
    [[nodiscard]] Result<> clamp_in_place(std::optional<double> min, std::optional<double> max) const;
    /// Sets every element to `value`.
    [[nodiscard]] Result<> fill_in_place(double value) const;
    /// Fills a floating point tensor with normal noise. It comes from the callback's own
    /// generator, so the run's own random numbers do not change. The host draws the numbers on
    /// the CPU and copies them to the device. Grant `random`, and the grant of the tensor that
    /// is changed.
    [[nodiscard]] Result<> normal_in_place(double mean, double std) const;
    /// Sets elements to `value` where `mask`, a boolean tensor that broadcasts, is true.
    [[nodiscard]] Result<> masked_fill_in_place(const Tensor & mask, double value) const;
};

/// Many named tensors in one crossing, on multi-tensor kernels: parameters, gradients, a copy
/// of them. An operation counts as one launch, however many members there are. Changing the
/// group in place needs the grant of its members. On a group without members an operation does
/// nothing.
class TensorGroup : public Owned<give_back_group, core::phasebox_core_drop_tensor_group> {
public:
    using Owned::Owned;
    /// Names of the members, in the order of all functions here.
    [[nodiscard]] Result<std::vector<std::string>> names() const;
    /// The number of members.
    [[nodiscard]] Result<uint32_t> len() const;
    /// One member by its name, with the grant of the group.
    [[nodiscard]] Result<Tensor> get(std::string_view name) const;
    /// The members whose names match a glob, such as `backbone.*`. They are views.
    [[nodiscard]] Result<TensorGroup> matching(std::string_view glob) const;
    /// A copy on the same device that lasts until it is dropped, charged to `tensors`. One
    /// launch for each member.
    [[nodiscard]] Result<TensorGroup> duplicate() const;
    /// The number of elements of all members together.
    [[nodiscard]] Result<uint64_t> numel() const;
    /// The p-norm over all elements of all members (0-d).
    [[nodiscard]] Result<Tensor> norm(double p) const;
    /// The p-norm of each member, in the order of `names` (1-d).
    [[nodiscard]] Result<Tensor> norms(double p) const;
    /// The distance of the members from those of `before` at the same position, as a share of
    /// these: the p-norm of all differences, divided by the p-norm of `before`, which counts as
    /// 1e-12 at least (0-d). How far a step moves the weights. Both groups must have the same
    /// shapes and dtypes, which are floating point.
    [[nodiscard]] Result<Tensor> relative_change(const TensorGroup & before, double p) const;
    /// The number of elements that are infinite or not-a-number (0-d, int64).
    [[nodiscard]] Result<Tensor> count_nonfinite() const;
    /// Scales all members so that their common p-norm is at most `max-norm`. Returns the norm
    /// before (0-d) and does not sync. torch.nn.utils.clip_grad_norm_.
    [[nodiscard]] Result<Tensor> clip_norm_in_place(double max_norm, double p) const;
    /// Limits every element to [−limit, limit]. torch.nn.utils.clip_grad_value_.
    [[nodiscard]] Result<> clip_value_in_place(double limit) const;
    /// member ← member × scale + shift
    [[nodiscard]] Result<> affine_in_place(double scale, double shift) const;
    /// member ← member × factor, a single number that is still on the device.
    [[nodiscard]] Result<> mul_in_place(const Tensor & factor) const;
    /// member ← member + alpha × the member of `other` at the same position. Both groups must
    /// have the same shapes and dtypes.
    [[nodiscard]] Result<> add_in_place(const TensorGroup & other, double alpha) const;
    /// member ← member + weight × (end − member), with the member of `end` at the same
    /// position. Members that are not floating point, such as counts of batches, are copied
    /// from `end`; each of them is one more launch.
    [[nodiscard]] Result<> lerp_in_place(const TensorGroup & end, double weight) const;
    /// member ← the member of `source` at the same position.
    [[nodiscard]] Result<> copy_in_place(const TensorGroup & source) const;
    /// Exchanges the values of both groups by a copy on the device. Needs the grants of both.
    [[nodiscard]] Result<> swap_in_place(const TensorGroup & other) const;
};

/// The network in training, or its moving average.
class Model : public Owned<core::phasebox_core_drop_model, core::phasebox_core_drop_model> {
public:
    using Owned::Owned;
    /// "mlp", "resnet18", "torchscript", …
    std::string architecture() const;
    /// The parameters that the optimizer trains, by name, frozen ones included: always the
    /// same members in the same order. Changing them in place needs grant `parameters`.
    [[nodiscard]] Result<TensorGroup> parameters() const;
    /// The gradients of the parameters that have one: from on-train-batch-backward-end to
    /// on-train-batch-optimizer-stepped; zeros afterwards. Under accumulation they are the sum
    /// so far. Always unscaled. Changing them needs grant `gradients`. The moving average has
    /// none: `not-available`.
    [[nodiscard]] Result<TensorGroup> gradients() const;
    /// The tensors that are saved but not trained, such as running means. Changing them in
    /// place needs grant `parameters`.
    [[nodiscard]] Result<TensorGroup> buffers() const;
    /// Freezes the parameters whose name matches the glob, from the next batch on, and zeroes
    /// their gradients. Returns how many match. Grant `parameters`.
    [[nodiscard]] Result<uint32_t> freeze(std::string_view glob) const;
    /// Lets the parameters whose name matches the glob learn again, from the next batch on.
    /// Returns how many match. Grant `parameters`.
    [[nodiscard]] Result<uint32_t> unfreeze(std::string_view glob) const;
    /// True if the parameter of this name learns, false if it is frozen.
    [[nodiscard]] Result<bool> requires_grad(std::string_view parameter) const;
    /// An extra pass: predictions for `inputs`, one tensor for each member of `inputs-group`, in
    /// its order, each with at most the elements that a full batch of the loaders has
    /// (`too-large`). At every phase. In mode "evaluation" dropout keeps
    /// everything and batch normalization uses its running statistics; in mode "train" dropout
    /// drops and the statistics of the inputs are used. In both, running statistics and the
    /// run's random numbers stay as they were; dropout draws from the callback's own generator.
    /// Records no gradients, and does not wait for the device. Counts as one of `passes`. Grant
    /// `passes`.
    [[nodiscard]] Result<TensorGroup> forward(std::span<const Tensor *const> inputs, std::string_view mode) const;
};

/// The optimizer. Its parameter groups are named. As a `group`, "" means all groups: a function
/// that sets sets each, and a function that reads a number answers the one that all share. If
/// they differ it is refused (`invalid-argument`), and the message has each group's number.
class Optimizer : public Owned<core::phasebox_core_drop_optimizer, core::phasebox_core_drop_optimizer> {
public:
    using Owned::Owned;
    /// "SGD", "Adam", "AdamW" or "RMSprop".
    std::string name() const;
    /// Names of the parameter groups, in the order of the recipe.
    std::vector<std::string> group_names() const;
    /// The learning rate that the next step uses.
    [[nodiscard]] Result<double> learning_rate(std::string_view group) const;
    /// Sets the learning rate. The rate stays until the recipe's schedule next changes its
    /// value. With `lr_mode: constant` it stays for the rest of the run. The schedule is
    /// applied before on-epoch-start and before on-train-batch-gradient-step-end. Grant
    /// `optimizer`.
    [[nodiscard]] Result<> set_learning_rate(std::string_view group, double value) const;
    /// "momentum", "weight_decay", "beta1", "eps", …: the names the optimizer has.
    [[nodiscard]] Result<double> hyperparameter(std::string_view group, std::string_view name) const;
    /// Sets a hyperparameter. A value outside its meaningful range is refused. Grant
    /// `optimizer`.
    [[nodiscard]] Result<> set_hyperparameter(std::string_view group, std::string_view name, double value) const;
    /// The optimizer's tensors of one kind, such as "momentum_buffer" or "exp_avg", by
    /// parameter name. Changing them in place needs grant `optimizer`. `unsupported` is
    /// reserved for runs whose processes hold different parts of the state; there is none yet.
    [[nodiscard]] Result<TensorGroup> state(std::string_view name) const;
    /// `state` for the parameters of one group alone; "" is `state`.
    [[nodiscard]] Result<TensorGroup> group_state(std::string_view group, std::string_view name) const;
    /// The kinds that `state` knows, such as "exp_avg"; empty if the optimizer keeps nothing.
    std::vector<std::string> state_names() const;
    /// Names of the parameters of a group; "" means of all groups, one after the other.
    [[nodiscard]] Result<std::vector<std::string>> parameter_names(std::string_view group) const;
};

/// The loss function. Values are JSON: a stage switch sets `label_smoothing` to `0.0`.
class Criterion : public Owned<core::phasebox_core_drop_criterion, core::phasebox_core_drop_criterion> {
public:
    using Owned::Owned;
    /// The name in the recipe, such as "CrossEntropyLoss".
    std::string name() const;
    /// The keys that `get` and `set` know.
    std::vector<std::string> parameters() const;
    /// The value of a parameter, as JSON.
    [[nodiscard]] Result<std::string> get(std::string_view key) const;
    /// Sets a parameter, from the next batch on. The value is saved in checkpoints. Grant
    /// `criterion`.
    [[nodiscard]] Result<> set(std::string_view key, std::string_view value) const;
};

/// A data loader. Values are JSON: a stage switch sets `horizontal_flip` to `0.0`.
class DataLoader : public Owned<core::phasebox_core_drop_data_loader, core::phasebox_core_drop_data_loader> {
public:
    using Owned::Owned;
    /// "train", "validation" or "test".
    std::string name() const;
    /// Batches in one epoch.
    uint64_t batches() const;
    /// Samples in one epoch.
    uint64_t samples() const;
    /// Samples in one batch; the last batch of an epoch may have fewer.
    uint32_t batch_size() const;
    /// The keys that `get` and `set` know.
    std::vector<std::string> parameters() const;
    /// The value of a parameter, as JSON.
    [[nodiscard]] Result<std::string> get(std::string_view key) const;
    /// Sets a parameter, from the loader's next start on. The value is saved in checkpoints.
    /// Grant `loaders`.
    [[nodiscard]] Result<> set(std::string_view key, std::string_view value) const;
};

/// The running metrics of one split.
class Metrics : public Owned<core::phasebox_core_drop_metrics, core::phasebox_core_drop_metrics> {
public:
    using Owned::Owned;
    /// The names of the loss items, then those of the metrics.
    std::vector<std::string> names() const;
    /// The values over the batches so far, the mean loss among them. Syncs.
    [[nodiscard]] Result<std::vector<ScalarEntry>> compute() const;
};

/// All loggers of the run at once (metrics.jsonl, TensorBoard). A name appears as
/// `<callback>/<name>` at the current global step. The number of distinct names is limited.
class Logger : public Owned<core::phasebox_core_drop_logger, core::phasebox_core_drop_logger> {
public:
    using Owned::Owned;
    /// Logs a number.
    [[nodiscard]] Result<> scalar(std::string_view name, double value) const;
    /// Logs a tensor with one element. Queues one small copy; the value is written once it has
    /// arrived.
    [[nodiscard]] Result<> scalar_tensor(std::string_view name, const Tensor & value) const;
    /// Logs the counts of `bins` equal bins between the smallest and the largest element; 1 to
    /// 1,024 bins. Syncs.
    [[nodiscard]] Result<> histogram(std::string_view name, const Tensor & values, uint32_t bins) const;
    /// Logs an image: [H, W], [C, H, W] or [N, C, H, W] with 1 or 3 channels, float in 0–1 or
    /// uint8. A batch becomes a grid. At most 16 Mi elements. Copies to the CPU: syncs.
    [[nodiscard]] Result<> image(std::string_view name, const Tensor & image) const;
    /// Logs a text. Cut after 4 KiB.
    [[nodiscard]] Result<> text(std::string_view name, std::string_view text) const;
    /// Writes a file to the callback's own folder of the run and replaces a file of that name.
    /// A name has up to 128 bytes of letters, digits and ` ._-+=,@()[]#%`; it neither begins
    /// with a dot nor ends with a dot or a space. Grant `files`.
    [[nodiscard]] Result<> artifact(std::string_view file_name, std::span<const uint8_t> data) const;
    /// Writes an image as a PNG to the callback's own folder. Names are those of `artifact`,
    /// and tensors those of `image`. Syncs. Grant `files`.
    [[nodiscard]] Result<> image_file(std::string_view file_name, const Tensor & image) const;
};

/// The state of training, lent for one call. A value that does not exist yet at this phase is
/// `none`, or the error `not-available`, whose message names the first phase that has it.
class PhaseContext : public Lent {
public:
    using Lent::Lent;
    /// The phase's name as exported, such as "on-train-batch-end".
    std::string phase() const;
    /// From 0; none before the first epoch. During average-best-models it is the last epoch.
    std::optional<uint32_t> epoch() const;
    /// From 0 within the loader in progress; none between loaders.
    std::optional<uint64_t> batch_idx() const;
    /// Optimizer steps done.
    uint64_t global_step() const;
    /// Training samples seen, over all epochs.
    uint64_t samples_seen() const;
    /// Epochs of the whole run.
    uint32_t max_epochs() const;
    /// Optimizer steps in one epoch, with the present accumulation.
    uint64_t steps_per_epoch() const;
    /// Optimizer steps in the whole run, with the present accumulation.
    uint64_t max_steps() const;
    /// `epoch`, `batch-idx` and `global-step` in one crossing.
    std::tuple<std::optional<uint32_t>, std::optional<uint64_t>, uint64_t> position() const;
    /// `global-step` and `max-steps` in one crossing.
    std::tuple<uint64_t, uint64_t> progress() const;
    /// True in the last batch of the loader in progress.
    bool is_last_batch() const;
    /// True if this batch completes an accumulation: an optimizer step follows or has happened.
    bool is_accumulation_boundary() const;
    /// Seconds since training started, including the parts before a resume. Without grant
    /// `clock`, and with `deterministic_callbacks: true` in the recipe, this is the number of
    /// optimizer steps done: a clock of one second a step that is the same in every run.
    double elapsed_seconds() const;
    /// The number of this process among all. Always 0 today: a run is one process.
    uint32_t rank() const;
    /// The number of this process on its machine. Always 0 today: a run is one process.
    uint32_t local_rank() const;
    /// The number of processes in the run. Always 1 today: a run is one process.
    uint32_t world_size() const;
    /// The recipe's seed.
    uint64_t seed() const;
    /// Samples in the batch: its weight in every mean. 0 between batches.
    uint64_t batch_size() const;
    /// [N, …] on the run's device. Changing it in place needs grant `inputs`.
    [[nodiscard]] Result<Tensor> inputs() const;
    /// All inputs by name, in declared order. Changing them in place needs grant `inputs`.
    [[nodiscard]] Result<TensorGroup> inputs_group() const;
    /// Classes [N] int64, or values [N, …] float32. Where samples have different numbers of
    /// things, such as boxes, it is [M, k]: the first column is the sample's index, and −1 in
    /// rows that hold nothing. Changing it in place needs grant `target`.
    [[nodiscard]] Result<Tensor> target() const;
    /// All targets by name, in declared order. Changing them in place needs grant `target`.
    [[nodiscard]] Result<TensorGroup> target_group() const;
    /// The output of the network: from on-train-batch-forward-end, and at
    /// on-validation-batch-end and on-test-batch-end. It cannot be changed in place.
    [[nodiscard]] Result<Tensor> preds() const;
    /// All outputs of the network by name, in declared order, at the same phases. A network may
    /// have other outputs in training than in evaluation. They cannot be changed in place.
    [[nodiscard]] Result<TensorGroup> preds_group() const;
    /// The loss (0-d): from on-train-batch-loss-end, and at on-validation-batch-end and
    /// on-test-batch-end. A skipped batch has no loss: at its on-train-batch-end `loss`,
    /// `preds` and `loss-log-items` are `not-available`. Changing it in place needs grant
    /// `loss`.
    [[nodiscard]] Result<Tensor> loss() const;
    /// The loss and its parts, detached: one element for each of `loss-logging-items-names`.
    [[nodiscard]] Result<Tensor> loss_log_items() const;
    /// "loss" for the whole, then the names of its parts.
    std::vector<std::string> loss_logging_items_names() const;
    /// Names of the tensors that the data set gives beside inputs and target.
    std::vector<std::string> additional_batch_items() const;
    /// One of these tensors. Changing it in place needs grant `inputs`.
    [[nodiscard]] Result<Tensor> additional_batch_item(std::string_view name) const;
    /// The network in training.
    [[nodiscard]] Result<Model> net() const;
    /// The moving average of the network, with `ema: true` in the recipe.
    [[nodiscard]] Result<Model> ema_model() const;
    /// The optimizer.
    [[nodiscard]] Result<Optimizer> optimizer() const;
    /// The loss function.
    [[nodiscard]] Result<Criterion> criterion() const;
    /// The loader of the training data.
    [[nodiscard]] Result<DataLoader> train_loader() const;
    /// The loader of the validation data.
    [[nodiscard]] Result<DataLoader> valid_loader() const;
    /// The loader of the test data, if the recipe has a test set.
    [[nodiscard]] Result<DataLoader> test_loader() const;
    /// The loggers of the run.
    [[nodiscard]] Result<Logger> sg_logger() const;
    /// `net.parameters`.
    [[nodiscard]] Result<TensorGroup> parameters() const;
    /// `net.gradients`.
    [[nodiscard]] Result<TensorGroup> gradients() const;
    /// `net.buffers`.
    [[nodiscard]] Result<TensorGroup> buffers() const;
    /// `net.gradients` and `clip-norm-in-place`: answers the norm before (0-d), does not sync.
    /// Grant `gradients`.
    [[nodiscard]] Result<Tensor> clip_gradients(double max_norm, double p) const;
    /// `clip-gradients`, and `log-scalar-tensor` of the norm before: without a tensor to drop.
    /// Grant `gradients`.
    [[nodiscard]] Result<> clip_and_log_gradients(double max_norm, double p, std::string_view name) const;
    /// `optimizer.learning-rate`.
    [[nodiscard]] Result<double> learning_rate(std::string_view group) const;
    /// `optimizer.set-learning-rate`. Grant `optimizer`.
    [[nodiscard]] Result<> set_learning_rate(std::string_view group, double value) const;
    /// `sg-logger.scalar`.
    [[nodiscard]] Result<> log_scalar(std::string_view name, double value) const;
    /// `sg-logger.scalar` for each of at most 1,024 numbers, in order. It ends at the first
    /// that is refused; those before it are logged.
    [[nodiscard]] Result<> log_scalars(std::span<const ScalarEntry> values) const;
    /// `sg-logger.scalar-tensor`.
    [[nodiscard]] Result<> log_scalar_tensor(std::string_view name, const Tensor & value) const;
    /// The metrics last computed, under the names that are logged: train from
    /// on-train-loader-end, validation from on-validation-loader-end, test from
    /// on-test-loader-end. Those that callbacks have published follow.
    std::vector<ScalarEntry> metrics_dict() const;
    /// One value of `metrics-dict`.
    std::optional<double> metric(std::string_view name) const;
    /// Publishes a number as the metric `<callback>/<name>`: it is logged, is in `metrics-dict`
    /// until that is computed anew, and may be the recipe's `metric_to_watch`, which decides
    /// about the best epoch, its checkpoint and `average_best_models`. At on-train-loader-end,
    /// on-validation-loader-end and on-test-loader-end. Another value for the same name
    /// replaces the first. At most 256 names a callback, under the rules and limits of
    /// `logger.scalar`. To be watched a name must be among the `metrics` of `describe`, and the
    /// callback must publish it at every on-validation-loader-end: a missing value ends the run
    /// as failed. A value that is not a number is never the best.
    [[nodiscard]] Result<> publish_metric(std::string_view name, double value) const;
    /// `publish-metric` with the value of a tensor of one element. Syncs.
    [[nodiscard]] Result<> publish_metric_tensor(std::string_view name, const Tensor & value) const;
    /// The running metrics of the split in progress: train, validation or test.
    [[nodiscard]] Result<Metrics> metrics_compute_fn() const;
    /// The running validation metrics.
    [[nodiscard]] Result<Metrics> valid_metrics() const;
    /// The values of a metric over this batch alone, where `preds` exist. The metric is JSON, as
    /// an entry of the recipe's `valid_metrics_list` has it: `"Accuracy"`, or `{"TopK": {"k": 3}}`;
    /// the recipe need not list it. The running metrics stay as they are. Syncs.
    [[nodiscard]] Result<std::vector<ScalarEntry>> batch_metric(std::string_view metric) const;
    /// The mean loss of the split so far (0-d, on the device). Starts kernels.
    [[nodiscard]] Result<Tensor> loss_avg_meter() const;
    /// The name of the metric that decides which epoch is best.
    std::string metric_to_watch() const;
    /// True if a higher value of that metric is better.
    bool greater_metric_to_watch_is_better() const;
    /// The best value of that metric so far.
    std::optional<double> best_metric() const;
    /// The epoch of that value.
    std::optional<uint32_t> best_epoch() const;
    /// Epochs of the recipe's own warm-up.
    uint32_t lr_warmup_epochs() const;
    /// "cpu" or "cuda:0".
    std::string device() const;
    /// The recipe's `experiment_name`.
    std::string experiment_name() const;
    /// The path of the run's folder, to show and not to open: files go through the logger.
    std::string ckpt_dir() const;
    /// The recipe's `training_hyperparams`.
    std::string training_params() const;
    /// The recipe's `checkpoint_params`.
    std::string checkpoint_params() const;
    /// The recipe's `arch_params`.
    std::string arch_params() const;
    /// The recipe's `architecture`.
    std::string architecture() const;
    /// True if the recipe asks for no output on ranks other than 0.
    bool ddp_silent_mode() const;
    /// True once a callback has requested a stop.
    bool stop_training() const;
    /// The end of what the phase is about. At on-train-batch-end: "stepped", "accumulated",
    /// "skipped-batch", "skipped-backward" or "skipped-step". At on-training-end: "completed",
    /// "stopped: <reason>", "interrupted" or "failed: <error>". At on-exception: the error. At
    /// on-interrupt: the signal. None at all other phases.
    std::optional<std::string> outcome() const;
    /// At on-…-batch-start: a tensor on the run's device with as many samples as the batch, in
    /// place of the only input. Grant `inputs`.
    [[nodiscard]] Result<> set_inputs(const Tensor & value) const;
    /// The same for the input of that name. Grant `inputs`.
    [[nodiscard]] Result<> set_inputs_item(std::string_view name, const Tensor & value) const;
    /// At on-…-batch-start and on-train-batch-forward-end: a tensor on the run's device with as
    /// many samples as the batch, in place of the only target. A target whose rows are not
    /// samples may get another number of rows. Grant `target`.
    [[nodiscard]] Result<> set_target(const Tensor & value) const;
    /// The same for the target of that name. Grant `target`.
    [[nodiscard]] Result<> set_target_item(std::string_view name, const Tensor & value) const;
    /// At on-train-batch-loss-end: one element, made from the loss or the predictions so that
    /// gradients reach the parameters. Grant `loss`.
    [[nodiscard]] Result<> set_loss(const Tensor & value) const;
    /// At on-train-batch-gradient-step-start: replaces the gradients by those of the batch at
    /// the present parameters, by a forward pass, a loss and a backward pass in training mode.
    /// Returns the loss of this pass (0-d); `preds` and `loss` stay as they are. For
    /// sharpness-aware minimization, change the parameters before and put them back after. The
    /// loss is the recipe's: what `set-loss` has replaced is not repeated, and dropout draws
    /// anew.
    /// `unsupported` where several batches make one step. Grant `gradients` too.
    [[nodiscard]] Result<Tensor> repeat_backward() const;
    /// At on-train-batch-loss-end: the mean over samples of (‖∂ Σ preds / ∂ inputs‖₂ − norm)² at
    /// `inputs`, given as for `model.forward` (0-d). In mode "train"; the sum is over all
    /// predictions, and the norm over all inputs of a sample together. Gradients reach the parameters through it:
    /// add it to the loss and give that to `set-loss`.
    [[nodiscard]] Result<Tensor> gradient_penalty(std::span<const Tensor *const> inputs, double norm) const;
    /// Ends training after the current "batch", "step" (optimizer step) or "epoch". An epoch
    /// that is cut short is not validated. The earliest of several requests counts. Grant
    /// `stop`.
    [[nodiscard]] Result<> request_stop(std::string_view at, std::string_view reason) const;
    /// Ends training if the value is above the threshold, at the batch after the value has
    /// arrived. At most 256 values wait at one time. Grant `stop`.
    [[nodiscard]] Result<> stop_if_above(const Tensor & value, double threshold, std::string_view reason) const;
    /// Ends training if the value is infinite or not-a-number, at the batch after the value has
    /// arrived. At most 256 values wait at one time. Grant `stop`.
    [[nodiscard]] Result<> stop_if_nonfinite(const Tensor & value, std::string_view reason) const;
    /// Ends the training part of this epoch; validation and the next epoch follow. Grant
    /// `stop`.
    [[nodiscard]] Result<> stop_epoch(std::string_view reason) const;
    /// At on-train-batch-start: neither forward nor backward for this batch. Grant `skip`.
    [[nodiscard]] Result<> skip_batch(std::string_view reason) const;
    /// Up to on-train-batch-loss-end: no backward for this batch. Grant `skip`.
    [[nodiscard]] Result<> skip_backward(std::string_view reason) const;
    /// Up to on-train-batch-gradient-ready: gradients are cleared instead of used. Grant
    /// `skip`.
    [[nodiscard]] Result<> skip_step(std::string_view reason) const;
    /// Validates after this batch. Grant `validate`.
    [[nodiscard]] Result<> request_validation() const;
    /// Saves a checkpoint `ckpt_<tag>` after this batch. A tag has 1 to 64 letters, digits, `_`
    /// and `-`. The trainer's own tags (`latest`, `best`, `best_…`, `error`, `epoch_…`) are
    /// refused. Grant `checkpoint`.
    [[nodiscard]] Result<> request_checkpoint(std::string_view tag) const;
    /// Sets how many batches make one optimizer step, from the next step on. Grant `optimizer`.
    [[nodiscard]] Result<> set_accumulation(uint32_t batches) const;
    /// Ends the calls of this callback for the rest of the run, except those that save its
    /// state.
    [[nodiscard]] Result<> disable_self(std::string_view reason) const;
    /// Ends the run as failed, whatever the recipe's `on_error` says. Grant `stop`.
    [[nodiscard]] Result<> abort(std::string_view reason) const;
};

inline Result<std::optional<double>> Deferred::poll() const {
    Area area;
    core::phasebox_core_tensor_deferred_poll(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(8));
    return area.bytes[8] ? std::optional<double>(area.load<double>(16)) : std::nullopt;
}

inline Result<double> Deferred::wait() const {
    Area area;
    core::phasebox_core_tensor_deferred_wait(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(8));
    return area.load<double>(8);
}

inline Result<TensorInfo> Tensor::info() const {
    Area area;
    core::phasebox_core_tensor_tensor_info(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorInfo{area.numbers<int64_t>(4), (Dtype)area.bytes[12], area.text(16), area.bytes[24] != 0};
}

inline Result<Tensor> Tensor::keep() const {
    Area area;
    core::phasebox_core_tensor_tensor_keep(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<double> Tensor::item() const {
    Area area;
    core::phasebox_core_tensor_tensor_item(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(8));
    return area.load<double>(8);
}

inline Result<Deferred> Tensor::defer() const {
    Area area;
    core::phasebox_core_tensor_tensor_defer(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Deferred(area.load<int32_t>(4));
}

inline Result<std::vector<float>> Tensor::read_f32(uint64_t offset, uint32_t length) const {
    Area area;
    core::phasebox_core_tensor_tensor_read_f32(handle(), offset, length, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.numbers<float>(4);
}

inline Result<std::vector<int64_t>> Tensor::read_s64(uint64_t offset, uint32_t length) const {
    Area area;
    core::phasebox_core_tensor_tensor_read_s64(handle(), offset, length, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.numbers<int64_t>(4);
}

inline Result<Tensor> Tensor::add(const Tensor & other, double alpha) const {
    Area area;
    core::phasebox_core_tensor_tensor_add(handle(), other.handle(), alpha, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::sub(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_sub(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::mul(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_mul(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::div(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_div(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::maximum(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_maximum(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::minimum(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_minimum(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::lerp(const Tensor & end, double weight) const {
    Area area;
    core::phasebox_core_tensor_tensor_lerp(handle(), end.handle(), weight, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::atan2(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_atan2(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::clamp_between(const Tensor & min, const Tensor & max) const {
    Area area;
    core::phasebox_core_tensor_tensor_clamp_between(handle(), min.handle(), max.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::affine(double scale, double shift) const {
    Area area;
    core::phasebox_core_tensor_tensor_affine(handle(), scale, shift, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::pow(double exponent) const {
    Area area;
    core::phasebox_core_tensor_tensor_pow(handle(), exponent, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::clamp(std::optional<double> min, std::optional<double> max) const {
    Area area;
    core::phasebox_core_tensor_tensor_clamp(handle(), min.has_value(), min.value_or(0), max.has_value(), max.value_or(0), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::neg() const {
    Area area;
    core::phasebox_core_tensor_tensor_neg(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::abs() const {
    Area area;
    core::phasebox_core_tensor_tensor_abs(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::sign() const {
    Area area;
    core::phasebox_core_tensor_tensor_sign(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::exp() const {
    Area area;
    core::phasebox_core_tensor_tensor_exp(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::log() const {
    Area area;
    core::phasebox_core_tensor_tensor_log(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::log1p() const {
    Area area;
    core::phasebox_core_tensor_tensor_log1p(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::expm1() const {
    Area area;
    core::phasebox_core_tensor_tensor_expm1(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::erf() const {
    Area area;
    core::phasebox_core_tensor_tensor_erf(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::sqrt() const {
    Area area;
    core::phasebox_core_tensor_tensor_sqrt(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::rsqrt() const {
    Area area;
    core::phasebox_core_tensor_tensor_rsqrt(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::sin() const {
    Area area;
    core::phasebox_core_tensor_tensor_sin(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::cos() const {
    Area area;
    core::phasebox_core_tensor_tensor_cos(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::floor() const {
    Area area;
    core::phasebox_core_tensor_tensor_floor(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::round() const {
    Area area;
    core::phasebox_core_tensor_tensor_round(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::tanh() const {
    Area area;
    core::phasebox_core_tensor_tensor_tanh(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::sigmoid() const {
    Area area;
    core::phasebox_core_tensor_tensor_sigmoid(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::relu() const {
    Area area;
    core::phasebox_core_tensor_tensor_relu(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::softmax(int64_t dim) const {
    Area area;
    core::phasebox_core_tensor_tensor_softmax(handle(), dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::log_softmax(int64_t dim) const {
    Area area;
    core::phasebox_core_tensor_tensor_log_softmax(handle(), dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::cumsum(int64_t dim) const {
    Area area;
    core::phasebox_core_tensor_tensor_cumsum(handle(), dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::nan_to_num(double nan, std::optional<double> positive_infinity, std::optional<double> negative_infinity) const {
    Area area;
    core::phasebox_core_tensor_tensor_nan_to_num(handle(), nan, positive_infinity.has_value(), positive_infinity.value_or(0), negative_infinity.has_value(), negative_infinity.value_or(0), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::masked_fill(const Tensor & mask, double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_masked_fill(handle(), mask.handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::eq(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_eq(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::ne(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_ne(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::lt(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_lt(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::le(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_le(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::gt(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_gt(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::ge(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_ge(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::eq_scalar(double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_eq_scalar(handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::ne_scalar(double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_ne_scalar(handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::lt_scalar(double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_lt_scalar(handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::le_scalar(double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_le_scalar(handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::gt_scalar(double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_gt_scalar(handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::ge_scalar(double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_ge_scalar(handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::isfinite() const {
    Area area;
    core::phasebox_core_tensor_tensor_isfinite(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::isnan() const {
    Area area;
    core::phasebox_core_tensor_tensor_isnan(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::isinf() const {
    Area area;
    core::phasebox_core_tensor_tensor_isinf(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::logical_not() const {
    Area area;
    core::phasebox_core_tensor_tensor_logical_not(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::logical_and(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_logical_and(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::logical_or(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_logical_or(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::logical_xor(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_logical_xor(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::choose(const Tensor & if_true, const Tensor & if_false) const {
    Area area;
    core::phasebox_core_tensor_tensor_choose(handle(), if_true.handle(), if_false.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::choose_if_true_scalar(double if_true, const Tensor & if_false) const {
    Area area;
    core::phasebox_core_tensor_tensor_choose_if_true_scalar(handle(), if_true, if_false.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::choose_if_false_scalar(const Tensor & if_true, double if_false) const {
    Area area;
    core::phasebox_core_tensor_tensor_choose_if_false_scalar(handle(), if_true.handle(), if_false, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::choose_scalars(double if_true, double if_false) const {
    Area area;
    core::phasebox_core_tensor_tensor_choose_scalars(handle(), if_true, if_false, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::sum(std::span<const int64_t> dims, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_sum(handle(), dims.data(), (int32_t)dims.size(), keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::mean(std::span<const int64_t> dims, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_mean(handle(), dims.data(), (int32_t)dims.size(), keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::prod(std::span<const int64_t> dims, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_prod(handle(), dims.data(), (int32_t)dims.size(), keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::logsumexp(std::span<const int64_t> dims, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_logsumexp(handle(), dims.data(), (int32_t)dims.size(), keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::amin(std::span<const int64_t> dims, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_amin(handle(), dims.data(), (int32_t)dims.size(), keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::amax(std::span<const int64_t> dims, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_amax(handle(), dims.data(), (int32_t)dims.size(), keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::std(std::span<const int64_t> dims, bool unbiased, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_std(handle(), dims.data(), (int32_t)dims.size(), unbiased, keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::var(std::span<const int64_t> dims, bool unbiased, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_var(handle(), dims.data(), (int32_t)dims.size(), unbiased, keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::norm(double p, std::span<const int64_t> dims, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_norm(handle(), p, dims.data(), (int32_t)dims.size(), keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::all() const {
    Area area;
    core::phasebox_core_tensor_tensor_all(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::any() const {
    Area area;
    core::phasebox_core_tensor_tensor_any(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::argmax(int64_t dim, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_argmax(handle(), dim, keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::argmin(int64_t dim, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_argmin(handle(), dim, keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::median() const {
    Area area;
    core::phasebox_core_tensor_tensor_median(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<std::tuple<Tensor, Tensor>> Tensor::median_dim(int64_t dim, bool keepdim) const {
    Area area;
    core::phasebox_core_tensor_tensor_median_dim(handle(), dim, keepdim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return std::tuple<Tensor, Tensor>(Tensor(area.load<int32_t>(4)), Tensor(area.load<int32_t>(8)));
}

inline Result<std::tuple<Tensor, Tensor>> Tensor::sort(int64_t dim, bool descending) const {
    Area area;
    core::phasebox_core_tensor_tensor_sort(handle(), dim, descending, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return std::tuple<Tensor, Tensor>(Tensor(area.load<int32_t>(4)), Tensor(area.load<int32_t>(8)));
}

inline Result<std::tuple<Tensor, Tensor>> Tensor::topk(uint32_t k, int64_t dim) const {
    Area area;
    core::phasebox_core_tensor_tensor_topk(handle(), k, dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return std::tuple<Tensor, Tensor>(Tensor(area.load<int32_t>(4)), Tensor(area.load<int32_t>(8)));
}

inline Result<Tensor> Tensor::quantile(double q) const {
    Area area;
    core::phasebox_core_tensor_tensor_quantile(handle(), q, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::histogram(uint32_t bins, double min, double max) const {
    Area area;
    core::phasebox_core_tensor_tensor_histogram(handle(), bins, min, max, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::count_nonzero() const {
    Area area;
    core::phasebox_core_tensor_tensor_count_nonzero(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::count_nonfinite() const {
    Area area;
    core::phasebox_core_tensor_tensor_count_nonfinite(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::index_select(int64_t dim, const Tensor & indices) const {
    Area area;
    core::phasebox_core_tensor_tensor_index_select(handle(), dim, indices.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::gather(int64_t dim, const Tensor & indices) const {
    Area area;
    core::phasebox_core_tensor_tensor_gather(handle(), dim, indices.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::scatter(int64_t dim, const Tensor & indices, const Tensor & source) const {
    Area area;
    core::phasebox_core_tensor_tensor_scatter(handle(), dim, indices.handle(), source.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::scatter_scalar(int64_t dim, const Tensor & indices, double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_scatter_scalar(handle(), dim, indices.handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::scatter_add(int64_t dim, const Tensor & indices, const Tensor & source) const {
    Area area;
    core::phasebox_core_tensor_tensor_scatter_add(handle(), dim, indices.handle(), source.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::masked_select(const Tensor & mask) const {
    Area area;
    core::phasebox_core_tensor_tensor_masked_select(handle(), mask.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::nonzero() const {
    Area area;
    core::phasebox_core_tensor_tensor_nonzero(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::reshape(std::span<const int64_t> shape) const {
    Area area;
    core::phasebox_core_tensor_tensor_reshape(handle(), shape.data(), (int32_t)shape.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::permute(std::span<const int64_t> dims) const {
    Area area;
    core::phasebox_core_tensor_tensor_permute(handle(), dims.data(), (int32_t)dims.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::transpose(int64_t dim0, int64_t dim1) const {
    Area area;
    core::phasebox_core_tensor_tensor_transpose(handle(), dim0, dim1, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::squeeze(int64_t dim) const {
    Area area;
    core::phasebox_core_tensor_tensor_squeeze(handle(), dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::unsqueeze(int64_t dim) const {
    Area area;
    core::phasebox_core_tensor_tensor_unsqueeze(handle(), dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::expand(std::span<const int64_t> shape) const {
    Area area;
    core::phasebox_core_tensor_tensor_expand(handle(), shape.data(), (int32_t)shape.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
    Area area;
    core::phasebox_core_tensor_tensor_narrow(handle(), dim, start, length, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::select(int64_t dim, int64_t index) const {
    Area area;
    core::phasebox_core_tensor_tensor_select(handle(), dim, index, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::flip(std::span<const int64_t> dims) const {
    Area area;
    core::phasebox_core_tensor_tensor_flip(handle(), dims.data(), (int32_t)dims.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::roll(int64_t shift, int64_t dim) const {
    Area area;
    core::phasebox_core_tensor_tensor_roll(handle(), shift, dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::pad(std::span<const int64_t> padding, std::string_view mode, double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_pad(handle(), padding.data(), (int32_t)padding.size(), mode.data(), (int32_t)mode.size(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::interpolate(uint32_t height, uint32_t width, std::string_view mode) const {
    Area area;
    core::phasebox_core_tensor_tensor_interpolate(handle(), height, width, mode.data(), (int32_t)mode.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::matmul(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_matmul(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::one_hot(uint32_t num_classes) const {
    Area area;
    core::phasebox_core_tensor_tensor_one_hot(handle(), num_classes, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::to_dtype(Dtype dtype) const {
    Area area;
    core::phasebox_core_tensor_tensor_to_dtype(handle(), (int32_t)dtype, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::to_device(std::string_view device) const {
    Area area;
    core::phasebox_core_tensor_tensor_to_device(handle(), device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::contiguous() const {
    Area area;
    core::phasebox_core_tensor_tensor_contiguous(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::detach() const {
    Area area;
    core::phasebox_core_tensor_tensor_detach(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> Tensor::duplicate() const {
    Area area;
    core::phasebox_core_tensor_tensor_duplicate(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<> Tensor::copy_in_place(const Tensor & source) const {
    Area area;
    core::phasebox_core_tensor_tensor_copy_in_place(handle(), source.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Tensor::add_in_place(const Tensor & other, double alpha) const {
    Area area;
    core::phasebox_core_tensor_tensor_add_in_place(handle(), other.handle(), alpha, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Tensor::mul_in_place(const Tensor & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_mul_in_place(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Tensor::affine_in_place(double scale, double shift) const {
    Area area;
    core::phasebox_core_tensor_tensor_affine_in_place(handle(), scale, shift, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Tensor::lerp_in_place(const Tensor & end, double weight) const {
    Area area;
    core::phasebox_core_tensor_tensor_lerp_in_place(handle(), end.handle(), weight, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Tensor::clamp_in_place(std::optional<double> min, std::optional<double> max) const {
    Area area;
    core::phasebox_core_tensor_tensor_clamp_in_place(handle(), min.has_value(), min.value_or(0), max.has_value(), max.value_or(0), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Tensor::fill_in_place(double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_fill_in_place(handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Tensor::normal_in_place(double mean, double std) const {
    Area area;
    core::phasebox_core_tensor_tensor_normal_in_place(handle(), mean, std, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Tensor::masked_fill_in_place(const Tensor & mask, double value) const {
    Area area;
    core::phasebox_core_tensor_tensor_masked_fill_in_place(handle(), mask.handle(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<std::vector<std::string>> TensorGroup::names() const {
    Area area;
    core::phasebox_core_tensor_tensor_group_names(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.texts(4);
}

inline Result<uint32_t> TensorGroup::len() const {
    Area area;
    core::phasebox_core_tensor_tensor_group_len(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.load<uint32_t>(4);
}

inline Result<Tensor> TensorGroup::get(std::string_view name) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_get(handle(), name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<TensorGroup> TensorGroup::matching(std::string_view glob) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_matching(handle(), glob.data(), (int32_t)glob.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<TensorGroup> TensorGroup::duplicate() const {
    Area area;
    core::phasebox_core_tensor_tensor_group_duplicate(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<uint64_t> TensorGroup::numel() const {
    Area area;
    core::phasebox_core_tensor_tensor_group_numel(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(8));
    return area.load<uint64_t>(8);
}

inline Result<Tensor> TensorGroup::norm(double p) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_norm(handle(), p, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> TensorGroup::norms(double p) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_norms(handle(), p, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> TensorGroup::relative_change(const TensorGroup & before, double p) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_relative_change(handle(), before.handle(), p, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> TensorGroup::count_nonfinite() const {
    Area area;
    core::phasebox_core_tensor_tensor_group_count_nonfinite(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> TensorGroup::clip_norm_in_place(double max_norm, double p) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_clip_norm_in_place(handle(), max_norm, p, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<> TensorGroup::clip_value_in_place(double limit) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_clip_value_in_place(handle(), limit, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> TensorGroup::affine_in_place(double scale, double shift) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_affine_in_place(handle(), scale, shift, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> TensorGroup::mul_in_place(const Tensor & factor) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_mul_in_place(handle(), factor.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> TensorGroup::add_in_place(const TensorGroup & other, double alpha) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_add_in_place(handle(), other.handle(), alpha, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> TensorGroup::lerp_in_place(const TensorGroup & end, double weight) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_lerp_in_place(handle(), end.handle(), weight, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> TensorGroup::copy_in_place(const TensorGroup & source) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_copy_in_place(handle(), source.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> TensorGroup::swap_in_place(const TensorGroup & other) const {
    Area area;
    core::phasebox_core_tensor_tensor_group_swap_in_place(handle(), other.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

/// Zeros.
inline Result<Tensor> zeros(std::span<const int64_t> shape, Dtype dtype, std::string_view device) {
    Area area;
    core::phasebox_core_tensor_zeros(shape.data(), (int32_t)shape.size(), (int32_t)dtype, device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Every element is `value`.
inline Result<Tensor> full(std::span<const int64_t> shape, double value, Dtype dtype, std::string_view device) {
    Area area;
    core::phasebox_core_tensor_full(shape.data(), (int32_t)shape.size(), value, (int32_t)dtype, device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// start, start + step, … below end (1-d).
inline Result<Tensor> arange(double start, double end, double step, Dtype dtype, std::string_view device) {
    Area area;
    core::phasebox_core_tensor_arange(start, end, step, (int32_t)dtype, device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Uniform in [0, 1), float32. `rand`, `randn` and `randperm` draw from the callback's own
/// generator, which is seeded by the run's seed and the callback's name and saved in
/// checkpoints: a seed gives the same numbers in every run, on every device. The host draws on
/// the CPU and copies to the device. Grant `random`.
inline Result<Tensor> rand(std::span<const int64_t> shape, std::string_view device) {
    Area area;
    core::phasebox_core_tensor_rand(shape.data(), (int32_t)shape.size(), device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Standard normal, float32. Grant `random`.
inline Result<Tensor> randn(std::span<const int64_t> shape, std::string_view device) {
    Area area;
    core::phasebox_core_tensor_randn(shape.data(), (int32_t)shape.size(), device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// A random order of 0..n (1-d, int64). Grant `random`.
inline Result<Tensor> randperm(uint32_t n, std::string_view device) {
    Area area;
    core::phasebox_core_tensor_randperm(n, device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Copies float32 values to the device. Their number must be the product of `shape`.
inline Result<Tensor> from_f32(std::span<const int64_t> shape, std::span<const float> values, std::string_view device) {
    Area area;
    core::phasebox_core_tensor_from_f32(shape.data(), (int32_t)shape.size(), values.data(), (int32_t)values.size(), device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Copies int64 values to the device. Their number must be the product of `shape`.
inline Result<Tensor> from_s64(std::span<const int64_t> shape, std::span<const int64_t> values, std::string_view device) {
    Area area;
    core::phasebox_core_tensor_from_s64(shape.data(), (int32_t)shape.size(), values.data(), (int32_t)values.size(), device.data(), (int32_t)device.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// The tensors joined along an existing dimension. 1 to 4,096 tensors.
inline Result<Tensor> cat(std::span<const Tensor *const> tensors, int64_t dim) {
    Area area;
    auto tensors_list = handles(tensors);
    core::phasebox_core_tensor_cat(tensors_list.data(), (int32_t)tensors.size(), dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// The tensors joined along a new dimension. 1 to 4,096 tensors.
inline Result<Tensor> stack(std::span<const Tensor *const> tensors, int64_t dim) {
    Area area;
    auto tensors_list = handles(tensors);
    core::phasebox_core_tensor_stack(tensors_list.data(), (int32_t)tensors.size(), dim, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Boxes [..., 4] in another format, as torchvision.ops.box_convert. A copy.
inline Result<Tensor> box_convert(const Tensor & boxes, std::string_view in_format, std::string_view out_format) {
    Area area;
    core::phasebox_core_vision_box_convert(boxes.handle(), in_format.data(), (int32_t)in_format.size(), out_format.data(), (int32_t)out_format.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// The intersection over union of each box of `a` [N, 4] with each of `b` [M, 4], as
/// torchvision.ops.box_iou ([N, M]). Computed in float32 at least. Two boxes without area give
/// not-a-number.
inline Result<Tensor> box_iou(const Tensor & a, const Tensor & b) {
    Area area;
    core::phasebox_core_vision_box_iou(a.handle(), b.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// The indices of the boxes [N, 4] that remain when each box that overlaps a kept one of a higher
/// score by more than `iou-threshold` is left out; the highest score first (1-d, int64), as
/// torchvision.ops.nms. `scores` are floating point [N], `classes` integers [N]: with classes a
/// box leaves out boxes of its own class alone, as torchvision.ops.batched_nms. At most 32,768
/// boxes (`too-large`). Copies them to the CPU, compares them there in float32, and syncs.
inline Result<Tensor> nms(const Tensor & boxes, const Tensor & scores, const Tensor * classes, double iou_threshold) {
    Area area;
    core::phasebox_core_vision_nms(boxes.handle(), scores.handle(), classes != nullptr, classes ? classes->handle() : 0, iou_threshold, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Draws the outlines of boxes [N, 4], which are in pixels. Fractions are cut off, both corners
/// belong to a box, and its line of `width` pixels (1 to 32) grows inward, as
/// torchvision.utils.draw_bounding_boxes. `labels` has one text for each box, or none: it is
/// written into the corner at the top left in the color of its box, as `draw-text` does. At most
/// 1,024 boxes (`too-large`), with labels of at most 256 bytes. A box that is not finite, or whose
/// right or bottom comes before its left or top, is refused. Copies the boxes to the CPU and
/// syncs; the image stays where it is.
inline Result<Tensor> draw_boxes(const Tensor & image, const Tensor & boxes, std::span<const uint32_t> colors, uint32_t width, std::span<const std::string_view> labels, uint32_t label_scale) {
    Area area;
    core::phasebox_core_vision_draw_boxes(image.handle(), boxes.handle(), colors.data(), (int32_t)colors.size(), width, labels.data(), (int32_t)labels.size(), label_scale, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Lays a color over the pixels of each of the boolean masks [N, H, W]: image × (1 − alpha) +
/// color × alpha, for `alpha` from 0 to 1. Where masks overlap, the last one counts, as with
/// torchvision.utils.draw_segmentation_masks; uint8 is rounded. At most 256 masks (`too-large`),
/// one launch for each. Does not sync.
inline Result<Tensor> draw_masks(const Tensor & image, const Tensor & masks, std::span<const uint32_t> colors, double alpha) {
    Area area;
    core::phasebox_core_vision_draw_masks(image.handle(), masks.handle(), colors.data(), (int32_t)colors.size(), alpha, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

/// Writes text whose first letter has its top left corner at (x, y). Letters are 5 pixels wide
/// and 7 high, 6 and 8 with the gaps, times `scale` (1 to 8). There are the printable characters of
/// ASCII; a line break begins a new line below the first letter, and any other character is a
/// hollow box. At most 4,096 bytes. Does not sync.
inline Result<Tensor> draw_text(const Tensor & image, std::string_view text, int32_t x, int32_t y, uint32_t color, uint32_t scale) {
    Area area;
    core::phasebox_core_vision_draw_text(image.handle(), text.data(), (int32_t)text.size(), x, y, color, scale, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline std::string Model::architecture() const {
    Area area;
    core::phasebox_core_context_model_architecture(handle(), area.bytes);
    return area.text(0);
}

inline Result<TensorGroup> Model::parameters() const {
    Area area;
    core::phasebox_core_context_model_parameters(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<TensorGroup> Model::gradients() const {
    Area area;
    core::phasebox_core_context_model_gradients(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<TensorGroup> Model::buffers() const {
    Area area;
    core::phasebox_core_context_model_buffers(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<uint32_t> Model::freeze(std::string_view glob) const {
    Area area;
    core::phasebox_core_context_model_freeze(handle(), glob.data(), (int32_t)glob.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.load<uint32_t>(4);
}

inline Result<uint32_t> Model::unfreeze(std::string_view glob) const {
    Area area;
    core::phasebox_core_context_model_unfreeze(handle(), glob.data(), (int32_t)glob.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.load<uint32_t>(4);
}

inline Result<bool> Model::requires_grad(std::string_view parameter) const {
    Area area;
    core::phasebox_core_context_model_requires_grad(handle(), parameter.data(), (int32_t)parameter.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.bytes[4] != 0;
}

inline Result<TensorGroup> Model::forward(std::span<const Tensor *const> inputs, std::string_view mode) const {
    Area area;
    auto inputs_list = handles(inputs);
    core::phasebox_core_context_model_forward(handle(), inputs_list.data(), (int32_t)inputs.size(), mode.data(), (int32_t)mode.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline std::string Optimizer::name() const {
    Area area;
    core::phasebox_core_context_optimizer_name(handle(), area.bytes);
    return area.text(0);
}

inline std::vector<std::string> Optimizer::group_names() const {
    Area area;
    core::phasebox_core_context_optimizer_group_names(handle(), area.bytes);
    return area.texts(0);
}

inline Result<double> Optimizer::learning_rate(std::string_view group) const {
    Area area;
    core::phasebox_core_context_optimizer_learning_rate(handle(), group.data(), (int32_t)group.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(8));
    return area.load<double>(8);
}

inline Result<> Optimizer::set_learning_rate(std::string_view group, double value) const {
    Area area;
    core::phasebox_core_context_optimizer_set_learning_rate(handle(), group.data(), (int32_t)group.size(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<double> Optimizer::hyperparameter(std::string_view group, std::string_view name) const {
    Area area;
    core::phasebox_core_context_optimizer_hyperparameter(handle(), group.data(), (int32_t)group.size(), name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(8));
    return area.load<double>(8);
}

inline Result<> Optimizer::set_hyperparameter(std::string_view group, std::string_view name, double value) const {
    Area area;
    core::phasebox_core_context_optimizer_set_hyperparameter(handle(), group.data(), (int32_t)group.size(), name.data(), (int32_t)name.size(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<TensorGroup> Optimizer::state(std::string_view name) const {
    Area area;
    core::phasebox_core_context_optimizer_state(handle(), name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<TensorGroup> Optimizer::group_state(std::string_view group, std::string_view name) const {
    Area area;
    core::phasebox_core_context_optimizer_group_state(handle(), group.data(), (int32_t)group.size(), name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline std::vector<std::string> Optimizer::state_names() const {
    Area area;
    core::phasebox_core_context_optimizer_state_names(handle(), area.bytes);
    return area.texts(0);
}

inline Result<std::vector<std::string>> Optimizer::parameter_names(std::string_view group) const {
    Area area;
    core::phasebox_core_context_optimizer_parameter_names(handle(), group.data(), (int32_t)group.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.texts(4);
}

inline std::string Criterion::name() const {
    Area area;
    core::phasebox_core_context_criterion_name(handle(), area.bytes);
    return area.text(0);
}

inline std::vector<std::string> Criterion::parameters() const {
    Area area;
    core::phasebox_core_context_criterion_parameters(handle(), area.bytes);
    return area.texts(0);
}

inline Result<std::string> Criterion::get(std::string_view key) const {
    Area area;
    core::phasebox_core_context_criterion_get(handle(), key.data(), (int32_t)key.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.text(4);
}

inline Result<> Criterion::set(std::string_view key, std::string_view value) const {
    Area area;
    core::phasebox_core_context_criterion_set(handle(), key.data(), (int32_t)key.size(), value.data(), (int32_t)value.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline std::string DataLoader::name() const {
    Area area;
    core::phasebox_core_context_data_loader_name(handle(), area.bytes);
    return area.text(0);
}

inline uint64_t DataLoader::batches() const {
    return (uint64_t)core::phasebox_core_context_data_loader_batches(handle());
}

inline uint64_t DataLoader::samples() const {
    return (uint64_t)core::phasebox_core_context_data_loader_samples(handle());
}

inline uint32_t DataLoader::batch_size() const {
    return (uint32_t)core::phasebox_core_context_data_loader_batch_size(handle());
}

inline std::vector<std::string> DataLoader::parameters() const {
    Area area;
    core::phasebox_core_context_data_loader_parameters(handle(), area.bytes);
    return area.texts(0);
}

inline Result<std::string> DataLoader::get(std::string_view key) const {
    Area area;
    core::phasebox_core_context_data_loader_get(handle(), key.data(), (int32_t)key.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.text(4);
}

inline Result<> DataLoader::set(std::string_view key, std::string_view value) const {
    Area area;
    core::phasebox_core_context_data_loader_set(handle(), key.data(), (int32_t)key.size(), value.data(), (int32_t)value.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline std::vector<std::string> Metrics::names() const {
    Area area;
    core::phasebox_core_context_metrics_names(handle(), area.bytes);
    return area.texts(0);
}

inline Result<std::vector<ScalarEntry>> Metrics::compute() const {
    Area area;
    core::phasebox_core_context_metrics_compute(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.records<ScalarEntry>(4);
}

inline Result<> Logger::scalar(std::string_view name, double value) const {
    Area area;
    core::phasebox_core_context_logger_scalar(handle(), name.data(), (int32_t)name.size(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Logger::scalar_tensor(std::string_view name, const Tensor & value) const {
    Area area;
    core::phasebox_core_context_logger_scalar_tensor(handle(), name.data(), (int32_t)name.size(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Logger::histogram(std::string_view name, const Tensor & values, uint32_t bins) const {
    Area area;
    core::phasebox_core_context_logger_histogram(handle(), name.data(), (int32_t)name.size(), values.handle(), bins, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Logger::image(std::string_view name, const Tensor & image) const {
    Area area;
    core::phasebox_core_context_logger_image(handle(), name.data(), (int32_t)name.size(), image.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Logger::text(std::string_view name, std::string_view text) const {
    Area area;
    core::phasebox_core_context_logger_text(handle(), name.data(), (int32_t)name.size(), text.data(), (int32_t)text.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Logger::artifact(std::string_view file_name, std::span<const uint8_t> data) const {
    Area area;
    core::phasebox_core_context_logger_artifact(handle(), file_name.data(), (int32_t)file_name.size(), data.data(), (int32_t)data.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> Logger::image_file(std::string_view file_name, const Tensor & image) const {
    Area area;
    core::phasebox_core_context_logger_image_file(handle(), file_name.data(), (int32_t)file_name.size(), image.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

/// Takes back handles that are no longer needed: one crossing for all of them, where dropping
/// costs two each. A handle that was made during a call ends with the call, and so does its place in
/// the limit `handles`; what stays is its number, of which a guest may hold 1,000,000 of a kind. The
/// SDKs for Rust, C and JavaScript call this now and then; an author need not. Handles that were
/// kept may be among them.
inline void release(std::span<Tensor> tensors, std::span<TensorGroup> groups) {
    auto tensors_list = taken(tensors);
    auto groups_list = taken(groups);
    core::phasebox_core_context_release(tensors_list.data(), (int32_t)tensors.size(), groups_list.data(), (int32_t)groups.size());
}

inline std::string PhaseContext::phase() const {
    Area area;
    core::phasebox_core_context_phase_context_phase(handle(), area.bytes);
    return area.text(0);
}

inline std::optional<uint32_t> PhaseContext::epoch() const {
    Area area;
    core::phasebox_core_context_phase_context_epoch(handle(), area.bytes);
    return area.bytes[0] ? std::optional<uint32_t>(area.load<uint32_t>(4)) : std::nullopt;
}

inline std::optional<uint64_t> PhaseContext::batch_idx() const {
    Area area;
    core::phasebox_core_context_phase_context_batch_idx(handle(), area.bytes);
    return area.bytes[0] ? std::optional<uint64_t>(area.load<uint64_t>(8)) : std::nullopt;
}

inline uint64_t PhaseContext::global_step() const {
    return (uint64_t)core::phasebox_core_context_phase_context_global_step(handle());
}

inline uint64_t PhaseContext::samples_seen() const {
    return (uint64_t)core::phasebox_core_context_phase_context_samples_seen(handle());
}

inline uint32_t PhaseContext::max_epochs() const {
    return (uint32_t)core::phasebox_core_context_phase_context_max_epochs(handle());
}

inline uint64_t PhaseContext::steps_per_epoch() const {
    return (uint64_t)core::phasebox_core_context_phase_context_steps_per_epoch(handle());
}

inline uint64_t PhaseContext::max_steps() const {
    return (uint64_t)core::phasebox_core_context_phase_context_max_steps(handle());
}

inline std::tuple<std::optional<uint32_t>, std::optional<uint64_t>, uint64_t> PhaseContext::position() const {
    Area area;
    core::phasebox_core_context_phase_context_position(handle(), area.bytes);
    return std::tuple<std::optional<uint32_t>, std::optional<uint64_t>, uint64_t>(area.bytes[0] ? std::optional<uint32_t>(area.load<uint32_t>(4)) : std::nullopt, area.bytes[8] ? std::optional<uint64_t>(area.load<uint64_t>(16)) : std::nullopt, area.load<uint64_t>(24));
}

inline std::tuple<uint64_t, uint64_t> PhaseContext::progress() const {
    Area area;
    core::phasebox_core_context_phase_context_progress(handle(), area.bytes);
    return std::tuple<uint64_t, uint64_t>(area.load<uint64_t>(0), area.load<uint64_t>(8));
}

inline bool PhaseContext::is_last_batch() const {
    return (bool)core::phasebox_core_context_phase_context_is_last_batch(handle());
}

inline bool PhaseContext::is_accumulation_boundary() const {
    return (bool)core::phasebox_core_context_phase_context_is_accumulation_boundary(handle());
}

inline double PhaseContext::elapsed_seconds() const {
    return (double)core::phasebox_core_context_phase_context_elapsed_seconds(handle());
}

inline uint32_t PhaseContext::rank() const {
    return (uint32_t)core::phasebox_core_context_phase_context_rank(handle());
}

inline uint32_t PhaseContext::local_rank() const {
    return (uint32_t)core::phasebox_core_context_phase_context_local_rank(handle());
}

inline uint32_t PhaseContext::world_size() const {
    return (uint32_t)core::phasebox_core_context_phase_context_world_size(handle());
}

inline uint64_t PhaseContext::seed() const {
    return (uint64_t)core::phasebox_core_context_phase_context_seed(handle());
}

inline uint64_t PhaseContext::batch_size() const {
    return (uint64_t)core::phasebox_core_context_phase_context_batch_size(handle());
}

inline Result<Tensor> PhaseContext::inputs() const {
    Area area;
    core::phasebox_core_context_phase_context_inputs(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<TensorGroup> PhaseContext::inputs_group() const {
    Area area;
    core::phasebox_core_context_phase_context_inputs_group(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<Tensor> PhaseContext::target() const {
    Area area;
    core::phasebox_core_context_phase_context_target(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<TensorGroup> PhaseContext::target_group() const {
    Area area;
    core::phasebox_core_context_phase_context_target_group(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<Tensor> PhaseContext::preds() const {
    Area area;
    core::phasebox_core_context_phase_context_preds(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<TensorGroup> PhaseContext::preds_group() const {
    Area area;
    core::phasebox_core_context_phase_context_preds_group(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<Tensor> PhaseContext::loss() const {
    Area area;
    core::phasebox_core_context_phase_context_loss(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> PhaseContext::loss_log_items() const {
    Area area;
    core::phasebox_core_context_phase_context_loss_log_items(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline std::vector<std::string> PhaseContext::loss_logging_items_names() const {
    Area area;
    core::phasebox_core_context_phase_context_loss_logging_items_names(handle(), area.bytes);
    return area.texts(0);
}

inline std::vector<std::string> PhaseContext::additional_batch_items() const {
    Area area;
    core::phasebox_core_context_phase_context_additional_batch_items(handle(), area.bytes);
    return area.texts(0);
}

inline Result<Tensor> PhaseContext::additional_batch_item(std::string_view name) const {
    Area area;
    core::phasebox_core_context_phase_context_additional_batch_item(handle(), name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Model> PhaseContext::net() const {
    Area area;
    core::phasebox_core_context_phase_context_net(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Model(area.load<int32_t>(4));
}

inline Result<Model> PhaseContext::ema_model() const {
    Area area;
    core::phasebox_core_context_phase_context_ema_model(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Model(area.load<int32_t>(4));
}

inline Result<Optimizer> PhaseContext::optimizer() const {
    Area area;
    core::phasebox_core_context_phase_context_optimizer(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Optimizer(area.load<int32_t>(4));
}

inline Result<Criterion> PhaseContext::criterion() const {
    Area area;
    core::phasebox_core_context_phase_context_criterion(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Criterion(area.load<int32_t>(4));
}

inline Result<DataLoader> PhaseContext::train_loader() const {
    Area area;
    core::phasebox_core_context_phase_context_train_loader(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return DataLoader(area.load<int32_t>(4));
}

inline Result<DataLoader> PhaseContext::valid_loader() const {
    Area area;
    core::phasebox_core_context_phase_context_valid_loader(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return DataLoader(area.load<int32_t>(4));
}

inline Result<DataLoader> PhaseContext::test_loader() const {
    Area area;
    core::phasebox_core_context_phase_context_test_loader(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return DataLoader(area.load<int32_t>(4));
}

inline Result<Logger> PhaseContext::sg_logger() const {
    Area area;
    core::phasebox_core_context_phase_context_sg_logger(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Logger(area.load<int32_t>(4));
}

inline Result<TensorGroup> PhaseContext::parameters() const {
    Area area;
    core::phasebox_core_context_phase_context_parameters(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<TensorGroup> PhaseContext::gradients() const {
    Area area;
    core::phasebox_core_context_phase_context_gradients(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<TensorGroup> PhaseContext::buffers() const {
    Area area;
    core::phasebox_core_context_phase_context_buffers(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return TensorGroup(area.load<int32_t>(4));
}

inline Result<Tensor> PhaseContext::clip_gradients(double max_norm, double p) const {
    Area area;
    core::phasebox_core_context_phase_context_clip_gradients(handle(), max_norm, p, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<> PhaseContext::clip_and_log_gradients(double max_norm, double p, std::string_view name) const {
    Area area;
    core::phasebox_core_context_phase_context_clip_and_log_gradients(handle(), max_norm, p, name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<double> PhaseContext::learning_rate(std::string_view group) const {
    Area area;
    core::phasebox_core_context_phase_context_learning_rate(handle(), group.data(), (int32_t)group.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(8));
    return area.load<double>(8);
}

inline Result<> PhaseContext::set_learning_rate(std::string_view group, double value) const {
    Area area;
    core::phasebox_core_context_phase_context_set_learning_rate(handle(), group.data(), (int32_t)group.size(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::log_scalar(std::string_view name, double value) const {
    Area area;
    core::phasebox_core_context_phase_context_log_scalar(handle(), name.data(), (int32_t)name.size(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::log_scalars(std::span<const ScalarEntry> values) const {
    Area area;
    auto values_list = entries(values);
    core::phasebox_core_context_phase_context_log_scalars(handle(), values_list.data(), (int32_t)values.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::log_scalar_tensor(std::string_view name, const Tensor & value) const {
    Area area;
    core::phasebox_core_context_phase_context_log_scalar_tensor(handle(), name.data(), (int32_t)name.size(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline std::vector<ScalarEntry> PhaseContext::metrics_dict() const {
    Area area;
    core::phasebox_core_context_phase_context_metrics_dict(handle(), area.bytes);
    return area.records<ScalarEntry>(0);
}

inline std::optional<double> PhaseContext::metric(std::string_view name) const {
    Area area;
    core::phasebox_core_context_phase_context_metric(handle(), name.data(), (int32_t)name.size(), area.bytes);
    return area.bytes[0] ? std::optional<double>(area.load<double>(8)) : std::nullopt;
}

inline Result<> PhaseContext::publish_metric(std::string_view name, double value) const {
    Area area;
    core::phasebox_core_context_phase_context_publish_metric(handle(), name.data(), (int32_t)name.size(), value, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::publish_metric_tensor(std::string_view name, const Tensor & value) const {
    Area area;
    core::phasebox_core_context_phase_context_publish_metric_tensor(handle(), name.data(), (int32_t)name.size(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<Metrics> PhaseContext::metrics_compute_fn() const {
    Area area;
    core::phasebox_core_context_phase_context_metrics_compute_fn(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Metrics(area.load<int32_t>(4));
}

inline Result<Metrics> PhaseContext::valid_metrics() const {
    Area area;
    core::phasebox_core_context_phase_context_valid_metrics(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Metrics(area.load<int32_t>(4));
}

inline Result<std::vector<ScalarEntry>> PhaseContext::batch_metric(std::string_view metric) const {
    Area area;
    core::phasebox_core_context_phase_context_batch_metric(handle(), metric.data(), (int32_t)metric.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.records<ScalarEntry>(4);
}

inline Result<Tensor> PhaseContext::loss_avg_meter() const {
    Area area;
    core::phasebox_core_context_phase_context_loss_avg_meter(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline std::string PhaseContext::metric_to_watch() const {
    Area area;
    core::phasebox_core_context_phase_context_metric_to_watch(handle(), area.bytes);
    return area.text(0);
}

inline bool PhaseContext::greater_metric_to_watch_is_better() const {
    return (bool)core::phasebox_core_context_phase_context_greater_metric_to_watch_is_better(handle());
}

inline std::optional<double> PhaseContext::best_metric() const {
    Area area;
    core::phasebox_core_context_phase_context_best_metric(handle(), area.bytes);
    return area.bytes[0] ? std::optional<double>(area.load<double>(8)) : std::nullopt;
}

inline std::optional<uint32_t> PhaseContext::best_epoch() const {
    Area area;
    core::phasebox_core_context_phase_context_best_epoch(handle(), area.bytes);
    return area.bytes[0] ? std::optional<uint32_t>(area.load<uint32_t>(4)) : std::nullopt;
}

inline uint32_t PhaseContext::lr_warmup_epochs() const {
    return (uint32_t)core::phasebox_core_context_phase_context_lr_warmup_epochs(handle());
}

inline std::string PhaseContext::device() const {
    Area area;
    core::phasebox_core_context_phase_context_device(handle(), area.bytes);
    return area.text(0);
}

inline std::string PhaseContext::experiment_name() const {
    Area area;
    core::phasebox_core_context_phase_context_experiment_name(handle(), area.bytes);
    return area.text(0);
}

inline std::string PhaseContext::ckpt_dir() const {
    Area area;
    core::phasebox_core_context_phase_context_ckpt_dir(handle(), area.bytes);
    return area.text(0);
}

inline std::string PhaseContext::training_params() const {
    Area area;
    core::phasebox_core_context_phase_context_training_params(handle(), area.bytes);
    return area.text(0);
}

inline std::string PhaseContext::checkpoint_params() const {
    Area area;
    core::phasebox_core_context_phase_context_checkpoint_params(handle(), area.bytes);
    return area.text(0);
}

inline std::string PhaseContext::arch_params() const {
    Area area;
    core::phasebox_core_context_phase_context_arch_params(handle(), area.bytes);
    return area.text(0);
}

inline std::string PhaseContext::architecture() const {
    Area area;
    core::phasebox_core_context_phase_context_architecture(handle(), area.bytes);
    return area.text(0);
}

inline bool PhaseContext::ddp_silent_mode() const {
    return (bool)core::phasebox_core_context_phase_context_ddp_silent_mode(handle());
}

inline bool PhaseContext::stop_training() const {
    return (bool)core::phasebox_core_context_phase_context_stop_training(handle());
}

inline std::optional<std::string> PhaseContext::outcome() const {
    Area area;
    core::phasebox_core_context_phase_context_outcome(handle(), area.bytes);
    return area.bytes[0] ? std::optional<std::string>(area.text(4)) : std::nullopt;
}

inline Result<> PhaseContext::set_inputs(const Tensor & value) const {
    Area area;
    core::phasebox_core_context_phase_context_set_inputs(handle(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::set_inputs_item(std::string_view name, const Tensor & value) const {
    Area area;
    core::phasebox_core_context_phase_context_set_inputs_item(handle(), name.data(), (int32_t)name.size(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::set_target(const Tensor & value) const {
    Area area;
    core::phasebox_core_context_phase_context_set_target(handle(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::set_target_item(std::string_view name, const Tensor & value) const {
    Area area;
    core::phasebox_core_context_phase_context_set_target_item(handle(), name.data(), (int32_t)name.size(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::set_loss(const Tensor & value) const {
    Area area;
    core::phasebox_core_context_phase_context_set_loss(handle(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<Tensor> PhaseContext::repeat_backward() const {
    Area area;
    core::phasebox_core_context_phase_context_repeat_backward(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<Tensor> PhaseContext::gradient_penalty(std::span<const Tensor *const> inputs, double norm) const {
    Area area;
    auto inputs_list = handles(inputs);
    core::phasebox_core_context_phase_context_gradient_penalty(handle(), inputs_list.data(), (int32_t)inputs.size(), norm, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return Tensor(area.load<int32_t>(4));
}

inline Result<> PhaseContext::request_stop(std::string_view at, std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_request_stop(handle(), at.data(), (int32_t)at.size(), reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::stop_if_above(const Tensor & value, double threshold, std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_stop_if_above(handle(), value.handle(), threshold, reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::stop_if_nonfinite(const Tensor & value, std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_stop_if_nonfinite(handle(), value.handle(), reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::stop_epoch(std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_stop_epoch(handle(), reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::skip_batch(std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_skip_batch(handle(), reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::skip_backward(std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_skip_backward(handle(), reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::skip_step(std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_skip_step(handle(), reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::request_validation() const {
    Area area;
    core::phasebox_core_context_phase_context_request_validation(handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::request_checkpoint(std::string_view tag) const {
    Area area;
    core::phasebox_core_context_phase_context_request_checkpoint(handle(), tag.data(), (int32_t)tag.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::set_accumulation(uint32_t batches) const {
    Area area;
    core::phasebox_core_context_phase_context_set_accumulation(handle(), batches, area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::disable_self(std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_disable_self(handle(), reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

inline Result<> PhaseContext::abort(std::string_view reason) const {
    Area area;
    core::phasebox_core_context_phase_context_abort(handle(), reason.data(), (int32_t)reason.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

/// Copies a tensor on its device and keeps the copy under `name`. Replaces the previous entry.
inline Result<> store_tensor(std::string_view name, const Tensor & value) {
    Area area;
    core::phasebox_core_storage_store_tensor(name.data(), (int32_t)name.size(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

/// The kept tensor itself: a change in place changes the entry. None if there is no entry. An
/// entry that is a group is an error.
inline Result<std::optional<Tensor>> load_tensor(std::string_view name) {
    Area area;
    core::phasebox_core_storage_load_tensor(name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.bytes[4] ? std::optional<Tensor>(Tensor(area.load<int32_t>(8))) : std::nullopt;
}

/// Copies all members of a group, as `store-tensor` does. One launch for each member.
inline Result<> store_group(std::string_view name, const TensorGroup & value) {
    Area area;
    core::phasebox_core_storage_store_group(name.data(), (int32_t)name.size(), value.handle(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return {};
}

/// The kept group itself: a change in place changes the entry. None if there is no entry. An
/// entry that is a single tensor is an error.
inline Result<std::optional<TensorGroup>> load_group(std::string_view name) {
    Area area;
    core::phasebox_core_storage_load_group(name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.bytes[4] ? std::optional<TensorGroup>(TensorGroup(area.load<int32_t>(8))) : std::nullopt;
}

/// Removes an entry. True if there was one.
inline Result<bool> forget(std::string_view name) {
    Area area;
    core::phasebox_core_storage_forget(name.data(), (int32_t)name.size(), area.bytes);
    if (area.bytes[0]) return std::unexpected(area.error<Error, ErrorCode>(4));
    return area.bytes[4] != 0;
}

/// Writes one line to the run's log under the callback's name. Control characters are escaped,
/// and the text is cut after 4 KiB. Lines beyond the limit `log_lines` in a step are left out;
/// one warning then says how many there were.
inline void log(Level level, std::string_view text) {
    core::phasebox_core_diagnostics_log((int32_t)level, text.data(), (int32_t)text.size());
}

/// Reports the panic or uncaught exception because of which the callback is about to trap. A
/// trap alone loses the message, the source line and the traceback. SDKs call this function,
/// and the run's error then shows all three.
inline void report_failure(std::string_view message, std::string_view location, std::string_view traceback) {
    core::phasebox_core_diagnostics_report_failure(message.data(), (int32_t)message.size(), location.data(), (int32_t)location.size(), traceback.data(), (int32_t)traceback.size());
}

}

/* The phases, in the order of the loop. */
#define PHASEBOX_PHASES(PHASE) \
    PHASE(on_checkpoint_loaded, "on-checkpoint-loaded") \
    PHASE(on_training_start, "on-training-start") \
    PHASE(on_epoch_start, "on-epoch-start") \
    PHASE(on_train_loader_start, "on-train-loader-start") \
    PHASE(on_train_batch_start, "on-train-batch-start") \
    PHASE(on_train_batch_forward_end, "on-train-batch-forward-end") \
    PHASE(on_train_batch_loss_end, "on-train-batch-loss-end") \
    PHASE(on_train_batch_backward_end, "on-train-batch-backward-end") \
    PHASE(on_train_batch_gradient_step_start, "on-train-batch-gradient-step-start") \
    PHASE(on_train_batch_gradient_ready, "on-train-batch-gradient-ready") \
    PHASE(on_train_batch_optimizer_stepped, "on-train-batch-optimizer-stepped") \
    PHASE(on_train_batch_gradient_step_end, "on-train-batch-gradient-step-end") \
    PHASE(on_train_batch_end, "on-train-batch-end") \
    PHASE(on_train_loader_end, "on-train-loader-end") \
    PHASE(on_validation_loader_start, "on-validation-loader-start") \
    PHASE(on_validation_batch_start, "on-validation-batch-start") \
    PHASE(on_validation_batch_end, "on-validation-batch-end") \
    PHASE(on_validation_loader_end, "on-validation-loader-end") \
    PHASE(on_validation_end_best_epoch, "on-validation-end-best-epoch") \
    PHASE(on_test_loader_start, "on-test-loader-start") \
    PHASE(on_test_batch_start, "on-test-batch-start") \
    PHASE(on_test_batch_end, "on-test-batch-end") \
    PHASE(on_test_loader_end, "on-test-loader-end") \
    PHASE(on_epoch_end, "on-epoch-end") \
    PHASE(on_checkpoint_save_start, "on-checkpoint-save-start") \
    PHASE(on_checkpoint_save_end, "on-checkpoint-save-end") \
    PHASE(on_average_best_models_validation_start, "on-average-best-models-validation-start") \
    PHASE(on_average_best_models_validation_end, "on-average-best-models-validation-end") \
    PHASE(on_interrupt, "on-interrupt") \
    PHASE(on_exception, "on-exception") \
    PHASE(on_training_end, "on-training-end") \
