// `medic-engine workload`: the process that stands for the outside of the platform: it offers events to Kafka, keeps
// the ledger, and serves the services that job and connectors depend on (lookup, tickets, confirm). Controlled over
// HTTP by the lab and the drills:
//   GET /stats · POST /rate?records_per_second=N · POST /services/NAME/forget · POST /services/NAME/fail?count=N
//   POST /services/NAME/down?seconds=S
#pragma once

#include <span>

namespace medic::engine::workload {

[[nodiscard]] int run_workload(std::span<char*> args);

}  // namespace medic::engine::workload
