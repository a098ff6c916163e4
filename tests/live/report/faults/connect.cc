// Connect's worker, its tasks and what they talk to.
#include <chrono>
#include <thread>

#include "engine/common/rest_internal.h"
#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

// The outage of the dependency ends by itself; what it did to the tasks stays.
Status interrupt_dependency(Site& site) {
    constexpr auto outage = std::chrono::seconds(8);
    MEDIC_CHECK(site.fault("audit-dependency-down", true));
    std::this_thread::sleep_for(outage);
    return site.fault("audit-dependency-down", false);
}

constexpr auto taken_within = std::chrono::seconds(15);

Status hang_a_task(Site& site) {
    MEDIC_CHECK(site.fault("audit-hung", true));
    return is_taken(site, "audit-hung", taken_within);
}

// A changed setting makes the worker's thread ask the connector for its tasks. The call itself gets no answer.
Status block_herder(Site& site) {
    MEDIC_CHECK(site.fault("audit-herder", true));
    (void)site.configure("audit-sink", {{"tasks.max", "3"}});
    return is_taken(site, "audit-herder", taken_within);
}

// One connector is told by that thread only.
Result<bool> herder_answers(Site& site) {
    constexpr Duration patience{2'000};
    MEDIC_TRY(const std::string worker, site.connect_address());
    return engine::call_rest({.url = worker + "/connectors/audit-sink", .timeout = patience}).has_value();
}

// A thread that never comes back ends with its process only. It is started again anyway.
Status end_worker(Site& site) { return site.node("kill", "connect-1"); }

Status kill_a_worker_of_two(Site& site) {
    MEDIC_TRY(const std::string node, site.worker_with_task("audit-sink"));
    return site.node("kill", node);
}

// As its owner would: the broken record is passed over once, then the connector is strict again.
Status pass_over_poison(Site& site) {
    MEDIC_CHECK(site.configure("inventory-sink", {{"errors.tolerance", "all"}}));
    std::this_thread::sleep_for(std::chrono::seconds(3));
    MEDIC_CHECK(site.restart_failed_tasks());
    std::this_thread::sleep_for(std::chrono::seconds(10));
    return site.configure("inventory-sink", {{"errors.tolerance", ""}});
}

}  // namespace

std::vector<Fault> connect_faults() {
    return {
        {.name = "dependency-down",
         .told = "what the audit sink writes to refuses connections for eight seconds",
         .side = "system",
         .causes = {"connect.task-failed"},
         .inject = interrupt_dependency,
         .clear = switched("audit-dependency-down", false),
         .flow = FlowName::audit},
        {.name = "poison-record",
         .told = "one record that the inventory sink cannot read",
         .side = "user",
         .causes = {"connect.poison-record"},
         .inject = switched("poison-record", true),
         .clear = pass_over_poison,
         .flow = FlowName::inventory,
         .ends = Ends::by_a_person},
        {.name = "wrong-credentials",
         .told = "the audit sink's password does not hold any more",
         .side = "user",
         .causes = {"connect.credentials-wrong"},
         .inject = switched("audit-credentials", true),
         .clear = switched("audit-credentials", false),
         .flow = FlowName::audit,
         .ends = Ends::by_a_person},
        {.name = "connector-hung",
         .told = "a task of the audit sink hangs in put()",
         .side = "system",
         .causes = {"connect.task-stuck"},
         .inject = hang_a_task,
         .clear = end_worker,
         .flow = FlowName::audit,
         .patience = Duration(240'000),  // Its figures are on a page that is read once a minute.
         .history = Duration(30'000)},
        {.name = "connect-worker-killed",
         .told = "the only Connect worker is killed",
         .side = "system",
         .causes = {"connect.worker-lost"},
         .inject = [](Site& site) { return site.node("kill", "connect-1"); },
         .clear = {},
         .flow = FlowName::audit},
        {.name = "connect-worker-frozen",
         .told = "the only Connect worker stands still",
         .side = "system",
         .causes = {"connect.worker-frozen"},
         .inject = [](Site& site) { return site.node("freeze", "connect-1"); },
         .clear = {},
         .flow = FlowName::audit,
         .history = Duration(30'000)},
        {.name = "connect-one-of-two-killed",
         .told = "one of two Connect workers is killed",
         .side = "system",
         .causes = {"connect.worker-lost"},
         .inject = kill_a_worker_of_two,
         .clear = {},
         .flow = FlowName::audit,
         .needs = {.connect_workers = 2, .kafka = {}}},
        {.name = "herder-blocked",
         .told = "a connector holds up its worker's own thread: what only that can answer does not come, tasks go on",
         .side = "system",
         .causes = {"connect.herder-blocked"},
         .inject = block_herder,
         .clear = end_worker,
         .flow = FlowName::audit,
         .hits = Hits::nothing,
         .patience = Duration(150'000),
         .mended = herder_answers},
    };
}

}  // namespace medic::live
