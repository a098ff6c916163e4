#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/api/incident_view.h"
#include "agent/base/plain_text.h"
#include "agent/report/report.h"

namespace medic::report {
namespace {

std::string spoken(const std::optional<double>& seconds) {
    if (!seconds) return "–";
    if (*seconds < 120) return fmt::format("{:.1f} s", *seconds);
    if (*seconds < 7'200) return fmt::format("{:.0f} min", *seconds / 60);
    return fmt::format("{:.1f} h", *seconds / 3600);
}

std::string named(const std::string& cause) { return cause.empty() ? "(no cause named)" : cause; }

void write_remedies(const Report& report, std::string& out) {
    out += fmt::format("\n  {:<32} {:>5} {:>7} {:>7} {:>8} {:>7} {:>6} {:>6} {:>6}\n", "remedy", "sent", "helped",
                       "failed", "unknown", "undone", "would", "right", "wrong");
    for (const auto& line : report.remedies)
        out += fmt::format("  {:<32} {:>5} {:>7} {:>7} {:>8} {:>7} {:>6} {:>6} {:>6}\n", line.remedy, line.sent,
                           line.helped, line.failed, line.outcome_unknown, line.undone, line.would, line.judged_right,
                           line.judged_wrong);
    for (const auto& line : report.remedies)
        if (line.promote)
            out += fmt::format(
                "\n  {}: {} shadow decisions were judged right and none wrong: it may be let to ask or act.\n",
                line.remedy, line.would_right);
}

void write_causes(const Report& report, std::string& out) {
    out += fmt::format("\n  {:<36} {:<8} {:>5} {:>7} {:>10} {:>7} {:>5} {:>9}\n", "cause", "side", "all", "healed",
                       "went away", "person", "open", "recovers");
    for (const auto& line : report.causes)
        out += fmt::format("  {:<36} {:<8} {:>5} {:>7} {:>10} {:>7} {:>5} {:>9}\n", named(line.cause), line.side,
                           line.incidents, line.healed, line.went_away, line.escalated, line.open,
                           spoken(line.recover.median));
}

std::string requests_text(const Report& report) {
    if (report.requests.empty()) return "";
    std::string out = fmt::format("\n  {} requests of people (rolls, deployments, dry runs), which are no incidents\n",
                                  report.requests.size());
    for (const RequestLine& one : report.requests)
        out +=
            plain_line(fmt::format("  {}  {} in {} by {}: {}", one.id, one.cause, one.cluster, one.by, one.outcome)) +
            "\n";
    return out;
}

std::string times_text(std::string_view what, const Times& times) {
    return fmt::format("  {}: median {}, longest {} ({} incidents)\n", what, spoken(times.median), spoken(times.worst),
                       times.count);
}

}  // namespace

std::string text_of(const Report& report) {
    std::string out = fmt::format("{} to {}\n", rfc3339(report.from), rfc3339(report.to));
    if (report.incidents == 0) return out + "  no incident\n" + requests_text(report);
    out += fmt::format("  {} incidents: {} healed by the agent, {} went away, {} given to a person{}, {} open\n",
                       report.incidents, report.healed, report.went_away, report.escalated,
                       report.escalated_open == 0 ? "" : fmt::format(" ({} still open)", report.escalated_open),
                       report.open);
    out += "  by side:";
    for (const auto& [side, count] : report.by_side) out += fmt::format(" {} {}", count, side);
    out += fmt::format("; without a cause: {}\n", report.abstained);
    out += times_text("time to detect", report.detect);
    out += times_text("time to recover", report.recover);
    out += times_text("until over", report.over);
    out += fmt::format("  people's verdicts: {} right, {} wrong\n", report.verdicts_right, report.verdicts_wrong);
    write_causes(report, out);
    if (!report.remedies.empty()) write_remedies(report, out);
    if (!report.refusals.empty()) out += "\n  guards that objected\n";
    for (const auto& [guard, count] : report.refusals) out += fmt::format("  {:>5}  {}\n", count, guard);
    out += requests_text(report);
    out += "\n  Not in it: how available jobs were (the journal holds no series); ask Prometheus.\n";
    return out;
}

}  // namespace medic::report
