#include "agent/api/incident_view.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string_view>

#include "agent/api/diagnosis_json_internal.h"

namespace medic {
namespace {

// Milliseconds between two moments; null while one of them has not come.
Json took(WallTime from, WallTime to) {
    return from.unix_ms == 0 || to.unix_ms == 0 ? Json() : Json((to - from).count());
}

Json subject(const Subject& of) { return {{"cluster", of.cluster}, {"kind", of.kind}, {"name", of.name}}; }

Json diagnosis(const Diagnosis& of) {
    return {{"cause", of.cause},
            {"cause_group", of.cause_group},
            {"side", to_string(of.side)},
            {"owner", of.owner},
            {"subject", subject(of.subject)},
            {"since", time_json(of.since)},
            {"confidence", of.confidence},
            {"summary", of.summary},
            {"evidence", evidence_json(of.evidence)},
            {"alternatives", alternatives_json(of.alternatives)},
            {"effects", of.effects},
            {"missing", of.missing},
            {"remedies", of.remedies},
            {"facts", of.facts},
            {"abstains", of.abstains()}};
}

Json refusals(const std::vector<Refusal>& of) {
    Json list = Json::array();
    for (const Refusal& one : of)
        list.push_back({{"guard", one.guard}, {"why", one.why}, {"until", one.until ? time_json(*one.until) : Json()}});
    return list;
}

Json step(const Step& of) {
    return {{"remedy", of.remedy},
            {"text", of.text},
            {"operation", operation_name(of.operation)},
            {"subject", subject(of.subject)},
            {"undo", of.undo},
            {"risk", to_string(of.risk)},
            {"destroys", to_string(of.destroys)}};
}

Json plan(const Plan& of) {
    Json steps = Json::array();
    for (const Step& one : of.steps) steps.push_back(step(one));
    return {{"remedy", of.remedy}, {"summary", of.summary}, {"needs_approval", of.needs_approval}, {"steps", steps}};
}

// A step is at hand: it waits, or it is under way.
bool has_action(const Incident& of) { return of.plan && !of.ended() && of.step < of.steps().size(); }

Json incident(const Incident& of) {
    Json story = Json::array();
    for (const StoryLine& line : of.story) story.push_back({{"at", time_json(line.at)}, {"text", line.text}});
    return {{"id", of.id},
            {"cluster", of.cluster},
            {"state", to_string(of.state)},
            {"outcome", of.outcome},
            {"waiting_for", of.waiting_for},
            {"opened_at", time_json(of.opened_at)},
            {"detected_at", time_json(of.detected_at)},
            {"acted_at", time_json(of.acted_at)},
            {"healed_at", time_json(of.healed_at)},
            {"resolved_at", time_json(of.resolved_at)},
            {"detect_ms", took(of.opened_at, of.detected_at)},
            {"recover_ms", took(of.opened_at, of.healed_at)},
            {"diagnosis", diagnosis(of.diagnosis)},
            {"first_failure", of.first_failure},
            {"effects", of.effects},
            {"alerts", of.alerts},
            {"story", story},
            {"refusals", refusals(of.refusals)},
            {"plan", of.plan ? plan(*of.plan) : Json()},
            {"action", has_action(of) ? of.action_id() : std::string()},
            {"approved_by", of.approved_by}};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A digit for each 0 of the form, and the rest as it stands there.
bool has_form(std::string_view text, std::string_view form) {
    return std::ranges::equal(text, form,
                              [](char c, char wanted) { return wanted == '0' ? is_digit(c) : c == wanted; });
}

int digits(std::string_view text, std::size_t at, std::size_t count) {
    int number = 0;
    for (const char digit : text.substr(at, count)) number = number * 10 + (digit - '0');
    return number;
}

}  // namespace

std::string rfc3339(WallTime at) {
    if (at.unix_ms == 0) return "";
    const std::time_t seconds = at.unix_ms / 1000;
    std::tm parts = {};
    gmtime_r(&seconds, &parts);
    char text[64];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return std::string(text, length) + fmt::format(".{:03}Z", at.unix_ms % 1000);
}

std::optional<WallTime> read_rfc3339(const std::string& text) {
    constexpr std::string_view form = "0000-00-00T00:00:00";
    if (text.size() <= form.size() || !has_form(std::string_view(text).substr(0, form.size()), form))
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(digits(text, 0, 4)),
                                           std::chrono::month(static_cast<unsigned>(digits(text, 5, 2))),
                                           std::chrono::day(static_cast<unsigned>(digits(text, 8, 2)))};
    const int hours = digits(text, 11, 2), minutes = digits(text, 14, 2), seconds = digits(text, 17, 2);
    if (!date.ok() || hours > 23 || minutes > 59 || seconds > 60) return std::nullopt;  // 60: a leap second.
    std::int64_t ms = std::chrono::milliseconds(std::chrono::sys_days(date).time_since_epoch()).count() +
                      ((hours * 60LL + minutes) * 60 + seconds) * 1000;
    std::string_view rest = std::string_view(text).substr(form.size());
    if (rest.front() == '.') {
        const std::size_t end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
        if (end == 1) return std::nullopt;
        std::int64_t weight = 100;
        for (const char digit : rest.substr(1, end - 1)) {
            ms += (digit - '0') * weight;
            weight /= 10;
        }
        rest.remove_prefix(end);
    }
    if (rest == "Z") return WallTime{ms};
    if (!has_form(rest, "+00:00") && !has_form(rest, "-00:00")) return std::nullopt;
    const int offset_hours = digits(rest, 1, 2), offset_minutes = digits(rest, 4, 2);
    if (offset_hours > 23 || offset_minutes > 59) return std::nullopt;
    const std::int64_t offset_ms = (offset_hours * 60 + offset_minutes) * 60'000LL;
    return WallTime{rest.front() == '+' ? ms - offset_ms : ms + offset_ms};
}

std::string incident_json(const Incident& one) {
    Json out = incident(one);
    out["schema"] = 1;
    return dump(out);
}

std::string incidents_json(const std::vector<Incident>& incidents) {
    Json list = Json::array();
    for (auto one = incidents.rbegin(); one != incidents.rend(); ++one) list.push_back(incident(*one));
    return dump({{"schema", 1}, {"incidents", list}});
}

std::string actions_json(const std::vector<Incident>& incidents) {
    Json list = Json::array();
    for (const Incident& one : incidents) {
        if (!has_action(one)) continue;
        Json action = step(one.current());
        action["id"] = one.action_id();
        action["incident"] = one.id;
        action["cluster"] = one.cluster;
        action["state"] = to_string(one.state);
        action["waiting_for"] = one.waiting_for;
        action["cause"] = one.diagnosis.cause;
        action["refusals"] = refusals(one.refusals);
        list.push_back(std::move(action));
    }
    return dump({{"schema", 1}, {"actions", list}});
}

}  // namespace medic
