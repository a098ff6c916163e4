// The World of a running agent: operations become commands of node drivers, HTTP requests to sidecars, Connect and
// Flink, Kafka admin requests. Each key is sent at most once. It decides nothing: whoever calls send() holds a permit
// and the journal's ack.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/reactor.h"
#include "agent/world/world.h"

namespace medic {

// How a cluster is reached, as plain values (agent/daemon fills them from medic.yaml).
struct NodeDoor {
    std::map<std::string, std::vector<std::string>> commands;  // start, start_spare, stop, kill, kill_task, grow
    std::string sidecar{};            // Instead: the address of the agent on its host that has the commands …
    std::set<std::string> actions{};  // … and what that one may be asked for.
    std::optional<Duration>
        command_timeout{};  // A command is killed then, or at its operation's end if that is sooner.
};
struct DeploymentDoor {
    std::string url;                                           // Flink's REST address; "" = by commands.
    std::map<std::string, std::vector<std::string>> commands;  // start, verify
    struct Version {
        std::string artifact, entry;
        std::vector<std::string> args;
        int parallelism = 0;
    };
    std::map<std::string, Version> versions;
    std::optional<Duration> timeout{};  // Of starting and verifying; an operation's own if that is sooner.
};
struct ClusterDoors {
    std::string name;      // As in medic.yaml: decides which credentials a request may carry.
    std::string sender{};  // Of keys, for sidecars: two journals give the same ones ("I17/2/1").
    std::vector<std::string> connect_urls, flink_urls;
    std::map<std::string, NodeDoor> nodes;
    std::map<std::string, DeploymentDoor> deployments;  // By job.
};

class RealWorld : public World {
public:
    using OnReply = std::function<void(OperationReply)>;
    // Sends AlterConfigs and AlterReassignments; absent where a cluster has no Kafka. Calls back once, from any thread.
    using KafkaDoor = std::function<void(const Operation&, std::function<void(Result<std::string>)>)>;

    // `on_reply` is called on the reactor's thread.
    RealWorld(Reactor& reactor, HttpFetcher& fetcher, std::map<std::string, ClusterDoors> doors, OnReply on_reply);
    ~RealWorld() override;

    void set_kafka(const std::string& cluster, KafkaDoor door);  // Before the first send().
    // From any thread. Its time-out counts from now on: no request of it is sent once that has passed.
    void send(Operation operation) override;

    struct State;

private:
    std::shared_ptr<State> state_;
};

}  // namespace medic
