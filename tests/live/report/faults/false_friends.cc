// Look-alikes: slow, idle or planned, and nothing for the agent to do.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "agent/wire/messages/placement.h"
#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

using engine::ProcessId;

constexpr auto short_stop = std::chrono::seconds(6);  // Below every heartbeat time-out.
constexpr auto nap = std::chrono::seconds(30);        // Of the agent: longer than any of its intervals.
constexpr auto idle_time = std::chrono::seconds(60);
constexpr auto starvation = std::chrono::seconds(30);

Status stop_for_a_moment(Site& site, const ProcessId&) {
    MEDIC_TRY(const std::string node, site.working_taskmanager());
    MEDIC_CHECK(site.node("freeze", node));
    std::this_thread::sleep_for(short_stop);
    return site.node("thaw", node);
}

auto restarted(const std::string& node) {
    return [node](Site& site, const ProcessId&) -> Status {
        MEDIC_CHECK(site.node("stop", node));
        return site.node("start", node);
    };
}

// As when its machine sleeps or its network is away: whatever it knows is old when it comes back.
Status stop_the_agent(Site&, const ProcessId& agent) {
    MEDIC_CHECK(engine::send_signal(agent, SIGSTOP));
    std::this_thread::sleep_for(nap);
    return engine::send_signal(agent, SIGCONT);
}

Status stop_the_load(Site& site, const ProcessId&) {
    MEDIC_CHECK(site.node("freeze", "workload"));
    std::this_thread::sleep_for(idle_time);
    return site.node("thaw", "workload");
}

// Twice as many busy threads as there are cores.
Status take_the_cpu(Site&, const ProcessId&) {
    const auto until = std::chrono::steady_clock::now() + starvation;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency(); ++i)
        threads.emplace_back([until] {
            while (std::chrono::steady_clock::now() < until) {
            }
        });
    return {};
}

Status stop_with_savepoint(Site& site, const ProcessId&) {
    MEDIC_CHECK(site.stop_with_savepoint());
    return {};
}

Status run_to_an_end(Site& site, const ProcessId&) {
    MEDIC_CHECK(submit_bounded_job(site.data_dir()));
    return {};
}

// Half a minute of full collections in one task manager; the switch is taken by a subtask.
Status collect_garbage(Site& site, const ProcessId&) { return site.fault("collection-storm", true); }

constexpr const char* leaving_broker = "broker-3";
constexpr std::int32_t leaving_id = 3;

using Placement = std::vector<wire::AlterPartitionReassignmentsRequest::Topic>;

Status reassign(Site& site, const Placement& placement) {
    wire::AlterPartitionReassignmentsRequest request;
    request.topics = placement;
    MEDIC_TRY(const auto answer, site.kafka().call(KafkaTarget::controller(), request));
    return wire::check(answer.error, "AlterPartitionReassignments");
}

// As kafka-reassign-partitions.sh does for an owner who takes a broker away: first its replicas, then the process.
Status decommission(Site& site, Placement& before) {
    constexpr auto patience = std::chrono::seconds(90);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    before.clear();
    Placement without;
    MEDIC_TRY(const auto metadata, site.kafka().metadata(std::nullopt));
    for (const auto& topic : metadata.topics)
        for (const auto& partition : topic.partitions) {
            std::vector<std::int32_t> rest = partition.replicas;
            if (std::erase(rest, leaving_id) == 0) continue;
            const std::string name = topic.name.value_or("");
            before.push_back({name, {{partition.partition, partition.replicas}}});
            without.push_back({name, {{partition.partition, rest}}});
        }
    MEDIC_CHECK(reassign(site, without));
    for (bool empty = false; !empty;) {
        if (std::chrono::steady_clock::now() >= deadline)
            return fail(ErrorCode::unavailable, "{} still holds replicas", leaving_broker);
        std::this_thread::sleep_for(std::chrono::seconds(1));
        MEDIC_TRY(const auto now, site.kafka().metadata(std::nullopt));
        empty = true;
        for (const auto& topic : now.topics)
            for (const auto& partition : topic.partitions)
                if (std::ranges::find(partition.replicas, leaving_id) != partition.replicas.end()) empty = false;
    }
    return site.node("stop", leaving_broker);
}

FalseFriend decommissioned_broker() {
    const auto before = std::make_shared<Placement>();
    return {.name = "broker-decommissioned",
            .told = "a broker is emptied and taken away on purpose",
            .inject = [before](Site& site, const ProcessId&) { return decommission(site, *before); },
            .clear = [before](Site& site) -> Status {
                MEDIC_CHECK(site.node("start", leaving_broker));
                std::this_thread::sleep_for(std::chrono::seconds(15));
                return reassign(site, *before);
            },
            .calm = Duration(60'000)};
}

Status slow_call(Site& site, const ProcessId&) { return site.fault("audit-slow", true); }

}  // namespace

std::vector<FalseFriend> false_friends() {
    std::vector<FalseFriend> all = {
        {.name = "short-stop",
         .told = "a task manager with work stands still for six seconds",
         .inject = stop_for_a_moment,
         .clear = {}},
        {.name = "stop-with-savepoint",
         .told = "the job is stopped with a savepoint by hand",
         .inject = stop_with_savepoint,
         .clear = [](Site& site) { return site.deploy_usual(); }},
        {.name = "bounded-job", .told = "a job finishes because its input ends", .inject = run_to_an_end, .clear = {}},
        {.name = "broker-restarted",
         .told = "a broker is restarted by hand",
         .inject = restarted("broker-2"),
         .clear = {}},
        {.name = "worker-restarted",
         .told = "the Connect worker is restarted by hand",
         .inject = restarted("connect-1"),
         .clear = {}},
        {.name = "idle-source",
         .told = "nobody sends anything for a minute",
         .inject = stop_the_load,
         .clear = {},
         .calm = Duration(30'000)},
        {.name = "agent-asleep",
         .told = "the agent itself stands still for half a minute",
         .inject = stop_the_agent,
         .clear = {},
         .calm = Duration(30'000)},
        {.name = "cpu-starvation",
         .told = "other programs take the whole machine's CPU for half a minute",
         .inject = take_the_cpu,
         .clear = {},
         .calm = Duration(30'000)},
        {.name = "slow-call",
         .told = "a call of the audit sink takes a minute",
         .inject = slow_call,
         .clear = [](Site& site) { return site.fault("audit-slow", false); },
         .calm = Duration(75'000)},
        {.name = "garbage-collection",
         .told = "a task manager does hardly anything but collect garbage for half a minute",
         .inject = collect_garbage,
         .clear = {},
         .calm = Duration(60'000)},
        decommissioned_broker(),
    };
    std::ranges::move(friends_around_agent(), std::back_inserter(all));
    return all;
}

}  // namespace medic::live
