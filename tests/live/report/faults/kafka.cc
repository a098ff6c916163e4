// Kafka's brokers, and where their records lie.
#include <fmt/format.h>

#include "tests/live/report/fault.h"

namespace medic::live {
namespace {

// A broker that isn't the active controller, so that the fault is a broker's alone.
std::function<Status(Site&)> at_plain_broker(const std::string& action) {
    return [action](Site& site) -> Status {
        site.kafka().forget_metadata();
        MEDIC_TRY(const KafkaBrokers cluster, site.kafka().brokers());
        for (const auto& [id, endpoint] : cluster.brokers)
            if (id != cluster.controller_id) return site.node(action, fmt::format("broker-{}", id));
        return fail(ErrorCode::unavailable, "only one broker is there");
    };
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
    };
}

}  // namespace medic::live
