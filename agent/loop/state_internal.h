// The loop's state and its parts. Only for this room's .cc files: intake.cc (what was heard), advance.cc (one
// incident's next move), requests.cc (what people ask for), question.cc (what the guards are told), act.cc (refusals,
// sending, outcomes), restore.cc (after a restart), cordon.cc (nodes that people keep out of use), storm.cc (too many
// incidents at once), rollout.cc (what is new acts somewhere first), loop.cc (the order of a tick).
#pragma once

#include <deque>
#include <map>
#include <set>
#include <tuple>

#include "agent/loop/loop.h"
#include "remediations/guards/reach.h"
#include "remediations/planning/conditions.h"
#include "remediations/verification/verification.h"

namespace medic {

// A cause at a subject: what one incident is about.
struct CauseKey {
    std::string cluster, cause;
    Subject subject;
    auto operator<=>(const CauseKey&) const = default;
};

// How many incidents one cluster has had lately. Counted from the incidents themselves, so that an agent that is
// restarted counts the same.
struct StormWatch {
    std::deque<WallTime> opened;      // At most StormLimits::incidents_max + 1, oldest first.
    std::size_t most = 0;             // Within the window, in this storm.
    std::optional<WallTime> over_at;  // nullopt: calm.
    bool told = false;                // People know of this storm.

    void add(WallTime at, const StormLimits& limits);
    void end();
    void shift(Duration by);
    void restart(WallTime now, const StormLimits& limits);  // By the clock of an agent that has just begun.
};

struct Loop::State {
    State(LoopOptions given, const JournalState& restored);

    // Fixed after construction.
    LoopOptions options;
    Planner planner;
    Guards guards;

    // What is known.
    FactBook book;
    Sight sight;
    std::map<CauseKey, WallTime> present;  // Of the last report, with the episode's start.
    OperationsUnderWay operations;
    std::map<std::string, ActingAgent> acting_agents;  // By cluster.
    std::map<std::string, Alert> alerts;               // Firing ones, by fingerprint and start.
    ClockHealth clock;
    std::optional<Now> last_now;
    WallTime newest_recorded;  // The newest time in the restored journal.

    // What is remembered.
    std::map<std::uint64_t, Incident> open;  // By number.
    std::deque<Incident> ended;
    std::uint64_t incidents_ever = 0;
    std::deque<PastAttempt> history;
    std::vector<Pause> pauses;
    std::vector<Cordon> cordons;
    std::set<std::tuple<std::string, std::string, std::string>> quarantined;  // cluster, job, version
    std::map<std::pair<std::string, std::string>, bool> node_is_spare;        // cluster, node
    std::map<std::string, StormWatch> storms;                                 // By cluster.
    BehaviourRow behaviour;                                                   // Of `options`; "" without a rollout.
    bool fresh_start = true;                                                  // The first tick after a restart.
    bool journal_writable = true, history_complete = true;
    std::string problem;
    WallTime journal_probed_at;
    LoopHealth health;

    // Of the tick at hand.
    WallTime now;
    Effects effects;
    std::set<FactKey> wanted, stale;
    std::set<std::uint64_t> touched;

    // loop.cc
    Effects tick(Now at, std::span<const Input> inputs);
    void compare_clocks(Now at);
    void shift_times(Duration by);
    void shift_times(Incident& incident, Duration by);
    void close_ended();
    void forget_old();
    void write_all_anew();
    [[nodiscard]] const Incident* known(std::uint64_t number) const;  // nullptr: neither open nor lately ended.
    Effects finish();

    // restore.cc
    void restore(const JournalState& restored);
    void settle_after_restart();

    // storm.cc
    void restore_storms();
    void watch_storms();
    [[nodiscard]] std::optional<Storm> storm_in(const std::string& cluster) const;

    // cordon.cc
    void cordon(const OperatorCommand& command);
    [[nodiscard]] const Cordon* cordon_of(const std::string& cluster, const std::string& node) const;

