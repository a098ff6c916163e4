#include "agent/cli/incident_text_internal.h"

#include <fmt/format.h>

#include <vector>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/plain_text.h"
#include "agent/cli/terminal.h"

namespace medic::cli {
namespace {

// On one line: a line feed in it must not look like another row.
std::string plain(const Json& of, const char* key) { return plain_line(text_of(of, key)); }

void lines(std::string& out, std::string_view head, const std::vector<std::string>& list) {
    if (list.empty()) return;
    out += paint(head, Tone::strong) + "\n";
    for (const std::string& line : list) out += "  " + line + "\n";
}

// With the lines that it has, each further in than its first one.
std::string indented(const std::string& text) {
    std::string out;
    for (const char c : plain_text(text)) out += c == '\n' ? std::string("\n    ") : std::string(1, c);
    return out;
}

std::string cause_line(const Json& diagnosis) {
    const Json& subject = json_part(diagnosis, "subject");
    const Json& confidence = json_part(diagnosis, "confidence");
    const std::string cause = plain(diagnosis, "cause"), owner = plain(diagnosis, "owner");
    std::string out = fmt::format("  cause {}", cause.empty() ? "not clear" : cause);
    if (!plain(subject, "name").empty())
        out += fmt::format(" · {}:{}/{}", plain(subject, "cluster"), plain(subject, "kind"), plain(subject, "name"));
    out += fmt::format(" · owner {}", owner.empty() ? "nobody named" : owner);
    if (confidence.is_number()) out += fmt::format(" · {:.0f} % sure", confidence.get<double>() * 100);
    return out + "\n";
}

// Where it stands: whom it waits for, how it ended and when.
std::string standing(const Json& incident) {
    std::string out;
    for (const auto& [key, before] :
         {std::pair{"waiting_for", "waits for "}, {"outcome", "outcome "}, {"approved_by", "agreed to by "}})
        if (const std::string said = plain(incident, key); !said.empty()) out += fmt::format("  {}{}\n", before, said);
    std::string times;
    for (const auto& [key, what] : {std::pair{"detected_at", "cause named"},
                                    {"acted_at", "first acted"},
                                    {"healed_at", "healed"},
                                    {"resolved_at", "ended"}})
        if (const std::string at = plain(incident, key); !at.empty())
            times += fmt::format("{}{} {}", times.empty() ? "  " : ", ", what, at);
    return times.empty() ? out : out + times + "\n";
}

std::vector<std::string> evidence(const Json& diagnosis) {
    std::vector<std::string> list;
    for (const Json& one : json_part(diagnosis, "evidence"))
        if (one.is_object()) list.push_back(plain(one, "kind") + ": " + indented(text_of(one, "text")));
    return list;
}

std::vector<std::string> plan(const Json& incident) {
    const Json& plan = json_part(incident, "plan");
    if (!plan.is_object()) return {};
    const std::string action = plain(incident, "action");
    std::vector<std::string> list{
        fmt::format("{}: {}{}", plain(plan, "remedy"), plain(plan, "summary"),
                    action.empty() ? "" : fmt::format(" (the action at hand is {})", action))};
    if (const std::string why = plain(plan, "needs_approval"); !why.empty())
        list.push_back("a person must agree: " + why);
    for (const Json& step : json_part(plan, "steps"))
        if (step.is_object()) list.push_back("- " + plain(step, "text"));
    return list;
}

std::vector<std::string> refusals(const Json& incident) {
    std::vector<std::string> list;
    for (const Json& one : json_part(incident, "refusals")) {
        if (!one.is_object()) continue;
        const std::string until = plain(one, "until");
        list.push_back(fmt::format("{}: {}{}", plain(one, "guard"), plain(one, "why"),
                                   until.empty() ? "" : " (until " + until + ")"));
    }
    return list;
}

std::vector<std::string> story(const Json& incident) {
    std::vector<std::string> list;
    for (const Json& entry : json_part(incident, "story"))
        if (entry.is_object()) list.push_back(plain(entry, "at") + " " + plain(entry, "text"));
    return list;
}

}  // namespace

std::string incident_line(const Json& incident) {
    const Json& diagnosis = json_part(incident, "diagnosis");
    const std::string state = plain(incident, "state");
    const Tone tone = state == "resolved" || state == "healed" ? Tone::good
                      : state == "escalated"                   ? Tone::bad
                                                               : Tone::warn;
    return fmt::format("{:<6} {} {:<16} {:<10} {:<8} {}\n", plain(incident, "id"), plain(incident, "opened_at"),
                       paint(fmt::format("{:<16}", state), tone), plain(incident, "cluster"), plain(diagnosis, "side"),
                       plain(diagnosis, text_of(diagnosis, "summary").empty() ? "cause" : "summary"));
}

std::string incident_text(const Json& incident) {
    const Json& diagnosis = json_part(incident, "diagnosis");
    std::string out = incident_line(incident) + cause_line(diagnosis) + standing(incident);
    if (const std::string first = text_of(incident, "first_failure"); !first.empty())
        lines(out, "First failure", {indented(first)});
    lines(out, "Evidence", evidence(diagnosis));
    lines(out, "Plan", plan(incident));
    lines(out, "Held back by", refusals(incident));
    lines(out, "Story", story(incident));
    return out;
}

}  // namespace medic::cli
