// Result<T>: a value, or an Error whose code tells the caller what to do next.
// Used by every function that can fail; dropped results are compile errors. No exceptions cross a room's border.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace medic {

// One code per thing a caller can do differently; everything else belongs in the message.
enum class ErrorCode : std::uint8_t {
    invalid,          // The request can never work: do not retry, tell the person who wrote it.
    not_ready,        // State must change first: replan.
    unavailable,      // The other side did not answer or is overloaded: retry just this call, later.
    outdated,         // The facts moved under us: sense again, then replan.
    outcome_unknown,  // It may or may not have happened: verify before anything else.
    internal,         // Our own bug.
};

[[nodiscard]] std::string_view to_string(ErrorCode code);

struct [[nodiscard]] Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;  // For a person: what, where, what was expected, what to do.
};

// g++ 12 does not warn about a dropped std::expected, so the class itself is [[nodiscard]].
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
public:
    using std::expected<T, Error>::expected;
};

using Status = Result<void>;

// fail(ErrorCode::invalid, "port {}: expected 1–65535", port) — the error branch of any Result.
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
    return std::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// Passes an error on with what the caller was doing put in front of it.
[[nodiscard]] std::unexpected<Error> wrap(Error error, std::string_view doing);

// Unwraps a Result into `declaration`, or returns its Error from the enclosing function.
#define MEDIC_CONCAT_INNER(a, b) a##b
#define MEDIC_CONCAT(a, b) MEDIC_CONCAT_INNER(a, b)
#define MEDIC_TRY_IMPL(temporary, declaration, expression)                \
    auto temporary = (expression);                                        \
    if (!temporary) return std::unexpected(std::move(temporary).error()); \
    declaration = *std::move(temporary)
#define MEDIC_TRY(declaration, expression) \
    MEDIC_TRY_IMPL(MEDIC_CONCAT(medic_try_, __COUNTER__), declaration, expression)

// The same for a Status: returns its Error, or goes on.
#define MEDIC_CHECK(expression)                                                                                       \
    do {                                                                                                              \
        if (auto medic_status = (expression); !medic_status) return std::unexpected(std::move(medic_status).error()); \
    } while (false)

}  // namespace medic
