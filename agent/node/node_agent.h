// A running sidecar: NodeService with its thread, its clock, its commands and its HTTP server. Whole in itself: no
// loop, no rules, no journal of incidents, no request to anybody.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/result.h"
#include "agent/config/config.h"

namespace medic {

struct NodeAgentOptions {
    Config config;                                                            // With scope node.
    std::function<void(const std::string&)> say = [](const std::string&) {};  // One line for a person; from any thread.
};

class NodeAgent {
public:
    // Takes the data folder's lock, opens the book of operations, listens. Errors: invalid (configuration, tokens),
    // unavailable (port, lock).
    [[nodiscard]] static Result<std::unique_ptr<NodeAgent>> start(NodeAgentOptions options);
    ~NodeAgent();  // stop()
    NodeAgent(const NodeAgent&) = delete;
    NodeAgent& operator=(const NodeAgent&) = delete;

    // Takes no more orders, and waits for the commands that are running. Idempotent.
    void stop();
    [[nodiscard]] std::uint16_t port() const;

private:
    struct State;
    explicit NodeAgent(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace medic
