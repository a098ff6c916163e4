// JSON for the .cc files that answer for the API, and for those that write the same documents elsewhere.
#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <string>

#include "agent/base/foreign_json_internal.h"

namespace medic {

using Json = nlohmann::json;

inline std::string text_of(const Json& object, const char* key) { return json_text(object, key); }

// The texts among a member's own members; what is of another type is left.
inline std::map<std::string, std::string> texts_of(const Json& object, const char* key) {
    std::map<std::string, std::string> all;
    const auto found = object.find(key);
    if (found == object.end() || !found->is_object()) return all;
    for (const auto& [name, value] : found->items())
        if (value.is_string()) all[name] = value.get<std::string>();
    return all;
}

// Other people's bytes may be no UTF-8: they are replaced, never a reason to fail.
inline std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace medic
