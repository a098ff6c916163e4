#include "agent/daemon/doors.h"

#include <algorithm>

#include "remediations/planning/request_time.h"

namespace medic {
namespace {

// What medic.yaml may ask for is what a step gives its request.
static_assert(driver_takes_max == request_takes_max);

bool is_fenced(const DeploymentConfig& deployment) {
    const auto start = deployment.commands.find("start");
    return start != deployment.commands.end() && std::ranges::any_of(start->second, [](const std::string& argument) {
               return argument.contains("{fencing_token}");
           });
}

}  // namespace

std::map<std::string, ClusterDoors> doors_of(const Config& config) {
    std::map<std::string, ClusterDoors> all;
    for (const ClusterConfig& cluster : config.clusters) {
        ClusterDoors& doors = all[cluster.name];
        doors.name = cluster.name;
        doors.connect_urls = cluster.connect_urls;
        doors.flink_urls = cluster.flink_urls;
        for (const NodeConfig& node : cluster.nodes)
            doors.nodes[node.name] = {.commands = node.driver.commands,
                                      .sidecar = node.driver.url,
                                      .actions = node.driver.actions,
                                      .command_timeout = node.driver.command_timeout};
        for (const DeploymentConfig& deployment : cluster.deployments) {
            DeploymentDoor& door = doors.deployments[deployment.job];
            if (deployment.kind == DeploymentConfig::Kind::session_rest) door.url = deployment.url;
            door.commands = deployment.commands;
            door.timeout = deployment.timeout;
            for (const DeploymentVersion& version : deployment.versions)
                door.versions[version.id] = {version.artifact, version.entry, version.args, version.parallelism};
        }
    }
    return all;
}

HttpAccessTable access_of(const Config& config) {
    HttpAccessTable table;
    for (const ClusterConfig& cluster : config.clusters)
        for (const auto& [url, access] : cluster.http) table.add(cluster.name, url, access);
    return table;
}

std::vector<ClusterInfo> clusters_of(const Config& config) {
    std::vector<ClusterInfo> all;
    for (const ClusterConfig& cluster : config.clusters) {
        ClusterInfo info;
        info.name = cluster.name;
        for (const NodeConfig& node : cluster.nodes)
            info.nodes.push_back({.name = node.name,
                                  .role = node.role,
                                  .zone = node.zone,
                                  .spare = node.spare,
                                  .can_start = node.driver.can("start"),
                                  .can_stop = node.driver.can("stop"),
                                  .can_kill = node.driver.can("kill"),
                                  .can_kill_task = node.driver.can("kill_task"),
                                  .can_grow = node.driver.can("grow")});
        for (const DeploymentConfig& deployment : cluster.deployments) {
            DeploymentInfo one;
            one.job = deployment.job;
            one.savepoints = deployment.savepoints;
            one.parallelism_max = deployment.parallelism_max;
            one.fenced = is_fenced(deployment);
            for (const DeploymentVersion& version : deployment.versions) {
                one.versions.push_back(version.id);
                one.parallelism[version.id] = version.parallelism;
                one.topics[version.id] = version.topics;
                // A team's own command may take what is no file here: an image, an address.
                if (deployment.kind == DeploymentConfig::Kind::session_rest)
                    one.artifacts[version.id] = version.artifact;
            }
            one.gate = {.hold = deployment.gate.hold,
                        .within = deployment.gate.within,
                        .group = deployment.gate.group,
                        .lag_max = deployment.gate.lag_max};
            info.deployments.push_back(std::move(one));
        }
        for (const ManagedByConfig& owner : cluster.managed)
            info.managed.push_back({owner.object, owner.by, owner.restarts});
        info.dead_letters = cluster.dead_letters;
        all.push_back(std::move(info));
    }
    return all;
}

}  // namespace medic
