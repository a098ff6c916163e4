// The report as JSON and as one HTML page. Everything from the outside is escaped; the page loads nothing.
#include <algorithm>

#include <fmt/core.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/api/incident_view.h"
#include "agent/report/report.h"

namespace medic::report {
namespace {

using Json = nlohmann::json;

Json json_of(const Times& times) {
    Json out{{"count", times.count}, {"median_seconds", nullptr}, {"worst_seconds", nullptr}};
    if (times.median) out["median_seconds"] = *times.median;
    if (times.worst) out["worst_seconds"] = *times.worst;
    return out;
}

Json json_of(const RequestLine& of) {
    return {{"id", of.id},           {"cluster", of.cluster}, {"cause", of.cause},   {"by", of.by},
            {"outcome", of.outcome}, {"summary", of.summary}, {"at", rfc3339(of.at)}};
}

Json causes_json(const Report& report) {
    Json causes = Json::array();
    for (const auto& line : report.causes)
        causes.push_back({{"cause", line.cause},
                          {"side", line.side},
                          {"incidents", line.incidents},
                          {"healed", line.healed},
                          {"went_away", line.went_away},
                          {"escalated", line.escalated},
                          {"escalated_open", line.escalated_open},
                          {"open", line.open},
                          {"recover", json_of(line.recover)}});
    return causes;
}

Json remedies_json(const Report& report) {
    Json remedies = Json::array();
    for (const auto& line : report.remedies)
        remedies.push_back({{"remedy", line.remedy},
                            {"sent", line.sent},
                            {"helped", line.helped},
                            {"failed", line.failed},
                            {"outcome_unknown", line.outcome_unknown},
                            {"undone", line.undone},
                            {"would", line.would},
                            {"judged_right", line.judged_right},
                            {"judged_wrong", line.judged_wrong},
                            {"would_right", line.would_right},
                            {"would_wrong", line.would_wrong},
                            {"promote", line.promote}});
    return remedies;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string row(const std::vector<std::string>& cells, const char* tag = "td") {
    std::string out = "<tr>";
    for (const auto& cell : cells) out += fmt::format("<{0}>{1}</{0}>", tag, escaped(cell));
    return out + "</tr>\n";
}

std::string seconds(const std::optional<double>& value) { return value ? fmt::format("{:.1f} s", *value) : "–"; }

// 2026-11-28
std::string day_of(WallTime at) { return rfc3339(at).substr(0, std::string_view("0000-00-00").size()); }

// A bar for each day.
std::string days_plot(const Report& report) {
    const std::vector<std::size_t>& days = report.per_day;
    constexpr std::int64_t day_ms = 24 * 3'600'000;
    constexpr int height = 90, width = 14;
    const std::size_t most = days.empty() ? 0 : *std::ranges::max_element(days);
    if (most == 0) return {};
    std::string out = fmt::format(
        "<p>Incidents a day, from {} on</p>\n<svg role=\"img\" aria-label=\"incidents a day\" "
        "width=\"{}\" height=\"{}\">",
        day_of(report.per_day_from), days.size() * width, height + 16);
    for (std::size_t i = 0; i < days.size(); ++i) {
        const double bar = static_cast<double>(days[i]) / static_cast<double>(most) * height;
        out += fmt::format("<rect x=\"{}\" y=\"{:.1f}\" width=\"{}\" height=\"{:.1f}\"><title>{}: {}</title></rect>",
                           i * width, height - bar, width - 3, bar,
                           day_of(report.per_day_from + Duration{static_cast<std::int64_t>(i) * day_ms}), days[i]);
    }
    return out + "</svg>\n";
}

constexpr const char* style =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;border-bottom:1px solid #8884;text-align:left}"
    "rect{fill:#3b7dd8}@media(prefers-color-scheme:dark){body{background:#16181c;color:#ddd}}";

}  // namespace

std::string json_of(const Report& report) {
    Json refusals = Json::object(), requests = Json::array();
    for (const auto& [guard, count] : report.refusals) refusals[guard] = count;
    for (const auto& line : report.requests) requests.push_back(json_of(line));
    const Json document{{"schema", 1},
                        {"from", rfc3339(report.from)},
                        {"to", rfc3339(report.to)},
                        {"incidents", report.incidents},
                        {"open", report.open},
                        {"healed", report.healed},
                        {"went_away", report.went_away},
                        {"escalated", report.escalated},
                        {"escalated_open", report.escalated_open},
                        {"abstained", report.abstained},
                        {"by_side", report.by_side},
                        {"detect", json_of(report.detect)},
                        {"recover", json_of(report.recover)},
                        {"over", json_of(report.over)},
                        {"verdicts", {{"right", report.verdicts_right}, {"wrong", report.verdicts_wrong}}},
                        {"causes", causes_json(report)},
                        {"remedies", remedies_json(report)},
                        {"refusals", refusals},
                        {"per_day", report.per_day},
                        {"per_day_from", rfc3339(report.per_day_from)},
                        {"requests", requests}};
    return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string html_of(const Report& report) {
    std::string out = fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Trust report</title>"
        "<meta name=\"viewport\" content=\"width=device-width\"><style>{}</style></head><body>\n"
        "<h1>{} incidents</h1>\n<p>{} to {}: {} healed by the agent, {} went away, {} given to a person{}, {} "
        "open.</p>\n",
        style, report.incidents, rfc3339(report.from), rfc3339(report.to), report.healed, report.went_away,
        report.escalated, report.escalated_open == 0 ? "" : fmt::format(" ({} still open)", report.escalated_open),
        report.open);
    out += days_plot(report);
    out += "<table>\n" + row({"", "median", "longest", "incidents"}, "th");
    out += row({"time to detect", seconds(report.detect.median), seconds(report.detect.worst),
                std::to_string(report.detect.count)});
    out += row({"time to recover", seconds(report.recover.median), seconds(report.recover.worst),
                std::to_string(report.recover.count)});
    out +=
        row({"until over", seconds(report.over.median), seconds(report.over.worst), std::to_string(report.over.count)});
    out += "</table>\n<h2>Causes</h2>\n<table>\n" +
           row({"cause", "side", "all", "healed", "went away", "person", "open", "recovers (median)"}, "th");
    for (const auto& line : report.causes)
        out += row({line.cause.empty() ? "(no cause named)" : line.cause, line.side, std::to_string(line.incidents),
                    std::to_string(line.healed), std::to_string(line.went_away), std::to_string(line.escalated),
                    std::to_string(line.open), seconds(line.recover.median)});
    out += "</table>\n<h2>Remedies</h2>\n<table>\n" +
           row({"remedy", "sent", "helped", "failed", "unknown", "undone", "would have", "right", "wrong", ""}, "th");
    for (const auto& line : report.remedies)
        out += row({line.remedy, std::to_string(line.sent), std::to_string(line.helped), std::to_string(line.failed),
                    std::to_string(line.outcome_unknown), std::to_string(line.undone), std::to_string(line.would),
                    std::to_string(line.judged_right), std::to_string(line.judged_wrong),
                    line.promote ? "may be let to ask or act" : ""});
    out += "</table>\n<h2>Guards that objected</h2>\n<table>\n";
    for (const auto& [guard, count] : report.refusals) out += row({guard, std::to_string(count)});
    out += "</table>\n";
    if (!report.requests.empty()) out += "<h2>Requests of people, which are no incidents</h2>\n<table>\n";
    for (const auto& one : report.requests) out += row({one.id, one.cause, one.cluster, one.by, one.outcome});
    return out + (report.requests.empty() ? "" : "</table>\n") + "</body></html>\n";
}

}  // namespace medic::report
