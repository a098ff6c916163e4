#include "agent/config/nodes_internal.h"

#include <algorithm>

#include <fmt/format.h>

namespace medic {

using config_table::Section;

namespace {

constexpr const char* node_actions[] = {"start", "start_spare", "stop", "kill", "kill_task", "grow"};

}  // namespace

// `auth` and `tls` of one endpoint; kept by its URLs only when there is something to keep.
void NodeLoader::access(Section& endpoint, const std::vector<std::string>& urls, ClusterConfig& cluster) {
    const HttpAccess given = http(endpoint);
    for (const std::string& url : urls) keep(endpoint, given, url, cluster);
}

void NodeLoader::keep(Section& endpoint, const HttpAccess& given, const std::string& url, ClusterConfig& cluster) {
    if (given.tls && !url.starts_with("https://"))
        endpoint.refuse(endpoint.node("tls"), "tls: `" + url + "` is plain HTTP: expected https://");
    const auto [known, added] = cluster.http.try_emplace(url, given);
    if (!added && known->second != given)
        endpoint.refuse(endpoint.node("auth") ? endpoint.node("auth") : endpoint.node("url"),
                        "`" + url + "` is there twice, with different `auth` or `tls`");
}

Duration NodeLoader::acting_timeout(Section& driver) {
    const Result<Duration> given = driver.has("timeout") ? driver.node("timeout").as_duration() : driver_takes_max;
    if (given && *given > driver_takes_max)
        driver.refuse(driver.node("timeout"),
                      fmt::format("timeout: expected at most {}, got {}: what acts is an operation, which must "
                                  "end within the agent's lease",
                                  format_duration(driver_takes_max), format_duration(*given)));
    return driver.has("timeout") ? driver.duration("timeout") : driver_takes_max;
}

// A sidecar looks at the node and handles it: all commands are its own.
void NodeLoader::sidecar(Section& section, const YamlNode& node, NodeDriverConfig& driver, ClusterConfig& cluster) {
    constexpr Duration look_timeout{3'000};
    if (!section.has("timeout")) driver.timeout = look_timeout;
    driver.url = section.text("url");
    if (driver.url.empty()) section.refuse(node, "driver: kind agent needs `url`");
    for (const auto& [action, command] : driver.commands)
        section.refuse(section.node(action),
                       action + ": the sidecar has its own commands; `actions` says which it may be asked for");
    for (const std::string& action : section.texts("actions")) {
        if (std::ranges::find(node_actions, action) == std::end(node_actions))
            section.refuse(section.node("actions"),
                           "actions: expected start, start_spare, stop, kill, kill_task or grow, got `" + action + "`");
        driver.actions.insert(action);
    }
    driver.actions.insert("status");
    HttpAccess given = http(section);
    const std::string token_file = path(section.text("token_file"));
    if (token_file.empty() == !given.auth.bearer.given())
        section.refuse(node, "driver: kind agent needs a token: `token_file`, or `auth` with `bearer_…`, one of them");
    if (!token_file.empty()) given.auth.bearer.file = token_file;
    keep(section, given, driver.url, cluster);
}

NodeDriverConfig NodeLoader::driver(const YamlNode& node, ClusterConfig& cluster) {
    using Kind = NodeDriverConfig::Kind;
    Section section(node, "clusters.NAME.nodes[].driver", status);
    NodeDriverConfig driver;
    const std::string kind = section.text("kind");
    driver.kind = kind == "systemd" ? Kind::systemd : kind == "agent" ? Kind::agent : Kind::command;
    driver.unit = section.text("unit");
    driver.timeout = section.duration("timeout");
    for (const char* action : {"status", "threads"})
        if (section.has(action)) driver.commands[action] = section.texts(action);
    for (const char* action : node_actions)
        if (section.has(action)) driver.commands[action] = section.texts(action);
    if (driver.kind != Kind::systemd && !driver.unit.empty())
        section.refuse(section.node("unit"), "unit: only for kind systemd");
    if (driver.kind == Kind::agent) {
        sidecar(section, node, driver, cluster);
        return driver;
    }
    driver.command_timeout = acting_timeout(section);
    for (const char* key : {"url", "token_file", "auth", "tls", "actions"})
        if (section.has(key)) section.refuse(section.node(key), std::string(key) + ": only for kind agent");
    if (driver.kind == Kind::systemd) {
        if (driver.unit.empty()) section.refuse(node, "driver: kind systemd needs `unit`");
        driver.commands.try_emplace("start", std::vector<std::string>{"systemctl", "start", driver.unit});
        driver.commands.try_emplace("stop", std::vector<std::string>{"systemctl", "stop", driver.unit});
        driver.commands.try_emplace("kill",
                                    std::vector<std::string>{"systemctl", "kill", "--signal=SIGKILL", driver.unit});
        driver.commands.try_emplace(
            "status", std::vector<std::string>{"systemctl", "show", "--property=MainPID,ActiveState", driver.unit});
    }
    return driver;
}

void NodeLoader::disks(Section& section, const NodeConfig& node) {
    constexpr std::size_t disks_max = 16;
    if (node.disks.size() > disks_max)
        section.refuse(section.node("disks"), fmt::format("disks: at most {} paths", disks_max));
    for (const std::string& path : node.disks)
        if (!path.starts_with('/'))
            section.refuse(section.node("disks"), "disks: expected absolute paths, got `" + path + "`");
    if (!node.disks.empty() && node.driver.kind == NodeDriverConfig::Kind::agent)
        section.refuse(section.node("disks"), "disks: belongs to the file of the sidecar, on the node's own host");
}

NodeConfig NodeLoader::node(const YamlNode& node, ClusterConfig& cluster) {
    Section section(node, "clusters.NAME.nodes[]", status);
    NodeConfig result{.name = section.text("name"),
                      .role = section.text("role"),
                      .spare = section.boolean("spare"),
                      .zone = section.text("zone"),
                      .disks = section.texts("disks"),
                      .driver = {}};
    if (section.has("driver")) result.driver = driver(section.node("driver"), cluster);
    disks(section, result);
    return result;
}

}  // namespace medic
