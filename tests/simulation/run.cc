#include "tests/simulation/run_internal.h"

#include <algorithm>
#include <ranges>
#include <set>
#include <stdexcept>

#include "agent/loop/incident_codec.h"
#include "remediations/planning/deployment.h"

namespace medic::simulation {
namespace {

constexpr Duration tick{500};
constexpr std::size_t incidents_read_max = 100'000;
constexpr Duration calm{12 * 60'000};  // Longer than every time-out of the loop under simulation_options().
// Incidents of one cluster wait for one another: several need several such times.
constexpr Duration calm_max{60 * 60'000};
// At the end all must have been at rest for so long: what the last plan has hidden is reported, and opens an incident.
constexpr Duration rest_min{10'000};
constexpr Duration told_slack{3'000};  // Until what is told has become an incident.

}  // namespace

RunResult Run::play() {
    const auto faulty = static_cast<std::int64_t>(given_.minutes) * 60'000 / tick.count();
    for (std::int64_t i = 0; i < faulty; ++i) {
        next_numbers();
        if (!quiet_) disturb();
        step(deadly_ && !quiet_ ? Mortality::mortal : Mortality::immortal);
    }
    settle();
    Duration rested{0};
    for (Duration passed{0}; passed < calm_max; passed += tick) {
        rested = everything_ended() ? rested + tick : Duration{0};
        if (passed >= calm && rested >= rest_min) break;
        next_numbers();
        step(Mortality::immortal);
    }
    return finish();
}

std::unique_ptr<Journal> Run::open_journal() const {
    auto journal = Journal::open({.path = journal_path_});
    if (!journal) throw std::runtime_error(journal.error().message);
    return *std::move(journal);
}

void Run::boot() {
    JournalState restored = journal_->load(wall_);
    paused_ = !restored.pauses.empty();  // A pause that was never durable was never confirmed to its person either.
    cordoned_.clear();
    for (const CordonRow& row : restored.cordons) cordoned_.insert(row.node);
    mutate(restored, given_.without);
    change_behaviour();
    loop_ = std::make_unique<Loop>(options_, restored);
    outbox_ = Outbox{};
    wanted_.clear();
    inbox_.clear();
    cluster_.forget_replies();
    clock_stepped_ = Duration{-1};
    compared_ = false;
    journal_broken_ = false;
}

// Whoever is started for the first time, or as somebody has changed the policy, acts by rules that are new.
void Run::change_behaviour() {
    if (options_.policy.rollout.first.empty()) return;
    const bool first = options_.behaviour.empty();
    if (!first && !rollouts_.chance(25)) return;
    options_.behaviour += "+";
    changed_ = {monotonic_, wall_};
    probe("behaviour-changed");
}

// By either clock, as a storm.
bool Run::unproven() const {
    const Rollout& rollout = options_.policy.rollout;
    if (rollout.first.empty()) return false;
    return monotonic_ - changed_.monotonic + tick < rollout.hold && wall_ - changed_.wall + tick < rollout.hold;
}

bool Run::everything_ended() const {
    return std::ranges::all_of(loop_->open_incidents(), [](const Incident* one) { return at_rest(*one); });
}

void Run::die(const char* where) {
    probe(where);
    forget_told();
    journal_.reset();  // What was not flushed is gone.
    journal_ = open_journal();
    std::set<std::string> durable;
    for (const auto& row : journal_->incidents(incidents_read_max).value_or(std::vector<IncidentRow>{}))
        durable.insert(row.id);
    std::erase_if(opened_, [&](const auto& one) { return !durable.contains(one.first); });
    if (full_) full_ = !journal_->limit_bytes(journal_bytes_plenty).has_value();
    boot();
}

void Run::note_opened(const Effects& effects) {
    for (const auto& incident : effects.incident_updates) {
        if (incident.cluster == "lab" && opened_.try_emplace(incident.id, Opened{monotonic_, wall_}).second &&
            !incident.requested_by.empty())
            approved_[incident.action_id()] = monotonic_;  // Who asks for a thing agrees to it.
    }
}

// By the policy's measure, and by either clock: a step that no agent saw is no fault of its own.
bool Run::in_storm() const {
    const StormLimits& limits = options_.policy.storm;
    const auto storms = [&](std::vector<std::int64_t> at, std::int64_t now) {
        std::erase_if(at, [&](std::int64_t one) { return one > now; });
        std::ranges::sort(at);
        for (auto i = static_cast<std::size_t>(limits.incidents); i < at.size(); ++i) {
            const auto fewer_at = at[i - static_cast<std::size_t>(limits.incidents)] + limits.window.count();
            if (at[i] < fewer_at && now + tick.count() < fewer_at + limits.calm.count()) return true;
        }
        return false;
    };
    std::vector<std::int64_t> by_monotonic, by_wall;
    for (const auto& [id, opened] : opened_) {
        by_monotonic.push_back(opened.monotonic.count());
        by_wall.push_back(opened.wall.unix_ms);
    }
    return storms(std::move(by_monotonic), monotonic_.count()) && storms(std::move(by_wall), wall_.unix_ms);
}

void Run::note_told(const DiagnosisReport& report) {
    for (const auto& diagnosis : report.diagnoses) {
        if (diagnosis.subject.cluster == "lab") continue;
        Told& told = told_of_others_.try_emplace(diagnosis.cause, Told{monotonic_, monotonic_, {}}).first->second;
        if (monotonic_ - told.last > options_.still_reported_max + told_slack) told = {monotonic_, monotonic_, {}};
        told.last = monotonic_;
        if (!told.known_since) told.known_since = monotonic_;
    }
}

// What an agent heard just before it died, or while its journal could not be written, the next one does not know.
void Run::forget_told() {
    for (auto& [cause, told] : told_of_others_)
        if (journal_broken_ || full_ || (told.known_since && monotonic_ - *told.known_since <= told_slack))
            told.known_since.reset();
}

// For as long as the guard must remember.
bool Run::told_of_others(const std::string& cause) const {
    const auto told = told_of_others_.find(cause);
    if (told == told_of_others_.end() || !told->second.known_since) return false;
    return monotonic_ - *told->second.known_since > told_slack &&
           monotonic_ - told->second.first < same_cause_window - told_slack;
}

void Run::check(const Operation& operation, bool paused_by_file) {
    const auto attempts = keeper_->attempts(incident_of(operation.key)).value_or(std::vector<AttemptRow>{});
    const auto row = std::ranges::find(attempts, operation.key, &AttemptRow::key);
    const auto* start = std::get_if<StartNode>(&operation.body);
    const Sending sending{
        .operation = operation,
        .cluster = cluster_,
        .policy = options_.policy,
        .managed = options_.clusters.front().managed,
        .attempts = attempts,
        .intent = row != attempts.end() ? std::optional(*row) : std::nullopt,
        .now = wall_,
        .monotonic = monotonic_,
        .clock_stepped = clock_stepped_ < Duration{0} ? std::nullopt : std::optional(clock_stepped_),
        .approved = approved_,
        .paused = paused_,
        .paused_by_file = paused_by_file,
        .facts_dark = observer_.dark && dark_since_ && monotonic_ - *dark_since_ > guard_facts_age_max,
        .lease_lost = lease_lost(),
        .everywhere = row != attempts.end() && told_of_others(row->cause),
        .blind = observer_.blind,
        .others_at_work = observer_.somebody_at_work,
        .silenced = observer_.silenced,
        .cordoned = start != nullptr && cordoned_.contains(start->node),
        .unproven = unproven(),
        .in_storm = in_storm(),
        .faults_ever = faults_ever_};
    for (const auto& checker : checkers_) checker->on_sending(sending);
}

// A PAUSE file may appear after the decision and before the sending: the outbox looks once more.
void Run::deliver(const JournalAckResult& ack, bool paused_just_now) {
    const bool paused = paused_just_now || observer_.paused_by_file;
    const auto door = [&](const Operation&) -> std::string {
        if (lease_lost() && !is_without("lease")) return "another agent may act";
        return paused && !is_without(mutation::last_look) ? "a person has paused" : "";
    };
    const auto ready = outbox_.release(ack.sequence, ack.durable, door);
    for (const auto& operation : ready) {
        check(operation, paused);
        const int lost = cluster_.passages["reply-lost"];
        cluster_.send(operation);
        if (cluster_.passages["reply-lost"] != lost && chanced(2, "cut-off")) cut_off();
    }
    if (!ack.durable) probe("not-durable");
    for (auto& reply : outbox_.take_refused()) inbox_.emplace_back(std::move(reply));
}

void Run::hear_people() {
    operate();
    for (const auto& input : inbox_)
        if (const auto* command = std::get_if<OperatorCommand>(&input)) {
            if (command->kind == OperatorCommand::Kind::pause) paused_ = true;
            if (command->kind == OperatorCommand::Kind::resume) paused_ = false;
            if (command->kind == OperatorCommand::Kind::cordon) cordoned_.insert(command->nodes.front());
            if (command->kind == OperatorCommand::Kind::uncordon) cordoned_.erase(command->nodes.front());
        }
}

Effects Run::think() {
    DiagnosisReport report = observer_.report(wall_);
    note_told(report);
    std::vector<Input> inputs;
    inputs.reserve(4 + inbox_.size());
    inputs.emplace_back(observer_.answer(wanted_, wall_));
    inputs.emplace_back(observer_.under_way(wall_));
    inputs.emplace_back(std::move(report));
    if (options_.several_agents) inputs.emplace_back(observer_.acting_agents());
    inputs.insert(inputs.end(), std::make_move_iterator(inbox_.begin()), std::make_move_iterator(inbox_.end()));
    inbox_.clear();
    Effects effects = loop_->tick({Instant(monotonic_), wall_}, inputs);
    compared_ = true;
    wanted_ = effects.fact_requests;
    note_opened(effects);
    for (const auto& checker : checkers_)
        checker->on_tick({.loop = *loop_,
                          .options = options_,
                          .cluster = cluster_,
                          .effects = effects,
                          .monotonic = monotonic_,
                          .journal_broken = journal_broken_});
    return effects;
}

void Run::step(Mortality mortality) {
    monotonic_ += tick;
    wall_ = wall_ + tick;
    for (auto& reply : cluster_.advance(wall_)) inbox_.emplace_back(std::move(reply));
    hear_people();
    Effects effects = think();
    // Rare, but often just when an operation is about to leave: that is where it hurts.
    const bool sends = !effects.operations.empty();
    const bool dies = mortality == Mortality::mortal && chanced(sends ? 4 : 100, "death");
    const auto death = dies ? static_cast<Death>(chance_.between(1, 4)) : Death::none;
    if (is_without(mutation::journal_before_act))
        for (const auto& operation : std::exchange(effects.operations, {})) {
            check(operation, observer_.paused_by_file);
            cluster_.send(operation);
        }
    if (death == Death::before_append) return die("died-before-append");
    const auto sequence = journal_->append(std::move(effects.journal));
    if (death == Death::before_flush) return die("died-before-flush");
    outbox_.hold(sequence.value_or(0), std::move(effects.operations));
    const auto ack = journal_->flush();
    if (death == Death::after_flush) return die(sends ? "died-between-intent-and-sending" : "died-after-flush");
    if (sends && options_.several_agents && chanced(33, "lease-just-now")) lose_lease();
    deliver(ack, sends && chanced(33, "pause-just-now"));
    if (death == Death::after_send) return die(sends ? "died-after-sending" : "died-after-tick");
    dark_since_ = observer_.dark ? std::optional(dark_since_.value_or(monotonic_)) : std::nullopt;
    journal_broken_ = !ack.durable;  // The next tick is told.
    inbox_.emplace_back(JournalAck{ack.sequence, ack.durable});
}

// Read from the journal: an agent that was started again remembers only what was still open.
void Run::count(const Incident& incident) {
    ++result_.outcomes[(incident.diagnosis.cause.empty() ? "(alert only)" : incident.diagnosis.cause) + " " +
                       (incident.outcome.empty() ? std::string(to_string(incident.state)) : incident.outcome)];
    result_.story += fmt::format("{} {} {} outcome={}\n", incident.id, incident.diagnosis.cause,
                                 to_string(incident.state), incident.outcome);
    for (const auto& line : incident.story)
        result_.story += fmt::format("    {} ms: {}\n", line.at.unix_ms - 1'700'000'000'000, line.text);
    if (std::ranges::any_of(incident.untried, [](const auto& why) { return why.contains("managed-elsewhere"); }))
        probe("proposed-elsewhere");
    if (incident.outcome == "healed") probe("healed");
    if (incident.outcome == "healed" && incident.diagnosis.cause == "connect.option-invalid")
        probe("settings-changed-back");
    if (incident.outcome == "healed" && incident.diagnosis.cause == "connect.task-stuck") {
        const std::string_view replace = "connect.replace-stuck-task";
        if (incident.plan && incident.plan->remedy == replace) probe("task-replaced");
        if (std::ranges::find(incident.tried, replace) != incident.tried.end()) probe("task-replaced-in-vain");
    }
    if (incident.outcome == "healed" && incident.diagnosis.cause == "kafka.writes-refused")
        probe("topic-setting-restored");
    if (incident.outcome == "healed" && incident.diagnosis.cause == "kafka.coordinator-stuck")
        probe("coordinator-moved");
    if (incident.diagnosis.cause == "kafka.in-sync-replicas-gone") {
        if (incident.outcome == "healed") probe("copy-in-sync-given-up");
        if (incident.outcome == "went_away") probe("copy-in-sync-came-back");
    }
    if (incident.diagnosis.cause == "kafka.broker-slow") {
        if (incident.outcome == "healed") probe("broker-demoted");
        if (incident.outcome == "undone") probe("demotion-taken-back");
    }
    if (incident.diagnosis.cause == "flink.configuration-does-not-fit-load") {
        if (incident.outcome == "healed") probe(cluster_.load.adaptive ? "job-rescaled" : "job-started-wider");
        if (incident.outcome == "undone") probe("rescale-taken-back");
    }
    if (incident.outcome == "done") probe(incident.diagnosis.cause == deploy_cause ? "deployed" : "rolled");
    if (incident.outcome == "undone" && incident.diagnosis.cause == deploy_cause) probe("deployment-taken-back");
    if (incident.outcome == "healed" && incident.diagnosis.cause == "kafka.hanging-transaction")
        probe("transaction-aborted");
    if (incident.outcome == "healed" && incident.diagnosis.cause == "node.many-faults") probe("node-at-fault-replaced");
    if (incident.outcome == "paused" && incident.diagnosis.cause == "connect.rebalance-storm")
        probe("connector-isolated");
    if (incident.state == IncidentState::escalated) probe("escalated");
    if (incident.outcome == "went_away") probe("went-away");
    if (incident.outcome == "paused" && incident.diagnosis.cause.starts_with("flink.")) probe("crash-loop-paused");
}

RunResult Run::finish() {
    for (const auto& checker : checkers_) {
        checker->at_end({.loop = *loop_,
                         .options = options_,
                         .cluster = cluster_,
                         .effects = {},
                         .monotonic = monotonic_,
                         .journal_broken = journal_broken_});
        for (const auto& violation : checker->violations())
            result_.violations.push_back(fmt::format("{}: {}", checker->name(), violation));
    }
    for (const auto& [passage, count] : cluster_.passages) result_.probes[passage] += count;
    for (const auto& done : cluster_.executed)
        if (done.took_effect) ++result_.probes[std::string(operation_name(done.body))];
    const auto rows = keeper_->incidents(incidents_read_max);
    if (!rows) throw std::runtime_error(rows.error().message);
    for (const auto& row : std::views::reverse(*rows)) {
        ++result_.incidents;
        const auto attempts = keeper_->attempts(row.id);
        for (const auto& attempt : attempts.value_or(std::vector<AttemptRow>{})) probe("attempt-" + attempt.state);
        const auto incident = from_row(row);
        if (!incident) throw std::runtime_error(incident.error().message);
        count(*incident);
        const bool open =
            std::ranges::any_of(loop_->open_incidents(), [&](const Incident* one) { return one->id == row.id; });
        if (row.closed == open)
            result_.violations.push_back(fmt::format("journal-agrees: {} is {} in the journal, {} in the agent", row.id,
                                                     row.state, open ? "open" : "not open"));
    }
    if (quiet_ && result_.incidents > 0) result_.violations.push_back("quiet: an incident although nothing was wrong");
    return std::move(result_);
}

RunResult run(const RunOptions& options) { return Run(options).play(); }

}  // namespace medic::simulation
