// Reads `nodes` with their drivers, and keeps how each endpoint's door is opened. Only for .cc files of agent/config.
#pragma once

#include <string>
#include <vector>

#include "agent/config/access_internal.h"
#include "agent/config/config.h"

namespace medic {

struct NodeLoader : AccessLoader {
    NodeConfig node(const YamlNode& node, ClusterConfig& cluster);
    // The key `timeout`, within what an operation may take.
    static Duration acting_timeout(config_table::Section& driver);
    // The same address twice must be opened in the same way.
    void access(config_table::Section& endpoint, const std::vector<std::string>& urls, ClusterConfig& cluster);

private:
    void keep(config_table::Section& endpoint, const HttpAccess& given, const std::string& url, ClusterConfig& cluster);
    NodeDriverConfig driver(const YamlNode& node, ClusterConfig& cluster);
    void sidecar(config_table::Section& section, const YamlNode& node, NodeDriverConfig& driver,
                 ClusterConfig& cluster);
    static void disks(config_table::Section& section, const NodeConfig& node);
};

}  // namespace medic