    // rollout.cc
    void begin_rollout();
    void watch_rollout();
    [[nodiscard]] std::optional<Unproven> unproven_in(const std::string& cluster) const;

    // intake.cc
    void take(const TimerTick&) {}
    void take(const DiagnosisReport& report);
    void take(const Facts& facts);
    void take(const OperationsUnderWay& under_way) { operations = under_way; }
    void take(const ActingAgents& agents) { acting_agents = agents.by_cluster; }
    void take(const Alert& alert);
    void take(const OperatorCommand& command);
    void take(const OperationReply& reply);
    void take(const JournalAck& ack);
    void take_diagnosis(const Diagnosis& diagnosis, const std::set<CauseKey>& reported);
    Incident* find_home(const Diagnosis& diagnosis, const std::set<CauseKey>& reported);
    Incident* find_touched_by(const Diagnosis& diagnosis);
    void refresh(Incident& incident, const Diagnosis& diagnosis);
    Incident* open_incident(const Diagnosis& diagnosis);
    Incident* find(std::string_view incident_or_action);
    void pause(const OperatorCommand& command);
    void resume(const OperatorCommand& command);
    void approve(Incident& incident, const OperatorCommand& command);
    void stop(Incident& incident, const OperatorCommand& command);
    void undo(Incident& incident, const OperatorCommand& command);

    // requests.cc
    void roll(const OperatorCommand& command);
    void deploy(const OperatorCommand& command);
    void answer(const OperatorCommand& command, std::string text);
    [[nodiscard]] const ClusterInfo* asked_cluster(const OperatorCommand& command);
    void open_request(const OperatorCommand& command, const Diagnosis& wish);
    void keep_requests_alive(std::set<CauseKey>& reported);
    void want_what_runs_there(const Incident& incident);
    void preview(Incident& incident);
    [[nodiscard]] std::string estimate_of(const Incident& incident) const;
    [[nodiscard]] bool is_own_work(const Incident& incident, const OperationUnderWay& operation) const;

    // advance.cc
    void advance(Incident& incident);
    void diagnose(Incident& incident);
    void wait(Incident& incident);
    void want_plan(const Incident& incident);
    [[nodiscard]] bool answered(const Incident& incident, const Step& step) const;
    [[nodiscard]] bool has_moved_on(const Incident& incident, const Step& step) const;
    void follow_job(Incident& incident, Step step);
    void notice_living_job(Incident& incident);
    void expect_reply(Incident& incident);
    [[nodiscard]] Truth still_comes(const Incident& incident, const Step& step) const;
    void probe(Incident& incident);
    void check(Incident& incident);
    void had_no_effect(Incident& incident, const std::string& why);
    void watch_healed(Incident& incident);
    void watch_what_comes(Incident& incident);
    void watch_escalated(Incident& incident);
    [[nodiscard]] Truth is_over(const Incident& incident) const;
    bool is_gone(const Incident& incident) const;
    bool recurs(const Incident& incident) const;

    // agreement.cc
    [[nodiscard]] static bool is_as_agreed(const Plan& plan, const Plan& before);

    // propose.cc
    void plan(Incident& incident);
    // `tried`: an operation of the remedy at hand was sent; without it nothing may be said of its effect.
    enum class Rung : std::uint8_t { tried, untried };
    void next_rung(Incident& incident, Rung left, const std::string& why);
    void plan_anew(Incident& incident);
    void ask_for_unfenced(const Incident& incident, Plan& plan) const;
    void ask_for_records(const Incident& incident, Plan& plan) const;
    void ladder_ended(Incident& incident);
    [[nodiscard]] bool observes_only(const Incident& incident) const;
    [[nodiscard]] bool is_spare(const std::string& cluster, const NodeInfo& node) const;
    PlanningView view_of(const Incident& incident, const std::vector<FactKey>& needs) const;

