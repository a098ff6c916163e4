#include "agent/base/foreign_json_internal.h"

namespace medic {
namespace {

// Behind the string whose first quote is at `at`.
std::size_t behind_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
    return at + 1;
}

}  // namespace

// Brackets and commas are counted as the parser meets them: up to the first mistake of the text both read the same
// strings, and behind it the parser reads no further.
Status within_json_limits(std::string_view text, const JsonLimits& limits) {
    std::size_t depth = 0, values = 1;  // Every value but the first stands behind a bracket or a comma.
    for (std::size_t at = 0; at < text.size();) {
        const char sign = text[at];
        const bool opens = sign == '[' || sign == '{';
        if (opens) ++depth;
        if ((sign == ']' || sign == '}') && depth > 0) --depth;
        if (opens || sign == ',') ++values;
        if (depth > limits.depth_max)
            return fail(ErrorCode::invalid, "JSON nested deeper than {} levels is not read", limits.depth_max);
        if (values > limits.values_max)
            return fail(ErrorCode::invalid, "JSON of more than {} values is not read", limits.values_max);
        at = sign == '"' ? behind_string(text, at) : at + 1;
    }
    return {};
}

nlohmann::json foreign_json(std::string_view text, const JsonLimits& limits) {
    if (!within_json_limits(text, limits)) return nlohmann::json(nlohmann::json::value_t::discarded);
    return nlohmann::json::parse(text, nullptr, false);
}

const nlohmann::json* json_member(const nlohmann::json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

const nlohmann::json& json_part(const nlohmann::json& object, std::string_view key) {
    static const nlohmann::json nothing;
    const nlohmann::json* found = json_member(object, key);
    return found == nullptr ? nothing : *found;
}

std::string json_text(const nlohmann::json& object, std::string_view key) {
    const nlohmann::json& part = json_part(object, key);
    return part.is_string() ? part.get<std::string>() : std::string();
}

}  // namespace medic
