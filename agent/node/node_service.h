// What a sidecar (`scope: node`) does, without sockets and threads of its own: it keeps the newest look at its nodes,
// and answers an agent of scope cluster: what it sees, a thread dump, and commands of its nodes' drivers, each key
// once. It decides nothing: there is no rule, no diagnosis and no policy here.
//   GET /api/v1/nodes · GET /api/v1/nodes/NAME/threads · POST
//   /api/v1/nodes/NAME/start|start_spare|stop|kill|kill_task|grow
//   {"cluster", "key", "fencing_token", "timeout_ms", "values": {…}} · GET /metrics · GET /-/healthy
// All under /api need a token. `?cluster=NAME`, or "cluster" in the body, where nodes of two clusters share a name.
// Status of an operation: 200 done · 400 invalid · 409 not ready · 503 nothing was done or the command failed, try
// again · 500 outcome unknown.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/api/tokens.h"
#include "agent/collectors/process/process.h"
#include "agent/config/config.h"
#include "agent/node/operation_book.h"
#include "agent/world/real/command.h"
#include "agent/world/real/http_server.h"

namespace medic {

class NodeService {
public:
    struct Parts {
        const Config& config;  // With scope node; outlives the service.
        TokenFile tokens;
        OperationBook book;
        // Runs a command to its end. Called by handle(), on its caller's thread.
        std::function<Result<CommandReply>(CommandRequest)> run;
        std::function<Now()> clock;
        std::function<void(const std::string&)> say = [](const std::string&) {};  // One line for a person.
        std::string proc = "/proc";
    };
    explicit NodeService(Parts parts);
    ~NodeService();
    NodeService(const NodeService&) = delete;
    NodeService& operator=(const NodeService&) = delete;

    // On one thread: status commands that are due, what they have said, and the look at all nodes.
    struct StatusDue {
        std::string cluster;
        StatusAsk ask;
    };
    [[nodiscard]] std::vector<StatusDue> due();
    void answer(const std::string& cluster, const std::string& node, const Result<std::string>& output);
    void look();

    // On any thread; an operation or a thread dump lasts as long as its command.
    [[nodiscard]] HttpResponse handle(const HttpRequest& request);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
