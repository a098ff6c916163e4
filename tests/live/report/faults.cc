#include <algorithm>
#include <iterator>

#include "tests/live/report/fault.h"

namespace medic::live {

std::vector<Fault> all_faults() {
    std::vector<Fault> all;
    for (const auto family : {job_faults, flink_node_faults, connect_faults, kafka_faults, deployment_faults}) {
        std::vector<Fault> faults = family();
        std::ranges::move(faults, std::back_inserter(all));
    }
    return all;
}

}  // namespace medic::live
