#include <cmath>
#include <istream>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/base/foreign_json_internal.h"
#include "classifiers/diagnosis/classifier.h"
#include "classifiers/diagnosis/report_line_internal.h"

namespace medic {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t line_bytes_max = 4 << 20;

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

double rounded(double value) { return static_cast<double>(static_cast<std::int64_t>(value * 10'000 + 0.5)) / 10'000; }

// `name`: all that stands before the value, its comma as well.
void append_member(std::string& out, std::string_view name, std::string_view text) {
    out += name;
    append_quoted(out, text);
}

// As nlohmann::json writes a number that is no integer.
void append_member(std::string& out, std::string_view name, double value) {
    out += name;
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    const auto begun = out.size();
    fmt::format_to(std::back_inserter(out), "{}", value);
    if (out.find_first_of(".e", begun) == std::string::npos) out += ".0";
}

void append_alternative(std::string& out, const Alternative& other) {
    append_member(out, R"({"side":)", to_string(other.side));
    append_member(out, R"(,"cause":)", other.cause);
    append_member(out, R"(,"confidence":)", rounded(other.confidence));
    append_member(out, R"(,"why_not":)", other.why_not);
    out += '}';
}

void append_evidence(std::string& out, const Evidence& evidence) {
    append_member(out, R"({"kind":)", evidence.kind);
    append_member(out, R"(,"ref":)", evidence.ref);
    append_member(out, R"(,"text":)", evidence.text);
    append_member(out, R"(,"value":)", evidence.value);
    fmt::format_to(std::back_inserter(out), R"(,"at":{}}})", evidence.at.unix_ms);
}

template <class List, class Append>
void append_list(std::string& out, std::string_view name, const List& list, Append append) {
    out += name;
    out += '[';
    for (const auto& one : list) {
        if (&one != &list.front()) out += ',';
        append(out, one);
    }
    out += ']';
}

// Written at once: a document of nlohmann's takes as long to build and write as the verdict itself.
std::string verdict(std::string_view id, const Classification& result) {
    std::string out = R"({"schema":1,"id":)";
    out += id;
    append_member(out, R"(,"side":)", to_string(result.side));
    append_member(out, R"(,"cause":)", result.cause);
    append_member(out, R"(,"cause_group":)", result.cause_group);
    append_member(out, R"(,"confidence":)", rounded(result.confidence));
    append_list(out, R"(,"alternatives":)", result.alternatives, append_alternative);
    append_list(out, R"(,"evidence":)", result.evidence, append_evidence);
    out += result.truncated ? R"(,"truncated":true})" : "}";
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

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// What the quick reader left: a line in no good order, or in an unusual one.
std::string answer_in_full(const Classifier& classifier, const std::string& line, std::size_t number, bool& readable) {
    const auto refuse = [&](const Json& id, const std::string& why) {
        readable = false;
        return dumped({{"schema", 1}, {"id", id}, {"line", number}, {"error", why}});
    };
    if (const Status within = within_json_limits(line); !within) return refuse(nullptr, within.error().message);
    const auto object = Json::parse(line, nullptr, false);
    if (object.is_discarded()) return refuse(nullptr, "not JSON; expected one object {id, component, text} a line");
    const auto id = id_of(object);
    if (!id) return refuse(nullptr, "expected a string or a number as `id`");
    if (!object.is_object() || !object.contains("text") || !object["text"].is_string())
        return refuse(*id, "expected an object with the string `text`");
    return verdict(dumped(*id),
                   classifier.classify_text(text_of(object, "text"), parse_component(text_of(object, "component"))));
}

std::string answer(const Classifier& classifier, ReportReader& reader, const std::string& line, std::size_t number,
                   bool& readable) {
    if (line.size() > line_bytes_max) {
        readable = false;
        return dumped({{"schema", 1}, {"id", nullptr}, {"line", number}, {"error", "the line is longer than 4 MiB"}});
    }
    if (const auto report = reader.read(line))
        return verdict(report->id, classifier.classify_text(report->text, parse_component(report->component)));
    return answer_in_full(classifier, line, number, readable);
}

}  // namespace

Result<std::size_t> classify_lines(const Classifier& classifier, std::istream& in, std::ostream& out) {
    std::size_t number = 0, unreadable = 0;
    ReportReader reader;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.empty() || line == "\r") continue;
        bool readable = true;
        // In one piece: whoever flushes each time sends whole lines.
        out << answer(classifier, reader, line, number, readable) + "\n";
        if (!readable) ++unreadable;
        if (!out) return fail(ErrorCode::unavailable, "line {}: the output can't be written", number);
    }
    if (in.bad()) return fail(ErrorCode::unavailable, "the input ended with a read error after line {}", number);
    return unreadable;
}

}  // namespace medic
