#include <filesystem>

#include "agent/daemon/agent_state_internal.h"
#include "agent/daemon/checkpoint_folder.h"
#include "agent/daemon/doors.h"
#include "agent/daemon/owners.h"
#include "agent/world/real/service_manager.h"

namespace medic {
namespace {

constexpr Duration forget_every{60'000};

}  // namespace

// Nothing of ours overlaps what operators do to nodes. Jobs are left out: a job that we stop for a remedy looks the
// same, and its deployment would wait for itself.
OperationsUnderWay with_planned(OperationsUnderWay all, const DiagnosisReport& report) {
    for (const Finding& work : report.planned) {
        const auto explains = work.fields.find("explains"), kind = work.fields.find("kind");
        if (explains == work.fields.end() || explains->second != "true" || kind == work.fields.end()) continue;
        if (work.subject.kind == "connector" || work.subject.kind == "job") continue;
        all.operations.push_back({work.subject, "planned " + kind->second, "an operator", work.since});
    }
    return all;
}

// On the ingest thread.

void Agent::State::evaluate() {
    const Now now = read_clock();
    double lateness = 0;
    if (evaluated_at)
        lateness = std::max(
            0.0, static_cast<double>((now.monotonic - *evaluated_at - config.intervals.evaluate).count()) / 1000);
    evaluated_at = now.monotonic;
    knowledge->tick_lateness(lateness, now.wall);
    DiagnosisReport report = brain->evaluate(*knowledge, now);
    if (!brain->doubts().empty()) reactor.post([this, keys = brain->doubts()] { watcher->hurry(keys); });
    name_owners(config, report.diagnoses);
    report.tick_lateness_seconds = lateness;
    if (!looked && knowledge->looked_at_all()) looked = true;
    const StoreUsage usage = knowledge->series().usage();
    {
        const std::lock_guard guard(shared_mutex);
        metrics_now.series = usage.series;
        metrics_now.series_refused = usage.rejected_by_cluster;
        metrics_now.sample_bytes = usage.sample_bytes;
        metrics_now.events = knowledge->timeline().size();
        metrics_now.targets = report.targets_total;
        metrics_now.targets_blind = report.blind_targets.size();
        metrics_now.symptoms = brain->rules().symptoms().size();
        metrics_now.diagnoses = report.diagnoses.size();
        metrics_now.tick_lateness_seconds = lateness;
        metrics_now.last_evaluation = now.wall;
        judged_at = now.monotonic;
    }
    say_budgets(usage);
    keep_links(now.wall);
    keep_job_runs(now.wall);
    keep_settings(now.wall);
    give(with_planned(knowledge->operations(now.wall), report));
    answer_facts(now.wall);
    newest = report;
    give(std::move(report));
    if (!forgot_at || now.monotonic - *forgot_at > forget_every) {
        forgot_at = now.monotonic;
        knowledge->forget(now.wall);
        release_free_memory();
    }
}

// Once per cluster: what is not kept can't be seen, and a person must know.
void Agent::State::say_budgets(const StoreUsage& usage) {
    for (const auto& [cluster, refused] : usage.rejected_by_cluster)
        if (budgets_said.insert(cluster).second)
            options.say(cluster + ": has its " + std::to_string(config.limits.series_per_cluster) +
                        " series, no more are kept: what is new is not watched; raise limits.series_per_cluster or "
                        "narrow what its pages tell");
}

// A process that died tells nobody which broker it was: an agent that starts after that asks the journal.
void Agent::State::keep_links(WallTime now) {
    if (std::exchange(links_kept, knowledge->links_version()) == knowledge->links_version()) return;
    std::vector<JournalEntry> rows;
    for (const auto& [key, link] : knowledge->links())
        rows.emplace_back(NodeLinkRow{key.first, key.second, link.broker, link.worker, link.taskmanager, now});
    keep(std::move(rows));
}

// Nor which version ran before the present one, and whether it was good.
void Agent::State::keep_job_runs(WallTime now) {
    std::vector<JournalEntry> rows;
    for (const auto& [key, run] : knowledge->take_changed_job_runs())
        rows.emplace_back(JobRunRow{key.first, key.second, run.id, run.before, run.version, run.version_before,
                                    run.good_version, run.last_good_version, now});
    if (!rows.empty()) keep(std::move(rows));
}

// Which settings were good can't be asked of anybody once they are replaced.
void Agent::State::keep_settings(WallTime now) {
    std::vector<JournalEntry> rows;
    for (KeptRow& row : knowledge->connector_settings().take_changed())
        rows.emplace_back(ConnectorSettingsRow{row.subject.cluster, row.subject.name, std::move(row.detail), now});
    for (KeptRow& row : knowledge->topic_settings().take_changed())
        rows.emplace_back(TopicSettingsRow{row.subject.cluster, row.subject.name, std::move(row.detail), now});
    if (!rows.empty()) keep(std::move(rows));
}

Fact Agent::State::fact(const FactKey& key, WallTime now) {
    if (key == pause_file_key()) {
        std::error_code error;
        const bool there = std::filesystem::exists(pause_file, error);
        Fact fact{key.subject, key.name, std::nullopt, "", now};
        if (!error) fact.value = there ? 1 : 0;
        return fact;
    }
    if (key.subject.kind == "checkpoint" && key.name == "newest")
        return {key.subject, key.name, std::nullopt, newest_checkpoint_beside(key.subject.name), now};
    if (key.subject.kind == "artifact" && key.name == "sha256")
        return {key.subject, key.name, std::nullopt, artifacts.of(key.subject.name), now};
    return knowledge->fact(key, now);
}

void Agent::State::answer_facts(WallTime now) {
    if (wanted.empty()) return;
    Facts facts;
    for (const FactKey& key : wanted) facts.facts.push_back(fact(key, now));
    give(std::move(facts));
}

// On the core thread.

// Inputs that arrive together are judged together: one tick for all that is there when it runs.
void Agent::State::give(Input input) {
    core->post_waiting([this, input = std::move(input)]() mutable {
        inputs.push_back(std::move(input));
        if (std::exchange(tick_due, true)) return;
        if (!core->post([this] { tick(); })) tick();
    });
}

void Agent::State::tick() {
    tick_due = false;
    const std::vector<Input> now_inputs = std::exchange(inputs, {});
    const Now now = read_clock();
    Effects effects = loop->tick(now, now_inputs);
    {
        const std::lock_guard guard(shared_mutex);
        metrics_now.ticks.add(read_clock().monotonic - now.monotonic);
        if (!effects.incident_updates.empty()) shown = loop->incidents();
        if (shown_cordons != loop->cordons()) shown_cordons = loop->cordons();
        shown_pauses = loop->pauses();
        metrics_now.last_tick = now.wall;
        ticked_at = now.monotonic;
        metrics_now.loop = loop->health();
        metrics_now.operations += effects.operations.size();
    }
    if (not_healthy().empty()) tell_service_manager(ServiceState::alive);
    apply(std::move(effects), now.monotonic);
}

void Agent::State::apply(Effects effects, Instant decided) {
    if (effects.fact_requests != asked) {
        asked = effects.fact_requests;
        (void)ingest->post([this, keys = asked] {
            wanted = keys;
            answer_facts(read_clock().wall);
        });
    }
    if (!effects.stale_facts.empty())
        reactor.post([this, keys = std::move(effects.stale_facts)] { watcher->hurry(keys); });
    for (Notification& notification : effects.notifications) {
        options.say(notification.incident + (notification.cluster.empty() ? "" : " " + notification.cluster) + ": " +
                    notification.text);
        if (notification.kind != Notification::Kind::agent) continue;
        reactor.post([this, text = std::move(notification.text)] { notifier->notice(text); });
    }
    if (effects.journal.empty() && effects.operations.empty()) return;
    journal_thread->post_waiting(
        [this, effects = std::move(effects), decided]() mutable { write(std::move(effects), decided); });
}

// On the journal thread.

// Looked at once more just before an operation leaves: the loop decided it a while ago. "" lets it pass.
std::string Agent::State::why_it_may_not_leave(const Operation& operation, Instant decided) const {
    std::error_code error;
    if (std::filesystem::exists(pause_file, error) || error) return "a person has paused";
    if (std::string late = too_late(operation, read_clock().monotonic - decided); !late.empty()) return late;
    {
        const std::lock_guard guard(shared_mutex);
        for (const Pause& pause : shown_pauses)
            if (pause.cluster.empty() || pause.cluster == operation.cluster)
                return "paused by " + pause.by + ": " + pause.reason;
    }
    return leases ? leases->let_leave(operation) : "";
}

void Agent::State::write(Effects effects, Instant decided) {
    std::vector<Operation> operations = std::move(effects.operations);
    const auto sequence = journal->append(std::move(effects.journal));
    // People are told once it is durable, or when it can't be: they must hear of it above all when the disk is full.
    std::erase_if(effects.incident_updates, [&](const Incident& incident) { return !tells(incident); });
    const auto tell = [&] {
        reactor.post([this, changed = std::move(effects.incident_updates)] { notifier->update(changed); });
    };
    if (!sequence) {
        tell();
        options.say("the journal takes nothing more, nothing acts: " + sequence.error().message);
        for (Operation& operation : operations)
            give(OperationReply{operation.key, fail(ErrorCode::not_ready, "not sent: {}", sequence.error().message)});
        return give(JournalAck{.sequence = 0, .durable = false});
    }
    outbox.hold(*sequence, std::move(operations));
    const JournalAckResult ack = journal->flush();
    tell();
    if (!ack.durable) options.say("the journal can't be written, nothing acts: " + ack.problem);
    const auto door = [&](const Operation& operation) { return why_it_may_not_leave(operation, decided); };
    for (Operation& operation : outbox.release(ack.sequence, ack.durable, door)) {
        if (leases) operation.fencing_token = leases->token(operation.cluster);
        options.say("sends " + describe(operation));
        world->send(std::move(operation));
    }
    for (OperationReply& refused : outbox.take_refused()) give(std::move(refused));
    give(JournalAck{.sequence = ack.sequence, .durable = ack.durable});
}

// Not merely alive: an agent whose journal fails would act on nothing.
std::string Agent::State::not_well() const {
    if (std::string why = not_healthy(); !why.empty()) return why;
    const std::lock_guard guard(shared_mutex);
    return metrics_now.loop.acting ? "" : metrics_now.loop.problem;
}

void Agent::State::keep(std::vector<JournalEntry> entries) {
    (void)journal_thread->post(
        [this, entries = std::move(entries)]() mutable { backlog.write(*journal, std::move(entries)); });
}

// On the journal thread.
void Agent::State::forget_old() {
    const auto gone = journal->forget_before(read_clock().wall - config.journal.retention, forgotten_at_once_max);
    const std::string problem = gone ? "" : gone.error().message;
    if (!problem.empty() && forget_problem.empty()) options.say("old incidents stay in the journal: " + problem);
    forget_problem = problem;
}

}  // namespace medic
