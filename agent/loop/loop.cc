#include "agent/loop/loop.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/loop/incident_codec.h"
#include "agent/loop/state_internal.h"

namespace medic {
namespace {

constexpr int moves_per_tick_max = 8;  // Of one incident; a plan whose steps are all done already passes in one tick.
constexpr Duration journal_probe_interval{5'000};
constexpr Duration stale_after{8'000};  // A look at the default 5 s, and it may take a while.

}  // namespace

Effects Loop::State::tick(Now at, std::span<const Input> inputs) {
    effects = {};
    wanted.clear();
    stale.clear();
    touched.clear();
    ++health.ticks;
    now = at.wall;
    compare_clocks(at);
    if (fresh_start) settle_after_restart();
    for (const auto& input : inputs) std::visit([&](const auto& what) { take(what); }, input);
    watch_storms();
    // What is found in this tick is found everywhere before anything is done about it anywhere: a fault of many
    // clusters is known as one.
    for (auto& [number, incident] : open)
        if (incident.state == IncidentState::diagnosing) advance(incident);
    for (auto& [number, incident] : open) {
        for (int moves = 0; moves < moves_per_tick_max; ++moves) {
            const auto before = std::tuple(incident.state, incident.step_number, incident.ladder);
            advance(incident);
            if (before == std::tuple(incident.state, incident.step_number, incident.ladder)) break;
        }
    }
    want(pause_file_key());
    if (!journal_writable && now - journal_probed_at >= journal_probe_interval) write_all_anew();
    watch_rollout();
    Effects result = finish();
    close_ended();
    forget_old();
    return result;
}

// Wall and monotonic time must go on together; where they don't, nothing that was measured before can be compared.
void Loop::State::compare_clocks(Now at) {
    if (last_now) {
        const Duration by = (at.wall - last_now->wall) - (at.monotonic - last_now->monotonic);
        clock.compared = true;
        if (std::chrono::abs(by) >= options.clock_step_min) {
            clock.stepped_at = at.wall;
            clock.step = by;
            shift_times(by);
            tell_everybody({}, fmt::format("the wall clock stepped by {} ms: nothing acts for a minute", by.count()));
        }
    } else if (at.wall + options.clock_step_min < newest_recorded) {
        clock.stepped_at = at.wall;
        clock.step = at.wall - newest_recorded;
    }
    last_now = at;
}

void Loop::State::shift_times(Duration by) {
    book.clear();
    if (sight.reported_at) sight.reported_at = *sight.reported_at + by;
    operations.at = operations.at + by;
    for (auto& [number, incident] : open) shift_times(incident, by);
    for (auto& [cluster, storm] : storms) storm.shift(by);
    if (behaviour.since.unix_ms != 0) behaviour.since = behaviour.since + by;
}

void Loop::State::shift_times(Incident& incident, Duration by) {
    for (WallTime* time :
         {&incident.opened_at, &incident.noticed_at, &incident.detected_at, &incident.acted_at, &incident.healed_at,
          &incident.state_since, &incident.last_reported_at, &incident.step_acted_at, &incident.deadline})
        if (time->unix_ms != 0) *time = *time + by;
    if (incident.not_before) incident.not_before = *incident.not_before + by;
    incident.holds_since.reset();
    touch(incident);
}

const Incident* Loop::State::known(std::uint64_t number) const {
    if (const auto found = open.find(number); found != open.end()) return &found->second;
    const auto past = std::ranges::find(ended, number, number_of);
    return past == ended.end() ? nullptr : &*past;
}

Effects Loop::State::finish() {
    effects.incident_updates.reserve(touched.size());
    for (const auto number : touched) {
        const Incident* incident = known(number);
        if (incident == nullptr) continue;
        effects.journal.emplace_back(to_row(*incident));
        effects.incident_updates.push_back(*incident);
    }
    effects.fact_requests.assign(wanted.begin(), wanted.end());
    effects.stale_facts.assign(stale.begin(), stale.end());
    return std::exchange(effects, {});
}

// After the disk has failed, what it holds may lack entries: everything that is still open is written again.
void Loop::State::write_all_anew() {
    journal_probed_at = now;
    for (const auto& [number, incident] : open) touched.insert(number);
    for (const auto& pause : pauses)
        effects.journal.emplace_back(PauseRow{pause.cluster, pause.reason, pause.by, pause.since, true});
    for (const auto& one : cordons)
        effects.journal.emplace_back(CordonRow{one.cluster, one.node, one.reason, one.by, one.since, true});
    if (!behaviour.behaviour.empty()) effects.journal.emplace_back(behaviour);
    effects.journal.emplace_back(DecisionRow{now, {}, {}, "journal", "retry", "trying to write the journal again", {}});
}

void Loop::State::close_ended() {
    for (auto item = open.begin(); item != open.end();) {
        if (!item->second.ended()) {
            ++item;
            continue;
        }
        ended.push_back(std::move(item->second));
        item = open.erase(item);
        if (ended.size() > options.ended_kept_max) ended.pop_front();
    }
}

void Loop::State::forget_old() {
    book.forget_before(now);
    while (!history.empty() && (history.size() > options.history_max || now - history.front().at > options.history))
        history.pop_front();
}

void Loop::State::set_state(Incident& incident, IncidentState state, const std::string& why) {
    if (incident.state == state) return;
    incident.state = state;
    incident.state_since = now;
    tell(incident, why);
}

void Loop::State::tell(Incident& incident, std::string text) {
    touch(incident);
    if (text.empty()) return;
    if (incident.story.size() >= options.story_lines_max) incident.story.erase(incident.story.begin() + 2);
    incident.story.push_back({now, std::move(text)});
}

void Loop::State::notify(const Incident& incident, Notification::Kind kind, std::string text) {
    effects.notifications.push_back(
        {incident.id, incident.cluster, incident.diagnosis.owner, kind, std::move(text), now});
}

void Loop::State::tell_everybody(const std::string& cluster, std::string text) {
    effects.notifications.push_back({{}, cluster, {}, Notification::Kind::agent, std::move(text), now});
}

void Loop::State::decide_on(const Incident& incident, std::string kind, std::string verdict, std::string text,
                            std::string inputs) {
    effects.journal.emplace_back(DecisionRow{.at = now,
                                             .incident = incident.id,
                                             .key = incident.plan ? incident.action_id() : std::string(),
                                             .kind = std::move(kind),
                                             .verdict = std::move(verdict),
                                             .text = std::move(text),
                                             .inputs = std::move(inputs)});
}

void Loop::State::escalate(Incident& incident, std::string outcome, const std::string& why) {
    incident.outcome = std::move(outcome);
    // No report will name what a request has left undone: a broker that was stopped and did not come back.
    incident.left_midway = incident.begun || (!incident.requested_by.empty() && incident.acted);
    const bool on_its_way = incident.state == IncidentState::acting || incident.state == IncidentState::probing;
    incident.may_still_come = on_its_way && still_comes(incident, incident.current()) != Truth::no;
    incident.begun = false;
    incident.waiting_for = incident.diagnosis.owner.empty() ? "on call" : incident.diagnosis.owner;
    set_state(incident, IncidentState::escalated, why);
    decide_on(incident, "escalation", incident.outcome, why);
    notify(incident, Notification::Kind::escalated, why);
}

void Loop::State::resolve(Incident& incident, std::string outcome, const std::string& why) {
    if (incident.outcome.empty()) incident.outcome = std::move(outcome);
    incident.resolved_at = now;
    incident.begun = false;
    incident.waiting_for.clear();
    set_state(incident, IncidentState::resolved, why);
    notify(incident, Notification::Kind::resolved, why);
}

void Loop::State::want(const std::vector<Condition>& conditions) {
    for (const auto& condition : conditions) want(condition.fact);
}

// What proves a step may be on a page that is read once a minute: too seldom for the time that a proof may take.
void Loop::State::want_soon(const std::vector<Condition>& conditions) {
    for (const auto& condition : conditions)
        if (book.fresh(condition.fact, now, stale_after) == nullptr) stale.insert(condition.fact);
}

// The same measure as the self-doubt guard's: then neither acting nor believing that a fault is gone is sound.
bool Loop::State::blind() const {
    return !sight.reported_at || sight.targets_total == 0 ||
           (sight.targets_blind >= 3 && sight.targets_blind * 2 > sight.targets_total);
}

bool add_bounded(std::vector<std::string>& list, const std::string& text, std::size_t most) {
    if (list.size() >= most || std::ranges::find(list, text) != list.end()) return false;
    list.push_back(text);
    return true;
}

Loop::Loop(LoopOptions options, const JournalState& restored)
    : state_(std::make_unique<State>(std::move(options), restored)) {}
Loop::~Loop() = default;

Effects Loop::tick(Now now, std::span<const Input> inputs) { return state_->tick(now, inputs); }

std::vector<Incident> Loop::incidents() const {
    std::vector<Incident> all(state_->ended.begin(), state_->ended.end());
    for (const auto& [number, incident] : state_->open) all.push_back(incident);
    std::ranges::sort(all, {}, [](const Incident& incident) { return State::number_of(incident); });
    return all;
}

std::vector<const Incident*> Loop::open_incidents() const {
    std::vector<const Incident*> all;
    for (const auto& [number, incident] : state_->open) all.push_back(&incident);
    return all;
}

const std::vector<Cordon>& Loop::cordons() const { return state_->cordons; }
const std::vector<Pause>& Loop::pauses() const { return state_->pauses; }

LoopHealth Loop::health() const {
    LoopHealth health = state_->health;
    health.acting = state_->journal_writable && state_->history_complete;
    health.problem = state_->problem;
    health.incidents_open = state_->open.size();
    health.facts = state_->book.size();
    return health;
}

}  // namespace medic
