#include "agent/base/result.h"

namespace medic {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid: return "invalid";
        case ErrorCode::not_ready: return "not_ready";
        case ErrorCode::unavailable: return "unavailable";
        case ErrorCode::outdated: return "outdated";
        case ErrorCode::outcome_unknown: return "outcome_unknown";
        case ErrorCode::internal: return "internal";
    }
    return "internal";
}

std::unexpected<Error> wrap(Error error, std::string_view doing) {
    error.message = fmt::format("{}: {}", doing, error.message);
    return std::unexpected<Error>(std::move(error));
}

}  // namespace medic
