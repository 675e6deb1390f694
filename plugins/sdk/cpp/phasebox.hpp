/* Callbacks in C++23: a class whose member functions are named like phases.
 *
 * Owns the exports of a callback: its description with the schema of its parameters, the reading of them, its state, and
 * the words of errors. The contract's functions are in contract.hpp. There are no C++ exceptions in WebAssembly's
 * components yet: a function that can fail answers `Result<T>`. */
#pragma once

#include "contract.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdio>
#include <limits>
#include <type_traits>

// Linked only if the callback prints.
#undef stdout
extern "C" FILE *const stdout __attribute__((weak));

namespace phasebox {

/// An error of the callback: `return fail("there are no gradients")`.
inline std::unexpected<Error> fail(std::string message, ErrorCode code = ErrorCode::other) {
    return std::unexpected(Error{code, std::move(message)});
}

/// The value of a `Result`, or the end of this function with its error.
#define PHASEBOX_TRY(expression)                                                \
    ({                                                                          \
        auto phasebox_result = (expression);                                    \
        if (!phasebox_result) return std::unexpected(std::move(phasebox_result).error()); \
        std::move(phasebox_result).value();                                     \
    })
/// The same for a `Result` without a value.
#define PHASEBOX_DO(expression)                                                 \
    do {                                                                        \
        auto phasebox_result = (expression);                                    \
        if (!phasebox_result) return std::unexpected(std::move(phasebox_result).error()); \
    } while (false)

/// Reports a bug with its place to the host, then traps.
[[noreturn]] inline void trap(std::string_view message, std::string_view location) {
    report_failure(message, location, "");
    __builtin_trap();
}
#define PHASEBOX_TEXT_EXPANDED(x) #x
#define PHASEBOX_TEXT(x) PHASEBOX_TEXT_EXPANDED(x)
/// Checks a condition that holds in every correct program.
#define PHASEBOX_CHECK(condition) \
    ((condition) ? (void)0 : phasebox::trap("not so: " #condition, __FILE__ ":" PHASEBOX_TEXT(__LINE__)))

// ---- handles that wait until they are given back, several at a time ----

inline struct Waiting {
    static constexpr size_t most = 16;
    std::vector<Tensor> tensors;
    std::vector<TensorGroup> groups;

    void give_back() {
        if (tensors.empty() && groups.empty()) return;
        release(tensors, groups);
        tensors.clear();
        groups.clear();
    }
} waiting;

inline void give_back_tensor(int32_t handle) {
    waiting.tensors.emplace_back(handle);
    if (waiting.tensors.size() >= Waiting::most) waiting.give_back();
}

inline void give_back_group(int32_t handle) {
    waiting.groups.emplace_back(handle);
    if (waiting.groups.size() >= Waiting::most) waiting.give_back();
}

/// A number on its way from the device, asked for in one call and taken in a later one: without a wait.
class Later {
public:
    /// Asks for the element of a tensor, unless a number is on its way: `loss.ask(ctx.loss())`. A value that this phase
    /// does not have, such as the loss of a skipped batch, is no failure.
    Result<> ask(Result<Tensor> value) {
        if (pending_ || arrived_) return {};
        if (!value && value.error().code == ErrorCode::not_available) return {};
        pending_ = PHASEBOX_TRY(PHASEBOX_TRY(std::move(value)).defer());
        return {};
    }

    /// The number that was asked for, once, if it is here.
    Result<std::optional<double>> take() {
        PHASEBOX_DO(poll());
        return std::exchange(arrived_, std::nullopt);
    }

    Result<> poll() {
        if (!pending_) return {};
        auto value = PHASEBOX_TRY(pending_.poll());
        if (value) pending_.drop();
        if (value) arrived_ = value;
        return {};
    }

    std::optional<double> arrived() const { return arrived_; }
    void restore(std::optional<double> value) {
        pending_.drop();
        arrived_ = value;
    }

private:
    Deferred pending_;
    std::optional<double> arrived_;
};

// ---- JSON, as much as flat parameters need ----

namespace json {

inline std::string quoted(std::string_view text) {
    std::string made = "\"";
    for (unsigned char letter : text) {
        char escaped[8];
        if (letter == '"' || letter == '\\') made += '\\';
        if (letter < 0x20) std::snprintf(escaped, sizeof escaped, "\\u%04x", letter);
        made += letter < 0x20 ? std::string(escaped) : std::string(1, (char)letter);
    }
    return made + "\"";
}

inline std::string number(double value) {
    char text[32];
    bool whole = value == std::floor(value) && std::fabs(value) < 1e15;
    if (whole) std::snprintf(text, sizeof text, "%.0f", value);
    // The shortest text that reads as the same number.
    for (int digits = 1; !whole && digits <= 17; digits++) {
        std::snprintf(text, sizeof text, "%.*g", digits, value);
        if (std::strtod(text, nullptr) == value) break;
    }
    return text;
}

/// A reader of one JSON text. `failed` is set where the text is no JSON.
struct Reader {
    const char *at;
    bool failed = false;

    char next() {
        at += std::strspn(at, " \t\r\n");
        return *at;
    }
    bool eat(char letter) {
        if (next() != letter) return false;
        at++;
        return true;
    }
    void utf8(uint32_t point, std::string &into) {
        if (point < 0x80) { into += (char)point; return; }
        int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        into += (char)((0xf00 >> more & 0xff) | point >> 6 * more);
        while (more--) into += (char)(0x80 | (point >> 6 * more & 0x3f));
    }
    uint32_t hex() {
        uint32_t value = 0;
        if (std::sscanf(at, "%4x", &value) != 1) failed = true;
        at += failed ? 0 : 4;
        return value;
    }
    std::string text() {
        std::string made;
        if (!eat('"')) failed = true;
        while (!failed && *at != '"') {
            char letter = *at++;
            if (letter == 0) failed = true;
            if (letter != '\\') { made += letter; continue; }
            letter = *at++;
            static constexpr std::string_view from = "nrtbf", to = "\n\r\t\b\f";
            size_t place = from.find(letter);
            if (letter != 'u') { made += place == from.npos ? letter : to[place]; continue; }
            uint32_t point = hex();
            if (point >> 10 == 0x36 && at[0] == '\\' && at[1] == 'u') { at += 2; point = 0x10000 + ((point & 0x3ff) << 10) + (hex() & 0x3ff); }
            utf8(point, made);
        }
        if (!failed) at++;
        return made;
    }
};

}  // namespace json

// ---- parameters and state: members of a callback that list themselves ----

class Callback;

/// A part of a callback that is read from the recipe or saved in checkpoints.
struct Member {
    const char *name;
    explicit Member(const char *name) : name(name) {}
    virtual std::string schema() const { return ""; }
    virtual bool required() const { return false; }
    virtual Result<> read(json::Reader &) { return {}; }
    virtual Result<> save(std::string &) { return {}; }
    virtual bool load(std::string_view &) { return true; }
};

/// The base of every callback.
class Callback {
public:
    std::vector<Member *> parameters, state;
};

/// Bounds of a parameter, as JSON Schema has them.
struct Rules {
    std::optional<double> minimum, maximum, exclusiveMinimum, exclusiveMaximum;
};

/// A parameter: `Parameter<double> rate{this, "rate", 0.1, "The …", {.minimum = 0}};`. Without a default it is required.
template <typename T>
class Parameter : public Member {
public:
    Parameter(Callback *owner, const char *name, std::optional<T> value, const char *description, Rules rules = {})
        : Member(name), default_(value), value_(value.value_or(T{})), description_(description), rules_(rules) {
        owner->parameters.push_back(this);
    }
    const T &operator*() const { return value_; }
    operator const T &() const { return value_; }

    bool required() const override { return !default_; }
    std::string schema() const override {
        std::string made = "{\"type\":\"" + std::string(type()) + "\",\"description\":" + json::quoted(description_);
        if (default_) made += ",\"default\":" + shown(*default_);
        bool natural = std::unsigned_integral<T> && !std::same_as<T, bool> && !rules_.minimum;
        for (auto [rule, bound] : bounds()) {
            if (bound) made += ",\"" + std::string(rule) + "\":" + json::number(*bound);
        }
        return made + (natural ? ",\"minimum\":0}" : "}");
    }
    Result<> read(json::Reader &reader) override {
        if constexpr (std::same_as<T, std::string>) {
            if (reader.next() != '"') return refuse();
            value_ = reader.text();
        } else if constexpr (std::same_as<T, bool>) {
            bool yes = std::strncmp(reader.at, "true", 4) == 0, no = std::strncmp(reader.at, "false", 5) == 0;
            if (!yes && !no) return refuse();
            reader.at += yes ? 4 : 5;
            value_ = yes;
        } else {
            return read_number(reader);
        }
        return {};
    }

private:
    static constexpr std::string_view type() {
        if constexpr (std::same_as<T, std::string>) return "string";
        else if constexpr (std::same_as<T, bool>) return "boolean";
        else return std::integral<T> ? "integer" : "number";
    }
    static std::string shown(const T &value) {
        if constexpr (std::same_as<T, std::string>) return json::quoted(value);
        else if constexpr (std::same_as<T, bool>) return value ? "true" : "false";
        else return json::number((double)value);
    }
    std::vector<std::pair<const char *, std::optional<double>>> bounds() const {
        return {{"minimum", rules_.minimum}, {"maximum", rules_.maximum},
                {"exclusiveMinimum", rules_.exclusiveMinimum}, {"exclusiveMaximum", rules_.exclusiveMaximum}};
    }
    Result<> read_number(json::Reader &reader) {
        char first = reader.next(), *end;
        if (first != '-' && (first < '0' || first > '9')) return refuse();
        double value = std::strtod(reader.at, &end);
        reader.at = end;
        bool whole = !std::integral<T> || (value == std::floor(value) && value >= (double)std::numeric_limits<T>::min() &&
                                          value <= (double)std::numeric_limits<T>::max());
        bool inside = (!rules_.minimum || value >= *rules_.minimum) && (!rules_.maximum || value <= *rules_.maximum) &&
                      (!rules_.exclusiveMinimum || value > *rules_.exclusiveMinimum) &&
                      (!rules_.exclusiveMaximum || value < *rules_.exclusiveMaximum);
        if (!whole || !inside) return refuse();
        value_ = (T)value;
        return {};
    }
    Result<> refuse() const {
        return fail("parameter \"" + std::string(name) + "\" must fit " + schema(), ErrorCode::invalid_argument);
    }

    std::optional<T> default_;
    T value_;
    const char *description_;
    Rules rules_;
};

/// A value that checkpoints hold: `Saved<double> best{this, "best"};`. T is a number, an optional of one, or any struct
/// that can be copied byte by byte.
template <typename T>
class Saved : public Member {
    static_assert(std::is_trivially_copyable_v<T>, "what is saved can be copied byte by byte");

public:
    Saved(Callback *owner, const char *name, T first = {}) : Member(name), value(first) { owner->state.push_back(this); }
    Saved &operator=(const T &other) { value = other; return *this; }
    operator const T &() const { return value; }
    const T &operator*() const { return value; }

    Result<> save(std::string &into) override {
        T zeroed;
        std::memset((void *)&zeroed, 0, sizeof zeroed);
        zeroed = value;
        into.append((const char *)&zeroed, sizeof zeroed);
        return {};
    }
    bool load(std::string_view &from) override {
        if (from.size() != sizeof value) return false;
        std::memcpy((void *)&value, from.data(), sizeof value);
        return true;
    }

    T value;
};

/// A `Later` that checkpoints hold with what has arrived: a resumed run has the same bits.
class SavedLater : public Member, public Later {
public:
    SavedLater(Callback *owner, const char *name) : Member(name) { owner->state.push_back(this); }
    Result<> save(std::string &into) override {
        PHASEBOX_DO(poll());
        if (arrived()) append(into, *arrived());
        return {};
    }
    bool load(std::string_view &from) override {
        double value;
        if (from.size() != 0 && from.size() != sizeof value) return false;
        if (from.size()) std::memcpy(&value, from.data(), sizeof value);
        restore(from.size() ? std::optional(value) : std::nullopt);
        return true;
    }

private:
    static void append(std::string &into, double value) { into.append((const char *)&value, sizeof value); }
};

// ---- the exports ----

/// The words about a callback, for `describe`.
struct Description {
    const char *name, *version = "0.1.0", *summary = "";
    std::vector<std::string_view> grants = {}, metrics = {};
    unsigned state_version = 0;
};

namespace exported {

/// The answer of an export. It lasts until the next call.
inline struct { uint32_t failed; uint32_t first; uint32_t second; uint32_t third; } answer;
inline std::string words;

inline const void *text(std::string made) {
    words = std::move(made);
    answer = {(uint32_t)words.data(), (uint32_t)words.size(), 0, 0};
    return &answer;
}

inline const void *done(Result<> result) {
    answer = {};
    if (!result) {
        words = std::move(result.error().message);
        answer = {1, (uint32_t)result.error().code, (uint32_t)words.data(), (uint32_t)words.size()};
    }
    return &answer;
}

inline const void *bytes(Result<std::string> made) {
    if (!made) return done(std::unexpected(std::move(made).error()));
    words = std::move(*made);
    answer = {0, (uint32_t)words.data(), (uint32_t)words.size(), 0};
    return &answer;
}

inline std::string listed(const std::vector<std::string_view> &names) {
    std::string made;
    for (std::string_view name : names) made += (made.empty() ? "" : ",") + json::quoted(name);
    return "[" + made + "]";
}

inline std::string describe(const Description &said, const Callback &callback) {
    std::string properties, required;
    for (const Member *member : callback.parameters) {
        properties += (properties.empty() ? "" : ",") + json::quoted(member->name) + ":" + member->schema();
        if (member->required()) required += (required.empty() ? "" : ",") + json::quoted(member->name);
    }
    return "{\"name\":" + json::quoted(said.name) + ",\"version\":" + json::quoted(said.version) +
           ",\"summary\":" + json::quoted(said.summary) + ",\"grants\":" + listed(said.grants) +
           ",\"metrics\":" + listed(said.metrics) + ",\"state_version\":" + json::number(said.state_version) +
           ",\"parameters\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" + properties +
           "},\"required\":[" + required + "]}}";
}

// Lines reach the log when they end, if the callback prints at all.
inline void print_by_line() {
    if (&::stdout) std::setvbuf(::stdout, nullptr, _IOLBF, BUFSIZ);
}

inline Result<> configure(const Callback &callback, const std::string &params) {
    print_by_line();
    json::Reader reader{params.c_str()};
    std::vector<const Member *> given;
    std::string known;
    for (const Member *member : callback.parameters) known += (known.empty() ? "" : ", ") + std::string(member->name);
    if (!reader.eat('{')) return fail("params is not a JSON object", ErrorCode::invalid_argument);
    while (!reader.eat('}')) {
        std::string key = reader.text();
        if (reader.failed || !reader.eat(':')) return fail("params is not a JSON object", ErrorCode::invalid_argument);
        reader.next();
        Member *found = nullptr;
        for (Member *member : callback.parameters) found = key == member->name ? member : found;
        if (!found) return fail("unknown parameter \"" + key + "\"; known are " + known, ErrorCode::invalid_argument);
        PHASEBOX_DO(found->read(reader));
        given.push_back(found);
        reader.eat(',');
    }
    for (const Member *member : callback.parameters) {
        bool is_given = std::find(given.begin(), given.end(), member) != given.end();
        if (member->required() && !is_given) return fail("parameter \"" + std::string(member->name) + "\" is missing: it has no default", ErrorCode::invalid_argument);
    }
    return {};
}

// The state: for each member the lengths of its name and its bytes, then both.

inline Result<std::string> save(const Callback &callback) {
    std::string made = "\1";
    for (Member *member : callback.state) {
        std::string value;
        PHASEBOX_DO(member->save(value));
        uint32_t lengths[2] = {(uint32_t)std::strlen(member->name), (uint32_t)value.size()};
        made.append((const char *)lengths, sizeof lengths).append(member->name).append(value);
    }
    return made;
}

inline Result<> load_next(const Callback &callback, std::string_view &rest) {
    auto other = [](const char *why) { return fail(std::string("the state ") + why, ErrorCode::invalid_argument); };
    uint32_t lengths[2];
    if (rest.size() < sizeof lengths) return other("is not that of this callback");
    std::memcpy(lengths, rest.data(), sizeof lengths);
    rest.remove_prefix(sizeof lengths);
    if (rest.size() < lengths[0] || rest.size() - lengths[0] < lengths[1]) return other("ends too early");
    std::string_view name = rest.substr(0, lengths[0]), value = rest.substr(lengths[0], lengths[1]);
    rest.remove_prefix(lengths[0] + lengths[1]);
    for (Member *member : callback.state) {
        if (name == member->name && !member->load(value)) {
            std::string why = "has " + json::quoted(name) + " with " + std::to_string(value.size()) + " bytes, which is no value of its type now";
            return other(why.c_str());
        }
    }
    return {};
}

inline Result<> load(const Callback &callback, std::string_view rest) {
    if (!rest.starts_with('\1')) return fail("the state is not that of this callback", ErrorCode::invalid_argument);
    rest.remove_prefix(1);
    while (!rest.empty()) PHASEBOX_DO(load_next(callback, rest));
    return {};
}

#ifndef PHASEBOX_CALLED
#define PHASEBOX_CALLED ""
#endif

/// True for a phase of the world, if `phasebox build` made it from the source: then its phases are in PHASEBOX_CALLED.
template <typename Callback>
consteval bool called(std::string_view phase) {
    std::string_view rest = PHASEBOX_CALLED;
    while (!rest.empty()) {
        std::string_view first = rest.substr(0, rest.find(','));
        if (first == phase) return true;
        rest.remove_prefix(std::min(rest.size(), first.size() + 1));
    }
    return false;
}

template <typename Call>
const void *phase(int32_t handle, Call call) {
    PhaseContext ctx(handle);
    Result<> result = call(ctx);
    waiting.give_back();
    core::phasebox_core_drop_phase_context(handle);
    return done(std::move(result));
}

}  // namespace exported

}  // namespace phasebox

#define PHASEBOX_EXPORT(name) extern "C" __attribute__((export_name("local:plugin/callback#" name), used))
#define PHASEBOX_PHASE(PHASE, NAME)                                                                     \
    PHASEBOX_EXPORT(NAME) const void *phasebox_export_##PHASE(int32_t handle) {                         \
        return phasebox::exported::phase(handle, [](const phasebox::PhaseContext &ctx) {                \
            return [&ctx](auto &callback) -> phasebox::Result<> {                                       \
                using namespace phasebox::exported;                                                     \
                if constexpr (requires { callback.PHASE(ctx); }) {                                      \
                    static_assert(*PHASEBOX_CALLED == 0 || called<decltype(callback)>(NAME),            \
                                  #PHASE " would never be called: write it on a line of its own, as `Result<> " #PHASE "(`"); \
                    return callback.PHASE(ctx);                                                         \
                } else {                                                                                  \
                    static_assert(!called<decltype(callback)>(NAME),                                    \
                                  "the class has no " #PHASE " that is public and takes a const PhaseContext &"); \
                    return phasebox::fail("the class has no member function " #PHASE);                  \
                }                                                                                       \
            }(phasebox_callback());                                                                     \
        });                                                                                             \
    }

/* Exports a class as the callback: `PHASEBOX_CALLBACK(Clip, .name = "clip", .grants = {"gradients"})`. */
#define PHASEBOX_CALLBACK(Class, ...)                                                                   \
    static Class &phasebox_callback() {                                                                 \
        static Class callback;                                                                          \
        return callback;                                                                                \
    }                                                                                                   \
    PHASEBOX_EXPORT("describe") const void *phasebox_export_describe() {                                \
        using namespace phasebox;                                                                       \
        return exported::text(exported::describe(Description{__VA_ARGS__}, phasebox_callback()));       \
    }                                                                                                   \
    PHASEBOX_EXPORT("configure") const void *phasebox_export_configure(char *at, size_t length) {       \
        std::string params(at, length);                                                                 \
        std::free(at);                                                                                  \
        return phasebox::exported::done([&params](auto &callback) -> phasebox::Result<> {               \
            PHASEBOX_DO(phasebox::exported::configure(callback, params));                               \
            if constexpr (requires { callback.configure(); }) return callback.configure();              \
            else return {};                                                                             \
        }(phasebox_callback()));                                                                        \
    }                                                                                                   \
    PHASEBOX_EXPORT("save-state") const void *phasebox_export_save_state() {                            \
        return phasebox::exported::bytes(phasebox::exported::save(phasebox_callback()));                \
    }                                                                                                   \
    PHASEBOX_EXPORT("load-state") const void *phasebox_export_load_state(char *at, size_t length) {     \
        const void *answer = phasebox::exported::done(phasebox::exported::load(phasebox_callback(), {at, length})); \
        std::free(at);                                                                                  \
        return answer;                                                                                  \
    }                                                                                                   \
    extern "C" __attribute__((export_name("cabi_realloc"), used))                                       \
    void *cabi_realloc(void *old, size_t, size_t, size_t size) { return std::realloc(old, size); }      \
    PHASEBOX_PHASES(PHASEBOX_PHASE)
