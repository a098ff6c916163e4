// What the service keeps, by who uses it. Only for the service's own source files: node_service.cc looks and answers,
// node_operations.cc acts.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/collectors/node/node_document.h"
#include "agent/node/node_service.h"

namespace medic {

// {"schema": 1, "error": …}
[[nodiscard]] HttpResponse node_problem(int status, const std::string& message);

struct NodeService::State {
    explicit State(Parts parts_in) : parts(std::move(parts_in)) {}

    Parts parts;

    std::map<std::string, ProcessCollector> collectors;  // By cluster; the looking thread's.

    // Of any thread.
    std::mutex mutex;
    struct Newest {
        Observation observation;
        Instant at;
    };
    std::map<std::string, Newest> newest;  // By cluster.
    using NodeName = std::pair<std::string, std::string>;
    std::set<NodeName> busy;  // Nodes that a command is running for.
    std::set<std::string> running;
    bool dumping = false;
    std::map<std::string, std::uint64_t> operations;  // By what came of them.
    std::uint64_t refused = 0;                        // Requests without a token that is known.

    std::mutex book_mutex;

    // The node that a request means.
    struct Found {
        std::string cluster;
        const NodeConfig* node = nullptr;
    };
    [[nodiscard]] Result<Found> find(const std::string& node, const std::string& cluster) const;
    [[nodiscard]] bool knows(const HttpRequest& request);

    [[nodiscard]] HttpResponse nodes(const HttpRequest& request);
    [[nodiscard]] HttpResponse threads(const HttpRequest& request);
    [[nodiscard]] HttpResponse healthy();
    [[nodiscard]] HttpResponse metrics();
    [[nodiscard]] std::optional<Duration> oldest_look(
        Instant now) const;  // Under the mutex; nullopt: not all looked at.

    [[nodiscard]] HttpResponse operation(const HttpRequest& request);
    struct Order;
    [[nodiscard]] Result<Order> read_order(const HttpRequest& request) const;
    [[nodiscard]] Status reserve(const Order& order);
    [[nodiscard]] Result<std::string> carry_out(const Order& order);
    [[nodiscard]] Result<std::string> run(const Order& order);
};

}  // namespace medic
