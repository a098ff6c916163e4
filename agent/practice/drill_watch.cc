#include "agent/practice/drill_watch.h"

#include <algorithm>

#include <fmt/format.h>

namespace medic::practice {
namespace {

// One that is told, only observed, and whose cause is right shows nothing more by being broken for longer.
bool only_observed(const IncidentSight& incident) { return incident.state == "observing"; }

}  // namespace

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::healed: return "healed";
        case Outcome::came_back: return "came_back";
        case Outcome::only_told: return "only_told";
        case Outcome::patience_over: return "patience_over";
        case Outcome::agent_gone: return "agent_gone";
        case Outcome::aborted: return "aborted";
        case Outcome::not_made: return "not_made";
        case Outcome::undone_later: return "undone_later";
    }
    return "not_made";
}

std::string seconds_text(Duration duration) {
    return fmt::format("{:.1f} s", static_cast<double>(duration.count()) / 1000.0);
}

DrillWatch::DrillWatch(WatchOptions options, Instant made_at)
    : options_(std::move(options)), made_at_(made_at), answered_at_(made_at) {}

bool DrillWatch::cause_right() const { return measured_.cause == options_.fault->cause && measured_.side == "system"; }

bool DrillWatch::passed(Outcome outcome) const {
    if (!cause_right()) return false;
    if (outcome == Outcome::healed) return true;
    if (options_.mode == "auto") return false;
    // Under `ask` and `observe` it must have said what it would do.
    return measured_.proposed && (outcome == Outcome::only_told || outcome == Outcome::patience_over);
}

void DrillWatch::say(std::vector<std::string>& lines, Instant at, const std::string& text) const {
    lines.push_back(fmt::format("{:>9}  {}", seconds_text(since_made(at)), text));
}

// The one that counts: that of the expected cause, else the first that names any, else the first.
const IncidentSight* DrillWatch::main_of(const std::vector<IncidentSight>& all) const {
    const auto expected = std::ranges::find(all, options_.fault->cause, &IncidentSight::cause);
    if (expected != all.end()) return &*expected;
    const auto named = std::ranges::find_if(all, [](const IncidentSight& one) { return !one.cause.empty(); });
    if (named != all.end()) return &*named;
    return all.empty() ? nullptr : &all.front();
}

void DrillWatch::note(const IncidentSight& incident, Instant at, std::vector<std::string>& lines) {
    const bool right = incident.cause == options_.fault->cause;
    if (!incident.cause.empty() && incident.cause != cause_said_) {
        if (!right) measured_.wrong_first = true;
        if (!measured_.named || right) measured_.named = since_made(at);
        cause_said_ = measured_.cause = incident.cause;
        measured_.side = incident.side;
        measured_.subject = incident.subject;
        say(lines, at,
            fmt::format("told: {} {}, {}, {} — {}", incident.id, incident.cause, incident.side, incident.subject,
                        right && incident.side == "system"
                            ? "the cause and the side are right"
                            : fmt::format("expected {}, system", options_.fault->cause)));
    }
    if (incident.acted && !measured_.acted) {
        measured_.acted = since_made(at);
        say(lines, at, fmt::format("acts: {} — {}", incident.plan_remedy, incident.plan));
    }
    if (!incident.plan_remedy.empty()) {
        measured_.remedy = incident.plan_remedy;
        measured_.plan = incident.plan;
    }
    const bool waits = incident.state == "waiting_approval" || incident.state == "escalated";
    if (waits || only_observed(incident)) {
        measured_.proposed = measured_.proposed || !incident.plan_remedy.empty();
        measured_.waited_for = incident.waiting_for;
        const std::string text =
            only_observed(incident)
                ? "only observed: it would do " + incident.plan_remedy + " — " + incident.plan
                : fmt::format("waits for {}: {}", incident.waiting_for.empty() ? "a person" : incident.waiting_for,
                              incident.plan.empty() ? incident.outcome : incident.plan + " (`medic actions`)");
        if (text != waiting_said_) say(lines, at, waiting_said_ = text);
    }
    measured_.did.clear();
    for (const StoryText& line : incident.story) measured_.did.push_back(line.at + "  " + line.text);
}

void DrillWatch::note_all(const Glimpse& glimpse, std::vector<std::string>& lines) {
    for (const IncidentSight& one : *glimpse.incidents) {
        if (std::ranges::find(measured_.incidents, one.id) != measured_.incidents.end()) continue;
        measured_.incidents.push_back(one.id);
        if (!measured_.told) {
            measured_.told = since_made(glimpse.at);
            if (one.cause.empty()) say(lines, glimpse.at, "seen: " + one.id + ", its cause is not known yet");
        } else if (one.cause != options_.fault->cause && !one.cause.empty()) {
            say(lines, glimpse.at, "also: " + one.id + " " + one.cause + " (" + one.subject + ")");
        }
    }
    if (const IncidentSight* main = main_of(*glimpse.incidents)) note(*main, glimpse.at, lines);
}

std::optional<Outcome> DrillWatch::over(const std::vector<IncidentSight>& all, Instant at) {
    const IncidentSight* main = main_of(all);
    if (main == nullptr) return std::nullopt;
    if (main->healed && !measured_.healed) measured_.healed = since_made(at);
    const bool rest = std::ranges::all_of(all, &IncidentSight::over);
    if (rest && main->healed) return Outcome::healed;
    if (rest) {
        if (!measured_.healed) measured_.healed = since_made(at);
        return Outcome::came_back;
    }
    if (only_observed(*main) && main->cause == options_.fault->cause) return Outcome::only_told;
    return std::nullopt;
}

DrillWatch::Seen DrillWatch::see(const Glimpse& glimpse) {
    Seen seen;
    if (!glimpse.incidents) {
        if (glimpse.at - answered_at_ < options_.silent_max) return seen;
        say(seen.lines, glimpse.at, "the agent does not answer any more");
        seen.over = Outcome::agent_gone;
        return seen;
    }
    answered_at_ = glimpse.at;
    note_all(glimpse, seen.lines);
    seen.over = over(*glimpse.incidents, glimpse.at);
    if (seen.over == Outcome::healed) say(seen.lines, glimpse.at, "healed by the agent");
    if (seen.over == Outcome::came_back) say(seen.lines, glimpse.at, "over, and not by the agent: it came back");
    if (!seen.over && since_made(glimpse.at) >= options_.patience) {
        say(seen.lines, glimpse.at, "nothing has healed it within the patience");
        seen.over = Outcome::patience_over;
    }
    return seen;
}

}  // namespace medic::practice
