#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/api/incident_view.h"
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
                line.remedy, line.judged_right);
}

}  // namespace

std::string text_of(const Report& report) {
    std::string out = fmt::format("{} to {}\n", rfc3339(report.from), rfc3339(report.to));
    if (report.incidents == 0) return out + "  no incident\n";
    out += fmt::format("  {} incidents: {} healed by the agent, {} went away, {} given to a person, {} open\n",
                       report.incidents, report.healed, report.went_away, report.escalated, report.open);
    out += "  by side:";
    for (const auto& [side, count] : report.by_side) out += fmt::format(" {} {}", count, side);
    out += fmt::format("; without a cause: {}\n", report.abstained);
    out += fmt::format("  time to detect: median {}, longest {} ({} incidents)\n", spoken(report.detect.median),
                       spoken(report.detect.worst), report.detect.count);
    out += fmt::format("  time to recover: median {}, longest {} ({} incidents)\n", spoken(report.recover.median),
                       spoken(report.recover.worst), report.recover.count);
    out += fmt::format("  people's verdicts: {} right, {} wrong\n", report.verdicts_right, report.verdicts_wrong);
    out += fmt::format("\n  {:<36} {:<8} {:>5} {:>7} {:>10} {:>7} {:>9}\n", "cause", "side", "all", "healed",
                       "went away", "person", "recovers");
    for (const auto& line : report.causes)
        out += fmt::format("  {:<36} {:<8} {:>5} {:>7} {:>10} {:>7} {:>9}\n", named(line.cause), line.side,
                           line.incidents, line.healed, line.went_away, line.escalated, spoken(line.recover.median));
    if (!report.remedies.empty()) write_remedies(report, out);
    if (!report.refusals.empty()) out += "\n  guards that objected\n";
    for (const auto& [guard, count] : report.refusals) out += fmt::format("  {:>5}  {}\n", count, guard);
    out += "\n  Not in it: how available jobs were (the journal holds no series); ask Prometheus.\n";
    return out;
}

}  // namespace medic::report
