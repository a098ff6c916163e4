// Any bytes as a line for `medic classify`: what the quick reader takes, nlohmann::json takes as well and reads the
// same from it; and any text is quoted as nlohmann::json quotes it.
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "classifiers/diagnosis/report_line_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace medic;
    using Json = nlohmann::ordered_json;
    static ReportReader reader;
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    std::string quoted;
    append_quoted(quoted, line);
    if (quoted != Json(line).dump(-1, ' ', false, Json::error_handler_t::replace)) std::abort();
    const auto read = reader.read(line);
    if (!read) return 0;
    const auto other = Json::parse(line, nullptr, false);
    if (!other.is_object() || other.at("text").get<std::string>() != read->text) std::abort();
    if ((other.contains("id") ? other.at("id").dump() : "null") != read->id) std::abort();
    const bool named = other.contains("component") && other.at("component").is_string();
    if ((named ? other.at("component").get<std::string>() : "") != read->component) std::abort();
    return 0;
}
