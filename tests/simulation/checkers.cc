#include "tests/simulation/checkers.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "remediations/guards/guard.h"

namespace medic::simulation {
namespace {

constexpr std::size_t violations_max = 20;  // Per checker and run.

// What a person needs to see why something is still at fault.
std::string truth_of(const sim::SimCluster& cluster) {
    std::string text = fmt::format("job {} {} of {}, disk {:.0f} of {:.0f}", cluster.job.id, cluster.job.state,
                                   cluster.job.version, cluster.disk.used, cluster.disk.total);
    if (cluster.leaders.displaced > 0) text += fmt::format(", {} leaders displaced", cluster.leaders.displaced);
    for (const auto& [name, node] : cluster.nodes)
        text += fmt::format(", {} {}{}{}", name, node.up ? node.frozen ? "frozen" : "up" : "down",
                            node.spare ? " (spare)" : "", node.faulty ? " (faulty)" : "");
    for (const auto& [name, broker] : cluster.brokers)
        text += fmt::format(", {} {}{}", name, broker.up ? broker.frozen ? "frozen" : "up" : "down",
                            broker.in_sync ? "" : " (behind)");
    for (const int id : {1, 2, 3})
        if (cluster.shipments.keeps_waiting(id)) text += fmt::format(", broker {} slow", id);
    if (!cluster.shipments.takes_writes()) text += ", shipments takes no writes";
    if (cluster.coordinator.hangs())
        text += fmt::format(", the coordinator on broker {} hangs", cluster.coordinator.leader);
    if (cluster.entries.leader < 0) text += ", entries without a leader";
    if (cluster.hanging) text += fmt::format(", a transaction open from {}", cluster.hanging->start_offset);
    text += fmt::format(", settings {}, worker {}, sink {} at {}", cluster.settings.now,
                        cluster.worker.answers() ? "up" : "gone", cluster.sink.stopped ? "stopped" : "running",
                        cluster.sink.committed);
    if (cluster.flapping.changes || cluster.flapping.state != "RUNNING")
        text += fmt::format(", {} {}{}", sim::flapping_connector, cluster.flapping.state,
                            cluster.flapping.changes ? " (flapping)" : "");
    if (cluster.sink.poison) text += fmt::format(" (poison at {})", *cluster.sink.poison);
    text += fmt::format(", broker 1 idle {:.2f}", cluster.producers().idle());
    for (const auto& [number, task] : cluster.tasks)
        text += fmt::format(", task {} {}{}", number, task.state, task.stuck ? " (stuck)" : "");
    return text;
}

class NothingTwice final : public Checker {
public:
    std::string_view name() const override { return "nothing-twice"; }
    void on_sending(const Sending& sending) override {
        if (!keys_.insert(sending.operation.key).second) violated("sent twice: " + sending.operation.key);
    }
    void on_tick(const Ticked& ticked) override {
        const int live = ticked.cluster.job.live;
        if (live > 1) violated(fmt::format("{} copies of the job run", live));
    }

private:
    std::set<std::string> keys_;
};

class DurableIntent final : public Checker {
public:
    std::string_view name() const override { return "durable-intent"; }
    void on_sending(const Sending& sending) override {
        if (!sending.intent) violated("left without a durable intent: " + sending.operation.key);
    }
    void on_tick(const Ticked& ticked) override {
        if (!ticked.journal_broken) return;
        for (const auto& operation : ticked.effects.operations)
            violated("decided although the journal can't be written: " + operation.key);
    }
};

// A process is killed, or stopped unless a person asked for it, only while something is wrong with it, or was a moment
// ago; a node, if it holds a blocking task or fails what it is given.
class NoHarm final : public Checker {
public:
    std::string_view name() const override { return "no-harm"; }
    void on_tick(const Ticked& ticked) override {
        const auto note = [&](const std::string& what, bool well) {
            if (!well) was_ill_[what] = ticked.monotonic;
        };
        for (const auto& [name, node] : ticked.cluster.nodes)
            note(name, node.up && !node.frozen && !node.faulty && ticked.cluster.job.blocked_by != name);
        for (const auto& [name, broker] : ticked.cluster.brokers) note(name, broker.serves());
        for (const auto& [number, task] : ticked.cluster.tasks) note(std::to_string(number), !task.stuck);
        note(std::string(sim::worker_name), ticked.cluster.worker_is_well());
    }
    void on_sending(const Sending& sending) override {
        if (!sending.faults_ever) violated("acted although nothing was ever wrong: " + describe(sending.operation));
        if (const auto* kill = std::get_if<KillNode>(&sending.operation.body)) judge(sending, kill->node);
        const bool asked = sending.intent && sending.intent->cause.starts_with("operator.");
        if (const auto* stop = std::get_if<StopNode>(&sending.operation.body); stop != nullptr && !asked)
            judge(sending, stop->node);
        if (const auto* kill = std::get_if<KillConnectorTask>(&sending.operation.body))
            judge(sending, std::to_string(kill->task));
    }

private:
    void judge(const Sending& sending, const std::string& what) {
        constexpr Duration moment{2'000};  // Between what happens and the tick that sees it.
        const auto ill = was_ill_.find(what);
        if (ill == was_ill_.end() || sending.monotonic - ill->second > moment)
            violated("of what was well: " + describe(sending.operation));
    }
    std::map<std::string, Duration> was_ill_;  // Monotonic, last.
};

class EveryIncidentEnds final : public Checker {
public:
    std::string_view name() const override { return "every-incident-ends"; }
    void at_end(const Ticked& end) override {
        for (const auto& incident : end.loop.incidents()) {
            if (!at_rest(incident))
                violated(fmt::format("{} ends in {}: {}", incident.id, to_string(incident.state),
                                     incident.story.empty() ? "" : incident.story.back().text));
        }
    }
};

// What still hurts at the end has been told to a person.
class NothingIsForgotten final : public Checker {
public:
    std::string_view name() const override { return "nothing-is-forgotten"; }
    void at_end(const Ticked& end) override {
        if (end.cluster.healthy()) return;
        const auto all = end.loop.incidents();
        const bool told = std::ranges::any_of(
            all, [](const Incident& incident) { return incident.state != IncidentState::resolved; });
        if (!told) violated("still at fault, and no incident is open: " + truth_of(end.cluster));
    }
};

// What the agent calls healed has been healthy within the time that facts may be old.
class HealedIsHealed final : public Checker {
public:
    std::string_view name() const override { return "healed-is-healed"; }
    void on_tick(const Ticked& ticked) override {
        if (ticked.cluster.job.state == "RUNNING") job_ran_ = ticked.monotonic;
        for (const auto& note : ticked.effects.notifications) {
            if (note.kind != Notification::Kind::healed) continue;
            for (const Incident* incident : ticked.loop.open_incidents())
                if (incident->id == note.incident && works_for_job(incident->diagnosis.cause)) judge(*incident, ticked);
        }
    }

private:
    static bool works_for_job(std::string_view cause) {
        return cause.starts_with("flink.") || cause == "node.many-faults";
    }
    void judge(const Incident& incident, const Ticked& ticked) {
        if (ticked.monotonic - job_ran_ > guard_facts_age_max + Duration{2'000})
            violated(incident.id + " is called healed, and the job does not run: " + truth_of(ticked.cluster));
    }
    Duration job_ran_{0};
};

class BoundedMemory final : public Checker {
public:
    std::string_view name() const override { return "bounded-memory"; }
    void on_tick(const Ticked& ticked) override {
        const auto health = ticked.loop.health();
        if (health.facts > 500 || health.incidents_open > ticked.options.incidents_open_max)
            violated(fmt::format("{} facts, {} incidents are held", health.facts, health.incidents_open));
    }
};

}  // namespace

bool at_rest(const Incident& incident) {
    switch (incident.state) {
        case IncidentState::resolved:
        case IncidentState::escalated:
        case IncidentState::observing:
        case IncidentState::healed: return true;
        case IncidentState::waiting_approval: return !incident.waiting_for.empty();
        default: return false;
    }
}

void Checker::violated(std::string text) {
    if (violations_.size() < violations_max) violations_.push_back(std::move(text));
}

const Limits& limits_of(const Policy& policy) {
    return policy.rules.empty() ? policy.defaults : policy.rules.front().limits;
}

// An attempt of which the agent can't know that nothing came has begun a plan.
bool is_begun(const Sending& sending) {
    return std::ranges::any_of(sending.attempts, [&](const AttemptRow& row) {
        return row.key != sending.operation.key && row.state != "not-sent" && row.state != "not-done";
    });
}

bool is_agreed(const Sending& sending) {
    return std::ranges::any_of(sending.approved, [&](const auto& one) {
        return incident_of(one.first) == incident_of(sending.operation.key) &&
               sending.monotonic - one.second <= limits_of(sending.policy).approval_ttl + Duration{2'000};
    });
}

std::string incident_of(const std::string& key) { return key.substr(0, key.find('/')); }
std::string action_of(const std::string& key) { return key.substr(0, key.rfind('/')); }

void add_general_checkers(std::vector<std::unique_ptr<Checker>>& all) {
    all.push_back(std::make_unique<NothingTwice>());
    all.push_back(std::make_unique<DurableIntent>());
    all.push_back(std::make_unique<NoHarm>());
    all.push_back(std::make_unique<EveryIncidentEnds>());
    all.push_back(std::make_unique<NothingIsForgotten>());
    all.push_back(std::make_unique<HealedIsHealed>());
    all.push_back(std::make_unique<BoundedMemory>());
}

std::vector<std::unique_ptr<Checker>> all_checkers() {
    std::vector<std::unique_ptr<Checker>> all;
    add_general_checkers(all);
    add_guard_checkers(all);
    add_reach_checkers(all);
    add_deployment_checkers(all);
    return all;
}

}  // namespace medic::simulation