    // question.cc
    Step prepared(const Incident& incident) const;
    [[nodiscard]] std::string own_savepoint(const Incident& incident, const Subject& job) const;
    [[nodiscard]] std::vector<std::string> clusters_with_cause_of(const Incident& incident) const;
    void ask_silences(const Incident& incident, GuardQuestion& question) const;
    [[nodiscard]] std::vector<ManagedChange> managed_by_others(const Incident& incident) const;
    [[nodiscard]] std::vector<const NodeInfo*> role_of(const Incident& incident, const std::string& node) const;
    [[nodiscard]] std::string broker_on(const Incident& incident, const std::string& node) const;
    [[nodiscard]] std::vector<FactKey> facts_before_taking(const Incident& incident, const std::string& node) const;
    void add_broker(const Incident& incident, TakenAway& taking) const;
    [[nodiscard]] std::optional<TakenAway> taken_by(const Incident& incident, const Step& step) const;
    GuardQuestion question_about(const Incident& incident, const Step& step) const;
    std::vector<std::string> others_acting(const Incident& incident) const;

    // act.cc
    void refused(Incident& incident, const GuardQuestion& question, std::vector<Refusal> refusals);
    [[nodiscard]] Duration reply_max(const Step& step) const;
    void send(Incident& incident, Permit permit);
    [[nodiscard]] bool has_done_something(const Incident& incident) const;
    void changed_nothing(Incident& incident, bool left);
    void replied(Incident& incident, const std::string& detail, const std::string& how);
    void left_out(Incident& incident, const std::string& why);
    void retry(Incident& incident, const std::string& why);
    void step_done(Incident& incident, const std::string& why);
    void begin_step(Incident& incident, std::size_t step);
    void plan_ended(Incident& incident);
    void plan_failed(Incident& incident, Outcome outcome, const std::string& why);
    void begin_undo(Incident& incident, const std::string& why);
    void put_into_quarantine(const Incident& incident, const Quarantine& bad);
    void leave_earlier_savepoints(Incident& incident, const Subject& job);
    void record_attempt(const Incident& incident, std::string state, std::string result);

    // Both.
    void set_state(Incident& incident, IncidentState state, const std::string& why);
    void tell(Incident& incident, std::string text);
    void notify(const Incident& incident, Notification::Kind kind, std::string text);
    void tell_everybody(const std::string& cluster, std::string text);  // Of the agent itself; "": of no one cluster.
    void decide_on(const Incident& incident, std::string kind, std::string verdict, std::string text,
                   std::string inputs = {});
    void escalate(Incident& incident, std::string outcome, const std::string& why);
    void resolve(Incident& incident, std::string outcome, const std::string& why);
    void want(const std::vector<Condition>& conditions);
    void want(const FactKey& key) { wanted.insert(key); }
    void want_soon(const std::vector<Condition>& conditions);
    void touch(const Incident& incident) { touched.insert(number_of(incident)); }
    [[nodiscard]] static std::uint64_t number_of(const Incident& incident) {
        return std::stoull(incident.id.substr(1));
    }
    [[nodiscard]] static CauseKey key_of(const Diagnosis& d) { return {d.subject.cluster, d.cause, d.subject}; }
    [[nodiscard]] ConditionContext context(WallTime since = {}) const {
        return {.now = now, .age_max = guard_facts_age_max, .since = since};
    }
    [[nodiscard]] bool blind() const;
};

// The cluster is this incident's: its plan is under way, and not backing off.
[[nodiscard]] bool holds_cluster(const Incident& incident);

// What shows that the step's operation took place.
[[nodiscard]] const std::vector<Condition>& signs_of(const Step& step);

// The texts of decisions that replay compares.
[[nodiscard]] std::string plan_verdict(const Result<Plan>& plan);
[[nodiscard]] std::string encode_planning(const std::string& remedy, const Diagnosis& diagnosis,
                                          const PlanningView& view);
struct PlanningQuestion {
    std::string remedy;
    Diagnosis diagnosis;
    PlanningView view;
};
[[nodiscard]] Result<PlanningQuestion> decode_planning(std::string_view text);

// Unless it is there or the list is full; says whether it was added.
bool add_bounded(std::vector<std::string>& list, const std::string& text, std::size_t most);

}  // namespace medic
