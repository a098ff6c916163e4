// Kafka's brokers, and where their records lie.
#include <fmt/format.h>

#include "tests/live/report/fault.h"
#include "tests/live/small_disk.h"

namespace medic::live {
namespace {

// A broker that isn't the active controller, so that the fault is a broker's alone.
Result<std::string> plain_broker(Site& site) {
    MEDIC_TRY(const std::int32_t controller, site.active_controller());
    MEDIC_TRY(const KafkaBrokers cluster, site.kafka().brokers());
    for (const auto& [id, endpoint] : cluster.brokers)
        if (id != controller) return fmt::format("broker-{}", id);
    return fail(ErrorCode::unavailable, "only one broker is there");
}

std::function<Status(Site&)> at_plain_broker(const std::string& action) {
    return [action](Site& site) -> Status {
        MEDIC_TRY(const std::string node, plain_broker(site));
        return site.node(action, node);
    };
}

Status kill_active_controller(Site& site) {
    MEDIC_TRY(const std::int32_t controller, site.active_controller());
    return site.node("kill", fmt::format("broker-{}", controller));
}

// In good order, and its copies have caught up when this returns.
Status restart_plain_broker(Site& site) {
    MEDIC_TRY(const std::string node, plain_broker(site));
    MEDIC_CHECK(site.node("stop", node));
    MEDIC_CHECK(site.node("start", node));
    return wait_until(std::chrono::seconds(90), [&] { return site.replicas_in_sync(); });
}

// As its owner would: what fills the disk goes, then the broker is started again.
Status make_room(Site& site) {
    MEDIC_CHECK(empty_disk(small_disk_folder(site.data_dir())));
    return site.lives(small_disk_broker) ? Status{} : site.node("start", small_disk_broker);
}

}  // namespace

std::vector<Fault> kafka_faults() {
    return {
        {.name = "broker-killed",
         .told = "a broker is killed",
         .side = "system",
         .causes = {"kafka.broker-lost"},
         .inject = at_plain_broker("kill"),
         .clear = {}},
        {.name = "broker-frozen",
         .told = "a broker stands still",
         .side = "system",
         .causes = {"kafka.broker-frozen"},
         .inject = at_plain_broker("freeze"),
         .clear = {},
         .history = Duration(30'000)},
        {.name = "active-controller-killed",
         .told = "the broker that is the active controller is killed",
         .side = "system",
         .causes = {"kafka.broker-lost"},
         .inject = kill_active_controller,
         .clear = {}},
        {.name = "partition-skew",
         .told = "a broker is back from a restart, and others go on leading its partitions: balancing is off",
         .side = "system",
         .causes = {"kafka.leaders-displaced"},
         .inject = restart_plain_broker,
         .clear = [](Site& site) { return site.elect_preferred_leaders(); },
         .hits = Hits::nothing,
         .counts = Counts::from_its_end,
         .patience = Duration(240'000),  // Leaders are left where they are for a minute: a roll may not be over.
         .history = Duration(60'000),
         .needs = {.connect_workers = 1, .kafka = {{"auto.leader.rebalance.enable", "false"}}},
         .mended = [](Site& site) { return site.preferred_leaders_lead(); }},
        {.name = "log-dir-full",
         .told = "another program's file fills the disk of a broker's log directory",
         .side = "system",
         .causes = {"kafka.disk-filled-by-others", "host.disk-full"},
         .inject = [](Site& site) { return fill_disk(small_disk_folder(site.data_dir())); },
         .clear = make_room,
         .ends = Ends::by_a_person,
         .history = Duration(60'000)},
    };
}

}  // namespace medic::live
