// What must outlive a worker: connectors with their configuration and target state, and the sources' offsets. Kafka
// Connect keeps these in the topics connect-configs and connect-offsets; this worker keeps them in files of its data
// folder, written whole and renamed into place, because it is the only worker of its cluster.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "engine/connect/model.h"
#include "engine/connect/plugin.h"

namespace medic::engine::connect {

struct StoredConnector {
    Config config;
    State target = State::running;  // running, paused or stopped.
};

[[nodiscard]] Result<std::map<std::string, StoredConnector>> load_connectors(const std::string& data_dir);
[[nodiscard]] Status save_connectors(const std::string& data_dir,
                                     const std::map<std::string, StoredConnector>& connectors);

[[nodiscard]] Result<std::optional<SourceOffset>> load_source_offset(const std::string& data_dir, const TaskKey& task);
[[nodiscard]] Status save_source_offset(const std::string& data_dir, const TaskKey& task, const SourceOffset& offset);

}  // namespace medic::engine::connect
