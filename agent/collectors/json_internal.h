// Careful reading of other people's JSON: a wrong type is "not there", never a default. Only for .cc files of
// collectors.
#pragma once

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/result.h"
#include "agent/collectors/look.h"

namespace medic::json_read {

using Json = nlohmann::json;

// Whether who was asked is there: these statuses come from a proxy that gets no answer of it, and from a job manager
// while none leads.
inline bool has_answered(const Result<HttpAnswer>& answer) {
    return answer && answer->status != 502 && answer->status != 503 && answer->status != 504;
}

// The body of a 200 answer as JSON; every other answer says in a word what came instead.
inline Result<Json> document(const Result<HttpAnswer>& answer) {
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 401) return fail(ErrorCode::unavailable, "HTTP status 401: it wants a login: check `auth`");
    if (answer->status == 403) return fail(ErrorCode::unavailable, "HTTP status 403: this login may not read it");
    if (answer->status != 200) return fail(ErrorCode::unavailable, "HTTP status {}", answer->status);
    const Status within = within_json_limits(answer->body);
    Json parsed = within ? Json::parse(answer->body, nullptr, false) : Json(Json::value_t::discarded);
    if (parsed.is_discarded()) {
        const bool html = answer->body.find('<') < 16;
        if (!within && !html) return std::unexpected(within.error());
        return fail(ErrorCode::invalid, "expected JSON, got {} of {} bytes", html ? "an HTML page" : "something else",
                    answer->body.size());
    }
    return parsed;
}

inline const Json* member(const Json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

inline std::optional<double> number(const Json& object, std::string_view key) {
    const Json* value = member(object, key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return value->get<double>();
}

inline std::optional<std::int64_t> integer(const Json& object, std::string_view key) {
    const Json* value = member(object, key);
    if (value == nullptr || !value->is_number_integer()) return std::nullopt;
    return value->get<std::int64_t>();
}

inline std::optional<bool> boolean(const Json& object, std::string_view key) {
    const Json* value = member(object, key);
    if (value == nullptr || !value->is_boolean()) return std::nullopt;
    return value->get<bool>();
}

inline std::string text(const Json& object, std::string_view key) {
    const Json* value = member(object, key);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// Flink's metric values come as strings; "NaN" and words are not numbers.
inline std::optional<double> number_in_text(const std::string& text) {
    if (text.empty()) return std::nullopt;
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end != text.c_str() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

inline const Json& array(const Json& object, std::string_view key) {
    static const Json empty = Json::array();
    const Json* value = member(object, key);
    return value != nullptr && value->is_array() ? *value : empty;
}

}  // namespace medic::json_read
