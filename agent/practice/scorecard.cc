#include "agent/practice/scorecard.h"

#include <fmt/ranges.h>

#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"

namespace medic::practice {
namespace {

std::string outcome_text(const Scorecard& of) {
    switch (of.outcome) {
        case Outcome::healed: return "healed by the agent";
        case Outcome::came_back: return "came back without the agent";
        case Outcome::only_told: return "told and only observed, as the policy has it";
        case Outcome::patience_over: return "not healed within the patience";
        case Outcome::agent_gone: return "the agent stopped answering";
        case Outcome::aborted: return "aborted";
        case Outcome::not_made: return "the fault could not be made";
        case Outcome::undone_later: return "killed in the middle, undone later";
    }
    return "";
}

std::string or_never(const std::optional<Duration>& duration) { return duration ? seconds_text(*duration) : "never"; }
Json ms_or_null(const std::optional<Duration>& duration) { return duration ? Json(duration->count()) : Json(); }

std::string pretty(const Json& document) { return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string will_do(const Plan& of) {
    if (of.mode == "auto") return of.remedy + " by itself (" + of.why + ")";
    if (of.mode == "ask") return of.remedy + " once a person agrees (" + of.why + ")";
    if (of.mode == "observe") return "nothing: it only says that it would do " + of.remedy + " (" + of.why + ")";
    return "nothing: no remedy of that cause is known";
}

std::string ends_when(const Plan& of) {
    const std::string else_undone = "else undone after " + seconds_text(of.patience);
    if (of.mode == "observe" || of.mode.empty()) return "undone as soon as the agent has said it, " + else_undone;
    return "over once healed, " + else_undone;
}

Json possibility_json(const Possibility& of) {
    return {{"fault", of.fault->name}, {"node", of.node},       {"role", of.fault->role}, {"possible", of.possible()},
            {"has_work", of.has_work}, {"why_not", of.why_not}, {"notes", of.notes},      {"cause", of.fault->cause}};
}

}  // namespace

std::string text_of(const Scorecard& of) {
    const Measured& m = of.measured;
    std::string text = fmt::format("{}  {} on {} of {}: {}\n", of.passed ? "PASSED" : "FAILED", of.fault, of.node,
                                   of.cluster, outcome_text(of));
    const auto line = [&](const char* name, const std::string& value) {
        if (!value.empty()) text += fmt::format("  {:<11} {}\n", name, value);
    };
    line("detected", or_never(m.told));
    line("cause", m.cause.empty() ? fmt::format("none named (expected {})", of.expected_cause)
                                  : fmt::format("{}, {} after {}: {}", m.cause, m.side, or_never(m.named),
                                                of.cause_right ? (m.wrong_first ? "right, after another one" : "right")
                                                               : "wrong, expected " + of.expected_cause + ", system"));
    line("agent", m.acted      ? fmt::format("{} after {}: {}", m.remedy, seconds_text(*m.acted), m.plan)
                  : m.proposed ? fmt::format("proposed {}: {}", m.remedy, m.plan)
                               : "did nothing and proposed nothing");
    line("recovered", or_never(m.healed));
    line("undone", (of.undone ? "" : "NOT UNDONE: ") + of.how_undone);
    line("incidents", fmt::format("{}", fmt::join(m.incidents, ", ")));
    for (const std::string& did : m.did) text += "    " + did + "\n";
    line("note", of.note);
    return text;
}

std::string json_of(const Scorecard& of) {
    const Measured& m = of.measured;
    return pretty({{"schema", 1},
                   {"drill",
                    {{"id", of.id},
                     {"fault", of.fault},
                     {"cluster", of.cluster},
                     {"node", of.node},
                     {"by", of.by},
                     {"at", rfc3339(of.at)},
                     {"at_ms", of.at.unix_ms},
                     {"outcome", to_string(of.outcome)},
                     {"passed", of.passed},
                     {"expected_cause", of.expected_cause},
                     {"expected_mode", of.expected_mode},
                     {"expected_remedy", of.expected_remedy},
                     {"cause", m.cause},
                     {"side", m.side},
                     {"subject", m.subject},
                     {"cause_right", of.cause_right},
                     {"wrong_first", m.wrong_first},
                     {"detect_ms", ms_or_null(m.told)},
                     {"name_ms", ms_or_null(m.named)},
                     {"act_ms", ms_or_null(m.acted)},
                     {"recover_ms", ms_or_null(m.healed)},
                     {"remedy", m.remedy},
                     {"plan", m.plan},
                     {"proposed", m.proposed},
                     {"waited_for", m.waited_for},
                     {"incidents", m.incidents},
                     {"did", m.did},
                     {"undone", of.undone},
                     {"how_undone", of.how_undone},
                     {"note", of.note}}}});
}

std::string text_of(const Plan& of) {
    const Fault& fault = *of.what.fault;
    std::string text = fmt::format("{} on {} of {}\n", fault.name, of.what.node, of.cluster);
    const auto line = [&](const char* name, const std::string& value) {
        text += fmt::format("  {:<9} {}\n", name, value);
    };
    line("fault", made_by(fault));
    line("costs", std::string(fault.costs));
    for (const std::string& note : of.what.notes) line("", note);
    line("undo", undone_by(fault));
    line("expected", fmt::format("{}, side system", fault.cause));
    line("agent", will_do(of));
    line("ends", ends_when(of));
    for (const std::string& objection : of.objections) line("NOT NOW", objection);
    return text;
}

std::string json_of(const Plan& of) {
    const Fault& fault = *of.what.fault;
    return pretty({{"schema", 1},
                   {"plan",
                    {{"fault", fault.name},
                     {"cluster", of.cluster},
                     {"node", of.what.node},
                     {"made_by", made_by(fault)},
                     {"costs", fault.costs},
                     {"notes", of.what.notes},
                     {"undone_by", undone_by(fault)},
                     {"expected_cause", fault.cause},
                     {"expected_side", "system"},
                     {"mode", of.mode},
                     {"remedy", of.remedy},
                     {"why", of.why},
                     {"patience_ms", of.patience.count()},
                     {"objections", of.objections}}}});
}

std::string list_text(const std::vector<Possibility>& all, const std::vector<std::string>& objections) {
    std::string text;
    for (const std::string& objection : objections) text += "not now: " + objection + "\n";
    for (const Fault& fault : all_faults()) {
        text += fmt::format("{} ({})\n", fault.name, fault.cause);
        bool any = false;
        for (const Possibility& one : all) {
            if (one.fault != &fault) continue;
            any = true;
            const auto& why = one.possible() ? one.notes : one.why_not;
            text += fmt::format("  {:<3} {:<20} {}\n", one.possible() ? "yes" : "no", one.node, fmt::join(why, "; "));
        }
        if (!any) text += fmt::format("  no  no {} is listed under `nodes`\n", fault.role);
    }
    return text;
}

std::string list_json(const std::vector<Possibility>& all, const std::vector<std::string>& objections) {
    Json list = Json::array();
    for (const Possibility& one : all) list.push_back(possibility_json(one));
    return pretty({{"schema", 1}, {"objections", objections}, {"faults", list}});
}

}  // namespace medic::practice
