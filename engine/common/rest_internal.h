// JSON over HTTP for the lab and the drills: one call, the parsed body of a 2xx answer or an error that quotes the
// other side. Include only in .cc files.
#pragma once

#include <nlohmann/json.hpp>

#include "agent/world/real/http_client.h"

namespace medic::engine {

[[nodiscard]] inline Result<nlohmann::json> call_json(const HttpCall& call) {
    HttpClient client;
    MEDIC_TRY(const HttpReply reply, client.perform(call));
    if (reply.status / 100 != 2) {
        return fail(ErrorCode::unavailable, "{} {}: HTTP {}: {}", call.method, call.url, reply.status,
                    reply.body.substr(0, 500));
    }
    nlohmann::json body = nlohmann::json::parse(reply.body.empty() ? "{}" : reply.body, nullptr, false);
    if (body.is_discarded())
        return fail(ErrorCode::invalid, "{} {}: expected JSON, got {}", call.method, call.url,
                    reply.body.substr(0, 200));
    return body;
}

// The same where the body doesn't matter.
[[nodiscard]] inline Status call_rest(const HttpCall& call) {
    MEDIC_CHECK(call_json(call));
    return {};
}

// A member of the wanted type, or the fallback: absent, null and of another type are all the same here, and none
// throws. A null fallback takes any type.
template <class T>
[[nodiscard]] T member(const nlohmann::json& from, const char* name, T fallback) {
    if (!from.is_object()) return fallback;
    const auto found = from.find(name);
    if (found == from.end()) return fallback;
    if constexpr (std::is_same_v<T, nlohmann::json>)
        return fallback.is_null() || found->type() == fallback.type() ? *found : fallback;
    else if constexpr (std::is_same_v<T, std::string>)
        return found->is_string() ? found->template get<std::string>() : fallback;
    else if constexpr (std::is_same_v<T, bool>)
        return found->is_boolean() ? found->template get<bool>() : fallback;
    else
        return found->is_number() ? found->template get<T>() : fallback;
}

[[nodiscard]] inline HttpCall json_call(std::string method, std::string url, const nlohmann::json& body) {
    return {.method = std::move(method),
            .url = std::move(url),
            .headers = {{"Content-Type", "application/json"}},
            .body = body.dump(),
            .timeout = Duration(30'000)};
}

}  // namespace medic::engine
