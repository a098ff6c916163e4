// A cluster given by addresses on the command line, as a configuration. For subcommands that also take --config.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/config/config.h"

namespace medic::cli {

struct Addresses {
    std::vector<std::string> kafka, connect, flink;
    std::string prometheus, name;
    std::string access;  // File: how they are opened (load_access_file).
    [[nodiscard]] bool empty() const { return kafka.empty() && connect.empty() && flink.empty() && prometheus.empty(); }
};

inline constexpr const char* access_help =
    "File with the `tls`, `auth` and `sasl` of kafka, connect, flink and prometheus, in the words of medic.yaml; "
    "secrets stay in the files or variables that it names";

// With its scheme and without slashes at the end; refuses what is no address, and a login in it. `option` names it.
[[nodiscard]] Result<std::string> http_address(const std::string& option, std::string text);

// Refuses what is no address, and passwords in URLs: arguments are seen by everybody on the machine.
[[nodiscard]] Result<ClusterConfig> cluster_of(const Addresses& addresses);
// The same as a whole configuration, of this one cluster.
[[nodiscard]] Result<Config> config_of(const Addresses& addresses);

// medic.yaml of an agent that watches clusters. A sidecar's file is refused: what it holds is no picture of a cluster,
// and would be called healthy.
[[nodiscard]] Result<Config> load_cluster_config(const std::string& path);

}  // namespace medic::cli
