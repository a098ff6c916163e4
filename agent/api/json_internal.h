// JSON for the .cc files that answer for the API, and for those that write the same documents elsewhere.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace medic {

using Json = nlohmann::json;

inline std::string text_of(const Json& object, const char* key) {
    if (!object.is_object()) return "";
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Other people's bytes may be no UTF-8: they are replaced, never a reason to fail.
inline std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace medic
