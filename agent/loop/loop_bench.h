// A bench for tests of the loop: a real journal in memory, facts and reports as tables that the test edits, and a world
// that the test plays. Only for this room's tests.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/loop/loop.h"
#include "remediations/execution/execution.h"
#include "remediations/remedies/remedies.h"

namespace medic::loop_bench {

inline const Subject cluster{"lab", "cluster", "lab"};
inline const Subject job{"lab", "job", "fleet"};
inline const Subject lost{"lab", "taskmanager", "tm-1"};
inline const Subject task{"lab", "connector-task", "orders/0"};

inline Subject node(std::string name) { return {"lab", "node", std::move(name)}; }

inline LoopOptions options(Mode mode) {
    LoopOptions result;
    if (mode != Mode::observe) {
        PolicyRule rule;
        rule.mode = mode;
        rule.where = "policy.yaml:1:1";
        result.policy.rules = {rule};
        result.policy.catalogue = catalogue_level;
    }
    result.remedies = remedies::all_remedies();
    result.guards = guards::all_guards();
    ClusterInfo lab{.name = "lab"};
    for (const char* name : {"tm-1", "tm-2", "tm-3"})
        lab.nodes.push_back({.name = name,
                             .role = "taskmanager",
                             .zone = "a",
                             .spare = std::string(name) == "tm-3",
                             .can_start = true,
                             .can_kill = true});
    lab.nodes.push_back(
        {.name = "connect-1", .role = "connect-worker", .can_start = true, .can_kill = true, .can_kill_task = true});
    result.clusters = {lab};
    return result;
}

inline Diagnosis node_lost() {
    Diagnosis diagnosis;
    diagnosis.cause = "flink.taskmanager-lost";
    diagnosis.side = Side::system;
    diagnosis.owner = "flink platform";
    diagnosis.subject = lost;
    diagnosis.confidence = 0.95;
    diagnosis.summary = "task manager tm-1 is lost";
    diagnosis.remedies = {"flink.replace-taskmanager"};
    diagnosis.facts = {{"node", "tm-1"}, {"taskmanager", "tm-1"}, {"job", "fleet"}};
    return diagnosis;
}

inline Diagnosis task_stuck() {
    Diagnosis diagnosis = node_lost();
    diagnosis.cause = "connect.task-stuck";
    diagnosis.subject = task;
    diagnosis.summary = "task orders/0 is RUNNING and does nothing";
    diagnosis.remedies = {"connect.kill-stuck-task"};
    diagnosis.facts = {{"connector", "orders"}, {"task", "0"}, {"worker", "connect-1"}, {"node", "connect-1"}};
    return diagnosis;
}

// A client that takes a broker's handlers; the client's quota is the test's.
inline const Subject noisy{"lab", "client", "replay"};
inline Diagnosis noisy_client() {
    Diagnosis told = node_lost();
    told.cause = "kafka.noisy-client";
    told.subject = {noisy.cluster, "broker", "1"};
    told.remedies = {"kafka.throttle-client"};
    told.facts = {{"client", noisy.name},
                  {"broker", "1"},
                  {"bytes_per_second", "80"},
                  {"broker_bytes_per_second", "100"},
                  {"busy_percent", "100"},
                  {"producers", "2"},
                  {"brokers", "1"}};
    return told;
}

// A job whose parallelism is too small, and options under which it may be started with another one.
inline Diagnosis too_slow() {
    Diagnosis slow = node_lost();
    slow.cause = "flink.configuration-does-not-fit-load";
    slow.subject = job;
    slow.remedies = {"flink.change-configuration"};
    slow.facts = {{"job", "fleet"}, {"job_id", "j1"}, {"version", "v1"}, {"parallelism_wanted", "4"}};
    return slow;
}
inline LoopOptions with_deployment() {
    LoopOptions some = options(Mode::auto_);
    some.clusters[0].deployments = {
        {.job = "fleet", .savepoints = "/savepoints", .versions = {"v1"}, .parallelism = {}, .parallelism_max = 8}};
    return some;
}

// Drives a loop with a real journal in memory; facts are a table that the test edits.
class Bench {
public:
    explicit Bench(LoopOptions given) : options_(std::move(given)) {
        journal_ = *Journal::open({.path = ":memory:"});
        restart();
        set({cluster, "flink_jobmanager_reachable"}, 1);
        set(pause_file_key(), 0);
        for (const char* name : {"tm-1", "tm-2", "tm-3"}) set({node(name), "process_up"}, 1);
        text({job, "flink_job_state"}, "RUNNING");
    }

    void set(const FactKey& key, double value) { facts_[key] = Fact{key.subject, key.name, value, "", {}}; }
    void text(const FactKey& key, std::string value) {
        facts_[key] = Fact{key.subject, key.name, 1, std::move(value), {}};
    }
    void unknown(const FactKey& key) { facts_.erase(key); }
    void counts(const FactKey& key) { counters_.insert(key); }
    void restart() { loop_ = std::make_unique<Loop>(options_, journal_->load(wall_)); }

