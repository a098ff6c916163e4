// Look-alikes: slow or planned, and nothing for the agent to do.
#include <chrono>
#include <thread>

#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

constexpr auto short_stop = std::chrono::seconds(6);  // Below every heartbeat time-out.

Status stop_for_a_moment(Site& site) {
    MEDIC_TRY(const std::string node, site.working_taskmanager());
    MEDIC_CHECK(site.node("freeze", node));
    std::this_thread::sleep_for(short_stop);
    return site.node("thaw", node);
}

Status restart_in_order(Site& site, const std::string& node) {
    MEDIC_CHECK(site.node("stop", node));
    return site.node("start", node);
}

}  // namespace

std::vector<FalseFriend> false_friends() {
    return {
        {.name = "short-stop",
         .told = "a task manager with work stands still for six seconds",
         .inject = stop_for_a_moment,
         .clear = {}},
        {.name = "stop-with-savepoint",
         .told = "the job is stopped with a savepoint by hand",
         .inject = [](Site& site) -> Status {
             MEDIC_CHECK(site.stop_with_savepoint());
             return {};
         },
         .clear = [](Site& site) { return site.deploy_usual(); }},
        {.name = "broker-restarted",
         .told = "a broker is restarted by hand",
         .inject = [](Site& site) { return restart_in_order(site, "broker-2"); },
         .clear = {}},
        {.name = "worker-restarted",
         .told = "the Connect worker is restarted by hand",
         .inject = [](Site& site) { return restart_in_order(site, "connect-1"); },
         .clear = {}},
        {.name = "slow-call",
         .told = "a call of the audit sink takes a minute",
         .inject = [](Site& site) { return site.fault("audit-slow", true); },
         .clear = [](Site& site) { return site.fault("audit-slow", false); },
         .calm = Duration(75'000)},
    };
}

}  // namespace medic::live
