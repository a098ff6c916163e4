#include <istream>
#include <optional>
#include <ostream>

#include <nlohmann/json.hpp>

#include "agent/base/foreign_json_internal.h"
#include "classifiers/diagnosis/classifier.h"

namespace medic {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t line_bytes_max = 4 << 20;

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

double rounded(double value) { return static_cast<double>(static_cast<std::int64_t>(value * 10'000 + 0.5)) / 10'000; }

Json verdict(const Json& id, const Classification& result) {
    Json out{{"schema", 1},
             {"id", id},
             {"side", to_string(result.side)},
             {"cause", result.cause},
             {"cause_group", result.cause_group},
             {"confidence", rounded(result.confidence)},
             {"alternatives", Json::array()},
             {"evidence", Json::array()}};
    for (const auto& other : result.alternatives)
        out["alternatives"].push_back({{"side", to_string(other.side)},
                                       {"cause", other.cause},
                                       {"confidence", rounded(other.confidence)},
                                       {"why_not", other.why_not}});
    for (const auto& evidence : result.evidence)
        out["evidence"].push_back({{"kind", evidence.kind},
                                   {"ref", evidence.ref},
                                   {"text", evidence.text},
                                   {"value", evidence.value},
                                   {"at", evidence.at.unix_ms}});
    if (result.truncated) out["truncated"] = true;
    return out;
}

// null where there is none. nullopt: it is no name; it would be copied into the answer, whatever it holds.
std::optional<Json> id_of(const Json& object) {
    if (!object.is_object()) return Json(nullptr);
    const auto found = object.find("id");
    if (found == object.end() || found->is_null()) return Json(nullptr);
    if (found->is_string() || found->is_number()) return *found;
    return std::nullopt;
}

Json answer(const Classifier& classifier, const std::string& line, std::size_t number, bool& readable) {
    const auto refuse = [&](const Json& id, const std::string& why) {
        readable = false;
        return Json{{"schema", 1}, {"id", id}, {"line", number}, {"error", why}};
    };
    if (line.size() > line_bytes_max) return refuse(nullptr, "the line is longer than 4 MiB");
    if (const Status within = within_json_limits(line); !within) return refuse(nullptr, within.error().message);
    const auto object = Json::parse(line, nullptr, false);
    if (object.is_discarded()) return refuse(nullptr, "not JSON; expected one object {id, component, text} a line");
    const auto id = id_of(object);
    if (!id) return refuse(nullptr, "expected a string or a number as `id`");
    if (!object.is_object() || !object.contains("text") || !object["text"].is_string())
        return refuse(*id, "expected an object with the string `text`");
    return verdict(*id,
                   classifier.classify_text(text_of(object, "text"), parse_component(text_of(object, "component"))));
}

}  // namespace

Result<std::size_t> classify_lines(const Classifier& classifier, std::istream& in, std::ostream& out) {
    std::size_t number = 0, unreadable = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.empty() || line == "\r") continue;
        bool readable = true;
        // In one piece: whoever flushes each time sends whole lines.
        out << answer(classifier, line, number, readable).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
        if (!readable) ++unreadable;
        if (!out) return fail(ErrorCode::unavailable, "line {}: the output can't be written", number);
    }
    if (in.bad()) return fail(ErrorCode::unavailable, "the input ended with a read error after line {}", number);
    return unreadable;
}

}  // namespace medic