    // One tick: a look at the world, the loop, the journal, then what may leave.
    void tick(std::vector<Input> inputs = {}, Duration by = Duration{500}) {
        monotonic_ += by;
        wall_ = wall_ + by;
        for (const auto& key : counters_) set(key, facts_[key].value.value_or(0) + 10);
        Facts answers;
        for (const auto& key : wanted_) {
            Fact fact = facts_.contains(key) ? facts_[key] : Fact{key.subject, key.name, {}, {}, {}};
            fact.observed_at = wall_;
            answers.facts.push_back(fact);
        }
        DiagnosisReport report{
            .at = wall_, .diagnoses = diagnoses, .symptoms = {}, .blind_targets = blind, .targets_total = 8};
        std::vector<Input> all{answers, OperationsUnderWay{wall_, under_way, silences}, report};
        all.insert(all.end(), inbox.begin(), inbox.end());
        inbox.clear();
        all.insert(all.end(), inputs.begin(), inputs.end());
        Effects effects = loop_->tick({Instant(monotonic_), wall_}, all);
        wanted_ = effects.fact_requests;
        stale = effects.stale_facts;
        notes.insert(notes.end(), effects.notifications.begin(), effects.notifications.end());
        const auto sequence = journal_->append(std::move(effects.journal));
        ASSERT_TRUE(sequence);
        outbox_.hold(*sequence, std::move(effects.operations));
        const auto ack = journal_->flush();
        for (auto& operation :
             outbox_.release(ack.sequence, ack.durable, [&](const Operation&) { return door_says; })) {
            sent.push_back(operation);
            if (on_send) on_send(operation);
        }
        for (auto& reply : outbox_.take_refused()) inbox.emplace_back(std::move(reply));
        inbox.emplace_back(JournalAck{ack.sequence, ack.durable});
    }
    void run(int ticks) {
        for (int i = 0; i < ticks; ++i) tick();
    }

    [[nodiscard]] Incident incident() const {
        const auto all = loop_->incidents();
        EXPECT_FALSE(all.empty());
        return all.empty() ? Incident{} : all.back();
    }
    // What a person would read, for messages of failing tests.
    [[nodiscard]] std::string last_story() const { return loop_->incidents().front().story.back().text; }
    [[nodiscard]] std::string story() const {
        std::string text;
        for (const auto& one : loop_->incidents()) {
            text += fmt::format("{} {} outcome={}\n", one.id, to_string(one.state), one.outcome);
            for (const auto& line : one.story)
                text += fmt::format("  {} {}\n", line.at.unix_ms - 1'700'000'000'000, line.text);
        }
        return text;
    }
    [[nodiscard]] std::vector<std::string> sent_names() const {
        std::vector<std::string> names;
        for (const auto& operation : sent) names.push_back(operation.key + " " + describe(operation));
        return names;
    }
    // Without their keys.
    [[nodiscard]] std::vector<std::string> sent_operations() const {
        std::vector<std::string> all;
        for (const auto& operation : sent) all.push_back(describe(operation));
        return all;
    }
    // What a command of a person was last answered; "": nothing.
    [[nodiscard]] std::string last_answer() const {
        for (auto note = notes.rbegin(); note != notes.rend(); ++note)
            if (note->kind == Notification::Kind::answer) return note->text;
        return "";
    }
    void reply(const std::string& key, Result<std::string> detail) {
        inbox.emplace_back(OperationReply{key, std::move(detail)});
    }
    Loop& loop() { return *loop_; }
    Journal& journal() { return *journal_; }
    WallTime wall() const { return wall_; }
    void step_wall(Duration by) { wall_ = wall_ + by; }
    LoopOptions& given() { return options_; }

    std::vector<Diagnosis> diagnoses;
    std::vector<std::string> blind;
    std::vector<OperationUnderWay> under_way;
    std::vector<ClusterSilences> silences;
    std::vector<Input> inbox;
    std::vector<Operation> sent;
    std::vector<Notification> notes;
    std::string door_says;       // What the outbox finds when it looks once more.
    std::vector<FactKey> stale;  // That the loop would have read sooner, as of the last tick.
    std::function<void(const Operation&)> on_send;

private:
    LoopOptions options_;
    std::unique_ptr<Journal> journal_;
    std::unique_ptr<Loop> loop_;
    Outbox outbox_;
    Duration monotonic_{0};
    WallTime wall_{1'700'000'000'000};
    std::map<FactKey, Fact> facts_;
    std::set<FactKey> counters_;
    std::vector<FactKey> wanted_;
};

// A world that does as it is told, at once.
inline void obey(Bench& bench, const Operation& operation) {
    if (const auto* kill = std::get_if<KillNode>(&operation.body)) {
        bench.set({node(kill->node), "process_up"}, 0);
    } else if (const auto* start = std::get_if<StartNode>(&operation.body)) {
        bench.set({node(start->node), "process_up"}, 1);
        if (!start->as_spare) {
            bench.text({job, "flink_job_state"}, "RUNNING");
            bench.counts({job, "flink_subtask_records_in_total"});
        }
    } else if (std::holds_alternative<KillConnectorTask>(operation.body)) {
        bench.text({task, "connect_task_state"}, "FAILED");
    } else if (std::holds_alternative<RestartConnectorTask>(operation.body)) {
        bench.text({task, "connect_task_state"}, "RUNNING");
        bench.counts({task, "connect_task_records_total"});
        bench.diagnoses.clear();
    }
    bench.reply(operation.key, std::string("ok"));
}

inline void lose_node(Bench& bench) {
    bench.set({node("tm-1"), "process_up"}, 0);
    bench.text({job, "flink_job_state"}, "RESTARTING");
    bench.diagnoses = {node_lost()};
    bench.diagnoses[0].since = bench.wall();
}

}  // namespace medic::loop_bench
