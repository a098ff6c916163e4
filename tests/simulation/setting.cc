#include "tests/simulation/setting.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/world/sim/cluster.h"
#include "remediations/planning/conditions.h"
#include "remediations/remedies/remedies.h"

namespace medic::simulation {
namespace {

std::vector<FactKey> needs_nothing(const Diagnosis&, const PlanningView&) { return {}; }

Plan one_step(Step step, std::string summary) {
    step.undo = "can't be undone";
    Plan plan;
    plan.summary = std::move(summary);
    plan.steps = {std::move(step)};
    return plan;
}

Result<Plan> drop_data(const Diagnosis& diagnosis, const PlanningView&) {
    const Subject topic{diagnosis.subject.cluster, "topic", "events"};
    Step step{.subject = topic,
              .text = "drop the data of topic events",
              .operation = AlterConfigs{
                  .resource = AlterConfigs::Resource::topic, .name = topic.name, .set = {{"retention.ms", "1"}}}};
    step.idempotent = true;
    step.expectation = {.all = {at_least(diagnosis.subject, "kafka_log_dir_usable_bytes", 1)}};
    step.risk = Risk::destructive;
    step.destroys = Destroys::data;
    step.object = "topic:events";
    return one_step(std::move(step), "drop the data of topic events");
}

Result<Plan> start_bad_version(const Diagnosis& diagnosis, const PlanningView& view) {
    if (!view.quarantined.contains({"fleet", "v2"})) return fail(ErrorCode::invalid, "v2 was never rolled back");
    const Subject job = diagnosis.subject;
    Step step{.subject = job,
              .text = "start version v2 again",
              .operation = StartDeployment{.job = "fleet", .version = "v2", .restore_from = "/checkpoints/again"}};
    step.done = {text_in(job, "flink_job_state", {"RUNNING"})};
    step.expectation = {.all = step.done};
    step.job = job;
    return one_step(std::move(step), "start version v2 again");
}

ClusterInfo lab() {
    ClusterInfo lab{.name = "lab"};
    for (int i = 1; i <= 4; ++i)
        lab.nodes.push_back({.name = fmt::format("tm-{}", i),
                             .role = "taskmanager",
                             .zone = i % 2 ? "a" : "b",
                             .spare = i > 2,
                             .can_start = true,
                             .can_stop = true,
                             .can_kill = true});
    lab.nodes.push_back(
        {.name = "connect-1", .role = "connect-worker", .can_start = true, .can_kill = true, .can_kill_task = true});
    for (const char* name : {"broker-1", "broker-2", "broker-3"})
        lab.nodes.push_back(
            {.name = name, .role = "broker", .can_start = true, .can_stop = true, .can_kill = true, .can_grow = true});
    lab.deployments.push_back(
        {.job = "fleet",
         .savepoints = "/savepoints",
         .versions = {"v1", "v2", "v3", std::string(sim::unloadable_version)},
         .parallelism = {},
         .gate = {.hold = Duration{10'000}, .within = Duration{60'000}, .group = {}, .lag_max = 0}});
    return lab;
}

}  // namespace

LoopOptions simulation_options(sim::Seeded& chance) {
    LoopOptions options;
    PolicyRule rule;
    rule.where = "policy.yaml:1:1";
    rule.cluster = "lab";
    const auto dice = chance.between(1, 100);
    rule.mode = dice <= 80 ? Mode::auto_ : dice <= 95 ? Mode::ask : Mode::observe;
    rule.limits = {.cooldown = Duration{20'000},
                   .attempts_max = 3,
                   .backoff = Duration{2'000},
                   .backoff_max = Duration{30'000},
                   .budget_operations = static_cast<int>(chance.between(6, 30)),
                   .budget_window = Duration{5 * 60'000},
                   .approval_ttl = Duration{60'000},
                   .blast_radius = {.nodes = static_cast<int>(chance.between(1, 3)),
                                    .share_percent = chance.chance(50) ? 50 : 100,
                                    .window = Duration{3 * 60'000},
                                    .zones = chance.chance(50) ? 1 : 2}};
    PolicyRule named = rule;
    named.remedy = "kafka.abort-hanging-transaction";
    named.object = "topic:" + std::string(named_topic);
    named.floor = named_floor;
    options.policy.rules = {named, rule};
    options.policy.catalogue = catalogue_level;
    options.policy.storm = {
        .incidents = static_cast<int>(chance.between(4, 8)), .window = Duration{2 * 60'000}, .calm = Duration{60'000}};
    options.remedies = remedies::all_remedies();
    options.remedies.push_back({.name = std::string(drop_data_remedy),
                                .what = "drops data that no policy names",
                                .destroys = Destroys::data,
                                .cures = {{"kafka.disk-nearly-full"}},
                                .needs = needs_nothing,
                                .plan = drop_data});
    options.remedies.push_back({.name = std::string(start_bad_version_remedy),
                                .what = "starts a version that was rolled back",
                                .destroys = Destroys::availability,
                                .cures = {{"flink.null-dereference"}},
                                .needs = needs_nothing,
                                .plan = start_bad_version});
    options.guards = guards::all_guards();
    options.several_agents = chance.chance(25);
    options.guard_wait_max = Duration{4 * 60'000};
    options.still_reported_max = Duration{3 * 60'000};
    options.clusters = {lab()};
    auto& managed = options.clusters.front().managed;
    if (chance.chance(15)) managed.push_back({"job:*", "flink-operator", false});
    if (chance.chance(15)) managed.push_back({"broker:*", "strimzi", false});
    if (chance.chance(10)) managed.push_back({"connector:*", "strimzi", true});
    if (chance.chance(50)) {  // Its tasks are threads.
        auto& nodes = options.clusters.front().nodes;
        std::ranges::find(nodes, std::string(sim::worker_name), &NodeInfo::name)->can_kill_task = false;
    }
    return options;
}

}  // namespace medic::simulation
