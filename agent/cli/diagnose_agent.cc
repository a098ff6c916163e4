#include "agent/cli/diagnose_agent.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "agent/cli/diagnose_text.h"
#include "agent/daemon/diagnosis_document.h"

namespace medic::cli {
namespace {

using Json = nlohmann::json;
using Said = std::map<std::string, std::string>;  // By what stays the same while it holds.

Said causes(const DiagnoseResult& of) {
    Said all;
    for (const Diagnosis& one : of.report.diagnoses)
        all[one.cause + "|" + to_string(one.subject)] = fmt::format(
            "{} {}: {} [{} side, for {}]", one.abstains() ? "cause-not-clear" : one.cause, to_string(one.subject),
            one.summary, to_string(one.side), one.owner.empty() ? "nobody named" : one.owner);
    return all;
}

Said planned(const DiagnoseResult& of) {
    Said all;
    for (const Finding& one : of.report.planned)
        all[to_string(one.subject) + "|" + one.summary] =
            fmt::format("planned-work {}: {}", to_string(one.subject), one.summary);
    return all;
}

Said incidents(const DiagnoseResult& of) {
    Said all;
    for (const OpenIncident& one : of.incidents)
        all[one.id + "|" + one.state] =
            fmt::format("incident {} {}: {}", one.id, to_string(one.diagnosis.subject), one.state);
    return all;
}

Said blind(const DiagnoseResult& of) {
    Said all;
    for (const BlindSpot& one : of.blind) all[one.target] = fmt::format("not-visible {}: {}", one.target, one.why);
    return all;
}

void compare(const Said& before, const Said& now, std::vector<std::string>& lines) {
    for (const auto& [key, text] : now)
        if (!before.contains(key)) lines.push_back("+ " + text);
    for (const auto& [key, text] : before)
        if (!now.contains(key)) lines.push_back("- " + text);
}

}  // namespace

Result<DiagnoseResult> ask_agent(const AgentAddress& address, const std::string& watched) {
    MEDIC_TRY(const std::string url, agent_url(address));
    const auto reply = call_api(address, "GET", "/api/v1/diagnosis");
    if (!reply) return fail(ErrorCode::unavailable, "no agent answers at {}", url);
    if (reply->status == 404) return fail(ErrorCode::not_ready, "the agent at {} is of a version that can't tell", url);
    if (reply->status != 200)
        return fail(ErrorCode::not_ready, "the agent at {} can't tell: {}", url, error_of(*reply));
    if (!watched.empty() && watched_of_document(reply->body) != watched)
        return fail(ErrorCode::outdated, "the agent at {} watches something else than {} says", url, address.config);
    auto result = read_diagnosis_document(reply->body);
    if (!result) return fail(ErrorCode::not_ready, "the agent at {}: {}", url, result.error().message);
    result->seen_by.address = url;  // As it was reached from here.
    return result;
}

std::vector<std::string> changes(const DiagnoseResult* before, const DiagnoseResult& now) {
    std::vector<std::string> lines;
    const bool other_eyes = before != nullptr && before->seen_by.kind != now.seen_by.kind;
    if (before == nullptr || before->verdict != now.verdict || other_eyes) {
        const std::string line = summary_line(now);
        lines.push_back(fmt::format("= {}{}{}", to_string(now.verdict), line.empty() ? "" : ": " + line,
                                    now.seen_by.kind == SeenBy::Kind::agent ? " (as seen by the agent)"
                                    : now.seen_by.note.empty()              ? " (own look)"
                                                                            : " (own look: " + now.seen_by.note + ")"));
    }
    const DiagnoseResult none;
    const DiagnoseResult& was = before == nullptr ? none : *before;
    for (const auto of : {causes, incidents, planned, blind}) compare(of(was), of(now), lines);
    return lines;
}

}  // namespace medic::cli
