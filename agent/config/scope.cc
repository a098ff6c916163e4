#include "agent/config/scope_internal.h"

#include <algorithm>
#include <initializer_list>
#include <string>

namespace medic {
namespace {

constexpr std::string_view elsewhere =
    ": a sidecar (`scope: node`) only looks at nodes of its own host and handles them when it is asked; this belongs "
    "into the file of the agent with `scope: cluster`";

Status only(const YamlNode& map, std::initializer_list<std::string_view> allowed) {
    for (const auto& [key, value] : map.entries())
        if (std::ranges::find(allowed, key) == allowed.end())
            return map.key_node(key).error(key + std::string(elsewhere));
    return {};
}

// A driver that is of this host and can at least be asked how its process is.
Status local_driver(const YamlNode& entry, const NodeConfig& node) {
    using Kind = NodeDriverConfig::Kind;
    const std::string what = "node `" + node.name + "`: ";
    if (node.driver.kind == Kind::none)
        return entry.error(what + "with `scope: node` it needs a `driver` of kind command or systemd");
    if (node.driver.kind == Kind::agent)
        return entry.get("driver").error(what + "kind agent: a sidecar asks no other one; expected command or systemd");
    if (!node.driver.can("status")) return entry.get("driver").error(what + "without `status` nobody could look at it");
    return {};
}

Status check_sidecar(const YamlNode& top, const Config& config) {
    MEDIC_CHECK(only(top, {"schema", "scope", "data_dir", "api", "intervals", "clusters"}));
    MEDIC_CHECK(only(top.get("intervals"), {"process"}));
    MEDIC_CHECK(only(top.get("api"), {"listen", "token_file"}));
    if (config.api_token_file.empty())
        return (top.get("api") ? top.get("api") : top)
            .error("api: with `scope: node` it needs `token_file`: without a token nobody may look or act");
    for (const ClusterConfig& cluster : config.clusters) {
        const YamlNode section = top.get("clusters").get(cluster.name);
        MEDIC_CHECK(only(section, {"nodes"}));
        const auto entries = section.get("nodes").items();
        if (entries.empty()) return section.error("nodes: with `scope: node` there must be at least one");
        for (std::size_t i = 0; i < entries.size() && i < cluster.nodes.size(); ++i)
            MEDIC_CHECK(local_driver(entries[i], cluster.nodes[i]));
    }
    return {};
}

}  // namespace

Status check_scope(const YamlNode& top, const Config& config) {
    if (config.scope == Scope::node) return check_sidecar(top, config);
    for (const ClusterConfig& cluster : config.clusters) {
        const auto entries = top.get("clusters").get(cluster.name).get("nodes").items();
        for (const YamlNode& entry : entries)
            if (const YamlNode threads = entry.get("driver").get("threads"))
                return threads.error("threads: only with `scope: node`: nobody else is asked for thread dumps");
    }
    return {};
}

}  // namespace medic
